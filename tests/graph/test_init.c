/* test_init.c - how parameters start where it is asked for beside the files (--init): names, patterns, words for many, the order in
 * which requests count, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "graph/graph.h"

static const char net[] = "data token : chars\ncell = lstm_b\nh = cell(embed(token[t-1], 4), 5, layers = 2)\n"
                          "all = tanh(h + b)\ntoken ~ softmax(W all + c)\nparam c\ninit W = 0.5\n";

typedef struct built {
  arena memory;
  graph g;
} built;

static unroll_status build(built *t, const char *const *inits, int n, unroll_error *err) {
  program *source;
  *t = (built){0};
  graph_init(&t->g);
  unroll_status s = lang_parse(&source, "x.net", net, &t->memory, err);
  if (s == UNROLL_OK) s = graph_build(&t->g, source, &(build_options){.inits = inits, .n_inits = n}, err);
  return s;
}

static void drop(built *t) {
  graph_free(&t->g);
  arena_free(&t->memory);
}

static const param *find(const graph *g, const char *name) {
  for (int i = 0; i < g->n_params; i++)
    if (!strcmp(g->params[i].name, name)) return &g->params[i];
  fail_msg("no parameter %s", name);
  return NULL;
}

static void test_requests(void **state) {
  (void)state;
  static const struct {
    const char *inits[3], *param;
    enum init_kind kind;
    double value;
  } rows[] = {
      {{"W=orthogonal"}, "W", INIT_ORTHOGONAL, 0},
      {{"W=0"}, "W", INIT_NUMBER, 0},
      {{"W=-0.25"}, "W", INIT_NUMBER, -0.25},
      {{"b=5"}, "W", INIT_NUMBER, 0.5},
      {{"h.1.Uf=uniform(0.1)"}, "h.1.Uf", INIT_UNIFORM, 0.1},
      {{"h.1.Uf=uniform(0.1)"}, "h.2.Uf", INIT_DEFAULT, 0},
      {{"h.*.Uf=uniform(0.1)"}, "h.2.Uf", INIT_UNIFORM, 0.1},
      {{"*.U*=identity"}, "h.2.Uo", INIT_IDENTITY, 0},
      {{"*.U*=identity"}, "h.2.Wo", INIT_DEFAULT, 0},
      {{"*=7"}, "token.embed", INIT_NUMBER, 7},
      {{"uniform(0.1)"}, "token.embed", INIT_UNIFORM, 0.1},
      {{"uniform(0.1)"}, "W", INIT_UNIFORM, 0.1}, /* over the file's own line */
      {{"uniform(0.1)"}, "h.1.bf", INIT_NUMBER, 1},
      {{"matrices=uniform(0.1)"}, "h.1.Wi", INIT_UNIFORM, 0.1},
      {{"all=normal(2)"}, "h.1.bf", INIT_NORMAL, 2},
      {{"recurrent=identity"}, "h.1.Ui", INIT_IDENTITY, 0},
      {{"recurrent=identity"}, "h.1.Wi", INIT_DEFAULT, 0},
      {{"inputs=normal(0.01)"}, "h.1.Wi", INIT_NORMAL, 0.01},
      {{"inputs=normal(0.01)"}, "h.1.Ui", INIT_DEFAULT, 0},
      {{"embeddings=xavier"}, "token.embed", INIT_XAVIER, 0},
      {{"inputs=he"}, "h.1.Wi", INIT_HE, 0},
      {{"kaiming"}, "W", INIT_HE, 0},
      {{"glorot"}, "W", INIT_XAVIER, 0},
      {{"biases=0"}, "h.2.bf", INIT_NUMBER, 0},
      {{"biases=3"}, "c", INIT_DEFAULT, 0},
      {{"vectors=3"}, "c", INIT_NUMBER, 3},
      {{"uniform(0.1)", "W=orthogonal"}, "W", INIT_ORTHOGONAL, 0},
      {{"W=orthogonal", "uniform(0.1)"}, "W", INIT_UNIFORM, 0.1},
      {{"uniform(0.1)", "recurrent=orthogonal", "h.2.Ug=1"}, "h.2.Ug", INIT_NUMBER, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    unroll_error err = {0};
    int n = 0;
    while (n < 3 && rows[i].inits[n]) n++;
    if (build(&t, rows[i].inits, n, &err)) fail_msg("%s: %s", rows[i].inits[0], err.message);
    const param *p = find(&t.g, rows[i].param);
    if (p->init != rows[i].kind) fail_msg("%s: %s has kind %d", rows[i].inits[0], p->name, (int)p->init);
    if (p->init != INIT_DEFAULT && p->init != INIT_ORTHOGONAL && p->init != INIT_IDENTITY && p->init != INIT_XAVIER)
      assert_true(p->init_value == rows[i].value);
    drop(&t);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *init, *message;
  } rows[] = {
      {"h.1.Uff=0", "option 'init' h.1.Uff=0: there is no parameter 'h.1.Uff'; did you mean 'h.1.Uf'?"},
      {"Uf=0", "there is no parameter 'Uf'; did you mean 'h.1.Uf' or '*.Uf'?"},
      {"recurent=identity", "did you mean 'recurrent'?"},
      {"*.Q=0", "there is no parameter '*.Q'; 'unroll explain' shows them all"},
      {"=0", "there is no parameter ''"},
      {"W=orthogonl",
       "option 'init' W=orthogonl: expected orthogonal, identity, xavier, he, uniform(a), normal(s) or a number; did you mean "
       "'orthogonal'?"},
      {"W=uniform", "'uniform' takes a number above 0, as in uniform(0.1)"},
      {"W=uniform(-1)", "'uniform' takes a number above 0"},
      {"W=uniform(x)", "'uniform' takes a number above 0"},
      {"W=orthogonal(2)", "'orthogonal' takes no number"},
      {"W=identity", "option 'init' W=identity: identity is for square matrices, and 'W' is [65, "},
      {"identity", "identity is for square matrices"},
      {"h.1.bf=orthogonal", "'orthogonal' is for matrices, and 'h.1.bf' is a vector"},
      {"all=xavier", "is a vector; say matrices="},
      {"W=", "option 'init' W=: "},
      {"W=1 2", "option 'init' W=1 2: "},
      {"W=h[t-1]", "expected orthogonal"},
      {"", "option 'init' : "},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    unroll_error err = {0};
    const unroll_status s = build(&t, &rows[i].init, 1, &err);
    if (s != UNROLL_USAGE) fail_msg("--init %s: status %d, %s", rows[i].init, (int)s, err.message);
    if (!strstr(err.message, rows[i].message)) fail_msg("--init %s: %s", rows[i].init, err.message);
    drop(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
