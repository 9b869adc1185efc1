/* random_expr.h - the equations of random nets and cells, see random_net.h: chance, names, expressions, recurrences. */
#ifndef TESTS_RANDOM_EXPR_H
#define TESTS_RANDOM_EXPR_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

enum { MADE_VALUES = 64, MADE_MATRICES = 32, MADE_CELLS = 6, MADE_STATIC = -1, MADE_FIXED = -2 };

typedef struct made_value {
  char name[24];
  int width, axis; /* axis MADE_STATIC: without steps; MADE_FIXED: so, but with steps if a cell were given it */
  bool hidden;     /* depends on what is predicted: no later step may see it */
  bool state;      /* of the recurrence that is being written: only its earlier values are known */
} made_value;

typedef struct made_matrix {
  char name[8];
  int rows, cols;
} made_matrix;

typedef struct made_file { /* names of one file */
  made_value values[MADE_VALUES];
  int n_values;
  made_matrix matrices[MADE_MATRICES];
  int n_matrices, n_names, n_biases;
  text out, end; /* equations; lines that follow them */
} made_file;

typedef struct made_net {
  uint64_t seed;
  bool kinks; /* functions that differences cannot be taken of */
  bool masks, stream, started;
  bool narrow; /* layernorm over two or three numbers: nearly the same whatever they are, so its gradient cancels */
  bool varies; /* the setting k changes from pass to pass */
  int lag;     /* the largest [t-k] */
  int target;  /* width of what is predicted */
  made_file net;
  char cell_names[MADE_CELLS][16];
  text cells[MADE_CELLS];
  int cell_x[MADE_CELLS], cell_size[MADE_CELLS], cell_v[MADE_CELLS]; /* widths: input, output, further input or 0 */
  bool cell_k[MADE_CELLS];                                           /* has the setting k */
  int n_cells;
} made_net;

/* --- chance --- */

static inline uint32_t made_below(made_net *m, uint32_t n) {
  uint64_t z = m->seed += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return (uint32_t)((z ^ z >> 31) >> 32) % n;
}
static inline bool made_once_in(made_net *m, uint32_t n) { return made_below(m, n) == 0; }

static inline int made_width(made_net *m) {
  static const int widths[] = {1, 2, 3, 5, 7, 3, 5, 2, 4, 128, 15, 16, 17, 5, 31, 33, 64};
  return widths[made_below(m, sizeof widths / sizeof *widths)];
}

/* --- names --- */

static inline made_value *made_add(made_file *f, const char *name, int width, int axis, bool hidden) {
  made_value *v = &f->values[f->n_values++];
  *v = (made_value){.width = width, .axis = axis, .hidden = hidden};
  snprintf(v->name, sizeof v->name, "%.23s", name);
  return v;
}

static inline bool made_room(const made_file *f) { return f->n_values < MADE_VALUES - 8; }

/* A value that an equation on `axis` may use; NULL: none. width 0: any. */
static inline const made_value *made_pick(made_net *m, const made_file *f, int width, int axis) {
  int fit[MADE_VALUES], n = 0;
  for (int i = 0; i < f->n_values; i++) {
    const made_value *v = &f->values[i];
    if ((v->axis == axis || v->axis == MADE_STATIC || (v->axis == MADE_FIXED && axis == MADE_STATIC)) &&
        (!width || v->width == width))
      fit[n++] = i;
  }
  return n ? &f->values[fit[made_below(m, (uint32_t)n)]] : NULL;
}

/* The value, now or earlier. */
static inline void made_use(made_net *m, text *out, const made_value *v) {
  const bool steps = v->axis >= 0;
  if (steps && (v->state || made_once_in(m, 6))) {
    const int lag = made_once_in(m, 4) ? 2 + (int)made_below(m, 2) : 1;
    if (lag > m->lag) m->lag = lag;
    text_format(out, "%s[t-%d]", v->name, lag);
  } else {
    text_format(out, "%s", v->name);
  }
}

/* A matrix of this shape: one that is there already, or a new one. The rows of a new one follow from where it stands. */
static inline const char *made_matrix_of(made_net *m, made_file *f, int rows, int cols, bool *transposed) {
  *transposed = false;
  for (int i = 0; i < f->n_matrices && made_once_in(m, 3); i++) {
    const made_matrix *x = &f->matrices[made_below(m, (uint32_t)f->n_matrices)];
    *transposed = x->rows == cols && x->cols == rows && (x->rows != rows || made_once_in(m, 2));
    if (*transposed || (x->rows == rows && x->cols == cols)) return x->name;
  }
  *transposed = false;
  made_matrix *x = &f->matrices[f->n_matrices < MADE_MATRICES - 1 ? f->n_matrices++ : MADE_MATRICES - 1];
  *x = (made_matrix){.rows = rows, .cols = cols};
  snprintf(x->name, sizeof x->name, "M%d", ++f->n_names % 100000);
  return x->name;
}

/* --- expressions --- */

static inline bool made_expr(made_net *m, made_file *f, text *out, int width, int axis, int depth, bool known);

