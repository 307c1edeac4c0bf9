/* See route.h. */
#include "daemon/route.h"

#include <endian.h>

#include "protocol/assert.h"
#include "protocol/event.h"
#include "protocol/link.h"
#include "protocol/partition.h"

enum { ENTRY_HEADER = 8 /* index and size */ };

uint32_t rt_route_account(const struct rt_route *route, struct rt_span account)
{
    return rt_route_partition(route, rt_partition(account, route->partitions));
}

uint32_t rt_route_partition(const struct rt_route *route, uint32_t partition)
{
    return partition % route->workers;
}

static enum rt_error allowed(const struct rt_key *key, struct rt_span event, struct rt_span account,
                             struct rt_fault *fault)
{
    struct rt_span source;

    if (rt_key_may_write_all(key)) {
        return RT_OK;
    }
    if (!rt_event_source(event, &source)) {
        return fault == NULL ? RT_DENIED
                             : rt_fault_set(fault, RT_DENIED, "source: must be a string");
    }
    return rt_key_may_write(key, source, account, fault);
}

enum rt_error rt_route_allowed(const struct rt_key *key, struct rt_span event,
                               struct rt_fault *fault)
{
    struct rt_span account;

    return rt_event_account(event, &account) ? allowed(key, event, account, fault) : RT_OK;
}

static void add_event(struct rt_route *route, struct rt_span event, uint32_t index,
                      const struct rt_key *key)
{
    struct rt_route_entry *entry;
    struct rt_span account;

    if (event.size > route->event_bytes || !rt_event_account(event, &account) ||
        allowed(key, event, account, NULL) != RT_OK) {
        route->faulty[route->faulty_count++] =
            (struct rt_route_entry){.event = event, .index = index};
        return;
    }
    entry = &route->entries[route->count++];
    *entry = (struct rt_route_entry){
        .event = event, .index = index, .worker = rt_route_account(route, account)};
    route->targets |= UINT64_C(1) << entry->worker;
    route->body[entry->worker] += ENTRY_HEADER + event.size;
}

void rt_route_batch(struct rt_route *route, struct rt_batch batch, const struct rt_key *key)
{
    struct rt_span event;
    uint32_t index = 0;

    RT_ASSERT(batch.count <= RT_BATCH_EVENTS);
    route->targets = 0;
    route->count = 0;
    route->faulty_count = 0;
    memset(route->body, 0, route->workers * sizeof route->body[0]);
    while (rt_batch_next(&batch, &event)) {
        RT_ASSERT(index < RT_BATCH_EVENTS);
        add_event(route, event, index++, key);
    }
}

size_t rt_route_frame_size(const struct rt_route *route, uint32_t worker)
{
    return RT_LINK_HEADER + route->body[worker];
}

static uint8_t *put_entry(uint8_t *at, const struct rt_route_entry *entry)
{
    uint32_t head[2] = {htole32(entry->index), htole32((uint32_t)entry->event.size)};

    memcpy(at, head, ENTRY_HEADER);
    memcpy(at + ENTRY_HEADER, entry->event.data, entry->event.size);
    return at + ENTRY_HEADER + entry->event.size;
}

void rt_route_frames(const struct rt_route *route, uint8_t flags, const uint64_t *tags,
                     uint8_t *const *bytes)
{
    uint8_t *at[RT_WORKERS_MAX];

    for (uint32_t i = 0; i < route->workers; i++) {
        struct rt_link_header header = {
            .size = (uint32_t)route->body[i], .kind = RT_LINK_EVENTS, .flags = flags};

        if (route->targets >> i & 1) {
            header.tag = tags[i];
            rt_link_header_encode(&header, bytes[i]);
            at[i] = bytes[i] + RT_LINK_HEADER;
        }
    }
    for (uint32_t i = 0; i < route->count; i++) {
        uint32_t worker = route->entries[i].worker;

        at[worker] = put_entry(at[worker], &route->entries[i]);
    }
}
