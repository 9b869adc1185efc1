/* write.c - layers -> the text of a net and the weights by the names that they have in it.
 *
 * A layer is a line, but for products and activations that one line reads: they stand in it. A cell is a built-in one where its
 * equations are the same; else its text is written too. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/layers.h"
#include "import/cell_text.h"

typedef struct writer {
  net_text *out;
  const layers *l;
  const write_options *o;
  int *reader; /* [l->n] the last layer that reads it; -1: none */
  int *uses;   /* [l->n] */
  int *call;   /* [l->n] of a recurrence: the first layer of the call that it belongs to; -1: none */
  int n_linear, n_embed, n_inputs, n_symbols;
  bool failed;
} writer;

static void put(writer *w, const char *format, ...) {
  char line[600];
  va_list list;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  text_add(&w->out->text, line, strlen(line));
}

/* --- weights --- */

static void weight(writer *w, const char *name, int rows, int cols, const float *x) {
  net_text *n = w->out;
  if (n->n_weights == n->weights_room) {
    net_weight *list = mem_resize(n->weights, (size_t)(2 * n->weights_room + 16) * sizeof *list);
    if (!list) {
      w->failed = true;
      return;
    }
    n->weights = list;
    n->weights_room = 2 * n->weights_room + 16;
  }
  net_weight *one = &n->weights[n->n_weights++];
  *one = (net_weight){.rows = rows, .cols = cols, .x = x};
  snprintf(one->name, sizeof one->name, "%s", name);
}

static void own_weight(writer *w, const char *before, const char *name, const char *after, int rows, int cols, const float *x) {
  char full[96];
  snprintf(full, sizeof full, "%s%s%s", before, name, after);
  weight(w, full, rows, cols, x);
}

/* --- expressions --- */

static const char *linear_name(const writer *w, const layer *l) { return w->n_linear > 1 ? l->name : ""; }
static const char *embed_name(const writer *w, const layer *l) { return w->n_embed > 1 ? l->name : ""; }

static bool is_step(const layer *l) {
  return l->kind == LAYER_LINEAR || l->kind == LAYER_APPLY || l->kind == LAYER_OVER || l->kind == LAYER_PART ||
         l->kind == LAYER_SHIFT;
}

/* Is there a product in what stands in the place of layer i, whose width must be said? */
static bool has_product(const writer *w, int i) {
  const layer *l = &w->l->list[i];
  for (; is_step(l) && l->kind != LAYER_LINEAR && w->uses[l->in[0]] == 1; l = &w->l->list[l->in[0]]) continue;
  return l->kind == LAYER_LINEAR;
}

/* A width is said of a name. So a product stands only in what has a name with that width, or in what comes out. */
static bool is_inline(const writer *w, int i) {
  const layer *l = &w->l->list[i];
  if (w->uses[i] != 1 || !is_step(l)) return false;
  const int reader = w->reader[i];
  if (reader < 0 || !has_product(w, i)) return true;
  const enum layer_kind kind = w->l->list[reader].kind;
  return kind == LAYER_APPLY || kind == LAYER_OVER;
}

static void value_of(writer *w, int i, text *out);

/* Does an operator stand outside of all brackets? */
static bool is_open(const char *s) {
  int depth = 0;
  for (; *s; s++) {
    depth += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
    if (*s == ' ' && depth == 0) return true;
  }
  return false;
}

/* What a layer is called where it is read: its name, or what stands in the
 * place of it. Where it must be one operand it has brackets.
 */
static void use(writer *w, int i, text *out, bool operand) {
  const layer *l = &w->l->list[i];
  text value = {0};
  if (!is_inline(w, i)) {
    const char *name = l->kind == LAYER_RECURRENT ? w->l->list[w->call[i]].name : l->name;
    if (l->kind == LAYER_SYMBOLS && w->o->language && !w->o->plain) name = "token[t-1]";
    text_add(out, name, strlen(name));
    return;
  }
  value_of(w, i, &value);
  const bool brackets = value.data && operand && is_open(value.data);
  if (value.data) text_format(out, brackets ? "(%s)" : "%s", value.data);
  w->failed |= value.failed != 0;
  text_free(&value);
}

