/* Sentences for the library's errors, and its version. */
#include "retain.h"

const char *retain_strerror(int error)
{
    switch (error) {
    case RETAIN_OK:
        return "ok";
    case RETAIN_NO_MEMORY:
        return "out of memory";
    case RETAIN_BAD_ARGUMENT:
        return "an argument is wrong";
    case RETAIN_BAD_ADDRESS:
        return "not an address ZeroMQ understands (tcp://host:port, ipc:///path)";
    case RETAIN_WINDOW_FULL:
        return "too much is unacknowledged";
    case RETAIN_TIMED_OUT:
        return "no answer in time";
    case RETAIN_REFUSED:
        return "retaind refused";
    case RETAIN_SPOOL_FULL:
        return "the spool has reached its size";
    case RETAIN_SYSTEM:
        return "the operating system refused";
    case RETAIN_BAD_REPLY:
        return "the answer is not retaind's protocol";
    case RETAIN_TOO_LARGE:
        return "larger than a message may be";
    case RETAIN_BAD_KEY:
        return "the key file is not there, others may read it, or it holds no secret and server "
               "key";
    default:
        return "unknown error";
    }
}

const char *retain_version(void)
{
    return RT_VERSION;
}
