/* The score. Why each term keeps the laws stands beside it:
 *   time  with time V, F and the good masses fall, the burden of tickets grows, the bad masses stay
 *   good  a good event adds to V, F or a good mass, and by moving the last contact may only lower a
 *         bad mass
 *   bad   a bad event adds to a bad mass, which lowers its factor
 * Nothing here allocates or fails. */
#include "workers/score_view.h"

#include <math.h>

#define BUCKET_MS (RT_DAY_MS * RT_CELL_DAYS)

/* A day counts while it began less than so many days ago. The support ends with `now`, not with the
 * newest day, so that a new day can not push an old one out; one less than the window, because the
 * newest day may be tomorrow (clocks differ). */
enum { DAYS_SUPPORT = RT_ACTIVITY_DAYS - 1, BUCKETS_SUPPORT = RT_CELLS_WINDOW - 2 };

/* ---- level of contact ------------------------------------------------------------------------ */

/* What the sums of powers need of r = 2^(-1 / half-life). */
struct powers {
    double r4, r64;
    double nibble[16]; /* sum of r^i over the set bits i of four */
};

static void set_powers(struct powers *powers, double half_life)
{
    double r = exp2(-1 / half_life), r2 = r * r, r3 = r2 * r;

    for (int i = 0; i < 16; i++)
        powers->nibble[i] = (i & 1) + (i >> 1 & 1) * r + (i >> 2 & 1) * r2 + (i >> 3 & 1) * r3;
    powers->r4 = powers->r64 = r2 * r2;
    for (int i = 0; i < 4; i++)
        powers->r64 *= powers->r64;
}

/* Sum of r^i over the set bits i of four words: Horner's rule four bits at a time, the words side
 * by side, so that the processor does not wait for one of them. */
static double sum_words(const struct powers *powers, const uint64_t words[4])
{
    const double *nibble = powers->nibble, r4 = powers->r4, r64 = powers->r64;
    uint64_t w0 = words[0], w1 = words[1], w2 = words[2], w3 = words[3];
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;

    for (int shift = 60; shift >= 0; shift -= 4) {
        s0 = s0 * r4 + nibble[w0 >> shift & 15];
        s1 = s1 * r4 + nibble[w1 >> shift & 15];
        s2 = s2 * r4 + nibble[w2 >> shift & 15];
        s3 = s3 * r4 + nibble[w3 >> shift & 15];
    }
    return ((s3 * r64 + s2) * r64 + s1) * r64 + s0;
}

static double days_sum(const uint64_t words[RT_ACTIVITY_WORDS], int used, double half_life)
{
    struct powers powers;
    double sum = 0, r256;

    if (used == 0)
        return 0;
    set_powers(&powers, half_life);
    r256 = powers.r64 * powers.r64 * powers.r64 * powers.r64;
    for (int i = (used - 1) / 4 * 4; i >= 0; i -= 4)
        sum = sum * r256 + sum_words(&powers, words + i);
    return sum;
}

static int oldest_day(const struct rt_activity *activity)
{
    for (int i = RT_ACTIVITY_WORDS; i-- > 0;)
        if (activity->days[i] != 0)
            return 64 * i + 63 - __builtin_clzll(activity->days[i]);
    return -1;
}

/* Takes the days up to bit `day` into the level. */
static void set_level(struct rt_score_view *view, int day)
{
    uint64_t words[RT_ACTIVITY_WORDS] = {0};
    int used = day < 0 ? 0 : day / 64 + 1;

    for (int i = 0; i < used; i++)
        words[i] = view->account->activity.days[i];
    if (used > 0 && day % 64 != 63)
        words[used - 1] &= (UINT64_C(1) << (day % 64 + 1)) - 1;
    view->level = days_sum(words, used, view->days_half_life);
    view->level_day = day;
}

/* Floor of a division by a day, for moments before `base` too. */
static int64_t whole_days(int64_t now, int64_t base)
{
    int64_t ms = now - base;

    return ms >= 0 ? ms / RT_DAY_MS : -((-ms + RT_DAY_MS - 1) / RT_DAY_MS);
}

/* Decayed number of active days. Time: each term falls. Good: a new day adds a term. */
static double days_at(struct rt_score_view *view, int64_t now)
{
    int64_t newest = view->account->activity.newest * RT_DAY_MS;
    int64_t day = DAYS_SUPPORT - 1 - whole_days(now, newest);
    double age = (double)(now - newest) / (double)RT_DAY_MS;

    if (day > view->oldest_day)
        day = view->oldest_day;
    if (day < 0)
        return 0;
    if (day != view->level_day)
        set_level(view, (int)day);
    return view->level * exp2(-fmax(age, -1) / view->days_half_life);
}

