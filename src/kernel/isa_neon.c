/* isa_neon.c - the kernels for NEON of AArch64. cmake/kernels.cmake gives this file its compiler options. */
#if defined(__aarch64__) && defined(__ARM_NEON)
#define VECTOR_NEON
#define ISA CPU_NEON
#include "kernel/isa_body.h"
const kernels *kernels_neon(void) { return &table; }
#else
#include "kernel/isa.h"
const kernels *kernels_neon(void) { return NULL; }
#endif
