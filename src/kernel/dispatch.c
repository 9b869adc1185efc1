/* dispatch.c - picks the table of kernels. */
#include "base/threads.h"
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
typedef void product_function(const product *p);

/* Is `a` quicker than `b`? The best of many turns of a product that stays in the nearest cache: some 50 microseconds in all. */
static int quicker(product_function *a, product_function *b) {
  enum { TURNS = 24, ROWS = 6, STEPS = 128, COLUMNS = PANEL_VECTORS * LANES };
  static _Alignas(64) float x[ROWS * STEPS], panel[STEPS * COLUMNS], y[ROWS * COLUMNS];
  const product_part part = {.a = x, .a_row = STEPS, .a_k = 1, .b = panel, .b_k = COLUMNS, .k = STEPS};
  product p = {.parts = &part, .n_parts = 1, .rows = ROWS, .vectors = PANEL_VECTORS};
  double best[2] = {1, 1};
  for (int v = 0; v < PANEL_VECTORS; v++) p.c[v] = y + v * LANES, p.c_row[v] = COLUMNS;
  for (int i = 0; i < 2 * TURNS; i++) {
    const double start = time_now();
    (i % 2 ? b : a)(&p);
    const double seconds = time_now() - start;
    if (seconds < best[i % 2]) best[i % 2] = seconds;
  }
  return best[0] < best[1];
}

/* The table of AVX-512 with the processor's own products of bf16 pairs and of bytes, as far as it has them. Some processors have an
 * instruction for pairs that takes longer than two multiply-adds of floats: the quicker one, both have the same bits. */
static kernels own;
static pthread_once_t own_made = PTHREAD_ONCE_INIT;
static void make_own(void) {
  own = *kernels_avx512();
  if (kernel_has_avx512_bf16 && __builtin_cpu_supports("avx512bf16") && quicker(kernel_avx512_bf16, own.product_pairs))
    own.product_pairs = kernel_avx512_bf16;
  if (kernel_has_avx512_vnni && __builtin_cpu_supports("avx512vnni")) own.product_bytes = kernel_avx512_vnni;
}
#endif

static const kernels *table_avx512(void) {
#if defined(__x86_64__)
  if (kernels_avx512()) {
    pthread_once(&own_made, make_own);
    return &own;
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

static const char *const precision_names[PRECISIONS] = {"fp32", "bf16", "int8"};
int precision_of(const char *name) {
  for (int i = 0; i < PRECISIONS; i++)
    if (!strcmp(name, precision_names[i])) return i;
  return -1;
}
const char *precision_name(enum precision p) { return precision_names[p]; }

void adam_corrections(adam_step *s, double beta1, double beta2, long t) {
  s->correction1 = (float)(1 / (1 - pow(beta1, (double)t)));
  s->correction2 = (float)(1 / (1 - pow(beta2, (double)t)));
}
