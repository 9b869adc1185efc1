/* build_expr.c - an expression becomes terms: names, matrices, arithmetic, concatenation.
 *
 * A name at the same step is elaborated when it is first needed, so definitions may come in any order. One that needs itself at
 * the same step is an error. A name at an earlier step is only remembered (TERM_SHIFT), which is what lets equations recur. */
#include "graph/build_internal.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

int term_add(builder *b, scope *s, const expr *e, enum term_kind kind, int width, const int *args, int n_args) {
  static const expr nowhere = {.kind = EXPR_NAME, .at = {1, 1, 1}, .name = "x"};
  if (b->status != UNROLL_OK) return TERM_NONE;
  if (!e) e = &nowhere;
  if (b->n_terms >= MAX_TERMS) return FAIL(b, s, e->at, "the program is too large: more than %d operations", MAX_TERMS);
  if (!build_grow(b, (void **)&b->terms, b->n_terms, &b->cap_terms, sizeof *b->terms)) return TERM_NONE;
  term *t = &b->terms[b->n_terms];
  *t = (term){
      .kind = kind, .width = width, .n_args = n_args, .data = -1, .weight = -1, .in = s, .at = e, .axis = -1, .node = NODE_NONE};
  if (n_args) {
    t->args = arena_alloc(&b->scratch, (size_t)n_args, sizeof *t->args);
    if (!t->args) return build_memory(b);
    memcpy(t->args, args, (size_t)n_args * sizeof *args);
  }
  return b->n_terms++;
}

int term_number(builder *b, scope *s, const expr *e, double value) {
  const int t = term_add(b, s, e, TERM_NUMBER, WIDTH_FREE, NULL, 0);
  if (t != TERM_NONE) b->terms[t].value = value;
  return t;
}

static int term_setting(builder *b, scope *s, const expr *e, int number) {
  const int t = term_add(b, s, e, TERM_SETTING, WIDTH_FREE, NULL, 0);
  if (t != TERM_NONE) b->terms[t].dir = number;
  return t;
}

int term_unary(builder *b, scope *s, const expr *e, enum op op, int x) {
  if (x == TERM_NONE) return TERM_NONE;
  const int t = term_add(b, s, e, TERM_ELEMENTWISE, b->terms[x].width, &x, 1);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].op = op;
  memcpy(b->terms[t].shape, b->terms[x].shape, sizeof b->terms[t].shape);
  return t;
}

/* In a cell: is one of two widths that differ that of its input? Then x came there without a matrix. */
static const char *bare_input(builder *b, const scope *s, int v, int w) {
  const symbol *x = s->cell && s->cell[0] ? scope_find(s, "x") : NULL;
  if (!x || x->width == WIDTH_FREE || (width_root(b, x->width) != width_root(b, v) && width_root(b, x->width) != width_root(b, w)))
    return "";
  return build_text(b, "; x enters %s without a matrix, so it must be %d wide: project it first, as in %s(P x, %d)", s->cell,
                    s->size, s->cell, s->size);
}

/* The width of x op y: numbers adapt, what is known to be 1 wide is repeated, all else must agree. -2: an error. */
static int joint_width(builder *b, scope *s, const expr *e, int x, int y) {
  const int v = b->terms[x].width, w = b->terms[y].width;
  if (v == WIDTH_FREE) return w;
  if (w == WIDTH_FREE) return v;
  if (width_value(b, v) == 1) return w;
  if (width_value(b, w) == 1) return v;
  if (width_unify(b, v, w)) return v;
  const expr *left = e->n_args >= 2 ? e->args[0] : b->terms[x].at, *right = e->n_args >= 2 ? e->args[1] : b->terms[y].at;
  FAIL(b, s, e->at, "'%s' is %d wide (%s), but '%s' is %d wide (%s)%s", build_describe(b, left), width_value(b, v), width_why(b, v),
       build_describe(b, right), width_value(b, w), width_why(b, w), bare_input(b, s, v, w));
  return -2;
}

