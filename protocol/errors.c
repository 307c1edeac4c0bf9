/* Names of the codes and texts of faults. A text that is too long is cut. */
#include "protocol/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/assert.h"

#define RT_ERROR_NAME(symbol, name) name,
static const char *const names[] = {RT_ERRORS(RT_ERROR_NAME)};
#undef RT_ERROR_NAME

const char *rt_error_name(enum rt_error code)
{
    RT_ASSERT((unsigned)code < RT_ERROR_COUNT);
    return names[code];
}

bool rt_error_parse(const char *name, size_t size, enum rt_error *code)
{
    for (unsigned i = 0; i < RT_ERROR_COUNT; i++) {
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0) {
            *code = (enum rt_error)i;
            return true;
        }
    }
    return false;
}

enum rt_error rt_fault_set(struct rt_fault *fault, enum rt_error code, const char *format, ...)
{
    va_list args;

    fault->code = code;
    va_start(args, format);
    vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
    return code;
}
