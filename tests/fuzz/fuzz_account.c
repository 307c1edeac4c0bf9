/* Any bytes as an account's stored form: what is taken has one form, and whatever facts it states can
 * be scored, judged, counted on and freed. */
#include <math.h>
#include <stdlib.h>

#include "protocol/assert.h"
#include "protocol/limits.h"
#include "workers/account.h"
#include "workers/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t NOW = INT64_C(1767225600000);

static const struct rt_config *config(void)
{
    static struct rt_config made;

    if (made.tier_count == 0)
        rt_config_init(&made);
    return &made;
}

/* What is written of it reads as what is written again. */
static void form_lasts(struct rt_span written)
{
    struct rt_reader reader = rt_reader(written);
    struct rt_buffer again = {0};
    bool no_memory;
    struct rt_account *account = rt_account_decode(&reader, &no_memory);

    RT_ASSERT(account != NULL && reader.at == reader.end);
    rt_account_encode(&again, account);
    RT_ASSERT(rt_span_equal(rt_buffer_span(&again), written));
    rt_buffer_free(&again);
    rt_account_free(account);
}

/* The bytes that were read are the bytes it has; those of an older version (the first byte) are
 * written as of this one. */
static void form_is_one(const struct rt_account *account, struct rt_span read)
{
    struct rt_buffer again = {0};

    rt_account_encode(&again, account);
    if (again.data[0] == read.data[0])
        RT_ASSERT(rt_span_equal(rt_buffer_span(&again), read));
    else
        form_lasts(rt_buffer_span(&again));
    rt_buffer_free(&again);
}

static void judge(struct rt_account *account, int64_t now)
{
    static struct rt_judgement judgement;

    rt_rules_before(config(), account, now);
    rt_rules_judge(config(), account, now, RT_ON_EVENT, &judgement);
    RT_ASSERT(judgement.score >= 0 && judgement.score <= 100);
    RT_ASSERT(judgement.count <= RT_ALERT_KINDS && judgement.deadline > now);
    (void)rt_rules_deadline(config(), account, now);
}

static void score(const struct rt_account *account, int64_t now)
{
    struct rt_score explained;

    rt_score_explain(rt_account_tier(account, config()), account, now, &explained);
    RT_ASSERT(explained.score >= 0 && explained.score <= 100);
}

static void count_another(struct rt_account *account)
{
    static const char text[] = "\x86\xa2id\xa1x\xa4type\xa6ticket\xa7"
                               "account\xa1"
                               "A\xa2ts\xcf\x00\x00\x01\x9b\x76\xda\xa4\x00\xa6ticket\xa1"
                               "1\xa6"
                               "action\xa6opened";
    uint64_t evicted = 0;
    struct rt_event event;
    struct rt_fault fault;

    RT_ASSERT(rt_event_decode(rt_span(text, sizeof(text) - 1), NOW, RT_EVENT_BYTES, &event,
                              &fault) == RT_OK);
    RT_ASSERT(rt_account_apply(account, &event, 4, &evicted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_reader reader = rt_reader(rt_span(data, size));
    bool no_memory;
    struct rt_account *account = rt_account_decode(&reader, &no_memory);

    RT_ASSERT(!no_memory);
    if (account == NULL)
        return 0;
    form_is_one(account, rt_span(data, (size_t)(reader.at - data)));
    score(account, NOW);
    judge(account, NOW);
    count_another(account);
    score(account, NOW);
    judge(account, NOW + RT_DAY_MS);
    rt_account_free(account);
    return 0;
}
