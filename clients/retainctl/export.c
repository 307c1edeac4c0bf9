/* export [ACCOUNT]: events as they are kept, one JSON object a line: what `push` reads.
 *
 * Account by account in the order of their names, each account's events newest first: pages of
 * account.list, and of account.timeline for each of them, so what is held is a page. An account that
 * is erased meanwhile ends there; a page that is too large for an answer is asked for again with
 * fewer events.
 *
 * Failure: a refusal or a lost connection ends it with exit status 1; the lines before are whole. */
#include <string.h>

#include "clients/retainctl/json.h"
#include "clients/retainctl/show.h"
#include "protocol/limits.h"

struct job {
    struct rt_cli *cli;
    const char *since, *until;
    bool has_since, has_until;
    int64_t since_ms, until_ms;
    uint64_t accounts, events;
};

/* ---- events ---------------------------------------------------------------------------------- */

static bool event_print(retain_value event)
{
    json_t *json = rt_json_of_event(event);
    bool printed = json != NULL && rt_json_print_exact(stdout, json);

    json_decref(json);
    return printed;
}

static bool page_print(struct job *job, retain_value events)
{
    retain_iterator iterator = retain_iterate(events);
    retain_value event;

    while (retain_next(&iterator, NULL, &event)) {
        if (!event_print(event))
            return false;
        job->events++;
    }
    return true;
}

static retain_map *page_params(const struct job *job, retain_value account, retain_value after,
                               int64_t limit)
{
    retain_map *params = retain_map_new();
    size_t size = 0;
    const char *name = retain_value_text(account, &size);

    retain_map_text_n(params, "account", name, size);
    if (job->has_since)
        retain_map_int(params, "since", job->since_ms);
    if (job->has_until)
        retain_map_int(params, "until", job->until_ms);
    name = retain_value_text(after, &size);
    if (name != NULL)
        retain_map_text_n(params, "after", name, size);
    retain_map_int(params, "limit", limit);
    return params;
}

/* What becomes of a refused page. An answer for which there is no room is asked for in smaller parts. */
static int page_refused(const retain_reply *reply, bool one, int64_t *limit)
{
    bool no_room = strcmp(retain_reply_error(reply), "too_large") == 0 ||
                   strcmp(retain_reply_error(reply), "busy") == 0;

    if (no_room && *limit > 1) {
        *limit = (*limit + 1) / 2;
        return RT_CLI_CONTINUE;
    }
    if (strcmp(retain_reply_error(reply), "not_found") == 0 && !one)
        return RT_EXIT_OK; /* erased since it was listed */
    return rt_cli_refused(reply);
}

/* One account. RT_EXIT_OK, or what it failed with. `one`: it was asked for by name. */
static int account_export(struct job *job, retain_value account, bool one)
{
    int64_t limit = RT_LIST_MAX;
    retain_value after = {0};
    retain_reply *before = NULL; /* `after` points into it */
    int code = RT_CLI_CONTINUE;

    while (code == RT_CLI_CONTINUE) {
        retain_map *params = page_params(job, account, after, limit);
        retain_reply *reply = NULL;

        code = rt_cli_query(job->cli, "account.timeline", params, &reply);
        retain_map_free(params);
        if (code != RT_CLI_CONTINUE)
            break;
        if (retain_reply_error(reply)[0] != '\0') {
            code = page_refused(reply, one, &limit);
            retain_reply_free(reply);
            continue;
        }
        retain_reply_free(before);
        before = reply;
        if (!page_print(job, retain_value_get(retain_reply_value(reply), "events")))
            code = RT_EXIT_FAILED;
        after = retain_value_get(retain_reply_value(reply), "after");
        if (code == RT_CLI_CONTINUE && retain_value_kind(after) != RETAIN_TEXT)
            code = RT_EXIT_OK;
    }
    retain_reply_free(before);
    job->accounts += code == RT_EXIT_OK;
    return code;
}

/* ---- accounts -------------------------------------------------------------------------------- */

static int list_export(struct job *job, retain_value accounts)
{
    retain_iterator iterator = retain_iterate(accounts);
    retain_value account;
    int code = RT_EXIT_OK;

    while (code == RT_EXIT_OK && retain_next(&iterator, NULL, &account))
        code = account_export(job, retain_value_get(account, "account"), false);
    return code;
}

static int all_export(struct job *job, const char *owner)
{
    retain_map *params = retain_map_new();
    int code = RT_EXIT_OK;
    bool more = true;

    retain_map_int(params, "limit", RT_LIST_MAX);
    if (owner != NULL)
        retain_map_text(params, "owner", owner);
    while (code == RT_EXIT_OK && more) {
        retain_reply *reply = NULL;
        const char *after;
        size_t size = 0;

        code = rt_cli_query(job->cli, "account.list", params, &reply);
        if (code != RT_CLI_CONTINUE)
            break;
        code = retain_reply_error(reply)[0] != '\0'
                   ? rt_cli_refused(reply)
                   : list_export(job, retain_value_get(retain_reply_value(reply), "accounts"));
        after = retain_value_text(retain_value_get(retain_reply_value(reply), "after"), &size);
        more = after != NULL;
        if (more)
            retain_map_text_n(params, "after", after, size);
        retain_reply_free(reply);
    }
    retain_map_free(params);
    return code;
}

static int one_export(struct job *job, const char *name)
{
    struct rt_buffer packed = {0};
    int code;

    rt_write_text(&packed, name);
    if (packed.failed)
        code = rt_cli_fail("out of memory");
    else
        code = account_export(job, retain_value_of(packed.data, packed.size), true);
    rt_buffer_free(&packed);
    return code;
}

/* For people alone: standard output holds nothing but events. */
static int end(const struct job *job, int code)
{
    if (ferror(stdout))
        return rt_cli_fail("the output could not be written");
    if (code == RT_EXIT_OK)
        fprintf(stderr, "accounts %llu events %llu\n", (unsigned long long)job->accounts,
                (unsigned long long)job->events);
    return code;
}

int rt_cli_export(struct rt_cli *cli, int argc, char **argv)
{
    struct job job = {.cli = cli};
    const char *owner = NULL;
    const struct rt_cli_option options[] = {
        {"owner", 'o', "NAME", "accounts of this manager", RT_CLI_TEXT, &owner},
        {"since", 's', "TIME", "events not before (2026-11-22, 30d)", RT_CLI_TEXT, &job.since},
        {"until", 'u', "TIME", "events before", RT_CLI_TEXT, &job.until},
        {NULL, 0, NULL, NULL, RT_CLI_FLAG, NULL},
    };
    int count, code = rt_cli_parse(cli, options, argc, argv, &count);

    if (code == RT_CLI_CONTINUE && (count > 1 || (count == 1 && owner != NULL)))
        code = rt_cli_usage(cli, "one account, or those of an owner, or all");
    if (code == RT_CLI_CONTINUE)
        job.has_since = rt_show_time_option(cli, "since", job.since, -1, &job.since_ms, &code);
    if (code == RT_CLI_CONTINUE)
        job.has_until = rt_show_time_option(cli, "until", job.until, -1, &job.until_ms, &code);
    if (code != RT_CLI_CONTINUE)
        return code;
    return end(&job, count == 1 ? one_export(&job, argv[0]) : all_export(&job, owner));
}
