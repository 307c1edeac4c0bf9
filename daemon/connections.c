/* See connections.h. */
#include "daemon/connections.h"

#include <stdlib.h>

#include "daemon/bounds.h"

enum { CAPACITY_MIN = 64 };

void rt_connections_init(struct rt_connections *connections, size_t limit)
{
    *connections = (struct rt_connections){.limit = limit,
                                           .oldest = RT_NO_CONNECTION,
                                           .newest = RT_NO_CONNECTION,
                                           .young = RT_NO_CONNECTION};
}

void rt_connections_free(struct rt_connections *connections)
{
    free(connections->slots);
    rt_connections_init(connections, connections->limit);
}

static bool make_room(struct rt_connections *connections, int descriptor)
{
    int capacity = connections->capacity == 0 ? CAPACITY_MIN : connections->capacity;
    struct rt_connection *slots;

    if (descriptor < connections->capacity) {
        return true;
    }
    while (capacity <= descriptor) {
        if (capacity > INT32_MAX / 2) {
            return false;
        }
        capacity *= 2;
    }
    slots = realloc(connections->slots, (size_t)capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (int i = connections->capacity; i < capacity; i++) {
        slots[i] = (struct rt_connection){.there = false};
    }
    connections->slots = slots;
    connections->capacity = capacity;
    return true;
}

static void add(struct rt_connections *connections, int descriptor, int64_t now)
{
    struct rt_connection *slots = connections->slots;

    slots[descriptor] = (struct rt_connection){.heard = slots[descriptor].heard,

                                               .since = now,
                                               .previous = connections->newest,
                                               .next = RT_NO_CONNECTION,
                                               .there = true};
    if (connections->newest != RT_NO_CONNECTION) {
        slots[connections->newest].next = descriptor;
    } else {
        connections->oldest = descriptor;
    }
    connections->newest = descriptor;
    if (connections->young == RT_NO_CONNECTION) {
        connections->young = descriptor;
    }
    connections->count++;
}

void rt_connections_ended(struct rt_connections *connections, int descriptor)
{
    struct rt_connection *slots = connections->slots, *gone;

    if (descriptor < 0 || descriptor >= connections->capacity || !slots[descriptor].there) {
        return;
    }
    gone = &slots[descriptor];
    gone->heard = false;
    *(gone->previous == RT_NO_CONNECTION ? &connections->oldest : &slots[gone->previous].next) =
        gone->next;
    *(gone->next == RT_NO_CONNECTION ? &connections->newest : &slots[gone->next].previous) =
        gone->previous;
    if (connections->young == descriptor) {
        connections->young = gone->next;
    }
    gone->there = false;
    connections->count--;
}

void rt_connections_watch(struct rt_connections *connections, bool on)
{
    for (int i = connections->oldest; on && !connections->watched && i != RT_NO_CONNECTION;
         i = connections->slots[i].next) {
        connections->slots[i].received = UINT64_MAX; /* nothing counts before the first look */
    }
    connections->watched = on;
}

void rt_connections_look(struct rt_connections *connections, int descriptor, uint64_t received,
                         bool begins)
{
    struct rt_connection *connection = &connections->slots[descriptor];

    if (received <
        connection->received) { /* the first look; or it is another's descriptor by now */
        connection->windows[0] = connection->windows[1] = received;
        connection->spoke = true;
    }
    if (begins) {
        connection->windows[0] = connection->windows[1];
        connection->windows[1] = received;
    }
    if (connection->spoke) {
        connection->whole = received;
    }
    connection->spoke = false;
    connection->received = received;
}

uint64_t rt_connections_brought(const struct rt_connections *connections, int descriptor)
{
    const struct rt_connection *connection = &connections->slots[descriptor];

    return connection->received - connection->windows[0];
}

uint64_t rt_connections_held(const struct rt_connections *connections, int descriptor)
{
    const struct rt_connection *connection = &connections->slots[descriptor];

    return connection->received - connection->whole;
}

static bool is_young(const struct rt_connection *connection, int64_t now)
{
    return !connection->heard && now - connection->since < RT_HANDSHAKE_MS;
}

static int oldest_young(struct rt_connections *connections, int64_t now)
{
    while (connections->young != RT_NO_CONNECTION &&
           !is_young(&connections->slots[connections->young], now)) {
        connections->young = connections->slots[connections->young].next;
    }
    return connections->young;
}

void rt_connections_heard(struct rt_connections *connections, int descriptor, int64_t now)
{
    if (descriptor >= 0 && make_room(connections, descriptor)) {
        connections->slots[descriptor].heard = true;
        connections->slots[descriptor].spoke = true;
        oldest_young(connections, now);
    }
}

int rt_connections_accepted(struct rt_connections *connections, int descriptor, int64_t now)
{
    int victim;

    rt_connections_ended(connections, descriptor); /* its end was not heard of */
    if (descriptor < 0 || !make_room(connections, descriptor)) {
        return descriptor;
    }
    add(connections, descriptor, now);
    if (connections->count <= connections->limit) {
        return RT_NO_CONNECTION;
    }
    victim = oldest_young(connections, now);
    if (victim == RT_NO_CONNECTION) {
        victim = descriptor;
    }
    rt_connections_ended(connections, victim);
    return victim;
}
