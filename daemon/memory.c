/* See memory.h. */
#include "daemon/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/bounds.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

enum { SAY_AGAIN_MS = 10000, TRIM_AGAIN_MS = 100 };

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

/* What is only kept by malloc is no peer's doing; it is asked for it once in a while. */
static bool is_too_much(struct rt_memory *memory, int64_t now, uint64_t limit)
{
    if (memory->resident_bytes > limit && now - memory->trimmed_at >= TRIM_AGAIN_MS) {
        malloc_trim(0);
        memory->trimmed_at = now;
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
    rt_log(
        RT_LOG_WARNING,
        "resident_bytes=%llu ended=%zu connections that hold or bring the most: more memory than "
        "limits.memory_bytes",
        (unsigned long long)memory->resident_bytes, ended);
}

struct guards {
    struct rt_guard *of[RT_ENDPOINTS];
};

static struct guards guards_of(struct rt_daemon *daemon)
{
    return (struct guards){{&daemon->ingest.events_guard, &daemon->ingest.firehose_guard,
                            &daemon->publisher.guard, &daemon->queries.guard}};
}

static size_t end_talkers(const struct guards *guards, enum rt_transport transport, bool held,
                          uint64_t most)
{
    size_t ended = 0;

    for (int i = 0; i < RT_ENDPOINTS; i++) {
        ended += rt_guard_end_talkers(guards->of[i], transport, held, most / 2 + 1);
    }
    return ended;
}

/* Who holds unfinished messages goes first: that memory is given back by nothing else. Of unix sockets it is
 * not known how much they brought; if memory has grown and no TCP peer is to blame, they are. */
static size_t end_some(struct rt_daemon *daemon, const struct guards *guards,
                       const struct rt_brought *brought)
{
    const struct rt_brought *tcp = &brought[RT_TCP], *local = &brought[RT_LOCAL];
    uint64_t much = (uint64_t)daemon->config.limits_memory_bytes / RT_CALM_PART;
    uint64_t now = daemon->memory.resident_bytes, before = daemon->memory.window_bytes;

    if (tcp->held >= much) {
        return end_talkers(guards, RT_TCP, true, tcp->held);
    }
    if (tcp->bytes >= much) {
        return end_talkers(guards, RT_TCP, false, tcp->most);
    }
    if (local->most == 0 || (local->held < much && (now < before || now - before < much))) {
        return 0; /* a quiet moment: it is being worked off */
    }
    return end_talkers(guards, RT_LOCAL, local->held > 0,
                       local->held > 0 ? local->held : local->most);
}

static void look_at_peers(struct rt_daemon *daemon, int64_t now)
{
    struct rt_memory *memory = &daemon->memory;
    bool begins = now - memory->window_at >= RT_LOOK_MS;
    struct rt_brought brought[RT_TRANSPORTS] = {{0}};
    struct guards guards = guards_of(daemon);
    size_t ended = 0;

    for (int i = 0; i < RT_ENDPOINTS; i++) {
        rt_guard_watch(guards.of[i], true);
        rt_guard_look(guards.of[i], brought, begins);
    }
    if (is_too_much(memory, now, (uint64_t)daemon->config.limits_memory_bytes)) {
        ended = end_some(daemon, &guards, brought);
    }
    if (ended > 0) {
        say(memory, now, ended);
    }
    if (begins) {
        memory->window_at = now;
        memory->window_bytes = memory->resident_bytes;
    }
}

static void look_away(struct rt_daemon *daemon)
{
    struct guards guards = guards_of(daemon);

    for (int i = 0; i < RT_ENDPOINTS; i++) {
        rt_guard_watch(guards.of[i], false);
    }
}

/* Until what is left can be used up. */
static int64_t next_look_ms(struct rt_daemon *daemon)
{
    uint64_t limit = (uint64_t)daemon->config.limits_memory_bytes;
    uint64_t used = daemon->memory.resident_bytes;
    int64_t wait = used < limit ? (int64_t)((limit - used) / RT_FLOOD_MS) : 0;
    struct guards guards = guards_of(daemon);
    size_t connections = 0;
    int64_t least;

    for (int i = 0; i < RT_ENDPOINTS; i++) {
        connections += guards.of[i]->connections.count;
    }
    least = RT_LOOK_LEAST_MS + (int64_t)(connections / RT_LOOK_CONNECTIONS);
    return wait > least ? wait : least;
}

static void look(struct rt_daemon *daemon, int64_t now)
{
    int64_t wait;

    daemon->memory.resident_bytes = resident_bytes();
    if (daemon->memory.resident_bytes <= (uint64_t)daemon->config.limits_memory_bytes / 2) {
        look_away(daemon);
    } else {
        look_at_peers(daemon, now);
    }
    wait = next_look_ms(daemon);
    if (wait < RT_LOOK_MS) {
        struct timeval soon = {.tv_usec = (suseconds_t)wait * 1000};

        event_add(daemon->memory.timer, &soon);
    }
}

static void on_timer(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    look(context, rt_now_ms());
}

bool rt_memory_open(struct rt_daemon *daemon)
{
    daemon->memory.timer = evtimer_new(daemon->base, on_timer, daemon);
    return daemon->memory.timer != NULL;
}

void rt_memory_close(struct rt_daemon *daemon)
{
    if (daemon->memory.timer != NULL) {
        event_free(daemon->memory.timer);
    }
}

void rt_memory_tick(struct rt_daemon *daemon, int64_t now)
{
    look(daemon, now);
}
