/* pattern.c - see pattern.h. */
#include "graph/pattern.h"
#include <string.h>
#include "base/error.h"

const pattern_group pattern_groups[PATTERN_GROUPS] = {
    {"all", ~(1u << PARAM_RUNNING | 1u << PARAM_PLACE)},
    {"matrices", 1u << PARAM_INPUT_MATRIX | 1u << PARAM_RECURRENT_MATRIX | 1u << PARAM_EMBEDDING},
    {"recurrent", 1u << PARAM_RECURRENT_MATRIX},
    {"inputs", 1u << PARAM_INPUT_MATRIX},
    {"embeddings", 1u << PARAM_EMBEDDING},
    {"biases", 1u << PARAM_BIAS},
    {"vectors", 1u << PARAM_BIAS | 1u << PARAM_VECTOR}};

bool pattern_fits(const char *pattern, const char *name) {
  const char *star = NULL, *resume = NULL;
  while (*name) {
    if (*pattern == '*') {
      star = ++pattern;
      resume = name;
    } else if (*pattern == *name) {
      pattern++, name++;
    } else if (star) {
      pattern = star;
      name = ++resume;
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return !*pattern;
}

int pattern_choose(const graph *g, const char *pattern, bool *chosen) {
  unsigned roles = 0;
  int n = 0;
  bool exact = false;
  for (int i = 0; i < g->n_params; i++) exact |= !strcmp(g->params[i].name, pattern);
  for (int i = 0; i < PATTERN_GROUPS && !exact; i++)
    if (!strcmp(pattern_groups[i].name, pattern)) roles = pattern_groups[i].roles;
  for (int i = 0; i < g->n_params; i++) {
    const param *p = &g->params[i];
    if (roles ? !(roles >> p->role & 1) : !pattern_fits(pattern, p->name)) continue;
    chosen[i] = true;
    n++;
  }
  return n;
}

unroll_status pattern_unknown(const graph *g, const char *option, const char *pattern, unroll_error *err) {
  const char **names = mem_zero((size_t)g->n_params + PATTERN_GROUPS, sizeof *names);
  size_t n = 0;
  if (!names) return error_memory(err);
  for (int i = 0; i < g->n_params; i++) names[n++] = g->params[i].name;
  for (int i = 0; i < PATTERN_GROUPS; i++) names[n++] = pattern_groups[i].name;
  const char *near = text_nearest(pattern, names, n);
  const unroll_status status =
      error_set(err, UNROLL_USAGE, "option '%s': there is no parameter '%.60s'%s%s%s", option, pattern,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "; 'unroll explain' shows them all");
  mem_free(names);
  return status;
}
