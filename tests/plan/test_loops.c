/* test_loops.c - what the planner finds in the built-in cells: how many products a step of each recurrence needs, and that a
 * recurrence without a product on its cycle is a loop without products, however many rows there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "graph/graph.h"
#include "plan/plan.h"
#include "plan/frozen.h"

/* Products on the cycle of the forward loop: of a weight with a state, or with what follows from one in the same step. */
static const struct row {
  const char *cell;
  int products; /* -1: no loop at all */
} table[] = {
    {"cornn", 2},
    {"elman_output", 1},
    {"gru", 3},
    {"gru_layernorm", 3},
    {"gru_reset_after", 3},
    {"highway", -1},
    {"indrnn", 0},
    {"irnn", 1},
    {"lstm", 4},
    {"lstm_b", 4},
    {"lstm_cifg", 3},
    {"lstm_f", 3},
    {"lstm_fgr", 13},
    {"lstm_i", 3},
    {"lstm_layernorm", 4},
    {"lstm_nfg", 3},
    {"lstm_niaf", 4},
    {"lstm_nig", 3},
    {"lstm_noaf", 4},
    {"lstm_nog", 3},
    {"lstm_np", 4},
    {"lstm_o", 3},
    {"lstm_peephole", 4},
    {"lstm_peephole_full", 7},
    {"lstm_projection", 5},
    {"lstm_squashed", 7},
    {"lstm_steep", 4},
    {"mgu", 2},
    {"mingru", 0},
    {"minlstm", 0},
    {"mut1", 2},
    {"mut2", 3},
    {"mut3", 3},
    {"qrnn", 0},
    {"rhn", 6},
    {"rnn", 1},
    {"rnn_image", 1},
    {"rnn_relu", 1},
    {"slstm", 4},
    {"sru", 0},
    {"ugrnn", 2},
};

/* Products in the loops of a plan; -1 where there is no loop. */
static int products_in_loops(const frozen *f) {
  int n = -1;
  for (int i = 0; i < f->n_stages; i++) {
    const stage *s = &f->stages[i];
    if (s->kind != STAGE_LOOP) continue;
    if (n < 0) n = 0;
    for (int k = 0; k < s->n_body; k++) {
      if (s->body[k].kind != STAGE_TILE) continue;
      for (int c = 0; c < s->body[k].tile.n_calls; c++) n += s->body[k].tile.calls[c].gates;
    }
  }
  return n;
}

static int plan_cell(const builtin *cell, int rows) {
  arena memory = {0};
  graph g;
  program *alone;
  plan *p = NULL;
  unroll_error err = {0};
  const setting size = {.name = "hidden", .number = 40};
  graph_init(&g);
  assert_int_equal(lang_parse(&alone, cell->file, cell->text, &memory, &err), UNROLL_OK);
  if (graph_build(&g, alone, &(build_options){.settings = &size, .n_settings = 1}, &err))
    fail_msg("%s: %s", cell->name, err.message);
  const plan_options o = {.max_rows = rows, .max_steps = 10, .keep = &g.output_node, .n_keep = 1};
  if (plan_new(&p, &g, &o, &err)) fail_msg("%s: %s", cell->name, err.message);
  const int n = products_in_loops(plan_frozen(p));
  plan_free(p);
  graph_free(&g);
  arena_free(&memory);
  return n;
}

static void test_cells(void **state) {
  (void)state;
  for (const builtin *cell = lang_cells; cell->name; cell++) {
    const struct row *r = NULL;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
      if (!strcmp(table[i].cell, cell->name)) r = &table[i];
    if (!r) fail_msg("'%s' is not in this table", cell->name);
    for (int rows = 1; rows <= 64; rows *= 4) {
      const int n = plan_cell(cell, rows);
      /* With few rows everything that may leave the loop does; with many rows other products may stay. */
      if (rows == 1 || r->products <= 0)
        assert_int_equal(n, r->products);
      else
        assert_true(n >= r->products);
    }
  }
}

/* The loops of the gradient of an elementwise recurrence have no products either. */
static void test_gradient(void **state) {
  (void)state;
  static const char *const names[] = {"indrnn", "mingru", "minlstm", "qrnn", "sru"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int rows = 1; rows <= 64; rows *= 8) {
      arena memory = {0};
      graph g;
      program *net;
      plan *p = NULL;
      char source[200];
      graph_init(&g);
      snprintf(source, sizeof source,
               "data token : chars\nh = %s(embed(token[t-1], 32), 32, layers = 2)\ntoken ~ softmax(W h + b)\n", names[i]);
      assert_int_equal(lang_parse(&net, "test.net", source, &memory, NULL), UNROLL_OK);
      assert_int_equal(graph_build(&g, net, NULL, NULL), UNROLL_OK);
      assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
      assert_int_equal(plan_new(&p, &g, &(plan_options){.max_rows = rows, .max_steps = 10, .gradient = 1}, NULL), UNROLL_OK);
      assert_int_equal(products_in_loops(plan_frozen(p)), 0);
      plan_free(p);
      graph_free(&g);
      arena_free(&memory);
    }
}

/* Equations that read what a loop computes are in its tile program: none is a stage of its own, and no state of the step before is
 * copied for it. */
static void test_equations_after_loops(void **state) {
  (void)state;
  static const char *const nets[] = {
      "data token : chars\nh = mingru(embed(token[t-1], 32), 32)\ntoken ~ softmax(W h + b)\n",
      "data token : chars\nh = minlstm(embed(token[t-1], 32), 32, layers = 2, dropout = 0.5)\ntoken ~ softmax(W h + b)\n",
      "data token : chars\nh = rnn(embed(token[t-1], 32), 32)\ntoken ~ softmax(W (tanh(h) * sigmoid(h)) + b)\n",
  };
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    arena memory = {0};
    graph g;
    program *net;
    plan *p = NULL;
    int loops = 0;
    graph_init(&g);
    assert_int_equal(lang_parse(&net, "test.net", nets[i], &memory, NULL), UNROLL_OK);
    assert_int_equal(graph_build(&g, net, NULL, NULL), UNROLL_OK);
    assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
    assert_int_equal(plan_new(&p, &g, &(plan_options){.max_rows = 16, .max_steps = 10, .gradient = 1}, NULL), UNROLL_OK);
    const frozen *f = plan_frozen(p);
    for (int k = 0; k < f->n_stages; k++) {
      const stage *s = &f->stages[k];
      loops += s->kind == STAGE_LOOP;
      assert_true(s->kind != STAGE_SHIFT);
      assert_true(s->kind != STAGE_TILE || s->tile.n_calls || !loops);
    }
    plan_free(p);
    graph_free(&g);
    arena_free(&memory);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells), cmocka_unit_test(test_gradient),
                                     cmocka_unit_test(test_equations_after_loops)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
