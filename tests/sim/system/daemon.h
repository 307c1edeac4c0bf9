/* A look into the simulated daemon: the parts of the simulation that include its headers, which the
 * workers' do not agree with. */
#ifndef RT_TESTS_SIM_DAEMON_H
#define RT_TESTS_SIM_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

int sim_daemon_main(int argc, char **argv);

/* The newest daemon that was started; false and 0 once it has ended. */
bool sim_daemon_serves(void);
int sim_worker_pid(uint32_t index);  /* 0: none */
int sim_worker_link(uint32_t index); /* the daemon's end, -1: none */
uint32_t sim_worker_log(uint32_t index);
uint32_t sim_worker_count(void);

/* Invariants 1-4 of daemon/window.h, and that each window is bounded. */
void sim_check_windows(void);

/* Called when the daemon gives an alert its publication number. */
typedef void sim_numbered(uint64_t position, uint64_t number, bool again);
void sim_on_number(sim_numbered *numbered);

#endif
