/* Checks the folder `snapshots`: header, checksum, and whether the content can be taken in. A
 * damaged one is no loss if the one before it is good or its log is still there from the beginning;
 * which of both it is shows in what the journal's check says about missing segments. One that is
 * whole and cannot be taken in is of another program: a start refuses it rather than go back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "workers/check.h"
#include "workers/disk.h"
#include "workers/export.h"
#include "workers/segment.h"
#include "workers/snapshot.h"

/* Reads nothing, keeps nothing: an import asks neither. */
static const struct rt_store no_store = {0};

/* NULL, or why the content cannot be taken in. */
static const char *import(const struct rt_check *check, const struct rt_snapshot *snapshot,
                          uint64_t *accounts, char text[RT_JOURNAL_ERROR])
{
    struct rt_config *config = malloc(sizeof(*config));
    struct rt_core core = {0};
    const char *wrong = "out of memory";

    if (config == NULL)
        return wrong;
    rt_config_init(config);
    if (rt_core_init(&core, config, snapshot->partition, check->partitions, check->partitions, 0, 1,
                     no_store)) {
        bool good = rt_core_import(&core, core.shards[snapshot->partition],
                                   rt_buffer_span(&snapshot->content), text);

        wrong = good ? NULL : text;
        *accounts = core.accounts;
    }
    rt_core_free(&core);
    free(config);
    return wrong;
}

enum kind { NEWEST, BEFORE, UNFINISHED, OTHER };

static enum kind kind_of(const char *name, uint32_t *partition)
{
    static const char *const endings[] = {"snap", "old", "new"};
    unsigned number;
    char again[16];

    if (sscanf(name, "%4x.", &number) != 1)
        return OTHER;
    *partition = number;
    for (int i = 0; i < OTHER; i++) {
        snprintf(again, sizeof(again), "%04x.%s", number & 0xffff, endings[i]);
        if (strcmp(again, name) == 0)
            return (enum kind)i;
    }
    return OTHER;
}

/* True if the logs in which the partition's records stand begin where they once began: without any
 * snapshot recovery makes the same state. */
static bool is_replayable(const struct rt_check *check, uint32_t partition)
{
    for (size_t i = 0; i < check->generations.count; i++) {
        const struct rt_generation *generation = &check->generations.all[i];
        char path[RT_PATH + RT_SEGMENT_NAME + 16], name[RT_SEGMENT_NAME];

        rt_segment_name(name, generation->log + partition % generation->workers, 1);
        snprintf(path, sizeof(path), "%s/journal/%s", check->state_dir, name);
        if (access(path, F_OK) != 0)
            return false;
    }
    return true;
}

/* True if another file of the partition is good. */
static bool has_other(int folder, uint32_t partition, enum kind kind)
{
    struct rt_snapshot other;
    uint64_t offset;
    char name[16];
    bool good;

    snprintf(name, sizeof(name), "%04x.%s", partition, kind == NEWEST ? "old" : "snap");
    good = rt_snapshot_read(folder, name, partition, &other, &offset) == NULL;
    rt_buffer_free(&other.content);
    return good;
}

static enum rt_weight weigh(const struct rt_check *check, int folder, uint32_t partition,
                            enum kind kind)
{
    return has_other(folder, partition, kind) || is_replayable(check, partition) ? RT_FOUND_MENDED
                                                                                 : RT_FOUND_LOST;
}

static void check_file(struct rt_check *check, int folder, const char *name)
{
    char file[sizeof("snapshots/") + NAME_MAX], text[RT_JOURNAL_ERROR];
    struct rt_snapshot snapshot;
    uint32_t partition = 0;
    enum kind kind = kind_of(name, &partition);
    enum rt_weight weight;
    uint64_t offset, accounts = 0;
    const char *wrong;

    snprintf(file, sizeof(file), "snapshots/%s", name);
    if (kind == OTHER || partition >= check->partitions) {
        rt_check_found(check, RT_FOUND_NOTE, file, 0, "a file that is none of retaind's");
        return;
    }
    wrong = rt_snapshot_read(folder, name, partition, &snapshot, &offset);
    if (wrong != NULL && kind == UNFINISHED) {
        rt_check_found(check, RT_FOUND_NOTE, file, offset, "a snapshot that a stop cut short");
        return;
    }
    if (wrong != NULL) {
        weight = weigh(check, folder, partition, kind);
    } else {
        wrong = import(check, &snapshot, &accounts, text);
        weight = RT_FOUND_LOST;
    }
    check->checked.snapshots++;
    check->checked.accounts += kind == NEWEST ? accounts : 0;
    check->checked.bytes += snapshot.content.size;
    if (wrong == NULL && snapshot.position > check->covered[partition])
        check->covered[partition] = snapshot.position;
    rt_buffer_free(&snapshot.content);
    if (wrong != NULL)
        rt_check_found(check, weight, file, offset, wrong);
}

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

bool rt_check_snapshots(struct rt_check *check, int folder)
{
    struct dirent **entries = NULL;
    int count = scandirat(folder, ".", &entries, NULL, by_name);

    if (count < 0) {
        snprintf(check->error, sizeof(check->error), "snapshots: listing failed: %s",
                 strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            check_file(check, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return true;
}
