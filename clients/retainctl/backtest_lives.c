/* See backtest_lives.h. */
#include "clients/retainctl/backtest_lives.h"

#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/backtest_names.h"
#include "workers/rules.h"

enum { FIRST_CAPACITY = 1024 };

struct life {
    struct rt_account *account; /* NULL: nothing happened yet */
    int64_t clock;              /* of its newest event */
    int64_t deadline;           /* until then time alone changes nothing */
    int64_t listed;             /* since when churn_risk or silence is open, INT64_MAX: it is not */
    uint64_t at_dates;          /* bit i: it was at date i */
    uint8_t next_at, next_until; /* dates that are not reached yet */
};

struct counts {
    uint64_t accounts; /* at the end */
    uint64_t raised[RT_ALERT_KINDS];
};

struct rt_lives {
    const struct rt_config *config;
    const struct rt_lives_dates *dates;
    struct life *lives;
    int64_t *since; /* of account n and date i: n * dates->count + i */
    size_t count, capacity;
    struct rt_names *owners;
    struct counts *counts; /* by owner; room for owner_capacity */
    size_t owner_capacity;
    uint64_t late;
    struct rt_judgement judgement; /* scratch: too large for a stack frame */
};

struct rt_lives *rt_lives_new(const struct rt_config *config, const struct rt_lives_dates *dates)
{
    struct rt_lives *lives = calloc(1, sizeof(*lives));

    if (lives == NULL)
        return NULL;
    lives->config = config;
    lives->dates = dates;
    lives->judgement.terse = true;
    lives->owners = rt_names_new();
    if (lives->owners == NULL) {
        rt_lives_free(lives);
        return NULL;
    }
    return lives;
}

void rt_lives_free(struct rt_lives *lives)
{
    if (lives == NULL)
        return;
    for (size_t i = 0; i < lives->count; i++)
        rt_account_free(lives->lives[i].account);
    free(lives->lives);
    free(lives->since);
    free(lives->counts);
    rt_names_free(lives->owners);
    free(lives);
}

static bool grow(struct rt_lives *lives, size_t number)
{
    size_t capacity = lives->capacity == 0 ? FIRST_CAPACITY : lives->capacity;
    struct life *larger;
    int64_t *since;

    while (capacity <= number)
        capacity *= 2;
    if (capacity != lives->capacity) {
        larger = realloc(lives->lives, capacity * sizeof(*larger));
        if (larger == NULL)
            return false;
        lives->lives = larger;
        since = realloc(lives->since, capacity * lives->dates->count * sizeof(*since));
        if (since == NULL)
            return false;
        lives->since = since;
        lives->capacity = capacity;
    }
    for (; lives->count <= number; lives->count++) {
        lives->lives[lives->count] = (struct life){.deadline = INT64_MAX, .listed = INT64_MAX};
        for (size_t i = 0; i < lives->dates->count; i++)
            lives->since[lives->count * lives->dates->count + i] = INT64_MAX;
    }
    return true;
}

/* ---- judging --------------------------------------------------------------------------------- */

/* NULL without memory. */
static struct counts *counts_of_owner(struct rt_lives *lives, const struct rt_account *account)
{
    struct rt_profile_value owner = rt_account_profile(account, RT_PROFILE_OWNER);
    int64_t number =
        rt_names_number(lives->owners, owner.presence == RT_KEY_SET ? owner.text : rt_span("", 0));
    size_t capacity = lives->owner_capacity == 0 ? 64 : lives->owner_capacity * 2;
    struct counts *counts;

    if (number < 0)
        return NULL;
    if ((size_t)number >= lives->owner_capacity) {
        counts = realloc(lives->counts, capacity * sizeof(*counts));
        if (counts == NULL)
            return NULL;
        memset(counts + lives->owner_capacity, 0,
               (capacity - lives->owner_capacity) * sizeof(*counts));
        lives->counts = counts;
        lives->owner_capacity = capacity;
    }
    return &lives->counts[number];
}

static bool count_raised(struct rt_lives *lives, const struct rt_account *account,
                         enum rt_alert_kind kind)
{
    struct counts *counts = counts_of_owner(lives, account);

    if (counts != NULL)
        counts->raised[kind]++;
    return counts != NULL;
}

/* The message as far as the account's state wants it. */
static bool speak(struct rt_lives *lives, struct life *life, const struct rt_transition *said,
                  int64_t now)
{
    const struct rt_alert alert = {.kind = said->kind,
                                   .severity = said->severity,
                                   .state = said->state,
                                   .score = said->score,
                                   .ts = now};

    if (said->state == RT_RAISED && now >= lives->dates->at[0] &&
        !count_raised(lives, life->account, said->kind))
        return false;
    return rt_account_alert(life->account, &alert, 1, 1);
}

static int64_t listed_since(const struct rt_account *account, int64_t before, int64_t now)
{
    if (rt_account_episode_of(account, RT_CHURN_RISK) == NULL &&
        rt_account_episode_of(account, RT_SILENCE) == NULL)
        return INT64_MAX;
    return before < now ? before : now;
}

