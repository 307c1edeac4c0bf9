/* What an alert says to the account manager: one sentence of facts, what would clear it, and the
 * reasons, heaviest first. */
#include "workers/override.h"
#include "workers/rules_facts.h"
#include "workers/score_remedy.h"
#include "workers/score_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

struct teller {
    struct rt_facts *facts;
    const struct rt_open *open;
    struct rt_transition *transition;
    struct rt_sentence *sentence;
};

/* ---- reasons --------------------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
    double x = ((const struct rt_reason *)a)->points, y = ((const struct rt_reason *)b)->points;

    x = x < 0 ? -x : x;
    y = y < 0 ? -y : y;
    return (x < y) - (x > y);
}

/* New parameters moved it: they weigh nothing of their own. */
static void add_configuration(struct rt_transition *transition)
{
    struct rt_reason *reason = &transition->reasons[transition->reason_count++];
    struct rt_sentence text = rt_sentence(reason->text, sizeof(reason->text));

    reason->factor = "configuration";
    reason->points = 0;
    rt_say(&text, "the parameters of the score or of the rules were changed");
}

/* Silence, tickets and tone speak of the facts, a fall of what happened: not of what is set by hand. */
static bool follows_override(const struct rt_facts *facts, enum rt_alert_kind kind)
{
    return facts->override != NULL &&
           (kind == RT_CHURN_RISK || kind == RT_RENEWAL_RISK || kind == RT_UPSELL);
}

/* What makes up the difference between what the facts say and what rules follow. */
static size_t add_override(const struct rt_facts *facts, struct rt_reason *reasons, size_t count)
{
    const struct rt_override *override = facts->override;
    struct rt_reason *reason = &reasons[count < RT_REASONS ? count++ : RT_REASONS - 1];
    struct rt_sentence text = rt_sentence(reason->text, sizeof(reason->text));

    reason->factor = "override";
    reason->points = facts->score - facts->computed;
    rt_say(&text, "set by hand to ");
    if (override->form == RT_OVERRIDE_SCORE)
        rt_say(&text, "%.0f", override->score);
    else
        rt_say(&text, "%s", rt_band_name(override->band));
    rt_say(&text, " by ");
    rt_say_name(&text, override->by, RT_NAME_IN_TEXT);
    rt_say(&text, " until ");
    rt_say_date(&text, override->until);
    rt_say(&text, ": ");
    rt_say_name(&text, override->reason, RT_REASON_TEXT);
    reason->fact = text.used;
    reason->ordinary = false;
    return count;
}

static bool is_reason(const struct rt_reason *factor, enum rt_alert_kind kind)
{
    return kind == RT_UPSELL ? factor->points > 0 : factor->points < 0;
}

/* The weight from which on a factor that is out of the ordinary stands among the reasons. */
static double first_weight(const struct rt_score *score, enum rt_alert_kind kind)
{
    double most = 0;

    for (size_t i = 0; i < score->count; i++)
        if (is_reason(&score->factors[i], kind) && !score->factors[i].ordinary)
            most = fmax(most, fabs(score->factors[i].points));
    return most;
}

/* Bad news has losses as its reasons, good news gains; should there be none, all there is. What
 * happens to every customer is left out where it would stand before what does not: that one call of
 * ten went unanswered is not why they fell silent. */
static void list_reasons(struct rt_facts *facts, struct rt_transition *transition)
{
    struct rt_score score;
    size_t count = 0;
    double most;

    rt_score_explain(facts->tier, facts->account, facts->now, &score);
    most = first_weight(&score, transition->kind);
    for (size_t i = 0; i < score.count; i++) {
        const struct rt_reason *factor = &score.factors[i];

        if (is_reason(factor, transition->kind) &&
            (!factor->ordinary || most == 0 || fabs(factor->points) <= most))
            transition->reasons[count++] = *factor;
    }
    if (count == 0)
        for (; count < score.count; count++)
            transition->reasons[count] = score.factors[count];
    if (follows_override(facts, transition->kind))
        count = add_override(facts, transition->reasons, count);
    qsort(transition->reasons, count, sizeof(struct rt_reason), by_weight);
    transition->reason_count = count;
    if (facts->on == RT_ON_CONFIGURATION)
        add_configuration(transition);
}

