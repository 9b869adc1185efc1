/* cpu.h - what this processor can do. */
#ifndef BASE_CPU_H
#define BASE_CPU_H
enum cpu_isa { CPU_PORTABLE, CPU_NEON, CPU_AVX2, CPU_AVX512 };
/* The best instruction set of the processor and system, or the one UNROLL_ISA (portable, neon, avx2, avx512) forces.
 * An UNROLL_ISA that is unknown or that the processor lacks falls back to the best one; cpu_isa_problem() then says why. */
enum cpu_isa cpu_isa(void);
const char *cpu_isa_name(enum cpu_isa isa);
const char *cpu_isa_problem(void); /* NULL when there is none */
const char *cpu_name(void);        /* the processor's model name, "unknown" when the system does not say */
int cpu_count(void);               /* processors this process may use */
/* Bytes of the data cache of level 1 to 3 that processor 0 uses, as the system or the processor says. 0: there is none, or
 * nobody says.
 */
long cpu_cache(int level);
#endif
