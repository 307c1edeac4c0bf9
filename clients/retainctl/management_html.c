/* The management report as one page to print: no script, nothing from elsewhere, every text
 * escaped. */
#include "clients/retainctl/management.h"

#include <string.h>

#include "clients/retainctl/html.h"
#include "clients/retainctl/when.h"

#define HEALTHY "#3c8d5a"
#define WATCH "#b8860b"
#define AT_RISK "#b3122d"
#define NEUTRAL "#7a7a7a"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Account health</title>\n"
    "<style>\n"
    "body{font:14px/1.4 sans-serif;color:#222;max-width:1000px;margin:24px auto;padding:0 16px}\n"
    "h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 6px;break-after:avoid}\n"
    ".sub{color:#555;margin:2px 0 18px}\n"
    ".cards{display:flex;flex-wrap:wrap;gap:10px}\n"
    ".card{border:1px solid #ccc;border-radius:4px;padding:8px 14px;min-width:110px}\n"
    ".card b{display:block;font-size:20px}.card span{color:#555;font-size:12px}\n"
    ".charts{display:flex;flex-wrap:wrap;gap:8px 24px;margin-top:18px}\n"
    "figure{margin:0;break-inside:avoid}figcaption{font-weight:bold;margin-bottom:6px}\n"
    "svg{font:12px sans-serif;max-width:100%}\n"
    "table{border-collapse:collapse;width:100%;font-size:12px}\n"
    "th{text-align:left;border-bottom:1px solid #444;padding:3px 6px;vertical-align:bottom}\n"
    "td{border-bottom:1px solid #ddd;padding:3px 6px;overflow-wrap:anywhere}\n"
    "th.n,td.n{text-align:right;white-space:nowrap;overflow-wrap:normal}\n"
    "td.healthy{color:" HEALTHY "}td.watch{color:" WATCH "}td.at_risk{color:" AT_RISK
    ";font-weight:bold}\n"
    ".none,.note{color:#555}\n"
    "@page{size:A4 landscape;margin:12mm}\n"
    "@media print{body{max-width:none;margin:0;padding:0;font-size:11px}tr{break-inside:avoid}\n"
    "thead{display:table-header-group}*{-webkit-print-color-adjust:exact;"
    "print-color-adjust:exact}}\n"
    "</style>\n</head>\n<body>\n";

/* ---- head and figures ------------------------------------------------------------------------ */

static void filter_write(const json_t *report, const char *key, FILE *out)
{
    const json_t *value = json_object_get(report, key);

    if (!json_is_string(value))
        return;
    fprintf(out, " &middot; %s ", key);
    rt_html_text(out, json_string_value(value));
}

static void title_write(const json_t *report, FILE *out)
{
    char when[RT_WHEN_TEXT];

    fprintf(out, "<h1>Account health</h1>\n<p class=\"sub\">as of %s",
            rt_when_format(json_integer_value(json_object_get(report, "at")), true, when));
    filter_write(report, "owner", out);
    filter_write(report, "tier", out);
    filter_write(report, "region", out);
    fprintf(out, "</p>\n");
}

static void cards_write(const json_t *report, FILE *out)
{
    static const struct {
        const char *key, *name;
        enum rt_shown_as as;
        bool money;
    } cards[] = {
        {"accounts", "accounts", RT_AS_AMOUNT, false},
        {"score", "mean score", RT_AS_SCORE, false},
        {"value", "value", RT_AS_AMOUNT, true},
        {"value_at_risk", "value at risk", RT_AS_AMOUNT, true},
        {"value_weighted", "weighted by the loss of health", RT_AS_AMOUNT, true},
        {"open_tickets", "open tickets", RT_AS_AMOUNT, false},
        {"overdue", "promised and overdue", RT_AS_AMOUNT, false},
        {"visits_due", "visits due", RT_AS_AMOUNT, false},
        {"growing", "growth candidates", RT_AS_AMOUNT, false},
    };
    bool mixed = rt_management_mixed(report);
    char text[RT_MANAGEMENT_CELL];

    fprintf(out, "<div class=\"cards\">\n");
    for (size_t i = 0; i < sizeof(cards) / sizeof(*cards); i++) {
        if (mixed && cards[i].money)
            continue;
        fprintf(out, "<div class=\"card\"><b>");
        rt_html_text(out,
                     rt_management_cell(json_object_get(report, cards[i].key), cards[i].as, text));
        fprintf(out, "</b><span>%s</span></div>\n", cards[i].name);
    }
    fprintf(out, "</div>\n");
    if (mixed)
        fprintf(out, "<p class=\"note\">Values are in several currencies: see the table by "
                     "currency.</p>\n");
}

/* ---- charts ---------------------------------------------------------------------------------- */

static double number_at(const json_t *map, const char *key)
{
    return json_number_value(rt_management_at(map, key));
}

static struct rt_html_bar bar_of(const char *label, const json_t *map, const char *const *keys,
                                 size_t parts)
{
    struct rt_html_bar bar = {.label = label};

    for (size_t i = 0; i < parts; i++)
        bar.parts[i] = number_at(map, keys[i]);
    return bar;
}

