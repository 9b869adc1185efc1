/* c_loop.c - a node becomes a loop with its equation above it. An operator is a row of c_operators, or a function here or in
 * c_whole.c. */
#include <stdio.h>
#include <string.h>
#include "port/c_internal.h"

const char *c_weight(c_export *c, int number) {
  c->weight_used[number] = true;
  return c->weight_names[number];
}

static const char *printed(c_export *c, const char *before, const char *s, const char *after) {
  text t = {0};
  text_format(&t, "%s%s%s", before, s, after);
  const char *kept = t.failed ? NULL : arena_text(&c->memory, t.data, t.length);
  text_free(&t);
  if (!kept) c->body[PHASE_START].failed = 1;
  return kept ? kept : "";
}

const char *c_count(c_export *c, enum phase phase, int width) {
  const int axis = graph_steps_axis(width);
  char s[32];
  snprintf(s, sizeof s, "%d", width);
  if (axis < 0) return printed(c, "", s, "");
  return printed(c, phase == PHASE_START ? "" : "state->", c->steps_names[axis], "");
}

const char *c_room(c_export *c, int width) {
  const int axis = graph_steps_axis(width);
  return axis < 0 ? c_count(c, PHASE_START, width) : c->most_names[axis];
}

/* --- an element of a node --- */

static void offset(text *out, int c0, const char *at) {
  if (!strcmp(at, "0"))
    text_format(out, "%d", c0);
  else if (c0)
    text_format(out, "%d + %s", c0, at);
  else
    text_format(out, "%s", at);
}

static void matrix_product(c_export *c, int number, const char *at, const char *sum, text *out) {
  const node *n = &c->g->nodes[number], *x = &c->g->nodes[n->in[0]];
  text element = {0}, before = {0};
  c_operand(c, n->in[0], "k", &before, &element);
  text_format(out, "    float %s = 0.0f;\n    for (int k = 0; k < %d; k++) %s += %s[", sum, x->width, sum, c_weight(c, n->param));
  if (n->op == OP_MATVEC) {
    text_format(out, "%s][", at);
    offset(out, n->c0, "k");
  } else {
    text_format(out, "k][");
    offset(out, n->c0, at);
  }
  text_format(out, "] * %s;\n", element.data ? element.data : "");
  c->products[n->space == SPACE_STEP] += (int64_t)n->width * x->width;
  out->failed |= element.failed;
  text_free(&element);
  text_free(&before);
}

/* The number of a symbol, `lag` steps ago; -1: there is none. */
static void symbol(const c_export *c, int x, text *out) {
  const int slot = c->g->nodes[x].slot;
  const input *in = &c->g->inputs[slot];
  const c_data *d = &c->data[in->data];
  if (c_has_steps(c, x) && in->lag)
    text_format(out, "%s", c->slot_names[slot]);
  else if (c_has_steps(c, x))
    text_format(out, "%s[%s]", d->name, c->when);
  else if (in->lag > d->least)
    text_format(out, "state->%s_%d", d->name, in->lag);
  else
    text_format(out, "%s", d->name);
}

/* Numbers of the stream. */
static void numbers(const c_export *c, int slot, const char *at, text *out) {
  const input *in = &c->g->inputs[slot];
  const c_data *d = &c->data[in->data];
  if (in->lag > d->least)
    text_format(out, "state->%s_%d[%s]", d->name, in->lag, at);
  else
    text_format(out, "%s[%s]", d->scaled || d->least ? d->value : d->name, at);
}

/* Those of a row of the caller's, at step c->when. */
static void given(const c_export *c, int x, const char *at, text *out) {
  const node *n = &c->g->nodes[x];
  const c_data *d = &c->data[c->g->inputs[n->slot].data];
  const bool sum = strpbrk(c->when, " ") != NULL;
  if (n->width == 1)
    text_format(out, "%s[%s]", d->name, c->when);
  else
    text_format(out, "%s[%s%s%s * %d + %s]", d->name, sum ? "(" : "", c->when, sum ? ")" : "", n->width, at);
}

