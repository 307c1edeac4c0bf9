/* Coroutines, their scheduler, the clock. The scheduler takes one of those who can go on; when none
 * can, the clock moves to the next moment something happens. */
#include "tests/sim/system/os.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

enum {
    STACK_BYTES = 1 << 20,
    THREADS = 512,
    PROCESSES = 4096,
    ACTIONS = 4096,
    LINES = 600, /* of the trace that are kept */
    LINE_BYTES = 240,
    STEP_NS = 20000, /* what a step takes, at most */
};

struct os_process {
    char name[24];
    int pid, status, link;
    bool alive, reaped;
    struct os_process *parent;
    int64_t frozen_until;
    uint64_t signals; /* pending, by bit */
};

struct thread {
    ucontext_t context;
    struct os_process *process; /* NULL: free */
    os_entry *entry;
    void *argument;
    os_ready *ready;
    void *ready_context;
    int64_t until;
    bool ended;
    char *stack;
    void *fake_stack;
};

struct action {
    int64_t at;
    uint64_t serial;
    os_action *action;
    void *context;
};

static struct {
    uint64_t seed, random, serial;
    int64_t now, wall_offset;
    struct thread *threads[THREADS];
    unsigned thread_count;
    char *stacks[THREADS]; /* of threads that are gone */
    unsigned stack_count;
    bool somebody_ended; /* whose threads are still there */
    struct os_process *processes[PROCESSES];
    unsigned process_count;
    struct thread *running;
    ucontext_t scheduler;
    void *fake_stack; /* of the scheduler */
    struct action actions[ACTIONS];
    unsigned action_count;
    char lines[LINES][LINE_BYTES];
    uint64_t line_count, hash;
    bool print;
} machine;

/* ---- chance ---------------------------------------------------------------------------------- */