int term_binary(builder *b, scope *s, const expr *e, enum op op, int x, int y) {
  if (x == TERM_NONE || y == TERM_NONE) return TERM_NONE;
  const int width = joint_width(b, s, e, x, y), args[] = {x, y};
  if (width == -2) return TERM_NONE;
  const int t = term_add(b, s, e, TERM_ELEMENTWISE, width, args, 2);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].op = op;
  memcpy(b->terms[t].shape, b->terms[b->terms[x].shape[0] ? x : y].shape, sizeof b->terms[t].shape);
  return t;
}

int term_data(builder *b, scope *s, const expr *e, int data, int lag) {
  const data_info *d = &b->g->data[data];
  const bool symbols = kind_is_symbols(kind_find(d->kind));
  const span at = e ? e->at : (span){1, 1, 1};
  int width = WIDTH_FREE;
  if (lag > MAX_LAG) return FAIL(b, s, at, "an index reaches back %d steps at most", MAX_LAG);
  if (!symbols) {
    width = b->data[data];
  }
  const int t = term_add(b, s, e, symbols ? TERM_INDEX : TERM_INPUT, width, NULL, 0);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].data = data;
  b->terms[t].lag = lag;
  if (kind_find(d->kind)->sort == KIND_PICTURE)
    for (int i = 0; i < 3; i++) b->terms[t].shape[i] = (int)d->args[i];
  return lag && !symbols && build_may_lack(b, data) ? build_or_mean(b, s, e, data, lag, t) : t;
}

int term_seen(builder *b, scope *s, const expr *e, int data, int lag) {
  const int one = width_known(b, 1, "seen or not");
  if (lag > MAX_LAG) return FAIL(b, s, e->at, "an index reaches back %d steps at most", MAX_LAG);
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_SEEN, one, NULL, 0);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].data = data;
  b->terms[t].lag = lag;
  return t;
}

const char *build_describe(builder *b, const expr *e) {
  switch (e->kind) {
  case EXPR_NUMBER:
    return build_text(b, "%g", e->number);
  case EXPR_NAME:
    if (e->back) return build_text(b, "%s[t-%s%s]", e->name, e->back, e->shift < -1 ? build_text(b, "%+d", e->shift + 1) : "");
    return e->shift ? build_text(b, "%s[t%+d]", e->name, e->shift) : e->name;
  case EXPR_MATRIX: {
    const expr *x = e->args[0];
    if (x->kind != EXPR_NAME) return build_text(b, "%s%s ...", e->name, e->transposed ? "'" : "");
    return build_text(b, "%s%s %s", e->name, e->transposed ? "'" : "", build_describe(b, x));
  }
  case EXPR_CALL:
    return build_text(b, "%s(...)", e->name);
  case EXPR_CONCAT:
    return "[...]";
  case EXPR_NEGATE:
    return "-...";
  case EXPR_ADD:
    return "... + ...";
  case EXPR_SUB:
    return "... - ...";
  case EXPR_MUL:
    return "... * ...";
  case EXPR_DIV:
    return "... / ...";
  case EXPR_POWER:
    return build_text(b, "... ^ %g", e->number);
  }
  return "...";
}

/* --- constants --- */

