/* cells.c - behind unroll.h: what a built-in cell costs.
 *
 * All numbers are counted in the graph and the plan, none is written down. The formula for the parameters comes from a graph
 * whose sizes are far apart. So every number of rows or columns says which sizes it is the sum of. */
#include "api/inspect.h"
#include "api/result.h"
#include "base/text.h"
#include "plan/frozen.h"

enum { SIZE = 256, INPUT = 64 };                             /* of the table */
enum { FORMULA_N = 4001, FORMULA_M = 401, FORMULA_K = 101 }; /* what is below 101 is a number of the cell's own */
enum { LETTER_N, LETTER_M, LETTER_K, LETTER_ONE, LETTERS };
static const char *const letters[LETTERS] = {"N", "M", "K", ""};

typedef struct cell_facts {
  program *text;
  int64_t parameters, operations, state;
  int products, on_cycle;            /* on_cycle -1: no recurrence */
  bool bare;                         /* x enters without a matrix */
  int64_t formula[LETTERS][LETTERS]; /* upper triangle */
} cell_facts;

/* A cell alone with x of width `first`, further inputs of width `other`; 0: what the equations ask for. */
static unroll_status build(graph *g, const program *cell, int size, int first, int other, unroll_error *err) {
  const setting hidden = {.name = "hidden", .number = size};
  binding bindings[16];
  build_options o = {.settings = &hidden, .n_settings = 1, .bindings = bindings};
  graph names; /* only for the names of the inputs */
  graph_init(&names);
  graph_init(g);
  unroll_status s = graph_build(&names, cell, &o, err);
  for (int i = 0; !s && i < names.n_data && i < 16; i++) {
    const int width = i ? other : first;
    if (width) bindings[o.n_bindings++] = (binding){.name = names.data[i].name, .width = width};
  }
  if (!s) s = graph_build(g, cell, &o, err);
  graph_free(&names);
  return s;
}

/* --- counting --- */

static void decompose(int n, int64_t of[LETTERS]) {
  of[LETTER_N] = n / FORMULA_N;
  of[LETTER_M] = n % FORMULA_N / FORMULA_M;
  of[LETTER_K] = n % FORMULA_N % FORMULA_M / FORMULA_K;
  of[LETTER_ONE] = n % FORMULA_N % FORMULA_M % FORMULA_K;
}

static unroll_status find_formula(cell_facts *f, unroll_error *err) {
  graph g;
  const unroll_status s = build(&g, f->text, FORMULA_N, f->bare ? 0 : FORMULA_M, FORMULA_K, err);
  for (int p = 0; !s && p < g.n_params; p++) {
    int64_t rows[LETTERS], cols[LETTERS];
    decompose(g.params[p].rows, rows);
    decompose(g.params[p].cols, cols);
    for (int i = 0; i < LETTERS; i++)
      for (int k = 0; k < LETTERS; k++) f->formula[i < k ? i : k][i < k ? k : i] += rows[i] * cols[k];
  }
  graph_free(&g);
  return s;
}

/* "4 N² + 4 N M + 4 N" */
static void add_formula(const cell_facts *f, text *out) {
  bool first = true;
  for (int i = 0; i < LETTERS; i++)
    for (int k = i; k < LETTERS; k++) {
      const int64_t n = f->formula[i][k];
      if (!n) continue;
      text_format(out, "%s", first ? "" : " + ");
      first = false;
      if (n != 1 || i == LETTER_ONE) text_format(out, "%lld%s", (long long)n, i == LETTER_ONE ? "" : " ");
      if (i == k)
        text_format(out, "%s%s", letters[i], i == LETTER_ONE ? "" : "²");
      else
        text_format(out, "%s%s%s", letters[i], k == LETTER_ONE ? "" : " ", letters[k]);
    }
}

