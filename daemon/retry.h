/* dead.retry, the pure part: what is asked of the worker, and what its answer and the push's answer
 * mean. */
#ifndef RT_DAEMON_RETRY_H
#define RT_DAEMON_RETRY_H

#include "protocol/reader.h"
#include "protocol/writer.h"

/* {"op": op, "id": id} */
void rt_retry_request(struct rt_buffer *out, const char *op, struct rt_span id);

/* The bytes of the letter in the answer to dead.get; false if that is an error, which is the reply
 * then. */
bool rt_retry_letter(struct rt_span answer, struct rt_span *letter);

/* The reply to the query, made of the reply to the push: {"ok": true, its keys} or {"ok": false,
 * error, message}. False without memory: for it, or for the reply to the push, which then is none. */
bool rt_retry_reply(struct rt_buffer *out, struct rt_span push_reply);

/* True if every event of the letter was accepted or a duplicate: it can be dropped. */
bool rt_retry_taken(struct rt_span push_reply);

#endif
