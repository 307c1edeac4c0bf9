/* See spark.h. */
#include "clients/retainctl/spark.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

enum { LEVELS = sizeof(bars) / sizeof(bars[0]) };

bool rt_spark_possible(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool possible = locale != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

    if (locale != (locale_t)0)
        freelocale(locale);
    return possible;
}

static int64_t ts_of(const json_t *points, size_t index)
{
    return json_integer_value(json_object_get(json_array_get(points, index), "ts"));
}

static const char *bar_of(double sum, unsigned count)
{
    int level = count == 0 ? 0 : (int)(sum / count * LEVELS / 100);

    if (count == 0)
        return " ";
    return bars[level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : level];
}

const char *rt_spark_line(const json_t *points, int64_t step_ms, char line[RT_SPARK_BYTES])
{
    size_t size = json_array_size(points), used = 0, index;
    int64_t first, places, each;
    double sums[RT_SPARK_COLUMNS] = {0};
    unsigned counts[RT_SPARK_COLUMNS] = {0};
    json_t *point;

    line[0] = '\0';
    if (size == 0)
        return line;
    first = ts_of(points, 0);
    places = (ts_of(points, size - 1) - first) / step_ms + 1;
    each = (places + RT_SPARK_COLUMNS - 1) / RT_SPARK_COLUMNS;
    if (places < 1)
        return line;
    json_array_foreach(points, index, point)
    {
        int64_t column = (ts_of(points, index) - first) / step_ms / each;

        if (column < 0 || column >= RT_SPARK_COLUMNS)
            continue;
        sums[column] += json_number_value(json_object_get(point, "score"));
        counts[column]++;
    }
    for (int64_t i = 0; i < (places + each - 1) / each; i++) {
        const char *bar = bar_of(sums[i], counts[i]);
        size_t bytes = strlen(bar);

        memcpy(line + used, bar, bytes + 1);
        used += bytes;
    }
    return line;
}