static bool number_of(builder *b, scope *s, const expr *e, double *value) {
  double x = 0, y = 0;
  const symbol *named = NULL;
  switch (e->kind) {
  case EXPR_NUMBER:
    *value = e->number;
    return true;
  case EXPR_NAME:
    named = e->shift ? NULL : scope_find(s, e->name);
    if (named && named->kind == SYMBOL_NUMBER && named->varies >= 0)
      return FAIL(b, s, e->at, "'%s' changes in training, but here stands a number that cannot: a size or the like", e->name),
             false;
    if (named && named->kind == SYMBOL_NUMBER) return *value = named->number, true;
    return named && named->kind == SYMBOL_VARIABLE && named->value && build_number(b, s, named->value, value);
  case EXPR_NEGATE:
    if (!build_number(b, s, e->args[0], &x)) return false;
    return *value = -x, true;
  case EXPR_POWER:
    if (!build_number(b, s, e->args[0], &x)) return false;
    return *value = pow(x, e->number), true;
  case EXPR_ADD:
  case EXPR_SUB:
  case EXPR_MUL:
  case EXPR_DIV:
    if (!build_number(b, s, e->args[0], &x) || !build_number(b, s, e->args[1], &y)) return false;
    *value = e->kind == EXPR_ADD ? x + y : e->kind == EXPR_SUB ? x - y : e->kind == EXPR_MUL ? x * y : x / y;
    return true;
  case EXPR_CALL:
  case EXPR_MATRIX:
  case EXPR_CONCAT:
    break;
  }
  return false;
}

bool build_number(builder *b, scope *s, const expr *e, double *value) {
  if (b->depth >= MAX_DEPTH || ++b->visits > MAX_TERMS) return false; /* also ends `a = a + 1` */
  b->depth++;
  const bool found = number_of(b, s, e, value);
  b->depth--;
  return found;
}

bool build_integer(builder *b, scope *s, const expr *e, const char *what, int low, int high, int *value) {
  double x = 0;
  if (build_number(b, s, e, &x) && x >= low && x <= high && floor(x) == x) return *value = (int)x, true;
  FAIL(b, s, e->at, "%s must be a whole number from %d to %d", what, low, high);
  return false;
}

bool build_varies(builder *b, const scope *s, const expr *e) {
  if (b->depth >= MAX_DEPTH || ++b->visits > MAX_TERMS) return false;
  if (e->kind == EXPR_NAME) {
    const symbol *y = scope_find(s, e->name);
    return y && y->kind == SYMBOL_NUMBER && y->varies >= 0;
  }
  bool found = false;
  b->depth++;
  for (int i = 0; i < e->n_args && !found; i++) found = build_varies(b, s, e->args[i]);
  b->depth--;
  return found;
}

/* --- parameters --- */

static weight *add_weight(builder *b, scope *s, symbol *y, const expr *e, enum param_role role) {
  if (!build_grow(b, (void **)&b->weights, b->n_weights, &b->cap_weights, sizeof *b->weights)) return NULL;
  const int rows = width_new(b), cols = width_new(b);
  if (rows == WIDTH_FREE || cols == WIDTH_FREE) return NULL;
  weight *w = &b->weights[b->n_weights];
  *w = (weight){.name = y->full,
                .role = role,
                .vector = y->kind == SYMBOL_VECTOR,
                .rows = rows,
                .cols = cols,
                .in = s,
                .at = e->at,
                .param = -1};
  y->weight = b->n_weights++;
  return w;
}

static int build_vector(builder *b, scope *s, symbol *y, const expr *e) {
  if (e->shift) return FAIL(b, s, e->at, "'%s' is a parameter: it has no steps", e->name);
  if (y->weight < 0 && !add_weight(b, s, y, e, e->name[0] == 'b' ? PARAM_BIAS : PARAM_VECTOR)) return TERM_NONE;
  const int t = term_add(b, s, e, TERM_VECTOR, b->weights[y->weight].rows, NULL, 0);
  if (t != TERM_NONE) b->terms[t].weight = y->weight;
  return t;
}

/* Does the expression use a variable of an earlier step? Then its matrix is on a cycle. */
static bool is_recurrent(const builder *b, const scope *s, const expr *e) {
  if (e->kind == EXPR_NAME) {
    const symbol *y = e->shift < 0 ? scope_find(s, e->name) : NULL;
    return y && y->kind == SYMBOL_VARIABLE && y->value;
  }
  for (int i = 0; i < e->n_args; i++)
    if (is_recurrent(b, s, e->args[i])) return true;
  return false;
}

