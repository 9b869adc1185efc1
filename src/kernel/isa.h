/* isa.h - one table of kernels per instruction set; each is NULL in a build that cannot have it. Only for dispatch.c. */
#ifndef KERNEL_ISA_H
#define KERNEL_ISA_H
#include "kernel/kernel.h"

const kernels *kernels_avx512(void);
void kernel_avx512_bf16(const product *p); /* AVX-512 with BF16; only where kernel_has_avx512_bf16 is not 0 */
extern const int kernel_has_avx512_bf16;
void kernel_avx512_vnni(const product *p); /* the same with VNNI, of bytes */
extern const int kernel_has_avx512_vnni;
const kernels *kernels_avx2(void);
const kernels *kernels_neon(void);
const kernels *kernels_portable(void);
#endif
