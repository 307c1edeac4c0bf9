/* Codes of refused events, payloads and queries, as they stand on the wire. */
#ifndef RT_PROTOCOL_ERRORS_H
#define RT_PROTOCOL_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

/* X(symbol, name on the wire) */
#define RT_ERRORS(X)                                                                               \
    X(RT_OK, "ok")                                                                                 \
    /* of one event */                                                                             \
    X(RT_BAD_EVENT, "bad_event")                                                                   \
    X(RT_MISSING_FIELD, "missing_field")                                                           \
    X(RT_BAD_FIELD, "bad_field")                                                                   \
    X(RT_TS_IN_FUTURE, "ts_in_future")                                                             \
    X(RT_DENIED, "denied")                                                                         \
    X(RT_POISON, "poison")                                                                         \
    /* of a payload */                                                                             \
    X(RT_BAD_MSGPACK, "bad_msgpack")                                                               \
    X(RT_BAD_REQUEST, "bad_request")                                                               \
    X(RT_TOO_LARGE, "too_large")                                                                   \
    X(RT_BUSY, "busy")                                                                             \
    X(RT_STOPPING, "stopping")                                                                     \
    /* of a query */                                                                               \
    X(RT_UNKNOWN_OP, "unknown_op")                                                                 \
    X(RT_NOT_FOUND, "not_found")                                                                   \
    X(RT_NOT_OPEN, "not_open")                                                                     \
    X(RT_TOO_OLD, "too_old")                                                                       \
    X(RT_UNAVAILABLE, "unavailable")                                                               \
    X(RT_CURSOR_GONE, "cursor_gone")

#define RT_ERROR_SYMBOL(symbol, name) symbol,
enum rt_error { RT_ERRORS(RT_ERROR_SYMBOL) RT_ERROR_COUNT };
#undef RT_ERROR_SYMBOL

enum { RT_FAULT_TEXT = 160 };

/* What is wrong, for the machine and for the person. */
struct rt_fault {
    enum rt_error code;
    char text[RT_FAULT_TEXT]; /* names the field and the fault */
};

/* The name on the wire; static. */
const char *rt_error_name(enum rt_error code);

/* The code of a name on the wire (`size` bytes); false, and *code untouched, if there is none. */
bool rt_error_parse(const char *name, size_t size, enum rt_error *code);

/* Fills *fault (text cut to fit) and returns code. */
enum rt_error rt_fault_set(struct rt_fault *fault, enum rt_error code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
