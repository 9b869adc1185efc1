/* torch.c - modules of PyTorch from the names of their tensors.
 *
 * A state dict has names and numbers, and neither an order of calls nor activations. A module is what stands before the last dot:
 * "fc.weight" and "fc.bias" are the module fc. What it is follows from its names and shapes, or from --module. The modules
 * are taken to follow each other. The order is that of the file if the widths fit, else one in which they do. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "import/cell_text.h"
#include "import/import.h"
#include "import/torch_modules.h"

static const struct {
  const char *name;
  enum module_kind kind;
} kinds[] = {{"embedding", M_EMBEDDING}, {"linear", M_LINEAR}, {"rnn", M_RNN},    {"rnn_tanh", M_RNN},
             {"rnn_relu", M_RNN_RELU},   {"lstm", M_LSTM},     {"gru", M_GRU},    {"layernorm", M_LAYERNORM},
             {"batchnorm", M_BATCHNORM}, {"conv", M_CONV},     {"conv2d", M_CONV}};
static const char *const titles[] = {"module", "Embedding", "Linear",    "RNN (tanh)", "RNN (relu)",
                                     "LSTM",   "GRU",       "LayerNorm", "BatchNorm",  "Conv2d"};

static array *find(const torch *t, const module *m, const char *name) {
  char full[300];
  snprintf(full, sizeof full, *m->name ? "%s%s%s" : "%s%s%s", m->name,
           *m->name && !strchr("._", m->name[strlen(m->name) - 1]) ? "." : "", name);
  return arrays_find(t->a, full);
}

/* --- what is there --- */

static enum module_kind given_kind(const torch *t, const char *name) {
  for (int i = 0; i < t->o->n_modules; i++) {
    const char *equals = strrchr(t->o->modules[i], '=');
    const size_t n = equals ? (size_t)(equals - t->o->modules[i]) : 0;
    if (!equals || strlen(name) != n || strncmp(t->o->modules[i], name, n)) continue;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
      if (!strcmp(kinds[k].name, equals + 1)) return kinds[k].kind;
  }
  return M_NONE;
}

static unroll_status check_given(const torch *t) {
  for (int i = 0; i < t->o->n_modules; i++) {
    const char *equals = strrchr(t->o->modules[i], '=');
    bool known = false, there = false;
    for (size_t k = 0; equals && k < sizeof kinds / sizeof *kinds; k++) known |= !strcmp(kinds[k].name, equals + 1);
    if (!known)
      return error_set(
          t->err, UNROLL_USAGE,
          "option 'module' takes NAME=KIND, KIND one of embedding, linear, rnn, rnn_relu, lstm, gru, layernorm, batchnorm "
          "and conv, not '%s'",
          t->o->modules[i]);
    for (int k = 0; k < t->n; k++)
      there |= strlen(t->list[k].name) == (size_t)(equals - t->o->modules[i]) &&
               !strncmp(t->list[k].name, t->o->modules[i], (size_t)(equals - t->o->modules[i]));
    if (!there)
      return error_set(t->err, UNROLL_USAGE, "option 'module': the file has no module '%.*s'", (int)(equals - t->o->modules[i]),
                       t->o->modules[i]);
  }
  return UNROLL_OK;
}

/* The tensors of a recurrence: their names before the number of the layer. */
static const char *const recurrent_names[][4] = {
    {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}, {"w_ih", "w_hh", "b_ih", "b_hh"}, {"W_ih", "W_hh", "b_ih", "b_hh"}};

/* "rnn.weight_ih_l0" is of the module "rnn". The length of its name; *style: of a recurrence. */
static size_t module_length(const char *name, int *style) {
  *style = -1;
  for (size_t s = 0; s < sizeof recurrent_names / sizeof *recurrent_names; s++)
    for (int k = 0; k < 4; k++) {
      const char *at = strstr(name, recurrent_names[s][k]);
      if (!at || (at > name && !strchr("._", at[-1]))) continue;
      *style = (int)s;
      return at == name ? 0 : (size_t)(at - name) - 1;
    }
  const char *hr = strstr(name, "weight_hr_l");
  const char *dot = hr && hr > name ? hr - 1 : strrchr(name, '.');
  if (!dot && strlen(name) > 2 && (!strcmp(name + strlen(name) - 2, "_w") || !strcmp(name + strlen(name) - 2, "_b")))
    return strlen(name) - 2;
  return dot ? (size_t)(dot - name) : !strcmp(name, "weight") || !strcmp(name, "bias") || hr ? 0 : strlen(name);
}

