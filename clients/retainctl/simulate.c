/* simulate: the synthetic world to standard output; with --live, events as they would happen from
 * now on. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "clients/retainctl/cli.h"
#include "clients/retainctl/interrupt.h"
#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"
#include "clients/retainctl/when.h"
#include "clients/retainctl/world.h"
#include "protocol/limits.h"

enum { SEED = 1, ACCOUNTS = 300, DAYS = 365 };

static bool event_print(struct rt_span event, bool packed)
{
    json_t *json;

    if (packed)
        return fwrite(event.data, 1, event.size, stdout) == event.size;
    json = rt_json_of(retain_value_of(event.data, event.size));
    if (json == NULL)
        return false;
    rt_json_print(stdout, json);
    json_decref(json);
    return !ferror(stdout);
}

static int history(struct rt_world *world, bool packed)
{
    struct rt_span event;

    while (rt_world_next(world, &event)) {
        if (!event_print(event, packed))
            return RT_EXIT_FAILED;
    }
    return rt_world_failed(world) ? rt_cli_fail("out of memory") : RT_EXIT_OK;
}

static int live(struct rt_world *world, bool packed, double rate, double seconds)
{
    struct timespec pause = {.tv_sec = (time_t)(1 / rate), .tv_nsec = 0};
    int64_t end = seconds > 0 ? rt_when_now() + (int64_t)(seconds * 1000) : INT64_MAX;
    struct rt_span event;

    pause.tv_nsec = (long)((1 / rate - (double)pause.tv_sec) * 1e9);
    rt_interrupt_catch();
    while (!rt_interrupted() && rt_when_now() < end) {
        if (!rt_world_live(world, rt_when_now(), &event))
            return rt_cli_fail("out of memory");
        if (!event_print(event, packed) || fflush(stdout) != 0)
            return RT_EXIT_FAILED;
        nanosleep(&pause, NULL);
    }
    return RT_EXIT_OK;
}

/* What was planted, one object a line. */
static int truth_write(const struct rt_world *world, uint32_t accounts, const char *path)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL;

    for (uint32_t i = 0; i < accounts && good; i++) {
        struct rt_world_truth truth;
        json_t *json;

        rt_world_truth(world, i, &truth);
        json = json_pack("{s:s, s:s, s:s?, s:I, s:I}", "account", truth.account, "temperament",
                         truth.temperament, "cause", truth.cause, "onset", (json_int_t)truth.onset,
                         "gone", (json_int_t)truth.gone);
        good = json != NULL;
        if (good)
            rt_json_print(file, json);
        json_decref(json);
    }
    if (file != NULL && fclose(file) != 0)
        good = false;
    return good ? RT_CLI_CONTINUE : rt_cli_fail("%s: %s", path, strerror(errno));
}

struct simulate_options {
    int64_t seed, accounts, days;
    const char *until, *format, *truth;
    bool live;
    double rate, seconds;
};

static int run(const struct simulate_options *o, const struct rt_world_options *options,
               bool packed)
{
    struct rt_world *world = rt_world_new(options);
    int code = RT_CLI_CONTINUE;

    if (world == NULL)
        return rt_cli_fail("out of memory");
    if (o->truth != NULL)
        code = truth_write(world, options->accounts, o->truth);
    if (code == RT_CLI_CONTINUE)
        code = o->live ? live(world, packed, o->rate, o->seconds) : history(world, packed);
    rt_world_free(world);
    return code;
}

static int options_check(const struct rt_cli *cli, const struct simulate_options *o, bool *packed)
{
    if (o->accounts < 1 || o->accounts > RT_WORLD_ACCOUNTS_MAX)
        return rt_cli_usage(cli, "--accounts is 1 to %d", RT_WORLD_ACCOUNTS_MAX);
    if (o->days < 1 || o->days > RT_WORLD_DAYS_MAX)
        return rt_cli_usage(cli, "--days is 1 to %d", RT_WORLD_DAYS_MAX);
    if (o->rate <= 0 || o->rate > 100000)
        return rt_cli_usage(cli, "--rate is events a second, more than 0 and at most 100000");
    if (o->format != NULL && strcmp(o->format, "msgpack") != 0 && strcmp(o->format, "jsonl") != 0)
        return rt_cli_usage(cli, "--format is jsonl or msgpack");
    *packed = o->format != NULL && strcmp(o->format, "msgpack") == 0;
    return RT_CLI_CONTINUE;
}

int rt_cli_simulate(struct rt_cli *cli, int argc, char **argv)
{
    struct simulate_options o = {.seed = SEED, .accounts = ACCOUNTS, .days = DAYS, .rate = 2};
    const struct rt_cli_option options[] = {
        {"seed", 's', "N", "another world (default 1)", RT_CLI_WHOLE, &o.seed},
        {"accounts", 'a', "N", "how many (default 300)", RT_CLI_WHOLE, &o.accounts},
        {"days", 'd', "N", "how long a history (default 365)", RT_CLI_WHOLE, &o.days},
        {"until", 'u', "TIME", "it ends here (default: today, 00:00 UTC)", RT_CLI_TEXT, &o.until},
        {"format", 'f', "FORMAT", "jsonl (default) or msgpack", RT_CLI_TEXT, &o.format},
        {"truth", 0, "FILE", "write there what was planted in each account", RT_CLI_TEXT, &o.truth},
        {"live", 'l', NULL, "no history: events as they happen, from now on", RT_CLI_FLAG, &o.live},
        {"rate", 'r', "N", "with --live: events a second (default 2)", RT_CLI_DECIMAL, &o.rate},
        {"seconds", 0, "N", "with --live: end after so long (default: never)", RT_CLI_DECIMAL,
         &o.seconds},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int64_t now = rt_when_now();
    struct rt_world_options world = {.until = now - now % RT_DAY_MS};
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);
    bool packed = false;

    if (code == RT_CLI_CONTINUE && count != 0)
        code = rt_cli_usage(cli, "no argument is wanted, not '%s'", argv[0]);
    if (code == RT_CLI_CONTINUE)
        code = options_check(cli, &o, &packed);
    if (code == RT_CLI_CONTINUE)
        (void)rt_show_time_option(cli, "until", o.until, -1, &world.until, &code);
    if (code != RT_CLI_CONTINUE)
        return code;
    world.seed = (uint64_t)o.seed;
    world.accounts = (uint32_t)o.accounts;
    world.days = (uint32_t)o.days;
    if (world.until < o.days * RT_DAY_MS)
        return rt_cli_usage(cli, "--until is too early for %lld days", (long long)o.days);
    return run(&o, &world, packed);
}
