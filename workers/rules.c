/* From verdicts to messages: hysteresis lies in the verdicts, the life of an episode here.
 *
 *   closed --holds (for dwell_ms)--> raised --severity moves--> changed --holds no more--> cleared
 *                                       \--acknowledged until its end--> reminded
 *
 * An acknowledged episode is quiet until the acknowledgement ends, but that it is over is said. A
 * snoozed one is quiet until the snooze ends, also about its end, unless it becomes critical: that
 * is said and ends the snooze. What is quiet is logged all the same. */
#include "workers/rules_facts.h"

#include "protocol/assert.h"

/* Kinds that describe a lasting state wait out the dwell; a fall and good news are told at once. */
static bool dwells(enum rt_alert_kind kind)
{
    return kind != RT_SCORE_DROP && kind != RT_UPSELL;
}

static void keep_earlier(int64_t *next, int64_t at, int64_t now)
{
    if (at > now && at < *next)
        *next = at;
}

/* What a judgement finds out about one kind. */
struct step {
    const struct rt_open *open;
    struct rt_verdict verdict;
    bool speaks;
    enum rt_alert_state state;
    bool publish;
    int64_t dwell; /* what to note: since when it holds without being raised yet, INT64_MIN: it does
                      not */
    int64_t next;
};

static bool holds_now(const struct rt_hold *hold, int64_t now)
{
    return hold->by.data != NULL && now < hold->until;
}

/* Whether an episode that goes on has something to say. */
static void step_open(struct step *step, const struct rt_facts *facts)
{
    const struct rt_episode *episode = &step->open->episode;
    bool acked = holds_now(episode->ack, facts->now);
    bool reminds = episode->ack->by.data != NULL && !acked;
    bool moved = step->verdict.severity != episode->severity;
    bool turned = moved && step->verdict.severity == RT_CRITICAL;

    step->speaks = reminds || moved;
    step->state = reminds ? RT_REMINDED : RT_CHANGED;
    step->publish = !acked && (!holds_now(episode->snooze, facts->now) || turned);
    if (acked)
        keep_earlier(&step->next, episode->ack->until, facts->now);
}

/* Whether what holds without being open yet is raised. */
static void step_new(struct step *step, const struct rt_facts *facts, enum rt_alert_kind kind)
{
    int64_t since = rt_account_dwell(facts->account, kind);
    int64_t due;

    if (since == INT64_MIN || since > facts->now)
        since = facts->now;
    due = since + (dwells(kind) ? (int64_t)facts->tier->dwell_ms : 0);
    step->publish = true;
    step->state = RT_RAISED;
    step->speaks = due <= facts->now;
    if (step->speaks)
        return;
    step->dwell = since;
    keep_earlier(&step->next, due, facts->now);
}

static void step_kind(struct step *step, struct rt_facts *facts, enum rt_alert_kind kind)
{
    *step = (struct step){.open = rt_account_open_of(facts->account, kind), .dwell = INT64_MIN};
    step->verdict = rt_verdict(facts, kind, step->open);
    step->next = step->verdict.next;
    if (step->verdict.holds && step->open != NULL) {
        step_open(step, facts);
    } else if (step->verdict.holds) {
        step_new(step, facts, kind);
    } else if (step->open != NULL) {
        step->speaks = true;
        step->state = RT_CLEARED;
        step->publish = !holds_now(step->open->episode.snooze, facts->now);
    }
}

/* The moment at which the score will have fallen to the first threshold that matters, if before
 * `until`. */
static int64_t next_fall(struct rt_facts *facts, double threshold, int64_t until)
{
    if (threshold <= 0)
        return INT64_MAX;
    return rt_facts_fall(facts, until, threshold);
}

static int64_t deadline(struct rt_facts *facts, const struct step steps[RT_ALERT_KINDS])
{
    int64_t next = INT64_MAX;
    double threshold = 0;

    for (int kind = 0; kind < RT_ALERT_KINDS; kind++) {
        double at = steps[kind].verdict.threshold;

        keep_earlier(&next, steps[kind].next, facts->now);
        if (at <= facts->score && at > threshold)
            threshold = at;
    }
    if (facts->override != NULL)
        keep_earlier(&next, facts->override->until, facts->now);
    keep_earlier(&next, next_fall(facts, threshold, next), facts->now);
    return next;
}

static void speak(struct rt_facts *facts, enum rt_alert_kind kind, const struct step *step,
                  bool terse, struct rt_transition *transition)
{
    transition->kind = kind;
    transition->severity =
        step->state == RT_CLEARED ? step->open->episode.severity : step->verdict.severity;
    transition->state = step->state;
    transition->publish = step->publish;
    transition->score = kind == RT_SCORE_DROP ? facts->computed : facts->score;
    transition->has_previous = step->open != NULL;
    transition->previous = step->open != NULL ? step->open->episode.spoke_score : 0;
    transition->reason_count = 0;
    transition->text[0] = transition->clears[0] = '\0';
    transition->worsens = 0;
    if (!terse)
        rt_describe(facts, step->open, transition);
}

