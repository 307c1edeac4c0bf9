/* splitmix64 for chance; events as a customer with some temper would cause them. */
#include "tests/lib/history.h"

#include "protocol/assert.h"
#include "protocol/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t history_seed(void)
{
    static uint64_t seed;
    static bool chosen;
    const char *given = getenv("RETAIN_SEED");

    if (chosen)
        return seed;
    chosen = true;
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("RETAIN_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

struct random random_from(uint64_t seed)
{
    return (struct random){seed};
}

uint64_t random_u64(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t random_below(struct random *random, uint64_t below)
{
    return random_u64(random) % below;
}

double random_unit(struct random *random)
{
    return (double)(random_u64(random) >> 11) / 9007199254740992.0;
}

bool random_chance(struct random *random, double chance)
{
    return random_unit(random) < chance;
}

struct temper random_temper(struct random *random)
{
    static const double spans[] = {1, 30, 200, 400, 1000, 4000};

    return (struct temper){
        .events = 1 + random_below(random, random_chance(random, 0.3) ? 5 : HISTORY_MAX - 1),
        .days = spans[random_below(random, 6)],
        .bad = random_unit(random),
        .tickets = random_chance(random, 0.6),
        .profile = random_chance(random, 0.5),
    };
}

static struct rt_span named(char *at, size_t size, const char *what, uint64_t number)
{
    snprintf(at, size, "%s%llu", what, (unsigned long long)number);
    return rt_span_text(at);
}

static void make_call(struct rt_event *event, struct random *random, const struct temper *temper)
{
    static const enum rt_outcome lost[] = {RT_MISSED, RT_VOICEMAIL, RT_CALL_BUSY, RT_FAILED,
                                           RT_ABANDONED};

    event->type = RT_CALL;
    event->outcome =
        random_chance(random, temper->bad) ? lost[random_below(random, 5)] : RT_ANSWERED;
}

static void make_mail(struct told *told, struct random *random, const struct temper *temper)
{
    told->event.type = RT_EMAIL;
    told->event.bounced = random_chance(random, temper->bad / 2);
    if (random_chance(random, 0.7))
        told->event.thread =
            named(told->thread, sizeof(told->thread), "thread", random_below(random, 12));
}

static void make_visit(struct rt_event *event, struct random *random, const struct temper *temper)
{
    event->type = RT_VISIT;
    event->outcome = random_chance(random, temper->bad)
                         ? (random_chance(random, 0.7) ? RT_NO_SHOW : RT_CANCELLED)
                         : RT_HELD;
}

static void make_ticket(struct told *told, struct random *random)
{
    struct rt_event *event = &told->event;

    event->type = RT_TICKET;
    event->ticket = named(told->ticket, sizeof(told->ticket), "", 4700 + random_below(random, 8));
    event->action = (enum rt_action)(RT_OPENED + random_below(random, RT_CLOSED - RT_OPENED + 1));
    event->severity = random_chance(random, 0.5) ? 1 + (int)random_below(random, 4) : 0;
    event->csat = random_chance(random, 0.3) ? 1 + (int)random_below(random, 5) : 0;
}

static void make_profile(struct told *told, struct random *random)
{
    told->event.type = RT_ACCOUNT;
    for (int key = 0; key < RT_PROFILE_KEYS; key++) {
        struct rt_profile_value *value = &told->event.profile[key];

        if (key == RT_PROFILE_STATUS || random_chance(random, 0.6))
            continue;
        value->presence = random_chance(random, 0.2) ? RT_KEY_CLEARED : RT_KEY_SET;
        if (value->presence == RT_KEY_CLEARED)
            continue;
        if (key == RT_PROFILE_RENEWAL)
            value->renewal = told->event.ts + (int64_t)random_below(random, 200) * RT_DAY_MS;
        else if (key == RT_PROFILE_VALUE)
            value->value = (double)random_below(random, 100000);
        else
            value->text = named(told->text[key], sizeof(told->text[key]), "value",
                                random_below(random, 1000));
    }
}

void history_event(struct told *told, struct random *random, const struct temper *temper,
                   uint64_t number, int64_t ts)
{
    uint64_t dice = random_below(random, 10);
    struct rt_event *event = &told->event;

    memset(told, 0, sizeof(*told));
    event->id = named(told->id, sizeof(told->id), "e", number);
    event->ts = ts;
    event->direction = (enum rt_direction)random_below(random, 3);
    if (random_chance(random, 0.5))
        event->contact =
            named(told->contact, sizeof(told->contact), "person", random_below(random, 20));
    if (dice == 0 && temper->profile)
        make_profile(told, random);
    else if (dice <= 3 && temper->tickets)
        make_ticket(told, random);
    else if (dice <= 5)
        make_visit(event, random, temper);
    else if (dice <= 7)
        make_call(event, random, temper);
    else
        make_mail(told, random, temper);
    if (random_chance(random, 0.3)) {
        event->has_sentiment = true;
        event->sentiment = 1 - 2 * random_unit(random);
    }
}

void history_make(struct history *history, struct random *random, const struct temper *temper,
                  int64_t now)
{
    double span = temper->days * (double)RT_DAY_MS;

    history->count = temper->events;
    for (size_t i = 0; i < history->count; i++) {
        int64_t ago = (int64_t)(random_unit(random) * span);

        if (random_chance(random, 0.1)) /* some stand at one moment */
            ago = (int64_t)random_below(random, 3) * RT_DAY_MS;
        history_event(&history->told[i], random, temper, i, ago > now ? 0 : now - ago);
    }
}

/* Spans point into the told themselves: they are moved along. */
static void swap(struct told *a, struct told *b)
{
    struct told told[2] = {*a, *b};
    struct told *to[2] = {b, a}, *from[2] = {a, b};

    for (int i = 0; i < 2; i++) {
        struct rt_event *event = &to[i]->event;
        struct rt_span *spans[] = {&event->id, &event->ticket, &event->contact, &event->thread};

        *to[i] = told[i];
        for (size_t s = 0; s < sizeof(spans) / sizeof(spans[0]); s++)
            if (spans[s]->data != NULL)
                spans[s]->data += (uint8_t *)to[i] - (uint8_t *)from[i];
        for (int key = 0; key < RT_PROFILE_KEYS; key++)
            if (event->profile[key].text.data != NULL)
                event->profile[key].text.data += (uint8_t *)to[i] - (uint8_t *)from[i];
    }
}

void history_shuffle(struct history *history, struct random *random)
{
    for (size_t i = history->count; i > 1; i--) {
        size_t other = random_below(random, i);

        if (other != i - 1)
            swap(&history->told[i - 1], &history->told[other]);
    }
}

void history_apply(struct rt_account *account, const struct rt_event *event)
{
    uint64_t evicted = 0;

    RT_ASSERT(rt_account_apply(account, event, 1000, &evicted));
}

struct rt_account *history_account(const struct history *history)
{
    struct rt_account *account = rt_account_new(rt_span_text("acme"));

    RT_ASSERT(account != NULL);
    for (size_t i = 0; i < history->count; i++)
        history_apply(account, &history->told[i].event);
    return account;
}