static unroll_status collect(torch *t) {
  for (int i = 0; i < t->a->n; i++) {
    int style, k;
    const char *name = t->a->list[i].name;
    const size_t n = module_length(name, &style);
    for (k = 0; k < t->n; k++)
      if (strlen(t->list[k].name) == n && !strncmp(t->list[k].name, name, n)) break;
    if (k == MOST_MODULES) return BAD(t, "there are more than %d modules", MOST_MODULES);
    if (k == t->n) {
      t->list[t->n++] = (module){.name = arena_text(&t->l->memory, name, n)};
      if (!t->list[k].name) return error_memory(t->err);
    }
    if (style >= 0) {
      t->list[k].ih = recurrent_names[style][0];
      t->list[k].hh = recurrent_names[style][1];
      t->list[k].bih = recurrent_names[style][2];
      t->list[k].bhh = recurrent_names[style][3];
    }
  }
  return check_given(t);
}

/* --- recurrences --- */

/* The tensor NAME_l0_reverse, or NAME alone. */
static array *piece(const torch *t, const module *m, const char *name, int number, bool reverse) {
  char own[64], full[300];
  if (m->one)
    snprintf(own, sizeof own, "%s", name);
  else
    snprintf(own, sizeof own, "%s_l%d%s", name, number, reverse ? "_reverse" : "");
  array *a = find(t, m, own);
  if (a || !*m->name) return a;
  snprintf(full, sizeof full, "%s_%s", m->name, own);
  return arrays_find(t->a, full);
}

static unroll_status check_shape(const torch *t, const array *a, int64_t rows, int64_t cols) {
  char is[96];
  array_shape(a, is);
  if (cols && (a->rank != 2 || a->shape[0] != rows || a->shape[1] != cols)) {
    if (a->rank == 2 && a->shape[0] == cols && a->shape[1] == rows)
      return BAD(t, "'%.100s' is %s, and must be %" PRId64 " x %" PRId64 ": it is transposed", a->name, is, rows, cols);
    return BAD(t, "'%.100s' is %s, and must be %" PRId64 " x %" PRId64, a->name, is, rows, cols);
  }
  if (!cols && (a->rank != 1 || a->shape[0] != rows)) return BAD(t, "'%.100s' is %s, and must be %" PRId64, a->name, is, rows);
  return UNROLL_OK;
}

static const char *recurrent_title(const module *m, int gates) {
  if (m->kind) return titles[m->kind];
  return gates == 4 ? "LSTM" : gates == 3 ? "GRU" : "RNN";
}

/* How many gates, layers and directions there are. */
static unroll_status study(torch *t, module *m) {
  m->one = false;
  array *u = piece(t, m, m->hh, 0, false);
  if (!u) {
    m->one = true;
    u = piece(t, m, m->hh, 0, false);
  }
  array *w = piece(t, m, m->ih, 0, false), *p = m->one ? NULL : piece(t, m, "weight_hr", 0, false);
  char is[96];
  if (!u || !w) return BAD(t, "the recurrence '%s' lacks its %s", m->name, u ? m->ih : m->hh);
  array_shape(u, is);
  if (u->rank != 2 || w->rank != 2 || u->shape[1] < 1 || u->shape[0] < 1 || u->shape[0] > 1 << 24 || w->shape[1] > 1 << 24)
    return BAD(t, "'%.100s' is %s, which is no matrix of gates", u->name, is);
  m->out = (int)u->shape[1];
  m->hidden = p && p->rank == 2 ? (int)p->shape[1] : m->out;
  if (m->hidden < 1) return BAD(t, "'%.100s' is empty", p->name);
  const int gates = u->shape[0] % m->hidden ? 0 : (int)(u->shape[0] / m->hidden);
  if (gates != 1 && gates != 3 && gates != 4)
    return BAD(t, "'%.100s' is %s: the gates of an RNN, GRU or LSTM are 1, 3 or 4 times %d rows", u->name, is, m->hidden);
  const enum module_kind kind = gates == 4 ? M_LSTM : gates == 3 ? M_GRU : M_RNN, given = given_kind(t, m->name);
  if (given && given != kind && !(given == M_RNN_RELU && kind == M_RNN))
    return BAD(t, "'%s' is %s by option 'module', but its tensors have the gates of %s", m->name, titles[given],
               recurrent_title(m, gates));
  m->kind = given ? given : kind;
  if (p && m->kind != M_LSTM) return BAD(t, "'%s' has a projection, which only an LSTM has", m->name);
  m->in = (int)w->shape[1];
  m->both = !m->one && piece(t, m, m->ih, 0, true);
  for (m->layers = 1; !m->one && m->layers < MOST_LAYERS && piece(t, m, m->ih, m->layers, false);) m->layers++;
  return UNROLL_OK;
}

