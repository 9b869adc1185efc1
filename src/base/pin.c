/* pin.c - see pin.h. */
#include "base/pin.h"
#include <sched.h>
#include <stdbool.h>

static cpu_set_t allowed;
static int processors, first;
static bool pinned;

void pin_threads(int own, int processes) {
  if (sched_getaffinity(0, sizeof allowed, &allowed)) return;
  processors = CPU_COUNT(&allowed);
  first = processes > 0 ? (int)((long)processors * own / processes) : 0;
  pinned = processors > 0;
  pin_thread(0);
}

void pin_thread(int thread) {
  int number = pinned ? (first + thread) % processors : -1;
  for (int cpu = 0; cpu < CPU_SETSIZE && number >= 0; cpu++) {
    if (!CPU_ISSET(cpu, &allowed) || number--) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one); /* where it may not be, the thread stays as it is */
  }
}