static void apply(writer *w, const layer *l, text *out) {
  for (const char *s = l->function, *hole; *s; s = hole + 2) {
    hole = strstr(s, "%s");
    if (!hole) {
      text_add(out, s, strlen(s));
      return;
    }
    text_add(out, s, (size_t)(hole - s));
    use(w, l->in[0], out, !((hole > s && hole[-1] == '(') && (hole[2] == ')' || hole[2] == ',')));
  }
}

static void norm(writer *w, const layer *l, text *out) {
  const char *x = w->l->list[l->in[0]].name;
  if (l->epsilon > 0.9e-5 && l->epsilon < 1.1e-5)
    text_format(out, "layernorm(%s)", x);
  else
    text_format(out, "(%s - dot(%s, 1) / %d) / sqrt(dot(square(%s - dot(%s, 1) / %d), 1) / %d + %.9g)", x, x, l->width, x, x,
                l->width, l->width, l->epsilon);
  if (l->gain) text_format(out, " * gain%s", l->name);
  if (l->bias) text_format(out, " + b%s", l->name);
}

static void convolution(const layer *l, const char *x, text *out) {
  text_format(out, "conv(%s, %d, %d", x, l->channels, l->size);
  if (!l->same && !l->pad) text_format(out, ", valid");
  if (!l->same && l->pad) text_format(out, ", pad = %d", l->pad);
  if (l->stride > 1) text_format(out, ", stride = %d", l->stride);
  if (l->groups > 1) text_format(out, ", groups = %d", l->groups);
  text_format(out, ")");
}

static void list_inputs(writer *w, const layer *l, text *out) {
  for (int k = 0; k < l->n_in; k++) {
    if (k) text_format(out, ", ");
    use(w, l->in[k], out, false);
  }
}

static void call(writer *w, int i, text *out) {
  const layer *l = &w->l->list[i];
  char name[40];
  int depth = 0;
  for (int k = i; k < w->l->n; k++) depth += w->call[k] == i;
  if (!cell_name(l->cell, w->out, name)) w->failed = true;
  text_format(out, "%s(", name);
  use(w, l->in[0], out, false);
  if (l->cell->held) {
    text_format(out, ", ");
    use(w, l->in[1], out, false);
  }
  text_format(out, ", %d", l->cell->hidden);
  if (l->cell->backward) text_format(out, ", backward");
  if (depth > 1) text_format(out, ", layers = %d", depth);
  if (l->cell->P) text_format(out, ", projection = %d", l->cell->out);
  if (l->n_in > 1 + l->cell->held) {
    text_format(out, ", start = ");
    use(w, l->in[l->n_in - 1], out, false);
  }
  text_format(out, ")");
}

static void value_of(writer *w, int i, text *out) {
  const layer *l = &w->l->list[i];
  const char *x = l->n_in ? w->l->list[l->in[0]].name : "";
  switch (l->kind) {
  case LAYER_EMBED:
    text_format(out, "E%s ", embed_name(w, l));
    use(w, l->in[0], out, true);
    break;
  case LAYER_RECURRENT:
    call(w, i, out);
    break;
  case LAYER_LINEAR:
    text_format(out, "W%s ", linear_name(w, l));
    use(w, l->in[0], out, true);
    if (l->b) text_format(out, " + b%s", linear_name(w, l));
    break;
  case LAYER_APPLY:
    apply(w, l, out);
    break;
  case LAYER_BINARY:
    if (!strcmp(l->function, "max") || !strcmp(l->function, "min")) {
      text_format(out, "%s(", l->function);
      list_inputs(w, l, out);
      text_format(out, l->n_in > 1 ? ")" : ", v%s)", l->name);
      break;
    }
    use(w, l->in[0], out, true);
    text_format(out, " %s ", l->function);
    if (l->n_in > 1)
      use(w, l->in[1], out, true);
    else
      text_format(out, "v%s", l->name);
    break;
  case LAYER_CONCAT:
    text_format(out, "[");
    list_inputs(w, l, out);
    text_format(out, "]");
    break;
  case LAYER_PART:
    text_format(out, "part(");
    use(w, l->in[0], out, false);
    text_format(out, ", %d, %d)", l->first / l->width + 1, w->l->list[l->in[0]].width / l->width);
    break;
  case LAYER_SHIFT:
    text_format(out, "%s[t-%d]", x, l->first);
    break;
  case LAYER_CLOCK:
    text_format(out, "%s * (%s[t-1] * less(%s[t-1], %d.5) + 1)", x, l->name, l->name, l->first - 1);
    break;
  case LAYER_OVER:
    text_format(out, "%s(", l->function);
    use(w, l->in[0], out, false);
    text_format(out, ")");
    break;
  case LAYER_NORM:
    norm(w, l, out);
    break;
  case LAYER_BATCHNORM:
    text_format(out, "batchnorm(%s", x);
    if (l->epsilon < 0.9e-5 || l->epsilon > 1.1e-5) text_format(out, ", epsilon = %.9g", l->epsilon);
    text_format(out, ")");
    break;
  case LAYER_CONV:
    convolution(l, x, out);
    break;
  case LAYER_POOL:
    text_format(out, "pool(%s, %d%s", x, l->size, strcmp(l->function, "mean") ? "" : ", mean");
    if (l->stride != l->size) text_format(out, ", stride = %d", l->stride);
    text_format(out, ")");
    break;
  case LAYER_NUMBERS:
  case LAYER_SYMBOLS:
    break;
  }
}