/* The heaviest reason in words. */
static void say_heaviest(const struct teller *teller)
{
    const struct rt_transition *transition = teller->transition;

    if (transition->reason_count > 0 && transition->reasons[0].points < 0)
        rt_say(teller->sentence, ": %.*s", (int)transition->reasons[0].fact,
               transition->reasons[0].text);
}

/* Where it goes from here. A score that time alone hardly moves has no such moment. */
static void say_next_fall(const struct teller *teller)
{
    struct rt_facts *facts = teller->facts;
    double below;
    int64_t at = rt_score_next_fall(&facts->view, facts->now, facts->computed, &below);

    if (at == INT64_MAX || follows_override(facts, teller->transition->kind))
        return;
    rt_say(teller->sentence, "; if nothing happens, health is below %.0f on ", below);
    rt_say_date(teller->sentence, at);
}

/* ---- what it is ------------------------------------------------------------------------------ */

static void tell_overdue(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;
    const struct rt_tickets *tickets = facts->account->tickets;
    const struct rt_ticket *oldest = NULL;
    int64_t earliest = INT64_MAX;
    unsigned count = 0;

    for (uint32_t i = 0; tickets != NULL && i < tickets->open.count; i++) {
        int64_t overdue, critical;

        rt_overdue_moments(facts->tier, tickets->open.at[i], &overdue, &critical);
        count += overdue <= facts->now;
        if (overdue < earliest) {
            earliest = overdue;
            oldest = tickets->open.at[i];
        }
    }
    if (oldest == NULL)
        return;
    rt_say(teller->sentence, "ticket ");
    rt_say_name(teller->sentence, rt_ticket_number(oldest), RT_NAME_IN_TEXT);
    rt_say(teller->sentence, " (%s) has been open for ", rt_ticket_severity_word(oldest));
    rt_say_duration(teller->sentence, facts->now - oldest->first);
    rt_say(teller->sentence, ", longer than its limit of ");
    rt_say_duration(teller->sentence, earliest - 1 - oldest->first);
    if (count > 1)
        rt_say(teller->sentence, "; %u more %s overdue", count - 1, count == 2 ? "is" : "are");
}

static void tell_drop(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;
    double peak = teller->open != NULL && teller->open->peak > 0
                      ? teller->open->peak
                      : rt_account_peak(facts->account, rt_activity_day(facts->now) - RT_PEAK_DAYS);

    if (peak > facts->computed)
        rt_say(teller->sentence, "health fell from %.0f to %.0f within %.0f days", peak,
               facts->computed, facts->tier->drop_days);
    else
        rt_say(teller->sentence, "health fell to %.0f within %.0f days", facts->computed,
               facts->tier->drop_days);
    say_heaviest(teller);
}

static void tell_renewal(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;

    rt_say(teller->sentence, "the contract is up for renewal in ");
    rt_say_duration(teller->sentence, facts->renewal - facts->now);
    rt_say(teller->sentence, " and health is at %.0f of 100", facts->score);
    say_heaviest(teller);
}

/* As its reason says it, with what went before. */
static void tell_silence(const struct teller *teller)
{
    const struct rt_transition *transition = teller->transition;

    for (size_t i = 0; i < transition->reason_count; i++) {
        const struct rt_reason *reason = &transition->reasons[i];

        if (strcmp(reason->factor, "silence") == 0) {
            rt_say(teller->sentence, "%.*s", (int)reason->fact, reason->text);
            return;
        }
    }
    rt_say_silence(teller->sentence, teller->facts->account, teller->facts->now);
}

static void tell_upsell(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;
    struct rt_growth growth = rt_growth(&facts->account->activity, rt_activity_day(facts->now));

    rt_say(teller->sentence,
           "health is at %.0f of 100 and contact has grown: %u days in the last 90 after %u in "
           "the 90 before; a good time for an offer",
           facts->score, growth.recent, growth.before);
}

