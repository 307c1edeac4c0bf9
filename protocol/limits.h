/* Every limit of the public protocol, once. Those an administrator may change are the defaults of
 * the option table (config/options.c). */
#ifndef RT_PROTOCOL_LIMITS_H
#define RT_PROTOCOL_LIMITS_H

#include <stdint.h>

enum {
    RT_PROTOCOL_VERSION = 1,

    RT_MESSAGE_BYTES = 4 << 20,  /* a payload; up to twice that is answered too_large */
    RT_EVENT_BYTES = 64 << 10,   /* one event */
    RT_BATCH_EVENTS = 10000,     /* events in a payload */
    RT_NESTING = 16,             /* containers within each other in a payload */
    RT_REPLY_NESTING = 20,       /* containers within each other in a reply: it may carry events */
    RT_NESTING_MAX = 32,         /* the deepest that can be asked of rt_msgpack_check */
    RT_ENVELOPE_FRAMES = 8,      /* frames a peer may put before the payload */
    RT_ENVELOPE_BYTES = 4 << 10, /* and their bytes */

    RT_ID_BYTES = 64,
    RT_SOURCE_BYTES = 64,
    RT_ACCOUNT_BYTES = 128,
    RT_TICKET_BYTES = 64,
    RT_TEXT_BYTES = 128,    /* contact, agent, thread and the strings of a profile */
    RT_CONTACTS = 32,       /* people in a profile */
    RT_AFTER_BYTES = 1024,  /* the place where a list goes on */
    RT_NOTE_BYTES = 1024,   /* note of an acknowledgement, reason of an override */
    RT_OVERRIDE_DAYS = 366, /* how far ahead its end may lie */

    RT_FUTURE_MS = 5 * 60 * 1000, /* how far ahead an event's ts may be */

    RT_LIST_DEFAULT = 100,
    RT_LIST_MAX = 1000,

    RT_DEAD_BYTES = 64 << 10, /* of a dead letter that are kept */

    RT_PARTITIONS = 256, /* default, fixed when a state directory is made */
    RT_PARTITIONS_MAX = 4096,
    RT_WORKERS_MAX = 64,
};

/* The latest ts of any event, ms: the end of the year 9999. What judges a time adds days to it. */
#define RT_TS_MAX INT64_C(253402300799999)

#define RT_DAY_MS INT64_C(86400000)
#define RT_HOUR_MS INT64_C(3600000)

_Static_assert((int)RT_EVENT_BYTES <= (int)RT_MESSAGE_BYTES, "an event must fit into a message");
_Static_assert(RT_LIST_DEFAULT <= RT_LIST_MAX, "the default of a limit lies within it");
_Static_assert(RT_DEAD_BYTES <= RT_EVENT_BYTES, "a dead letter can be sent again as an event");

#endif