double rt_score_level(struct rt_score_view *view, int64_t now, bool contact)
{
    double days = days_at(view, now) + RT_SCORE_TRACE;
    int32_t today = rt_activity_day(now);

    if (contact && !rt_activity_on(&view->account->activity, today))
        days += exp2(-(double)(now - today * RT_DAY_MS) / (double)RT_DAY_MS / view->days_half_life);
    return days / (days + 1);
}

/* Half of the score is gone after RT_SCORE_FADE rhythms, three quarters after 12 of them. Good: a
 * contact shortens the silence. */
static double fade_at(const struct rt_score_view *view, int64_t now)
{
    int64_t silence = now - view->account->activity.last;
    double x = silence <= 0 ? 0
                            : (double)silence / (double)RT_DAY_MS /
                                  (RT_SCORE_FADE * view->tier->rhythm_days);

    return 1 / (1 + x * x * x);
}

/* ---- masses ---------------------------------------------------------------------------------- */

static bool is_good(unsigned kind)
{
    return kind < RT_CELL_FIRST_BAD;
}

static double power(double step, int32_t times)
{
    double product = 1;

    if (times > 8)
        return pow(step, times);
    for (; times > 0; times--)
        product *= step;
    return product;
}

/* Weights of a bucket on the way from the newest to older ones: as of a reference bucket; what lies
 * after that weighs as much as what lies in it. */
struct weights {
    double step; /* from a bucket to the one before */
    int32_t good_at, bad_at;
    double of[2]; /* good, bad */
};

static void move_weights(struct weights *weights, int32_t bucket)
{
    if (bucket < weights->good_at) {
        weights->of[0] *= power(weights->step, weights->good_at - bucket);
        weights->good_at = bucket;
    }
    if (bucket < weights->bad_at) {
        weights->of[1] *= power(weights->step, weights->bad_at - bucket);
        weights->bad_at = bucket;
    }
}

/* Good ones as of the newest good bucket, those from `floor` on; bad ones as of the last contact:
 * time alone does not heal them, a good contact may. */
static void set_masses(struct rt_score_view *view, int32_t floor)
{
    const struct rt_cells *cells = view->account->cells;
    struct weights weights = {exp2(-(double)RT_CELL_DAYS / view->tier->half_life_days),
                              view->good_bucket,
                              rt_account_last_bucket(view->account),
                              {1, 1}};
    int32_t bucket = INT32_MAX;
    double mass[RT_CELL_KINDS] = {0};

    for (unsigned i = cells->count; i-- > 0;) {
        const struct rt_cell *cell = &cells->cells[i];

        if (cell->bucket != bucket) {
            bucket = cell->bucket;
            move_weights(&weights, bucket);
            if (bucket < floor)
                weights.of[0] = 0;
        }
        mass[cell->kind] += cell->amount * weights.of[!is_good(cell->kind)];
    }
    memcpy(view->mass, mass, sizeof(mass));
    view->good_floor = floor;
}

static int32_t oldest_good(const struct rt_cells *cells)
{
    for (unsigned i = 0; i < cells->count; i++)
        if (is_good(cells->cells[i].kind))
            return cells->cells[i].bucket;
    return -1;
}

static void view_masses(struct rt_score_view *view)
{
    const struct rt_cells *cells = view->account->cells;
    bool any = cells != NULL && cells->count > 0;

    view->good_bucket = rt_cells_newest_good(cells);
    view->good_oldest = any ? oldest_good(cells) : -1;
    if (any && view->good_bucket < 0)
        set_masses(view, 0);
    else
        memset(view->mass, 0, sizeof(view->mass));
    view->good_floor = RT_CELL_MAX_BUCKET + 1; /* the first look takes in what its moment needs */
}

/* What a good mass is worth at `now`. Time: it falls. */
static double good_scale(struct rt_score_view *view, int64_t now)
{
    int32_t floor = (int32_t)rt_cells_bucket(now) - BUCKETS_SUPPORT;
    double age;

    if (view->good_bucket < 0)
        return 0;
    if (floor < view->good_oldest)
        floor = view->good_oldest;
    if (floor != view->good_floor)
        set_masses(view, floor);
    age = (double)(now - view->good_bucket * BUCKET_MS) / (double)RT_DAY_MS;
    return exp2(-fmax(age, -RT_CELL_DAYS) / view->tier->half_life_days);
}

