/* Checks the folder `curves`: headers, checksums, order. A record that is damaged is the history of
 * one account's score, and nothing else: no start reads it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "workers/check.h"
#include "workers/curve_file.h"

static void check_bytes(struct rt_check *check, uint32_t partition, const char *file)
{
    struct rt_curve_fault fault;
    struct rt_curve_table table;
    struct rt_buffer bytes;

    if (!rt_curve_file_read(check->state_dir, partition, &bytes)) {
        rt_check_found(check, RT_FOUND_LOST, file, 0, strerror(errno));
        return;
    }
    if (!rt_curve_table_decode(rt_buffer_span(&bytes), partition, &table, &fault))
        fault = (struct rt_curve_fault){.what = "out of memory"};
    check->checked.bytes += bytes.size;
    rt_curve_table_free(&table);
    rt_buffer_free(&bytes);
    if (fault.what != NULL)
        rt_check_found(check, RT_FOUND_LOST, file, fault.offset, fault.what);
}

static void check_file(struct rt_check *check, const char *name)
{
    char file[sizeof("curves/") + NAME_MAX], again[32];
    unsigned partition = 0;

    snprintf(file, sizeof(file), "curves/%s", name);
    if (sscanf(name, "%4x.", &partition) == 1 && partition < check->partitions) {
        snprintf(again, sizeof(again), "%04x.curve", partition);
        if (strcmp(again, name) == 0) {
            check_bytes(check, partition, file);
            return;
        }
        snprintf(again, sizeof(again), "%04x.new", partition);
        if (strcmp(again, name) == 0) {
            rt_check_found(check, RT_FOUND_NOTE, file, 0, "a file that a stop left unfinished");
            return;
        }
    }
    rt_check_found(check, RT_FOUND_NOTE, file, 0, "a file that is none of retaind's");
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

bool rt_check_curves(struct rt_check *check, int folder)
{
    struct dirent **entries = NULL;
    int count = scandirat(folder, ".", &entries, NULL, by_name);

    if (count < 0) {
        snprintf(check->error, sizeof(check->error), "curves: listing failed: %s", strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            check_file(check, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return true;
}