static void tell(const struct teller *teller)
{
    struct rt_facts *facts = teller->facts;

    switch (teller->transition->kind) {
    case RT_CHURN_RISK:
        rt_say(teller->sentence, "health is at %.0f of 100", facts->score);
        say_heaviest(teller);
        break;
    case RT_SCORE_DROP:
        tell_drop(teller);
        break;
    case RT_SILENCE:
        tell_silence(teller);
        break;
    case RT_TICKET_OVERDUE:
        tell_overdue(teller);
        break;
    case RT_SENTIMENT:
        rt_say_sentiment(teller->sentence, facts->tier, facts->account);
        break;
    case RT_RENEWAL_RISK:
        tell_renewal(teller);
        break;
    default:
        tell_upsell(teller);
    }
}

/* ---- that it is over ------------------------------------------------------------------------- */

static void tell_cleared(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;

    if (facts->account->churned) {
        rt_say(teller->sentence, "the customer has left (status churned)");
        return;
    }
    switch (teller->transition->kind) {
    case RT_SILENCE:
        rt_say(teller->sentence, "no unusual silence any more: ");
        rt_say_silence(teller->sentence, facts->account, facts->now);
        break;
    case RT_TICKET_OVERDUE:
        rt_say(teller->sentence, "no ticket is overdue any more");
        break;
    case RT_SENTIMENT:
        rt_say(teller->sentence, "the tone has recovered: ");
        rt_say_sentiment(teller->sentence, facts->tier, facts->account);
        break;
    case RT_RENEWAL_RISK:
        if (facts->has_renewal && facts->renewal <= facts->now)
            rt_say(teller->sentence, "the date of renewal has passed; ");
        rt_say(teller->sentence, "health is at %.0f of 100", facts->score);
        break;
    case RT_UPSELL:
        rt_say(teller->sentence, "contact no longer grows: health is at %.0f of 100", facts->score);
        break;
    default:
        rt_say(teller->sentence, "health is at %.0f of 100 again", facts->score);
    }
}

/* ---- what would clear it --------------------------------------------------------------------- */

static double brings(struct rt_facts *facts, const struct rt_score_step *step)
{
    return rt_score_if(&facts->view, facts->now, step) - facts->computed;
}

/* What answers one of the account's losses, or being in touch (RT_PARTS), and what it brings. */
struct suggestion {
    enum rt_part part;
    struct rt_score_step step;
    double brings;
};

static struct suggestion suggestion_for(struct rt_facts *facts, enum rt_part part)
{
    struct suggestion suggestion = {
        part, rt_score_remedy(facts->tier, facts->account, part, facts->now), 0};

    if (part != RT_PART_TICKETS || suggestion.step.resolved != NULL)
        suggestion.brings = brings(facts, &suggestion.step);
    return suggestion;
}

/* The one step that would bring most. A loss is answered where that brings a point more than just
 * to be in touch. */
static struct suggestion best_suggestion(struct rt_facts *facts)
{
    struct suggestion best = suggestion_for(facts, RT_PARTS);
    struct suggestion ticket = suggestion_for(facts, RT_PART_TICKETS);
    struct rt_score_parts parts;

    rt_score_parts(&facts->view, facts->now, &parts);
    for (enum rt_part part = RT_PART_FIRST_LOSS; part < RT_PART_TICKETS; part++) {
        struct suggestion one = suggestion_for(facts, part);

        if (parts.factor[part] < 1 && one.brings >= best.brings + 1)
            best = one;
    }
    return ticket.brings >= best.brings ? ticket : best;
}

