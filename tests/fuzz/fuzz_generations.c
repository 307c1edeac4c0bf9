/* Any text as the list of generations: daemon and worker, who read it each in their own way, agree
 * on whether it can be read and on the newest. */
#include <stdlib.h>

#include "daemon/generation.h"
#include "protocol/assert.h"
#include "protocol/limits.h"
#include "workers/recover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void newest_is_the_same(const struct rt_generation *newest,
                               const struct rt_log_history *history)
{
    const struct rt_generation *last;

    RT_ASSERT(newest->number == history->count);
    if (history->count == 0)
        return;
    last = &history->all[history->count - 1];
    RT_ASSERT(memcmp(newest, last, sizeof(*last)) == 0);
    RT_ASSERT(newest->workers >= 1 && newest->workers <= RT_WORKERS_MAX);
    RT_ASSERT(newest->log >= 1 && newest->log + newest->workers - 1 <= UINT16_MAX);
}

/* Nothing but what the daemon would have written. */
static void text_has_one_form(const char *text, const struct rt_log_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        char line[RT_GENERATION_LINE];
        size_t size = (size_t)rt_generation_write(line, &history->all[i]);

        RT_ASSERT(strncmp(text, line, size) == 0);
        text += size;
    }
    RT_ASSERT(*text == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), error[RT_JOURNAL_ERROR];
    struct rt_log_history history;
    struct rt_generation newest;
    unsigned line;
    bool read;

    RT_ASSERT(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    read = rt_generations_parse(text, &newest, &line);
    RT_ASSERT(rt_log_history_parse(&history, text, error) == read);
    if (read) {
        newest_is_the_same(&newest, &history);
        text_has_one_form(text, &history);
    }
    rt_log_history_free(&history);
    free(text);
    return 0;
}
