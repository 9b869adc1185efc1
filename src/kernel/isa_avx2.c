/* isa_avx2.c - the kernels for AVX2 with FMA. cmake/kernels.cmake gives this file its compiler options. */
#if defined(__AVX2__) && defined(__FMA__)
#define VECTOR_AVX2
#define ISA CPU_AVX2
#include "kernel/isa_body.h"
const kernels *kernels_avx2(void) { return &table; }
#else
#include "kernel/isa.h"
const kernels *kernels_avx2(void) { return NULL; }
#endif
