/* dispatch.c - picks the table of kernels. */
#include "kernel/isa.h"
#include "kernel/optimizer.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

/* What the processor and the system can run, whatever UNROLL_ISA says. */
static int runs(enum cpu_isa isa) {
#if defined(__x86_64__) || defined(__i386__)
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == CPU_AVX2) return avx2;
  if (isa == CPU_AVX512)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
  if (isa == CPU_NEON) return 1;
#endif
  return isa == CPU_PORTABLE;
}

#if defined(__x86_64__)
/* The table of AVX-512 with the processor's own product of bf16 pairs. */
static kernels own_pairs;
static pthread_once_t own_pairs_made = PTHREAD_ONCE_INIT;
static void make_own_pairs(void) {
  own_pairs = *kernels_avx512();
  own_pairs.product_pairs = kernel_avx512_bf16;
}
#endif

static const kernels *table_avx512(void) {
#if defined(__x86_64__)
  if (kernels_avx512() && kernel_has_avx512_bf16 && __builtin_cpu_supports("avx512bf16")) {
    pthread_once(&own_pairs_made, make_own_pairs);
    return &own_pairs;
  }
#endif
  return kernels_avx512();
}

const kernels *kernel_table_of(enum cpu_isa isa) {
  if (!runs(isa)) return NULL;
  switch (isa) {
  case CPU_AVX512:
    return table_avx512();
  case CPU_AVX2:
    return kernels_avx2();
  case CPU_NEON:
    return kernels_neon();
  case CPU_PORTABLE:
    return kernels_portable();
  }
  return NULL;
}

const kernels *kernel_table(void) {
  const kernels *table = kernel_table_of(cpu_isa());
  if (!table && cpu_isa() == CPU_AVX512) table = kernel_table_of(CPU_AVX2);
  return table ? table : kernels_portable();
}

int precision_of(const char *name) { return !strcmp(name, "fp32") ? PRECISION_FP32 : !strcmp(name, "bf16") ? PRECISION_BF16 : -1; }

void adam_corrections(adam_step *s, double beta1, double beta2, long t) {
  s->correction1 = (float)(1 / (1 - pow(beta1, (double)t)));
  s->correction2 = (float)(1 / (1 - pow(beta2, (double)t)));
}
