/* Findings as people and programs want them; what `verify` and `backup` share. */
#ifndef RT_RETAINCTL_VERIFY_H
#define RT_RETAINCTL_VERIFY_H

#include "clients/retainctl/cli.h"
#include "clients/retainctl/table.h"
#include "workers/finding.h"

struct rt_findings {
    struct rt_grid grid;
    json_t *json; /* NULL: for people */
};

void rt_findings_begin(struct rt_findings *findings, bool json);
void rt_findings_add(void *context, const struct rt_finding *finding); /* a rt_found */
/* To standard output, with a last line that says it all. Returns the exit code: 0 or 1. */
int rt_findings_print(struct rt_findings *findings, const struct rt_checked *checked);
void rt_findings_free(struct rt_findings *findings);

#endif
