/* A reason explains if it names what is wrong: in the synthetic world, which knows why each account
 * leaves, a reader who sees nothing but the text of an alert's first reason says so in nine alerts
 * of ten. Judged as it was lived: event by event and at every deadline, on a clock that is an
 * argument. RETAIN_SEED repeats a run; RETAIN_ROUNDS says how many worlds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clients/retainctl/world.h"
#include "tests/lib/history.h"
#include "tests/lib/memory_store.h"
#include "workers/core.h"
#include <retain.h>

enum { WORLDS = 2, ACCOUNTS = 1000, DAYS = 400, PARTITIONS = 16, LOG = 1 };

static const int64_t UNTIL = INT64_C(1795305600000);

/* What was planted; SLOWING is a rhythm that dries up before the silence, so to read either is
 * right. */
enum cause { SILENCE, SLOWING, TICKETS, UNANSWERED, SENTIMENT, NO_SHOWS, BOUNCES, NOTHING, CAUSES };

static const char *const causes[CAUSES] = {"silence",   "slowing",  "tickets", "unanswered",
                                           "sentiment", "no_shows", "bounces", "nothing"};

/* What the reader takes a text to be about: the first of these phrases that is in it, in this
 * order; that they are silent is what is left when nothing else went wrong. */
static const struct {
    const char *phrase;
    enum cause cause;
} meanings[] = {
    {"ticket open", TICKETS},   {"tickets open", TICKETS},         {"went unanswered", UNANSWERED},
    {"the tone of", SENTIMENT}, {"ratings they gave", SENTIMENT},  {"no-show", NO_SHOWS},
    {"bounced", BOUNCES},       {"more and more seldom", SLOWING}, {"last heard from", SILENCE},
    {"in touch on", SILENCE},
};

struct life {
    struct rt_config config;
    struct memory_store memory;
    struct rt_core core;
    struct rt_buffer frames;
    struct rt_world *world;
    struct rt_world_truth *truths;
};

static unsigned seen[CAUSES][CAUSES]; /* by what was planted, by what was read */
static unsigned moved; /* messages of alerts that had spoken before, of another score */

static enum cause cause_named(const char *name)
{
    enum cause cause = SILENCE;

    while (cause < NOTHING && strcmp(causes[cause], name) != 0)
        cause++;
    return cause;
}

static enum cause cause_read(const char *text)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (strstr(text, meanings[i].phrase) != NULL)
            return meanings[i].cause;
    return NOTHING;
}

/* All there is of an account that leaves, from when it begins to: but good news, and that something
 * is over. */
static bool counts(const struct rt_world_truth *truth, const struct rt_alert *alert)
{
    return truth->cause != NULL && alert->ts >= truth->onset && alert->kind != RT_UPSELL &&
           alert->state != RT_CLEARED;
}

/* An alert that speaks again says what the score was when it spoke before. */
static void look_at_change(retain_value message, const struct rt_alert *alert)
{
    char text[RT_SENTENCE + 1];
    double by = alert->has_previous ? alert->score - alert->previous : 0;

    if (by > -1 && by < 1)
        return;
    moved++;
    retain_value_copy(retain_value_get(message, "text"), text, sizeof(text));
    if (strstr(text, " when this alert spoke on ") == NULL && strlen(text) < RT_SENTENCE - 4)
        fail_msg("it was %.1f and is %.1f: %s", alert->previous, alert->score, text);
}

static void look_at(struct life *life, struct rt_span map)
{
    retain_value message = retain_value_of(map.data, map.size), key, reason;
    retain_iterator each = retain_iterate(retain_value_get(message, "reasons"));
    const struct rt_world_truth *truth;
    char account[32], text[RT_REASON_TEXT];
    struct rt_alert alert;

    assert_true(rt_alert_decode(map, &alert));
    look_at_change(message, &alert);
    retain_value_copy(retain_value_get(message, "account"), account, sizeof(account));
    truth = &life->truths[atoi(account + strlen("SIM-")) - 1];
    if (!counts(truth, &alert))
        return;
    assert_true(retain_next(&each, &key, &reason));
    retain_value_copy(retain_value_get(reason, "text"), text, sizeof(text));
    seen[cause_named(truth->cause)][cause_read(text)]++;
}

