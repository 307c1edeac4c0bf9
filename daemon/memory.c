/* See memory.h. */
#include "daemon/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/bounds.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

enum { SAY_AGAIN_MS = 10000 };

void rt_memory_prepare(void)
{
    mallopt(M_MMAP_THRESHOLD, RT_LARGE_BLOCK);
}

/* The second number of /proc/self/statm, in bytes; 0 if it cannot be read. */
static uint64_t resident_bytes(void)
{
    unsigned long long pages = 0;
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (file < 0) {
        return 0;
    }
    size = read(file, text, sizeof text - 1);
    close(file);
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    if (sscanf(text, "%*u %llu", &pages) != 1) {
        return 0;
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What is only kept by malloc is no peer's doing. */
static bool is_too_much(struct rt_memory *memory, uint64_t limit)
{
    if (memory->resident_bytes > limit) {
        malloc_trim(0);
        memory->resident_bytes = resident_bytes();
    }
    return memory->resident_bytes > limit;
}

static void say(struct rt_memory *memory, int64_t now, size_t ended)
{
    if (memory->said_at != 0 && now - memory->said_at < SAY_AGAIN_MS) {
        return;
    }
    memory->said_at = now;
    rt_log(RT_LOG_WARNING,
           "resident_bytes=%llu ended=%zu connections that bring the most: more memory than "
           "limits.memory_bytes",
           (unsigned long long)memory->resident_bytes, ended);
}

void rt_memory_tick(struct rt_daemon *daemon, int64_t now)
{
    struct rt_guard *const guards[RT_ENDPOINTS] = {
        &daemon->ingest.events_guard, &daemon->ingest.firehose_guard, &daemon->publisher.guard,
        &daemon->queries.guard};
    uint64_t limit = (uint64_t)daemon->config.limits_memory_bytes;
    struct rt_brought brought = {0};
    size_t ended = 0;

    daemon->memory.resident_bytes = resident_bytes();
    if (daemon->memory.resident_bytes <= limit / 2) {
        return;
    }
    for (int i = 0; i < RT_ENDPOINTS; i++) {
        rt_guard_look(guards[i], &brought);
    }
    if (!is_too_much(&daemon->memory, limit) || brought.bytes < limit / RT_CALM_PART) {
        return;
    }
    for (int i = 0; i < RT_ENDPOINTS; i++) {
        ended += rt_guard_end_talkers(guards[i], brought.most / 2);
    }
    say(&daemon->memory, now, ended);
}
