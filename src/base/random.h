/* random.h - random numbers as a pure function of (seed, stream, place): Philox 4x32-10 (Salmon et al. 2011). */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H
#include <stdint.h>

/* Which use a number is for; streams never share numbers. */
enum {
  RANDOM_INIT = 1,
  RANDOM_SPLIT,
  RANDOM_SHUFFLE,
  RANDOM_DROPOUT,
  RANDOM_SAMPLE,
  RANDOM_TEST,
  RANDOM_TASK,
  RANDOM_WINDOW,
  RANDOM_RARE,
  RANDOM_TRANSPOSE,
  RANDOM_STRETCH,
  RANDOM_WARP
};

/* A round multiplies by these and adds those to the key. */
#define PHILOX_ROUNDS 10
#define PHILOX_FACTOR_0 0xD2511F53u
#define PHILOX_FACTOR_1 0xCD9E8D57u
#define PHILOX_KEY_0 0x9E3779B9u
#define PHILOX_KEY_1 0xBB67AE85u

/* Four independent 32-bit numbers for one place. `stream` is one of the above, `step` and `place` are the caller's. */
void random_block(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place, uint32_t out[4]);
uint32_t random_bits(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place);
double random_uniform(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place); /* in [0, 1) */
double random_normal(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place);  /* mean 0, variance 1 */
/* Two independent ones for about the price of one; the first is random_normal's. */
void random_normals(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place, double out[2]);
/* A number in [0, n), without bias. n >= 1. */
uint32_t random_below(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place, uint32_t n);
#endif
