#include "tests/lib/fuzz_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/assert.h"

static char path[PATH_MAX];
static int folder = -1;

static void empty(int at, bool folders_too)
{
    int again = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;

    RT_ASSERT(listing != NULL);
    while ((entry = readdir(listing)) != NULL) {
        int below;

        if (entry->d_name[0] == '.' &&
            (entry->d_name[1] == '\0' || strcmp(entry->d_name, "..") == 0))
            continue;
        below = openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (below >= 0) {
            empty(below, folders_too);
            close(below);
        }
        if (below < 0 || folders_too)
            unlinkat(at, entry->d_name, below < 0 ? 0 : AT_REMOVEDIR);
    }
    closedir(listing);
}

static void clean_up(void)
{
    empty(folder, true);
    close(folder);
    rmdir(path);
}

static const char *above(void)
{
    const char *chosen = getenv("TMPDIR");

    if (chosen != NULL && chosen[0] != '\0')
        return chosen;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

int fuzz_folder(void)
{
    if (folder < 0) {
        snprintf(path, sizeof(path), "%s/retaind-fuzz-XXXXXX", above());
        RT_ASSERT(mkdtemp(path) != NULL);
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
    int file;

    if (slash != NULL) {
        snprintf(below, sizeof(below), "%.*s", (int)(slash - name), name);
        mkdirat(fuzz_folder(), below, 0700);
    }
    file = openat(fuzz_folder(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    RT_ASSERT(file >= 0);
    RT_ASSERT(bytes.size == 0 || write(file, bytes.data, bytes.size) == (ssize_t)bytes.size);
    close(file);
}

void fuzz_folder_empty(void)
{
    empty(fuzz_folder(), false);
}
