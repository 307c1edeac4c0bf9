/* See backtest_bgnbd.h. The numbers of equations are those of the paper. The logarithms of the four
 * parameters are searched by NLopt's BOBYQA (Powell, 2009), which needs no derivatives and is the
 * same in every run. */
#include "clients/retainctl/backtest_bgnbd.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS = 4, EVALUATIONS_MAX = 600, TERMS_MAX = 100000 };

/* ---- likelihood ------------------------------------------------------------------------------ */

/* What depends on the number of repeats alone. */
static double of_repeats(const struct rt_bgnbd *m, uint32_t repeats)
{
    double x = repeats;

    return lgamma(m->r + x) - lgamma(m->r) + m->r * log(m->alpha) + lgamma(m->a + m->b) +
           lgamma(m->b + x) - lgamma(m->b) - lgamma(m->a + m->b + x);
}

/* What depends on the times too: equation (6) in logarithms. */
static double of_times(const struct rt_bgnbd *m, const struct rt_bgnbd_customer *c)
{
    double x = c->repeats, alive = -(m->r + x) * log(m->alpha + c->age), gone;

    if (c->repeats == 0)
        return alive;
    gone = log(m->a / (m->b + x - 1)) - (m->r + x) * log(m->alpha + c->last);
    return fmax(alive, gone) + log1p(exp(-fabs(alive - gone)));
}

double rt_bgnbd_likelihood(const struct rt_bgnbd *model, const struct rt_bgnbd_customer *customers,
                           size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += of_repeats(model, customers[i].repeats) + of_times(model, &customers[i]);
    return sum;
}

/* ---- fitting --------------------------------------------------------------------------------- */

/* Customers that look the same. */
struct alike {
    struct rt_bgnbd_customer customer;
    double count;
};

struct sample {
    struct alike *groups; /* by repeats */
    size_t count;
};

static int by_look(const void *a, const void *b)
{
    const struct rt_bgnbd_customer *x = a, *y = b;

    if (x->repeats != y->repeats)
        return (x->repeats > y->repeats) - (x->repeats < y->repeats);
    if (x->last < y->last || x->last > y->last)
        return (x->last > y->last) - (x->last < y->last);
    return (x->age > y->age) - (x->age < y->age);
}

/* Every so many-th of the sorted customers: the sample is spread as all are. */
static bool sample_take(struct sample *sample, struct rt_bgnbd_customer *customers, size_t count)
{
    size_t step = count / RT_BGNBD_SAMPLE + 1;

    sample->groups = malloc((count / step + 1) * sizeof(*sample->groups));
    sample->count = 0;
    if (sample->groups == NULL)
        return false;
    for (size_t i = 0; i < count; i += step) {
        struct alike *last = &sample->groups[sample->count];

        if (sample->count > 0 && by_look(&last[-1].customer, &customers[i]) == 0)
            last[-1].count++;
        else
            sample->groups[sample->count++] = (struct alike){customers[i], 1};
    }
    return true;
}

static struct rt_bgnbd model_of(const double *logs)
{
    return (struct rt_bgnbd){exp(logs[0]), exp(logs[1]), exp(logs[2]), exp(logs[3])};
}

static double objective(unsigned n, const double *logs, double *gradient, void *arg)
{
    const struct sample *sample = arg;
    struct rt_bgnbd model = model_of(logs);
    double sum = 0, shared = 0;

    (void)n;
    (void)gradient;
    for (size_t i = 0; i < sample->count; i++) {
        const struct rt_bgnbd_customer *customer = &sample->groups[i].customer;

        if (i == 0 || customer->repeats != sample->groups[i - 1].customer.repeats)
            shared = of_repeats(&model, customer->repeats);
        sum += sample->groups[i].count * (shared + of_times(&model, customer));
    }
    return isfinite(sum) ? sum : -HUGE_VAL;
}

/* Improves *logs; false without memory. */
static bool search(struct sample *sample, double logs[PARAMETERS], double *best)
{
    nlopt_opt opt = nlopt_create(NLOPT_LN_BOBYQA, PARAMETERS);
    bool searched;

    if (opt == NULL)
        return false;
    searched = nlopt_set_max_objective(opt, objective, sample) > 0 &&
               nlopt_set_lower_bounds1(opt, -7) > 0 && nlopt_set_upper_bounds1(opt, 11) > 0 &&
               nlopt_set_initial_step1(opt, 0.5) > 0 && nlopt_set_xtol_abs1(opt, 1e-5) > 0 &&
               nlopt_set_maxeval(opt, EVALUATIONS_MAX) > 0;
    /* Rounding that ends the search leaves the best point found; that will do. */
    searched = searched && nlopt_optimize(opt, logs, best) != NLOPT_OUT_OF_MEMORY;
    nlopt_destroy(opt);
    return searched;
}

bool rt_bgnbd_fit(struct rt_bgnbd_customer *customers, size_t count, struct rt_bgnbd *model)
{
    double logs[PARAMETERS] = {0, 0, 0, 0}, ages = 0, repeats = 0, best;
    struct sample sample;
    bool fitted;

    if (count == 0)
        return false;
    qsort(customers, count, sizeof(*customers), by_look); /* sums are then the same in any order */
    for (size_t i = 0; i < count; i++) {
        ages += customers[i].age;
        repeats += customers[i].repeats;
    }
    if (!(repeats > 0) || !(ages > 0))
        return false;
    if (!sample_take(&sample, customers, count))
        return false;
    logs[1] = fmin(fmax(log(ages / repeats), -6), 10); /* the mean rate, r / alpha */
    fitted = search(&sample, logs, &best) && isfinite(best);
    if (fitted)
        *model = model_of(logs);
    free(sample.groups);
    return fitted;
}

/* ---- expectation ----------------------------------------------------------------------------- */

/* Gauss' hypergeometric series, 0 <= z < 1, times (1 - z)^power. What the series grows to is kept as
 * a logarithm, so that it may be more than a number holds. */
static double hypergeometric(double a, double b, double c, double z, double power)
{
    const double large = 1e200;
    double term = 1, sum = 1, logs = power * log1p(-z);

    for (int n = 0; n < TERMS_MAX && fabs(term) > 1e-13 * fabs(sum); n++) {
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z;
        sum += term;
        if (fabs(sum) > large) {
            sum /= large;
            term /= large;
            logs += log(large);
        }
    }
    return copysign(exp(log(fabs(sum)) + logs), sum);
}

/* The series of equation (10) times its power. It may be turned by Euler's transformation into one
 * whose parameters do not grow with the repeats; but they grow with a, and terms of both signs would
 * then cancel. */
static double shrinking(const struct rt_bgnbd *model, double a, double x, double z)
{
    const double large = 20;
    double c = a + model->b + x - 1;

    return a < large ? hypergeometric(c - model->r - x, a - 1, c, z, a - 1)
                     : hypergeometric(model->r + x, model->b + x, c, z, model->r + x);
}

/* Equation (10). */
double rt_bgnbd_expected(const struct rt_bgnbd *model, const struct rt_bgnbd_customer *customer,
                         double time)
{
    double a = fabs(model->a - 1) < 1e-6 ? 1 + 1e-6 : model->a; /* a limit that exists */
    double x = customer->repeats, gone = 0;
    double z = time / (model->alpha + customer->age + time);

    if (customer->repeats > 0)
        gone = model->a / (model->b + x - 1) *
               pow((model->alpha + customer->age) / (model->alpha + customer->last), model->r + x);
    return (a + model->b + x - 1) / (a - 1) * (1 - shrinking(model, a, x, z)) / (1 + gone);
}
