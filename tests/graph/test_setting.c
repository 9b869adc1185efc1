/* test_setting.c - settings of cells by their full names, and settings that vary: what they reach, what the graph remembers, and
 * what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "graph/graph.h"

typedef struct built {
  arena memory;
  graph g;
} built;

static unroll_status build(built *t, const char *source, const build_options *o, unroll_error *err) {
  program *net;
  *t = (built){0};
  graph_init(&t->g);
  unroll_status s = lang_parse(&net, "x.net", source, &t->memory, err);
  if (s == UNROLL_OK) s = graph_build(&t->g, net, o, err);
  if (s == UNROLL_OK) s = graph_differentiate(&t->g, err);
  return s;
}

static void drop(built *t) {
  graph_free(&t->g);
  arena_free(&t->memory);
}

static const char head[] = "data token : chars\nslope = 1\nhidden = 4\nlayers = 2\np = 0.5\ncell = lstm_steep\nparam q\n";
static const char tail[] = "token ~ softmax(W h + b)\n";

/* How often a node of this operator is there; of a constant, with this value. */
static int count(const graph *g, enum op op, double value) {
  int n = 0;
  for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i].op == op && (op != OP_CONST || g->nodes[i].value == value);
  return n;
}

static const setting *find(const graph *g, const char *name) {
  for (int i = 0; i < g->n_settings; i++)
    if (!strcmp(g->settings[i].name, name)) return &g->settings[i];
  return NULL;
}

static void test_of_cells(void **state) {
  (void)state;
  static const struct {
    const char *call, *name;
    double value;
    int constants; /* numbers of this value in the graph */
  } rows[] = {
      {"lstm_steep(e, 4)", "h.s", 3, 1},
      {"lstm_steep(e, 4, s = 2)", "h.s", 3, 1},
      {"lstm_steep(e, 4, layers = 3)", "h.s", 3, 1},
      {"lstm_steep(e, 4, layers = 3)", "h.2.s", 3, 1},
      {"lstm_steep(e, 4)", "h.1.s", 3, -1},
      {"lstm_steep(e, 4)", "s", 3, -1},
      {"lstm_steep(e, 4)", "h.s.s", 3, -1},
      {"lstm_steep(e, 4)", "h.", 3, -1},
      {"lstm_steep(e, 4)", ".s", 3, -1},
      {"tanh(P lstm_steep(e, 4) + bp)", "lstm_steep.s", 3, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    unroll_error err = {0};
    char source[400];
    const setting own = {.name = rows[i].name, .number = rows[i].value};
    snprintf(source, sizeof source, "%se = embed(token[t-1], 4)\nh = %s\n%s", head, rows[i].call, tail);
    const unroll_status s = build(&t, source, &(build_options){.settings = &own, .n_settings = 1}, &err);
    if (rows[i].constants < 0) {
      if (s != UNROLL_USAGE || !strstr(err.message, "there is no setting '"))
        fail_msg("%s, %s: %d %s", rows[i].call, rows[i].name, s, err.message);
    } else {
      if (s) fail_msg("%s, %s: %s", rows[i].call, rows[i].name, err.message);
      assert_int_equal(count(&t.g, OP_CONST, rows[i].value), rows[i].constants);
      assert_true(find(&t.g, rows[i].name) && find(&t.g, rows[i].name)->number == 3); /* the model file can say it again */
    }
    drop(&t);
  }
}

static void test_varying(void **state) {
  (void)state;
  static const struct {
    const char *call, *names[2];
    double values[2];
  } rows[] = {
      {"lstm_steep(e, hidden)", {"h.s"}, {1}},
      {"lstm_steep(e, hidden, s = 2)", {"h.s"}, {2}},
      {"lstm_steep(e, hidden, layers = 3)", {"h.s"}, {1}},
      {"lstm_steep(e, hidden, s = slope)", {"slope"}, {1}},
      {"lstm_steep(e, hidden, s = 2 * slope^2 - p)", {"slope", "p"}, {1, 0.5}},
      {"tanh(slope * V e + U h[t-1])", {"slope"}, {1}},
      {"tanh((1 - p) * V e + p * U h[t-1] + q)", {"p"}, {0.5}},
      {"tanh(V e * U h[t-1] / p) + slope", {"slope", "p"}, {1, 0.5}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    unroll_error err = {0};
    char source[400];
    const int n = rows[i].names[1] ? 2 : 1;
    snprintf(source, sizeof source, "%se = embed(token[t-1], 4)\nh = %s\n%s", head, rows[i].call, tail);
    if (build(&t, source, &(build_options){.varying = rows[i].names, .n_varying = n}, &err))
      fail_msg("%s: %d:%d: %s", rows[i].call, err.line, err.column, err.message);
    assert_int_equal(t.g.n_varying, n);
    assert_int_equal(count(&t.g, OP_SETTING, 0), n); /* one node each, however many layers use it */
    for (int k = 0; k < n; k++) {
      assert_true(t.g.varying[k] == rows[i].values[k]);
      assert_true(find(&t.g, rows[i].names[k]) && find(&t.g, rows[i].names[k])->number == rows[i].values[k]);
    }
    drop(&t);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *call, *name, *message;
  } rows[] = {
      {"lstm_steep(e, hidden)", "hidden", "'hidden' changes in training, but here stands a number that cannot"},
      {"lstm(e, 4, layers = layers)", "layers", "'layers' changes in training"},
      {"lstm_steep(e, 4)", "cell", "the setting 'cell' is a word: it cannot change in training"},
      {"lstm_steep(e, 4)", "h.S", "there is no setting 'h.S'; did you mean 'h.s'?"},
      {"lstm_steep(e, 4)", "slop", "there is no setting 'slop'; did you mean 'slope'?"},
      {"lstm_steep(e, 4)", "slope", "the setting 'slope' is in no equation"},
      {"lstm_b(e, 4, forget = p)", "p", "expected orthogonal"},
      {"lstm_b(e, 4)", "h.forget", "'forget' changes in training"},
      {"rhn(e, 4)", "h.depth", "'depth' changes in training"},
      {"rhn(e, 4, depth = 1 + slope)", "slope", "must be a whole number"},
      {"dropout(tanh(V e), p)", "p", "'p' changes in training"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    unroll_error err = {0};
    char source[400];
    snprintf(source, sizeof source, "%se = embed(token[t-1], 4)\nh = %s\n%s", head, rows[i].call, tail);
    const unroll_status s = build(&t, source, &(build_options){.varying = &rows[i].name, .n_varying = 1}, &err);
    if (!s || !strstr(err.message, rows[i].message)) fail_msg("%s, %s: %d %s", rows[i].call, rows[i].name, s, err.message);
    drop(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_of_cells), cmocka_unit_test(test_varying),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
