#include "tests/sim/system/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/sim/system/os.h"

const char *const sim_tier_names[SIM_TIERS] = {"", "key", "national"};
const char *const sim_owner_names[SIM_OWNERS] = {"", "kim", "lee", "max.b"};

static const char *const outcomes[] = {"",       "answered",  "missed", "voicemail", "busy",
                                       "failed", "abandoned", "held",   "no_show",   "cancelled"};
static const char *const actions[] = {"",          "opened",   "updated",  "replied",
                                      "escalated", "resolved", "reopened", "closed"};
static const char *const directions[] = {"", "in", "out"};

enum { SPAN_DAYS = 300 };

void sim_account_name(unsigned account, char name[24])
{
    snprintf(name, 24, "account.%u", account);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void draw_type(struct sim_event *event)
{
    static const enum rt_event_type often[] = {RT_CALL,   RT_CALL,   RT_CALL,  RT_EMAIL,
                                               RT_EMAIL,  RT_VISIT,  RT_VISIT, RT_TICKET,
                                               RT_TICKET, RT_ACCOUNT};

    event->type = often[os_draw(sizeof(often) / sizeof(often[0]))];
}

static void draw_own(struct sim_event *event, int64_t now)
{
    switch (event->type) {
    case RT_CALL:
        event->outcome = (enum rt_outcome)(os_draw(RT_ABANDONED + 1));
        break;
    case RT_VISIT:
        event->outcome =
            os_draw(3) == 0 ? RT_OUTCOME_NONE : (enum rt_outcome)(RT_HELD + os_draw(3));
        break;
    case RT_EMAIL:
        event->bounced = os_draw(4) == 0;
        break;
    case RT_TICKET:
        event->ticket = 1 + (unsigned)os_draw(5);
        event->action = (enum rt_action)(RT_OPENED + os_draw(RT_CLOSED));
        event->severity = (int)os_draw(5);
        event->csat = (int)os_draw(6);
        break;
    default:
        event->owner = (unsigned)os_draw(SIM_OWNERS);
        event->tier = (unsigned)os_draw(SIM_TIERS);
        event->renewal = os_draw(2) == 0 ? 0 : now + (int64_t)os_draw(200 * (uint64_t)RT_DAY_MS);
        event->churned = os_draw(8) == 0;
    }
}

void sim_event_draw(struct sim_event *event, unsigned account, unsigned number, int64_t now)
{
    uint64_t span = os_draw(3) == 0 ? (uint64_t)RT_DAY_MS : SPAN_DAYS * (uint64_t)RT_DAY_MS;

    *event = (struct sim_event){.account = account, .number = number};
    draw_type(event);
    event->ts = now - SIM_BACK_MS - (int64_t)os_draw(span);
    if (event->type != RT_ACCOUNT && os_draw(3) == 0)
        event->sentiment = (int)os_draw(20001) - 10000;
    if (event->type != RT_ACCOUNT)
        event->direction = (enum rt_direction)os_draw(3);
    draw_own(event, now);
}

enum { FAULT_NO_ID = 1, FAULT_NO_ACCOUNT, FAULT_TYPE, FAULT_FUTURE, FAULT_NO_MAP };

bool sim_fault_allows(const struct sim_event *event, enum rt_error code)
{
    static const enum rt_error codes[] = {RT_OK,        RT_MISSING_FIELD, RT_MISSING_FIELD,
                                          RT_BAD_FIELD, RT_TS_IN_FUTURE,  RT_BAD_EVENT};

    return event->poison ? code == RT_POISON : event->fault != 0 && code == codes[event->fault];
}

static unsigned pack_own(const struct sim_event *event, struct rt_buffer *out)
{
    unsigned pairs = 0;
    char ticket[16];

    if (event->outcome != RT_OUTCOME_NONE && ++pairs)
        rt_write_key_text(out, "outcome", outcomes[event->outcome]);
    if (event->bounced && ++pairs)
        rt_write_key_bool(out, "bounced", true);
    if (event->ticket != 0 && (pairs += 2) > 0) {
        snprintf(ticket, sizeof(ticket), "t-%u", event->ticket);
        rt_write_key_text(out, "ticket", ticket);
        rt_write_key_text(out, "action", actions[event->action]);
    }
    if (event->severity != 0 && ++pairs)
        rt_write_key_int(out, "severity", event->severity);
    if (event->csat != 0 && ++pairs)
        rt_write_key_int(out, "csat", event->csat);
    if (event->owner != 0 && ++pairs)
        rt_write_key_text(out, "owner", sim_owner_names[event->owner]);
    if (event->tier != 0 && ++pairs)
        rt_write_key_text(out, "tier", sim_tier_names[event->tier]);
    if (event->renewal != 0 && ++pairs)
        rt_write_key_int(out, "renewal", event->renewal);
    if (event->type == RT_ACCOUNT && ++pairs)
        rt_write_key_text(out, "status", event->churned ? "churned" : "active");
    return pairs;
}

void sim_event_pack(const struct sim_event *event, struct rt_buffer *out)
{
    char id[32], account[24];
    unsigned pairs = 2;
    size_t mark;

    if (event->fault == FAULT_NO_MAP) {
        rt_write_int(out, (int64_t)event->number);
        return;
    }
    mark = rt_write_map_begin(out);
    snprintf(id, sizeof(id), "%s-%07u", event->poison ? "poison" : "e", event->number);
    sim_account_name(event->account, account);
    if (event->fault != FAULT_NO_ID && ++pairs)
        rt_write_key_text(out, "id", id);
    if (event->fault != FAULT_NO_ACCOUNT && ++pairs)
        rt_write_key_text(out, "account", account);
    rt_write_key_text(out, "type",
                      event->fault == FAULT_TYPE ? "letter" : rt_event_type_name(event->type));
    rt_write_key_int(out, "ts",
                     event->fault == FAULT_FUTURE ? event->ts + 20000 * RT_DAY_MS : event->ts);
    if (event->direction != RT_DIRECTION_NONE && ++pairs)
        rt_write_key_text(out, "direction", directions[event->direction]);
    if (event->sentiment != 0 && ++pairs)
        rt_write_key_double(out, "sentiment", event->sentiment / 10000.0);
    pairs += pack_own(event, out);
    rt_write_end(out, mark, pairs);
}

/* ---- what counts ----------------------------------------------------------------------------- */

static bool is_contact(const struct sim_event *event)
{
    switch (event->type) {
    case RT_CALL:
        return true;
    case RT_VISIT:
        return event->outcome == RT_OUTCOME_NONE || event->outcome == RT_HELD;
    case RT_EMAIL:
        return !event->bounced;
    case RT_TICKET:
        return event->action == RT_OPENED || event->action == RT_REPLIED ||
               event->action == RT_REOPENED;
    default:
        return false;
    }
}

static bool is_unanswered(const struct sim_event *event)
{
    return event->type == RT_CALL && (event->outcome == RT_FAILED ||
                                      (event->direction == RT_IN && event->outcome >= RT_MISSED));
}

/* Opened, reopened, resolved, closed, in the order that decides between equal times; 0: another. */
static int rank_of(enum rt_action action)
{
    return action == RT_OPENED     ? 1
           : action == RT_REOPENED ? 2
           : action == RT_RESOLVED ? 3
           : action == RT_CLOSED   ? 4
                                   : 0;
}

static bool is_later(const struct sim_event *a, const struct sim_event *b)
{
    int left = rank_of(a->action), right = rank_of(b->action);

    if (a->ts != b->ts)
        return a->ts > b->ts;
    return left != right ? left > right : a->number > b->number;
}

struct ticket {
    bool any, open, answered;
    int64_t first;
    int severity;
    double escalated, reopened;
};

static void ticket_of(const struct sim_event *const *events, size_t count, unsigned number,
                      struct ticket *ticket)
{
    const struct sim_event *state = NULL, *severity = NULL;

    *ticket = (struct ticket){.first = INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        const struct sim_event *event = events[i];

        if (event->type != RT_TICKET || event->ticket != number)
            continue;
        ticket->any = true;
        if (event->ts < ticket->first)
            ticket->first = event->ts;
        if (rank_of(event->action) > 0 && (state == NULL || is_later(event, state)))
            state = event;
        if (event->severity != 0 && (severity == NULL || is_later(event, severity)))
            severity = event;
        ticket->escalated += event->action == RT_ESCALATED;
        ticket->reopened += event->action == RT_REOPENED;
        ticket->answered =
            ticket->answered || (event->direction != RT_IN &&
                                 (event->action == RT_REPLIED || rank_of(event->action) >= 3));
    }
    ticket->open = ticket->any && (state == NULL || rank_of(state->action) < 3);
    ticket->severity = severity == NULL ? 3 : severity->severity;
}

/* ---- the score ------------------------------------------------------------------------------- */

enum mass {
    GOOD_CALL,
    BAD_CALL,
    HELD,
    NO_SHOW,
    MAIL,
    BOUNCED,
    PRAISE,
    BLAME,
    CSAT_GOOD,
    CSAT_BAD,
    MASSES
};

#define DAY ((double)RT_DAY_MS)
#define BUCKET (28 * RT_DAY_MS)

static void masses_of_event(const struct sim_event *event, double amount[MASSES])
{
    bool failed = event->outcome == RT_NO_SHOW || event->bounced;

    if (event->type == RT_ACCOUNT)
        return;
    amount[GOOD_CALL] = event->type == RT_CALL && !is_unanswered(event);
    amount[BAD_CALL] = is_unanswered(event);
    amount[NO_SHOW] = event->type == RT_VISIT && event->outcome == RT_NO_SHOW;
    amount[HELD] =
        event->type == RT_VISIT && event->outcome != RT_NO_SHOW && event->outcome != RT_CANCELLED;
    amount[MAIL] = event->type == RT_EMAIL && !event->bounced;
    amount[BOUNCED] = event->type == RT_EMAIL && event->bounced;
    if (event->sentiment > 0 && !failed)
        amount[PRAISE] = event->sentiment / 10000.0;
    if (event->sentiment < 0)
        amount[BLAME] = -event->sentiment / 10000.0;
    if (event->csat >= 4)
        amount[CSAT_GOOD] = event->csat == 5 ? 1 : 0.5;
    if (event->csat == 1 || event->csat == 2)
        amount[CSAT_BAD] = event->csat == 1 ? 1 : 0.5;
}

static bool is_bad(enum mass mass)
{
    return mass == BAD_CALL || mass == NO_SHOW || mass == BOUNCED || mass == BLAME ||
           mass == CSAT_BAD;
}

static void sum_masses(const struct sim_event *const *events, size_t count, int64_t last,
                       const struct sim_tier *tier, int64_t at, double mass[MASSES])
{
    for (size_t i = 0; i < count; i++) {
        double amount[MASSES] = {0};
        int64_t bucket = events[i]->ts / BUCKET, before = last / BUCKET - bucket;
        double good = exp2(-(double)(at - bucket * BUCKET) / DAY / tier->half_life_days);
        double bad = before <= 0 ? 1 : exp2(-28.0 * (double)before / tier->half_life_days);

        masses_of_event(events[i], amount);
        for (int j = 0; j < MASSES; j++)
            mass[j] += amount[j] * (is_bad((enum mass)j) ? bad : good);
    }
}

static double level(const struct sim_event *const *events, size_t count,
                    const struct sim_tier *tier, int64_t at)
{
    double days = 1e-4;

    for (size_t i = 0; i < count; i++) {
        int64_t day = events[i]->ts / RT_DAY_MS;
        bool seen = !is_contact(events[i]) || at - day * RT_DAY_MS >= 511 * RT_DAY_MS;

        for (size_t j = 0; j < i && !seen; j++)
            seen = is_contact(events[j]) && events[j]->ts / RT_DAY_MS == day;
        if (!seen)
            days += exp2(-(double)(at - day * RT_DAY_MS) / DAY / (2.5 * tier->rhythm_days));
    }
    return days / (days + 1);
}

static double tickets_loss(const struct sim_event *const *events, size_t count, int64_t at)
{
    static const double weight[] = {0, .25, .15, .08, .04}, hours[] = {0, 4, 24, 72, 168};
    double burden = 0;

    for (unsigned number = 1; number <= 5; number++) {
        struct ticket ticket;
        double age;

        ticket_of(events, count, number, &ticket);
        if (!ticket.open)
            continue;
        age = fmax(0, (double)(at - ticket.first) / 3600000 / hours[ticket.severity]);
        burden += weight[ticket.severity] * (1 + log(1 + age)) *
                  (1 + fmin(ticket.escalated, 2) / 2 + fmin(ticket.reopened, 4) / 4) *
                  (ticket.answered ? 1 : 1.25);
    }
    return 1 - .75 * (1 - exp(-burden));
}

static double score(const struct sim_event *const *events, size_t count, int64_t last,
                    const struct sim_tier *tier, int64_t at)
{
    const double k = 3;
    double mass[MASSES] = {0}, x, gains = 1, losses, silence;

    sum_masses(events, count, last, tier, at, mass);
    losses = tickets_loss(events, count, at);
    x = (mass[PRAISE] - mass[BLAME]) / (mass[PRAISE] + mass[BLAME] + k);
    gains *= x > 0 ? 1 - .10 * x : 1;
    losses *= x < 0 ? 1 + .30 * x : 1;
    x = (mass[CSAT_GOOD] - mass[CSAT_BAD]) / (mass[CSAT_GOOD] + mass[CSAT_BAD] + k);
    gains *= x > 0 ? 1 - .08 * x : 1;
    losses *= x < 0 ? 1 + .25 * x : 1;
    losses *= 1 - .30 * mass[BAD_CALL] / (mass[GOOD_CALL] + mass[BAD_CALL] + k);
    losses *= 1 - .25 * mass[NO_SHOW] / (mass[HELD] + mass[NO_SHOW] + k);
    losses *= 1 - .20 * mass[BOUNCED] / (mass[MAIL] + mass[BOUNCED] + k);
    silence = (double)(at - last) / DAY / (8 * tier->rhythm_days);
    return 100 / (1 + silence * silence * silence) *
           (1 - (1 - level(events, count, tier, at)) * gains) * losses;
}

/* ---- the account ----------------------------------------------------------------------------- */

static bool is_newer(const struct sim_event *event, const struct sim_event *before)
{
    return before == NULL || event->ts > before->ts ||
           (event->ts == before->ts && event->number > before->number);
}

static void profile(const struct sim_event *const *events, size_t count,
                    struct sim_account *account)
{
    const struct sim_event *owner = NULL, *tier = NULL, *status = NULL;

    for (size_t i = 0; i < count; i++) {
        if (events[i]->owner != 0 && is_newer(events[i], owner))
            owner = events[i];
        if (events[i]->tier != 0 && is_newer(events[i], tier))
            tier = events[i];
        if (events[i]->type == RT_ACCOUNT && is_newer(events[i], status))
            status = events[i];
    }
    account->owner = owner == NULL ? 0 : owner->owner;
    account->tier = tier == NULL ? 0 : tier->tier;
    account->churned = status != NULL && status->churned;
}

void sim_model(const struct sim_event *const *events, size_t count,
               const struct sim_parameters *parameters, int64_t at, struct sim_account *account)
{
    *account = (struct sim_account){0};
    for (size_t i = 0; i < count; i++) {
        account->events[events[i]->type]++;
        if (is_contact(events[i]) &&
            (!account->has_contact || events[i]->ts > account->last_contact)) {
            account->has_contact = true;
            account->last_contact = events[i]->ts;
        }
    }
    for (unsigned number = 1; number <= 5; number++) {
        struct ticket ticket;

        ticket_of(events, count, number, &ticket);
        account->open_tickets += ticket.open;
    }
    profile(events, count, account);
    if (account->has_contact)
        account->score =
            score(events, count, account->last_contact, &parameters->tiers[account->tier], at);
}
