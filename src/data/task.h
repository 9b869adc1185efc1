/* task.h - made-up data that tells cells apart: the adding problem, copy memory, arithmetic, XML, films. docs/verify.md says which
 * is which. */
#ifndef DATA_TASK_H
#define DATA_TASK_H
#include "base/text.h"

enum { TASK_MAX_LENGTH = 1000000 };

typedef struct task {
  const char *name, *summary;
  int length, least;  /* steps when not given, and at least; 0: the task has no length to choose */
  const char *header; /* the first line of a table, or "" */
  void (*sequence)(uint64_t seed, int64_t number, int length, text *out);
} task;

/* By name; NULL: there is none. */
const task *task_find(const char *name);
extern const task tasks[]; /* ending with a row of NULLs */

/* Appends sequence `number` (from 0): a pure function of (seed, number, length). */
void task_sequence(const task *t, uint64_t seed, int64_t number, int length, text *out);
/* task_track.c: `length` frames. */
void task_track(uint64_t seed, int64_t number, int length, text *out);
#endif
