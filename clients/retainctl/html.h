/* HTML for a printed page: texts that strangers wrote, and bars of counts as inline SVG. */
#ifndef RT_RETAINCTL_HTML_H
#define RT_RETAINCTL_HTML_H

#include <stddef.h>
#include <stdio.h>

/* The text so that it can stand between tags and in quoted attributes; control characters,
 * bidirectional overrides and what is no UTF-8 as on a terminal. NULL: a dash. */
void rt_html_text(FILE *out, const char *text);

enum { RT_HTML_PARTS = 4 };

/* A row of a chart: parts from left to right. */
struct rt_html_bar {
    const char *label;
    double parts[RT_HTML_PARTS];
};

struct rt_html_chart {
    const char *title;
    const char *const *names; /* of the parts */
    const char *const *colors;
    size_t parts;
    const struct rt_html_bar *bars;
    size_t count;
};

/* Bars beside their labels, as long as what they count, the longest as wide as the chart; each part
 * with its number where it fits; what the colours mean below. */
void rt_html_bars(FILE *out, const struct rt_html_chart *chart);

/* Columns: one number each, with its label below. */
void rt_html_columns(FILE *out, const char *title, const char *const *labels, const double *counts,
                     const char *const *colors, size_t count);

#endif