/* Gate k of a matrix of several, one below the other. */
static const float *gate(const array *a, int k, int hidden) {
  const int64_t row = a->rank == 2 ? a->shape[1] : 1;
  return a->x + (int64_t)k * hidden * row;
}

/* Both biases together; NULL: no memory. Where the module has none, zeros. */
static const float *bias(torch *t, const array *a, const array *b, int k, int hidden) {
  float *x = layers_numbers(t->l, hidden);
  for (int i = 0; x && i < hidden; i++) x[i] = (a ? a->x[k * hidden + i] : 0) + (b ? b->x[k * hidden + i] : 0);
  return x;
}

unroll_status torch_fill_cell(torch *t, const module *m, int number, bool reverse, int in, cell *c) {
  static const int lstm_order[4] = {0, 1, 2, 3} /* i f g o */, gru_order[3] = {1, 0, 2} /* z r n of r z n */;
  const int gates = m->kind == M_LSTM ? 4 : m->kind == M_GRU ? 3 : 1;
  array *w = piece(t, m, m->ih, number, reverse), *u = piece(t, m, m->hh, number, reverse);
  array *b1 = piece(t, m, m->bih, number, reverse), *b2 = piece(t, m, m->bhh, number, reverse);
  array *p = m->one ? NULL : piece(t, m, "weight_hr", number, reverse);
  if (!w || !u) return BAD(t, "layer %d of '%s' lacks its %s%s", number, m->name, w ? m->hh : m->ih, reverse ? " backward" : "");
  if (m->hidden != m->out && !p) return BAD(t, "layer %d of '%s' lacks its weight_hr", number, m->name);
  unroll_status status = check_shape(t, w, (int64_t)gates * m->hidden, in);
  if (!status) status = check_shape(t, u, (int64_t)gates * m->hidden, m->out);
  if (!status && b1) status = check_shape(t, b1, (int64_t)gates * m->hidden, 0);
  if (!status && b2) status = check_shape(t, b2, (int64_t)gates * m->hidden, 0);
  if (!status && p) status = check_shape(t, p, m->out, m->hidden);
  if (!status && !b1 != !b2) return BAD(t, "layer %d of '%s' has one bias of two", number, m->name);
  if (status) return status;
  array *const all[] = {w, u, b1, b2, p};
  for (int i = 0; i < 5; i++)
    if (all[i]) all[i]->used = true;
  *c = (cell){.type = m->kind == M_LSTM  ? CELL_LSTM
                      : m->kind == M_GRU ? CELL_GRU
                                         : CELL_RNN,
              .inputs = in,
              .hidden = m->hidden,
              .out = m->out,
              .backward = reverse,
              .reset_after = m->kind == M_GRU,
              .gate = "sigmoid(%s)",
              .act = m->kind == M_RNN_RELU ? "relu(%s)" : "tanh(%s)",
              .out_act = "tanh(%s)",
              .P = p ? p->x : NULL};
  for (int k = 0; k < gates; k++) {
    const int from = m->kind == M_GRU ? gru_order[k] : lstm_order[k];
    const bool apart = m->kind == M_GRU && k == 2; /* the reset gate comes between them */
    c->W[k] = gate(w, from, m->hidden);
    c->U[k] = gate(u, from, m->hidden);
    c->b[k] = bias(t, b1, apart ? NULL : b2, from, m->hidden);
    if (apart) c->bu = bias(t, b2, NULL, from, m->hidden);
    if (!c->b[k] || (apart && !c->bu)) return error_memory(t->err);
  }
  return UNROLL_OK;
}