/* W idx: row idx of a table, which is W times a one-hot vector. The table is stored as [symbols, N]. */
static int matrix_of_symbols(builder *b, scope *s, const expr *e, int number, int x) {
  weight *w = &b->weights[number];
  const data_info *d = &b->g->data[b->terms[x].data];
  if (e->transposed) return FAIL(b, s, e->at, "a transposed matrix takes numbers, and '%s' is symbols (%s)", d->name, d->kind);
  const int symbols = b->data[b->terms[x].data];
  if (!width_unify(b, w->cols, symbols))
    return FAIL(b, s, e->at, "'%s' takes %d columns (%s), but '%s' has %d symbols", e->name, width_value(b, w->cols),
                width_why(b, w->cols), d->name, width_value(b, symbols));
  w->symbols = true;
  w->role = PARAM_EMBEDDING;
  const int t = term_add(b, s, e, TERM_EMBED, w->rows, NULL, 0);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].weight = number;
  b->terms[t].data = b->terms[x].data;
  b->terms[t].lag = b->terms[x].lag;
  b->widths[width_root(b, b->terms[t].width)].matrix = t;
  return t;
}

static int build_matrix(builder *b, scope *s, const expr *e) {
  symbol *y = scope_find(s, e->name);
  if (y && y->kind != SYMBOL_MATRIX) return FAIL(b, s, e->at, "'%s' is no matrix here", e->name);
  if (!y && !(y = scope_add(b, s, e->name, SYMBOL_MATRIX, e->at))) return TERM_NONE;
  const bool recurrent = is_recurrent(b, s, e->args[0]);
  const int x = build_expr(b, s, e->args[0]);
  if (x == TERM_NONE) return TERM_NONE;
  if (y->weight < 0 && !add_weight(b, s, y, e, PARAM_INPUT_MATRIX)) return TERM_NONE;
  const int number = y->weight;
  if (b->terms[x].kind == TERM_INDEX) return matrix_of_symbols(b, s, e, number, x);
  weight *w = &b->weights[number];
  if (recurrent && w->role == PARAM_INPUT_MATRIX) w->role = PARAM_RECURRENT_MATRIX;
  const int from = e->transposed ? w->rows : w->cols, to = e->transposed ? w->cols : w->rows;
  int width = b->terms[x].width;
  if (width == WIDTH_FREE && (width = width_known(b, 1, "a number")) == WIDTH_FREE) return TERM_NONE;
  if (!width_unify(b, from, width))
    return FAIL(b, s, e->at, "'%s%s' takes a vector of width %d (%s), but '%s' is %d wide (%s)", e->name, e->transposed ? "'" : "",
                width_value(b, from), width_why(b, from), build_describe(b, e->args[0]), width_value(b, width),
                width_why(b, width));
  const int t = term_add(b, s, e, TERM_MATVEC, to, &x, 1);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].weight = number;
  b->terms[t].transposed = e->transposed;
  b->widths[width_root(b, to)].matrix = t;
  return t;
}

/* --- names --- */

static int refuse_cycle(builder *b, const symbol *y, const expr *e) {
  text names = {0};
  int n = 0;
  for (const symbol *z = b->running; z; z = z == y ? NULL : z->waiter) {
    if (z->in != y->in) continue;
    if (n++ < 8) text_format(&names, "%s%s", names.length ? ", " : "", z->name);
  }
  if (n <= 1)
    FAIL(b, y->in, e->at, "'%s' defines itself at the same step: use %s[t-1]", y->name, y->name);
  else
    FAIL(b, y->in, e->at, "these define each other at the same step: %s%s", names.data ? names.data : y->name, n > 8 ? " ..." : "");
  text_free(&names);
  return TERM_NONE;
}

/* What a variable starts from, the output of the cell that it is the value of starts from too: they are one state. */
static void hand_start(const symbol *y) {
  for (symbol *z; y->call && y->call->parent == y->in && y->call->dir == y->in->dir; y = z) {
    z = y->call->output;
    if (z->start != TERM_NONE || z->start_from) return;
    z->start = y->start;
    z->start_at = y->start_at;
    z->start_in = y->start_in;
    z->start_from = y->start_from;
  }
}