void os_seed(uint64_t seed)
{
    machine.seed = machine.random = seed;
    machine.now = 1000000000000;
    machine.wall_offset = INT64_C(1790000000000000000); /* autumn of 2026 */
    machine.hash = UINT64_C(14695981039346656037);
}

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t os_draw(uint64_t below)
{
    uint64_t z = (machine.random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

bool os_chance(uint64_t one_in)
{
    return one_in != 0 && os_draw(one_in) == 0;
}

/* ---- time ------------------------------------------------------------------------------------ */

int64_t os_now_ns(void)
{
    return machine.now;
}

int64_t os_wall_ns(void)
{
    return machine.now + machine.wall_offset;
}

int64_t os_wall_ms(void)
{
    return os_wall_ns() / 1000000;
}

void os_set_wall(int64_t jump_ms)
{
    machine.wall_offset += jump_ms * 1000000;
    os_wall_was_set();
    os_trace("the clock is set by %" PRId64 " s", jump_ms / 1000);
}

/* ---- trace ----------------------------------------------------------------------------------- */

void os_trace_print(bool on)
{
    machine.print = on;
}

uint64_t os_trace_hash(void)
{
    return machine.hash;
}

void os_trace(const char *format, ...)
{
    char *line = machine.lines[machine.line_count++ % LINES];
    int size =
        snprintf(line, LINE_BYTES, "%10.4f %-9s ", (double)(machine.now - 1000000000000) / 1e9,
                 machine.running == NULL ? "-" : machine.running->process->name);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + size, (size_t)(LINE_BYTES - size), format, arguments);
    va_end(arguments);
    for (char *at = line; *at != '\0'; at++) {
        machine.hash = (machine.hash ^ (uint8_t)*at) * UINT64_C(1099511628211);
        if (*at == '\n')
            *at = ' ';
    }
    if (machine.print)
        printf("%s\n", line);
}

_Noreturn void __real__exit(int status);

static void print_trace(void)
{
    uint64_t from = machine.line_count > LINES ? machine.line_count - LINES : 0;

    for (uint64_t i = from; i < machine.line_count && !machine.print; i++)
        printf("%s\n", machine.lines[i % LINES]);
}

_Noreturn void os_fail(const char *format, ...)
{
    va_list arguments;

    print_trace();
    printf("FAIL ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf(" (RETAIND_TEST_SEED=%" PRIu64 ")\n", machine.seed);
    fflush(stdout);
    __real__exit(1);
}

/* ---- switching ------------------------------------------------------------------------------- */

/* AddressSanitizer must know on which stack we are. */
#ifdef SANITIZED
static const void *host_stack;
static size_t host_stack_bytes;
#define LEAVE_STACK(fake, to, bytes) __sanitizer_start_switch_fiber(fake, to, bytes)
#define ARRIVE(fake, from, bytes) __sanitizer_finish_switch_fiber(fake, from, bytes)
#else
#define LEAVE_STACK(fake, to, bytes) ((void)(fake))
#define ARRIVE(fake, from, bytes) ((void)(fake))
#endif

static void enter(struct thread *thread)
{
    machine.running = thread;
    LEAVE_STACK(&machine.fake_stack, thread->stack, STACK_BYTES);
    swapcontext(&machine.scheduler, &thread->context);
    ARRIVE(machine.fake_stack, NULL, NULL);
    machine.running = NULL;
}

static void leave(struct thread *thread)
{
    LEAVE_STACK(&thread->fake_stack, host_stack, host_stack_bytes);
    swapcontext(&thread->context, &machine.scheduler);
    ARRIVE(thread->fake_stack, &host_stack, &host_stack_bytes);
}

static void first_steps(unsigned high, unsigned low)
{
    struct thread *thread = (struct thread *)((uintptr_t)high << 32 | low);

    ARRIVE(NULL, &host_stack, &host_stack_bytes);
    thread->entry(thread->argument);
    thread->ended = true;
    leave(thread);
}

/* ---- threads --------------------------------------------------------------------------------- */

/* Stacks are used again: touching a new one costs more than a whole life of a small thread. */
static char *new_stack(void)
{
    void *stack;

    if (machine.stack_count > 0)
        return machine.stacks[--machine.stack_count];
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    OS_CHECK(stack != MAP_FAILED, "no memory for a stack");
    return stack;
}

static struct thread *new_thread(struct os_process *process, os_entry *entry, void *argument)
{
    struct thread *thread = calloc(1, sizeof(*thread));

    OS_CHECK(machine.thread_count < THREADS && thread != NULL, "too many threads");
    thread->process = process;
    thread->entry = entry;
    thread->argument = argument;
    thread->stack = new_stack();
    getcontext(&thread->context);
    thread->context.uc_stack.ss_sp = thread->stack;
    thread->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&thread->context, (void (*)(void))first_steps, 2,
                (unsigned)((uintptr_t)thread >> 32), (unsigned)(uintptr_t)thread);
    machine.threads[machine.thread_count++] = thread;
    return thread;
}

/* Handles of threads stay valid as long as their process lives. */
static void free_ended(void)
{
    unsigned left = 0;

    for (unsigned i = 0; i < machine.thread_count && machine.somebody_ended; i++) {
        struct thread *thread = machine.threads[i];

        if (thread->process->alive) {
            machine.threads[left++] = thread;
            continue;
        }
        machine.stacks[machine.stack_count++] = thread->stack;
        free(thread);
    }
    if (machine.somebody_ended)
        machine.thread_count = left;
    machine.somebody_ended = false;
}

void *os_start_thread(os_entry *entry, void *context)
{
    OS_CHECK(machine.running != NULL, "a thread of nobody");
    return new_thread(machine.running->process, entry, context);
}

bool os_thread_ended(const void *thread)
{
    return ((const struct thread *)thread)->ended;
}

void os_wait(os_ready *ready, void *context, int64_t until_ns)
{
    struct thread *thread = machine.running;

    if (thread == NULL)
        return;
    thread->ready = ready;
    thread->ready_context = context;
    thread->until = until_ns;
    leave(thread);
}

void os_sleep(int64_t ns)
{
    os_wait(NULL, NULL, machine.now + ns);
}

void os_yield(void)
{
    if (os_chance(8))
        os_wait(NULL, NULL, machine.now);
}

/* ---- processes ------------------------------------------------------------------------------- */

struct os_process *os_start(const char *name, os_entry *entry, void *context)
{
    struct os_process *process = calloc(1, sizeof(*process));

    OS_CHECK(process != NULL && machine.process_count < PROCESSES, "too many processes");
    snprintf(process->name, sizeof(process->name), "%s", name);
    machine.processes[machine.process_count++] = process;
    process->pid = 1000 + (int)machine.process_count;
    process->alive = true;
    process->link = -1;
    new_thread(process, entry, context);
    return process;
}

void os_end(struct os_process *process, int status)
{
    if (!process->alive)
        return;
    process->alive = false;
    machine.somebody_ended = true;
    process->status = status;
    os_trace("%s (%d) ends, status %x", process->name, process->pid, (unsigned)status);
    os_close_all(process);
    if (process->parent != NULL)
        os_signal(process->parent, SIGCHLD);
    if (machine.running != NULL && machine.running->process == process)
        leave(machine.running);
}

void os_end_others(int status)
{
    for (unsigned i = 0; i < machine.process_count; i++)
        if (machine.processes[i] != os_running())
            os_end(machine.processes[i], status);
}

void os_freeze(struct os_process *process, int64_t ns)
{
    process->frozen_until = machine.now + ns;
}

bool os_alive(const struct os_process *process)
{
    return process != NULL && process->alive;
}

int os_status(const struct os_process *process)
{
    return process->status;
}

int os_pid(const struct os_process *process)
{
    return process->pid;
}

const char *os_name(const struct os_process *process)
{
    return process->name;
}

struct os_process *os_running(void)
{
    return machine.running == NULL ? NULL : machine.running->process;
}

struct os_process *os_find(int pid)
{
    for (unsigned i = 0; i < machine.process_count; i++)
        if (machine.processes[i]->pid == pid && !machine.processes[i]->reaped)
            return machine.processes[i];
    return NULL;
}

void os_adopt(struct os_process *child, struct os_process *parent)
{
    child->parent = parent;
}

int os_wait_for(int pid, int *status)
{
    struct os_process *process = os_find(pid);

    if (process == NULL)
        return -1;
    if (process->alive)
        return 0;
    process->reaped = true;
    *status = process->status;
    return pid;
}

void os_signal(struct os_process *process, int signal)
{
    process->signals |= UINT64_C(1) << signal;
}

bool os_has_signal(const struct os_process *process, int signal)
{
    return (process->signals >> signal & 1) != 0;
}

void os_take_signal(struct os_process *process, int signal)
{
    process->signals &= ~(UINT64_C(1) << signal);
}

void os_set_link(struct os_process *process, int fd)
{
    process->link = fd;
}

int os_link(const struct os_process *process)
{
    return process->link;
}

/* ---- the scheduler --------------------------------------------------------------------------- */

void os_at(int64_t ns, os_action *action, void *context)
{
    OS_CHECK(machine.action_count < ACTIONS, "too many actions wait");
    machine.actions[machine.action_count++] =
        (struct action){.at = ns, .serial = ++machine.serial, .action = action, .context = context};
}

/* The earliest; of equals the one that was asked for first. */
static unsigned next_action(void)
{
    unsigned best = 0;

    for (unsigned i = 1; i < machine.action_count; i++) {
        const struct action *a = &machine.actions[i], *b = &machine.actions[best];

        if (a->at < b->at || (a->at == b->at && a->serial < b->serial))
            best = i;
    }
    return best;
}

static bool act(void)
{
    unsigned best = next_action();
    struct action action;

    if (machine.action_count == 0 || machine.actions[best].at > machine.now)
        return false;
    action = machine.actions[best];
    machine.actions[best] = machine.actions[--machine.action_count];
    action.action(action.context);
    return true;
}

/* When the thread can go on without anything happening first; INT64_MAX: never. */
static int64_t moment_of(const struct thread *thread)
{
    int64_t frozen = thread->process->frozen_until, until = thread->until;

    if (!thread->process->alive || thread->ended)
        return INT64_MAX;
    if (until > machine.now && thread->ready != NULL && thread->ready(thread->ready_context))
        until = machine.now;
    return until > frozen ? until : frozen;
}

/* Lets one of those go on who can; false if none can, *next is then when one will. */
static bool step(int64_t *next)
{
    struct thread *can[THREADS];
    unsigned count = 0;

    *next = INT64_MAX;
    for (unsigned i = 0; i < machine.thread_count; i++) {
        int64_t moment = moment_of(machine.threads[i]);

        if (moment <= machine.now)
            can[count++] = machine.threads[i];
        else if (moment < *next)
            *next = moment;
    }
    if (count == 0)
        return false;
    enter(can[os_draw(count)]);
    machine.now += (int64_t)os_draw(STEP_NS);
    free_ended();
    return true;
}

static void advance(int64_t next)
{
    if (machine.action_count > 0 && machine.actions[next_action()].at < next)
        next = machine.actions[next_action()].at;
    OS_CHECK(next < INT64_MAX, "everybody waits for ever");
    if (next > machine.now)
        machine.now = next;
}

void os_run(bool (*done)(void), void (*check)(void), int64_t limit_ns)
{
    int64_t end = machine.now + limit_ns, next;

    while (!done()) {
        if (!act() && !step(&next))
            advance(next);
        check();
        OS_CHECK(machine.now < end, "not done within %" PRId64 " s", limit_ns / 1000000000);
    }
}
