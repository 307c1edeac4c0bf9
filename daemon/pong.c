#include "daemon/pong.h"

#include <stddef.h>

static const struct {
    const char *key;
    size_t offset;
} counts[] = {
    {"accounts", offsetof(struct rt_worker_numbers, accounts)},
    {"journal_bytes", offsetof(struct rt_worker_numbers, journal_bytes)},
    {"dedupe_bytes", offsetof(struct rt_worker_numbers, dedupe_bytes)},
    {"identities", offsetof(struct rt_worker_numbers, identities)},
    {"deadlines", offsetof(struct rt_worker_numbers, deadlines)},
    {"tickets_evicted", offsetof(struct rt_worker_numbers, tickets_evicted)},
    {"dead_dropped", offsetof(struct rt_worker_numbers, dead_dropped)},
    {"disk_left", offsetof(struct rt_worker_numbers, disk_left)},
};

static const struct {
    const char *key;
    size_t offset;
} flags[] = {
    {"disk_full", offsetof(struct rt_worker_numbers, disk_full)},
    {"disk_low", offsetof(struct rt_worker_numbers, disk_low)},
    {"clock_jump", offsetof(struct rt_worker_numbers, clock_jump)},
};

static void take_count(struct rt_worker_numbers *numbers, size_t offset, struct rt_reader value)
{
    int64_t count;

    if (rt_read_int(&value, &count) && count >= 0) {
        *(uint64_t *)((char *)numbers + offset) = (uint64_t)count;
    }
}

static void take_pair(struct rt_worker_numbers *numbers, struct rt_span key, struct rt_reader value)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (rt_span_is(key, counts[i].key)) {
            take_count(numbers, counts[i].offset, value);
        }
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        bool flag;

        if (rt_span_is(key, flags[i].key) && rt_read_bool(&value, &flag)) {
            *(bool *)((char *)numbers + flags[i].offset) = flag;
        }
    }
}

bool rt_pong_read(struct rt_span body, struct rt_worker_numbers *numbers)
{
    struct rt_reader reader = rt_reader(body);
    uint32_t pairs;

    if (!rt_read_map(&reader, &pairs)) {
        return false;
    }
    for (uint32_t i = 0; i < pairs && !reader.failed; i++) {
        struct rt_span key = {0};

        if (rt_read_kind(&reader) == RT_KIND_STR) {
            rt_read_str(&reader, &key);
            take_pair(numbers, key, reader);
        } else {
            rt_read_skip(&reader, NULL);
        }
        rt_read_skip(&reader, NULL);
    }
    return rt_read_done(&reader);
}