static void note_score(struct rt_account *account, const struct rt_facts *facts)
{
    if (facts->on == RT_ON_LOAD || facts->on == RT_ON_CONFIGURATION)
        rt_account_forget_peaks(account);
    if (facts->on != RT_ON_TIME && rt_activity_any(&account->activity))
        rt_account_note_peak(account, rt_activity_day(facts->now), facts->computed);
}

/* Nothing open, nothing that holds, and no ticket whose age weighs. */
static bool is_calm(const struct rt_facts *facts, const struct step steps[RT_ALERT_KINDS])
{
    const struct rt_account *account = facts->account;

    for (int kind = 0; kind < RT_ALERT_KINDS; kind++)
        if (steps[kind].open != NULL || steps[kind].verdict.holds)
            return false;
    return facts->established && !facts->dormant && !account->churned && facts->override == NULL &&
           rt_tickets_open(account->tickets) == 0;
}

bool rt_rules_calm(const struct rt_config *config, struct rt_account *account, int64_t now,
                   int64_t *deadline)
{
    /* A fall by time is told with the next event; a day more may shorten what is usual, or show
     * growth; one more sentiment may make the mean count. */
    static const enum rt_alert_kind kinds[] = {RT_SCORE_DROP, RT_SILENCE, RT_SENTIMENT, RT_UPSELL};
    int64_t next = INT64_MAX;
    struct rt_facts facts;

    if (!account->calm)
        return false;
    rt_facts(&facts, config, account, now, RT_ON_EVENT);
    if (facts.dormant)
        return false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct rt_verdict verdict = rt_verdict(&facts, kinds[i], NULL);

        if (verdict.holds)
            return false;
        keep_earlier(&next, verdict.next, now);
    }
    note_score(account, &facts);
    *deadline = next;
    return true;
}

void rt_rules_judge(const struct rt_config *config, struct rt_account *account, int64_t now,
                    enum rt_judged_on on, struct rt_judgement *out)
{
    struct step steps[RT_ALERT_KINDS];
    struct rt_facts facts;

    rt_facts(&facts, config, account, now, on);
    out->score = facts.score;
    out->count = 0;
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++) {
        step_kind(&steps[kind], &facts, (enum rt_alert_kind)kind);
        if (steps[kind].speaks)
            speak(&facts, (enum rt_alert_kind)kind, &steps[kind], out->terse,
                  &out->transitions[out->count++]);
        /* Without memory for the note the dwell begins again at the next judgement. */
        rt_account_set_dwell(account, (enum rt_alert_kind)kind, steps[kind].dwell);
    }
    note_score(account, &facts);
    account->calm = is_calm(&facts, steps);
    out->deadline = deadline(&facts, steps);
    RT_ASSERT(out->deadline > now);
    rt_account_end_override(account, now);
}

void rt_rules_before(const struct rt_config *config, struct rt_account *account, int64_t now)
{
    const struct rt_tier *tier;
    int64_t at;

    if (!rt_activity_any(&account->activity))
        return;
    tier = rt_account_tier(account, config);
    at = now - (int64_t)(tier->drop_days * (double)RT_DAY_MS);
    if (rt_account_peak(account, rt_activity_day(at)) >= 0)
        return;
    /* Nothing was noted for so long: nothing has happened but that time passed. */
    if (at < account->activity.last)
        at = account->activity.last;
    if (at > now)
        at = now;
    rt_account_note_peak(account, rt_activity_day(at), rt_score_value(tier, account, at));
}

void rt_rules_note(const struct rt_config *config, struct rt_account *account, int64_t now,
                   bool anew)
{
    if (anew)
        rt_account_forget_peaks(account);
    if (rt_activity_any(&account->activity))
        rt_account_note_peak(account, rt_activity_day(now),
                             rt_score_value(rt_account_tier(account, config), account, now));
}

int64_t rt_rules_deadline(const struct rt_config *config, const struct rt_account *account,
                          int64_t now)
{
    struct step steps[RT_ALERT_KINDS];
    struct rt_facts facts;

    rt_facts(&facts, config, account, now, RT_ON_TIME);
    for (int kind = 0; kind < RT_ALERT_KINDS; kind++) {
        step_kind(&steps[kind], &facts, (enum rt_alert_kind)kind);
        if (steps[kind].speaks)
            return now + 1; /* judging is due already */
    }
    return deadline(&facts, steps);
}

void rt_rules_describe(const struct rt_config *config, const struct rt_account *account,
                       enum rt_alert_kind kind, int64_t now, struct rt_transition *out)
{
    const struct rt_open *open = rt_account_open_of(account, kind);
    struct rt_facts facts;

    *out = (struct rt_transition){.kind = kind};
    if (open == NULL)
        return;
    rt_facts(&facts, config, account, now, RT_ON_TIME);
    out->severity = open->episode.severity;
    out->state = RT_RAISED;
    out->score = kind == RT_SCORE_DROP ? facts.computed : facts.score;
    out->has_previous = true;
    out->previous = open->episode.spoke_score;
    rt_describe(&facts, open, out);
}