static void expression(c_export *c, int x, const char *at, text *before, text *out) {
  const node *n = &c->g->nodes[x];
  if (n->op == OP_MATVEC || n->op == OP_MATVEC_T) {
    char sum[32];
    snprintf(sum, sizeof sum, "sum%d", ++c->n_sums);
    if (c_is_bytes(c, x)) {
      c_bytes_product(c, x, at, sum, before, out);
      return;
    }
    matrix_product(c, x, at, sum, before);
    text_format(out, "%s", sum);
    return;
  }
  if (n->op == OP_EMBED) {
    text_format(out, "(");
    symbol(c, x, out);
    text_format(out, " < 0 ? 0.0f : %s[", c_weight(c, n->param));
    symbol(c, x, out);
    text_format(out, "][%s])", at);
    return;
  }
  text form = {0};
  c->helper[n->op] = true;
  c_code(c, c_operators[n->op].form ? c_operators[n->op].form : "#", &form);
  for (const char *s = form.data ? form.data : ""; *s; s++) {
    if (*s == '#' || *s == '@')
      c_operand(c, n->in[*s == '@'], at, before, out);
    else
      text_add(out, s, 1);
  }
  out->failed |= form.failed;
  text_free(&form);
}

/* What is neither stored nor part of a loop. */
static bool leaf(c_export *c, int x, const char *at, text *out) {
  const node *n = &c->g->nodes[x];
  if (c->phase[x] == PHASE_CONSTANT)
    text_format(out, "%s[%s]", c->names[x], at);
  else if (n->op == OP_CONST)
    c_number(out, n->value);
  else if (n->op == OP_SETTING)
    c_number(out, c->g->varying[n->slot]);
  else if (n->op == OP_MASK)
    text_format(out, "1.0f");
  else if (n->op == OP_CARRY)
    text_format(out, "0.0f");
  else if (n->op == OP_VECTOR)
    text_format(out, "%s[%s]", c_weight(c, n->param), at);
  else
    return false;
  return true;
}

void c_operand(c_export *c, int x, const char *at, text *before, text *out) {
  const node *n = &c->g->nodes[x];
  const int alias = c->phase[x] == PHASE_CONSTANT ? NODE_NONE : c_alias(c, x);
  if (n->width == 1) at = "0";
  if (leaf(c, x, at, out)) return;
  if (n->op == OP_LENGTH) {
    const bool here = c->phase[x] == PHASE_START && c->stream < 0, own = n->axis == c->stream;
    const char *count = own ? "steps" : c->steps_names[n->axis], *of = here ? "" : "state->";
    text_format(out, "(%s%s > 1 ? (float)%s%s : 1.0f)", of, count, of, count);
  } else if (n->op == OP_SLICE) {
    text place = {0};
    offset(&place, n->c0, at);
    c_operand(c, alias, place.data ? place.data : "", before, out);
    text_free(&place);
  } else if (alias != NODE_NONE) {
    c_operand(c, alias, at, before, out);
  } else if (n->op == OP_INPUT && c->phase[x] == PHASE_STEP) {
    numbers(c, n->slot, at, out);
  } else if (c->home[x] == HOME_GIVEN) {
    given(c, x, at, out);
  } else if (c->inlined[x]) {
    expression(c, x, at, before, out);
  } else if (c->home[x] == HOME_ALL_STEPS) {
    text_format(out, "state->%s[%s][%s]", c->names[x], c->when, at);
  } else {
    text_format(out, "%s%s[%s]", c->home[x] == HOME_STATE ? "state->" : "", c->names[x], at);
  }
}

void c_operand_when(c_export *c, int x, const char *when, const char *at, text *before, text *out) {
  const char *now = c->when;
  c->when = when;
  c_operand(c, x, at, before, out);
  c->when = now;
}

bool c_pointer(c_export *c, int x, text *out) {
  const node *n = &c->g->nodes[x];
  const int alias = c->phase[x] == PHASE_CONSTANT ? NODE_NONE : c_alias(c, x);
  if (alias != NODE_NONE) {
    if (n->op != OP_SLICE && c->g->nodes[alias].width != n->width) return false;
    if (!c_pointer(c, alias, out)) return false;
    if (n->op == OP_SLICE && n->c0) text_format(out, " + %d", n->c0);
    return true;
  }
  if (c->phase[x] == PHASE_CONSTANT) {
    text_format(out, "%s", c->names[x]);
  } else if (n->op == OP_VECTOR && c->g->params[n->param].rows == n->width) {
    text_format(out, "%s", c_weight(c, n->param));
  } else if (n->op == OP_INPUT && c->phase[x] == PHASE_STEP) {
    text first = {0};
    numbers(c, n->slot, "0", &first);
    text_format(out, "%.*s", (int)(first.length > 3 ? first.length - 3 : 0), first.data ? first.data : "");
    text_free(&first);
  } else if (c->home[x] == HOME_GIVEN) {
    text_format(out, "%s + %s * %d", c->data[c->g->inputs[n->slot].data].name, c->when, n->width);
  } else if (c->home[x] == HOME_ALL_STEPS) {
    text_format(out, "state->%s[%s]", c->names[x], c->when);
  } else if (c->home[x] >= HOME_LOCAL) {
    text_format(out, "%s%s", c->home[x] == HOME_STATE ? "state->" : "", c->names[x]);
  } else {
    return false;
  }
  return true;
}

