/* Reads and writes the value of one option. A value that is out of range, cut, or not wholly a
 * value is refused; the caller gets told what would be right. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "config/options.h"

static bool is_number(const struct rt_option *option)
{
    return option->type == RT_OPTION_INTEGER || option->type == RT_OPTION_BYTES ||
           option->type == RT_OPTION_NUMBER;
}

static bool is_integer(const struct rt_option *option)
{
    return option->type == RT_OPTION_INTEGER || option->type == RT_OPTION_BYTES ||
           option->type == RT_OPTION_SWITCH;
}

static void *field(const struct rt_option *option, void *base)
{
    return (char *)base + option->offset;
}

static const void *const_field(const struct rt_option *option, const void *base)
{
    return (const char *)base + option->offset;
}

static size_t field_size(const struct rt_option *option)
{
    if (option->type == RT_OPTION_NUMBER)
        return sizeof(double);
    return is_integer(option) ? sizeof(int64_t) : option->capacity;
}

/* Number of bits that the suffix K, M or G shifts by; -1 if it is none. */
static int suffix_shift(const char *text)
{
    static const char suffixes[] = "KMG";

    if (text[0] == '\0')
        return 0;
    const char *at = strchr(suffixes, text[0]);
    return at != NULL && text[1] == '\0' ? 10 * (int)(at - suffixes + 1) : -1;
}

static bool read_integer(const struct rt_option *option, const char *text, int64_t *out)
{
    char *end;

    if (strspn(text, "-0123456789KMG") != strlen(text))
        return false;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text)
        return false;
    int shift = option->type == RT_OPTION_BYTES ? suffix_shift(end) : (*end == '\0' ? 0 : -1);
    if (shift < 0)
        return false;
    double whole = (double)number * (double)(INT64_C(1) << shift);
    if (whole < option->low || whole > option->high)
        return false;
    *out = number * (INT64_C(1) << shift);
    return true;
}

/* Decimal only: neither hexadecimal nor inf nor nan. */
static bool read_number(const struct rt_option *option, const char *text, double *out)
{
    char *end;

    if (text[0] == '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    double number = strtod(text, &end);
    if (*end != '\0' || !isfinite(number) || number < option->low || number > option->high)
        return false;
    *out = number;
    return true;
}

static bool read_switch(const char *text, int64_t *out)
{
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return false;
    *out = text[0] == 'y';
    return true;
}

static bool is_text(const struct rt_option *option, const char *text)
{
    if (strlen(text) >= option->capacity || !rt_ini_holds(text))
        return false;
    if (option->type == RT_OPTION_ENDPOINT)
        return rt_address_endpoint(text);
    if (option->type == RT_OPTION_HTTP)
        return rt_address_http(text);
    return true;
}

static bool store(const struct rt_option *option, void *base, const char *text)
{
    if (option->type == RT_OPTION_NUMBER)
        return read_number(option, text, field(option, base));
    if (option->type == RT_OPTION_SWITCH)
        return read_switch(text, field(option, base));
    if (is_number(option))
        return read_integer(option, text, field(option, base));
    if (!is_text(option, text))
        return false;
    memset(field(option, base), 0, option->capacity); /* equal texts are equal bytes */
    memcpy(field(option, base), text, strlen(text));
    return true;
}

bool rt_option_store(const struct rt_option *option, void *base, const char *text, char *expected)
{
    if (store(option, base, text))
        return true;
    rt_option_range(option, expected, RT_CONFIG_ERROR);
    return false;
}

/* As few digits as read back to the same number. */
static void show_number(char text[RT_OPTION_TEXT], double number)
{
    snprintf(text, RT_OPTION_TEXT, "%.15g", number);
    if (strtod(text, NULL) < number || strtod(text, NULL) > number)
        snprintf(text, RT_OPTION_TEXT, "%.17g", number);
}

void rt_option_show(const struct rt_option *option, const void *base, char text[RT_OPTION_TEXT])
{
    const void *at = const_field(option, base);

    if (option->type == RT_OPTION_NUMBER)
        show_number(text, *(const double *)at);
    else if (option->type == RT_OPTION_SWITCH)
        snprintf(text, RT_OPTION_TEXT, "%s", *(const int64_t *)at != 0 ? "yes" : "no");
    else if (is_number(option))
        snprintf(text, RT_OPTION_TEXT, "%" PRId64, *(const int64_t *)at);
    else
        snprintf(text, RT_OPTION_TEXT, "%s", (const char *)at);
}

bool rt_option_equal(const struct rt_option *option, const void *a, const void *b)
{
    return memcmp(const_field(option, a), const_field(option, b), field_size(option)) == 0;
}

void rt_option_copy(const struct rt_option *option, void *to, const void *from)
{
    memcpy(field(option, to), const_field(option, from), field_size(option));
}

/* A number of bytes in its largest whole unit. */
static void show_bytes(double bytes, char text[32])
{
    static const char *const units[] = {"", "K", "M", "G"};
    size_t unit = 0;

    while (unit < 3 && bytes >= 1024 && fmod(bytes, 1024) == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, 32, "%.0f%s", bytes, units[unit]);
}

void rt_option_range(const struct rt_option *option, char *text, size_t size)
{
    char low[32], high[32];

    switch (option->type) {
    case RT_OPTION_ENDPOINT:
        snprintf(text, size, "tcp://HOST:PORT, ipc://PATH or nothing");
        return;
    case RT_OPTION_HTTP:
        snprintf(text, size, "HOST:PORT or nothing");
        return;
    case RT_OPTION_PATH:
        snprintf(text, size, "a path or nothing");
        return;
    case RT_OPTION_SWITCH:
        snprintf(text, size, "yes or no");
        return;
    case RT_OPTION_BYTES:
        show_bytes(option->low, low);
        show_bytes(option->high, high);
        snprintf(text, size, "bytes from %s to %s", low, high);
        return;
    case RT_OPTION_INTEGER:
        snprintf(text, size, "a whole number from %.0f to %.0f", option->low, option->high);
        return;
    case RT_OPTION_NUMBER:
        snprintf(text, size, "a number from %.15g to %.15g", option->low, option->high);
        return;
    }
}
