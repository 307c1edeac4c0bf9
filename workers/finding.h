/* What a check of a state directory finds: where, what, and what it means for the state. */
#ifndef RT_WORKERS_FINDING_H
#define RT_WORKERS_FINDING_H

#include <stdint.h>

enum rt_weight {
    RT_FOUND_NOTE,   /* nothing is wrong: what a stop leaves behind, dealt with at the next start */
    RT_FOUND_MENDED, /* damaged, and nothing is lost: it is there twice, or is made from the rest */
    RT_FOUND_LOST,   /* damaged: what stood there cannot be read any more */
};

struct rt_finding {
    const char *file; /* within the state directory */
    uint64_t offset;
    const char *what;
    enum rt_weight weight;
};
typedef void rt_found(void *context, const struct rt_finding *finding);

/* What was looked at, and how much was found. */
struct rt_checked {
    uint64_t segments, records, events, alerts, snapshots, accounts, indexes, identities, bytes;
    uint64_t notes, mended, lost;
};

#endif
