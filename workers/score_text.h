/* What an account's facts say in words, for the factors of a score and the texts of alerts. */
#ifndef RT_WORKERS_SCORE_TEXT_H
#define RT_WORKERS_SCORE_TEXT_H

#include "workers/score_sentence.h"
#include "workers/score_view.h"

enum { RT_NAME_IN_TEXT = 40 };

/* "last heard from 19 days ago; this customer is usually in touch every 3" */
void rt_say_silence(struct rt_sentence *sentence, const struct rt_account *account, int64_t now);

/* "3 tickets open, the heaviest critical for 5 days (4711)"; at least one must be open. */
void rt_say_tickets(struct rt_sentence *sentence, const struct rt_tier *tier,
                    const struct rt_account *account, int64_t now);

/* "9 recent interactions average -0.42 in tone" */
void rt_say_sentiment(struct rt_sentence *sentence, const struct rt_tier *tier,
                      const struct rt_account *account);

/* Of the open tickets the one that costs most; NULL if none is open. */
const struct rt_ticket *rt_score_heaviest(const struct rt_tier *tier,
                                          const struct rt_account *account, int64_t now);

/* "critical", "high", "normal", "low" */
const char *rt_ticket_severity_word(const struct rt_ticket *ticket);

#endif
