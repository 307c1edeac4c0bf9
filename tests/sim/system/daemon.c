#include "tests/sim/system/daemon.h"

#include <getopt.h>

#include "daemon/daemon.h"
#include "daemon/supervisor.h"
#include "tests/sim/system/os.h"

static struct rt_daemon *newest;
static struct os_process *process;
static sim_numbered *on_number;

bool __real_rt_supervisor_start(struct rt_daemon *daemon);
bool __wrap_rt_supervisor_start(struct rt_daemon *daemon);
uint64_t __real_rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                                bool *again);
uint64_t __wrap_rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                                bool *again);
_Static_assert(__builtin_types_compatible_p(__typeof__(rt_numbers_give),
                                            __typeof__(__wrap_rt_numbers_give)) &&
                   __builtin_types_compatible_p(__typeof__(rt_supervisor_start),
                                                __typeof__(__wrap_rt_supervisor_start)),
               "stands in for what the daemon calls");

int sim_daemon_main(int argc, char **argv)
{
    static struct rt_options options;

    optind = 0;
    OS_CHECK(rt_options_read(&options, argc, argv) == RT_OPTIONS_RUN,
             "the daemon does not understand its command line");
    return rt_daemon_run(&options);
}

bool __wrap_rt_supervisor_start(struct rt_daemon *daemon)
{
    bool started = __real_rt_supervisor_start(daemon);

    newest = daemon;
    process = os_running();
    return started;
}

static bool is_there(void)
{
    return newest != NULL && os_alive(process) && newest->workers != NULL;
}

bool sim_daemon_serves(void)
{
    return is_there() && newest->phase == RT_PHASE_SERVING;
}

uint32_t sim_worker_count(void)
{
    return is_there() ? newest->worker_count : 0;
}

int sim_worker_pid(uint32_t index)
{
    return index < sim_worker_count() ? (int)newest->workers[index].pid : 0;
}

int sim_worker_link(uint32_t index)
{
    return index < sim_worker_count() ? newest->workers[index].link.descriptor : -1;
}

uint32_t sim_worker_log(uint32_t index)
{
    return index < sim_worker_count() ? newest->workers[index].log : 0;
}

/* ---- windows --------------------------------------------------------------------------------- */

/* A dead letter may overfill a window: poison is buried whether there is room or not. */
enum { BURY_SLACK = 70000 };

static size_t sum_of(const struct rt_window *window, unsigned *in_flight)
{
    size_t bytes = 0;

    *in_flight = 0;
    for (uint64_t tag = window->first; tag != window->end; tag++) {
        const struct rt_frame *frame = &window->ring[tag & (window->capacity - 1)];

        bytes += frame->done ? 0 : frame->size;
        *in_flight += !frame->done && tag < window->next;
    }
    for (size_t i = 0; i < window->held_count; i++)
        bytes += window->held[i].size;
    return bytes;
}

static void check_window(const struct rt_worker *worker, size_t limit)
{
    const struct rt_window *window = &worker->window;
    unsigned in_flight;
    size_t bytes = sum_of(window, &in_flight);

    OS_CHECK(window->first <= window->next && window->next <= window->end,
             "window %u: first <= next <= end", worker->index);
    OS_CHECK(bytes == window->bytes, "window %u: %zu bytes are counted, there are %zu",
             worker->index, window->bytes, bytes);
    OS_CHECK(!window->single_in_flight || in_flight <= 1,
             "window %u: a single event is not alone in flight", worker->index);
    OS_CHECK(bytes <= limit + BURY_SLACK, "window %u: %zu bytes are more than workers.window_bytes",
             worker->index, bytes);
}

void sim_check_windows(void)
{
    for (uint32_t i = 0; i < sim_worker_count(); i++)
        check_window(&newest->workers[i], (size_t)newest->config.workers_window_bytes);
}

/* ---- publication numbers --------------------------------------------------------------------- */

void sim_on_number(sim_numbered *numbered)
{
    on_number = numbered;
}

uint64_t __wrap_rt_numbers_give(struct rt_numbers *numbers, uint64_t position, uint64_t now_us,
                                bool *again)
{
    uint64_t number = __real_rt_numbers_give(numbers, position, now_us, again);

    on_number(position, number, *again);
    return number;
}
