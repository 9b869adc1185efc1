/* pattern.h - names of parameters as options have them: "h.Uz", "h.*", or a word for many of them. */
#ifndef GRAPH_PATTERN_H
#define GRAPH_PATTERN_H
#include <stdbool.h>
#include "graph/graph.h"

enum { PATTERN_GROUPS = 7 };
/* Words that stand for parameters of a kind; a parameter of that name comes before them. */
typedef struct pattern_group {
  const char *name;
  unsigned roles; /* bits of enum param_role */
} pattern_group;
extern const pattern_group pattern_groups[PATTERN_GROUPS];

/* Does the pattern fit? '*' stands for any text. */
bool pattern_fits(const char *pattern, const char *name);
/* Sets chosen[i] for each parameter that the pattern means, by its name or as a group; how many there are. */
int pattern_choose(const graph *g, const char *pattern, bool *chosen);
/* UNROLL_USAGE: nothing is meant by it; with the nearest name. */
unroll_status pattern_unknown(const graph *g, const char *option, const char *pattern, unroll_error *err);
#endif
