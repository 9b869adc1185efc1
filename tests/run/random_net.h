/* random_net.h - texts of random nets and cells, valid by construction: a number gives always the same text.
 *
 * The maker knows the width and the time axis of each variable and what it may see, and writes equations from that: recurrences of
 * one to four states, in the net or in cells that call cells; layers, both directions, starts, dropout; products with shared and
 * separate operands, concatenations, rows and everything elementwise; several axes and losses. It writes text only, so that lexer,
 * parser and builder take part. */
#ifndef TESTS_RANDOM_NET_H
#define TESTS_RANDOM_NET_H
#include "random_expr.h"

/* --- cells --- */

/* A cell for an input of one width; -1: there are enough. Its x may enter without a matrix. */
static inline int made_cell(made_net *m, int x, int size, int depth) {
  made_file f = {0};
  if (m->n_cells == MADE_CELLS) return -1;
  const bool setting = made_once_in(m, 3);
  int inner = -1;
  if (depth < 2 && made_once_in(m, 4)) inner = made_cell(m, size, size, depth + 1);
  if (m->n_cells == MADE_CELLS) return -1;
  if (inner >= 0 && m->cell_v[inner]) inner = -1;
  const int v = inner < 0 && made_once_in(m, 4) ? made_width(m) : 0;
  const int number = m->n_cells++;
  snprintf(m->cell_names[number], sizeof m->cell_names[number], "made%d", number + 1);
  made_add(&f, "x", x, 0, false);
  if (v) made_add(&f, "v", v, 0, false);
  if (setting) text_format(&f.out, "k = 0.5\n");
  if (setting) made_add(&f, "k", 1, MADE_STATIC, false);
  if (inner >= 0) {
    made_recurrence(m, &f, "q", size, 0, false);
    text_format(&f.out, "h = %s(q, size)\nwidth h = size\n", m->cell_names[inner]);
    if (made_once_in(m, 2)) text_format(&f.out, "output h\n");
  } else {
    made_recurrence(m, &f, "h", size, 0, false);
    if (v) { /* named at least once */
      text_format(&f.out, "u = tanh(h + V v)\nwidth u = size\noutput u\n");
    }
  }
  text_add(&f.out, f.end.data ? f.end.data : "", f.end.length);
  text_free(&f.end);
  m->cells[number] = f.out;
  m->cell_x[number] = x;
  m->cell_size[number] = size;
  m->cell_v[number] = v;
  m->cell_k[number] = setting;
  return number;
}

/* --- the net --- */

static inline void made_name(made_file *f, char out[24], char letter) { snprintf(out, 24, "%c%d", letter, ++f->n_names); }

/* The name of a value of exactly this width on the axis; where there is none, a new one. */
static inline void made_operand(made_net *m, char out[24], int width, int axis) {
  made_file *f = &m->net;
  const made_value *v = made_pick(m, f, width, axis);
  if (v && v->axis == axis) {
    snprintf(out, 24, "%s", v->name);
    return;
  }
  do v = made_pick(m, f, 0, axis);
  while (v->axis != axis);
  const bool hidden = v->hidden;
  bool t;
  const char *name = made_matrix_of(m, f, width, v->width, &t);
  made_name(f, out, 'o');
  text_format(&f->out, "%s = %s%s %s\n", out, name, t ? "'" : "", v->name);
  made_width_line(f, out, width);
  made_add(f, out, width, axis, hidden);
}

static const char *const made_builtin[] = {
    "lstm",  "gru",      "rnn",     "irnn",          "lstm_peephole", "gru_layernorm", "lstm_layernorm", "gru_reset_after",
    "mgu",   "ugrnn",    "sru",     "qrnn",          "mingru",        "minlstm",       "indrnn",         "rhn",
    "slstm", "cornn",    "highway", "lstm_squashed", "rnn_relu",      "lstm_steep",    "mut1",           "mut2",
    "mut3",  "lstm_cifg"};