/* Is the value a picture of the shape that a `width` line gives? Numbers that are no picture become one. */
static bool keeps_shape(builder *b, const symbol *y, int t) {
  int *shape = b->terms[t].shape;
  if (!y->shape[0]) return true;
  if (!shape[0]) memcpy(shape, y->shape, sizeof y->shape);
  if (!memcmp(shape, y->shape, sizeof y->shape)) return true;
  FAIL(b, y->in, y->at, "'%s' is %d channels of %d x %d (line %d), but its equation is %d channels of %d x %d", y->name,
       y->shape[0], y->shape[1], y->shape[2], y->shape_line, shape[0], shape[1], shape[2]);
  return false;
}

int build_define(builder *b, symbol *y) {
  symbol *before = b->running;
  scope *s = y->in;
  y->state = SYMBOL_RUNNING;
  y->waiter = before;
  b->running = y;
  b->target = y->name;
  b->called = NULL;
  const int t = build_expr(b, s, y->value);
  b->target = NULL;
  b->running = before;
  if (t == TERM_NONE) return false;
  y->state = SYMBOL_DONE;
  y->term = t;
  y->call = b->called;
  b->called = NULL;
  if (!b->terms[t].named || y->value->kind == EXPR_CALL) b->terms[t].named = y; /* of a call the outermost name */
  const int width = b->terms[t].width;
  if (!keeps_shape(b, y, t)) return false;
  if (width == WIDTH_FREE || width_unify(b, y->width, width)) return hand_start(y), true;
  FAIL(b, s, y->at, "'%s' is %d wide (%s), but its equation is %d wide (%s)%s", y->name, width_value(b, y->width),
       width_why(b, y->width), width_value(b, width), width_why(b, width), bare_input(b, s, y->width, width));
  return false;
}

/* How many steps back a name is; -1, reported: a setting is none. */
static int lag_of(builder *b, scope *s, const expr *e) {
  if (!e->back) return -e->shift;
  const symbol *y = scope_find(s, e->back);
  if (!y)
    return FAIL(b, s, e->at, "in %s: there is no setting '%s'%s", build_describe(b, e), e->back, build_suggest(b, s, e->back)), -1;
  if (y->kind != SYMBOL_NUMBER || y->varies >= 0 || !(y->number >= 1 && y->number <= MAX_LAG) || floor(y->number) != y->number)
    return FAIL(b, s, e->at, "in %s: '%s' must be a setting that is a whole number from 1 to %d", build_describe(b, e), e->back,
                MAX_LAG),
           -1;
  return (int)y->number - e->shift - 1;
}

/* y[t-k]: of data another input, of anything else a shift, which needs no definition yet. */
static int build_shift(builder *b, scope *s, symbol *y, const expr *e) {
  const int lag = lag_of(b, s, e);
  if (lag < 0) return TERM_NONE;
  if (lag > MAX_LAG) return FAIL(b, s, e->at, "an index reaches back %d steps at most", MAX_LAG);
  if (y->state == SYMBOL_WAITING && y->value->kind == EXPR_NAME) {
    const symbol *other = scope_find(s, y->value->name); /* another name for data */
    if (other && (other->kind == SYMBOL_DATA || (other->kind == SYMBOL_VARIABLE && !other->value)) && !build_define(b, y))
      return TERM_NONE;
  }
  if (y->state == SYMBOL_DONE) {
    const term *x = &b->terms[y->term];
    const bool data = x->kind == TERM_INDEX || x->kind == TERM_INPUT || (x->kind == TERM_ELEMENTWISE && x->data >= 0);
    if (data && s->dir > 0) return term_data(b, s, e, x->data, x->lag + lag);
    if (x->kind == TERM_SEEN && s->dir > 0) return term_seen(b, s, e, x->data, x->lag + lag);
    if (x->kind == TERM_INDEX) return FAIL(b, s, e->at, "symbols have no [t-1] in a backward recurrence: put embed(...) before it");
    if (x->width == WIDTH_FREE) return FAIL(b, s, e->at, "'%s' is a number: it has no steps", e->name);
  }
  const int t = term_add(b, s, e, TERM_SHIFT, y->width, NULL, 0);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].of = y;
  b->terms[t].lag = lag;
  b->terms[t].dir = s->dir;
  memcpy(b->terms[t].shape, y->state == SYMBOL_DONE ? b->terms[y->term].shape : y->shape, sizeof y->shape);
  return t;
}

