/* See when.h. */
#include "clients/retainctl/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DIGITS_MAX = 15 };

static const int64_t day_ms = 86400000;

int64_t rt_when_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* H. Hinnant's algorithm: years begin in March, eras have 400 of them. */
int64_t rt_when_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;

    *day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

struct text {
    const char *at, *end;
};

static bool digits(struct text *text, int count, int *value)
{
    int sum = 0;

    if (text->end - text->at < count)
        return false;
    for (int i = 0; i < count; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return false;
        sum = sum * 10 + (text->at[i] - '0');
    }
    text->at += count;
    *value = sum;
    return true;
}

static bool one_of(struct text *text, const char *characters)
{
    if (text->at == text->end || *text->at == '\0' || strchr(characters, *text->at) == NULL)
        return false;
    text->at++;
    return true;
}

static bool date_read(struct text *text, int64_t *ms)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    bool leap;

    if (!digits(text, 4, &year) || !one_of(text, "-") || !digits(text, 2, &month) ||
        !one_of(text, "-") || !digits(text, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month - 1] + (month == 2 && leap))
        return false;
    *ms = rt_when_days(year, (unsigned)month, (unsigned)day) * day_ms;
    return true;
}

/* ".123456": cut to ms. */
static bool fraction_read(struct text *text, int64_t *ms)
{
    int scale = 100;

    if (text->at == text->end || *text->at < '0' || *text->at > '9')
        return false;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
        *ms += (*text->at - '0') * scale;
        scale /= 10;
    }
    return true;
}

static bool clock_read(struct text *text, int64_t *ms)
{
    int hour, minute, second = 0;

    if (!digits(text, 2, &hour) || !one_of(text, ":") || !digits(text, 2, &minute))
        return false;
    if (one_of(text, ":")) {
        if (!digits(text, 2, &second))
            return false;
        if (one_of(text, ".,") && !fraction_read(text, ms))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ms += ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000;
    return true;
}

/* Z, +01:00, +0100, +01 or nothing. */
static bool zone_read(struct text *text, int64_t *ms)
{
    int hours, minutes = 0, sign;

    if (text->at == text->end || one_of(text, "Zz"))
        return true;
    sign = *text->at == '-' ? -1 : 1;
    if (!one_of(text, "+-") || !digits(text, 2, &hours))
        return false;
    if (text->at < text->end) {
        (void)one_of(text, ":");
        if (!digits(text, 2, &minutes))
            return false;
    }
    if (hours > 23 || minutes > 59)
        return false;
    *ms -= sign * ((int64_t)hours * 60 + minutes) * 60000;
    return true;
}

static bool milliseconds_read(struct text text, int64_t *ms)
{
    int64_t sum = 0;

    if (text.at == text.end || text.end - text.at > DIGITS_MAX)
        return false;
    for (; text.at < text.end; text.at++) {
        if (*text.at < '0' || *text.at > '9')
            return false;
        sum = sum * 10 + (*text.at - '0');
    }
    *ms = sum;
    return true;
}

static bool space(char c)
{
    return c == ' ' || c == '\t';
}

bool rt_when_parse(const char *text, size_t size, int64_t *ms)
{
    struct text t = {text, text + size};
    int64_t sum = 0;

    while (t.at < t.end && space(*t.at))
        t.at++;
    while (t.at < t.end && space(t.end[-1]))
        t.end--;
    if (milliseconds_read(t, ms))
        return true;
    if (!date_read(&t, &sum))
        return false;
    if (one_of(&t, "Tt ")) {
        while (t.at < t.end && *t.at == ' ')
            t.at++;
        if (!clock_read(&t, &sum))
            return false;
        if (t.at < t.end && *t.at == ' ')
            t.at++;
        if (!zone_read(&t, &sum))
            return false;
    }
    if (t.at != t.end || sum < 0)
        return false;
    *ms = sum;
    return true;
}

static int64_t unit_of(char letter)
{
    switch (letter) {
    case 's':
        return 1000;
    case 'm':
        return 60000;
    case 'h':
        return 3600000;
    case 'd':
        return day_ms;
    case 'w':
        return 7 * day_ms;
    default:
        return 0;
    }
}

bool rt_when_parse_span(const char *text, int64_t now, int direction, int64_t *ms)
{
    size_t size = strlen(text);
    int64_t unit = size > 1 && size < 10 ? unit_of(text[size - 1]) : 0, count, moment;

    if (unit == 0)
        return rt_when_parse(text, size, ms);
    if (!milliseconds_read((struct text){text, text + size - 1}, &count))
        return false;
    moment = now + direction * count * unit;
    if (moment < 0)
        return false;
    *ms = moment;
    return true;
}

const char *rt_when_date(int64_t ms, char out[RT_WHEN_TEXT])
{
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    int year;
    unsigned month, day;

    if (ms > INT64_C(253402300799999) || ms < INT64_C(-62135596800000)) {
        snprintf(out, RT_WHEN_TEXT, "%lld", (long long)ms);
        return out;
    }
    date_of(days, &year, &month, &day);
    snprintf(out, RT_WHEN_TEXT, "%04d-%02u-%02u", year % 10000, month % 100, day % 100);
    return out;
}

const char *rt_when_format(int64_t ms, bool minutes, char out[RT_WHEN_TEXT])
{
    char date[RT_WHEN_TEXT];
    int64_t of_day = ((ms % day_ms) + day_ms) % day_ms;
    unsigned seconds = (unsigned)(of_day / 1000);

    rt_when_date(ms, date);
    if (strchr(date + 1, '-') == NULL)
        snprintf(out, RT_WHEN_TEXT, "%.20s", date);
    else if (minutes)
        snprintf(out, RT_WHEN_TEXT, "%.10s %02u:%02uZ", date, seconds / 3600, seconds / 60 % 60);
    else
        snprintf(out, RT_WHEN_TEXT, "%.10s %02u:%02u:%02uZ", date, seconds / 3600,
                 seconds / 60 % 60, seconds % 60);
    return out;
}

const char *rt_when_relative(int64_t ms, int64_t now, char out[RT_WHEN_TEXT])
{
    static const struct {
        uint64_t ms;
        int64_t least; /* so many of them at least: "19 days" says more than "2 weeks" */
        char name[8];
    } units[] = {{UINT64_C(31557600000), 1, "year"},
                 {UINT64_C(604800000), 3, "week"},
                 {UINT64_C(86400000), 1, "day"},
                 {3600000, 1, "hour"},
                 {60000, 1, "minute"},
                 {1000, 1, "second"}};
    uint64_t distance = ms > now ? (uint64_t)ms - (uint64_t)now : (uint64_t)now - (uint64_t)ms;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        int count = (int)(distance / units[i].ms % 1000000);

        if (count < units[i].least)
            continue;
        snprintf(out, RT_WHEN_TEXT, ms > now ? "in %d %s%s" : "%d %s%s ago", count, units[i].name,
                 count == 1 ? "" : "s");
        return out;
    }
    snprintf(out, RT_WHEN_TEXT, "just now");
    return out;
}
