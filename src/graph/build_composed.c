/* build_composed.c - calls of the functions of functions.def: their values are expressions, evaluated with terms for their
 * arguments.
 *
 * The idea is that of the derivatives in ops.def. The parser of nets parses the text of a row, and the terms that it yields
 * have their gradient already. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/text.h"
#include "graph/build_internal.h"

enum { MAX_ARGS = 4 };

static const struct composed {
  const char *name, *args, *value;
} functions[] = {
#define FUNCTION(name, args, value) {#name, args, value},
#include "graph/functions.def"
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

enum { ARG_NUMBER = TERM_NONE - 1 }; /* as a term: a number, which becomes a term where it is used */

typedef struct call { /* of a function, with a term or a number for each argument */
  builder *b;
  scope *s;
  const expr *e; /* the call in the net, for messages */
  const char *names[MAX_ARGS];
  size_t lengths[MAX_ARGS];
  int terms[MAX_ARGS], n;
  double numbers[MAX_ARGS];
} call;

static int call_row(const call *given, const struct composed *f);
static int value_of(const call *c, const expr *e);

static const struct composed *find(const char *name) {
  for (int i = 0; i < N_FUNCTIONS; i++)
    if (!strcmp(functions[i].name, name)) return &functions[i];
  return NULL;
}

static int reduce(const call *c, int x, bool mean) {
  if (x == TERM_NONE || c->b->terms[x].width == WIDTH_FREE) return x;
  const int one = width_known(c->b, 1, "a number for each row");
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(c->b, c->s, c->e, TERM_REDUCE, one, &x, 1);
  if (t == TERM_NONE) return t;
  c->b->terms[t].op = OP_ROW_SUM;
  c->b->terms[t].value = mean;
  return t;
}

static int call_value(const call *c, const expr *e) {
  const struct composed *f = find(e->name);
  call inner = {.b = c->b, .s = c->s, .e = c->e, .n = e->n_args};
  int *x = inner.terms;
  assert(e->n_args >= 1 && e->n_args <= MAX_ARGS);
  for (int i = 0; i < e->n_args; i++) {
    const bool number = f && e->args[i]->kind == EXPR_NUMBER;
    x[i] = number ? ARG_NUMBER : value_of(c, e->args[i]);
    if (number) inner.numbers[i] = e->args[i]->number;
    if (x[i] == TERM_NONE) return TERM_NONE;
  }
  if (!strcmp(e->name, "row_sum") || !strcmp(e->name, "row_mean")) return reduce(c, x[0], e->name[4] == 'm');
  if (f) return call_row(&inner, f);
  for (int op = 0; op < OP_COUNT; op++) {
    const op_info *o = &graph_ops[op];
    if (o->kind == OP_KIND_OTHER || o->inputs != e->n_args || strcmp(o->text, e->name)) continue;
    return e->n_args == 1 ? term_unary(c->b, c->s, c->e, (enum op)op, x[0])
                          : term_binary(c->b, c->s, c->e, (enum op)op, x[0], x[1]);
  }
  assert(0 && "functions.def: an unknown function");
  return TERM_NONE;
}

static int two(const call *c, const expr *e, enum op op) {
  const int x = value_of(c, e->args[0]);
  return x == TERM_NONE ? x : term_binary(c->b, c->s, c->e, op, x, value_of(c, e->args[1]));
}

static int value_of(const call *c, const expr *e) {
  switch (e->kind) {
  case EXPR_NUMBER:
    return term_number(c->b, c->s, c->e, e->number);
  case EXPR_NAME:
    for (int i = 0; i < c->n; i++)
      if (strlen(e->name) == c->lengths[i] && !memcmp(e->name, c->names[i], c->lengths[i]))
        return c->terms[i] == ARG_NUMBER ? term_number(c->b, c->s, c->e, c->numbers[i]) : c->terms[i];
    assert(0 && "functions.def: an unknown name");
    return TERM_NONE;
  case EXPR_CALL:
    return call_value(c, e);
  case EXPR_NEGATE:
    return term_unary(c->b, c->s, c->e, OP_NEG, value_of(c, e->args[0]));
  case EXPR_ADD:
    return two(c, e, OP_ADD);
  case EXPR_SUB:
    return two(c, e, OP_SUB);
  case EXPR_MUL:
    return two(c, e, OP_MUL);
  case EXPR_DIV:
    return two(c, e, OP_DIV);
  case EXPR_POWER:
  case EXPR_MATRIX:
  case EXPR_CONCAT:
    break;
  }
  assert(0 && "functions.def: what a value must not have");
  return TERM_NONE;
}

/* Arguments that are left out have the numbers of the row. */
static int call_row(const call *given, const struct composed *f) {
  call c = *given;
  c.n = 0;
  for (const char *at = f->args; *at; at += strspn(at, " ")) {
    assert(c.n < MAX_ARGS);
    c.names[c.n] = at;
    c.lengths[c.n] = strcspn(at, "= ");
    if (c.n >= given->n) {
      c.terms[c.n] = ARG_NUMBER;
      const char *number = at + c.lengths[c.n] + 1;
      text_number(number, strcspn(number, " "), &c.numbers[c.n]);
    }
    c.n++;
    at += strcspn(at, " ");
  }
  expr *value;
  if (lang_parse_expr(&value, f->value, &c.b->scratch, NULL)) return build_memory(c.b);
  return value_of(&c, value);
}

int build_composed(builder *b, scope *s, const expr *e, const char *name) {
  const struct composed *f = find(name);
  if (!f) return -2;
  call c = {.b = b, .s = s, .e = e, .n = e->n_args};
  int most = 0, least = 0; /* those without a number come first */
  for (const char *at = f->args; *at; at += strspn(at, " ")) {
    const size_t whole = strcspn(at, " ");
    most++;
    least += strcspn(at, "=") >= whole;
    at += whole;
  }
  if (!build_args(b, s, e, least, most)) return TERM_NONE;
  for (int i = 0; i < e->n_args; i++) {
    c.terms[i] = i < least ? build_value(b, s, e->args[i]) : ARG_NUMBER;
    if (c.terms[i] == TERM_NONE) return TERM_NONE;
    if (i >= least && (!build_number(b, s, e->args[i], &c.numbers[i]) || !isfinite(c.numbers[i])))
      return FAIL(b, s, e->args[i]->at, "argument %d of '%s' must be a number", i + 1, name);
  }
  return call_row(&c, f);
}
