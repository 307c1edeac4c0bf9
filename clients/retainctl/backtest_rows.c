/* One row of CSV for each date and account (RFC 4180): what it was ranked by and what became of it,
 * for those who want to look closer or to try another model on the same facts. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "clients/retainctl/backtest_show.h"
#include "clients/retainctl/when.h"

static void write_name(FILE *out, struct rt_span name)
{
    fputc('"', out);
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"')
            fputc('"', out);
        fputc(name.data[i], out);
    }
    fputc('"', out);
}

static void write_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.10g", value);
    else
        fputc(',', out);
}

static void write_subject(FILE *out, const struct rt_backtest *test, const struct rt_proof *proof,
                          const struct rt_subject *subject)
{
    char at[RT_WHEN_TEXT];

    fputs(rt_when_date(proof->at, at), out);
    fputc(',', out);
    write_name(out, rt_names_name(test->past->names, subject->number));
    fprintf(out, ",%d", subject->churned);
    for (int by = 0; by < RT_PREDICTORS; by++)
        write_number(out, by == RT_BY_SILENCE ? -subject->by[by] : subject->by[by]);
    for (int part = 0; part < RT_SUBJECT_FACTS; part++)
        write_number(out, subject->facts[part]);
    if (proof->has_alerts)
        fprintf(out, ",%d", subject->listed);
    else
        fputc(',', out);
    write_number(out, subject->warning);
    fputc('\n', out);
}

bool rt_backtest_write_rows(const struct rt_backtest *test, const char *path)
{
    FILE *out = fopen(path, "we");
    bool written;

    if (out == NULL)
        return false;
    fputs("date,account,churned", out);
    for (int by = 0; by < RT_PREDICTORS; by++)
        fprintf(out, ",%s", rt_predictor_names[by]);
    for (int fact = 0; fact < RT_SUBJECT_FACTS; fact++)
        fprintf(out, ",%s", rt_subject_fact_names[fact]);
    fputs(",listed,warning_days\n", out);
    for (size_t i = 0; i < test->dates; i++)
        for (size_t j = 0; j < test->proofs[i].accounts; j++)
            write_subject(out, test, &test->proofs[i], &test->proofs[i].subjects[j]);
    written = fflush(out) == 0 && !ferror(out);
    return fclose(out) == 0 && written;
}
