/* The spans are buckets of four weeks, as the cells keep them. The shortest that says enough is
 * taken: short enough for a year of good ones before not to hide what went wrong, long enough for a
 * customer who is seldom in touch. */
#include "workers/score_recent.h"

enum {
    SPAN_DAYS = 90,
    SLOWER_FROM = 4, /* days in the span before: fewer are no rhythm that could slow down */
};

/* Spans begin so many buckets before that of the last contact; the last is everything. */
static const int32_t spans[] = {0, 1, 3, RT_CELL_MAX_BUCKET};
enum { SPANS = sizeof(spans) / sizeof(spans[0]), TONE_SPANS = 2 };

/* What makes a loss one to speak of: more than one bad one, and a quarter of all; ratings that are
 * bad for the most part; open tickets that cost a twentieth. Of tone the tier's own threshold, from
 * three on, else a worse one. */
enum { PATTERN_COUNT = 2, PATTERN_SHARE = 4, PATTERN_TONES = 3 };
#define PATTERN_TONE (-0.5)
#define PATTERN_RATING (-0.5)
#define PATTERN_TICKETS 0.95

static uint64_t total(const struct rt_account *account, enum rt_cell_kind kind, int32_t since)
{
    uint64_t sum = 0;

    for (unsigned i = 0; account->cells != NULL && i < account->cells->count; i++)
        if (account->cells->cells[i].kind == kind && account->cells->cells[i].bucket >= since)
            sum += account->cells->cells[i].amount;
    return sum;
}

struct rt_recent rt_recent_share(const struct rt_account *account, enum rt_cell_kind bad,
                                 enum rt_cell_kind good)
{
    struct rt_recent recent = {0};

    for (int i = 0; i < SPANS && recent.bad < PATTERN_COUNT; i++) {
        int32_t start = rt_account_last_bucket(account) - spans[i];

        recent.bad = total(account, bad, start);
        recent.good = total(account, good, start);
        recent.ever = start <= 0;
    }
    return recent;
}

static double tone(const struct rt_account *account, int32_t since, uint64_t *count)
{
    double good = (double)total(account, RT_CELL_SENTIMENT_GOOD, since);
    double bad = (double)total(account, RT_CELL_SENTIMENT_BAD, since);

    *count = total(account, RT_CELL_SENTIMENT_COUNT, since);
    return (good - bad) / RT_CELL_UNIT;
}

static double within(double mean)
{
    return mean < -1 ? -1 : mean > 1 ? 1 : mean;
}

struct rt_recent_tone rt_recent_tone(const struct rt_account *account)
{
    struct rt_recent_tone recent = {0};
    uint64_t all;
    double sum = 0, sum_all = tone(account, 0, &all);

    for (int i = 0; i < TONE_SPANS && recent.count < PATTERN_TONES; i++)
        sum = tone(account, rt_account_last_bucket(account) - spans[i], &recent.count);

    recent.count_before = all - recent.count;
    if (recent.count > 0)
        recent.mean = within(sum / (double)recent.count);
    if (recent.count_before > 0)
        recent.before = within((sum_all - sum) / (double)recent.count_before);
    return recent;
}

struct rt_recent_days rt_recent_days(const struct rt_account *account)
{
    const struct rt_activity *activity = &account->activity;
    int32_t end = rt_activity_day(activity->last) + 1;

    return (struct rt_recent_days){
        rt_activity_between(activity, end - SPAN_DAYS, end),
        rt_activity_between(activity, end - 2 * SPAN_DAYS, end - SPAN_DAYS)};
}

bool rt_recent_slower(const struct rt_account *account)
{
    struct rt_recent_days days;

    if (!rt_activity_any(&account->activity))
        return false;
    days = rt_recent_days(account);
    return days.before >= SLOWER_FROM && 2 * days.last <= days.before;
}

static bool no_pattern(const struct rt_account *account, enum rt_cell_kind bad,
                       enum rt_cell_kind good)
{
    struct rt_recent recent = rt_recent_share(account, bad, good);

    return recent.bad < PATTERN_COUNT || recent.bad * PATTERN_SHARE < recent.bad + recent.good;
}

static bool tone_ordinary(const struct rt_tier *tier, const struct rt_account *account)
{
    struct rt_recent_tone recent = rt_recent_tone(account);
    double below = tier->sentiment_below;

    if (recent.count < PATTERN_TONES && below > PATTERN_TONE)
        below = PATTERN_TONE;
    return recent.mean >= below;
}

static bool ratings_ordinary(const struct rt_account *account)
{
    struct rt_recent recent = rt_recent_share(account, RT_CELL_CSAT_BAD, RT_CELL_CSAT_GOOD);
    double good = (double)recent.good, bad = (double)recent.bad;

    return recent.bad == 0 || (good - bad) / (good + bad) > PATTERN_RATING;
}

bool rt_recent_ordinary(const struct rt_tier *tier, const struct rt_account *account,
                        enum rt_part part)
{
    switch (part) {
    case RT_PART_SENTIMENT_LOSS:
        return tone_ordinary(tier, account);
    case RT_PART_CSAT_LOSS:
        return ratings_ordinary(account);
    case RT_PART_UNANSWERED:
        return no_pattern(account, RT_CELL_UNANSWERED, RT_CELL_ANSWERED);
    case RT_PART_NO_SHOW:
        return no_pattern(account, RT_CELL_NO_SHOW, RT_CELL_HELD);
    case RT_PART_BOUNCED:
        return no_pattern(account, RT_CELL_BOUNCED, RT_CELL_DELIVERED);
    default:
        return false;
    }
}

enum rt_part rt_recent_trouble(const struct rt_tier *tier, const struct rt_account *account,
                               const struct rt_score_parts *parts)
{
    enum rt_part worst = RT_PARTS;
    double least = 1;

    for (enum rt_part part = RT_PART_FIRST_LOSS; part < RT_PARTS; part++) {
        double factor = parts->factor[part];

        if (factor < least && (part != RT_PART_TICKETS || factor <= PATTERN_TICKETS) &&
            !rt_recent_ordinary(tier, account, part)) {
            least = factor;
            worst = part;
        }
    }
    return worst;
}
