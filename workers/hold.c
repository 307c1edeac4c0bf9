#include "workers/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

enum { STEP_MS = 10 };

static int open_journal(const char *state_dir)
{
    int above = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int folder = above < 0 ? -1 : openat(above, "journal", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fault = errno;

    if (above >= 0) {
        close(above);
    }
    errno = fault;
    return folder;
}

static int hold(const char *state_dir, int how)
{
    int folder = open_journal(state_dir), fault;

    if (folder >= 0 && flock(folder, how | LOCK_NB) != 0) {
        fault = errno;
        close(folder);
        errno = fault;
        return -1;
    }
    return folder;
}

int rt_hold_shared(const char *state_dir)
{
    return hold(state_dir, LOCK_SH);
}

int rt_hold_alone(const char *state_dir, int wait_ms)
{
    int held = hold(state_dir, LOCK_EX);

    for (; held < 0 && errno == EWOULDBLOCK && wait_ms > 0; wait_ms -= STEP_MS) {
        poll(NULL, 0, STEP_MS);
        held = hold(state_dir, LOCK_EX);
    }
    return held;
}

void rt_hold_release(int held)
{
    if (held >= 0) {
        close(held);
    }
}
