/* The client's parts, shared by the files of the library. */
#ifndef RT_LIBRETAIN_CLIENT_H
#define RT_LIBRETAIN_CLIENT_H

#include "clients/libretain/channel.h"
#include "clients/libretain/map.h"
#include "clients/libretain/outbox.h"
#include "retain.h"

struct rt_listener;

/* A question on its way; linked in the client, owned by whoever asked. */
struct rt_question {
    struct rt_question *next;
    uint64_t number;
    struct rt_span payload;
    bool sent; /* on a connection that was not lost since */
    bool answered;
    bool no_memory; /* answered, but the answer could not be kept */
    struct rt_buffer answer;
};

struct retain_client {
    void *context;
    struct rt_channel events;
    struct rt_channel query; /* opened when first needed */
    struct rt_outbox *outbox;
    struct rt_listener *listener; /* NULL until subscribed or resumed */
    struct retain_spool *spool;   /* NULL or attached; not ours */
    uint64_t spool_round;         /* names the spool's files in flight: part of their tokens */
    struct rt_question *questions;
    uint64_t next_question;
    bool events_stuck, query_stuck; /* the last send found no connection */
    bool release;                   /* the batch being gathered may go out as it is */
    bool blocked; /* inside a call that waits for answers: what waits for the caller does not wake
                     it */
    int epoll, timer;
    int64_t armed; /* what the timer waits for */
    unsigned sends;
    struct rt_client_key key; /* zeroed: none */
    char *events_address, *alerts_address, *query_address;
    retain_ack_fn *on_ack;
    void *on_ack_arg;
};

/* Steady clock, ms. */
int64_t rt_client_now(void);

/* Sends and receives on all sockets until nothing moves; then sets the timer. OK, NO_MEMORY,
 * SYSTEM. */
int rt_client_step(retain_client *client);

/* Waits until the descriptor is readable or `deadline` (rt_client_now, INT64_MAX: for ever) has
 * come. */
int rt_client_wait(retain_client *client, int64_t deadline);
int64_t rt_client_deadline(int timeout_ms);

/* Works, acknowledgements included, while `waiting` says so. OK, TIMED_OUT, NO_MEMORY, SYSTEM. */
typedef bool rt_client_condition(const retain_client *client);
int rt_client_work_while(retain_client *client, rt_client_condition *waiting, int timeout_ms);

/* Adds a descriptor to what is waited for. */
int rt_client_watch(retain_client *client, int fd);

/* Opens the query connection if it is not open yet. */
int rt_client_open_query(retain_client *client);

/* Puts a question on its way / forgets it. `payload` must stay until then. */
void rt_question_ask(retain_client *client, struct rt_question *question, struct rt_span payload);
void rt_question_forget(retain_client *client, struct rt_question *question);
/* Sends and receives; true if something moved. */
bool rt_questions_step(retain_client *client);

/* The subscription: makes its moves; true if something moved. `*due` is lowered to its next
 * deadline. */
int rt_listener_new(retain_client *client);
void rt_listener_free(retain_client *client);
bool rt_listener_step(retain_client *client, int64_t now, int64_t *due);
bool rt_listener_has_alert(const struct rt_listener *listener);

/* The attached spool: takes acknowledgements, fills the window; true if something moved. */
bool rt_spool_step(retain_client *client, int64_t now, int64_t *due);

#endif