/* h = cell(x, size, ...). */
static inline void made_call(made_net *m, int axis, bool hidden) {
  made_file *f = &m->net;
  const int width = made_width(m), layers = made_once_in(m, 4) ? 2 : 1;
  const bool own = !made_once_in(m, 3);
  int cell = -1, x = width;
  if (own && m->n_cells && made_once_in(m, 3))
    cell = (int)made_below(m, (uint32_t)m->n_cells);
  else if (own)
    cell = made_cell(m, layers > 1 || made_once_in(m, 2) ? width : made_width(m), width, 0);
  const int size = cell >= 0 ? m->cell_size[cell] : width;
  if (cell >= 0) x = m->cell_x[cell];
  char name[24];
  made_name(f, name, 'h');
  const char *callee = cell >= 0 ? m->cell_names[cell] : made_builtin[made_below(m, sizeof made_builtin / sizeof *made_builtin)];
  if (cell < 0 && !m->kinks && (!strcmp(callee, "irnn") || !strcmp(callee, "rnn_relu"))) callee = "gru";
  m->narrow |= size < 4 && strstr(callee, "layernorm");
  char given[24], further[24];
  made_operand(m, given, x, axis);
  if (cell >= 0 && m->cell_v[cell]) made_operand(m, further, m->cell_v[cell], axis);
  text_format(&f->out, "%s = %s(%s", name, callee, given);
  if (cell >= 0 && m->cell_v[cell]) text_format(&f->out, ", %s", further);
  text_format(&f->out, ", %d", size);
  if (!hidden && !m->stream && made_once_in(m, 3)) text_format(&f->out, ", backward");
  if (x == size && layers > 1) text_format(&f->out, ", layers = 2");
  if (made_once_in(m, 4)) {
    const bool mask = made_once_in(m, 2);
    m->masks |= mask;
    text_format(&f->out, ", dropout = %s", mask ? "0.25" : "0");
  }
  if (cell >= 0 && m->cell_k[cell] && made_once_in(m, 2)) text_format(&f->out, ", k = -0.75");
  text_format(&f->out, ")\n");
  made_add(f, name, size, axis, hidden);
}

/* Two recurrences of one cell on different axes, the second of which starts where the first ends; or one that starts from a vector.
 */
static inline void made_start(made_net *m, int axis, int other, bool hidden) {
  made_file *f = &m->net;
  static const char *const cells[] = {"lstm", "gru", "rnn", "rhn", "lstm_peephole", "mgu"};
  const char *cell = cells[made_below(m, 6)];
  const int width = made_width(m), layers = 1 + (int)made_below(m, 2);
  char first[24], name[24], given[24];
  made_name(f, name, 'h');
  if (other >= 0) {
    made_name(f, first, 'h');
    made_operand(m, given, width, other);
    text_format(&f->out, "%s = %s(%s, %d, layers = %d%s)\n", first, cell, given, width, layers,
                made_once_in(m, 2) ? ", backward" : "");
    made_add(f, first, width, other, false);
    made_operand(m, given, width, axis);
    text_format(&f->out, "%s = %s(%s, %d, layers = %d, start = %s)\n", name, cell, given, width, layers, first);
  } else {
    made_operand(m, given, width, axis);
    text_format(&f->out, "%s = %s(%s, %d, start = tanh(", name, cell, given, width);
    made_expr(m, f, &f->out, width, MADE_STATIC, 1, false);
    text_format(&f->out, "))\n");
  }
  made_add(f, name, width, axis, hidden);
}

/* What has no steps, from what has. */
static inline void made_reduction(made_net *m, int axis) {
  static const char *const functions[] = {"last", "first", "mean", "max"};
  made_file *f = &m->net;
  const made_value *v;
  do v = made_pick(m, f, 0, axis); /* there are values that see nothing hidden */
  while (v->axis != axis || v->hidden);
  char name[24];
  const int width = v->width;
  made_name(f, name, 'r');
  text_format(&f->out, "%s = %s(%s)\n", name, functions[made_below(m, m->kinks ? 4 : 3)], v->name);
  made_add(f, name, width, MADE_STATIC, false);
}

/* What has steps and sees nothing hidden, from its last step to its first. */
static inline void made_reverse(made_net *m, int axis) {
  made_file *f = &m->net;
  const made_value *v;
  do v = made_pick(m, f, 0, axis);
  while (v->axis != axis || v->hidden);
  char name[24];
  const int width = v->width;
  made_name(f, name, 'r');
  text_format(&f->out, "%s = reverse(%s)\n", name, v->name);
  made_add(f, name, width, axis, false);
}