static void health_write(const json_t *report, FILE *out)
{
    static const char *const keys[] = {"at_risk", "watch", "healthy"};
    static const char *const past[] = {"bands.at_risk", "bands.watch", "bands.healthy", "unknown"};
    static const char *const names[] = {"at risk", "watch", "healthy", "not known"};
    static const char *const colors[] = {AT_RISK, WATCH, HEALTHY, NEUTRAL};
    const json_t *ahead = json_object_get(report, "ahead");
    const json_t *before = json_object_get(report, "before");
    const struct rt_html_bar bars[] = {
        bar_of("30 days ago", json_object_get(before, "30"), past, 4),
        bar_of("7 days ago", json_object_get(before, "7"), past, 4),
        bar_of("today", json_object_get(report, "bands"), keys, 3),
        bar_of("in 7 days *", json_object_get(ahead, "7"), keys, 3),
        bar_of("in 30 days *", json_object_get(ahead, "30"), keys, 3),
    };

    rt_html_bars(out, &(struct rt_html_chart){"Accounts by health (* if nothing happens)", names,
                                              colors, 4, bars, 5});
}

static void scores_write(const json_t *report, FILE *out)
{
    static const char *const labels[] = {"0", "10", "20", "30", "40", "50", "60", "70", "80", "90"};
    static const char *const colors[] = {AT_RISK, AT_RISK, AT_RISK, AT_RISK, WATCH,
                                         WATCH,   WATCH,   HEALTHY, HEALTHY, HEALTHY};
    const json_t *scores = json_object_get(report, "scores");
    double counts[10];

    for (size_t i = 0; i < 10; i++)
        counts[i] = number_at(scores, labels[i]);
    rt_html_columns(out, "Accounts by score", labels, counts, colors, 10);
}

static void renewals_write(const json_t *report, FILE *out)
{
    static const char *const keys[] = {"bands.at_risk", "bands.watch", "bands.healthy"};
    static const char *const names[] = {"at risk", "watch", "healthy", "never contacted"};
    static const char *const colors[] = {AT_RISK, WATCH, HEALTHY, NEUTRAL};
    static const char *const days[] = {"30", "60", "90"};
    static const char *const labels[] = {"in 30 days", "in 60 days", "in 90 days"};
    struct rt_html_bar bars[3];

    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_object_get(json_object_get(report, "renewals"), days[i]);

        bars[i] = bar_of(labels[i], row, keys, 3);
        bars[i].parts[3] =
            number_at(row, "accounts") - bars[i].parts[0] - bars[i].parts[1] - bars[i].parts[2];
    }
    rt_html_bars(out, &(struct rt_html_chart){"Renewals by health", names, colors, 4, bars, 3});
}

static void pace_write(const json_t *report, FILE *out)
{
    static const char *const keys[] = {"kept", "missed", "waiting"};
    static const char *const names[] = {"kept", "missed", "within the limit"};
    static const char *const colors[] = {HEALTHY, AT_RISK, NEUTRAL};
    const struct rt_html_bar bars[] = {
        bar_of("first answers", json_object_get(report, "responses"), keys, 3),
        bar_of("resolutions", json_object_get(report, "resolutions"), keys, 3),
    };

    rt_html_bars(out, &(struct rt_html_chart){"Time limits of the tickets of 90 days", names,
                                              colors, 3, bars, 2});
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void heading_write(const struct rt_management_table *table, FILE *out)
{
    fprintf(out, "<table><thead><tr>");
    for (const struct rt_management_column *c = table->columns; c->key != NULL; c++)
        fprintf(out, "<th%s>%s</th>", rt_management_is_number(c->as) ? " class=\"n\"" : "",
                c->heading);
    fprintf(out, "</tr></thead>\n<tbody>\n");
}

/* The class of a band is one of ours, whatever the answer says. */
static const char *class_of(const struct rt_management_column *column, const json_t *value)
{
    static const char *const bands[] = {"healthy", "watch", "at_risk"};

    if (rt_management_is_number(column->as))
        return "n";
    for (size_t i = 0; column->as == RT_AS_BAND && json_is_string(value) && i < 3; i++) {
        if (strcmp(json_string_value(value), bands[i]) == 0)
            return bands[i];
    }
    return NULL;
}

static void row_write(const struct rt_management_table *table, const json_t *row, FILE *out)
{
    char text[RT_MANAGEMENT_CELL];

    fprintf(out, "<tr>");
    for (const struct rt_management_column *c = table->columns; c->key != NULL; c++) {
        const json_t *value = rt_management_at(row, c->key);
        const char *class = class_of(c, value);

        fprintf(out, class != NULL ? "<td class=\"%s\">" : "<td>", class);
        rt_html_text(out, rt_management_cell(value, c->as, text));
        fprintf(out, "</td>");
    }
    fprintf(out, "</tr>\n");
}

static void table_write(const json_t *report, const struct rt_management_table *table, FILE *out)
{
    const json_t *rows = json_object_get(report, table->name), *row;
    size_t index;

    if (json_array_size(rows) == 0 && table->none[0] == '\0')
        return;
    fprintf(out, "<h2>%s</h2>\n", table->title);
    if (json_array_size(rows) == 0) {
        fprintf(out, "<p class=\"none\">%s</p>\n", table->none);
        return;
    }
    heading_write(table, out);
    json_array_foreach(rows, index, row)
    {
        row_write(table, row, out);
    }
    fprintf(out, "</tbody></table>\n");
}

void rt_management_html(const json_t *report, FILE *out)
{
    fputs(head, out);
    title_write(report, out);
    cards_write(report, out);
    fprintf(out, "<div class=\"charts\">\n");
    health_write(report, out);
    scores_write(report, out);
    renewals_write(report, out);
    pace_write(report, out);
    fprintf(out, "</div>\n");
    for (const struct rt_management_table *table = rt_management_tables; table->name != NULL;
         table++)
        table_write(report, table, out);
    fprintf(out, "</body>\n</html>\n");
}
