/* inspect.h - a net or cell by its name, built with its gradient but not trained: for `explain`, `check` and `bench`. */
#ifndef API_INSPECT_H
#define API_INSPECT_H
#include "plan/plan.h"
#include "model/model.h"

typedef struct inspection {
  model m;        /* holds texts and cells; of a model file, everything */
  graph own;      /* where the graph is, unless it is the model's */
  const graph *g; /* with its gradient */
  bool cell;      /* a cell alone, not a net */
} inspection;

/* `name`: a model file (*.safetensors), a file (anything with '/' or '.'), a built-in net or cell. UNROLL_USAGE with a suggestion
 * when there is none of that name. inspect_close in every case. */
unroll_status inspect_parse(inspection *x, const char *name, unroll_error *err); /* fills m.net only */
unroll_status inspect_build(inspection *x, const setting *settings, int n_settings, unroll_error *err);
void inspect_close(inspection *x);

/* The parts of what `explain` prints. */
void inspect_parameters(const inspection *x, text *out);
/* shards: 0: what net and batch bear. */
unroll_status inspect_plan(const inspection *x, int rows, int steps, int shards, plan **out, unroll_error *err);
void inspect_print(const inspection *x, const plan *p, text *out); /* all together; p may be NULL */
/* typeset.c: what unroll_typeset does. */
unroll_status inspect_typeset(const inspection *x, const char *name, const char *form, char **out, unroll_error *err);
#endif