/* Numbers that are no number: a vector of weights of the width that its place gives it. */
static inline void made_weights(made_net *m, made_file *f, text *out) {
  if (made_once_in(m, 2)) {
    text_format(out, "b%d", ++f->n_biases);
  } else {
    text_format(out, "p%d", ++f->n_names);
    text_format(&f->end, "param p%d\n", f->n_names);
    if (made_once_in(m, 2)) text_format(&f->end, "init p%d = 0.5\n", f->n_names);
  }
}

/* W v, W [v, u], W (expression). */
static inline void made_product(made_net *m, made_file *f, text *out, int width, int axis, int depth) {
  const made_value *v = made_pick(m, f, 0, axis), *u = made_once_in(m, 4) ? made_pick(m, f, 0, axis) : NULL;
  bool transposed;
  const char *name = made_matrix_of(m, f, width, v->width + (u ? u->width : 0), &transposed);
  text_format(out, "%s%s ", name, transposed ? "'" : "");
  if (u) {
    text_format(out, "[");
    made_use(m, out, v);
    text_format(out, ", ");
    made_use(m, out, u);
    text_format(out, "]");
  } else if (depth > 0 && made_once_in(m, 3)) {
    text_format(out, "(");
    made_expr(m, f, out, v->width, axis, depth - 1, true);
    text_format(out, ")");
  } else {
    made_use(m, out, v);
  }
}

/* Is its width known from itself? */
static inline bool made_leaf(made_net *m, made_file *f, text *out, int width, int axis, int depth, bool known) {
  const made_value *v = made_pick(m, f, width, axis);
  if (v && (known || !made_once_in(m, 3))) return made_use(m, out, v), true;
  if (made_once_in(m, 8)) return text_format(out, "%g", 0.25 * (1 + made_below(m, 6))), false;
  if (made_once_in(m, 5)) return made_weights(m, f, out), false;
  made_product(m, f, out, width, axis, depth);
  return false;
}

static inline bool made_unary(made_net *m, made_file *f, text *out, int width, int axis, int depth, bool known) {
  static const char *const smooth[] = {"tanh(",
                                       "sigmoid(",
                                       "softplus(",
                                       "gelu(",
                                       "sin(",
                                       "cos(",
                                       "normal_cdf(",
                                       "exp(-square(",
                                       "sqrt(1 + square(",
                                       "log(1 + square(",
                                       "-tanh(",
                                       "square(tanh(",
                                       "layernorm(",
                                       "softmax(",
                                       "dropout(",
                                       "neg(",
                                       "(2 + tanh("};
  static const char *const kinked[] = {"relu(", "abs(", "hard_sigmoid(", "sign(", "step(", "leaky_relu(", "elu(", "clip("};
  const bool kink = m->kinks && made_once_in(m, 3);
  const char *name =
      kink ? kinked[made_below(m, sizeof kinked / sizeof *kinked)] : smooth[made_below(m, sizeof smooth / sizeof *smooth)];
  if (!strcmp(name, "layernorm(") && width < 4 && !made_once_in(m, 8)) name = "tanh(";
  text_format(out, "%s", name);
  if (!strcmp(name, "layernorm(")) { /* not of equal numbers, where rounding decides what comes out */
    m->narrow |= width < 4;
    text_format(out, "b%d + ", ++f->n_biases);
  }
  const bool found = made_expr(m, f, out, width, axis, depth - 1, known);
  if (!strcmp(name, "dropout(")) {
    const bool mask = made_once_in(m, 2);
    m->masks |= mask;
    text_format(out, ", %s%s", mask ? "0.3" : "0", made_once_in(m, 2) ? ", same" : "");
  }
  if (!strcmp(name, "clip(")) text_format(out, ", -0.4, 0.6");
  const char *second = strchr(strchr(name, '(') + 1, '(');
  text_format(out, second ? "))" : ")");
  if (name[0] == '(') text_format(out, "^%d", made_once_in(m, 2) ? 2 : -1 + 4 * (int)made_below(m, 2));
  return found;
}

/* One number for the whole width. */
static inline void made_one(made_net *m, made_file *f, text *out, int axis) {
  const made_value *v = made_pick(m, f, 1, axis);
  if (v)
    made_use(m, out, v);
  else
    text_format(out, "%g", 0.5 + made_below(m, 3));
}

static inline bool made_binary(made_net *m, made_file *f, text *out, int width, int axis, int depth, bool known) {
  static const char *const signs[] = {" + ", " - ", " * ", " + ", " * "};
  const uint32_t kind = made_below(m, 8);
  bool a, b;
  if (kind < 5) {
    text_format(out, "(");
    a = made_expr(m, f, out, width, axis, depth - 1, known);
    text_format(out, "%s", signs[kind]);
    b = false;
    if (made_once_in(m, 8))
      made_one(m, f, out, axis);
    else
      b = made_expr(m, f, out, width, axis, depth - 1, false);
    text_format(out, ")");
    return a || b;
  }
  if (kind == 5 && m->kinks) {
    text_format(out, "%s(", made_once_in(m, 2) ? "min" : "max");
    a = made_expr(m, f, out, width, axis, depth - 1, known);
    text_format(out, ", ");
    b = made_expr(m, f, out, width, axis, depth - 1, false);
    text_format(out, ")");
    return a || b;
  }
  text_format(out, "(");
  a = made_expr(m, f, out, width, axis, depth - 1, known);
  text_format(out, " / (1.5 + square(");
  b = made_expr(m, f, out, width, axis, depth - 1, false);
  text_format(out, ")))");
  return a || b;
}

