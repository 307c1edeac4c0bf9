/* See history.h. The journal's own walk, over a journal that was not opened for writing. */
#include "workers/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "workers/journal_private.h"
#include "workers/unused.h"
#include "workers/voids.h"

struct walk {
    rt_history_take *take;
    rt_journal_damaged *damaged;
    void *context;
    struct rt_voids voids; /* of all logs: a command may stand behind its event in a later one */
};

static bool take_record(void *context, const struct rt_record *record)
{
    struct walk *walk = context;

    return record->type != RT_RECORD_EVENT ||
           rt_voids_find(&walk->voids, record->position) != NULL ||
           walk->take(walk->context, record->body);
}

static bool note_void(void *context, const struct rt_record *record)
{
    struct walk *walk = context;

    return rt_voids_note(&walk->voids, record);
}

static void tell_damage(void *context, const char *file, uint64_t offset, const char *what)
{
    struct walk *walk = context;

    walk->damaged(walk->context, file, offset, what);
}

static bool walk_logs(const char *state_dir, int folder, struct walk *walk, char *error)
{
    struct rt_journal journal = {.state_dir = (char *)state_dir, .folder = folder};
    bool walked = rt_logs_list(&journal.logs, folder);

    if (!walked) {
        snprintf(error, RT_JOURNAL_ERROR, "journal: %s", strerror(errno));
    }
    for (size_t i = 0; walked && i < journal.logs.count; i++) {
        walked =
            rt_journal_walk(&journal, journal.logs.logs[i].id, 0, note_void, NULL, walk, error);
    }
    for (size_t i = 0; walked && i < journal.logs.count; i++) {
        walked = rt_journal_walk(&journal, journal.logs.logs[i].id, 0, take_record, tell_damage,
                                 walk, error);
    }
    rt_logs_free(&journal.logs);
    return walked;
}

bool rt_history_walk(const char *state_dir, rt_history_take *take, rt_journal_damaged *damaged,
                     void *context, char *error, size_t error_size)
{
    struct walk walk = {.take = take, .damaged = damaged, .context = context};
    char path[4096], fault[RT_JOURNAL_ERROR] = "";
    int lock, folder;
    bool walked = false;

    if (!rt_unused_hold(state_dir, &lock, error, error_size)) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/journal", state_dir);
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        snprintf(error, error_size, "%s is no state directory with a journal: %s", state_dir,
                 strerror(errno));
    } else {
        walked = walk_logs(state_dir, folder, &walk, fault);
        snprintf(error, error_size, "%s", fault);
    }
    rt_voids_free(&walk.voids);
    rt_disk_close(folder);
    rt_unused_release(lock);
    return walked;
}
