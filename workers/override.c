/* See override.h. */
#include "workers/override.h"

#include <math.h>
#include <stdlib.h>

#include "protocol/limits.h"

/* Whole numbers within each band (rt_band_of): held at its edge a score is still of it. */
static const struct {
    double least, most;
} bands[RT_BANDS] = {[RT_AT_RISK] = {0, 39}, [RT_WATCH] = {40, 69}, [RT_HEALTHY] = {70, 100}};

static void copy_text(uint8_t **at, struct rt_span *text)
{
    if (text->size > 0)
        memcpy(*at, text->data, text->size);
    text->data = *at;
    *at += text->size;
}

struct rt_override *rt_override_copy(const struct rt_override *override)
{
    struct rt_override *copy =
        malloc(sizeof(*copy) + override->by.size + override->reason.size + 1);
    uint8_t *at = (uint8_t *)(copy + 1);

    if (copy == NULL)
        return NULL;
    *copy = *override;
    copy_text(&at, &copy->by);
    copy_text(&at, &copy->reason);
    return copy;
}

void rt_override_range(const struct rt_override *override, double *least, double *most)
{
    bool band = override->form == RT_OVERRIDE_BAND;

    *least = band ? bands[override->band].least : override->score;
    *most = band ? bands[override->band].most : override->score;
}

double rt_override_score(const struct rt_override *override, double computed)
{
    double least, most;

    rt_override_range(override, &least, &most);
    return fmin(fmax(computed, least), most);
}

void rt_override_write(struct rt_buffer *out, const struct rt_override *override, double computed)
{
    double score = rt_override_score(override, computed);

    rt_write_map(out, 7);
    rt_write_key_double(out, "score", score);
    rt_write_key_text(out, "band", rt_band_name(rt_band_of(score)));
    rt_write_key_text(out, "set", override->form == RT_OVERRIDE_SCORE ? "score" : "band");
    rt_write_key_str(out, "by", override->by);
    rt_write_key_str(out, "reason", override->reason);
    rt_write_key_int(out, "since", override->since);
    rt_write_key_int(out, "until", override->until);
}

uint64_t rt_override_value(const struct rt_override *override)
{
    uint64_t bits = (uint64_t) override->band;

    if (override->form == RT_OVERRIDE_SCORE)
        memcpy(&bits, &override->score, sizeof(bits));
    return bits;
}

bool rt_override_set(struct rt_override *override, uint8_t form, uint64_t value)
{
    double score;

    memcpy(&score, &value, sizeof(score));
    if (form == RT_OVERRIDE_SCORE && score >= 0 && score <= 100)
        override->score = score;
    else if (form == RT_OVERRIDE_BAND && value < RT_BANDS)
        override->band = (enum rt_band)value;
    else
        return false;
    override->form = (enum rt_override_form)form;
    return true;
}

void rt_override_encode(struct rt_buffer *out, const struct rt_override *override)
{
    rt_put_u8(out, (uint8_t) override->form);
    rt_put_u64(out, rt_override_value(override));
    rt_put_u64(out, (uint64_t) override->since);
    rt_put_u64(out, (uint64_t) override->until);
    rt_put_bytes(out, override->by);
    rt_put_bytes(out, override->reason);
}

bool rt_override_decode(struct rt_reader *reader, struct rt_override *override)
{
    struct rt_override read = {0};
    uint64_t value, since, until;
    uint8_t form;

    if (!rt_get_u8(reader, &form) || !rt_get_u64(reader, &value) || !rt_get_u64(reader, &since) ||
        !rt_get_u64(reader, &until) || !rt_get_bytes(reader, &read.by) ||
        !rt_get_bytes(reader, &read.reason) || !rt_override_set(&read, form, value) ||
        since > RT_TS_MAX || until > RT_TS_MAX || since >= until || read.by.size > RT_TEXT_BYTES ||
        read.reason.size > RT_NOTE_BYTES)
        return false;
    read.since = (int64_t)since;
    read.until = (int64_t)until;
    *override = read;
    return true;
}
