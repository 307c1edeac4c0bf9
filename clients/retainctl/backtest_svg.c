/* ROC curves and calibration as SVG 1.1: no script, no font of its own, every colour in the file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/retainctl/backtest_show.h"
#include "clients/retainctl/when.h"

/* Pixels. A panel is a square with room for its axis texts. */
enum { SIDE = 300, LEFT = 60, TOP = 56, GAP = 110, LINE = 430, WIDTH = 2 * SIDE + LEFT + GAP + 40 };

enum { CURVE_POINTS = 250 };

static const char *const colors[RT_PREDICTORS] = {"#b3122d", "#8a8a8a", "#c28e0e", "#2a6fb0",
                                                  "#3c8d5a"};

static void text(FILE *out, double x, double y, const char *anchor, const char *content)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
            content);
}

/* A square with a scale of 0 to 100 % on both sides. */
static void axes(FILE *out, double x, double y, bool across)
{
    char label[16];

    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"#fff\" "
            "stroke=\"#444\"/>\n",
            x, y, SIDE, SIDE);
    for (int i = 0; i <= 4; i++) {
        double at = i * SIDE / 4.0;

        snprintf(label, sizeof(label), "%d %%", 25 * i);
        text(out, x - 6, y + SIDE - at + 4, "end", label);
        if (across)
            text(out, x + at, y + SIDE + 16, "middle", label);
        if (i > 0 && i < 4)
            fprintf(out,
                    "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", x,
                    y + at, x + SIDE, y + at);
    }
}

/* ---- ROC ------------------------------------------------------------------------------------- */

/* The curve through the ends of runs of equal entries; of many of them enough to look at. */
static void curve(FILE *out, double x, double y, const struct rt_ranked *ranked, size_t count,
                  size_t churned)
{
    size_t left = 0, stayed = 0, last = 0, step = count / CURVE_POINTS + 1;

    fprintf(out, "%.1f,%.1f", x, y + SIDE);
    for (size_t i = 0; i < count; i++) {
        left += ranked[i].churned;
        stayed += !ranked[i].churned;
        if (i + 1 < count && (!(ranked[i + 1].health > ranked[i].health) || i - last < step))
            continue;
        last = i;
        fprintf(out, " %.1f,%.1f", x + SIDE * (double)stayed / (double)(count - churned),
                y + SIDE - SIDE * (double)left / (double)churned);
    }
}

static bool roc_curve(FILE *out, double x, double y, const struct rt_proof *proof,
                      enum rt_predictor by)
{
    struct rt_ranked *ranked = rt_proof_ranked(proof, by);
    char label[96];

    if (ranked == NULL)
        return false;
    rt_ranking_auc(ranked, proof->accounts); /* sorts */
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" points=\"", colors[by],
            by == RT_BY_SCORE ? "2.2" : "1.1");
    curve(out, x, y, ranked, proof->accounts, proof->churned);
    fprintf(out, "\"/>\n");
    free(ranked);
    snprintf(label, sizeof(label), "%s %.3f", rt_predictor_titles[by], proof->auc[by]);
    fprintf(out, "<g fill=\"%s\">", colors[by]);
    text(out, x + SIDE - 8, y + SIDE - 76 + 16 * (int)by, "end", label);
    fprintf(out, "</g>\n");
    return true;
}

static bool roc(FILE *out, double x, double y, const struct rt_proof *proof)
{
    axes(out, x, y, true);
    text(out, x + SIDE / 2.0, y - 10, "middle", "found among those who left, by those disturbed");
    fprintf(out,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#aaa\" "
            "stroke-dasharray=\"4 4\"/>\n",
            x, y + SIDE, x + SIDE, y);
    for (int by = RT_PREDICTORS; by-- > 0;) {
        if (isfinite(proof->auc[by]) && !roc_curve(out, x, y, proof, (enum rt_predictor)by))
            return false;
    }
    return true;
}

/* ---- calibration ----------------------------------------------------------------------------- */

static void calibration(FILE *out, double x, double y, const struct rt_proof *proof)
{
    char label[64];

    axes(out, x, y, false);
    text(out, x + SIDE / 2.0, y - 10, "middle", "left, by fifth of the score");
    for (int i = 0; i < 5; i++) {
        double share, high;

        if (proof->fifth_all[i] == 0)
            continue;
        share = (double)proof->fifth_churned[i] / (double)proof->fifth_all[i];
        high = share * SIDE;
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                x + SIDE * (i + 0.15) / 5, y + SIDE - high, SIDE * 0.7 / 5, high,
                colors[RT_BY_SCORE]);
        snprintf(label, sizeof(label), "%.0f %%", 100 * share);
        text(out, x + SIDE * (i + 0.5) / 5, y + SIDE - high - 4, "middle", label);
        snprintf(label, sizeof(label), "%.0f..%.0f", proof->fifth_low[i], proof->fifth_high[i]);
        text(out, x + SIDE * (i + 0.5) / 5, y + SIDE + 16, "middle", label);
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool line_of(FILE *out, double y, const struct rt_proof *proof)
{
    char at[RT_WHEN_TEXT], title[160];

    snprintf(title, sizeof(title), "%s: %zu accounts, %zu left within %.0f days",
             rt_when_date(proof->at, at), proof->accounts, proof->churned,
             (double)(proof->until - proof->at) / 86400000.0);
    fprintf(out, "<g font-weight=\"bold\">");
    text(out, LEFT, y + 20, "start", title);
    fprintf(out, "</g>\n");
    if (proof->churned == 0 || proof->churned == proof->accounts)
        return true; /* there is nothing to tell apart */
    if (!roc(out, LEFT, y + TOP, proof))
        return false;
    calibration(out, LEFT + SIDE + GAP, y + TOP, proof);
    return true;
}

bool rt_backtest_write_svg(const struct rt_backtest *test, const char *path)
{
    FILE *out = fopen(path, "we");
    bool drawn = true, written;

    if (out == NULL)
        return false;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
            "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, test->dates * LINE);
    for (size_t i = 0; i < test->dates && drawn; i++)
        drawn = line_of(out, (double)(i * LINE), &test->proofs[i]);
    fprintf(out, "</svg>\n");
    written = fflush(out) == 0 && !ferror(out);
    return fclose(out) == 0 && written && drawn;
}
