#include "tests/lib/fuzz_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/assert.h"
#include "tests/lib/scratch.h"

static char *path;
static int folder = -1;

static void clean_up(void)
{
    close(folder);
    rt_scratch_remove(path);
}

int fuzz_folder(void)
{
    if (folder < 0) {
        path = rt_scratch_new();
        folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        RT_ASSERT(folder >= 0);
        atexit(clean_up);
    }
    return folder;
}

const char *fuzz_folder_path(void)
{
    (void)fuzz_folder();
    return path;
}

void fuzz_folder_write(const char *name, struct rt_span bytes)
{
    const char *slash = strchr(name, '/');
    char below[64];

    if (slash != NULL) {
        snprintf(below, sizeof(below), "%.*s", (int)(slash - name), name);
        mkdirat(fuzz_folder(), below, 0700);
    }
    rt_scratch_write(fuzz_folder_path(), name, bytes.data, bytes.size);
}

static void empty(int at)
{
    DIR *listing = fdopendir(at);
    struct dirent *entry;

    RT_ASSERT(listing != NULL);
    while ((entry = readdir(listing)) != NULL) {
        int below;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(at, entry->d_name, 0) == 0)
            continue;
        below = openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        RT_ASSERT(below >= 0);
        empty(below);
    }
    closedir(listing);
}

void fuzz_folder_empty(void)
{
    int at = openat(fuzz_folder(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    RT_ASSERT(at >= 0);
    empty(at);
}
