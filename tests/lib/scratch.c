#include "tests/lib/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/assert.h"

enum { PATH_BYTES = 512 };

char *rt_scratch_new(void)
{
    const char *const bases[] = {getenv("TMPDIR"), "/dev/shm", "/tmp"};
    char *folder;

    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        if (bases[i] == NULL) {
            continue;
        }
        RT_ASSERT(asprintf(&folder, "%s/retain-test-XXXXXX", bases[i]) > 0);
        if (mkdtemp(folder) != NULL) {
            return folder;
        }
        free(folder);
    }
    RT_ASSERT(false);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void rt_scratch_remove(char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

uint8_t *rt_scratch_read(const char *folder, const char *name, size_t *size)
{
    char path[PATH_BYTES];
    struct stat status;
    uint8_t *data;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_RDONLY);
    RT_ASSERT(fd >= 0 && fstat(fd, &status) == 0);
    *size = (size_t)status.st_size;
    data = malloc(*size + 1);
    RT_ASSERT(data != NULL && pread(fd, data, *size, 0) == (ssize_t)*size);
    close(fd);
    return data;
}

void rt_scratch_write(const char *folder, const char *name, const void *data, size_t size)
{
    char path[PATH_BYTES];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    RT_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

void rt_scratch_state(const char *folder, unsigned partitions, const char *generations)
{
    static const char secret[] = "000000000000002a\n";
    char format[64];
    int size =
        snprintf(format, sizeof(format), "format 1\npartitions %u\nhash xxh3-64\n", partitions);

    rt_scratch_write(folder, "format", format, (size_t)size);
    rt_scratch_write(folder, "generations", generations, strlen(generations));
    rt_scratch_write(folder, "secret", secret, sizeof(secret) - 1);
}
