/* build_density.c - the losses of distributions.def: the negative log-likelihood of what is predicted, in nats per row.
 *
 * The equations of a row are in Unroll's own language: the parser of nets parses them, and evaluating them with terms as values
 * yields terms. */
#include "graph/build_internal.h"
#include <assert.h>
#include <string.h>

enum { EQUATION_NAMES = 48 };

#define ARGUMENTS(...)                                                                                                             \
  { __VA_ARGS__ }
#define ANY(name)                                                                                                                  \
  { name, false }
#define POSITIVE(name)                                                                                                             \
  { name, true }
#define COUNT(...) sizeof((const distribution_argument[])__VA_ARGS__) / sizeof(distribution_argument)
const distribution_row graph_distributions[DISTRIBUTION_COUNT] = {
#define SYMBOLS(name, aligned, arguments, term) {#name, SUPPORT_SYMBOLS, aligned, arguments, COUNT(arguments)},
#define NUMBERS(name, support, arguments, mean, equations) {#name, support, true, arguments, COUNT(arguments)},
#define VECTORS(name, support) {#name, support, true, {{NULL, false}}, 0},
#include "graph/distributions.def"
#undef SYMBOLS
#undef NUMBERS
#undef VECTORS
};

static const struct maker { /* what makes the loss: one of three */
  const char *equations, *mean;
  int (*vector)(const site *c, const loss_term *l, int width);
  enum term_kind term;
  bool (*numbers)(builder *b, scope *s, const expr *e, int width, loss_term *l, int *needed);
} makers[DISTRIBUTION_COUNT] = {
#define SYMBOLS(name, aligned, arguments, kind) {.term = kind},
#define NUMBERS(name, support, arguments, average, text) {.equations = text, .mean = average},
#define VECTORS(name, support) {.vector = name##_loss, .numbers = name##_numbers},
#include "graph/distributions.def"
#undef SYMBOLS
#undef NUMBERS
#undef VECTORS
};

/* --- terms --- */

int site_unary(const site *c, enum op op, int x) { return term_unary(c->b, c->s, c->e, op, x); }
int site_binary(const site *c, enum op op, int x, int y) {
  return x == TERM_NONE || y == TERM_NONE ? TERM_NONE : term_binary(c->b, c->s, c->e, op, x, y);
}
int site_number(const site *c, double value) { return term_number(c->b, c->s, c->e, value); }

int site_reduce(const site *c, enum op op, int x) {
  if (x == TERM_NONE) return TERM_NONE;
  const int one = width_known(c->b, 1, "a sum");
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(c->b, c->s, c->e, TERM_REDUCE, one, &x, 1);
  if (t != TERM_NONE) c->b->terms[t].op = op;
  return t;
}

int site_slice(const site *c, int x, int first, int n) {
  const int width = width_known(c->b, n, "a part");
  const int t = x == TERM_NONE || width == WIDTH_FREE ? TERM_NONE : term_add(c->b, c->s, c->e, TERM_SLICE, width, &x, 1);
  if (t != TERM_NONE) c->b->terms[t].lag = first;
  return t;
}

/* --- equations --- */

typedef struct known { /* what the names in equations stand for */
  const char *names[EQUATION_NAMES];
  int values[EQUATION_NAMES], n;
} known;

static int value_of(const site *c, const expr *e, const known *k);

static int call(const site *c, const expr *e, const known *k) {
  for (int op = 0; op < OP_COUNT; op++) {
    const op_info *o = &graph_ops[op];
    if (o->kind == OP_KIND_OTHER || o->inputs != e->n_args || strcmp(o->text, e->name) != 0) continue;
    const int last = value_of(c, e->args[e->n_args - 1], k);
    return e->n_args == 1 ? site_unary(c, (enum op)op, last) : site_binary(c, (enum op)op, value_of(c, e->args[0], k), last);
  }
  assert(0 && "distributions.def: an equation calls an unknown function");
  return TERM_NONE;
}

