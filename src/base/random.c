/* random.c - Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011).
 *
 * A block cipher of ten rounds over a counter: no state, so any thread can make any number in any order. The key is the seed,
 * the counter is (place, step, stream). Normal numbers use our own logarithm and cosine instead of libm's, which pick their
 * code, and so their last bit, by processor. Not for secrets. */
#include "base/random.h"
#include <math.h>
#include "base/same.h"

static void philox(const uint32_t counter[4], uint64_t key, uint32_t out[4]) {
  uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < PHILOX_ROUNDS; round++) {
    uint64_t p = (uint64_t)PHILOX_FACTOR_0 * x0, q = (uint64_t)PHILOX_FACTOR_1 * x2;
    x0 = (uint32_t)(q >> 32) ^ x1 ^ k0;
    x1 = (uint32_t)q;
    x2 = (uint32_t)(p >> 32) ^ x3 ^ k1;
    x3 = (uint32_t)p;
    k0 += PHILOX_KEY_0;
    k1 += PHILOX_KEY_1;
  }
  out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

void random_block(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place, uint32_t out[4]) {
  philox((const uint32_t[4]){place, (uint32_t)step, (uint32_t)(step >> 32), stream}, seed, out);
}

uint32_t random_bits(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place) {
  uint32_t x[4];
  random_block(seed, stream, step, place, x);
  return x[0];
}

/* 53 bits of two numbers, as a multiple of 2^-53. */
static double unit(uint32_t high, uint32_t low) { return (double)(((uint64_t)high << 21) ^ (low >> 11)) * 0x1p-53; }

double random_uniform(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place) {
  uint32_t x[4];
  random_block(seed, stream, step, place, x);
  return unit(x[0], x[1]);
}

/* Box and Muller 1958: sqrt(-2 log u1) times cos and sin of 2 pi u2, u1 in (0, 1]. */
void random_normals(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place, double out[2]) {
  uint32_t x[4];
  random_block(seed, stream, step, place, x);
  const double radius = sqrt(-2 * same_log(1 - unit(x[0], x[1]))), turn = unit(x[2], x[3]);
  out[0] = radius * same_cos_turn(turn);
  out[1] = radius * same_cos_turn(turn < 0.25 ? turn + 0.75 : turn - 0.25); /* sin a = cos(a - pi/2) */
}

double random_normal(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place) {
  double both[2];
  random_normals(seed, stream, step, place, both);
  return both[0];
}

/* Lemire 2019: the high half of x * n, refusing the few x that would make some results likelier. A refused block is followed by
 * the block of itself as a counter, so the number stays a function of its place. */
uint32_t random_below(uint64_t seed, uint32_t stream, uint64_t step, uint32_t place, uint32_t n) {
  uint32_t x[4], refuse = (0u - n) % n;
  for (random_block(seed, stream, step, place, x);; philox((const uint32_t[4]){x[0], x[1], x[2], x[3]}, ~seed, x))
    for (int i = 0; i < 4; i++) {
      uint64_t product = (uint64_t)x[i] * n;
      if ((uint32_t)product >= refuse) return (uint32_t)(product >> 32);
    }
}
