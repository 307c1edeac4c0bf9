/* Every chart is an SVG element of its own size: no script, no font, nothing from elsewhere. */
#include "clients/retainctl/html.h"

#include <stdlib.h>
#include <string.h>

#include "clients/retainctl/terminal.h"

/* Pixels. */
enum {
    WIDTH = 460,
    LABEL = 120,
    ROW = 26,
    BAR = 18,
    LEGEND = 22,
    COLUMNS_HIGH = 120,
    CHARACTER = 8
};

void rt_html_text(FILE *out, const char *text)
{
    char *safe = text == NULL ? NULL : rt_terminal_escape(text, strlen(text));

    for (const char *c = safe != NULL ? safe : "\xe2\x80\x93"; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            putc(*c, out);
        }
    }
    free(safe);
}

static void svg_begin(FILE *out, const char *title, int height)
{
    fprintf(out, "<figure><figcaption>");
    rt_html_text(out, title);
    fprintf(out,
            "</figcaption>\n<svg role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">"
            "<title>",
            WIDTH, height, WIDTH, height);
    rt_html_text(out, title);
    fprintf(out, "</title>\n");
}

static void svg_end(FILE *out)
{
    fprintf(out, "</svg></figure>\n");
}

static void label(FILE *out, double x, double y, const char *anchor, const char *color,
                  const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">", x, y, anchor,
            color);
    rt_html_text(out, text);
    fprintf(out, "</text>\n");
}

static double sum_of(const struct rt_html_bar *bar, size_t parts)
{
    double sum = 0;

    for (size_t i = 0; i < parts; i++)
        sum += bar->parts[i];
    return sum;
}

static void bar_write(FILE *out, const struct rt_html_chart *chart, const struct rt_html_bar *bar,
                      double scale, double y)
{
    double x = LABEL;
    char number[32];

    label(out, LABEL - 8, y + BAR - 4, "end", "#222", bar->label);
    for (size_t i = 0; i < chart->parts; i++) {
        double width = bar->parts[i] * scale;

        if (!(bar->parts[i] > 0))
            continue;
        fprintf(out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\" "
                "stroke=\"#fff\"/>\n",
                x, y, width, BAR, chart->colors[i]);
        snprintf(number, sizeof(number), "%.0f", bar->parts[i]);
        if (width > (double)(CHARACTER * strlen(number) + 4))
            label(out, x + width / 2, y + BAR - 5, "middle", "#fff", number);
        x += width;
    }
}

static void legend_write(FILE *out, const struct rt_html_chart *chart, double y)
{
    double x = LABEL;

    for (size_t i = 0; i < chart->parts; i++) {
        fprintf(out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" "
                "fill=\"%s\"/>\n",
                x, y, chart->colors[i]);
        label(out, x + 14, y + 9, "start", "#222", chart->names[i]);
        x += 24 + CHARACTER * (double)strlen(chart->names[i]);
    }
}

void rt_html_bars(FILE *out, const struct rt_html_chart *chart)
{
    double most = 0;

    for (size_t i = 0; i < chart->count; i++) {
        double sum = sum_of(&chart->bars[i], chart->parts);

        if (sum > most)
            most = sum;
    }
    svg_begin(out, chart->title, (int)chart->count * ROW + LEGEND);
    for (size_t i = 0; i < chart->count; i++)
        bar_write(out, chart, &chart->bars[i], most > 0 ? (WIDTH - LABEL - 4) / most : 0,
                  (double)i * ROW);
    legend_write(out, chart, (double)chart->count * ROW + 6);
    svg_end(out);
}

void rt_html_columns(FILE *out, const char *title, const char *const *labels, const double *counts,
                     const char *const *colors, size_t count)
{
    double most = 0, step = (double)WIDTH / (double)count;
    char number[32];

    for (size_t i = 0; i < count; i++)
        most = counts[i] > most ? counts[i] : most;
    svg_begin(out, title, COLUMNS_HIGH + 40);
    for (size_t i = 0; i < count; i++) {
        double high = most > 0 ? counts[i] / most * COLUMNS_HIGH : 0, x = (double)i * step;

        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                x + 3, COLUMNS_HIGH + 18 - high, step - 6, high, colors[i]);
        snprintf(number, sizeof(number), "%.0f", counts[i]);
        label(out, x + step / 2, COLUMNS_HIGH + 14 - high, "middle", "#222", number);
        label(out, x + step / 2, COLUMNS_HIGH + 34, "middle", "#222", labels[i]);
    }
    svg_end(out);
}