static void suggest(const struct teller *teller)
{
    struct rt_facts *facts = teller->facts;
    struct suggestion best;

    if (follows_override(facts, teller->transition->kind)) {
        rt_say(teller->sentence, ": it is set by hand until ");
        rt_say_date(teller->sentence, facts->override->until);
        return;
    }
    best = best_suggestion(facts);
    if (best.brings < 1)
        return;
    rt_say(teller->sentence, ": ");
    if (best.part == RT_PART_TICKETS) {
        rt_say(teller->sentence, "resolve ticket ");
        rt_say_name(teller->sentence, rt_ticket_number(best.step.resolved), RT_NAME_IN_TEXT);
    } else {
        rt_say_remedy(teller->sentence, best.part, &best.step);
    }
    rt_say(teller->sentence, " (+%.0f)", best.brings);
}

static void clears_overdue(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;
    const struct rt_tickets *tickets = facts->account->tickets;
    unsigned named = 0, more = 0;

    rt_say(teller->sentence, "resolving ");
    for (uint32_t i = 0; tickets != NULL && i < tickets->open.count; i++) {
        int64_t overdue, critical;

        rt_overdue_moments(facts->tier, tickets->open.at[i], &overdue, &critical);
        if (overdue > facts->now)
            continue;
        if (named == 3) {
            more++;
            continue;
        }
        rt_say(teller->sentence, named++ == 0 ? "" : ", ");
        rt_say_name(teller->sentence, rt_ticket_number(tickets->open.at[i]), RT_NAME_IN_TEXT);
    }
    if (more > 0)
        rt_say(teller->sentence, " and %u more", more);
}

static void clears_drop(const struct teller *teller)
{
    const struct rt_facts *facts = teller->facts;
    const struct rt_tier *tier = facts->tier;
    double peak = teller->open != NULL && teller->open->peak > 0
                      ? teller->open->peak
                      : rt_account_peak(facts->account, rt_activity_day(facts->now) - RT_PEAK_DAYS);

    if (peak < facts->computed + tier->drop_points)
        peak = facts->computed + tier->drop_points;
    rt_say(teller->sentence, "health back at %.0f", peak - tier->drop_points / 2);
    suggest(teller);
    rt_say(teller->sentence, "; or %.0f days", tier->drop_days);
}

static void tell_what_clears(const struct teller *teller)
{
    const struct rt_tier *tier = teller->facts->tier;

    switch (teller->transition->kind) {
    case RT_CHURN_RISK:
        rt_say(teller->sentence, "health back at %.0f", tier->churn_clear);
        suggest(teller);
        break;
    case RT_SCORE_DROP:
        clears_drop(teller);
        break;
    case RT_SILENCE:
        rt_say(teller->sentence, "a call, visit or mail");
        break;
    case RT_TICKET_OVERDUE:
        clears_overdue(teller);
        break;
    case RT_SENTIMENT:
        rt_say(teller->sentence,
               "an average tone of %+.2f or better: good conversations from now on",
               tier->sentiment_clear);
        break;
    case RT_RENEWAL_RISK:
        rt_say(teller->sentence, "health back at %.0f", tier->renewal_clear);
        suggest(teller);
        break;
    default:
        rt_say(teller->sentence,
               "health below %.0f, or contact that falls back below %.1f times that of the 90 days "
               "before",
               tier->upsell_clear, tier->upsell_clear_growth);
    }
}

void rt_describe(struct rt_facts *facts, const struct rt_open *open,
                 struct rt_transition *transition)
{
    struct rt_sentence text = rt_sentence(transition->text, sizeof(transition->text));
    struct rt_sentence clears = rt_sentence(transition->clears, sizeof(transition->clears));
    struct teller teller = {facts, open, transition, &text};

    list_reasons(facts, transition);
    if (transition->state == RT_CLEARED) {
        tell_cleared(&teller);
    } else {
        if (transition->state == RT_REMINDED)
            rt_say(&text, "still open: ");
        tell(&teller);
        if (transition->kind != RT_UPSELL)
            say_next_fall(&teller);
        teller.sentence = &clears;
        tell_what_clears(&teller);
        if (transition->severity == RT_WARNING)
            transition->worsens = rt_worsens(facts, transition->kind);
    }
    transition->text[0] = (char)toupper((unsigned char)transition->text[0]);
}
