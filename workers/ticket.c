/* Counting a ticket event makes a new record, merged from the old one and the event, and swaps it
 * in: a failed allocation changes nothing. Lists are sorted by a fixed hash: their order depends on
 * nothing but the tickets in them. */
#include "workers/ticket.h"

#include "protocol/assert.h"
#include "workers/account_memory.h"

#include <stdlib.h>
#include <xxhash.h>

enum { RANK_NONE, RANK_OPENED, RANK_REOPENED, RANK_RESOLVED, RANK_CLOSED, FIRST_CAPACITY = 4 };

static int rank_of(enum rt_action action)
{
    switch (action) {
    case RT_OPENED:
        return RANK_OPENED;
    case RT_REOPENED:
        return RANK_REOPENED;
    case RT_RESOLVED:
        return RANK_RESOLVED;
    case RT_CLOSED:
        return RANK_CLOSED;
    default:
        return RANK_NONE;
    }
}

static int compare(uint32_t hash, struct rt_span number, const struct rt_ticket *ticket)
{
    if (hash != ticket->hash)
        return hash < ticket->hash ? -1 : 1;
    return rt_span_compare(number, rt_ticket_number(ticket));
}

/* Where the ticket stands or belongs; *found says which. */
static uint32_t find(const struct rt_ticket_list *list, uint32_t hash, struct rt_span number,
                     bool *found)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(hash, number, list->at[middle]);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *found = false;
    return low;
}

static struct rt_ticket *lookup(const struct rt_tickets *tickets, uint32_t hash,
                                struct rt_span number)
{
    bool found;
    uint32_t at = find(&tickets->open, hash, number, &found);

    if (found)
        return tickets->open.at[at];
    at = find(&tickets->closed, hash, number, &found);
    return found ? tickets->closed.at[at] : NULL;
}

static bool reserve(struct rt_ticket_list *list)
{
    uint32_t capacity = list->capacity == 0 ? FIRST_CAPACITY : list->capacity + list->capacity / 2;
    struct rt_ticket **at;

    if (list->count < list->capacity)
        return true;
    at = realloc(list->at, capacity * sizeof(struct rt_ticket *));
    if (at == NULL)
        return false;
    list->at = at;
    list->capacity = capacity;
    return true;
}

static void insert(struct rt_ticket_list *list, uint32_t place, struct rt_ticket *ticket)
{
    RT_ASSERT(list->count < list->capacity);
    memmove(&list->at[place + 1], &list->at[place],
            (list->count - place) * sizeof(struct rt_ticket *));
    list->at[place] = ticket;
    list->count++;
}

static void take_out(struct rt_ticket_list *list, uint32_t place)
{
    free(list->at[place]);
    list->count--;
    memmove(&list->at[place], &list->at[place + 1],
            (list->count - place) * sizeof(struct rt_ticket *));
}

struct rt_ticket *rt_ticket_new(struct rt_span number, struct rt_span id)
{
    struct rt_ticket *ticket = malloc(sizeof(*ticket) + number.size + id.size);

    if (ticket == NULL)
        return NULL;
    *ticket = (struct rt_ticket){
        .first = INT64_MAX,
        .state_at = INT64_MIN,
        .severity_at = INT64_MIN,
        .response_at = INT64_MAX,
        .hash = (uint32_t)XXH3_64bits(number.data, number.size),
        .number_size = (uint8_t)number.size,
        .id_size = (uint8_t)id.size,
    };
    memcpy(ticket->text, number.data, number.size);
    if (id.size > 0)
        memcpy(ticket->text + number.size, id.data, id.size);
    return ticket;
}

static struct rt_span severity_id(const struct rt_ticket *ticket)
{
    return rt_span(ticket->text + ticket->number_size, ticket->id_size);
}

/* Whether the event's severity is newer than what the record holds: by ts, rank, id; then the more
 * severe. */
static bool states_newer(const struct rt_ticket *old, const struct rt_event *event)
{
    int rank = rank_of(event->action), order;

    if (event->severity == 0)
        return false;
    if (old == NULL || old->severity == 0 || event->ts != old->severity_at)
        return old == NULL || old->severity == 0 || event->ts > old->severity_at;
    if (rank != old->severity_rank)
        return rank > old->severity_rank;
    order = rt_span_compare(event->id, severity_id(old));
    return order != 0 ? order > 0 : event->severity < old->severity;
}

static uint8_t more(uint8_t times, bool again)
{
    return again && times < UINT8_MAX ? (uint8_t)(times + 1) : times;
}

static bool is_our_answer(const struct rt_event *event)
{
    return event->direction != RT_IN &&
           (event->action == RT_REPLIED || event->action == RT_RESOLVED ||
            event->action == RT_CLOSED);
}