/* What each step, or the last one, of the main axis makes of all steps of another, or of its own where nothing is hidden. */
static inline void made_attention(made_net *m, int keys, bool hidden) {
  static const char *const forms[] = {"", ", scaled", ", additive = "};
  made_file *f = &m->net;
  const int width = made_width(m), values = made_width(m);
  const bool whole = !hidden && made_once_in(m, 4), own = made_once_in(m, 4);
  const uint32_t form = made_below(m, 3);
  char q[24], k[24], v[24], name[24];
  made_operand(m, q, width, 0);
  made_operand(m, k, width, keys);
  made_operand(m, v, values, keys);
  made_name(f, name, 'c');
  text_format(&f->out, "%s = attend(", name);
  if (form == 0 && made_once_in(m, 3)) {
    bool t;
    const char *matrix = made_matrix_of(m, f, width, width, &t);
    text_format(&f->out, "%s%s ", matrix, t ? "'" : "");
  }
  text_format(&f->out, whole ? "last(%s)" : "%s", q);
  text_format(&f->out, ", %s", k);
  if (!own || form) text_format(&f->out, ", %s%s", own ? k : v, forms[form]);
  if (form == 2) {
    text_format(&f->out, "p%d", ++f->n_names);
    text_format(&f->end, "param p%d\n", f->n_names);
  }
  text_format(&f->out, ")\n");
  made_add(f, name, own ? width : values, whole ? MADE_STATIC : 0, hidden);
}

static inline void made_definition(made_net *m, int axis, bool hidden) {
  made_file *f = &m->net;
  char name[24];
  const int width = made_width(m);
  made_name(f, name, 'a');
  text_format(&f->out, "%s = ", name);
  made_link(m, f, &f->out, width, axis);
  made_expr(m, f, &f->out, width, axis, 3, false);
  text_format(&f->out, "\n");
  made_width_line(f, name, width);
  made_add(f, name, width, axis, hidden);
}

/* A scale and the like: of its own for each entry, or one for all. */
static inline void made_positive(made_net *m, made_file *f, text *out, int width, int axis) {
  if (made_once_in(m, 3)) {
    text_format(out, "1.5");
    return;
  }
  text_format(out, "0.5 + softplus(");
  made_expr(m, f, out, made_once_in(m, 3) ? 1 : width, axis, 1, false);
  text_format(out, ")");
}

static inline void made_target(made_net *m, const char *name, int width, int axis, bool symbols) {
  made_file *f = &m->net;
  text *o = &f->out;
  if (symbols) {
    text_format(o, "%s ~ softmax(", name);
    made_product(m, f, o, width, axis, 1);
    text_format(o, " + b%d)\n", ++f->n_biases);
    return;
  }
  static const char *const distributions[] = {"bernoulli", "gaussian", "student_t", "negative_binomial",
                                              "mixture",   "laplace",  "quantile"};
  const char *kind = distributions[made_below(m, m->kinks ? 7 : 5)];
  text_format(o, "%s ~ %s(", name, kind);
  if (!strcmp(kind, "bernoulli")) {
    made_expr(m, f, o, width, axis, 2, false);
  } else if (!strcmp(kind, "mixture")) {
    const int n = 1 + (int)made_below(m, 3);
    text_format(o, "%d, ", n);
    made_product(m, f, o, width == 3 ? 6 * n + 1 : n * (2 * width + 1), axis, 1);
  } else if (!strcmp(kind, "quantile")) {
    const bool two = made_once_in(m, 2);
    text_format(o, two ? "0.25, 0.75, " : "0.1, 0.5, 0.9, ");
    made_product(m, f, o, width * (two ? 2 : 3), axis, 1);
  } else {
    const bool counts = !strcmp(kind, "negative_binomial");
    text_format(o, counts ? "mean = 0.5 + softplus(" : "mean = ");
    made_expr(m, f, o, width, axis, 2, false);
    text_format(o, counts ? "), shape = " : ", scale = ");
    made_positive(m, f, o, width, axis);
    if (!strcmp(kind, "student_t")) {
      text_format(o, ", dof = 2 + ");
      made_positive(m, f, o, width, axis);
    }
  }
  text_format(o, ")\n");
}

/* --- data --- */

/* A variable of symbols, and what can be computed with: a row of a table, or one-hot through a matrix. */
static inline void made_symbols(made_net *m, const char *name, bool late, int axis) {
  made_file *f = &m->net;
  const int n = 1 + (int)made_below(m, 2);
  for (int i = 0; i < n; i++) {
    char value[24], index[16] = "";
    const int width = made_width(m);
    made_name(f, value, 'e');
    if (late || (axis >= 0 && made_once_in(m, 4))) snprintf(index, sizeof index, "[t-%d]", i ? 2 : 1);
    if (made_once_in(m, 3)) {
      text_format(&f->out, "%s = E%d %s%s\n", value, ++f->n_names, name, index);
      made_width_line(f, value, width);
    } else {
      text_format(&f->out, "%s = embed(%s%s, %d)\n", value, name, index, width);
    }
    made_add(f, value, width, axis, late);
  }
}

