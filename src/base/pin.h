/* pin.h - threads that stay on one processor each. */
#ifndef BASE_PIN_H
#define BASE_PIN_H

/* From here on thread i of a pool stays on the i-th processor that the process may use. Where there are fewer they are counted
 * again. This is process `own` of so many on this machine: each begins with another processor. The caller is thread 0. */
void pin_threads(int own, int processes);
void pin_thread(int thread); /* the caller, which is that thread of its pool; nothing without pin_threads */
#endif
