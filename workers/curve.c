/* Nothing here fails; what finds no room is a day without a point. */
#include "workers/curve.h"

#include <math.h>
#include <xxhash.h>

#include "workers/account_state.h"
#include "workers/score_view.h"

enum { WEEK = 7, WEEKS_DAYS = RT_CURVE_WEEKS * WEEK, ENTRY_HEAD = 18, POINT = 5 };

void rt_curve_init(struct rt_curve *curve)
{
    curve->last = -1;
    memset(curve->days, RT_CURVE_UNKNOWN, sizeof(curve->days));
    memset(curve->weeks, RT_CURVE_UNKNOWN, sizeof(curve->weeks));
}

static bool ends_week(int32_t day)
{
    return day % WEEK == RT_CURVE_WEEK_ENDS;
}

/* Days without a point between the newest and `day` push old ones out all the same. */
static void skip_to(struct rt_curve *curve, int32_t day)
{
    int32_t from = curve->last < day - WEEKS_DAYS ? day - WEEKS_DAYS : curve->last;

    for (int32_t d = from + 1; d < day; d++) {
        if (d < 0)
            continue;
        if (d > day - RT_CURVE_DAYS)
            curve->days[d % RT_CURVE_DAYS] = RT_CURVE_UNKNOWN;
        if (ends_week(d))
            curve->weeks[d / WEEK % RT_CURVE_WEEKS] = RT_CURVE_UNKNOWN;
    }
}

void rt_curve_put(struct rt_curve *curve, int32_t day, uint8_t value)
{
    if (day <= curve->last)
        return;
    skip_to(curve, day);
    curve->days[day % RT_CURVE_DAYS] = value;
    if (ends_week(day))
        curve->weeks[day / WEEK % RT_CURVE_WEEKS] = value;
    curve->last = day;
}

uint8_t rt_curve_day(const struct rt_curve *curve, int32_t day)
{
    return day < 0 || day > curve->last || day <= curve->last - RT_CURVE_DAYS
               ? RT_CURVE_UNKNOWN
               : curve->days[day % RT_CURVE_DAYS];
}

uint8_t rt_curve_week(const struct rt_curve *curve, int32_t day)
{
    return day < 0 || day > curve->last || !ends_week(day) || day <= curve->last - WEEKS_DAYS
               ? RT_CURVE_UNKNOWN
               : curve->weeks[day / WEEK % RT_CURVE_WEEKS];
}

struct rt_curve_key rt_curve_key(struct rt_span name, uint64_t secret)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(name.data, name.size, secret);

    return (struct rt_curve_key){hash.low64, hash.high64};
}

int rt_curve_key_compare(const struct rt_curve_key *a, const struct rt_curve_key *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    return (a->low > b->low) - (a->low < b->low);
}

/* ---- the closed form ------------------------------------------------------------------------- */

/* Whether the day would still have a place in the curve when the day before `end` has. */
static bool has_place(int32_t day, int32_t end)
{
    return day >= end - RT_CURVE_DAYS || (ends_week(day) && day >= end - WEEKS_DAYS);
}

/* The first day from `from` on that has one; `end` if there is none. */
static int32_t next_with_place(int32_t from, int32_t end)
{
    int32_t day = from < end - WEEKS_DAYS ? end - WEEKS_DAYS : from;

    if (day < 0)
        day = 0;
    while (day < end && !has_place(day, end))
        day++;
    return day < end ? day : end;
}

static uint8_t value_at_end_of(struct rt_score_view *view, int32_t day)
{
    return (uint8_t)lrint(rt_score_at(view, (day + INT64_C(1)) * RT_DAY_MS) * RT_CURVE_STEPS);
}

/* ---- points that wait ------------------------------------------------------------------------ */

/* The day on which the account was touched last, or before. New parameters note a score, too: that
 * is no touch. */
static int32_t touched_by(const struct rt_account *account)
{
    int32_t contact = rt_activity_day(account->activity.last);

    return account->peak_day >= 0 && account->peak_day < contact ? account->peak_day : contact;
}

static unsigned count_points(int32_t from, int32_t end)
{
    unsigned count = 0;

    for (int32_t day = next_with_place(from, end); day < end; day = next_with_place(day + 1, end))
        count++;
    return count;
}

