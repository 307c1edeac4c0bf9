/* Queries: the request, decoded and checked; the error reply; and the parts that workers answer
 * with when a query concerns all of them.
 *
 * Who answers: account.get, account.timeline, account.override, account.override.end, event.void, alert.ack, alert.snooze, dead.drop go to one worker,
 * whose ANSWER is the reply. account.list, account.erase, alert.list, report.portfolio, dead.list,
 * report.management, stats go to all with RT_LINK_PART and their parts are merged:
 *
 *   account.erase     {"ok": true, "events": n}: 0 of all but the owner, who may say not_found; each
 *                     erases the dead letters that name the account
 *   account.list      {"ok": true, "accounts": [map, ...]}
 *                     this worker's first `limit` (+1) in the asked order
 *   alert.list        {"ok": true, "alerts": [[log, sequence, published, map without cursor], ...],
 *                      "more": bool (cut at limit), "end": [[log, sequence], ...]}
 *                     by published, then sequence; end: the newest of each log this worker knows.
 *                     An error part (cursor_gone with `oldest`) wins.
 *   report.portfolio  see worker's report: {"ok": true, ...numbers that add up...}
 *   report.management see workers/management.h: {"ok": true, "numbers", "groups", "lists"}
 *   dead.list         {"ok": true, "dead": [map, ...]}, by (ts, id)
 *   stats             {"ok": true, "accounts": n, "events": {type: n},
 *                      "outcomes": {accepted duplicate rejected dead}}
 *
 * dead.retry: the daemon asks the worker for the bytes with op "dead.get" (internal: refused from
 * outside), feeds them to the ingest path, and drops the letter with dead.drop when the answer is
 * accepted or duplicate. */
#ifndef RT_PROTOCOL_QUERY_H
#define RT_PROTOCOL_QUERY_H

#include "protocol/alert.h"
#include "protocol/errors.h"
#include "protocol/reader.h"
#include "protocol/writer.h"

enum rt_op {
    RT_ACCOUNT_GET,
    RT_ACCOUNT_LIST,
    RT_ACCOUNT_TIMELINE,
    RT_ACCOUNT_ERASE,
    RT_ACCOUNT_OVERRIDE,
    RT_ACCOUNT_OVERRIDE_END,
    RT_EVENT_VOID,
    RT_ALERT_LIST,
    RT_ALERT_ACK,
    RT_ALERT_SNOOZE,
    RT_REPORT_PORTFOLIO,
    RT_REPORT_MANAGEMENT,
    RT_DEAD_LIST,
    RT_DEAD_RETRY,
    RT_DEAD_DROP,
    RT_STATS,
    RT_DEAD_GET, /* internal */
    RT_OPS,
};

enum rt_sort { RT_SORT_ACCOUNT, RT_SORT_SCORE, RT_SORT_SCORE_DOWN, RT_SORT_VALUE, RT_SORT_RENEWAL };

enum rt_band { RT_AT_RISK, RT_WATCH, RT_HEALTHY, RT_BANDS };

/* Absent spans have data NULL. Spans point into the request. */
struct rt_query {
    enum rt_op op;
    struct rt_span account, owner, tier, region, id, source, by, note, reason, after, since_cursor;
    bool has_at, has_since, has_until, has_score, has_band, has_kind, has_severity;
    int64_t at, since, until;
    double score; /* 0..100 */
    enum rt_band band;
    enum rt_sort sort;
    enum rt_alert_kind kind;
    enum rt_severity severity;
    bool open, history;
    uint32_t limit;
    struct rt_span owners; /* not in the request: whose accounts the asker may see, as in
                              rt_link_query_encode; empty: all */
};

/* Decodes a payload that has passed rt_msgpack_check. RT_OK, or bad_request / unknown_op with the
 * fault's text. Keys that the op does not take are ignored; those it takes are checked; those it
 * needs (account, id) must be there. */
enum rt_error rt_query_decode(struct rt_span payload, struct rt_query *query,
                              struct rt_fault *fault);
/* The same for workers, whose requests come from the daemon alone: knows dead.get as well. */
enum rt_error rt_query_decode_internal(struct rt_span payload, struct rt_query *query,
                                       struct rt_fault *fault);

/* Whether the asker may see what belongs to this owner (empty: to none, which is called "-"). */
bool rt_query_sees(const struct rt_query *query, struct rt_span owner);

const char *rt_op_name(enum rt_op op);
const char *rt_band_name(enum rt_band band);
/* docs/PROTOCOL.md, "Queries": healthy >= 70, watch >= 40. */
enum rt_band rt_band_of(double score);

/* {"ok": false, "error": code, "message": text} */
void rt_query_error(struct rt_buffer *out, enum rt_error code, const char *message);

/* "<partition>-<sequence>", decimal: ids of alerts and dead letters. */
bool rt_episode_parse(struct rt_span id, uint32_t *partition, uint64_t *sequence);
size_t rt_episode_format(uint32_t partition, uint64_t sequence, char text[40]);

#endif
