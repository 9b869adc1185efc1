/* dice.h - the random numbers of one made-up sequence, one after the other. */
#ifndef DATA_DICE_H
#define DATA_DICE_H
#include "base/random.h"

typedef struct dice {
  uint64_t seed;
  int64_t number; /* of the sequence */
  uint32_t place;
} dice;

static inline uint32_t dice_below(dice *d, uint32_t n) {
  return random_below(d->seed, RANDOM_TASK, (uint64_t)d->number, d->place++, n);
}
#endif
