/* isa_portable.c - the kernels in plain C, for every processor, and the oracle of the others. */
#define ISA CPU_PORTABLE
#include "kernel/isa_body.h"
const kernels *kernels_portable(void) { return &table; }