/* --- lines --- */

static void data_line(writer *w, const layer *l) {
  const char *each = l->steps ? " each" : " whole";
  const bool language = w->o->language && !w->o->plain;
  if (l->kind == LAYER_SYMBOLS && (w->o->plain || !w->o->input_kind))
    put(w, "data %s : category%s\n", l->name, each);
  else if (l->kind == LAYER_SYMBOLS)
    put(w, "data %s : %s\n", language ? "token" : l->name, w->o->input_kind);
  else if (l->channels)
    put(w, "data %s : image(%d, %d, %d)%s\n", l->name, l->channels, l->rows, l->columns, each);
  else
    put(w, "data %s : numbers(%d)%s\n", l->name, l->width, each);
}

static void output_name(const writer *w, int k, char out[16]) {
  (void)w;
  snprintf(out, 16, k ? "y%d" : "y", k + 1);
}

static void output_data(writer *w, int k) {
  char name[16];
  const layer *l = &w->l->list[w->l->outputs[k].layer];
  const char *each = l->steps ? " each" : " whole";
  output_name(w, k, name);
  if (w->o->plain || w->l->outputs[k].predicts != PREDICTS_SYMBOLS)
    put(w, "data %s : numbers(%d)%s\n", name, l->width, each);
  else if (!w->o->language)
    put(w, "data %s : category%s\n", name, each);
}

static void output_line(writer *w, int k) {
  char name[16];
  const enum predicts p = w->l->outputs[k].predicts;
  text value = {0};
  use(w, w->l->outputs[k].layer, &value, false);
  const char *v = value.data ? value.data : "";
  output_name(w, k, name);
  text line = {0};
  if (w->o->plain)
    text_format(&line,
                p == PREDICTS_SYMBOLS ? "%s ~ gaussian(softmax(%s), 1)\n"
                : p == PREDICTS_BITS  ? "%s ~ gaussian(sigmoid(%s), 1)\n"
                                      : "%s ~ gaussian(%s, 1)\n",
                name, v);
  else if (p == PREDICTS_SYMBOLS)
    text_format(&line, "%s ~ softmax(%s)\n", w->o->language ? "token" : name, v);
  else
    text_format(&line, p == PREDICTS_BITS ? "%s ~ bernoulli(%s)\n" : "%s ~ gaussian(%s, 1)\n", name, v);
  if (line.data) text_add(&w->out->text, line.data, line.length);
  w->failed |= line.failed || value.failed;
  text_free(&line);
  text_free(&value);
}

