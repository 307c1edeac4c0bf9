/* A simulated machine: processes and threads as coroutines, one clock, links, a disk that forgets what
 * was not synced. The programs under it are the real ones, linked with --wrap for each system call
 * they make (Makefile, `sim_wrapped`); which of them goes on, how long a call takes, how many bytes
 * it moves and when it is the last one is drawn from one seed.
 *
 * Everything runs on one thread of the host, so a seed is a run, to the byte. What a program does
 * between two calls is atomic. */
#ifndef RT_TESTS_SIM_OS_H
#define RT_TESTS_SIM_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OS_FD_FIRST = 1 << 20 }; /* simulated descriptors; lower ones are the host's */

struct os_process;
typedef bool os_ready(void *context);
typedef void os_entry(void *context);

/* ---- chance, time, trace (machine.c) --------------------------------------------------------- */

void os_seed(uint64_t seed);
uint64_t os_draw(uint64_t below);
bool os_chance(uint64_t one_in); /* 0: never */

int64_t os_now_ns(void);  /* since boot */
int64_t os_wall_ns(void); /* what the administrator's clock says */
int64_t os_wall_ms(void);
void os_set_wall(int64_t jump_ms); /* moves it; timers that wait for it are told */

/* A line of the trace, with the time and who runs. os_fail prints seed, trace and reason, and ends
 * the host process. */
void os_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void os_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t os_trace_hash(void); /* of all lines so far: equal for equal runs */
void os_trace_print(bool on); /* every line as it comes */

#define OS_CHECK(condition, ...)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            os_fail(__VA_ARGS__);                                                                  \
    } while (0)

/* ---- processes and threads (machine.c) ------------------------------------------------------- */

/* Starts a process whose first thread runs entry(context). Its number is never used again. */
struct os_process *os_start(const char *name, os_entry *entry, void *context);
/* One more thread of the running process; a handle for os_thread_ended. */
void *os_start_thread(os_entry *entry, void *context);
bool os_thread_ended(const void *thread);

/* Ends it as waitpid will tell by `status`. If it is the running one this does not return. */
void os_end(struct os_process *process, int status);
/* All but the running one. */
void os_end_others(int status);
/* Its threads stand still for so long (SIGSTOP and SIGCONT). */
void os_freeze(struct os_process *process, int64_t ns);
bool os_alive(const struct os_process *process);
int os_status(const struct os_process *process); /* once it has ended */
int os_pid(const struct os_process *process);
struct os_process *os_find(int pid); /* alive or not yet waited for; NULL */
struct os_process *os_running(void); /* NULL: the driver */
const char *os_name(const struct os_process *process);
/* What is told of a process that has ended: its parent's signals. */
void os_adopt(struct os_process *child, struct os_process *parent);
int os_wait_for(int pid, int *status); /* waitpid(pid, status, WNOHANG) */
void os_signal(struct os_process *process, int signal);
bool os_has_signal(const struct os_process *process, int signal);
void os_take_signal(struct os_process *process, int signal);
/* A number that the process keeps for others: its end of the link (a descriptor). */
void os_set_link(struct os_process *process, int fd);
int os_link(const struct os_process *process);

/* The running thread waits until `ready` or the time (INT64_MAX: none). Never returns if its process
 * ends. Without a running thread it does nothing. */
void os_wait(os_ready *ready, void *context, int64_t until_ns);
void os_sleep(int64_t ns);
/* Now and then lets others go on. */
void os_yield(void);

/* ---- the driver ------------------------------------------------------------------------------ */

/* Calls action(context) at a time, between two steps of the threads. */
typedef void os_action(void *context);
void os_at(int64_t ns, os_action *action, void *context);
/* Runs until `done`, calling `check` after each step; fails if that takes longer than `limit_ns` of
 * simulated time. */
void os_run(bool (*done)(void), void (*check)(void), int64_t limit_ns);

/* ---- descriptors (files.c) ------------------------------------------------------------------- */

/* Two ends of a stream. */
void os_pair(int ends[2]);
/* The owner of a descriptor is the process that gets it closed when it ends. */
void os_give(int fd, struct os_process *process);
bool os_readable(int fd), os_writable(int fd);
void os_close_all(struct os_process *process); /* it has ended */
/* Both ends are closed, whatever was on its way is lost. */
void os_cut(int fd);
/* Nothing arrives for so long. */
void os_stall(int fd, int64_t ns);
void os_wall_was_set(void);
/* A descriptor whose readiness is somebody else's business. */
int os_fd_of(os_ready *ready, void *context);
void os_fd_forget(int fd);

/* ---- the disk (disk.c) ----------------------------------------------------------------------- */

/* Keeps what a power cut would undo beside `folder`, in `kept`. */
void os_disk_begin(const char *folder, const char *kept);
/* From now on the machine has no power: undoes what was not synced. All processes have ended. */
void os_disk_cut(void);
/* The process is killed at its n-th call from now; with `power` the whole machine stops there, and
 * the action given to os_disk_on_cut is called. */
void os_disk_kill_at(struct os_process *process, unsigned calls, bool power);
void os_disk_on_cut(void (*cut)(void));
/* Its n-th writing call from now fails with EIO. */
void os_disk_fail_at(struct os_process *process, unsigned calls);
void os_disk_full(bool full); /* no space for new files */
/* No byte of [offset, offset + size) of the file waits for a sync. */
bool os_disk_is_synced(const char *path, uint64_t offset, uint64_t size);
uint64_t os_disk_calls(void);

/* ---- sockets (sockets.c) --------------------------------------------------------------------- */

enum { OS_FRAMES = 12 };
struct os_message {
    unsigned count;
    struct os_frame {
        const void *data;
        size_t size;
    } frames[OS_FRAMES];
};

/* Something that a bound socket sent, as it sends it. */
typedef void os_heard(const char *address, const struct os_message *message);
void os_sockets_hear(os_heard *heard);
/* Puts a message into the socket bound there; false if there is none. Bytes are copied. */
bool os_sockets_put(const char *address, const struct os_message *message);
size_t os_sockets_waiting(const char *address);

/* ---- programs (programs.c) ------------------------------------------------------------------- */

/* The real daemon, with these -o overrides. */
struct os_process *os_start_daemon(const char *config_file, const char *state_dir,
                                   const char *const *overrides, size_t count);
/* A file is closed: the running process holds no lock by it any more. */
void os_unlock(int fd);
/* The process of a worker by index, NULL if there is none alive. */
struct os_process *os_worker(uint32_t index);

#endif