static void merge(struct rt_ticket *ticket, const struct rt_event *event)
{
    int rank = rank_of(event->action);

    if (event->ts < ticket->first)
        ticket->first = event->ts;
    if (rank != RANK_NONE &&
        (event->ts > ticket->state_at || (event->ts == ticket->state_at && rank > ticket->state))) {
        ticket->state_at = event->ts;
        ticket->state = (uint8_t)rank;
    }
    if (is_our_answer(event) && event->ts < ticket->response_at)
        ticket->response_at = event->ts;
    ticket->escalated = more(ticket->escalated, event->action == RT_ESCALATED);
    ticket->reopened = more(ticket->reopened, event->action == RT_REOPENED);
}

struct rt_ticket *rt_tickets_prepare(struct rt_tickets **tickets, const struct rt_event *event)
{
    uint32_t hash = (uint32_t)XXH3_64bits(event->ticket.data, event->ticket.size);
    struct rt_ticket *old, *ticket;
    bool newer;

    if (*tickets == NULL && (*tickets = calloc(1, sizeof(**tickets))) == NULL)
        return NULL;
    old = lookup(*tickets, hash, event->ticket);
    newer = states_newer(old, event);
    ticket = rt_ticket_new(event->ticket, newer         ? event->id
                                          : old != NULL ? severity_id(old)
                                                        : rt_span(NULL, 0));
    if (ticket == NULL)
        return NULL;
    if (old != NULL) {
        uint8_t id_size = ticket->id_size;

        memcpy(ticket, old, offsetof(struct rt_ticket, text));
        ticket->id_size = id_size;
    }
    if (newer) {
        ticket->severity = (uint8_t)event->severity;
        ticket->severity_at = event->ts;
        ticket->severity_rank = (uint8_t)rank_of(event->action);
    }
    merge(ticket, event);
    if (!reserve(rt_ticket_open(ticket) ? &(*tickets)->open : &(*tickets)->closed)) {
        free(ticket);
        return NULL;
    }
    return ticket;
}

static uint32_t oldest_closed(const struct rt_ticket_list *list)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < list->count; i++)
        if (list->at[i]->state_at < list->at[best]->state_at)
            best = i;
    return best;
}

static uint32_t youngest_open(const struct rt_ticket_list *list)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < list->count; i++)
        if (list->at[i]->first > list->at[best]->first)
            best = i;
    return best;
}

unsigned rt_tickets_commit(struct rt_tickets *tickets, struct rt_ticket *ticket, size_t max)
{
    struct rt_ticket_list *list = rt_ticket_open(ticket) ? &tickets->open : &tickets->closed;
    struct rt_ticket_list *other = rt_ticket_open(ticket) ? &tickets->closed : &tickets->open;
    unsigned evicted = 0;
    bool found;
    uint32_t place = find(other, ticket->hash, rt_ticket_number(ticket), &found);

    if (found)
        take_out(other, place);
    place = find(list, ticket->hash, rt_ticket_number(ticket), &found);
    if (found) {
        free(list->at[place]);
        list->at[place] = ticket;
    } else {
        insert(list, place, ticket);
    }
    for (; tickets->closed.count > RT_TICKETS_CLOSED * max; evicted++)
        take_out(&tickets->closed, oldest_closed(&tickets->closed));
    for (; tickets->open.count > max; evicted++)
        take_out(&tickets->open, youngest_open(&tickets->open));
    return evicted;
}

bool rt_tickets_restore(struct rt_tickets **tickets, struct rt_ticket *ticket, bool *no_memory)
{
    struct rt_ticket_list *list;
    bool open, found;
    uint32_t place;

    if (*tickets == NULL && (*tickets = calloc(1, sizeof(**tickets))) == NULL) {
        *no_memory = true;
        return false;
    }
    if (lookup(*tickets, ticket->hash, rt_ticket_number(ticket)) != NULL)
        return false;
    open = rt_ticket_open(ticket);
    list = open ? &(*tickets)->open : &(*tickets)->closed;
    place = find(list, ticket->hash, rt_ticket_number(ticket), &found);
    if (place != list->count || (open && (*tickets)->closed.count > 0))
        return false;
    if (!reserve(list)) {
        *no_memory = true;
        return false;
    }
    insert(list, place, ticket);
    return true;
}

size_t rt_tickets_open(const struct rt_tickets *tickets)
{
    return tickets == NULL ? 0 : tickets->open.count;
}

static void free_list(struct rt_ticket_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
}

void rt_tickets_free(struct rt_tickets *tickets)
{
    if (tickets == NULL)
        return;
    free_list(&tickets->open);
    free_list(&tickets->closed);
    free(tickets);
}

static size_t list_bytes(const struct rt_ticket_list *list)
{
    size_t bytes = rt_memory_block(list->capacity * sizeof(struct rt_ticket *));

    for (uint32_t i = 0; i < list->count; i++)
        bytes += rt_memory_block(sizeof(struct rt_ticket) + list->at[i]->number_size +
                                 list->at[i]->id_size);
    return bytes;
}

size_t rt_tickets_bytes(const struct rt_tickets *tickets)
{
    return tickets == NULL ? 0
                           : rt_memory_block(sizeof(*tickets)) + list_bytes(&tickets->open) +
                                 list_bytes(&tickets->closed);
}
