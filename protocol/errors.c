#include "protocol/errors.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/assert.h"

const char *rt_error_name(enum rt_error code)
{
#define RT_ERROR_NAME(symbol, name) name,
    static const char *const names[] = {RT_ERRORS(RT_ERROR_NAME)};
#undef RT_ERROR_NAME

    RT_ASSERT((unsigned)code < RT_ERROR_COUNT);
    return names[code];
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
