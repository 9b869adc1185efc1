/* symbols.h - the symbols of an imported net. What is a number in the file gets a text: from a vocabulary, or the number itself.
 *
 * Kinds of data have an order of their own: characters go by code, words begin with <unk>. So rows of embeddings, and of what leads
 * to a prediction of the same symbols, are put into that order. */
#ifndef IMPORT_SYMBOLS_H
#define IMPORT_SYMBOLS_H
#include "data/schema.h"
#include "import/import.h"

typedef struct symbol_plan {
  layers l; /* as given, with rows in order; its memory is its own, the numbers may be the other's */
  bool language;
  const char *input_kind;
  net_symbols symbols[NET_OUTPUTS + 1];
  int n_symbols;
  text told;
  arena memory;
} symbol_plan;

/* symbols_plan_free in any case. */
unroll_status symbols_plan(symbol_plan *p, const layers *l, const import_options *o, unroll_error *err);
/* The n labels of a further variable that is predicted. */
unroll_status symbols_of_labels(symbol_plan *p, const char *name, int n, const import_options *o, unroll_error *err);
void symbols_plan_free(symbol_plan *p);
/* The vocabulary of a variable. */
unroll_status symbols_set(variable *v, const net_symbols *s, unroll_error *err);
#endif
