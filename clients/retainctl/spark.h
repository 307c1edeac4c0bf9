/* A series of scores as a line of small bars, for a terminal that shows UTF-8. */
#ifndef RT_RETAINCTL_SPARK_H
#define RT_RETAINCTL_SPARK_H

#include <jansson.h>
#include <stdbool.h>

enum { RT_SPARK_COLUMNS = 60, RT_SPARK_BYTES = 3 * RT_SPARK_COLUMNS + 1 };

/* Whether the locale of the environment writes UTF-8. */
bool rt_spark_possible(void);

/* Points ({ts, score}, oldest first, `step_ms` apart or gaps) as bars of 0 to 100, at most
 * RT_SPARK_COLUMNS of them: of several points their mean, a blank where there is none. Returns
 * `line`, terminated. */
const char *rt_spark_line(const json_t *points, int64_t step_ms, char line[RT_SPARK_BYTES]);

#endif