/* ---- tickets --------------------------------------------------------------------------------- */

static double at_most(double value, double limit)
{
    return value < limit ? value : limit;
}

/* Time: the age grows. A more severe one weighs more and has a shorter limit. */
double rt_score_ticket_burden(const struct rt_tier *tier, const struct rt_ticket *ticket,
                              int64_t now)
{
    int severity = rt_ticket_severity(ticket) - 1;
    double limit = tier->ticket_limit_hours[severity] * (double)RT_HOUR_MS;
    double age = now <= ticket->first ? 0 : (double)(now - ticket->first);
    double burden = tier->ticket_weight[severity] * (1 + log1p(age / limit));

    burden *= 1 + 0.5 * at_most(ticket->escalated, 2) + 0.25 * at_most(ticket->reopened, 4);
    return ticket->response_at == INT64_MAX ? burden * RT_SCORE_UNANSWERED_TICKET : burden;
}

double rt_score_ticket_factor(const struct rt_tier *tier, double burden)
{
    return 1 - tier->weight_tickets * -expm1(-burden);
}

static double tickets_factor(const struct rt_score_view *view, int64_t now,
                             const struct rt_ticket *without)
{
    const struct rt_tickets *tickets = view->account->tickets;
    double burden = 0;

    if (tickets == NULL || tickets->open.count == 0)
        return 1;
    for (uint32_t i = 0; i < tickets->open.count && burden < 50; i++) /* e^-50: the floor */
        if (tickets->open.at[i] != without)
            burden += rt_score_ticket_burden(view->tier, tickets->open.at[i], now);
    return rt_score_ticket_factor(view->tier, burden);
}

/* ---- the whole ------------------------------------------------------------------------------- */

void rt_score_view(struct rt_score_view *view, const struct rt_tier *tier,
                   const struct rt_account *account)
{
    view->tier = tier;
    view->account = account;
    view->days_half_life = RT_SCORE_HALF_LIFE * tier->rhythm_days;
    view->oldest_day = oldest_day(&account->activity);
    view->level_day = -1; /* the first look takes in what its moment needs */
    view_masses(view);
}

/* Rises with good, falls with bad; -1..1. */
static double balance(double good, double bad, double prior)
{
    return (good - bad) / (good + bad + prior);
}

static double share(double bad, double good, double prior)
{
    return bad / (good + bad + prior);
}

/* 2^(-n / 2), n < 32 */
static double two_to_minus_half(unsigned n)
{
    double whole = 1.0 / (double)(1u << n / 2);

    return n % 2 == 0 ? whole : whole * 0.70710678118654752440;
}

/* A balance gains above zero and costs below it. */
static void set_balance(double factor[RT_PARTS], enum rt_part gain, double gain_weight,
                        enum rt_part loss, double loss_weight, double x)
{
    factor[gain] = x > 0 ? 1 - gain_weight * x : 1;
    factor[loss] = x < 0 ? 1 + loss_weight * x : 1;
}

/* Good masses as of now, with what the step adds; bad ones as they are. */
static void masses_at(struct rt_score_view *view, int64_t now, const struct rt_score_step *step,
                      double mass[RT_CELL_KINDS])
{
    double scale = good_scale(view, now);

    for (unsigned kind = 0; kind < RT_CELL_KINDS; kind++)
        mass[kind] = is_good(kind) ? view->mass[kind] * scale : view->mass[kind];
    if (step->amount > 0) /* it counts from the start of its bucket, as all do */
        mass[step->good] += step->amount * exp2(-(double)(now % BUCKET_MS) / (double)RT_DAY_MS /
                                                view->tier->half_life_days);
}

static const struct rt_score_step no_step;

