/* test_cells.c - what the language offers for cells: the same equations in two notations are the same graph; sizes, settings,
 * starts, and cells within cells come out as the text says; the parameters of every built-in cell are those of its paper. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "graph/graph.h"

typedef struct built {
  arena memory;
  program *source;
  graph g;
} built;

static void build(built *t, const char *file, const char *source, const build_options *o) {
  unroll_error err = {0};
  *t = (built){0};
  graph_init(&t->g);
  unroll_status s = lang_parse(&t->source, file, source, &t->memory, &err);
  if (s == UNROLL_OK) s = graph_build(&t->g, t->source, o, &err);
  if (s != UNROLL_OK) fail_msg("%s:%d:%d: %s\n%s", err.file, err.line, err.column, err.message, err.source);
}

static void drop(built *t) {
  graph_free(&t->g);
  arena_free(&t->memory);
}

/* --- notation --- */

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : !a && !b; }

static void expect_same_graphs(const char *name, const graph *a, const graph *b) {
  if (a->n_nodes != b->n_nodes || a->n_params != b->n_params || a->n_losses != b->n_losses || a->n_inputs != b->n_inputs)
    fail_msg("%s: %d and %d nodes, %d and %d parameters", name, a->n_nodes, b->n_nodes, a->n_params, b->n_params);
  for (int i = 0; i < a->n_nodes; i++) {
    const node *x = &a->nodes[i], *y = &b->nodes[i];
    const bool same = x->op == y->op && x->space == y->space && x->axis == y->axis && x->width == y->width && x->dir == y->dir &&
                      x->param == y->param && x->slot == y->slot && x->c0 == y->c0 && !memcmp(x->in, y->in, sizeof x->in) &&
                      !memcmp(&x->value, &y->value, sizeof x->value) && same_text(x->name, y->name);
    if (!same)
      fail_msg("%s: node %d differs: %s %s, %s %s", name, i, graph_ops[x->op].name, x->name, graph_ops[y->op].name, y->name);
  }
  for (int i = 0; i < a->n_params; i++) {
    const param *x = &a->params[i], *y = &b->params[i];
    assert_string_equal(x->name, y->name);
    assert_true(x->rows == y->rows && x->cols == y->cols && x->init == y->init && x->role == y->role);
    assert_memory_equal(&x->init_value, &y->init_value, sizeof x->init_value);
  }
  for (int i = 0; i < a->n_losses; i++) assert_int_equal(a->losses[i].node, b->losses[i].node);
  assert_int_equal(a->output_node, b->output_node);
}

static char *read_text(const char *path) {
  char *data;
  size_t size;
  unroll_error err = {0};
  if (file_read(path, &data, &size, &err)) fail_msg("%s: %s", path, err.message);
  return data;
}

/* tests/notation: NAME.plain.cell and NAME.textbook.cell, or .net */
static void test_notation(void **state) {
  (void)state;
  DIR *folder = opendir(UNROLL_SOURCE_DIR "/tests/notation");
  assert_non_null(folder);
  int pairs = 0;
  for (struct dirent *e; (e = readdir(folder));) {
    char path[1200];
    const char *middle = strstr(e->d_name, ".plain.");
    built plain, textbook;
    if (!middle) continue;
    snprintf(path, sizeof path, UNROLL_SOURCE_DIR "/tests/notation/%s", e->d_name);
    char *first = read_text(path);
    snprintf(path, sizeof path, UNROLL_SOURCE_DIR "/tests/notation/%.*s.textbook.%s", (int)(middle - e->d_name), e->d_name,
             middle + strlen(".plain."));
    char *second = read_text(path);
    assert_string_not_equal(first, second);
    build(&plain, e->d_name, first, NULL);
    build(&textbook, path, second, NULL);
    expect_same_graphs(e->d_name, &plain.g, &textbook.g);
    drop(&plain);
    drop(&textbook);
    mem_free(first);
    mem_free(second);
    pairs++;
  }
  closedir(folder);
  assert_true(pairs >= 14);
}

/* --- parameters --- */

enum { N = 256, M = 64, K = 32 }; /* of the cell, of x, of a further input */

