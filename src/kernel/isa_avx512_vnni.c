/* isa_avx512_vnni.c - the product of bytes for processors that multiply them. cmake/kernels.cmake gives this file its compiler
 * options. */
#include "kernel/isa.h"
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define VECTOR_AVX512
#include "kernel/vector.h"
#include "kernel/product_bytes_body.h"
const int kernel_has_avx512_vnni = 1;
void kernel_avx512_vnni(const product *p) { product_bytes_run(p); }
#else
const int kernel_has_avx512_vnni = 0;
void kernel_avx512_vnni(const product *p) { (void)p; }
#endif