/* --- loops --- */

void c_begin_loop(text *out, const char *of, const char *count) {
  text_format(out, "  for (int %s = 0; %s < %s; %s++)", of, of, count, of);
}

void c_begin_loop_number(text *out, const char *of, int count) {
  text_format(out, "  for (int %s = 0; %s < %d; %s++)", of, of, count, of);
}

void c_assign(c_export *c, text *out, const char *to, const char *first, int x, int width) {
  text before = {0}, element = {0}, place = {0}, prelude = {0};
  text *const outer = c->prelude;
  c->n_sums = 0;
  c->prelude = &prelude;
  c_operand(c, x, "i", &before, &element);
  c->prelude = outer;
  text_add(out, prelude.data ? prelude.data : "", prelude.length);
  out->failed |= prelude.failed;
  text_free(&prelude);
  text_format(&place, "%s%si", first, *first ? " + " : "");
  c_begin_loop(out, "i", c_count(c, c->writing, width));
  const char *s = element.data ? element.data : "";
  size_t n = element.length;
  int depth = 0;
  bool whole = n > 1 && s[0] == '('; /* brackets around all of it go */
  for (size_t i = 0; i < n && whole; i++) {
    depth += (s[i] == '(') - (s[i] == ')');
    whole = depth > 0 || i == n - 1;
  }
  if (whole) s++, n -= 2;
  if (before.length)
    text_format(out, " {\n%s    %s[%s] = %.*s;\n  }\n", before.data, to, place.data ? place.data : "", (int)n, s);
  else
    text_format(out, " %s[%s] = %.*s;\n", to, place.data ? place.data : "", (int)n, s);
  out->failed |= before.failed | element.failed | place.failed;
  text_free(&before);
  text_free(&element);
  text_free(&place);
}

static void concat(c_export *c, text *out, const char *to, int x) {
  int first = 0;
  for (int k = 0; k < 2; k++) {
    const int in = c->g->nodes[x].in[k], width = c->g->nodes[in].width;
    char s[32] = "";
    if (first) snprintf(s, sizeof s, "%d", first);
    c_assign(c, out, to, s, in, width);
    first += width;
  }
}

void c_comment(c_export *c, int x, const char *margin, text *out) {
  text line = {0};
  graph_print_node(c->g, x, &line);
  for (size_t i = 0; i + 1 < line.length; i++)
    if (line.data[i] == '*' && line.data[i + 1] == '/') line.data[i] = ' ';
  text_format(out, "%s/* %s = %s */\n", margin, c->g->nodes[x].name ? c->g->nodes[x].name : c->names[x],
              line.data ? line.data : "");
  out->failed |= line.failed;
  text_free(&line);
}

/* A number of a row of x, by a helper that takes it as an array. */
static void reduce(c_export *c, text *out, const char *to, const char *helper, int x) {
  const int width = c->g->nodes[x].width;
  text_format(out, "  {\n  float row[%s];\n", c_room(c, width));
  c_assign(c, out, "row", "", x, width);
  text_format(out, "  %s[0] = %s(row, %s);\n  }\n", to, helper, c_count(c, c->writing, width));
}

/* Numbers of NAME_reset as the net takes them. */
static void take(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const input *in = &c->g->inputs[n->slot];
  const c_data *d = &c->data[in->data];
  text at = {0};
  if (in->space == SPACE_STEP) {
    const char *step = in->lag ? "(t - " : "t";
    text_format(&at, "%s", step);
    if (in->lag) text_format(&at, "%d)", in->lag);
    if (n->width > 1) text_format(&at, " * %d + i", n->width);
  } else {
    text_format(&at, "i");
  }
  c_begin_loop_number(out, "i", n->width);
  text_format(out, " %s[i] = ", to);
  if (in->lag) text_format(out, "t < %d ? 0.0f : ", in->lag);
  if (d->scaled)
    text_format(out, "(float)(((double)%s[%s] - %s[i]) / %s[i]);\n", d->name, at.data ? at.data : "", d->center, d->spread);
  else
    text_format(out, "%s[%s];\n", d->name, at.data ? at.data : "");
  out->failed |= at.failed;
  text_free(&at);
}

