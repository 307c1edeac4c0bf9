/* Ctrl-C and SIGTERM end a command in order: what was done is said. A second one ends it at once.
 */
#ifndef RT_RETAINCTL_INTERRUPT_H
#define RT_RETAINCTL_INTERRUPT_H

#include <stdbool.h>

void rt_interrupt_catch(void);
bool rt_interrupted(void);

#endif
