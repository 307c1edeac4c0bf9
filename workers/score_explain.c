/* The score taken apart into signed points that add up to it. Points of gains and of losses
 * multiply in the score; what each group brings as a whole is shared in proportion to the
 * logarithms of its factors. */
#include "workers/score_recent.h"
#include "workers/score_remedy.h"
#include "workers/score_text.h"

#include "protocol/assert.h"

#include <math.h>

struct explanation {
    struct rt_score *out;
    struct rt_score_view *view;
    const struct rt_tier *tier;
    const struct rt_account *account;
    int64_t now;
    int64_t falls_at; /* next, if nothing happens; INT64_MAX: hardly */
    double falls_below;
};

static uint64_t total(const struct rt_account *account, enum rt_cell_kind kind)
{
    uint64_t sum = 0;

    for (unsigned i = 0; account->cells != NULL && i < account->cells->count; i++)
        if (account->cells->cells[i].kind == kind)
            sum += account->cells->cells[i].amount;
    return sum;
}

/* "4 of the last 6 calls went unanswered" */
static void say_share(struct rt_sentence *sentence, const struct rt_account *account,
                      enum rt_cell_kind bad, enum rt_cell_kind good, const char *one,
                      const char *many)
{
    struct rt_recent recent = rt_recent_share(account, bad, good);
    uint64_t all = recent.bad + recent.good;

    if (all == 1)
        rt_say(sentence, "the last %s", one);
    else
        rt_say(sentence, "%llu of %s%llu %s", (unsigned long long)recent.bad,
               recent.ever ? "" : "the last ", (unsigned long long)all, many);
}

static void say_csat(struct rt_sentence *sentence, const struct rt_account *account)
{
    double good = (double)total(account, RT_CELL_CSAT_GOOD);
    double bad = (double)total(account, RT_CELL_CSAT_BAD);

    rt_say(sentence, "the ratings they gave come to %+.2f on a scale of -1 to 1",
           (good - bad) / (good + bad));
}

static void say_response(struct rt_sentence *sentence, const struct explanation *e)
{
    int64_t waits;

    rt_say_count(sentence, total(e->account, RT_CELL_REPLIES), "mail of ours", "mails of ours");
    rt_say(sentence, " in conversations with them");
    if (!rt_threads_waiting(e->account->threads, e->now, RT_DAY_MS, &waits))
        return;
    rt_say(sentence, "; one of theirs has waited ");
    rt_say_duration(sentence, e->now - waits);
    rt_say(sentence, " for an answer");
}

static void say_breadth(struct rt_sentence *sentence, const struct explanation *e)
{
    unsigned people =
        rt_activity_people(&e->account->activity, rt_activity_day(e->now) - RT_SCORE_BREADTH_DAYS);

    rt_say(sentence, "at least %u people there were in touch within half a year", people);
}

static void say_part(struct rt_sentence *sentence, const struct explanation *e, enum rt_part part)
{
    switch (part) {
    case RT_PART_SENTIMENT_GAIN:
    case RT_PART_SENTIMENT_LOSS:
        rt_say_sentiment(sentence, e->tier, e->account);
        break;
    case RT_PART_CSAT_GAIN:
    case RT_PART_CSAT_LOSS:
        say_csat(sentence, e->account);
        break;
    case RT_PART_BREADTH:
        say_breadth(sentence, e);
        break;
    case RT_PART_RESPONSE:
        say_response(sentence, e);
        break;
    case RT_PART_UNANSWERED:
        say_share(sentence, e->account, RT_CELL_UNANSWERED, RT_CELL_ANSWERED,
                  "call went unanswered", "calls went unanswered");
        break;
    case RT_PART_NO_SHOW:
        say_share(sentence, e->account, RT_CELL_NO_SHOW, RT_CELL_HELD, "visit was a no-show",
                  "visits were no-shows");
        break;
    case RT_PART_BOUNCED:
        say_share(sentence, e->account, RT_CELL_BOUNCED, RT_CELL_DELIVERED, "mail bounced",
                  "mails bounced");
        break;
    default:
        rt_say_tickets(sentence, e->tier, e->account, e->now);
    }
}

/* ---- a factor -------------------------------------------------------------------------------- */

static struct rt_sentence begin(struct rt_score *out, const char *factor, double points)
{
    struct rt_reason *reason = &out->factors[out->count++];

    RT_ASSERT(out->count <= RT_FACTORS);
    *reason = (struct rt_reason){.factor = factor, .points = points};
    return rt_sentence(reason->text, sizeof(reason->text));
}

/* The fact is said. What answers it (RT_PARTS: being in touch), and, where time weighs on it, when
 * the score falls next. */