static const struct size {
  const char *cell;
  int64_t weights; /* where x enters without a matrix it is N wide */
} sizes[] = {
    {"rnn", N *N + N *M + N},
    {"rnn_relu", N *N + N *M + N},
    {"irnn", N *N + N *M + N},
    {"rnn_image", N *N + N *M + N *K + N},
    {"elman_output", 2 * N *N + N *M + 2 * N},
    {"lstm", 4 * (N * N + N * M + N)},
    {"lstm_b", 4 * (N * N + N * M + N)},
    {"lstm_np", 4 * (N * N + N * M + N)},
    {"lstm_steep", 4 * (N * N + N * M + N)},
    {"lstm_peephole", 4 * (N * N + N * M + N) + 3 * N},
    {"lstm_niaf", 4 * (N * N + N * M + N) + 3 * N},
    {"lstm_noaf", 4 * (N * N + N * M + N) + 3 * N},
    {"lstm_fgr", 4 * (N * N + N * M + N) + 3 * N + 9 * N *N},
    {"lstm_nig", 3 * (N * N + N * M + N) + 2 * N},
    {"lstm_nfg", 3 * (N * N + N * M + N) + 2 * N},
    {"lstm_nog", 3 * (N * N + N * M + N) + 2 * N},
    {"lstm_cifg", 3 * (N * N + N * M + N) + 2 * N},
    {"lstm_f", 3 * (N * N + N * M + N)},
    {"lstm_i", 3 * (N * N + N * M + N)},
    {"lstm_o", 3 * (N * N + N * M + N)},
    {"lstm_peephole_full", 3 * N *(2 * N + M) + N *(N + M) + 4 * N},
    {"lstm_squashed", 3 * N *(2 * N + M) + N *(N + M) + 4 * N},
    {"lstm_projection", 4 * (64 * N + N * M + N) + 64 * N},
    {"lstm_layernorm", 4 * (N * N + N * M + N) + 8 * N + 2 * N},
    {"gru", 3 * (N * N + N * M + N)},
    {"gru_reset_after", 3 * (N * N + N * M + N) + N},
    {"gru_layernorm", 3 * (N * N + N * M + N) + N + 6 * N},
    {"mgu", 2 * (N * N + N * M + N)},
    {"ugrnn", 2 * (N * N + N * M + N)},
    {"mut1", 2 * N *N + 2 * N *N + 3 * N},
    {"mut2", 3 * N *N + 2 * N *N + 3 * N},
    {"mut3", 3 * (N * N + N * M + N)},
    {"indrnn", N *M + 2 * N},
    {"sru", 3 * N *N + 4 * N},
    {"qrnn", 6 * N *M + 3 * N},
    {"mingru", 2 * (N * M + N)},
    {"minlstm", 3 * (N * M + N)},
    {"slstm", 4 * (N * N + N * M + N)},
    {"highway", 2 * (N * N + N)},
    {"rhn", 2 * (N * N + N * M + N) + 2 * 2 * (N * N + N)},
    {"cornn", 2 * N *N + N *M + N},
};

static void test_parameters(void **state) {
  (void)state;
  for (const builtin *cell = lang_cells; cell->name; cell++) {
    built t;
    const struct size *row = NULL;
    const setting size = {.name = "hidden", .number = N};
    binding widths[] = {{.name = "v", .width = K}, {.name = "x", .width = M}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      if (!strcmp(sizes[i].cell, cell->name)) row = &sizes[i];
    if (!row) fail_msg("'%s' is not in this table", cell->name);
    build(&t, cell->file, cell->text, &(build_options){.settings = &size, .n_settings = 1});
    const bool bare = t.g.data[0].width == N;
    drop(&t);
    build(&t, cell->file, cell->text,
          &(build_options){.settings = &size, .n_settings = 1, .bindings = widths, .n_bindings = bare ? 1 : 2});
    if (t.g.n_weights != row->weights)
      fail_msg("%s has %lld parameters, not %lld", cell->name, (long long)t.g.n_weights, (long long)row->weights);
    drop(&t);
  }
}

/* --- the language --- */

static const param *find_param(const graph *g, const char *name) {
  for (int i = 0; i < g->n_params; i++)
    if (!strcmp(g->params[i].name, name)) return &g->params[i];
  fail_msg("there is no parameter %s", name);
  return NULL;
}

static int count(const graph *g, enum op op) {
  int n = 0;
  for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i].op == op;
  return n;
}

static bool has_number(const graph *g, double value) {
  for (int i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_CONST && g->nodes[i].value == value) return true;
  return false;
}

static const char head[] = "data source : words(9)\ndata token : words(8)\ndata v : numbers\n";
static const char tail[] = "token ~ softmax(W h)\n";

