/* The journal: an append-only log of segments with group commit. One worker writes one log; logs of
 * earlier generations (another workers.count) stay readable beside it. This file and what it uses
 * are the only ones that write events to disk.
 *
 * Files: STATE_DIR/journal/LLLL-SSSSSS.seg (log, segment, hexadecimal), preallocated and zeroed;
 * LLLL.lock. Format: docs/FORMATS.md.
 *
 * Memory runs ahead of disk by one group: rt_journal_append only fills the group, rt_journal_commit
 * hands it to a thread that writes and fdatasyncs it while the next one is filled. A failed write
 * or fdatasync can not be undone: the journal reports it as RT_JOURNAL_FAILED and the process must
 * end without acknowledging. Lack of space is met only in rt_journal_reserve, before anything
 * changed. */
#ifndef RT_WORKERS_JOURNAL_H
#define RT_WORKERS_JOURNAL_H

#include "protocol/span.h"
#include "protocol/writer.h"

/* Where a record stands: log (16 bits), segment (22), offset / 8 (26). 0: nowhere. Ascending within
 * a log, and from a log to a later one. */
typedef uint64_t rt_position;

static inline uint32_t rt_position_log(rt_position position)
{
    return (uint32_t)(position >> 48);
}

enum rt_record_type {
    RT_RECORD_EVENT = 1,     /* the event's bytes as they were sent; flags: RT_RECORD_QUIET */
    RT_RECORD_ALERT = 2,     /* a rt_link_alert body: judged output */
    RT_RECORD_COMMAND = 3,   /* an operator's command (workers/command.h) */
    RT_RECORD_DEAD = 4,      /* a dead letter (workers/dead.h) */
    RT_RECORD_ERASE = 5,     /* intent to erase (keyed hash, no name) */
    RT_RECORD_PUBLISHED = 6, /* u64 position of an alert, u64 its publication number */
    RT_RECORD_COMMIT = 7, /* end of a group: i64 judging time, u64 epoch of the configuration; the
                             journal's own */
    RT_RECORD_START = 8,  /* first of a segment, the journal's own: never given out */
    RT_RECORD_END = 9,    /* last of a full segment, the journal's own: never given out */
};

enum {
    RT_RECORD_QUIET = 1,
    RT_RECORD_SCRUBBED = 128, /* the journal's own: erased, the body is zeroes */
};

struct rt_record {
    rt_position position;
    rt_position previous; /* same account's record before this one, 0: none */
    enum rt_record_type type;
    uint8_t flags;
    uint32_t partition;
    struct rt_span
        body; /* from read: valid until the next append, commit or trim; from walk: within `take` */
};

struct rt_journal;

enum { RT_JOURNAL_ERROR = 256 };

struct rt_journal_options {
    const char *state_dir;
    uint32_t log;           /* the one that is written */
    uint64_t segment_bytes; /* a power of two, 64 KiB..512 MiB; of segments made from now on */
    uint64_t max_bytes; /* of all segments of this log, spare ones too; 0: no limit. The first is
                           made in any case */
    int notify_fd;      /* an eventfd that is written when a commit completes; -1: none */
};

/* Opens (or creates) the log for writing, cuts a torn tail at the last whole group. Locks it
 * against a second writer. Logs of earlier generations found in the directory are opened for
 * reading when a position in them is read. NULL with a sentence in error. */
struct rt_journal *rt_journal_open(const struct rt_journal_options *options, char *error);
void rt_journal_close(struct rt_journal *journal); /* waits for a commit in flight; takes NULL */

/* What opening found and repaired, a sentence that names file and offset (a torn tail that was
 * cut), "" if nothing. */
const char *rt_journal_note(const struct rt_journal *journal);

/* Logs that have segments in the directory, this worker's own and other workers' too, ascending;
 * their number (at most `max` are stored). */
size_t rt_journal_logs(struct rt_journal *journal, uint32_t *logs, size_t max);

/* Walks the committed records of any log in the directory, from the first record at or after `from`
 * (an rt_journal_end or a record's position in that log, or 0: its beginning). `take` gets each
 * record (COMMIT too, erased ones not) and returns false to stop. A record whose checksum fails
 * before the log's end is reported through `damaged` (file, offset; the walk goes on at the next
 * record that can be trusted), as is a segment that is missing. Returns false on an I/O error or if
 * `take` stopped, with error filled. */
typedef bool rt_journal_take(void *context, const struct rt_record *record);
typedef void rt_journal_damaged(void *context, const char *file, uint64_t offset, const char *what);
bool rt_journal_walk(struct rt_journal *journal, uint32_t log, rt_position from,
                     rt_journal_take *take, rt_journal_damaged *damaged, void *context,
                     char *error);

/* True if `bytes` more of record bodies in `records` records will fit: what is appended until the
 * next call (calls do not add up). Normally arithmetic; waits for a segment that is being made if
 * writing outruns that. False: no space (disk full or max_bytes), nothing changed; it is tried
 * again in the background until there is room. */
