/* BG/NBD against what was published of it (Fader, Hardie and Lee, Marketing Science 24, 2005, and their
 * note on it in Excel), against counting by brute force, and against a population that follows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "clients/retainctl/backtest_bgnbd.h"
#include "clients/retainctl/dice.h"

/* CDNOW, the sample of 2357 customers, weeks. */
static const struct rt_bgnbd cdnow = {.r = 0.243, .alpha = 4.414, .a = 0.793, .b = 2.426};

static void close_to(double a, double b, double within)
{
    if (!(fabs(a - b) <= within))
        fail_msg("%.10g is not %.10g", a, b);
}

/* "a randomly chosen individual with x = 2, t_x = 30.43, T = 38.86 has an expectation of 1.226
 * transactions in the next 39 weeks" */
static void published_expectation(void **state)
{
    const struct rt_bgnbd_customer customer = {.repeats = 2, .last = 30.43, .age = 38.86};

    (void)state;
    close_to(rt_bgnbd_expected(&cdnow, &customer, 39), 1.226, 0.0005);
}

/* The likelihood of one customer, integrated over both distributions on a grid. */
static double by_integration(const struct rt_bgnbd *m, const struct rt_bgnbd_customer *c)
{
    enum { STEPS = 2000 };
    double sum = 0, x = c->repeats;

    for (int i = 0; i < STEPS; i++) {
        double u = (i + 0.5) / STEPS, rate = u / (1 - u); /* 0..infinity */
        double weight = 1 / ((1 - u) * (1 - u)) / STEPS;
        double gamma =
            exp(m->r * log(m->alpha) + (m->r - 1) * log(rate) - m->alpha * rate - lgamma(m->r));
        double stays = exp(lgamma(m->a + m->b) + lgamma(m->b + x) - lgamma(m->b) -
                           lgamma(m->a + m->b + x)); /* E[(1-p)^x] */
        double leaves = exp(lgamma(m->a + m->b) + lgamma(m->a + 1) + lgamma(m->b + x - 1) -
                            lgamma(m->a) - lgamma(m->b) - lgamma(m->a + m->b + x));
        double seen = stays * exp(-rate * c->age);

        if (c->repeats > 0)
            seen += leaves * exp(-rate * c->last);
        sum += weight * gamma * pow(rate, x) * seen;
    }
    return log(sum);
}

static void likelihood_is_the_integral(void **state)
{
    const struct rt_bgnbd model = {.r = 2.2, .alpha = 3.1, .a = 1.4, .b = 2.7};
    const struct rt_bgnbd_customer customers[] = {{0, 0, 20}, {1, 4, 20}, {5, 19, 20}, {7, 6, 30}};

    (void)state;
    for (int i = 0; i < 4; i++)
        close_to(rt_bgnbd_likelihood(&model, &customers[i], 1),
                 by_integration(&model, &customers[i]), 1e-3);
}

static double uniform(struct rt_dice *dice)
{
    return ((double)(rt_dice_roll(dice) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct rt_dice *dice)
{
    return sqrt(-2 * log(uniform(dice))) * cos(6.283185307179586 * uniform(dice));
}

/* Marsaglia and Tsang (2000). */
static double gamma_of(struct rt_dice *dice, double shape)
{
    double boost = 1, d, c;

    if (shape < 1) {
        boost = pow(uniform(dice), 1 / shape);
        shape += 1;
    }
    d = shape - 1.0 / 3;
    c = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(dice), v = pow(1 + c * x, 3);

        if (v > 0 && log(uniform(dice)) < 0.5 * x * x + d - d * v + d * log(v))
            return boost * d * v;
    }
}

static double beta_of(struct rt_dice *dice, double a, double b)
{
    double x = gamma_of(dice, a), y = gamma_of(dice, b);

    return x / (x + y);
}

/* A customer that lives as the model says, seen for so long; and its contacts in the time after. */
static struct rt_bgnbd_customer live(struct rt_dice *dice, const struct rt_bgnbd *m, double age,
                                     double after, unsigned *later)
{
    struct rt_bgnbd_customer customer = {.age = age};
    double rate = gamma_of(dice, m->r) / m->alpha, leaves = beta_of(dice, m->a, m->b), t = 0;

    *later = 0;
    for (;;) {
        t -= log(uniform(dice)) / rate;
        if (t > age + after)
            return customer;
        if (t <= age) {
            customer.repeats++;
            customer.last = t;
        } else {
            (*later)++;
        }
        if (uniform(dice) < leaves)
            return customer;
    }
}

static void a_population_gives_its_parameters_back(void **state)
{
    enum { COUNT = 30000 };
    static struct rt_bgnbd_customer customers[COUNT];
    struct rt_dice dice = rt_dice(11, 0);
    struct rt_bgnbd model = {0};
    double expected = 0, came = 0;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        unsigned later;

        customers[i] = live(&dice, &cdnow, 27 + i % 12, 39, &later);
        expected += rt_bgnbd_expected(&cdnow, &customers[i], 39);
        came += later;
    }
    close_to(expected / came, 1, 0.05);
    assert_true(rt_bgnbd_fit(customers, COUNT, &model));
    close_to(model.r / cdnow.r, 1, 0.06);
    close_to(model.alpha / cdnow.alpha, 1, 0.12);
    close_to(model.a / (model.a + model.b), cdnow.a / (cdnow.a + cdnow.b), 0.03);
    /* A maximum: better than the truth, and worse a step away. */
    assert_true(rt_bgnbd_likelihood(&model, customers, COUNT) >=
                rt_bgnbd_likelihood(&cdnow, customers, COUNT));
    for (int i = 0; i < 8; i++) {
        struct rt_bgnbd moved = model;

        (&moved.r)[i / 2] *= i % 2 ? 1.02 : 0.98;
        assert_true(rt_bgnbd_likelihood(&moved, customers, COUNT) <
                    rt_bgnbd_likelihood(&model, customers, COUNT));
    }
}