/* `y.seen`, y being data; -2: it is no such name. */
static int build_seen(builder *b, scope *s, const expr *e) {
  const char *point = strchr(e->name, '.');
  if (!point) return -2;
  const char *of = build_text(b, "%.*s", (int)(point - e->name), e->name);
  const symbol *y = scope_find(s, of);
  if (!y || y->kind != SYMBOL_DATA)
    return FAIL(b, s, e->at, "'%s' says whether '%s' was observed, and '%s' is no data here", e->name, of, of);
  const int lag = lag_of(b, s, e);
  return lag < 0 ? TERM_NONE : term_seen(b, s, e, y->data, lag);
}

static int build_name(builder *b, scope *s, const expr *e) {
  symbol *y = scope_find(s, e->name);
  const int seen = y || e->shift > 0 ? -2 : build_seen(b, s, e);
  if (seen != -2) return seen;
  if (e->shift > 0) return FAIL(b, s, e->at, "'%s' of a later step is not known at step t", e->name);
  if (!y && e->name[0] == 'b') {
    y = scope_add(b, s, e->name, SYMBOL_VECTOR, e->at);
    if (!y) return TERM_NONE;
  }
  if (!y) return FAIL(b, s, e->at, "unknown name '%s'%s", e->name, build_suggest(b, s, e->name));
  const int lag = y->kind == SYMBOL_DATA ? lag_of(b, s, e) : 0;
  if (lag < 0) return TERM_NONE;
  switch (y->kind) {
  case SYMBOL_DATA:
    return term_data(b, s, e, y->data, lag);
  case SYMBOL_NUMBER:
    if (y->varies >= 0 && !e->shift) return term_setting(b, s, e, y->varies);
    return e->shift ? FAIL(b, s, e->at, "'%s' is a number: it has no steps", e->name) : term_number(b, s, e, y->number);
  case SYMBOL_WORD:
    return FAIL(b, s, e->at, "'%s' is the word '%s', not a value", e->name, y->word);
  case SYMBOL_VECTOR:
    return build_vector(b, s, y, e);
  case SYMBOL_MATRIX:
    return FAIL(b, s, e->at, "the matrix '%s' needs an operand, as in '%s x'", e->name, e->name);
  case SYMBOL_VARIABLE:
    break;
  }
  if (e->shift) return build_shift(b, s, y, e);
  if (y->state == SYMBOL_RUNNING) return refuse_cycle(b, y, e);
  if (y->state == SYMBOL_WAITING && !build_define(b, y)) return TERM_NONE;
  b->called = y->call;
  return y->term;
}

/* --- the rest --- */

int build_value(builder *b, scope *s, const expr *e) {
  const int t = build_expr(b, s, e);
  if (t == TERM_NONE || b->terms[t].kind != TERM_INDEX) return t;
  const data_info *d = &b->g->data[b->terms[t].data];
  return FAIL(b, s, e->at, "'%s' is symbols (%s), not numbers: use embed(%s, size) or put a matrix before it", d->name, d->kind,
              d->name);
}

static int build_concat(builder *b, scope *s, const expr *e) {
  int *parts = arena_alloc(&b->scratch, (size_t)e->n_args + 1, sizeof *parts);
  if (!parts) return build_memory(b);
  for (int i = 0; i < e->n_args; i++)
    if ((parts[i] = build_value(b, s, e->args[i])) == TERM_NONE) return TERM_NONE;
  if (e->n_args == 1) return parts[0];
  const int width = width_new(b);
  return width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_CONCAT, width, parts, e->n_args);
}

