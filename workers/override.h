/* What a manager sets by hand for a while, beside the computed score: a score, or a band that the
 * computed score is held in. Pure. One block of memory, made when it is said and freed when it is
 * over; few accounts have one. */
#ifndef RT_WORKERS_OVERRIDE_H
#define RT_WORKERS_OVERRIDE_H

#include "protocol/query.h"

enum rt_override_form { RT_OVERRIDE_SCORE = 1, RT_OVERRIDE_BAND = 2 };

struct rt_override {
    enum rt_override_form form;
    double score;         /* 0..100, if that is set */
    enum rt_band band;    /* if that is set */
    int64_t since, until; /* ms; from `until` on it is over */
    struct rt_span by, reason;
};

/* A copy, with the texts in the same block: free() releases it. NULL without memory. */
struct rt_override *rt_override_copy(const struct rt_override *override);

/* The score that rules follow. It never rises as the computed one falls. */
double rt_override_score(const struct rt_override *override, double computed);

/* The computed score decides between these two, the override beyond them: at or below *least and
 * above *most its fall changes nothing. A score that is set leaves nothing in between. */
void rt_override_range(const struct rt_override *override, double *least, double *most);

/* {"score", "band", "set": "score" or "band", "by", "reason", "since", "until"} */
void rt_override_write(struct rt_buffer *out, const struct rt_override *override, double computed);

/* Stored form: u8 form, u64 bits of the score or the band, i64 since, i64 until, by, reason. False
 * if the bytes are none; spans point into them. */
void rt_override_encode(struct rt_buffer *out, const struct rt_override *override);
bool rt_override_decode(struct rt_reader *reader, struct rt_override *override);

/* What is set, as u64: of the stored form and of commands. */
uint64_t rt_override_value(const struct rt_override *override);
bool rt_override_set(struct rt_override *override, uint8_t form, uint64_t value);

#endif
