/* Any text as a point in time, as imports and the command line have it, and any numbers as moments to be
 * shown: libc reckons the same date, what is shown is read back as the same second, and nothing overflows.
 *
 * The input: two moments of eight bytes, a byte of direction, the text. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/retainctl/when.h"
#include "protocol/assert.h"
#include "protocol/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t year_10000_ms = INT64_C(253402300800000);

static void reads_as_libc_says(int64_t ms)
{
    char shown[RT_WHEN_TEXT], wanted[RT_WHEN_TEXT];
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    int64_t again = -1;

    if (ms >= year_10000_ms)
        return;
    RT_ASSERT(gmtime_r(&seconds, &parts) != NULL);
    RT_ASSERT(strftime(wanted, sizeof(wanted), "%Y-%m-%d %H:%M:%SZ", &parts) > 0);
    RT_ASSERT(strcmp(rt_when_format(ms, false, shown), wanted) == 0);
    RT_ASSERT(rt_when_parse(shown, strlen(shown), &again) && again == ms - ms % 1000);
}

static void is_shown(int64_t ms, int64_t now)
{
    char text[RT_WHEN_TEXT];

    RT_ASSERT(rt_when_date(ms, text)[0] != '\0');
    RT_ASSERT(rt_when_format(ms, true, text)[0] != '\0');
    RT_ASSERT(rt_when_format(ms, false, text)[0] != '\0');
    RT_ASSERT(rt_when_relative(ms, now, text)[0] != '\0');
    if (ms >= 0)
        reads_as_libc_says(ms);
}

/* Blanks around it change nothing. */
static void is_read(const char *text, int64_t now, int direction)
{
    size_t size = strlen(text);
    char *padded = malloc(size + 3);
    int64_t ms = -1, same = -1, span = -1;
    bool read = rt_when_parse(text, size, &ms);

    RT_ASSERT(padded != NULL);
    snprintf(padded, size + 3, " %s ", text);
    RT_ASSERT(rt_when_parse(padded, size + 2, &same) == read && same == ms);
    RT_ASSERT(read == (ms >= 0));
    if (read)
        reads_as_libc_says(ms);
    if (now >= 0 && now < year_10000_ms && rt_when_parse_span(text, now, direction, &span))
        RT_ASSERT(span >= 0 && (!read || span == ms));
    free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t moments[2];
    char *text;

    if (size < sizeof(moments) + 1)
        return 0;
    memcpy(moments, data, sizeof(moments));
    is_shown(moments[0], moments[1]);
    text = strndup((const char *)data + sizeof(moments) + 1, size - sizeof(moments) - 1);
    RT_ASSERT(text != NULL);
    is_read(text, moments[1], data[sizeof(moments)] % 2 == 0 ? -1 : 1);
    free(text);
    return 0;
}
