/* BG/NBD, the usual model of who is still a customer: purchases as a Poisson process with
 * gamma-distributed rates, and after each of them a beta-distributed chance to leave (Fader, Hardie
 * and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24, 2005). A yardstick for the
 * score. Pure. */
#ifndef RT_RETAINCTL_BACKTEST_BGNBD_H
#define RT_RETAINCTL_BACKTEST_BGNBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times since the first contact, in one unit for all. */
struct rt_bgnbd_customer {
    uint32_t repeats; /* contacts after the first one */
    double last;      /* of the last contact; 0 if there are no repeats */
    double age;       /* now; >= last */
};

struct rt_bgnbd {
    double r, alpha, a, b; /* all > 0; alpha in the unit of the customers */
};

/* Maximum likelihood, from at most RT_BGNBD_SAMPLE of the customers. Sorts them. False if nothing
 * can be fitted (nobody, no repeats, no memory); *model is untouched then. */
enum { RT_BGNBD_SAMPLE = 50000 };
bool rt_bgnbd_fit(struct rt_bgnbd_customer *customers, size_t count, struct rt_bgnbd *model);

/* Sum of the logarithms of the chances of what was seen. */
double rt_bgnbd_likelihood(const struct rt_bgnbd *model, const struct rt_bgnbd_customer *customers,
                           size_t count);

/* Contacts expected within `time` from now. */
double rt_bgnbd_expected(const struct rt_bgnbd *model, const struct rt_bgnbd_customer *customer,
                         double time);

#endif
