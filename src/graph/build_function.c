/* build_function.c - calls of functions: elementwise ones from ops.def, those over a row or over time, embed and dropout. */
#include "graph/build_internal.h"
#include <math.h>
#include <string.h>

const char *const build_functions[] = {
#define UNARY(name, text, dx, y) text,
#define BINARY(name, text, da, db, y) text,
#define OTHER(name, text, inputs, back, form)
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
    "softmax", "layernorm", "embed", "dropout",    "zoneout", "mean",      "sum",   "last",  "first",  "attend",
    "conv",    "pool",      "part",  "leaky_relu", "clip",    "batchnorm", "match", "blend", "across", "down",
#define FUNCTION(name, args, value) #name,
#include "graph/functions.def"
    NULL};

bool build_is_hidden(const char *name) {
  for (int op = 0; op < OP_COUNT; op++)
    if (graph_ops[op].kind != OP_KIND_OTHER && !graph_ops[op].derivative[0] && !strcmp(graph_ops[op].text, name)) return true;
  return false;
}

/* --- arguments --- */

bool build_args(builder *b, scope *s, const expr *e, int least, int most) {
  for (int i = 0; i < e->n_args; i++)
    if (e->arg_names && e->arg_names[i])
      return FAIL(b, s, e->arg_at[i], "'%s' has no argument '%s'", e->name, e->arg_names[i]), false;
  if (e->n_args >= least && e->n_args <= most) return true;
  if (least == most)
    FAIL(b, s, e->at, "'%s' takes %d argument%s, not %d", e->name, least, least == 1 ? "" : "s", e->n_args);
  else
    FAIL(b, s, e->at, "'%s' takes %d to %d arguments, not %d", e->name, least, most, e->n_args);
  return false;
}

static int elementwise(builder *b, scope *s, const expr *e, enum op op) {
  const int n = graph_ops[op].inputs;
  if (!build_args(b, s, e, n, n)) return TERM_NONE;
  const int x = build_value(b, s, e->args[0]);
  if (n == 1 || x == TERM_NONE) return term_unary(b, s, e, op, x);
  return term_binary(b, s, e, op, x, build_value(b, s, e->args[1]));
}

/* A term of the same width as its first argument; a number becomes a vector of width 1. */
static int width_of(builder *b, int x) {
  return b->terms[x].width == WIDTH_FREE ? width_known(b, 1, "a number") : b->terms[x].width;
}

static int same_width(builder *b, scope *s, const expr *e, enum term_kind kind) {
  if (!build_args(b, s, e, 1, 1)) return TERM_NONE;
  const int x = build_value(b, s, e->args[0]), width = x == TERM_NONE ? WIDTH_FREE : width_of(b, x);
  const int t = width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, kind, width, &x, 1);
  if (t != TERM_NONE) memcpy(b->terms[t].shape, b->terms[x].shape, sizeof b->terms[t].shape);
  return t;
}

static int row(builder *b, scope *s, const expr *e, enum op op) {
  const int t = same_width(b, s, e, TERM_ROW);
  if (t != TERM_NONE) b->terms[t].op = op;
  return t;
}

static int edge(builder *b, scope *s, const expr *e, int dir) {
  const int t = same_width(b, s, e, TERM_EDGE);
  if (t != TERM_NONE) b->terms[t].dir = dir;
  return t;
}

/* --- each function --- */

/* embed(idx, size): a row of a table for each symbol, zeros before the first. */
static int embed(builder *b, scope *s, const expr *e) {
  int size = 0;
  if (!build_args(b, s, e, 2, 2)) return TERM_NONE;
  const int x = build_expr(b, s, e->args[0]);
  if (x == TERM_NONE) return TERM_NONE;
  if (b->terms[x].kind != TERM_INDEX)
    return FAIL(b, s, e->args[0]->at, "embed takes symbols (chars, bytes, words, bpe or category), and '%s' is numbers",
                build_describe(b, e->args[0]));
  if (!build_integer(b, s, e->args[1], "the size", 1, MAX_SIZE, &size)) return TERM_NONE;
  const int data = b->terms[x].data, lag = b->terms[x].lag, number = ++b->embeds[data];
  const data_info *d = &b->g->data[data];
  const char *name = number == 1 ? build_text(b, "%s.embed", d->name) : build_text(b, "%s.embed%d", d->name, number);
  const int rows = width_known(b, size, build_text(b, "embed in line %d", e->at.line));
  const int cols = b->data[data];
  if (rows == WIDTH_FREE) return TERM_NONE;
  if (!build_grow(b, (void **)&b->weights, b->n_weights, &b->cap_weights, sizeof *b->weights)) return TERM_NONE;
  b->weights[b->n_weights] = (weight){
      .name = name, .role = PARAM_EMBEDDING, .symbols = true, .rows = rows, .cols = cols, .in = s, .at = e->at, .param = -1};
  const int t = term_add(b, s, e, TERM_EMBED, rows, NULL, 0);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].weight = b->n_weights++;
  b->terms[t].data = data;
  b->terms[t].lag = lag;
  return t;
}

