/* isa_avx512_bf16.c - the product of bf16 pairs for processors that multiply them. cmake/kernels.cmake gives this file its compiler
 * options. */
#include "kernel/isa.h"
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512BF16__)
#define VECTOR_AVX512
#include "kernel/vector.h"
#define PRODUCT_PAIRS
#include "kernel/product_body.h"
const int kernel_has_avx512_bf16 = 1;
void kernel_avx512_bf16(const product *p) { pairs_product_run(p); }
#else
const int kernel_has_avx512_bf16 = 0;
void kernel_avx512_bf16(const product *p) { (void)p; }
#endif
