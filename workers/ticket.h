/* The tickets of one account, outside its hot record: open ones, and closed ones as tombstones, so
 * that a late `opened` can not reopen what is over. Bounded: of more closed ones than
 * RT_TICKETS_CLOSED times the limit the oldest go (by when they were closed), of more open ones
 * than the limit the youngest. A tombstone that went is the one fact that depends on the order of
 * events: hence many more of them than of open tickets.
 *
 * One record says: when it began (its earliest event), its newest opened/reopened/resolved/closed
 * by (ts, in that order), its newest stated severity by (ts, that order, id; then the more severe),
 * how often it was escalated and reopened, and when we first answered. */
#ifndef RT_WORKERS_TICKET_H
#define RT_WORKERS_TICKET_H

#include "protocol/event.h"

enum { RT_TICKETS_CLOSED = 8 };

struct rt_ticket {
    int64_t first;       /* earliest event */
    int64_t state_at;    /* of the newest opened, reopened, resolved, closed; INT64_MIN: none */
    int64_t severity_at; /* of the newest stated severity; INT64_MIN: none */
    int64_t
        response_at; /* first replied, resolved or closed that was not theirs; INT64_MAX: none */
    uint32_t hash;
    uint8_t state;                   /* rank: 0 none, 1 opened, 2 reopened, 3 resolved, 4 closed */
    uint8_t severity_rank, severity; /* severity 0: none stated */
    uint8_t escalated, reopened;     /* times, up to 255 */
    uint8_t number_size, id_size;
    uint8_t text[]; /* its number, then the id of the event that stated the severity */
};

struct rt_ticket_list {
    struct rt_ticket **at; /* by hash, then number */
    uint32_t count, capacity;
};

struct rt_tickets {
    struct rt_ticket_list open, closed;
};

static inline struct rt_span rt_ticket_number(const struct rt_ticket *ticket)
{
    return rt_span(ticket->text, ticket->number_size);
}

static inline bool rt_ticket_open(const struct rt_ticket *ticket)
{
    return ticket->state < 3;
}

/* 1..4; 3 if none was stated. */
static inline int rt_ticket_severity(const struct rt_ticket *ticket)
{
    return ticket->severity == 0 ? 3 : ticket->severity;
}

/* Makes the record that counting a ticket event will lead to, and room for it. NULL without memory;
 * nothing has changed. */
struct rt_ticket *rt_tickets_prepare(struct rt_tickets **tickets, const struct rt_event *event);

/* Takes a prepared record in. Returns how many records had to go for `max`. */
unsigned rt_tickets_commit(struct rt_tickets *tickets, struct rt_ticket *ticket, size_t max);

/* Takes in a record that was stored. They come as they stand in the lists: open ones first. False
 * if this one is there already or out of its order, or without memory (*no_memory): the record stays
 * the caller's then. */
bool rt_tickets_restore(struct rt_tickets **tickets, struct rt_ticket *ticket, bool *no_memory);

/* A record with room for its texts, otherwise unset. NULL without memory. */
struct rt_ticket *rt_ticket_new(struct rt_span number, struct rt_span id);

size_t rt_tickets_open(const struct rt_tickets *tickets); /* takes NULL */

void rt_tickets_free(struct rt_tickets *tickets);          /* takes NULL */
size_t rt_tickets_bytes(const struct rt_tickets *tickets); /* takes NULL */

#endif