/* x^n: by products where n is small and whole, else exp(n log x). */
static int build_power(builder *b, scope *s, const expr *e) {
  const double n = e->number, whole = fabs(n);
  const int x = build_value(b, s, e->args[0]);
  if (x == TERM_NONE) return TERM_NONE;
  if (!isfinite(n)) return FAIL(b, s, e->at, "the exponent must be a finite number");
  if (n == 0) return term_number(b, s, e, 1);
  if (n == 0.5) return term_unary(b, s, e, OP_SQRT, x);
  if (whole > 16 || floor(whole) != whole)
    return term_unary(b, s, e, OP_EXP, term_binary(b, s, e, OP_MUL, term_number(b, s, e, n), term_unary(b, s, e, OP_LOG, x)));
  int power = x, product = TERM_NONE;
  for (int k = (int)whole; k && b->status == UNROLL_OK; k /= 2) {
    if (k % 2) product = product == TERM_NONE ? power : term_binary(b, s, e, OP_MUL, product, power);
    if (k > 1) power = term_unary(b, s, e, OP_SQUARE, power);
  }
  return n > 0 ? product : term_binary(b, s, e, OP_DIV, term_number(b, s, e, 1), product);
}

static int call(builder *b, scope *s, const expr *e, const char *target) {
  const symbol *y = scope_find(s, e->name);
  const char *name = e->name;
  if (y && y->kind == SYMBOL_WORD)
    name = y->word;
  else if (y)
    return FAIL(b, s, e->at, "'%s' is no function here", e->name);
  const int t = build_function(b, s, e, name);
  b->called = NULL;
  if (t != -2) return t;
  const cell_file *cell = build_find_cell(b, name);
  if (cell) return build_call(b, s, e, cell, target);
  if (b->status != UNROLL_OK) return TERM_NONE;
  return FAIL(b, s, e->at, "unknown function '%s'%s", name, build_suggest(b, s, name));
}

static int expression(builder *b, scope *s, const expr *e, const char *target) {
  static const enum op ops[] = {[EXPR_ADD] = OP_ADD, [EXPR_SUB] = OP_SUB, [EXPR_MUL] = OP_MUL, [EXPR_DIV] = OP_DIV};
  int x, y;
  switch (e->kind) {
  case EXPR_NUMBER:
    return term_number(b, s, e, e->number);
  case EXPR_NAME:
    return build_name(b, s, e);
  case EXPR_MATRIX:
    return build_matrix(b, s, e);
  case EXPR_NEGATE:
    return term_unary(b, s, e, OP_NEG, build_value(b, s, e->args[0]));
  case EXPR_ADD:
  case EXPR_SUB:
  case EXPR_MUL:
  case EXPR_DIV:
    x = build_value(b, s, e->args[0]);
    y = x == TERM_NONE ? TERM_NONE : build_value(b, s, e->args[1]);
    return term_binary(b, s, e, ops[e->kind], x, y);
  case EXPR_POWER:
    return build_power(b, s, e);
  case EXPR_CALL:
    return call(b, s, e, target);
  case EXPR_CONCAT:
    return build_concat(b, s, e);
  }
  return TERM_NONE;
}

int build_expr(builder *b, scope *s, const expr *e) {
  const char *target = b->target;
  b->target = NULL;
  if (b->status != UNROLL_OK) return TERM_NONE;
  if (b->depth >= MAX_DEPTH) return FAIL(b, s, e->at, "this is nested too deeply");
  if (++b->visits > MAX_TERMS) return FAIL(b, s, e->at, "the program is too large: more than %d operations", MAX_TERMS);
  b->depth++;
  const int t = expression(b, s, e, target);
  b->depth--;
  if (e->kind != EXPR_NAME && e->kind != EXPR_CALL) b->called = NULL;
  return t;
}
