/* cell_text.c - see cell_text.h. */
#include "import/cell_text.h"
#include <stdio.h>
#include <string.h>

static bool equal(const char *a, const char *b) { return !strcmp(a ? a : "", b ? b : ""); }

bool cell_same(const cell *a, const cell *b) {
  const bool flags = a->type == b->type && a->hidden == b->hidden && a->out == b->out && a->backward == b->backward &&
                     a->reset_after == b->reset_after && a->input_forget == b->input_forget && a->swapped == b->swapped &&
                     a->held == b->held;
  const bool clip = !(a->clip < b->clip) && !(a->clip > b->clip);
  const bool starts = a->h0 || a->c0 || b->h0 || b->c0;
  return flags && clip && !starts && equal(a->gate, b->gate) && equal(a->act, b->act) && equal(a->out_act, b->out_act) &&
         !a->p[0] == !b->p[0];
}

static void add(cell_parameters *p, const char *a, const char *b, int rows, int cols, const float *x) {
  cell_parameter *one = &p->list[p->n++];
  *one = (cell_parameter){.rows = rows, .cols = cols, .x = x};
  snprintf(one->name, sizeof one->name, "%s%s", a, b);
}

static const char *const gates[][GATES] = {{""}, {"i", "f", "g", "o"}, {"z", "r", "c"}};

cell_parameters cell_parameters_of(const cell *c) {
  cell_parameters p = {.n = 0};
  const int n = c->type == CELL_LSTM ? 4 : c->type == CELL_GRU ? 3 : 1, h = c->hidden;
  for (int k = 0; k < n; k++) {
    if (c->type == CELL_LSTM && k == 1 && c->input_forget) continue;
    const char *g = gates[c->type][k];
    add(&p, c->type == CELL_RNN ? "Wxh" : "W", g, h, c->inputs, c->W[k]);
    add(&p, c->type == CELL_RNN ? "Whh" : "U", g, h, c->out, c->U[k]);
    add(&p, "b", g, h, 0, c->b[k]);
  }
  if (c->bu) add(&p, "buc", "", h, 0, c->bu);
  static const char *const peepholes[3] = {"pi", "pf", "po"};
  for (int k = 0; k < 3; k++)
    if (c->p[k] && !(k == 1 && c->input_forget)) add(&p, peepholes[k], "", h, 0, c->p[k]);
  if (c->P) add(&p, "P", "", c->out, h, c->P);
  if (c->h0) add(&p, "h0", "", c->out, 0, c->h0);
  if (c->c0) add(&p, "c0", "", h, 0, c->c0);
  return p;
}

/* The built-in cell with these equations, or NULL. */
static const char *builtin_of(const cell *c) {
  const bool plain = c->clip <= 0 && !c->held && !c->h0 && !c->c0 && !c->input_forget;
  const bool usual = plain && equal(c->gate, "sigmoid(%s)") && equal(c->act, "tanh(%s)");
  if (c->type == CELL_RNN && plain && equal(c->act, "tanh(%s)")) return "rnn";
  if (c->type == CELL_RNN && plain && equal(c->act, "relu(%s)")) return "rnn_relu";
  if (c->type == CELL_LSTM && usual && equal(c->out_act, "tanh(%s)"))
    return c->p[0] ? c->P ? NULL : "lstm_peephole" : c->P ? "lstm_projection" : "lstm";
  if (c->type == CELL_GRU && usual && c->reset_after && !c->swapped) return "gru_reset_after";
  if (c->type == CELL_GRU && usual && !c->reset_after && c->swapped) return "gru";
  return NULL;
}

/* function(pre-activation), which the threshold bounds first. */
static void line(const cell *c, text *out, const char *name, const char *function, const char *inner) {
  char clipped[300];
  const char *hole = strstr(function, "%s");
  snprintf(clipped, sizeof clipped, c->clip > 0 ? "clip(%s, -%.9g, %.9g)" : "%s", inner, c->clip, c->clip);
  text_format(out, "%s = ", name);
  if (!hole) text_format(out, "%s", clipped);
  for (const char *s = function; hole; s = hole + 2, hole = strstr(s, "%s")) {
    const bool inside = hole > s && hole[-1] == '(' && (hole[2] == ')' || hole[2] == ',');
    text_format(out, inside || c->clip > 0 ? "%.*s%s" : "%.*s(%s)", (int)(hole - s), s, clipped);
    if (!strstr(hole + 2, "%s")) text_format(out, "%s", hole + 2);
  }
  text_format(out, "\n");
}

