/* Any bytes as what workers answer to a question that concerns all of them: merged into a reply that
 * can be read, or refused; and as what a worker says of itself.
 *
 * The input: a byte that chooses the question, then up to three answers, each two bytes of size
 * (little-endian) and its bytes, or as many as there are. */
#include "daemon/merge.h"
#include "daemon/pong.h"
#include "daemon/retry.h"
#include "protocol/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 3 };

typedef bool merge_fn(const struct rt_merge *merge, struct rt_buffer *out);

static bool merge_stats(const struct rt_merge *merge, struct rt_buffer *out)
{
    struct rt_merge_stats stats;

    (void)out;
    return rt_merge_stats(merge, &stats);
}

static const struct {
    struct rt_query query;
    merge_fn *merge;
} questions[] = {
    {{.op = RT_ACCOUNT_LIST, .limit = 3}, rt_merge_accounts},
    {{.op = RT_ACCOUNT_LIST, .limit = 3, .sort = RT_SORT_SCORE}, rt_merge_accounts},
    {{.op = RT_ACCOUNT_LIST, .limit = 3, .sort = RT_SORT_VALUE}, rt_merge_accounts},
    {{.op = RT_ALERT_LIST, .limit = 3}, rt_merge_alerts},
    {{.op = RT_ALERT_LIST, .limit = 3, .open = true}, rt_merge_alerts},
    {{.op = RT_DEAD_LIST, .limit = 3}, rt_merge_dead},
    {{.op = RT_REPORT_PORTFOLIO, .limit = 3}, rt_merge_report},
    {{.op = RT_REPORT_MANAGEMENT, .limit = 3}, rt_merge_management},
    {{.op = RT_STATS, .limit = 3}, merge_stats},
};

static void one_alone(struct rt_span part)
{
    struct rt_worker_numbers numbers = {0};
    struct rt_span letter;

    (void)rt_pong_read(part, &numbers);
    (void)rt_retry_letter(part, &letter);
    (void)rt_retry_taken(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rt_span parts[PARTS], error;
    struct rt_merge merge = {.parts = parts, .moment = 1000, .cursor = 7};
    struct rt_buffer out = {0};
    unsigned question;

    if (size == 0)
        return 0;
    question = data[0] % (sizeof(questions) / sizeof(*questions));
    merge.query = &questions[question].query;
    for (data++, size--; size >= 2 && merge.count < PARTS;) {
        size_t claimed = (size_t)(data[0] | data[1] << 8);
        size_t part = claimed < size - 2 ? claimed : size - 2;

        parts[merge.count++] = rt_span(data + 2, part);
        one_alone(parts[merge.count - 1]);
        data += 2 + part;
        size -= 2 + part;
    }
    if (merge.count > 0 && !rt_merge_error(&merge, &error) &&
        questions[question].merge(&merge, &out) && out.size > 0) {
        bool sound = true;

        for (uint32_t i = 0; i < merge.count; i++)
            sound = sound && rt_msgpack_check(parts[i], RT_REPLY_NESTING);
        RT_ASSERT(!out.failed &&
                  (!sound || rt_msgpack_check(rt_buffer_span(&out), RT_NESTING_MAX)));
    }
    rt_buffer_free(&out);
    return 0;
}
