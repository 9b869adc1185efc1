/* space.h - the values that `unroll search` tries: a row for each --try, a point for each run. */
#ifndef CLI_SPACE_H
#define CLI_SPACE_H
#include "cli/options.h"

enum { SPACE_DIMS = 32, SPACE_CHOICES = 256, SPACE_POINTS = 100000 };

enum space_kind { SPACE_LIST, SPACE_UNIFORM, SPACE_LOG, SPACE_WHOLE };

typedef struct space_dim { /* NAME=VALUES */
  const char *name;
  bool option; /* of train; else a setting of the net */
  enum space_kind kind;
  const char *choices[SPACE_CHOICES];
  int n_choices;
  double from, to;
} space_dim;

typedef struct space {
  space_dim dims[SPACE_DIMS];
  int n;
  const char ***points; /* [n_points][n] values as they are typed */
  int n_points;
  arena memory;
} space;

/* Reads "hidden=64,128", "lr=log(1e-4,1e-2)", "drop=uniform(0,0.5)", "batch=whole(8,64)". UNROLL_USAGE says what is wrong with
 * which. space_free in any case. */
unroll_status space_read(space *s, const option_list *tries, unroll_error *err);
/* All points of lists, where `grid`; else `n` different points, drawn by the seed: fewer where there are not as many. */
unroll_status space_points(space *s, bool grid, int64_t n, uint64_t seed, unroll_error *err);
void space_free(space *s);
#endif