static unroll_status add_recurrent(torch *t, const module *m, int *at) {
  layers *l = t->l;
  const int group = l->n + 1;
  for (int k = 0; k < m->layers; k++) {
    int ends[2] = {-1, -1};
    for (int d = 0; d < 1 + m->both; d++) {
      cell *c = arena_alloc(&l->memory, 1, sizeof *c);
      const int in = l->list[*at].width;
      const unroll_status status = c ? torch_fill_cell(t, m, k, d == 1, in, c) : error_memory(t->err);
      if (status) return status;
      ends[d] = layers_add(l, LAYER_RECURRENT, *m->name ? m->name : "h", *at);
      if (ends[d] < 0) return error_memory(t->err);
      l->list[ends[d]].cell = c;
      l->list[ends[d]].width = m->out;
      l->list[ends[d]].group = m->both ? 0 : group;
    }
    if (m->both) {
      const int both = layers_add(l, LAYER_CONCAT, *m->name ? m->name : "h", ends[0]);
      if (both < 0) return error_memory(t->err);
      l->list[both].in[l->list[both].n_in++] = ends[1];
      l->list[both].width = 2 * m->out;
      *at = both;
    } else
      *at = ends[0];
  }
  return UNROLL_OK;
}

/* --- other modules --- */

static bool says(const char *name, const char *word) { return strcasestr(name, word) != NULL; }

static unroll_status study_other(torch *t, module *m) {
  char is[96] = "";
  const enum module_kind given = given_kind(t, m->name);
  m->weight = find(t, m, "weight");
  if (!m->weight) m->weight = find(t, m, "W");
  if (!m->weight) { /* fc_w, and the whole name of a table */
    char full[300];
    snprintf(full, sizeof full, "%s_w", m->name);
    m->weight = arrays_find(t->a, full);
    snprintf(full, sizeof full, "%s_b", m->name);
    m->bias = m->weight ? arrays_find(t->a, full) : NULL;
    if (!m->weight) m->weight = arrays_find(t->a, m->name);
  } else
    m->bias = find(t, m, "bias");
  m->mean = find(t, m, "running_mean");
  m->variance = find(t, m, "running_var");
  if (!m->weight) return UNROLL_OK; /* what is left is named at the end */
  array_shape(m->weight, is);
  const array *w = m->weight;
  for (int i = 0; i < w->rank; i++)
    if (w->shape[i] < 1 || w->shape[i] > 1 << 24) return BAD(t, "'%.100s' is %s", w->name, is);
  const bool embeds = says(m->name, "emb") && !m->bias;
  m->kind = given                     ? given
            : w->rank == 4            ? M_CONV
            : w->rank == 2            ? embeds ? M_EMBEDDING : M_LINEAR
            : w->rank == 1 && m->mean ? M_BATCHNORM
            : w->rank == 1 && m->bias ? M_LAYERNORM
                                      : M_NONE;
  const int rank = m->kind == M_CONV ? 4 : m->kind == M_LINEAR || m->kind == M_EMBEDDING ? 2 : 1;
  if (m->kind == M_NONE || w->rank != rank)
    return BAD(t, "'%.100s' is %s, and it is not known what module that is; option 'module' says it, as in %s=linear", w->name, is,
               m->name);
  if ((m->kind >= M_RNN && m->kind <= M_GRU) || (m->kind == M_BATCHNORM && (!m->mean || !m->variance || !m->bias)))
    return BAD(t, "'%s' lacks tensors of a %s", m->name, titles[m->kind]);
  const int64_t out = w->shape[0];
  m->out = (int)(m->kind == M_EMBEDDING ? w->shape[1] : out);
  m->in = (int)(m->kind == M_LINEAR ? w->shape[1] : m->kind == M_EMBEDDING ? 0 : m->kind == M_CONV ? 0 : out);
  array *const all[] = {m->weight, m->bias, m->mean, m->variance};
  for (int i = 0; i < 4; i++) {
    if (!all[i]) continue;
    all[i]->used = true;
    const unroll_status status = i ? check_shape(t, all[i], out, 0) : UNROLL_OK;
    if (status) return status;
  }
  return UNROLL_OK;
}

