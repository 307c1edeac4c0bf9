/* Plain facts with numbers. Sums over all that the cells still know, unless said otherwise. */
#include "workers/score_text.h"

#include "workers/score_recent.h"

const char *rt_ticket_severity_word(const struct rt_ticket *ticket)
{
    static const char *const words[RT_SEVERITIES] = {"critical", "high", "normal", "low"};

    return words[rt_ticket_severity(ticket) - 1];
}

const struct rt_ticket *rt_score_heaviest(const struct rt_tier *tier,
                                          const struct rt_account *account, int64_t now)
{
    const struct rt_tickets *tickets = account->tickets;
    const struct rt_ticket *best = NULL;
    double most = -1;

    for (uint32_t i = 0; tickets != NULL && i < tickets->open.count; i++) {
        double burden = rt_score_ticket_burden(tier, tickets->open.at[i], now);

        if (burden > most) {
            most = burden;
            best = tickets->open.at[i];
        }
    }
    return best;
}

static int64_t since(int64_t ts, int64_t now)
{
    return now > ts ? now - ts : 0;
}

void rt_say_silence(struct rt_sentence *sentence, const struct rt_account *account, int64_t now)
{
    const struct rt_activity *activity = &account->activity;
    unsigned days;
    double gap;

    if (!rt_activity_any(activity)) {
        rt_say(sentence, "never in touch so far");
        return;
    }
    rt_say(sentence, "last heard from ");
    rt_say_duration(sentence, since(activity->last, now));
    rt_say(sentence, " ago");
    days = rt_activity_count(activity);
    if (days < 2) {
        rt_say(sentence, ", on the only day of contact so far");
        return;
    }
    gap = (double)(activity->last - rt_activity_start(activity)) / (double)RT_DAY_MS / (days - 1);
    if (gap < 1.5)
        rt_say(sentence, "; this customer is usually in touch every day");
    else
        rt_say(sentence, "; this customer is usually in touch every %.0f days", gap);
}

void rt_say_tickets(struct rt_sentence *sentence, const struct rt_tier *tier,
                    const struct rt_account *account, int64_t now)
{
    const struct rt_ticket *ticket = rt_score_heaviest(tier, account, now);
    size_t count = rt_tickets_open(account->tickets);

    if (ticket == NULL)
        return;
    rt_say_count(sentence, count, "ticket open, ", "tickets open, the heaviest ");
    rt_say(sentence, "%s for ", rt_ticket_severity_word(ticket));
    rt_say_duration(sentence, since(ticket->first, now));
    rt_say(sentence, " (");
    rt_say_name(sentence, rt_ticket_number(ticket), RT_NAME_IN_TEXT);
    rt_say(sentence, ")");
    if (ticket->reopened > 0)
        rt_say(sentence, ", reopened %s", ticket->reopened == 1 ? "once" : "again and again");
    if (ticket->escalated > 0)
        rt_say(sentence, ", escalated");
    if (ticket->response_at == INT64_MAX)
        rt_say(sentence, ", not answered yet");
}

void rt_say_sentiment(struct rt_sentence *sentence, const struct rt_tier *tier,
                      const struct rt_account *account)
{
    struct rt_recent_tone recent = rt_recent_tone(account);
    double mean;
    unsigned count = rt_score_sentiment(tier, account, &mean);
    bool moved = recent.count > 0 && recent.count_before > 0;

    if (moved)
        mean = recent.mean;
    rt_say(sentence, "the tone of %s", moved ? "the last " : "");
    rt_say_count(sentence, moved ? recent.count : count, "interaction averages ",
                 "interactions averages ");
    rt_say(sentence, "%+.2f on a scale of -1 to 1", mean);
    if (moved)
        rt_say(sentence, ", %+.2f before", recent.before);
}
