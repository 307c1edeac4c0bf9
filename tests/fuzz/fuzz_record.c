/* Any bytes as the body of a journal's record: commands, dead letters, profiles. What is taken has
 * the same bytes when it is written again.
 *
 * The first byte of the input chooses, the rest is the body. */
#include <stdlib.h>

#include "protocol/assert.h"
#include "protocol/limits.h"
#include "workers/command.h"
#include "workers/profile.h"
#include "workers/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_command(struct rt_span body, struct rt_buffer *out)
{
    struct rt_command command;

    if (!rt_command_decode(body, &command))
        return;
    rt_command_encode(out, &command);
    RT_ASSERT(rt_span_equal(rt_buffer_span(out), body));
}

static void as_dead_letter(struct rt_span body, struct rt_buffer *out)
{
    struct rt_dead_letters letters = {0};
    struct rt_dead_letter letter;

    if (!rt_dead_decode(body, &letter))
        return;
    rt_dead_encode(out, &letter);
    RT_ASSERT(rt_span_equal(rt_buffer_span(out), body));
    RT_ASSERT(rt_dead_add(&letters, &letter, 8));
    RT_ASSERT(rt_dead_find(&letters, letter.sequence) != NULL);
    RT_ASSERT(rt_dead_remove(&letters, letter.sequence) && letters.bytes == 0);
    rt_dead_free(&letters);
}

static void as_commit(struct rt_span body, struct rt_buffer *out)
{
    uint8_t again[RT_COMMIT_BODY];
    uint64_t epoch;
    int64_t time;

    (void)out;
    if (!rt_commit_decode(body, &time, &epoch))
        return;
    rt_commit_encode(again, time, epoch);
    RT_ASSERT(rt_span_equal(rt_span(again, sizeof(again)), body));
}

/* A profile with every key of another event merged into it is a profile. */
static void merge(const struct rt_profile *profile)
{
    struct rt_event event = {.type = RT_ACCOUNT, .ts = 1, .id = rt_span_text("m")};
    struct rt_profile *next = NULL;

    event.profile[RT_PROFILE_NAME] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .text = rt_span_text("Acme")};
    event.profile[RT_PROFILE_OWNER] = (struct rt_profile_value){.presence = RT_KEY_CLEARED};
    event.profile[RT_PROFILE_RENEWAL] =
        (struct rt_profile_value){.presence = RT_KEY_SET, .renewal = 5};
    RT_ASSERT(rt_profile_merge(profile, &event, &next));
    RT_ASSERT(next == NULL || rt_profile_valid(rt_span(next->data, next->size)));
    free(next);
}

static void as_profile(struct rt_span body, struct rt_buffer *out)
{
    struct rt_profile *profile;

    (void)out;
    if (!rt_profile_valid(body))
        return;
    profile = malloc(sizeof(*profile) + body.size);
    RT_ASSERT(profile != NULL);
    profile->size = (uint32_t)body.size;
    memcpy(profile->data, body.data, body.size);
    for (int key = 0; key < RT_PROFILE_KEYS; key++) {
        struct rt_profile_value value = rt_profile_get(profile, (enum rt_profile_key)key);

        RT_ASSERT(value.text.data == NULL ||
                  (value.text.data >= profile->data &&
                   value.text.data + value.text.size <= profile->data + profile->size));
    }
    merge(profile);
    free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(struct rt_span, struct rt_buffer *) = {
        as_command, as_dead_letter, as_commit, as_profile};
    struct rt_buffer out = {0};

    if (size == 0)
        return 0;
    decoders[data[0] % (sizeof(decoders) / sizeof(*decoders))](rt_span(data + 1, size - 1), &out);
    rt_buffer_free(&out);
    return 0;
}