/* The width of h and what is there how often, in a net made of head, the text, and tail. */
static const struct net {
  const char *text;
  int width;
  enum op op;
  int times;
  int64_t weights; /* without the embedding (8 x 4) and W (8 x width); -1: not looked at */
} nets[] = {
    /* a width line, and settings at the call */
    {"h = lstm_projection(embed(token[t-1], 4), 6, projection = 3)\n", 3, OP_SHIFT, 2, 4 * 6 * (3 + 4 + 1) + 3 * 6},
    {"n = 5\nh = lstm_projection(embed(token[t-1], 4), 2 * n, projection = n - 1, layers = 2)\n", 4, OP_SHIFT, 4, -1},
    {"h = lstm_steep(embed(token[t-1], 4), 6)\n", 6, OP_MUL, 3, -1}, /* a slope of 1 leaves nothing behind: it is lstm */
    {"h = lstm_steep(embed(token[t-1], 4), 6, s = 2.5)\n", 6, OP_MUL, 6, -1},
    {"a = tanh(V embed(token[t-1], 4))\nh = A a\nwidth a = 3\nwidth h = 2\n", 2, OP_TANH, 1, 3 * 4 + 2 * 3},
    /* cells within cells, as often as a setting says */
    {"h = rhn(embed(token[t-1], 4), 6)\n", 6, OP_TANH, 3, 2 * (6 * 4 + 36 + 6) + 4 * (36 + 6)},
    {"h = rhn(embed(token[t-1], 4), 6, depth = 1)\n", 6, OP_TANH, 1, 2 * (6 * 4 + 36 + 6)},
    {"h = rhn(embed(token[t-1], 4), 6, depth = 9)\n", 6, OP_TANH, 9, 2 * (6 * 4 + 36 + 6) + 16 * (36 + 6)},
    {"h = lstm(embed(token[t-1], 4), 6, layers = 0)\n", 4, OP_SHIFT, 0, 0},
    /* earlier inputs of a cell, forwards of data, backwards and of a layer below by a shift */
    {"h = qrnn(embed(token[t-1], 4), 6)\n", 6, OP_SHIFT, 2, -1},
    {"h = qrnn(embed(token[t-1], 4), 6, layers = 2)\n", 6, OP_SHIFT, 4, -1},
    {"h = qrnn(embed(source, 4), 6, backward)\n", 6, OP_SHIFT, 2, -1},
    /* the output of a cell takes the width that the net asks for */
    {"y = elman_output(embed(token[t-1], 4), 6)\nh = y + G embed(token[t-2], 4)\nwidth h = 3\n", 3, OP_SHIFT, 1, -1},
    /* gates' own gain, and a mask on the change */
    {"h = gru_layernorm(embed(token[t-1], 4), 6)\n", 6, OP_LAYERNORM, 6, -1},
    {"n = rnn(embed(token[t-1], 4), 6)\nh = zoneout(n, h[t-1], 0.25)\n", 6, OP_MASK, 1, -1},
    {"n = rnn(embed(token[t-1], 4), 6)\nh = zoneout(n, h[t-1], 0)\n", 6, OP_MASK, 0, -1},
};

static void test_nets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    built t;
    char source[1000];
    snprintf(source, sizeof source, "%s%s%s", head, nets[i].text, tail);
    build(&t, nets[i].text, source, NULL);
    const param *w = find_param(&t.g, "W");
    if (w->cols != nets[i].width || count(&t.g, nets[i].op) != nets[i].times)
      fail_msg("%s: h is %d wide, %d times %s", nets[i].text, w->cols, count(&t.g, nets[i].op), graph_ops[nets[i].op].name);
    if (nets[i].weights >= 0 && t.g.n_weights != nets[i].weights + 8 * 4 + 8 * w->cols)
      fail_msg("%s: %lld parameters", nets[i].text, (long long)t.g.n_weights);
    drop(&t);
  }
}