/* Operations of a step: two for each multiply-add of a product, one for each elementwise function of each unit. */
static void count_operations(const graph *g, cell_facts *f) {
  for (int i = 0; i < g->n_nodes; i++) {
    const node *n = &g->nodes[i];
    if (n->space != SPACE_STEP) continue;
    if (n->op == OP_MATVEC || n->op == OP_MATVEC_T) {
      f->products++;
      f->operations += 2 * (int64_t)n->width * g->nodes[n->in[0]].width;
    } else if (n->op == OP_LAYERNORM || n->op == OP_SOFTMAX) {
      f->operations += 5 * (int64_t)n->width; /* two sums over the width, two elementwise passes, and a square or an exp */
    } else if (n->op == OP_SHIFT) {
      f->state += n->width;
    } else if (graph_ops[n->op].kind != OP_KIND_OTHER) {
      f->operations += n->width;
    }
  }
}

/* Products that stay in a loop: with one row all others leave it. */
static unroll_status count_cycle(const graph *g, cell_facts *f, unroll_error *err) {
  plan *p;
  const plan_options o = {.max_rows = 1, .max_steps = 16, .keep = &g->output_node, .n_keep = 1};
  const unroll_status s = plan_new(&p, g, &o, err);
  f->on_cycle = -1;
  if (s) return s;
  const frozen *z = plan_frozen(p);
  for (int i = 0; i < z->n_stages; i++) {
    const stage *loop = &z->stages[i];
    if (loop->kind != STAGE_LOOP) continue;
    if (f->on_cycle < 0) f->on_cycle = 0;
    for (int k = 0; k < loop->n_body; k++)
      for (int c = 0; loop->body[k].kind == STAGE_TILE && c < loop->body[k].tile.n_calls; c++)
        f->on_cycle += loop->body[k].tile.calls[c].gates;
  }
  plan_free(p);
  return UNROLL_OK;
}

static unroll_status find_facts(const builtin *b, cell_facts *f, arena *memory, unroll_error *err) {
  graph g;
  *f = (cell_facts){0};
  unroll_status s = lang_parse(&f->text, b->file, b->text, memory, err);
  if (s) return s;
  s = build(&g, f->text, SIZE, 0, 0, err);
  f->bare = !s && g.data[0].width == SIZE;
  graph_free(&g);
  if (s) return s;
  s = build(&g, f->text, SIZE, f->bare ? 0 : INPUT, INPUT, err);
  f->parameters = g.n_weights;
  if (!s) count_operations(&g, f);
  if (!s) s = count_cycle(&g, f, err);
  graph_free(&g);
  return s ? s : find_formula(f, err);
}

/* --- as a result --- */

static bool take_facts(unroll_result *r, const cell_facts *f) {
  figures list = {0};
  text formula = {0};
  add_formula(f, &formula);
  figures_add(&list, 0, "parameters", FIGURE_COUNT, (double)f->parameters);
  figures_add_word(&list, 0, "formula", formula.data ? formula.data : "");
  figures_add(&list, 0, "operations", FIGURE_COUNT, (double)f->operations);
  figures_add(&list, 0, "products", FIGURE_COUNT, f->products);
  if (f->on_cycle >= 0) figures_add(&list, 0, "on_cycle", FIGURE_COUNT, f->on_cycle);
  figures_add(&list, 0, "state", FIGURE_COUNT, (double)f->state);
  const bool full = !list.failed && !formula.failed && result_figures(r, &list);
  figures_free(&list);
  text_free(&formula);
  return full;
}

unroll_status unroll_cell_facts(const char *name, unroll_result **out, unroll_error *err) {
  arena memory = {0};
  cell_facts f;
  if (!out) return api_null(err);
  *out = NULL;
  if (!name) return api_null(err);
  const builtin *b = lang_builtin_cell(name);
  if (!b) return error_set(err, UNROLL_USAGE, "there is no built-in cell '%s'", name);
  unroll_result *r = result_new(0, NULL);
  unroll_status status = r ? find_facts(b, &f, &memory, err) : error_memory(err);
  if (!status && !take_facts(r, &f)) status = error_memory(err);
  arena_free(&memory);
  if (status)
    unroll_result_free(r);
  else
    *out = r;
  return status;
}
