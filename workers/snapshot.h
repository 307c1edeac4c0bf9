/* Snapshot files: the state of one partition at an exact position of its log, written beside by a
 * thread (temporary file, fsync, rename, fsync of the folder). The content is opaque here: core.c
 * makes and reads it.
 *
 * File: STATE_DIR/snapshots/PPPP.snap (partition, hexadecimal; the one before is kept as PPPP.old
 * until the next; PPPP.new while it is written). Header: magic, version, partition, position,
 * judging time, size, checksum (XXH3-128). At every moment at least one good file exists if there
 * ever was one. */
#ifndef RT_WORKERS_SNAPSHOT_H
#define RT_WORKERS_SNAPSHOT_H

#include "workers/journal.h"

struct rt_snapshot {
    uint32_t partition;
    rt_position position; /* records of the partition up to here are in it; 0: none */
    int64_t time;
    uint64_t config_epoch; /* hash of the parameters its deadlines were computed with */
    rt_position oldest; /* load only: position of the oldest good file, up to which the journal may
                           be trimmed */
    bool unreadable; /* load only: nothing good was found, but the system refused to read a file */
    struct rt_buffer content; /* owned by the caller */
    struct rt_buffer
        curve; /* writer only: points that are taken into the partition's curves first */
};

/* Reads the newest good snapshot of a partition (falls back to the one before, tells so in note: ""
 * if all is well). False if there is none: then snapshot->position is 0 and content empty; note
 * says why if a file was there. A position beyond the end of its log means that the log has lost
 * its tail: the caller must not use it. */
bool rt_snapshot_load(const char *state_dir, uint32_t partition, struct rt_snapshot *snapshot,
                      char *note, size_t note_size);

/* Reads one file of the folder `snapshots` whole, whatever its name. NULL, or what is wrong with it
 * and in *offset where; then nothing is held. */
const char *rt_snapshot_read(int folder, const char *name, uint32_t partition,
                             struct rt_snapshot *snapshot, uint64_t *offset);

/* Writes in the calling thread. False with a sentence in error. */
bool rt_snapshot_save(const char *state_dir, const struct rt_snapshot *snapshot, char *error,
                      size_t error_size);

/* The same, and none before it is kept: PPPP.old goes first, then the new one takes the place of
 * PPPP.snap in one step. A stop in between leaves PPPP.snap as it was. */
bool rt_snapshot_replace(const char *state_dir, const struct rt_snapshot *snapshot, char *error,
                         size_t error_size);

/* The newest position of `log` that a good snapshot header names, 0 if none: so far the log was on
 * disk once. */
rt_position rt_snapshot_covered(const char *state_dir, uint32_t log);

/* The oldest position that a good snapshot header of any partition names: no start reads before it.
 * 0 if a partition has no snapshot. */
rt_position rt_snapshot_floor(const char *state_dir, uint32_t partitions);

/* A thread that saves, one after the other. start takes ownership of content and curve; not while
 * busy. */
struct rt_snapshot_writer;
struct rt_snapshot_writer *rt_snapshot_writer_new(const char *state_dir, int notify_fd);
void rt_snapshot_writer_free(struct rt_snapshot_writer *writer); /* waits; takes NULL */
/* True from start until its result was taken with rt_snapshot_writer_finished. */
bool rt_snapshot_writer_busy(const struct rt_snapshot_writer *writer);
void rt_snapshot_writer_start(struct rt_snapshot_writer *writer, struct rt_snapshot *snapshot);
/* Points it is taking in, empty if those of another partition or none: as long as it is busy. */
struct rt_span rt_snapshot_writer_curve(const struct rt_snapshot_writer *writer,
                                        uint32_t partition);

/* One that is finished: whether it is on disk (error filled if not). Points that could not be taken
 * in come back in curve, the caller's now (curve_error filled then). */
struct rt_snapshot_done {
    uint32_t partition;
    rt_position position;
    bool saved;
    struct rt_buffer curve;
    char error[RT_JOURNAL_ERROR], curve_error[RT_JOURNAL_ERROR];
};
/* True once for each. */
bool rt_snapshot_writer_finished(struct rt_snapshot_writer *writer, struct rt_snapshot_done *done);

#endif