bool rt_journal_reserve(struct rt_journal *journal, uint64_t bytes, uint32_t records);

/* What more of the journal may take: of the file system, or of max_bytes if that is the smaller
 * share. */
struct rt_journal_room {
    uint64_t left, of; /* of 0: not known */
};
void rt_journal_room(const struct rt_journal *journal, struct rt_journal_room *room);
/* True if less than `percent` of it is left, or not one segment. 0 percent: never. */
bool rt_journal_room_is_low(const struct rt_journal *journal, const struct rt_journal_room *room,
                            unsigned percent);

/* Another limit, from now on; what is there already stays. */
void rt_journal_set_max(struct rt_journal *journal, uint64_t max_bytes);

/* Appends to the group that is being filled. Space must have been reserved (alerts and commands may
 * exceed it: half a segment of slack is always kept). 0 without memory or space, or if the body is
 * larger than rt_journal_body_max; nothing changed then. */
rt_position rt_journal_append(struct rt_journal *journal, enum rt_record_type type, uint8_t flags,
                              uint32_t partition, rt_position previous, struct rt_span body);

/* The largest body of a record: a quarter of a segment. */
size_t rt_journal_body_max(const struct rt_journal *journal);

/* Bytes appended and not yet handed over. */
uint64_t rt_journal_pending(const struct rt_journal *journal);

/* True while a group is being written: commit must wait. */
bool rt_journal_in_flight(const struct rt_journal *journal);

/* Closes the group with a COMMIT record and starts writing it. Must not be called while one is in
 * flight. */
void rt_journal_commit(struct rt_journal *journal, int64_t now, uint64_t config_epoch);

enum rt_journal_state { RT_JOURNAL_IDLE, RT_JOURNAL_WRITING, RT_JOURNAL_DONE, RT_JOURNAL_FAILED };
/* DONE exactly once for each commit. FAILED: the reason in error (RT_JOURNAL_ERROR bytes), for
 * good. */
enum rt_journal_state rt_journal_poll(struct rt_journal *journal, char *error);
/* Waits for the commit in flight. */
enum rt_journal_state rt_journal_wait(struct rt_journal *journal, char *error);

/* Reads one record of any log, also of a group not yet on disk. False if it is gone (trimmed,
 * erased) or damaged, or cannot be read: the journal has then FAILED, since whoever took the record
 * for gone would count an event twice or leave a part out in silence. of an erased one record->previous is filled all the same, so that a chain can
 * be followed past it, else it is 0. */
bool rt_journal_read(struct rt_journal *journal, rt_position position, struct rt_record *record);

/* True if a record should stand there and none does: its segment is there, it was not erased, and its
 * checksum does not pass. */
bool rt_journal_is_damaged(struct rt_journal *journal, rt_position position);

/* True once it has FAILED, of which poll tells the reason. */
bool rt_journal_failed(const struct rt_journal *journal);

/* The position after the last record that is on disk (its commit was reported DONE). */
rt_position rt_journal_end(const struct rt_journal *journal);

/* The position after the last record that was appended: what a snapshot taken now covers. It must
 * not be saved before rt_journal_end has reached it, else a crash would leave a snapshot ahead of
 * its journal. */
rt_position rt_journal_next(const struct rt_journal *journal);

/* Newest judging time in the log (0: none). */
int64_t rt_journal_time(const struct rt_journal *journal);

/* Overwrites a record's body with zeroes in place: type, sizes and chain stay; walks and reads skip
 * it. scrub notes the record (committed ones only; false if it is no record, or without memory),
 * scrub_sync does it for all that were noted: from an intent on disk, so that a crash in the middle
 * is finished by the next open of any log in the directory. False with error: the intent could not
 * be written (disk full) and nothing has changed, or overwriting failed and the journal has FAILED.
 * Records that are scrubbed already are fine. */
bool rt_journal_scrub(struct rt_journal *journal, rt_position position);
bool rt_journal_scrub_sync(struct rt_journal *journal, char *error);
/* True if records are noted that scrub_sync has not done yet. */
bool rt_journal_scrub_noted(const struct rt_journal *journal);

/* Cuts off what a stop left without a commit behind the end of logs that nobody writes any more: no walk
 * gives it, and it may hold anybody's events. For one worker to do. False with error. */
bool rt_journal_cut_others(struct rt_journal *journal, char *error);

/* True if the directory holds the intent of a scrub that a stop cut short: opening will finish it. */
bool rt_scrub_pending(const char *state_dir);

/* Removes segments of `log` that lie wholly before `covered` and whose newest commit is older than
 * `older_than` (ms); never the one being written. Take as `covered` the position of the older of
 * the two kept snapshots, the oldest over all partitions. Returns the number of segments that went.
 */
size_t rt_journal_trim(struct rt_journal *journal, uint32_t log, rt_position covered,
                       int64_t older_than);

/* Bytes on disk of all logs in the directory (as of opening) and of this one (now). */
uint64_t rt_journal_bytes(const struct rt_journal *journal);

#endif