static bool judge(struct rt_lives *lives, struct life *life, int64_t now, enum rt_judged_on on)
{
    struct rt_judgement *judgement = &lives->judgement;
    int64_t next;

    if (on == RT_ON_EVENT && rt_rules_calm(lives->config, life->account, now, &next)) {
        if (next < life->deadline)
            life->deadline = next;
        return true;
    }
    rt_rules_judge(lives->config, life->account, now, on, judgement);
    life->deadline = judgement->deadline;
    if (judgement->count == 0)
        return true;
    for (size_t i = 0; i < judgement->count; i++)
        if (!speak(lives, life, &judgement->transitions[i], now))
            return false;
    life->deadline = rt_rules_deadline(lives->config, life->account, now);
    life->listed = listed_since(life->account, life->listed, now);
    return true;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void note_dates(struct rt_lives *lives, struct life *life, int64_t now)
{
    const struct rt_lives_dates *dates = lives->dates;
    size_t number = (size_t)(life - lives->lives);

    for (; life->next_at < dates->count && dates->at[life->next_at] <= now; life->next_at++)
        if (life->listed != INT64_MAX)
            life->at_dates |= UINT64_C(1) << life->next_at;
    for (; life->next_until < dates->count && dates->until[life->next_until] <= now;
         life->next_until++)
        lives->since[number * dates->count + life->next_until] = life->listed;
}

static int64_t next_date(const struct rt_lives *lives, const struct life *life)
{
    const struct rt_lives_dates *dates = lives->dates;
    int64_t at = life->next_at < dates->count ? dates->at[life->next_at] : INT64_MAX;
    int64_t until = life->next_until < dates->count ? dates->until[life->next_until] : INT64_MAX;

    return at < until ? at : until;
}

/* Everything that comes before `now` or at it by time alone. What an event of that very moment
 * brings comes after it. */
static bool pass_time(struct rt_lives *lives, struct life *life, int64_t now)
{
    for (;;) {
        int64_t date = next_date(lives, life);

        if (life->deadline <= now && life->deadline <= date) {
            if (!judge(lives, life, life->deadline, RT_ON_TIME))
                return false;
        } else if (date <= now) {
            note_dates(lives, life, date);
        } else {
            return true;
        }
    }
}

bool rt_lives_event(struct rt_lives *lives, size_t number, const struct rt_event *event)
{
    struct life *life;
    uint64_t evicted = 0;
    int64_t now;

    if (number >= lives->count && !grow(lives, number))
        return false;
    life = &lives->lives[number];
    lives->late += event->ts < life->clock;
    now = event->ts < life->clock ? life->clock : event->ts;
    if (life->account == NULL && (life->account = rt_account_new(event->account)) == NULL)
        return false;
    if (!pass_time(lives, life, now))
        return false;
    life->clock = now;
    rt_rules_before(lives->config, life->account, now);
    return rt_account_apply(life->account, event, (size_t)lives->config->limits_tickets,
                            &evicted) &&
           judge(lives, life, now, RT_ON_EVENT);
}

void rt_lives_hint(const struct rt_lives *lives, size_t number, int step)
{
    const struct life *life;

    if (number >= lives->count)
        return;
    life = &lives->lives[number];
    if (step == 0)
        __builtin_prefetch(life);
    else if (life->account != NULL && step == 1)
        rt_account_prefetch(life->account);
    else if (life->account != NULL)
        rt_account_prefetch_facts(life->account);
}

bool rt_lives_end(struct rt_lives *lives, int64_t end)
{
    for (size_t i = 0; i < lives->count; i++) {
        struct life *life = &lives->lives[i];
        struct counts *counts;

        if (life->account == NULL)
            continue;
        if (!pass_time(lives, life, end))
            return false;
        /* Horizons that reach beyond the log end with it. */
        note_dates(lives, life, INT64_MAX);
        counts = counts_of_owner(lives, life->account);
        if (counts == NULL)
            return false;
        counts->accounts++;
    }
    return true;
}

/* ---- what was seen --------------------------------------------------------------------------- */

bool rt_lives_listed(const struct rt_lives *lives, size_t number, size_t date)
{
    return number < lives->count && (lives->lives[number].at_dates >> date & 1) != 0;
}

int64_t rt_lives_listed_since(const struct rt_lives *lives, size_t number, size_t date)
{
    return number < lives->count ? lives->since[number * lives->dates->count + date] : INT64_MAX;
}

size_t rt_lives_owners(const struct rt_lives *lives)
{
    return rt_names_count(lives->owners);
}

struct rt_span rt_lives_owner(const struct rt_lives *lives, size_t owner)
{
    return rt_names_name(lives->owners, owner);
}

uint64_t rt_lives_accounts(const struct rt_lives *lives, size_t owner)
{
    return lives->counts[owner].accounts;
}

uint64_t rt_lives_raised(const struct rt_lives *lives, size_t owner, enum rt_alert_kind kind)
{
    return lives->counts[owner].raised[kind];
}

uint64_t rt_lives_late(const struct rt_lives *lives)
{
    return lives->late;
}
