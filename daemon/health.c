#include "daemon/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/log.h"

struct report {
    char *text;
    size_t size, used;
    unsigned sentences;
};

static void say(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct report *report, const char *format, ...)
{
    va_list arguments;
    int more;

    va_start(arguments, format);
    more = vsnprintf(report->text + report->used, report->size - report->used, format, arguments);
    va_end(arguments);
    report->sentences++;
    report->used += more < 0 ? 0 : (size_t)more;
    if (report->used >= report->size) {
        report->used = report->size - 1;
    }
}

static void say_state(struct report *report, const struct rt_worker *worker)
{
    if (worker->failed) {
        say(report,
            "worker %u failed: it ended %d times in a row before it was ready; its log tells "
            "why.\n",
            worker->index, RT_RESTART_EARLY);
    } else if (worker->state == RT_WORKER_STARTING) {
        say(report, "worker %u is recovering: %llu of %llu MiB read.\n", worker->index,
            (unsigned long long)(worker->replayed >> 20),
            (unsigned long long)(worker->to_replay >> 20));
    } else if (worker->state != RT_WORKER_READY) {
        say(report, "worker %u ended and is being started again.\n", worker->index);
    }
}

static void say_worker(struct report *report, const struct rt_worker *worker)
{
    say_state(report, worker);
    if (worker->numbers.disk_full) {
        say(report, "worker %u has no disk space: events are answered busy until there is room.\n",
            worker->index);
    }
    if (worker->numbers.clock_jump) {
        say(report,
            "worker %u saw the clock jump: alerts that only time brings are held for a while.\n",
            worker->index);
    }
}

/* Before events have to be answered busy. */
static void warn_of(struct report *report, const struct rt_worker *worker)
{
    if (worker->numbers.disk_low && !worker->numbers.disk_full) {
        say(report,
            "warning: worker %u has little disk space left, %llu MiB: make room, or raise "
            "journal.max_bytes.\n",
            worker->index, (unsigned long long)(worker->numbers.disk_left >> 20));
    }
}

unsigned rt_health(const struct rt_daemon *daemon, char *text, size_t size)
{
    struct report report = {.text = text, .size = size};
    unsigned faults;

    text[0] = '\0';
    if (daemon->phase == RT_PHASE_STOPPING) {
        say(&report, "retaind is stopping.\n");
        return report.sentences;
    }
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        say_worker(&report, &daemon->workers[i]);
    }
    faults = report.sentences;
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        warn_of(&report, &daemon->workers[i]);
    }
    return faults;
}

/* Numbers that change all the time are not said each time. */
static void first_words(char *text)
{
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(text, "warning: ", 9) == 0) {
        text[strcspn(text, ",")] = '\0';
    }
}

static bool any_failed(const struct rt_daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++) {
        if (daemon->workers[i].failed) {
            return true;
        }
    }
    return false;
}

/* Is there anything to say? A start that goes well tells its own progress (notify.c). */
static bool is_to_be_told(struct rt_daemon *daemon)
{
    if (daemon->phase != RT_PHASE_RECOVERING) {
        return daemon->phase == RT_PHASE_SERVING;
    }
    if (!any_failed(daemon)) {
        return false;
    }
    rt_notify_failed(&daemon->watchdog, rt_now_ms());
    return true;
}

void rt_health_tick(struct rt_daemon *daemon)
{
    char text[RT_HEALTH_TEXT], status[RT_HEALTH_TEXT + 16];
    unsigned faults;

    if (!is_to_be_told(daemon)) {
        return;
    }
    faults = rt_health(daemon, text, sizeof text);
    first_words(text);
    if (strcmp(text, daemon->health) == 0) {
        return;
    }
    snprintf(daemon->health, sizeof daemon->health, "%s", text);
    snprintf(status, sizeof status, "%s%s%s", faults == 0 ? "Serving" : "",
             faults == 0 && text[0] != '\0' ? "; " : "", text);
    rt_notify_status(status);
    rt_log(text[0] == '\0' ? RT_LOG_INFO : RT_LOG_WARNING, "health=%s %s",
           faults == 0 ? "ok" : "degraded", text);
}
