/* freeze.c - --freeze: parameters that no step moves. */
#include <string.h>
#include "base/error.h"
#include "graph/pattern.h"
#include "train/trainer.h"

enum { MOST_NAMES = 6 };

static void tell(trainer *t) {
  int n = 0;
  for (int i = 0; i < t->m.g.n_params; i++)
    if (t->frozen[i] && ++n <= MOST_NAMES) text_format(&t->told, "%s%s", n > 1 ? ", " : "frozen: ", t->m.g.params[i].name);
  if (n > MOST_NAMES) text_format(&t->told, " and %d more", n - MOST_NAMES);
  text_format(&t->told, "\n");
}

unroll_status freeze_choose(trainer *t, unroll_error *err) {
  const graph *g = &t->m.g;
  bool moves = false;
  if (!t->o.freeze) return UNROLL_OK;
  char *list = arena_text(&t->memory, t->o.freeze, strlen(t->o.freeze));
  t->frozen = arena_alloc(&t->memory, (size_t)g->n_params + 1, sizeof *t->frozen);
  if (!list || !t->frozen) return error_memory(err);
  for (char *pattern = list, *end; pattern; pattern = end) {
    end = strchr(pattern, '\n');
    if (end) *end++ = 0;
    if (!pattern_choose(g, pattern, t->frozen)) return pattern_unknown(g, "freeze", pattern, err);
  }
  for (int i = 0; i < g->n_params; i++) moves |= !t->frozen[i] && g->params[i].role < PARAM_RUNNING;
  if (!moves) return error_set(err, UNROLL_USAGE, "option 'freeze' leaves nothing to train");
  tell(t);
  return t->told.failed ? error_memory(err) : UNROLL_OK;
}
