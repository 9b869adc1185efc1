/* tables.h - for tests of tables: a net and a table, from texts to a dataset with numbers. */
#ifndef TESTS_DATA_TABLES_H
#define TESTS_DATA_TABLES_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "data/batch.h"
#include "read/table.h"

typedef struct loaded {
  arena memory;
  program *net;
  schema s;
  table t;
  dataset d;
  graph g;
  bool built;
} loaded;

static inline void loaded_free(loaded *x) {
  dataset_free(&x->d);
  table_free(&x->t);
  schema_free(&x->s);
  if (x->built) graph_free(&x->g);
  arena_free(&x->memory);
}

static inline unroll_status loaded_graph(loaded *x, graph *g, unroll_error *err) {
  binding bound[MAX_FORMS];
  const build_options options = {.bindings = bound, .n_bindings = schema_bindings(&x->s, bound)};
  graph_init(g);
  const unroll_status status = graph_build(g, x->net, &options, err);
  return status ? status : schema_of_graph(&x->s, g, err);
}

/* Up to codes. The name "tagged A,B" stands for tagged text with these columns. loaded_free in any case. */
static inline unroll_status load_codes(loaded *x, const char *net, const char *name, const char *csv, size_t size,
                                       const char *series, unroll_error *err) {
  data_form forms[MAX_FORMS];
  graph g;
  int n;
  *x = (loaded){0};
  const char *tagged = strncmp(name, "tagged ", 7) ? NULL : name + 7;
  unroll_status status = lang_parse(&x->net, "test.net", net, &x->memory, err);
  if (!status) status = data_forms_of(forms, &n, x->net, err);
  if (!status) status = schema_new(&x->s, forms, n, err);
  char *copy = status ? NULL : mem_alloc(size + 1);
  if (!status && !copy) status = UNROLL_FAILED;
  if (status) return status;
  memcpy(copy, csv, size);
  copy[size] = 0;
  status = tagged ? table_parse_tagged(&x->t, "test.csv", tagged, copy, size, err) : table_parse(&x->t, name, copy, size, err);
  if (!status) status = schema_widths(&x->s, &x->t, err);
  if (status) return status;
  status = loaded_graph(x, &g, err);
  graph_free(&g);
  return status ? status : dataset_bind(&x->d, &x->t, &x->s, series, BIND_TRAINING, err);
}

/* All of it. The series "tagged A,B" stands for tagged text. */
static inline unroll_status load(loaded *x, const char *net, const char *csv, const char *series, unroll_error *err) {
  const bool tagged = series && !strncmp(series, "tagged ", 7);
  unroll_status status = load_codes(x, net, tagged ? series : "test.csv", csv, strlen(csv), tagged ? NULL : series, err);
  if (!status) status = schema_collect(&x->s, &x->d, 1, err);
  if (!status) status = dataset_encode(&x->d, &x->s, err);
  if (status) return status;
  x->built = true;
  status = loaded_graph(x, &x->g, err);
  if (!status) dataset_measure(&x->d, &x->s, &x->g);
  return status;
}

#define CLASSIFY "data text : words(9)\ndata label : category\nlabel ~ softmax(W last(rnn(embed(text, 3), 4)) + b)\n"
#define REGRESS "data x : numbers\ndata y : number\ny ~ gaussian(mean = W last(rnn(x, 4)) + b, scale = 1)\n"
#define TAG "data word : words\ndata tag : category\ntag ~ softmax(W rnn(embed(word, 3), 4) + b)\n"
#define TRANSLATE                                                                                                                  \
  "data from : chars\ndata to : chars\nh = rnn(embed(from, 2), 3)\ng = rnn(embed(to[t-1], 2), 3, start = h)\nto ~ softmax(W g + "  \
  "b)\n"
#define SERIES "data y : number\ny ~ gaussian(mean = W rnn(y[t-1], 3) + b, scale = 1)\n"
#define VECTOR "hidden = 4\ndata v : numbers\ndata label : category\nlabel ~ softmax(W tanh(V v + bv) + b)\n"
#endif