/* Initial values gate by gate, in cells, in cells within cells, and from a setting of the call. */
static void test_init(void **state) {
  (void)state;
  static const struct {
    const char *call, *param;
    enum init_kind kind;
    double value;
  } rows[] = {
      {"irnn(e, 5)", "h.Whh", INIT_IDENTITY, 0},         {"irnn(e, 5)", "h.Wxh", INIT_NORMAL, 0.001},
      {"lstm_b(e, 5)", "h.bf", INIT_NUMBER, 1},          {"lstm_b(e, 5, forget = -0.5)", "h.bf", INIT_NUMBER, -0.5},
      {"lstm_layernorm(e, 5)", "h.qg", INIT_NUMBER, 1},  {"lstm_layernorm(e, 5)", "h.bf", INIT_NUMBER, 1},
      {"lstm_layernorm(e, 5)", "h.Uf", INIT_DEFAULT, 0}, {"lstm_i(e, 5)", "h.bf", INIT_DEFAULT, 0},
      {"indrnn(e, 5)", "h.u", INIT_NUMBER, 1},           {"rhn(e, 5)", "h.h.2.R", INIT_ORTHOGONAL, 0},
      {"rhn(e, 5)", "h.h.1.bg", INIT_NUMBER, -2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    char source[300];
    snprintf(source, sizeof source, "%se = embed(token[t-1], 4)\nh = %s\n%s", head, rows[i].call, tail);
    build(&t, rows[i].call, source, NULL);
    const param *p = find_param(&t.g, rows[i].param);
    assert_int_equal(p->init, rows[i].kind);
    assert_true(p->init_value == rows[i].value);
    drop(&t);
  }
}

/* What a recurrence starts from reaches the state of the cell within it: each SHIFT has its initial value. */
static void test_start(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int shifts, started;
  } rows[] = {
      {"h = rhn(embed(token[t-1], 4), 5, start = tanh(A v))\n", 1, 1},
      {"s = rhn(embed(source, 4), 5)\nh = rhn(embed(token[t-1], 4), 5, start = s)\n", 2, 1},
      {"s = rhn(embed(source, 4), 5, layers = 2)\nh = rhn(embed(token[t-1], 4), 5, layers = 2, start = s)\n", 4, 2},
      {"s = lstm(embed(source, 4), 5)\nh = lstm_nfg(embed(token[t-1], 4), 5, start = s)\n", 4, 2},
      {"s = slstm(embed(source, 4), 5, backward)\nh = slstm(embed(token[t-1], 4), 5, start = s)\n", 8, 4},
      {"s = rnn(embed(source, 4), 5)\nh = lstm(embed(token[t-1], 4), 5, start = s)\n", 3, 1},
      {"h = lstm_projection(embed(token[t-1], 4), 5, projection = 3, start = tanh(A v))\n", 2, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    char source[400];
    int started = 0;
    snprintf(source, sizeof source, "%s%s%s", head, rows[i].text, tail);
    build(&t, rows[i].text, source, NULL);
    for (int k = 0; k < t.g.n_nodes; k++) started += t.g.nodes[k].op == OP_SHIFT && t.g.nodes[k].in[1] != NODE_NONE;
    if (count(&t.g, OP_SHIFT) != rows[i].shifts || started != rows[i].started)
      fail_msg("%s: %d states, %d start from something", rows[i].text, count(&t.g, OP_SHIFT), started);
    drop(&t);
  }
}

/* A cell's own file may call another one beside it, with settings and inputs of its own. */
static const char *find_cell(void *context, const char *name, arena *memory, const char **file) {
  static const char *const cells[][2] = {
      {"outer", "gain = 2\na = inner(x, v, size, gain = gain, scale = 3)\nh = tanh(U h[t-1] + a)\n"},
      {"inner", "gain = 1\nscale = 1\ny = gain * (W x + V w + U y[t-1]) + scale\noutput y\n"},
  };
  (void)context;
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
    if (!strcmp(cells[i][0], name)) {
      *file = cells[i][0];
      return arena_text(memory, cells[i][1], strlen(cells[i][1]));
    }
  return NULL;
}

static void test_nested(void **state) {
  (void)state;
  built t;
  char source[300];
  snprintf(source, sizeof source, "%sh = outer(embed(token[t-1], 4), v, 5, gain = 7)\n%s", head, tail);
  build(&t, "nested", source, &(build_options){.find_cell = find_cell});
  assert_true(has_number(&t.g, 7) && has_number(&t.g, 3) && !has_number(&t.g, 2));
  assert_int_equal(count(&t.g, OP_SHIFT), 2);
  assert_int_equal(find_param(&t.g, "h.a.U")->rows, 5);
  assert_int_equal(find_param(&t.g, "h.a.V")->cols, 1);
  assert_int_equal(find_param(&t.g, "h.U")->role, PARAM_RECURRENT_MATRIX);
  drop(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_notation), cmocka_unit_test(test_parameters), cmocka_unit_test(test_nets),
      cmocka_unit_test(test_init),     cmocka_unit_test(test_start),      cmocka_unit_test(test_nested),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
