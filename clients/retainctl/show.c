/* See show.h. */
#include "clients/retainctl/show.h"

#include <math.h>
#include <string.h>

#include "clients/retainctl/when.h"

static bool is(const json_t *text, const char *word)
{
    return json_is_string(text) && strcmp(json_string_value(text), word) == 0;
}

enum rt_color rt_show_band_color(const json_t *band)
{
    return is(band, "healthy")   ? RT_GREEN
           : is(band, "watch")   ? RT_YELLOW
           : is(band, "at_risk") ? RT_RED
                                 : RT_PLAIN;
}

enum rt_color rt_show_severity_color(const json_t *severity)
{
    return is(severity, "critical") ? RT_RED : is(severity, "warning") ? RT_YELLOW : RT_CYAN;
}

void rt_show_score(struct rt_grid *grid, enum rt_color color, const json_t *score)
{
    if (json_is_number(score))
        rt_grid_format(grid, color, "%.1f", json_number_value(score));
    else
        rt_grid_text(grid, color, NULL);
}

void rt_show_time(struct rt_grid *grid, const json_t *ms)
{
    char text[RT_WHEN_TEXT];

    rt_grid_text(grid, RT_PLAIN,
                 json_is_integer(ms) ? rt_when_format(json_integer_value(ms), true, text) : NULL);
}

void rt_show_date(struct rt_grid *grid, const json_t *ms)
{
    char text[RT_WHEN_TEXT];

    rt_grid_text(grid, RT_PLAIN,
                 json_is_integer(ms) ? rt_when_date(json_integer_value(ms), text) : NULL);
}

const char *rt_show_amount_text(double value, char out[RT_SHOW_AMOUNT])
{
    char digits[64];
    size_t size, at = 0;

    if (fabs(value) >= 1e15) {
        snprintf(out, RT_SHOW_AMOUNT, "%g", value);
        return out;
    }
    snprintf(digits, sizeof(digits), "%.0f", value);
    size = strlen(digits);
    for (size_t i = 0; i < size; i++) {
        out[at++] = digits[i];
        if ((size - 1 - i) % 3 == 0 && i + 1 < size && digits[i] != '-')
            out[at++] = ',';
    }
    out[at] = '\0';
    return out;
}

void rt_show_amount(struct rt_grid *grid, const json_t *value)
{
    char out[RT_SHOW_AMOUNT];

    if (!json_is_number(value) || fabs(json_number_value(value)) >= 1e15)
        rt_grid_json(grid, RT_PLAIN, value);
    else
        rt_grid_text(grid, RT_PLAIN, rt_show_amount_text(json_number_value(value), out));
}

void rt_show_text(const json_t *text)
{
    if (json_is_string(text))
        rt_terminal_text(stdout, json_string_value(text), json_string_length(text));
}

void rt_show_override(const json_t *override)
{
    const json_t *band = json_object_get(override, "band");
    const json_t *until = json_object_get(override, "until");
    char text[RT_WHEN_TEXT];

    printf("set by hand: %s%.1f ", rt_terminal_color(stdout, rt_show_band_color(band)),
           json_number_value(json_object_get(override, "score")));
    rt_show_text(band);
    printf("%s until %s by ", rt_terminal_color(stdout, RT_PLAIN),
           json_is_integer(until) ? rt_when_format(json_integer_value(until), true, text) : "-");
    rt_show_text(json_object_get(override, "by"));
    printf(": ");
    rt_show_text(json_object_get(override, "reason"));
    printf("\n");
}

void rt_show_alerts(const json_t *alerts)
{
    static const char *const headings[] = {"when",  "severity", "state", "kind", "account",
                                           "owner", ">score",   "id",    "what", NULL};
    struct rt_grid grid;
    size_t index;
    json_t *alert;

    rt_grid_begin(&grid, headings);
    json_array_foreach(alerts, index, alert)
    {
        const json_t *severity = json_object_get(alert, "severity");
        enum rt_color color = is(json_object_get(alert, "state"), "cleared")
                                  ? RT_DIM
                                  : rt_show_severity_color(severity);

        rt_show_time(&grid, json_object_get(alert, "ts"));
        rt_grid_json(&grid, color, severity);
        rt_grid_json(&grid, color, json_object_get(alert, "state"));
        rt_grid_json(&grid, color, json_object_get(alert, "kind"));
        rt_grid_json(&grid, RT_BOLD, json_object_get(alert, "account"));
        rt_grid_json(&grid, RT_PLAIN, json_object_get(alert, "owner"));
        rt_show_score(&grid, RT_PLAIN, json_object_get(alert, "score"));
        rt_grid_json(&grid, RT_DIM, json_object_get(alert, "id"));
        rt_grid_json(&grid, RT_PLAIN, json_object_get(alert, "text"));
    }
    rt_grid_print(&grid, stdout);
    rt_grid_free(&grid);
}

void rt_show_more(const char *option, const json_t *next)
{
    if (!json_is_string(next))
        return;
    fprintf(stderr, "more: the same with --%s '", option);
    for (const char *at = json_string_value(next), *end; *at != '\0'; at = end) {
        end = at + strcspn(at, "'");
        rt_terminal_text(stderr, at, (size_t)(end - at));
        if (*end == '\'') {
            fprintf(stderr, "'\\''");
            end++;
        }
    }
    fprintf(stderr, "'\n");
}

bool rt_show_time_option(const struct rt_cli *cli, const char *name, const char *text,
                         int direction, int64_t *ms, int *code)
{
    *code = RT_CLI_CONTINUE;
    if (text == NULL)
        return false;
    if (rt_when_parse_span(text, rt_when_now(), direction, ms))
        return true;
    *code = rt_cli_usage(
        cli, "--%s wants a time (2026-11-22, 2026-11-22T10:00Z, ms) or a span (7d, 12h), not '%s'",
        name, text);
    return false;
}