static bool probability(builder *b, scope *s, const expr *e, const char *what, double *p) {
  if (build_number(b, s, e, p) && *p >= 0 && *p < 1) return true;
  return FAIL(b, s, e->at, "%s needs a probability from 0 up to, but not including, 1", what), false;
}

static int masked(builder *b, scope *s, const expr *e, int x, double p, bool same) {
  const int width = x == TERM_NONE ? WIDTH_FREE : width_of(b, x);
  const int t = width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_DROPOUT, width, &x, 1);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].value = p;
  b->terms[t].over_time = same;
  memcpy(b->terms[t].shape, b->terms[x].shape, sizeof b->terms[t].shape);
  return t;
}

static bool is_same(const expr *e) { return is_flag(e) && (!strcmp(e->name, "same") || !strcmp(e->name, "variational")); }

/* dropout(x, p), dropout(x, p, same) or dropout(x, p, steps = same): one mask for all steps. */
static int dropout(builder *b, scope *s, const expr *e) {
  double p = 0;
  bool same = false;
  if (e->n_args < 2 || e->n_args > 3) return FAIL(b, s, e->at, "'dropout' takes a value and a probability, as in dropout(h, 0.1)");
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    if (i == 2 && is_same(e->args[i]) && (!name || !strcmp(name, "steps")))
      same = true;
    else if (name)
      return FAIL(b, s, e->arg_at[i], "'dropout' has no argument '%s'; say 'steps = same' for one mask", name);
    else if (i == 2)
      return FAIL(b, s, e->args[i]->at, "expected 'same': one mask for all steps");
  }
  const int x = build_value(b, s, e->args[0]);
  if (x == TERM_NONE || !probability(b, s, e->args[1], "dropout", &p)) return TERM_NONE;
  if (p == 0) return x;
  return masked(b, s, e, x, p, same);
}

/* zoneout(new, old, p) = old + (1 - p) m (new - old), where m is dropout's mask: 0 or 1 / (1 - p) in training, 1 outside. So it
 * is the old value with probability p, and outside training the mean of that (Krueger et al. 2017). */
static int zoneout(builder *b, scope *s, const expr *e) {
  double p = 0;
  if (!build_args(b, s, e, 3, 3)) return TERM_NONE;
  const int new = build_value(b, s, e->args[0]), old = new == TERM_NONE ? TERM_NONE : build_value(b, s, e->args[1]);
  if (old == TERM_NONE || !probability(b, s, e->args[2], "zoneout", &p)) return TERM_NONE;
  if (p == 0) return new;
  const int change = masked(b, s, e, term_binary(b, s, e, OP_SUB, new, old), p, false);
  return term_binary(b, s, e, OP_ADD, old, term_binary(b, s, e, OP_MUL, term_number(b, s, e, 1 - p), change));
}

/* A pass sees some steps of a stream, and not where it begins and ends. */
static bool is_whole(builder *b, scope *s, const expr *e) {
  if (!b->stream) return true;
  return FAIL(b, s, e->at, "a stream has no end to start from: '%s' needs sequences, as in 'data %s : %s lines'", e->name,
              b->g->data[0].name, b->g->data[0].kind),
         false;
}

/* reverse(x): the last step first, within each sequence's own length. */
static int reverse(builder *b, scope *s, const expr *e) {
  return is_whole(b, s, e) ? same_width(b, s, e, TERM_REVERSE) : TERM_NONE;
}

/* mean(x), sum(x), max(x): over all steps. */
static int over_time(builder *b, scope *s, const expr *e, enum op op, bool whole) {
  const int t = is_whole(b, s, e) ? same_width(b, s, e, TERM_OVER) : TERM_NONE;
  if (t == TERM_NONE) return t;
  b->terms[t].op = op;
  b->terms[t].value = whole;
  return t;
}