/* The value of another step, which lies there. */
static void from_step(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const char *steps = c->steps_names[n->axis];
  text before = {0}, element = {0}, init = {0}, when = {0};
  if (n->op == OP_REVERSE)
    text_format(&when, "%s - 1 - t", steps);
  else
    text_format(&when, n->dir > 0 ? "t - 1" : "t + 1");
  c_operand_when(c, n->in[0], when.data ? when.data : "", "i", &before, &element);
  if (n->op == OP_SHIFT && n->in[1] != NODE_NONE) c_operand(c, n->in[1], "i", &before, &init);
  c_begin_loop_number(out, "i", n->width);
  text_format(out, " %s[i] = ", to);
  const char *otherwise = init.data ? init.data : "0.0f";
  if (n->op == OP_SHIFT && n->dir > 0) text_format(out, "t < 1 ? %s : ", otherwise);
  if (n->op == OP_SHIFT && n->dir < 0) text_format(out, "t > %s - 2 ? %s : ", steps, otherwise);
  text_format(out, "%s;\n", element.data ? element.data : "");
  out->failed |= before.failed | element.failed | init.failed | when.failed;
  text_free(&before);
  text_free(&element);
  text_free(&init);
  text_free(&when);
}

static void loop_into(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  text before = {0}, element = {0};
  char first[32] = "";
  switch (n->op) {
  case OP_INPUT:
    take(c, out, to, x);
    break;
  case OP_SHIFT:
  case OP_REVERSE:
    from_step(c, out, to, x);
    break;
  case OP_CONCAT:
    concat(c, out, to, x);
    break;
  case OP_PAD:
    c_begin_loop_number(out, "i", n->width);
    text_format(out, " %s[i] = 0.0f;\n", to);
    if (n->c0) snprintf(first, sizeof first, "%d", n->c0);
    c_assign(c, out, to, first, n->in[0], c->g->nodes[n->in[0]].width);
    break;
  case OP_ROW_SUM:
    text_format(out, "  %s[0] = 0.0f;\n", to);
    c_operand(c, n->in[0], "i", &before, &element);
    c_begin_loop_number(out, "i", c->g->nodes[n->in[0]].width);
    text_format(out, " %s[0] += %s;\n", to, element.data ? element.data : "");
    break;
  case OP_LOG_SUM_EXP:
    reduce(c, out, to, "log_sum_exp_of", n->in[0]);
    break;
  case OP_LAYERNORM_SCALE:
    reduce(c, out, to, "layernorm_scale_of", n->in[0]);
    break;
  case OP_SOFTMAX:
    c_assign(c, out, to, "", n->in[0], n->width);
    text_format(out, "  softmax_of(%s, %s);\n", to, c_count(c, (enum phase)c->phase[x], n->width));
    break;
  case OP_LAYERNORM:
    c_assign(c, out, to, "", n->in[0], n->width);
    c_operand(c, n->in[1], "0", &before, &element);
    text_format(out, "  layernorm_of(%s, %d, %s);\n", to, n->width, element.data ? element.data : "");
    break;
  default: /* what has an expression */
    if (c_whole(c, out, to, x)) break;
    c->inlined[x] = true;
    c_assign(c, out, to, "", x, n->width);
    c->inlined[x] = false;
  }
  c->helper[n->op] = true;
  out->failed |= before.failed | element.failed;
  text_free(&before);
  text_free(&element);
}

void c_loop(c_export *c, int x, text *out) {
  const node *n = &c->g->nodes[x];
  text to = {0};
  c_comment(c, x, "  ", out);
  if (c->home[x] == HOME_LOCAL || c->home[x] == HOME_EACH) {
    text_format(out, "  float %s[%s];\n", c->names[x], c_room(c, n->width));
    c->locals[c->phase[x]] += graph_steps_axis(n->width) < 0 ? n->width : USUAL_MOST_STEPS;
  }
  text_format(&to, "%s%s%s", c->home[x] >= HOME_STATE ? "state->" : "", c->names[x], c->home[x] == HOME_ALL_STEPS ? "[t]" : "");
  loop_into(c, out, to.data ? to.data : "", x);
  out->failed |= to.failed;
  text_free(&to);
}
