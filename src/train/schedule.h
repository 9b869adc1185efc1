/* schedule.h - the learning rate over the steps:
 *   constant
 *   cosine, cosine:WARMUP_STEPS      rises over the warm-up (default a twentieth, at most 1000 steps), then falls to 0 as a cosine
 *   plateau, plateau:FACTOR:PATIENCE times FACTOR (0.5) after PATIENCE (1) validations without improvement
 *   decay:FACTOR:AFTER_EPOCH         times FACTOR in each epoch after that one */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_COSINE, SCHEDULE_PLATEAU, SCHEDULE_DECAY };

typedef struct schedule {
  enum schedule_kind kind;
  double factor;
  int64_t warmup;   /* cosine; -1: the default */
  int64_t patience; /* plateau */
  int64_t after;    /* decay */
} schedule;

unroll_status schedule_parse(schedule *s, const char *text, unroll_error *err);
/* The rate of step `step` (from 0) of `total` in epoch `epoch` (from 0); `lowered` is how often a plateau lowered it. */
double schedule_rate(const schedule *s, double rate, int64_t step, int64_t total, int64_t epoch, int64_t lowered);
#endif
