/* ticks.h - the processor's own clock, for measuring pieces of microseconds: a read takes some nanoseconds. Its rate is constant
 * but unknown: set ticks against time_now over a longer time. Threads may be some ticks apart. */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H
#include <stdint.h>
#include <time.h>

static inline uint64_t ticks_now(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t t;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
  return t;
#else
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}
#endif