static inline bool made_expr(made_net *m, made_file *f, text *out, int width, int axis, int depth, bool known) {
  if (depth <= 0 || made_once_in(m, 4) || (known && width == 1)) return made_leaf(m, f, out, width, axis, depth, known);
  if (made_once_in(m, 3)) return made_unary(m, f, out, width, axis, depth, known);
  return made_binary(m, f, out, width, axis, depth, known);
}

/* --- recurrences --- */

static inline void made_width_line(made_file *f, const char *name, int width) {
  text_format(&f->end, "width %s = %d\n", name, width);
}

/* What ties an equation to data with steps. */
static inline void made_link(made_net *m, made_file *f, text *out, int width, int axis) {
  const made_value *v;
  bool t;
  do v = made_pick(m, f, 0, axis);
  while (v->axis != axis || v->state);
  const char *name = made_matrix_of(m, f, width, v->width, &t);
  text_format(out, "%s%s %s / 2 + ", name, t ? "'" : "", v->name);
}

/* The equation of a state: whatever goes in, what comes out stays small. */
static inline void made_state(made_net *m, made_file *f, const char *name, int width, int axis) {
  text *o = &f->out;
  const int depth = 1 + (int)made_below(m, 2);
  text_format(o, "%s = ", name);
  made_link(m, f, o, width, axis);
  switch (made_below(m, 7)) {
  case 0: /* gated */
    text_format(o, "sigmoid(");
    made_expr(m, f, o, width, axis, depth, false);
    text_format(o, ") * %s[t-1] + tanh(", name);
    made_expr(m, f, o, width, axis, depth, false);
    text_format(o, ") / 2");
    break;
  case 1: /* a scan without products on the state */
    text_format(o, "%g * %s[t-1] + tanh(", 0.25 * (1 + made_below(m, 3)), name);
    made_expr(m, f, o, width, axis, 1, false);
    text_format(o, ")");
    break;
  case 2:
    m->masks = true;
    text_format(o, "zoneout(tanh(");
    made_expr(m, f, o, width, axis, depth, false);
    text_format(o, "), %s[t-1], %s)", name, made_once_in(m, 4) ? "0" : "0.25");
    break;
  case 3: {
    bool t;
    const char *matrix = made_matrix_of(m, f, width, width, &t);
    const bool norm = made_once_in(m, width < 4 ? 16 : 2);
    m->narrow |= norm && width < 4;
    text_format(o, "%s(%s%s %s[t-1] + b%d + ", norm ? "layernorm" : "softmax", matrix, t ? "'" : "", name, ++f->n_biases);
    made_expr(m, f, o, width, axis, depth, false);
    text_format(o, ")");
    break;
  }
  default: {
    bool t;
    const char *matrix = made_matrix_of(m, f, width, width, &t);
    text_format(o, "tanh(%s%s %s[t-1] + ", matrix, t ? "'" : "", name);
    made_expr(m, f, o, width, axis, depth, false);
    text_format(o, " + b%d)", ++f->n_biases);
  }
  }
  text_format(o, "\n");
}

/* One to four states and some gates between them, on an axis of a file. The last state has the given name and width. */
static inline void made_recurrence(made_net *m, made_file *f, const char *last, int last_width, int axis, bool hidden) {
  const int states = 1 + (int)made_below(m, 4), base = f->n_values;
  char names[4][24];
  for (int i = 0; i < states; i++) {
    const int width = i == states - 1 ? last_width : made_once_in(m, 2) ? last_width : made_width(m);
    if (i == states - 1)
      snprintf(names[i], sizeof names[i], "%s", last);
    else
      snprintf(names[i], sizeof names[i], "s%d", ++f->n_names);
    made_add(f, names[i], width, axis, hidden)->state = true;
    made_width_line(f, names[i], width);
  }
  for (int i = 0; i < states; i++) {
    if (made_once_in(m, 2) && made_room(f)) { /* a gate: known from here on at the same step */
      char gate[24];
      const int width = made_once_in(m, 2) ? last_width : made_width(m);
      snprintf(gate, sizeof gate, "g%d", ++f->n_names);
      text_format(&f->out, "%s = sigmoid(", gate);
      made_link(m, f, &f->out, width, axis);
      made_expr(m, f, &f->out, width, axis, 2, false);
      text_format(&f->out, ")\n");
      made_width_line(f, gate, width);
      made_add(f, gate, width, axis, hidden);
    }
    made_state(m, f, names[i], f->values[base + i].width, axis);
    f->values[base + i].state = false;
  }
}

#endif