static void set_factors(struct rt_score_view *view, int64_t now, const struct rt_score_step *step,
                        double factor[RT_PARTS])
{
    const struct rt_tier *tier = view->tier;
    double mass[RT_CELL_KINDS], k = tier->prior;
    unsigned people =
        rt_activity_people(&view->account->activity, rt_activity_day(now) - RT_SCORE_BREADTH_DAYS);

    masses_at(view, now, step, mass);
    set_balance(factor, RT_PART_SENTIMENT_GAIN, tier->bonus_sentiment, RT_PART_SENTIMENT_LOSS,
                tier->weight_sentiment,
                balance(mass[RT_CELL_SENTIMENT_GOOD] / RT_CELL_UNIT,
                        mass[RT_CELL_SENTIMENT_BAD] / RT_CELL_UNIT, k));
    set_balance(factor, RT_PART_CSAT_GAIN, tier->bonus_csat, RT_PART_CSAT_LOSS, tier->weight_csat,
                balance(mass[RT_CELL_CSAT_GOOD] / 2, mass[RT_CELL_CSAT_BAD] / 2, k));
    factor[RT_PART_BREADTH] =
        people <= 1 ? 1 : 1 - tier->bonus_breadth * (1 - two_to_minus_half(people - 1));
    factor[RT_PART_RESPONSE] = 1 - tier->weight_response * share(mass[RT_CELL_REPLIES], 0, k);
    factor[RT_PART_UNANSWERED] =
        1 - tier->weight_unanswered * share(mass[RT_CELL_UNANSWERED], mass[RT_CELL_ANSWERED], k);
    factor[RT_PART_NO_SHOW] =
        1 - tier->weight_no_show * share(mass[RT_CELL_NO_SHOW], mass[RT_CELL_HELD], k);
    factor[RT_PART_BOUNCED] =
        1 - tier->weight_bounced * share(mass[RT_CELL_BOUNCED], mass[RT_CELL_DELIVERED], k);
    factor[RT_PART_TICKETS] = tickets_factor(view, now, step->resolved);
}

static double parts_if(struct rt_score_view *view, int64_t now, const struct rt_score_step *step,
                       struct rt_score_parts *parts)
{
    *parts = (struct rt_score_parts){.gains = 1, .losses = 1};
    if (!step->contact && !rt_activity_any(&view->account->activity)) {
        for (int i = 0; i < RT_PARTS; i++)
            parts->factor[i] = 1;
        return 0;
    }
    parts->level = rt_score_level(view, now, step->contact);
    parts->fade = step->contact ? 1 : fade_at(view, now);
    set_factors(view, now, step, parts->factor);
    for (int i = 0; i < RT_PART_FIRST_LOSS; i++)
        parts->gains *= parts->factor[i];
    for (int i = RT_PART_FIRST_LOSS; i < RT_PARTS; i++)
        parts->losses *= parts->factor[i];
    return 100 * parts->fade * (1 - (1 - parts->level) * parts->gains) * parts->losses;
}

double rt_score_parts(struct rt_score_view *view, int64_t now, struct rt_score_parts *parts)
{
    return parts_if(view, now, &no_step, parts);
}

double rt_score_if(struct rt_score_view *view, int64_t now, const struct rt_score_step *step)
{
    struct rt_score_parts parts;

    return parts_if(view, now, step, &parts);
}

double rt_score_at(struct rt_score_view *view, int64_t now)
{
    struct rt_score_parts parts;

    return rt_score_parts(view, now, &parts);
}

double rt_score_value(const struct rt_tier *tier, const struct rt_account *account, int64_t now)
{
    struct rt_score_view view;

    rt_score_view(&view, tier, account);
    return rt_score_at(&view, now);
}

/* Most accounts have none: theirs costs no powers. */
static bool has_sentiment(const struct rt_cells *cells)
{
    for (unsigned i = 0; cells != NULL && i < cells->count; i++)
        if (cells->cells[i].kind == RT_CELL_SENTIMENT_COUNT)
            return true;
    return false;
}

unsigned rt_score_sentiment(const struct rt_tier *tier, const struct rt_account *account,
                            double *mean)
{
    const struct rt_cells *cells = account->cells;
    int32_t last = rt_account_last_bucket(account);
    double sum = 0, weights = 0, step;
    unsigned count = 0;

    *mean = 0;
    if (!has_sentiment(cells))
        return 0;
    step = exp2(-(double)RT_CELL_DAYS / tier->half_life_days);
    for (unsigned i = 0; i < cells->count; i++) {
        const struct rt_cell *cell = &cells->cells[i];
        double weight = cell->bucket < last ? power(step, last - cell->bucket) : 1;

        if (cell->kind == RT_CELL_SENTIMENT_COUNT) {
            count += cell->amount;
            weights += cell->amount * weight;
        } else if (cell->kind == RT_CELL_SENTIMENT_GOOD) {
            sum += cell->amount * weight / RT_CELL_UNIT;
        } else if (cell->kind == RT_CELL_SENTIMENT_BAD) {
            sum -= cell->amount * weight / RT_CELL_UNIT;
        }
    }
    *mean = weights > 0 ? fmax(-1, fmin(1, sum / weights)) : 0;
    return count;
}