/* part(x, k, n): the k-th of n equal parts of x, as `(i, f, o, g) = x` makes them. */
static int part(builder *b, scope *s, const expr *e) {
  int k = 0, n = 0;
  if (!build_args(b, s, e, 3, 3)) return TERM_NONE;
  const int x = build_value(b, s, e->args[0]);
  if (x == TERM_NONE || !build_integer(b, s, e->args[2], "the number of parts", 1, MAX_SIZE, &n) ||
      !build_integer(b, s, e->args[1], "which part", 1, n, &k))
    return TERM_NONE;
  if (b->terms[x].width == WIDTH_FREE) return FAIL(b, s, e->at, "a number has no parts");
  const int width = width_new(b), t = width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_PART, width, &x, 1);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].lag = k - 1;
  b->terms[t].value = n;
  b->widths[width_root(b, b->terms[x].width)].parts = n;
  return t;
}

/* The argument number i, which may be left out. */
static bool optional(builder *b, scope *s, const expr *e, int i, const char *what, double *value) {
  if (e->n_args <= i || (build_number(b, s, e->args[i], value) && isfinite(*value))) return true;
  return FAIL(b, s, e->args[i]->at, "%s of '%s' must be a number", what, e->name), false;
}

/* leaky_relu(x, slope = 0.01) = max(x, slope x) (Maas, Hannun & Ng 2013) */
static int leaky_relu(builder *b, scope *s, const expr *e) {
  double slope = 0.01;
  if (!build_args(b, s, e, 1, 2) || !optional(b, s, e, 1, "the slope", &slope)) return TERM_NONE;
  if (!(slope >= 0 && slope < 1)) return FAIL(b, s, e->args[1]->at, "the slope must be from 0 up to, but not including, 1");
  const int x = build_value(b, s, e->args[0]);
  return term_binary(b, s, e, OP_MAX, x, term_binary(b, s, e, OP_MUL, term_number(b, s, e, slope), x));
}

/* clip(x, low, high): within these. */
static int clip(builder *b, scope *s, const expr *e) {
  if (!build_args(b, s, e, 3, 3)) return TERM_NONE;
  double low = 0, high = 0;
  if (build_number(b, s, e->args[1], &low) && build_number(b, s, e->args[2], &high) && low > high)
    return FAIL(b, s, e->args[1]->at, "%g is above %g: 'clip' takes a value, the lowest and the highest", low, high);
  const int x = build_value(b, s, e->args[0]), least = x == TERM_NONE ? TERM_NONE : build_value(b, s, e->args[1]);
  const int most = least == TERM_NONE ? TERM_NONE : build_value(b, s, e->args[2]);
  return most == TERM_NONE ? TERM_NONE : term_binary(b, s, e, OP_MAX, least, term_binary(b, s, e, OP_MIN, most, x));
}

typedef struct attend_args {
  const expr *value[4]; /* query, keys, values, additive */
  int n;                /* of query, keys, values */
  bool scaled;
} attend_args;

static bool read_attend(builder *b, scope *s, const expr *e, attend_args *a) {
  static const char *const names[] = {"additive", "scaled"};
  *a = (attend_args){.n = 0};
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    const bool flag = !name && is_flag(e->args[i]) && !scope_find(s, e->args[i]->name);
    double number = 0;
    if (name && !strcmp(name, "additive")) {
      a->value[3] = e->args[i];
    } else if (name && !strcmp(name, "scaled")) {
      if (!build_number(b, s, e->args[i], &number)) return FAIL(b, s, e->args[i]->at, "scaled must be a number: 0 or 1"), false;
      a->scaled = number != 0;
    } else if (name) {
      return FAIL(b, s, e->arg_at[i], "'attend' has no argument '%s'%s", name, build_hint(b, name, names, 2)), false;
    } else if (flag && !strcmp(e->args[i]->name, "scaled")) {
      a->scaled = true;
    } else {
      if (a->n == 3) return FAIL(b, s, e->args[i]->at, "'attend' takes a query, keys and values, and no more"), false;
      a->value[a->n++] = e->args[i];
    }
  }
  if (a->n < 2)
    return FAIL(b, s, e->at,
                "'attend' takes a query and what it looks at, as in attend(d, s), or keys and values: attend(q, k, v)"),
           false;
  if (a->scaled && a->value[3]) return FAIL(b, s, e->at, "'scaled' is for products, and additive scores are none"), false;
  if (a->n == 2) a->value[2] = a->value[1];
  return true;
}