static inline void made_data(made_net *m, int kind) {
  made_file *f = &m->net;
  text *o = &f->out;
  const int width = 1 + (int)made_below(m, 6), more = 2 + (int)made_below(m, 6);
  m->target = kind == 0 ? more : kind < 3 ? width + 1 : width;
  switch (kind) {
  case 0: /* a text that predicts itself */
    m->stream = made_once_in(m, 2);
    text_format(o, "data token : words(%d)%s\n", more, m->stream ? "" : " lines");
    made_symbols(m, "token", true, 0);
    break;
  case 1: /* tags */
    text_format(o, "data word : words(%d)\ndata tag : words(%d)\n", more, width + 1);
    made_symbols(m, "word", false, 0);
    break;
  case 2: /* labels */
    text_format(o, "data word : words(%d)\ndata label : category(%d)\n", more, width + 1);
    made_symbols(m, "word", false, 0);
    break;
  case 3: /* numbers from numbers */
    text_format(o, "data z : numbers(%d)\ndata y : numbers(%d)\nx = z\n", more, width);
    made_add(f, "x", more, 0, false);
    break;
  default: /* a series that predicts itself */
    text_format(o, "data y : numbers(%d)\ndata z : numbers(%d)\nx = [y[t-1], z]\n", width, more);
    made_add(f, "x", width + more, 0, true);
  }
}

/* The whole; made_free in every case. */
static inline void made_new(made_net *m, uint64_t seed) {
  *m = (made_net){.seed = seed * 0x2545F4914F6CDD1Du + 1};
  made_file *f = &m->net;
  m->kinks = made_once_in(m, 3);
  const int kind = (int)made_below(m, 5);
  const bool hidden = kind == 0 || kind == 4;
  made_data(m, kind);
  if (made_once_in(m, 4)) { /* a setting, a number or one that varies */
    m->varies = made_once_in(m, 2);
    text_format(&f->out, "k = 0.75\na = k * ");
    made_link(m, f, &f->out, 3, 0);
    text_format(&f->out, "k^2\n");
    made_width_line(f, "a", 3);
    made_add(f, "a", 3, 0, hidden);
    made_add(f, "k", 1, MADE_STATIC, false);
  }
  const bool two = !m->stream && made_once_in(m, 4), fixed = !m->stream && made_once_in(m, 4);
  if (two) text_format(&f->out, "data source : words(4)\n"), made_symbols(m, "source", false, 1);
  if (fixed) text_format(&f->out, "data kind : category(3)\n"), made_symbols(m, "kind", false, MADE_FIXED);
  if (two && made_once_in(m, 3)) made_reverse(m, 1);
  if (!hidden && made_once_in(m, 4)) made_reverse(m, 0);
  const int steps = 1 + (int)made_below(m, 3);
  bool recurs = false;
  for (int i = 0; i < steps || !recurs; i++) {
    const uint32_t what = made_below(m, 8);
    if (what < 3) {
      char name[24];
      const int width = made_width(m);
      made_name(f, name, 'h');
      made_recurrence(m, f, name, width, 0, hidden);
      recurs = true;
    } else if (what < 6) {
      made_call(m, 0, hidden);
      recurs = true;
    } else if (what == 6 && (two || fixed)) {
      made_start(m, 0, two ? 1 : -1, hidden);
      recurs = m->started = true;
    } else {
      made_definition(m, 0, hidden);
    }
  }
  if (!hidden && made_once_in(m, 4)) made_reverse(m, 0);
  if (two) made_reduction(m, 1);
  if ((two || !hidden) && made_once_in(m, 2)) made_attention(m, two ? 1 : 0, hidden);
  if (!hidden && (kind == 2 || made_once_in(m, 3))) made_reduction(m, 0);
  if (made_once_in(m, 3)) made_definition(m, 0, hidden);
  if (kind == 0) made_target(m, "token", m->target, 0, true);
  if (kind == 1) made_target(m, "tag", m->target, 0, true);
  if (kind == 2) made_target(m, "label", m->target, MADE_STATIC, true);
  if (kind >= 3) made_target(m, "y", m->target, 0, false);
  if (!m->stream && made_once_in(m, 4)) {
    text_format(&f->out, "data extra : words(3)\n");
    made_target(m, "extra", 3, 0, true);
  }
}

static inline void made_free(made_net *m) {
  text_free(&m->net.out);
  text_free(&m->net.end);
  for (int i = 0; i < m->n_cells; i++) text_free(&m->cells[i]);
}
#endif