static int arithmetic(const site *c, enum op op, const expr *e, const known *k) {
  const int right = value_of(c, e->args[1], k);
  return site_binary(c, op, value_of(c, e->args[0], k), right);
}

static int value_of(const site *c, const expr *e, const known *k) {
  switch (e->kind) {
  case EXPR_NUMBER:
    return site_number(c, e->number);
  case EXPR_NAME:
    for (int i = k->n - 1; i >= 0; i--)
      if (!strcmp(k->names[i], e->name)) return k->values[i];
    break;
  case EXPR_NEGATE:
    return site_unary(c, OP_NEG, value_of(c, e->args[0], k));
  case EXPR_ADD:
    return arithmetic(c, OP_ADD, e, k);
  case EXPR_SUB:
    return arithmetic(c, OP_SUB, e, k);
  case EXPR_MUL:
    return arithmetic(c, OP_MUL, e, k);
  case EXPR_DIV:
    return arithmetic(c, OP_DIV, e, k);
  case EXPR_CALL:
    return call(c, e, k);
  case EXPR_POWER:
  case EXPR_MATRIX:
  case EXPR_CONCAT:
    break;
  }
  assert(0 && "distributions.def: an equation has an unknown name, or what is not elementwise");
  return TERM_NONE;
}

static int equations_of(const site *c, const distribution_row *row, const char *equations, const int *args) {
  known k = {.names = {"y"}, .values = {c->y}, .n = 1};
  program *lines;
  if (c->b->status == UNROLL_OK) c->b->status = lang_parse(&lines, row->name, equations, &c->b->scratch, c->b->err);
  if (c->b->status != UNROLL_OK) return TERM_NONE;
  for (int i = 0; i < row->n_args; i++) k.names[k.n] = row->args[i].name, k.values[k.n++] = args[i];
  for (int i = 0; i < lines->n_statements; i++) {
    const statement *line = &lines->statements[i];
    assert(line->kind == STATEMENT_DEFINE && k.n < EQUATION_NAMES);
    const int t = value_of(c, line->value, &k);
    if (t == TERM_NONE) return TERM_NONE;
    k.names[k.n] = line->name, k.values[k.n++] = t;
  }
  return k.values[k.n - 1];
}

/* --- losses --- */

static int by_operator(builder *b, scope *s, const expr *e, const loss_term *l, enum term_kind kind) {
  const int one = width_known(b, 1, "a loss");
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, kind, one, l->args, l->n_args);
  if (t != TERM_NONE) b->terms[t].data = l->data;
  return t;
}

int build_density(builder *b, scope *s, const expr *e, const loss_term *l) {
  const struct maker *m = &makers[l->distribution - graph_distributions];
  if (l->distribution->support == SUPPORT_SYMBOLS) return by_operator(b, s, e, l, m->term);
  const site c = {b, s, e, term_data(b, s, e, l->data, 0)};
  if (c.y == TERM_NONE) return TERM_NONE;
  if (m->vector) return m->vector(&c, l, b->g->data[l->data].width);
  return site_reduce(&c, OP_ROW_SUM, equations_of(&c, l->distribution, m->equations, l->args));
}

bool build_has_mean(const distribution_row *d) { return makers[d - graph_distributions].mean != NULL; }

int build_density_mean(builder *b, scope *s, const expr *e, const loss_term *l) {
  const site c = {b, s, e, TERM_NONE};
  return equations_of(&c, l->distribution, makers[l->distribution - graph_distributions].mean, l->args);
}

bool build_numbers(builder *b, scope *s, const expr *e, int width, loss_term *l, int *needed) {
  for (int i = 0; i < e->n_args; i++)
    if (e->arg_names && e->arg_names[i]) return FAIL(b, s, e->arg_at[i], "'%s' has no named arguments", e->name), false;
  l->n_numbers = e->n_args - 1;
  l->numbers = arena_alloc(&b->g->memory, (size_t)e->n_args + 1, sizeof *l->numbers);
  if (!l->numbers) return build_memory(b), false;
  return makers[l->distribution - graph_distributions].numbers(b, s, e, width, l, needed);
}
