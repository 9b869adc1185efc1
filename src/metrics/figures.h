/* figures.h - results as values: a list of figures, each with a name, a unit, a value and what it is of. What renders them, as text
 * or as JSON, reads nothing else.
 *
 * What figures are of is a tree: the whole (subject 0), a variable, its spans, a label. A metric is one more figures_add where its
 * subject is listed. */
#ifndef METRICS_FIGURES_H
#define METRICS_FIGURES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"

enum figure_unit {
  FIGURE_COUNT,       /* a whole number */
  FIGURE_SHARE,       /* 0 to 1 */
  FIGURE_NATS,        /* of one prediction */
  FIGURE_SYMBOL_NATS, /* of one symbol of the true text */
  FIGURE_BITS,        /* of one prediction */
  FIGURE_PINBALL,     /* the loss of quantiles, in the units of the data */
  FIGURE_NUMBER,      /* anything else: an error in the units of the data, a perplexity */
  FIGURE_FLAG,        /* 0 or 1 */
  FIGURE_WORD         /* no number: `word` */
};

typedef struct figure {
  const char *name; /* "accuracy" */
  enum figure_unit unit;
  double value; /* NaN: not defined */
  const char *word;
  int of; /* a subject */
} figure;

enum subject_kind { SUBJECT_PART, SUBJECT_LIST, SUBJECT_ELEMENT };
typedef struct subject {
  enum subject_kind kind; /* a part of its parent by name; a list there; an element of a list */
  int parent;             /* -1: the whole */
  const char *name;       /* of an element what its label is called: "label", "type" */
  const char *label;      /* of an element */
  size_t size;            /* of the label */
  int at;                 /* figures that were there when it came */
} subject;

typedef struct figures { /* {0} to start */
  arena memory;
  figure *list;
  int n, room;
  subject *subjects;
  int n_subjects, subject_room;
  bool failed; /* out of memory: nothing is added any more */
} figures;

void figures_free(figures *f);
/* A subject below `of`; names live as long as the list, labels are copied. Returns its number, 0 where the list has failed. */
int figures_part(figures *f, int of, const char *name);
int figures_list(figures *f, int of, const char *name);
int figures_element(figures *f, int list, const char *name, const char *label, size_t size);
void figures_add(figures *f, int of, const char *name, enum figure_unit unit, double value);
const char *figures_name(figures *f, const char *name);                        /* a copy that lives as long */
void figures_add_word(figures *f, int of, const char *name, const char *word); /* copied */
const figure *figures_find(const figures *f, int of, const char *name);        /* NULL: there is none */
int figures_find_part(const figures *f, int of, const char *name);             /* -1: there is none */
double figures_value(const figures *f, int of, const char *name);              /* NaN: there is none, or it is not defined */
#endif