static unroll_status add_other(torch *t, const module *m, int *at) {
  static const enum layer_kind of[] = {
      [M_EMBEDDING] = LAYER_EMBED, [M_LINEAR] = LAYER_LINEAR, [M_LAYERNORM] = LAYER_NORM, [M_BATCHNORM] = LAYER_BATCHNORM};
  const int number = layers_add(t->l, of[m->kind], m->name, *at);
  if (number < 0) return error_memory(t->err);
  layer *l = layers_at(t->l, number);
  l->width = m->out;
  l->W = m->weight->x;
  l->b = m->bias ? m->bias->x : NULL;
  l->gain = l->W;
  l->bias = l->b;
  l->epsilon = 1e-5;
  l->mean = m->mean ? m->mean->x : NULL;
  l->variance = m->variance ? m->variance->x : NULL;
  *at = number;
  return UNROLL_OK;
}

/* --- one after the other --- */

/* Can m read what is `width` wide (0: nothing yet)? */
static bool follows(const module *m, int width) {
  if (m->kind == M_EMBEDDING) return width == 0;
  return width == 0 || m->in == width;
}

/* An order in which each module reads what the one before gives, that of the file first. */
static bool arrange(const torch *t, int *order, int n, bool *used, int width, int *tries) {
  if (n == t->n) return true;
  if (++*tries > 100000) return false;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < t->n; i++) {
      const module *m = &t->list[i];
      if (used[i] || !follows(m, width) || (n == 0 && (m->kind == M_EMBEDDING) == (pass == 1))) continue;
      if (n > 0 && (m->kind >= M_RNN && m->kind <= M_GRU) != (pass == 0)) continue; /* recurrences before products */
      used[i] = true;
      order[n] = i;
      if (arrange(t, order, n + 1, used, out_of(m), tries)) return true;
      used[i] = false;
    }
  return false;
}

static unroll_status find_order(const torch *t, int *order) {
  bool used[MOST_MODULES] = {false};
  int width = 0, tries = 0, n = 0;
  for (; n < t->n && follows(&t->list[n], width); n++) {
    order[n] = n;
    width = out_of(&t->list[n]);
  }
  if (n == t->n || arrange(t, order, 0, used, 0, &tries)) return UNROLL_OK;
  const module *before = &t->list[n - 1], *m = &t->list[n];
  return BAD(
      t,
      "the modules do not follow each other: '%s' gives %d numbers and '%s' takes %d; a net of yours says how they do, by option "
      "'equations'",
      before->name, out_of(before), m->name, m->in);
}

void torch_tell(torch *t, const module *m) {
  text_format(&t->l->told, "%s: %s", *m->name ? m->name : "(no name)", titles[m->kind]);
  if (m->kind == M_EMBEDDING)
    text_format(&t->l->told, ", %" PRId64 " symbols, %d numbers each", m->weight->shape[0], m->out);
  else if (m->kind == M_CONV)
    text_format(&t->l->told, ", %d channels", m->out);
  else
    text_format(&t->l->told, ", %d -> %d", m->in, out_of(m));
  if (m->layers > 1) text_format(&t->l->told, ", %d layers", m->layers);
  if (m->both) text_format(&t->l->told, ", both directions");
  if (m->layers && m->hidden != m->out) text_format(&t->l->told, ", projected from %d", m->hidden);
  if (m->layers && !piece(t, m, m->bih, 0, false)) text_format(&t->l->told, ", without bias");
  if (m->kind == M_LINEAR && !m->bias) text_format(&t->l->told, ", without bias");
  text_format(&t->l->told, "\n");
}

/* Modules one after the other, from a new input on. *end: the last recurrence; the first one starts from `start`, if that is not
 * negative. */
static unroll_status add_chain(torch *t, const int *order, int n, const char *input_name, int start, int *end, int *at) {
  const module *first = &t->list[order[0]];
  bool steps = first->kind == M_EMBEDDING, begun = false;
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < n; i++) steps |= t->list[order[i]].layers > 0;
  *at = layers_add(t->l, first->kind == M_EMBEDDING ? LAYER_SYMBOLS : LAYER_NUMBERS, "input", -1);
  if (*at < 0) return error_memory(t->err);
  strcpy(t->l->list[*at].name, input_name);
  t->l->list[*at].width = first->kind == M_EMBEDDING ? (int)first->weight->shape[0] : first->in;
  t->l->list[*at].steps = steps;
  for (int i = 0; i < n && !status; i++) {
    const module *m = &t->list[order[i]];
    status = m->layers ? add_recurrent(t, m, at) : add_other(t, m, at);
    if (!status && m->layers) *end = *at;
    if (!status && m->layers && start >= 0 && !begun) t->l->list[*at].in[t->l->list[*at].n_in++] = start;
    begun |= m->layers > 0;
    if (!status) torch_tell(t, m);
  }
  return status;
}