static void layer_line(writer *w, int i) {
  const layer *l = &w->l->list[i];
  text value = {0};
  if (l->kind == LAYER_EMBED || has_product(w, i)) put(w, "width %s = %d\n", l->name, l->width);
  if (l->kind == LAYER_NORM && l->gain) put(w, "param gain%s\n", l->name);
  if (l->kind == LAYER_BINARY && l->n_in < 2) put(w, "param v%s\n", l->name);
  value_of(w, i, &value);
  put(w, "%s = ", l->name);
  if (value.data) text_add(&w->out->text, value.data, value.length);
  put(w, "\n");
  w->failed |= value.failed;
  text_free(&value);
}

static void layer_weights(writer *w, int i) {
  const layer *l = &w->l->list[i];
  const layer *from = l->n_in ? &w->l->list[l->in[0]] : NULL;
  switch (l->kind) {
  case LAYER_EMBED:
    own_weight(w, "E", embed_name(w, l), "", from->width, l->width, l->W);
    break;
  case LAYER_LINEAR:
    own_weight(w, "W", linear_name(w, l), "", l->width, from->width, l->W);
    if (l->b) own_weight(w, "b", linear_name(w, l), "", l->width, 0, l->b);
    break;
  case LAYER_BINARY:
    if (l->n_in < 2) own_weight(w, "v", l->name, "", l->width, 0, l->b);
    break;
  case LAYER_NORM:
    if (l->gain) own_weight(w, "gain", l->name, "", l->width, 0, l->gain);
    if (l->bias) own_weight(w, "b", l->name, "", l->width, 0, l->bias);
    break;
  case LAYER_BATCHNORM: {
    const int n = l->channels ? l->channels : l->width;
    own_weight(w, "", l->name, ".batchnorm", n, 0, l->gain);
    own_weight(w, "", l->name, ".batchnorm_bias", n, 0, l->bias);
    own_weight(w, "", l->name, ".batchnorm_mean", n, 0, l->mean);
    own_weight(w, "", l->name, ".batchnorm_variance", n, 0, l->variance);
    break;
  }
  case LAYER_CONV:
    own_weight(w, "", l->name, ".conv", l->channels, l->size * l->size * from->channels / l->groups, l->W);
    own_weight(w, "", l->name, ".conv_bias", l->channels, 0, l->b);
    break;
  case LAYER_RECURRENT: {
    const cell *c = l->cell;
    const int head = w->call[i];
    int number = 1, depth = 0;
    char before[64];
    for (int k = head; k < w->l->n; k++) depth += w->call[k] == head;
    for (int k = head; k < i; k++) number += w->call[k] == head;
    const char *name = w->l->list[head].name;
    snprintf(before, sizeof before, depth > 1 ? "%s.%d." : "%s.", name, number);
    const cell_parameters p = cell_parameters_of(c);
    for (int k = 0; k < p.n; k++) own_weight(w, before, p.list[k].name, "", p.list[k].rows, p.list[k].cols, p.list[k].x);
    break;
  }
  case LAYER_NUMBERS:
  case LAYER_SYMBOLS:
  case LAYER_APPLY:
  case LAYER_CONCAT:
  case LAYER_PART:
  case LAYER_SHIFT:
  case LAYER_CLOCK:
  case LAYER_OVER:
  case LAYER_POOL:
    break;
  }
}

/* --- what stands where --- */

/* Recurrences of one module that follow each other are one call with layers = n. */
static void find_calls(writer *w) {
  for (int i = 0; i < w->l->n; i++) {
    const layer *l = &w->l->list[i];
    w->call[i] = l->kind == LAYER_RECURRENT ? i : -1;
    if (l->kind != LAYER_RECURRENT || !l->group) continue;
    const int before = l->in[0];
    const layer *b = &w->l->list[before];
    if (b->kind != LAYER_RECURRENT || l->n_in > 1 || b->n_in > 1 || b->group != l->group || w->uses[before] != 1 ||
        !cell_same(b->cell, l->cell))
      continue;
    w->call[i] = w->call[before];
  }
}

static unroll_status check_parts(const layers *l, unroll_error *err) {
  for (int i = 0; i < l->n; i++) {
    const layer *p = &l->list[i];
    if (p->kind != LAYER_PART) continue;
    if (p->width < 1 || l->list[p->in[0]].width % p->width || p->first % p->width)
      return error_set(err, UNROLL_BAD_INPUT, "'%s' takes %d entries from %d on of %d, which is not one of equal parts", p->name,
                       p->width, p->first, l->list[p->in[0]].width);
  }
  return UNROLL_OK;
}