/* The other's width is that of the query, whose entries meet its entries. */
static bool as_wide(builder *b, scope *s, const expr *e, int q, const expr *other, int x) {
  const int v = width_of(b, q), w = width_of(b, x);
  if (v == WIDTH_FREE || w == WIDTH_FREE) return false;
  if (width_unify(b, v, w)) return true;
  const char *query = build_describe(b, e->args[0]);
  FAIL(b, s, other->at, "'%s' is %d wide (%s), but the query '%s' is %d wide (%s): put a matrix before one of them",
       build_describe(b, other), width_value(b, w), width_why(b, w), query, width_value(b, v), width_why(b, v));
  return false;
}

/* attend(q, k, v): at each step of q a mean of all steps of v. Its weights are the softmax of the products of q with the steps
 * of k (Luong, Pham & Manning 2015). `scaled`: the products are divided by the root of their width (Vaswani et al. 2017).
 * additive = p: the softmax is of p . tanh(q + k) (Bahdanau, Cho & Bengio 2015). attend(q, k) is attend(q, k, k). */
static int attend(builder *b, scope *s, const expr *e) {
  attend_args a;
  int args[4];
  if (!read_attend(b, s, e, &a) || !is_whole(b, s, e)) return TERM_NONE;
  const int n = a.value[3] ? 4 : 3;
  for (int i = 0; i < n; i++) {
    args[i] = i == 2 && a.n == 2 ? args[1] : build_value(b, s, a.value[i]);
    if (args[i] == TERM_NONE) return TERM_NONE;
  }
  if (n == 4 && b->terms[args[3]].kind != TERM_VECTOR)
    return FAIL(b, s, a.value[3]->at, "additive takes a vector of weights, as v of a line 'param v'");
  if (!as_wide(b, s, e, args[0], a.value[1], args[1])) return TERM_NONE;
  if (n == 4 && !as_wide(b, s, e, args[0], a.value[3], args[3])) return TERM_NONE;
  const int width = width_of(b, args[2]), t = width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_ATTEND, width, args, n);
  if (t != TERM_NONE) b->terms[t].value = a.scaled;
  return t;
}

int build_function(builder *b, scope *s, const expr *e, const char *name) {
  if (!strcmp(name, "embed")) return embed(b, s, e);
  if (!strcmp(name, "dropout")) return dropout(b, s, e);
  if (!strcmp(name, "zoneout")) return zoneout(b, s, e);
  if (!strcmp(name, "last")) return edge(b, s, e, -1);
  if (!strcmp(name, "first")) return is_whole(b, s, e) ? edge(b, s, e, +1) : TERM_NONE;
  if (!strcmp(name, "softmax")) return row(b, s, e, OP_SOFTMAX);
  if (!strcmp(name, "layernorm")) return row(b, s, e, OP_LAYERNORM);
  if (!strcmp(name, "attend")) return attend(b, s, e);
  if (!strcmp(name, "conv")) return build_conv(b, s, e);
  if (!strcmp(name, "pool")) return build_pool(b, s, e);
  if (!strcmp(name, "batchnorm")) return build_batchnorm(b, s, e);
  if (!strcmp(name, "match")) return build_positions(b, s, e, OP_MATCH);
  if (!strcmp(name, "blend")) return build_positions(b, s, e, OP_BLEND);
  if (!strcmp(name, "across")) return build_places(b, s, e, INIT_ACROSS);
  if (!strcmp(name, "down")) return build_places(b, s, e, INIT_DOWN);
  if (!strcmp(name, "mean")) return over_time(b, s, e, OP_SUM_TIME, false);
  if (!strcmp(name, "sum")) return over_time(b, s, e, OP_SUM_TIME, true);
  if (!strcmp(name, "max") && e->n_args == 1) return over_time(b, s, e, OP_MAX_TIME, true);
  if (!strcmp(name, "reverse")) return reverse(b, s, e);
  if (!strcmp(name, "part")) return part(b, s, e);
  if (!strcmp(name, "leaky_relu")) return leaky_relu(b, s, e);
  if (!strcmp(name, "clip")) return clip(b, s, e);
  for (int op = 0; op < OP_COUNT && !build_is_hidden(name); op++)
    if (graph_ops[op].kind != OP_KIND_OTHER && !strcmp(graph_ops[op].text, name)) return elementwise(b, s, e, (enum op)op);
  return build_composed(b, s, e, name);
}