static void extremes_stay_numbers(void **state)
{
    const struct rt_bgnbd one = {.r = 2, .alpha = 3, .a = 1, .b = 4};
    const struct rt_bgnbd_customer often = {.repeats = 5000, .last = 500, .age = 500},
                                   fresh = {.repeats = 0, .last = 0, .age = 0},
                                   gone = {.repeats = 5000, .last = 10, .age = 5000};

    (void)state;
    assert_true(isfinite(rt_bgnbd_expected(&one, &often, 39)));
    assert_true(rt_bgnbd_expected(&one, &often, 39) > 100);
    assert_true(rt_bgnbd_expected(&one, &fresh, 1000) > 0);
    close_to(rt_bgnbd_expected(&one, &gone, 39), 0, 1e-6);
    close_to(rt_bgnbd_expected(&one, &often, 0), 0, 1e-9);
}

/* Whichever way the series is summed, it is the same model: the two meet where one gives way to the
 * other, and where all customers are alike the parameters' size does not matter. */
static void large_parameters_are_a_limit(void **state)
{
    const struct rt_bgnbd_customer often = {.repeats = 25, .last = 8, .age = 10},
                                   very = {.repeats = 900, .last = 10, .age = 10};
    struct rt_bgnbd below = {.r = 1.3, .alpha = 0.7, .a = 19.9999, .b = 780},
                    above = {.r = 1.3, .alpha = 0.7, .a = 20.0001, .b = 780},
                    large = {.r = 1.3, .alpha = 0.7, .a = 2e4, .b = 78e4},
                    larger = {.r = 1.3, .alpha = 0.7, .a = 1e6, .b = 39e6};

    (void)state;
    close_to(rt_bgnbd_expected(&below, &often, 9) / rt_bgnbd_expected(&above, &often, 9), 1, 1e-4);
    close_to(rt_bgnbd_expected(&below, &very, 9) / rt_bgnbd_expected(&above, &very, 9), 1, 1e-4);
    close_to(rt_bgnbd_expected(&large, &often, 9) / rt_bgnbd_expected(&larger, &often, 9), 1, 1e-2);
    assert_true(rt_bgnbd_expected(&large, &very, 9) > rt_bgnbd_expected(&large, &often, 9));
}

static void nothing_to_fit(void **state)
{
    struct rt_bgnbd_customer once[] = {{0, 0, 5}, {0, 0, 9}};
    struct rt_bgnbd model = {.r = 42};

    (void)state;
    assert_false(rt_bgnbd_fit(NULL, 0, &model));
    assert_false(rt_bgnbd_fit(once, 2, &model));
    assert_true(model.r > 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_expectation),
        cmocka_unit_test(likelihood_is_the_integral),
        cmocka_unit_test(a_population_gives_its_parameters_back),
        cmocka_unit_test(extremes_stay_numbers),
        cmocka_unit_test(large_parameters_are_a_limit),
        cmocka_unit_test(nothing_to_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
