/* cpu.c - what this processor can do, asked once.
 *
 * Two small files of /proc and /sys are read here, and not through file.h. They are the system's own; a test that makes file
 * operations fail means the user's files. */
#include "base/cpu.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t asked = PTHREAD_ONCE_INIT;
static enum cpu_isa chosen;
static char problem[160], name[128];
static int count;

static const char *const isa_names[] = {"portable", "neon", "avx2", "avx512"};

static int has(enum cpu_isa isa) {
  if (isa == CPU_PORTABLE) return 1;
#if defined(__x86_64__)
  if (isa == CPU_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == CPU_AVX512)
    return has(CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
  if (isa == CPU_NEON) return 1;
#endif
  return 0;
}

static void ask_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  for (int i = CPU_PORTABLE; i <= CPU_AVX512; i++)
    if (has((enum cpu_isa)i)) chosen = (enum cpu_isa)i;
  const char *forced = getenv("UNROLL_ISA");
  if (!forced || !*forced) return;
  for (int i = CPU_PORTABLE; i <= CPU_AVX512; i++) {
    if (strcmp(forced, isa_names[i]) != 0) continue;
    if (has((enum cpu_isa)i))
      chosen = (enum cpu_isa)i;
    else
      snprintf(problem, sizeof problem, "UNROLL_ISA is %s, which this processor lacks; using %s", forced, isa_names[chosen]);
    return;
  }
  snprintf(problem, sizeof problem, "UNROLL_ISA is '%.40s', not portable, neon, avx2 or avx512; using %s", forced,
           isa_names[chosen]);
}

/* The first bytes of a file, as a text; "" when it cannot be read. */
static void peek(const char *path, char *out, size_t size) {
  out[0] = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t n = read(fd, out, size - 1);
  close(fd);
  out[n > 0 ? n : 0] = 0;
}

static void ask_name(void) {
  char text[4096];
  peek("/proc/cpuinfo", text, sizeof text);
  const char *at = strstr(text, "model name");
  if (at) at = strchr(at, ':');
  if (at) at += 1 + strspn(at + 1, " \t");
  size_t n = at ? strcspn(at, "\n") : 0;
  if (n == 0) at = "unknown", n = strlen(at);
  snprintf(name, sizeof name, "%.*s", (int)n, at);
}

/* The processors of the affinity mask, or fewer where a container's quota (cgroup 2) gives less time. A spin barrier among more
 * threads would wait for some that are not allowed to run. */
static void ask_count(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    count = CPU_COUNT(&set);
  else
    count = (int)sysconf(_SC_NPROCESSORS_ONLN); /* more processors than the set holds */
  char text[64];
  long quota, period;
  peek("/sys/fs/cgroup/cpu.max", text, sizeof text);
  if (sscanf(text, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0 && (quota + period - 1) / period < count)
    count = (int)((quota + period - 1) / period);
  if (count < 1) count = 1;
}

/* /sys lists the caches of a processor in any order, those for instructions among them. */
static long system_cache(int level) {
  for (int i = 0; i < 16; i++) {
    char path[80], text[32];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
    peek(path, text, sizeof text);
    if (!text[0]) break;
    if (atoi(text) != level) continue;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
    peek(path, text, sizeof text);
    if (text[0] == 'I') continue;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
    peek(path, text, sizeof text);
    long size;
    char unit = 0;
    if (sscanf(text, "%ld%c", &size, &unit) >= 1 && size > 0 && size < 1 << 30)
      return size * (unit == 'M' ? 1 << 20 : unit == 'K' ? 1 << 10 : 1);
  }
  return 0;
}

long cpu_cache(int level) {
  long bytes = level >= 1 && level <= 3 ? system_cache(level) : 0;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  if (bytes == 0 && level >= 1 && level <= 3) bytes = sysconf(names[level - 1]);
#endif
  return bytes > 0 ? bytes : 0;
}

static void ask(void) {
  ask_isa();
  ask_name();
  ask_count();
}

enum cpu_isa cpu_isa(void) {
  pthread_once(&asked, ask);
  return chosen;
}

const char *cpu_isa_name(enum cpu_isa isa) {
  return (unsigned)isa < sizeof isa_names / sizeof *isa_names ? isa_names[isa] : "unknown";
}

const char *cpu_isa_problem(void) {
  pthread_once(&asked, ask);
  return problem[0] ? problem : NULL;
}

const char *cpu_name(void) {
  pthread_once(&asked, ask);
  return name;
}

int cpu_count(void) {
  pthread_once(&asked, ask);
  return count;
}