static void say_what_follows(struct explanation *e, struct rt_sentence *sentence, enum rt_part part)
{
    struct rt_reason *reason = &e->out->factors[e->out->count - 1];
    struct rt_score_step step = rt_score_remedy(e->tier, e->account, part, e->now);
    double brings = rt_score_if(e->view, e->now, &step) - e->out->score;

    reason->fact = sentence->used;
    reason->ordinary = part < RT_PARTS && rt_recent_ordinary(e->tier, e->account, part);
    if (reason->points >= 0)
        return;
    if (brings >= 0.5) {
        rt_say(sentence, "; ");
        rt_say_remedy(sentence, part, &step);
        rt_say(sentence, " brings back %.0f", brings);
    }
    if ((part == RT_PARTS || part == RT_PART_TICKETS) && e->falls_at != INT64_MAX) {
        rt_say(sentence, "; if nothing happens, health is below %.0f on ", e->falls_below);
        rt_say_date(sentence, e->falls_at);
    }
}

/* ---- contact and silence --------------------------------------------------------------------- */

/* The points of contact are those it had when they were last in touch, so are its numbers. */
static void say_contact(struct rt_sentence *sentence, const struct explanation *e, bool silent)
{
    const struct rt_activity *activity = &e->account->activity;
    int32_t day = rt_activity_day(silent ? activity->last : e->now);

    if (!rt_activity_any(activity)) {
        rt_say(sentence, "no call, visit, mail or ticket so far");
        return;
    }
    rt_say(sentence, "in touch on ");
    rt_say_count(sentence, rt_activity_between(activity, day - 89, day + 2), "day", "days");
    rt_say(sentence, silent ? " of the 90 up to the last contact" : " of the last 90");
    if (rt_recent_slower(e->account))
        rt_say(sentence, ", more and more seldom: on %u of the 90 before that",
               rt_recent_days(e->account).before);
}

/* What went before a silence is its likely cause. */
static void say_before(struct rt_sentence *sentence, const struct explanation *e,
                       const struct rt_score_parts *parts)
{
    enum rt_part trouble = rt_recent_trouble(e->tier, e->account, parts);

    if (trouble != RT_PARTS) {
        rt_say(sentence, trouble == RT_PART_TICKETS ? "; and " : "; before that ");
        say_part(sentence, e, trouble);
    } else if (rt_recent_slower(e->account)) {
        struct rt_recent_days days = rt_recent_days(e->account);

        rt_say(sentence, "; before that more and more seldom: on %u %s of 90, after %u", days.last,
               days.last == 1 ? "day" : "days", days.before);
    }
}

/* How often, and what the silence since then has cost. A silence of less than a day is none. */
static void explain_level(struct explanation *e, const struct rt_score_parts *parts)
{
    double level = 100 * parts->level * parts->fade, before = level;
    int64_t last = e->account->activity.last;
    bool silent = rt_activity_any(&e->account->activity) && e->now - last >= RT_DAY_MS;
    struct rt_sentence sentence;

    if (silent)
        before = 100 * rt_score_level(e->view, last, false);
    sentence = begin(e->out, "contact", before - RT_SCORE_BASE);
    say_contact(&sentence, e, silent);
    say_what_follows(e, &sentence, RT_PARTS);
    if (!silent)
        return;
    sentence = begin(e->out, "silence", level - before);
    rt_say_silence(&sentence, e->account, e->now);
    say_before(&sentence, e, parts);
    say_what_follows(e, &sentence, RT_PARTS);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void explain_parts(struct explanation *e, const struct rt_score_parts *parts, int first,
                          int end, double product, double points)
{
    static const char *const names[RT_PARTS] = {
        "sentiment", "csat",       "breadth", "response", "sentiment",
        "csat",      "unanswered", "no_show", "bounced",  "tickets",
    };

    for (int part = first; part < end; part++) {
        struct rt_sentence sentence;

        if (parts->factor[part] >= 1)
            continue;
        sentence = begin(e->out, names[part], points * log(parts->factor[part]) / log(product));
        say_part(&sentence, e, (enum rt_part)part);
        say_what_follows(e, &sentence, (enum rt_part)part);
    }
}

void rt_score_explain(const struct rt_tier *tier, const struct rt_account *account, int64_t now,
                      struct rt_score *out)
{
    struct rt_score_view view;
    struct rt_score_parts parts;
    struct explanation e = {
        .out = out, .view = &view, .tier = tier, .account = account, .now = now};
    double gained;

    out->base = RT_SCORE_BASE;
    out->count = 0;
    rt_score_view(&view, tier, account);
    out->score = rt_score_parts(&view, now, &parts);
    e.falls_at = rt_score_next_fall(&view, now, out->score, &e.falls_below);
    explain_level(&e, &parts);
    gained = 100 * parts.fade * (1 - parts.level) * (1 - parts.gains);
    explain_parts(&e, &parts, 0, RT_PART_FIRST_LOSS, parts.gains, gained);
    explain_parts(&e, &parts, RT_PART_FIRST_LOSS, RT_PARTS, parts.losses,
                  (100 * parts.fade * parts.level + gained) * (parts.losses - 1));
}