static const module *recurrence(const torch *t, int from, int to) {
  for (int i = from; i < to; i++)
    if (t->list[i].layers) return &t->list[i];
  return NULL;
}

/* Two embeddings, each followed by a recurrence of the same size: an encoder, and a decoder that starts from its state. The number
 * of the second embedding, or 0. */
static int find_decoder(const torch *t) {
  int second = 0, count = 0;
  for (int i = 0; i < t->n; i++) {
    count += t->list[i].kind == M_EMBEDDING;
    if (i > 0 && t->list[i].kind == M_EMBEDDING) second = i;
  }
  if (count != 2 || t->list[0].kind != M_EMBEDDING || !second) return 0;
  const module *a = recurrence(t, 0, second), *b = recurrence(t, second, t->n);
  const bool pair = a && b && a->kind == b->kind && a->out == b->out && a->hidden == b->hidden && a->layers == 1 && b->layers == 1;
  if (!pair || a->both || b->both) return 0;
  for (int i = 1, width = out_of(&t->list[0]); i < t->n; i++) {
    if (!follows(&t->list[i], i == second ? 0 : width)) return 0;
    width = out_of(&t->list[i]);
  }
  return second;
}

static unroll_status add_all(torch *t) {
  int order[MOST_MODULES], at = -1, end = -1;
  const int second = find_decoder(t);
  unroll_status status = UNROLL_OK;
  if (second) {
    for (int i = 0; i < t->n; i++) order[i] = i;
    status = add_chain(t, order, second, "x", -1, &end, &at);
    if (!status) status = add_chain(t, order + second, t->n - second, "x2", end, &end, &at);
    if (!status)
      text_format(&t->l->told, "two embeddings, each with a recurrence: a decoder that starts from the encoder's state\n");
  } else {
    status = find_order(t, order);
    if (!status) status = add_chain(t, order, t->n, "x", -1, &end, &at);
  }
  if (status) return status;
  if (t->n > 1)
    text_format(&t->l->told, "a state dict says no activations between modules: none are assumed, and option 'equations' says "
                             "others\n");
  t->l->outputs[0].layer = at;
  t->l->n_outputs = 1;
  return UNROLL_OK;
}

/* Names that all begin alike lose that: "module." of several processors. */
static void strip(arrays *a) {
  for (;;) {
    const char *dot = a->n ? strchr(a->list[0].name, '.') : NULL;
    const size_t n = dot ? (size_t)(dot + 1 - a->list[0].name) : 0;
    if (!n) return;
    for (int i = 0; i < a->n; i++) {
      const char *rest = a->list[i].name + n;
      if (strncmp(a->list[i].name, a->list[0].name, n) || !strchr(rest, '.')) return;
    }
    for (int i = 0; i < a->n; i++) a->list[i].name += n;
  }
}

/* Counters and buffers that no pass reads. */
static bool is_idle(const array *a) { return strstr(a->name, "num_batches_tracked") != NULL; }

unroll_status layers_of_modules(layers *l, arrays *a, const import_options *o, unroll_error *err) {
  torch t = {.a = a, .l = l, .o = o, .err = err};
  bool conv = false;
  int kept = 0;
  for (int i = 0; i < a->n; i++)
    if (!is_idle(&a->list[i])) a->list[kept++] = a->list[i];
  a->n = kept;
  strip(a);
  unroll_status status = collect(&t);
  for (int i = 0; i < t.n && !status; i++) {
    status = t.list[i].ih ? study(&t, &t.list[i]) : study_other(&t, &t.list[i]);
    conv |= t.list[i].kind == M_CONV;
  }
  for (int i = 0; i < t.n && !status; i++)
    if (!t.list[i].kind) status = BAD(&t, "it is not known what the module '%s' is", t.list[i].name);
  if (!status && !t.n) status = BAD(&t, "there are no tensors in it");
  if (!status && conv && !o->equations)
    status =
        error_at(err, UNROLL_USAGE, a->file, NULL, 0, 0,
                 "a state dict with convolutions does not say their strides and pools: option 'equations' gives the net, with a "
                 "variable for each module");
  if (status) return status;
  l->source = "PyTorch state dict";
  if (!conv) return add_all(&t);
  return torch_spare_all(&t);
}