static void gate(const cell *c, text *out, const char *name, const char *function, const char *peephole) {
  char inner[160];
  snprintf(inner, sizeof inner, "W%s x + U%s h[t-1]%s + b%s", name, name, peephole, name);
  line(c, out, name, function, inner);
}

static void lstm_text(const cell *c, text *out) {
  const bool p = c->p[0] != NULL;
  if (p) text_format(out, c->input_forget ? "param pi, po\n" : "param pi, pf, po\n");
  gate(c, out, "i", c->gate, p ? " + pi * c[t-1]" : "");
  if (c->input_forget)
    text_format(out, "f = 1 - i\n");
  else
    gate(c, out, "f", c->gate, p ? " + pf * c[t-1]" : "");
  gate(c, out, "g", c->act, "");
  text_format(out, c->held ? "n = f * c[t-1] + i * g\nc = k * n + (1 - k) * c[t-1]\n" : "c = f * c[t-1] + i * g\n");
  gate(c, out, "o", c->gate, p ? " + po * c" : "");
  const cell open = {.clip = 0};
  line(&open, out, "m", c->out_act, "c"); /* what is bounded goes into the gates: so does onnxruntime */
  text_format(out, c->P      ? "h = P (o * m)\nprojection = 64\nwidth h = projection\n"
                   : c->held ? "h = k * (o * m) + (1 - k) * h[t-1]\n"
                             : "h = o * m\n");
}

static void gru_text(const cell *c, text *out) {
  gate(c, out, "z", c->gate, "");
  gate(c, out, "r", c->gate, "");
  line(c, out, "c", c->act, c->reset_after ? "Wc x + bc + r * (Uc h[t-1] + buc)" : "Wc x + Uc (r * h[t-1]) + bc");
  const char *value = c->swapped ? "(1 - z) * h[t-1] + z * c" : "(1 - z) * c + z * h[t-1]";
  text_format(out, c->held ? "h = k * (%s) + (1 - k) * h[t-1]\n" : "h = %s\n", value);
}

static void cell_text(const cell *c, text *out) {
  static const char *const names[] = {"Recurrent network", "LSTM", "GRU"};
  text_format(out, "# %s as it was imported\n", names[c->type]);
  if (c->type == CELL_LSTM) lstm_text(c, out);
  if (c->type == CELL_GRU) gru_text(c, out);
  if (c->type == CELL_RNN) line(c, out, c->held ? "c" : "h", c->act, "Wxh x + Whh h[t-1] + b");
  if (c->type == CELL_RNN && c->held) text_format(out, "h = k * c + (1 - k) * h[t-1]\n");
  if (c->h0) text_format(out, "param h0\nh[0] = h0\n");
  if (c->c0) text_format(out, "param c0\nc[0] = c0\n");
}

bool cell_name(const cell *c, net_text *net, char out[40]) {
  static const char *const stems[] = {"own_rnn", "own_lstm", "own_gru"};
  const char *builtin = builtin_of(c);
  text t = {0};
  int same = 0;
  if (builtin) {
    strcpy(out, builtin);
    return true;
  }
  cell_text(c, &t);
  if (t.failed) {
    text_free(&t);
    return false;
  }
  for (int i = 0; i < net->n_cells; i++) {
    if (!strcmp(net->cells[i].text.data, t.data)) {
      strcpy(out, net->cells[i].name);
      text_free(&t);
      return true;
    }
    same += !strncmp(net->cells[i].name, stems[c->type], strlen(stems[c->type]));
  }
  net_cell *cells = mem_resize(net->cells, (size_t)(net->n_cells + 1) * sizeof *cells);
  if (!cells) {
    text_free(&t);
    return false;
  }
  net->cells = cells;
  net_cell *one = &net->cells[net->n_cells++];
  *one = (net_cell){.text = t};
  if (same)
    snprintf(one->name, sizeof one->name, "%s%d", stems[c->type], same + 1);
  else
    snprintf(one->name, sizeof one->name, "%s", stems[c->type]);
  strcpy(out, one->name);
  return true;
}