static void look_at_alerts(struct life *life)
{
    for (size_t at = 0; at < life->frames.size;) {
        struct rt_link_header header;
        struct rt_link_alert message;

        assert_true(rt_link_header_decode(life->frames.data + at, &header));
        assert_true(rt_link_alert_decode(
            rt_span(life->frames.data + at + RT_LINK_HEADER, header.size), &message));
        look_at(life, message.map);
        at += RT_LINK_HEADER + header.size;
    }
    rt_buffer_clear(&life->frames);
}

static void time_passes(struct life *life, int64_t until)
{
    for (int64_t at; (at = rt_core_next_deadline(&life->core)) <= until;) {
        while (rt_core_due(&life->core, at, 1000, &life->frames))
            ;
        look_at_alerts(life);
    }
}

static void event_happens(struct life *life, struct rt_span bytes)
{
    struct rt_event event;
    struct rt_fault fault;
    struct rt_place place;
    rt_position position;

    assert_int_equal(rt_event_decode(bytes, UNTIL, RT_EVENT_BYTES, &event, &fault), RT_OK);
    time_passes(life, event.ts - 1);
    assert_true(rt_core_locate(&life->core, event.account, &place));
    assert_true(rt_core_event(&life->core, place, &event, event.ts, false, &position));
    rt_core_close(&life->core, event.ts, &life->frames);
    look_at_alerts(life);
}

static struct life *life_new(uint64_t seed)
{
    struct rt_world_options options = {
        .seed = seed, .accounts = ACCOUNTS, .days = DAYS, .until = UNTIL};
    struct life *life = calloc(1, sizeof(*life));

    assert_non_null(life);
    rt_config_init(&life->config);
    life->memory.log = LOG;
    assert_true(rt_core_init(&life->core, &life->config, 0, 1, PARTITIONS, LOG, 42,
                             memory_store(&life->memory)));
    life->world = rt_world_new(&options);
    life->truths = calloc(ACCOUNTS, sizeof(*life->truths));
    assert_true(life->world != NULL && life->truths != NULL);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        rt_world_truth(life->world, i, &life->truths[i]);
    return life;
}

static void life_free(struct life *life)
{
    rt_core_free(&life->core);
    memory_store_free(&life->memory);
    rt_buffer_free(&life->frames);
    rt_world_free(life->world);
    free(life->truths);
    free(life);
}

static void live_world(uint64_t seed)
{
    struct life *life = life_new(seed);
    struct rt_span event;

    while (rt_world_next(life->world, &event))
        event_happens(life, event);
    assert_false(rt_world_failed(life->world));
    time_passes(life, UNTIL);
    life_free(life);
}

static bool is_right(unsigned planted, unsigned read)
{
    return read == planted || (planted == SLOWING && read == SILENCE);
}

/* Prints the table; the share of alerts whose cause was read. */
static double share_read(void)
{
    unsigned right = 0, all = 0;

    printf("planted, read:");
    for (unsigned read = 0; read < CAUSES; read++)
        printf("%11s", causes[read]);
    printf("\n");
    for (unsigned planted = 0; planted < NOTHING; planted++) {
        printf("%-14s", causes[planted]);
        for (unsigned read = 0; read < CAUSES; read++) {
            printf("%11u", seen[planted][read]);
            all += seen[planted][read];
            right += is_right(planted, read) ? seen[planted][read] : 0;
        }
        printf("\n");
    }
    printf("the cause was read in %u of %u alerts\n", right, all);
    assert_true(all > 100 && moved > 100);
    return (double)right / all;
}

static void the_first_reason_names_the_cause(void **state)
{
    const char *given = getenv("RETAIN_ROUNDS");
    unsigned worlds = given != NULL ? (unsigned)atoi(given) : WORLDS;

    (void)state;
    for (unsigned i = 0; i < worlds; i++)
        live_world(history_seed() + i);
    assert_true(share_read() >= 0.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_reason_names_the_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
