/* Room in the journal: asked for before anything changes, watched before there is none. Each change is
 * said once in the log; the numbers go to the daemon with every PONG. */
#include <inttypes.h>

#include "workers/worker.h"

bool rt_room_for(struct rt_worker *worker, uint64_t bytes, uint32_t records)
{
    bool room = rt_journal_reserve(worker->journal, bytes, records);

    if (room)
        return true;
    if (!worker->disk_full || bytes > worker->wanted_bytes) {
        worker->wanted_bytes = bytes;
        worker->wanted_records = records;
    }
    if (!worker->disk_full)
        rt_worker_log(worker, "err", "journal=full");
    worker->disk_full = true;
    return false;
}

/* Full until the largest that was refused fits, whether or not anybody sends again. */
static void ask_again(struct rt_worker *worker)
{
    if (!worker->disk_full ||
        !rt_journal_reserve(worker->journal, worker->wanted_bytes, worker->wanted_records))
        return;
    rt_worker_log(worker, "notice", "journal=has-room");
    worker->disk_full = false;
}

void rt_room_watch(struct rt_worker *worker)
{
    struct rt_journal_room room;
    bool low;

    ask_again(worker);
    rt_journal_room(worker->journal, &room);
    low = rt_journal_room_is_low(worker->journal, &room,
                                 (unsigned)worker->config->journal_warn_percent);
    if (low != worker->disk_low)
        rt_worker_log(worker, low ? "warning" : "notice",
                      "journal=%s left_bytes=%" PRIu64 " of_bytes=%" PRIu64,
                      low ? "low-on-space" : "enough-space", room.left, room.of);
    worker->disk_low = low;
    worker->disk_left = room.left;
}
