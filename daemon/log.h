/* The log: one line on standard error, key=value, the id first, the reason last. Said once per
 * change, never per event. Under systemd each line carries its level as <N>. */
#ifndef RT_DAEMON_LOG_H
#define RT_DAEMON_LOG_H

enum rt_log_level { RT_LOG_ERROR = 3, RT_LOG_WARNING = 4, RT_LOG_NOTICE = 5, RT_LOG_INFO = 6 };

void rt_log(enum rt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