static void count(writer *w) {
  for (int i = 0; i < w->l->n; i++) w->reader[i] = -1;
  for (int k = 0; k < w->l->n_outputs; k++) w->uses[w->l->outputs[k].layer]++;
  for (int i = w->l->n - 1; i >= 0; i--) {
    const layer *l = &w->l->list[i];
    if (!w->uses[i]) continue; /* nothing that comes out needs it */
    for (int k = 0; k < l->n_in; k++) {
      w->uses[l->in[k]]++;
      w->reader[l->in[k]] = i;
    }
    w->n_linear += l->kind == LAYER_LINEAR;
    w->n_embed += l->kind == LAYER_EMBED;
    /* these say what they read several times, or take names only */
    const bool named = l->kind == LAYER_SHIFT || l->kind == LAYER_CLOCK || l->kind == LAYER_NORM || l->kind == LAYER_BATCHNORM ||
                       l->kind == LAYER_CONV || l->kind == LAYER_POOL;
    const bool twice = l->kind == LAYER_APPLY && strstr(strstr(l->function, "%s") + 2, "%s");
    if (named || twice) w->uses[l->in[0]] += 2;
  }
}

unroll_status net_write(net_text *out, const layers *l, const write_options *o, unroll_error *err) {
  writer w = {.out = out, .l = l, .o = o};
  *out = (net_text){0};
  unroll_status status = check_parts(l, err);
  w.uses = mem_zero((size_t)l->n + 1, sizeof *w.uses);
  w.call = mem_zero((size_t)l->n + 1, sizeof *w.call);
  w.reader = mem_zero((size_t)l->n + 1, sizeof *w.reader);
  if (!w.uses || !w.call || !w.reader) w.failed = true;
  if (!status && !w.failed) {
    count(&w);
    find_calls(&w);
    const char *slash = o->file ? strrchr(o->file, '/') : NULL;
    put(&w, "# From %s: %s\n", slash ? slash + 1 : o->file ? o->file : "a file", l->source);
    for (int i = 0; i < l->n; i++)
      if (l->list[i].kind <= LAYER_SYMBOLS) data_line(&w, &l->list[i]);
    for (int k = 0; k < l->n_outputs; k++) output_data(&w, k);
    for (int i = 0; i < l->n; i++) {
      if (l->list[i].kind > LAYER_SYMBOLS && !w.uses[i]) continue;
      const bool call = l->list[i].kind == LAYER_RECURRENT, head = call && w.call[i] == i;
      if (l->list[i].kind > LAYER_SYMBOLS) layer_weights(&w, i);
      if (l->list[i].kind <= LAYER_SYMBOLS || is_inline(&w, i) || (call && !head)) continue;
      layer_line(&w, i);
    }
    for (int k = 0; k < l->n_outputs; k++) output_line(&w, k);
  }
  mem_free(w.uses);
  mem_free(w.call);
  mem_free(w.reader);
  return status ? status : w.failed || out->text.failed ? error_memory(err) : UNROLL_OK;
}

void net_free(net_text *n) {
  text_free(&n->text);
  for (int i = 0; i < n->n_cells; i++) text_free(&n->cells[i].text);
  mem_free(n->cells);
  mem_free(n->weights);
  *n = (net_text){0};
}

bool layers_are_language(const layers *l) {
  int symbols = -1, inputs = 0;
  for (int i = 0; i < l->n; i++) {
    const layer *one = &l->list[i];
    if (one->kind == LAYER_SYMBOLS) symbols = i;
    inputs += one->kind <= LAYER_SYMBOLS;
    if (one->kind == LAYER_RECURRENT && one->cell->backward) return false;
    if (one->kind == LAYER_OVER) return false;
  }
  if (inputs != 1 || symbols < 0 || !l->list[symbols].steps || l->n_outputs != 1) return false;
  const layer *out = &l->list[l->outputs[0].layer];
  return out->steps && out->width == l->list[symbols].width && out->kind == LAYER_LINEAR;
}
