/* isa_avx512.c - the kernels for AVX-512 (F, DQ, BW, VL). cmake/kernels.cmake gives this file its compiler options. */
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__FMA__)
#define VECTOR_AVX512
#define ISA CPU_AVX512
#include "kernel/isa_body.h"
const kernels *kernels_avx512(void) { return &table; }
#else
#include "kernel/isa.h"
const kernels *kernels_avx512(void) { return NULL; }
#endif