bool rt_curve_is_due(const struct rt_account *account, int64_t now)
{
    int32_t today = rt_activity_day(now);

    return rt_activity_any(&account->activity) && account->peak_day < today &&
           touched_by(account) < today;
}

void rt_curve_note(struct rt_buffer *points, size_t most, const struct rt_curve_key *key,
                   const struct rt_tier *tier, const struct rt_account *account, int64_t now)
{
    int32_t end = rt_activity_day(now), from;
    struct rt_score_view view;
    unsigned count;

    if (!rt_curve_is_due(account, now))
        return;
    from = touched_by(account);
    count = count_points(from, end);
    if (count == 0 || points->size + ENTRY_HEAD + count * POINT > most ||
        !rt_buffer_reserve(points, ENTRY_HEAD + count * POINT)) {
        points->failed = false;
        return;
    }
    rt_put_u64(points, key->low);
    rt_put_u64(points, key->high);
    rt_put_u16(points, (uint16_t)count);
    rt_score_view(&view, tier, account);
    for (int32_t day = next_with_place(from, end); day < end; day = next_with_place(day + 1, end)) {
        rt_put_u32(points, (uint32_t)day);
        rt_put_u8(points, value_at_end_of(&view, day));
    }
}

bool rt_curve_entry_next(struct rt_span points, size_t *at, struct rt_curve_entry *entry)
{
    struct rt_reader reader;
    uint16_t count;
    size_t size;

    if (*at >= points.size)
        return false;
    reader = rt_reader(rt_span(points.data + *at, points.size - *at));
    if (!rt_get_u64(&reader, &entry->key.low) || !rt_get_u64(&reader, &entry->key.high) ||
        !rt_get_u16(&reader, &count))
        return false;
    size = (size_t)count * POINT;
    if (size > points.size - *at - ENTRY_HEAD)
        return false;
    entry->points = rt_span(points.data + *at + ENTRY_HEAD, size);
    *at += ENTRY_HEAD + size;
    return true;
}

void rt_curve_take_entry(struct rt_curve *curve, const struct rt_curve_entry *entry)
{
    struct rt_reader reader = rt_reader(entry->points);
    uint32_t day;
    uint8_t value;

    while (!rt_read_done(&reader) && rt_get_u32(&reader, &day) && rt_get_u8(&reader, &value))
        if (day <= INT32_MAX)
            rt_curve_put(curve, (int32_t)day, value);
}

void rt_curve_take(struct rt_curve *curve, struct rt_span points, const struct rt_curve_key *key)
{
    struct rt_curve_entry entry;
    size_t at = 0;

    while (rt_curve_entry_next(points, &at, &entry))
        if (rt_curve_key_compare(&entry.key, key) == 0)
            rt_curve_take_entry(curve, &entry);
}

void rt_curve_drop(struct rt_buffer *points, const struct rt_curve_key *key)
{
    struct rt_curve_entry entry;
    size_t at = 0, before = 0, kept = 0;

    for (; rt_curve_entry_next(rt_buffer_span(points), &at, &entry); before = at) {
        if (rt_curve_key_compare(&entry.key, key) == 0)
            continue;
        memmove(points->data + kept, points->data + before, at - before);
        kept += at - before;
    }
    points->size = kept;
}

/* ---- looking at it --------------------------------------------------------------------------- */

void rt_curve_complete(struct rt_curve *curve, const struct rt_tier *tier,
                       const struct rt_account *account, int64_t now)
{
    int32_t end = rt_activity_day(now), from;
    struct rt_score_view view;

    if (!rt_activity_any(&account->activity))
        return;
    from = touched_by(account);
    if (from <= curve->last)
        from = curve->last + 1;
    rt_score_view(&view, tier, account);
    for (int32_t day = next_with_place(from, end); day < end; day = next_with_place(day + 1, end))
        rt_curve_put(curve, day, value_at_end_of(&view, day));
}

uint8_t rt_curve_at(const struct rt_curve *curve, const struct rt_tier *tier,
                    const struct rt_account *account, int32_t day)
{
    struct rt_score_view view;

    if (curve != NULL && day <= curve->last)
        return rt_curve_day(curve, day);
    if (day < 0 || !rt_activity_any(&account->activity) || day < touched_by(account))
        return RT_CURVE_UNKNOWN;
    rt_score_view(&view, tier, account);
    return value_at_end_of(&view, day);
}
