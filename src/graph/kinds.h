/* kinds.h - the kinds of data that a `data` line may name: the rows of kinds.def, as far as equations need them. What the cells of
 * a table become is data/cell.h. */
#ifndef GRAPH_KINDS_H
#define GRAPH_KINDS_H
#include <stdbool.h>
#include "base/memory.h"

enum { KIND_ARGS = 8, KIND_WORDS = 8 };
enum kind_sort {
  KIND_TEXT,
  KIND_LABEL,
  KIND_PART,
  KIND_NUMBERS,
  KIND_BOX,
  KIND_PICTURE,
  KIND_PEN,
  KIND_KEYS,
  KIND_CALENDAR,
  KIND_END
};
enum kind_steps { KIND_STEPS, KIND_ONE, KIND_EITHER };

typedef struct data_kind {
  const char *name;
  enum kind_sort sort;
  enum kind_steps steps;
  int usual, least;
  const char *args, *words, *value;                                /* names with spaces between them */
  double (*width)(const double *args, int n_args, unsigned words); /* words: bit i for word i */
} data_kind;

#define KIND(name, ...) KIND_##name,
enum kind_number {
#include "graph/kinds.def"
  KINDS
};
#undef KIND
extern const data_kind data_kinds[KINDS];

const data_kind *kind_find(const char *name); /* NULL: none */
static inline bool kind_is_symbols(const data_kind *k) { return k->sort <= KIND_PART; }
/* Number i of the names that are in a list with spaces between them; NULL: there are not so many. Of "mel=40" the name is "mel",
 * and *value, unless value is NULL, becomes 40; NaN without one. */
const char *kind_word(const char *list, int i, size_t *size, double *value);
int kind_words(const char *list);                   /* how many */
int kind_place(const char *list, const char *word); /* its place in the list, or -1 */
bool kind_has_values(const data_kind *k);           /* can arguments be left out and named? */
#endif
