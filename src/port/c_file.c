/* c_file.c - the C file around the loops: what it says on top, weights, helpers, functions; and its header. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "port/c_internal.h"

int c_parameters(const c_export *c, enum phase phase, c_parameter *list) {
  int n = 0;
  for (int i = 0; i < c->g->n_data; i++) {
    const bool step = c->g->data[i].space == SPACE_STEP;
    if (!c->data[i].used || phase != (step ? PHASE_STEP : PHASE_START)) continue;
    const bool symbols = c->m->schema.list[i].form.unit != UNIT_NUMBERS;
    list[n++] = (c_parameter){.data = i, .width = symbols ? 0 : c->g->data[i].width};
  }
  for (int i = 0; i < c->g->n_losses; i++)
    for (int k = 0; k < c->g->losses[i].n_args && c_loss_phase(c, &c->g->losses[i]) == phase; k++)
      list[n++] = (c_parameter){.data = -1, .loss = i, .k = k, .width = c_loss_width(c, &c->g->losses[i], k)};
  return n;
}

static void signature(c_export *c, enum phase phase, const char *function, bool state, text *out) {
  c_parameter *list = arena_alloc(&c->memory, (size_t)(c->g->n_data + LOSS_ARGS * c->g->n_losses) + 1, sizeof *list);
  out->failed |= !list;
  if (!list) return;
  const int n = c_parameters(c, phase, list);
  text_format(out, "void %s_%s(", c->name, function);
  if (state) text_format(out, "%s%s_state *state", phase == PHASE_END ? "const " : "", c->name);
  for (int i = 0; i < n; i++) {
    const char *name = list[i].data >= 0 ? c->data[list[i].data].name : c->outputs[list[i].loss][list[i].k];
    const char *type = list[i].data < 0 ? "float *" : list[i].width ? "const float *" : "int ";
    text_format(out, "%s%s%s", i || state ? ", " : "", type, name);
    if (list[i].width) text_format(out, " /* [%d] */", list[i].width);
  }
  text_format(out, ")");
}

/* --- the state --- */

static bool is_member(const c_export *c, int x) {
  const enum op op = c->g->nodes[x].op;
  const bool member = op == OP_SHIFT || op == OP_EDGE || op == OP_SUM_TIME || op == OP_MAX_TIME;
  return c->names[x] && (member || (c->kept[x] && c->phase[x] == PHASE_START && !c->inlined[x]));
}

static int64_t state(const c_export *c, text *out) {
  int64_t numbers = 1;
  text_format(out, "typedef struct %s_state {\n  int steps;\n", c->name);
  for (int i = 0; i < c->n_order; i++) {
    if (!is_member(c, c->order[i])) continue;
    text_format(out, "  float %s[%d];\n", c->names[c->order[i]], c->g->nodes[c->order[i]].width);
    numbers += c->g->nodes[c->order[i]].width;
  }
  for (int i = 0; i < c->g->n_data; i++)
    for (int lag = c->data[i].least + 1; c->data[i].used && lag <= c->data[i].most; lag++) {
      const bool symbols = c->m->schema.list[i].form.unit != UNIT_NUMBERS;
      if (symbols)
        text_format(out, "  int %s_%d;\n", c->data[i].name, lag);
      else
        text_format(out, "  float %s_%d[%d];\n", c->data[i].name, lag, c->g->data[i].width);
      numbers += symbols ? 1 : c->g->data[i].width;
    }
  text_format(out, "} %s_state;\n\n", c->name);
  return numbers;
}

static void begin_history(const c_export *c, text *out) {
  text_format(out, "  state->steps = 0;\n");
  for (int i = 0; i < c->g->n_data; i++)
    for (int lag = c->data[i].least + 1; c->data[i].used && lag <= c->data[i].most; lag++) {
      if (c->m->schema.list[i].form.unit != UNIT_NUMBERS)
        text_format(out, "  state->%s_%d = -1;\n", c->data[i].name, lag);
      else
        text_format(out, "  for (int i = 0; i < %d; i++) state->%s_%d[i] = 0.0f;\n", c->g->data[i].width, c->data[i].name, lag);
    }
}

/* Numbers as the net takes them. */
static void take_numbers(c_export *c, text *out) {
  for (int i = 0; i < c->g->n_data; i++) {
    const c_data *d = &c->data[i];
    const int width = c->g->data[i].width;
    if (!d->used || c->m->schema.list[i].form.unit != UNIT_NUMBERS || c->g->data[i].space != SPACE_STEP) continue;
    if (!d->scaled && !d->least) continue;
    text_format(out, "  float %s[%d];\n  for (int i = 0; i < %d; i++) %s[i] = ", d->value, width, width, d->value);
    if (d->least) text_format(out, "!%s ? 0.0f : ", d->name);
    if (d->scaled)
      text_format(out, "(float)(((double)%s[i] - %s[i]) / %s[i]);\n", d->name, d->center, d->spread);
    else
      text_format(out, "%s[i];\n", d->name);
    c->locals[PHASE_STEP] += width;
  }
}

/* --- numbers --- */

static void list_numbers(text *out, const float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    c_number(out, (double)x[i]);
    if (i + 1 < n) text_format(out, ",%s", i % 8 == 7 ? "\n   " : " ");
  }
}

static int64_t weights(const c_export *c, text *out) {
  int64_t count = 0;
  for (int p = 0; p < c->g->n_params; p++) {
    const param *w = &c->g->params[p];
    const float *x = c->m->weights + w->offset;
    if (!c->weight_used[p]) continue;
    text_format(out, "/* %s */\nstatic const float %s[%d]", w->name, c->weight_names[p], w->rows);
    if (!w->vector) text_format(out, "[%d]", w->cols);
    text_format(out, " = {\n");
    for (int i = 0; i < w->rows && !w->vector; i++) {
      text_format(out, "  {");
      list_numbers(out, x + (int64_t)i * w->cols, w->cols);
      text_format(out, "},\n");
    }
    if (w->vector) text_format(out, "  ");
    if (w->vector) list_numbers(out, x, w->rows);
    text_format(out, w->vector ? "\n};\n" : "};\n");
    count += (int64_t)w->rows * w->cols;
  }
  return count;
}

static bool is_read(const c_export *c, int x) { return c->phase[x] == PHASE_CONSTANT && c->names[x] && c->uses[x] > 0; }

static int64_t constants(const c_export *c, text *out) {
  int64_t count = 0;
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i], width = c->g->nodes[x].width;
    if (!is_read(c, x)) continue;
    text_format(out, "/* ");
    graph_print_node(c->g, x, out);
    text_format(out, ", which depends on weights only */\nstatic const float %s[%d] = {\n  ", c->names[x], width);
    for (int j = 0; j < width; j++) {
      c_number(out, c_value(c, x, 0, j));
      if (j + 1 < width) text_format(out, ",%s", j % 8 == 7 ? "\n  " : " ");
    }
    text_format(out, "\n};\n");
    count += width;
  }
  return count;
}

static bool scales(const c_export *c, int data) {
  bool used = c->data[data].used;
  for (int i = 0; i < c->g->n_losses; i++)
    for (int k = 0; k < c->g->losses[i].n_args; k++)
      used |= c->g->losses[i].data == data && c_loss_unit(c, &c->g->losses[i], k) != UNIT_OF_NOTHING;
  return used && c->data[data].scaled;
}

/* Center and spread of numbers. */
static int64_t units(const c_export *c, text *out) {
  int64_t count = 0;
  for (int i = 0; i < c->g->n_data; i++) {
    const variable *v = &c->m->schema.list[i];
    if (!scales(c, i)) continue;
    for (int k = 0; k < 2; k++) {
      text_format(out, "static const double %s[%d] = {\n  ", k ? c->data[i].spread : c->data[i].center, v->width);
      for (int j = 0; j < v->width; j++)
        text_format(out, "%.17g%s", k ? v->deviation[j] : v->mean[j], j + 1 == v->width ? "" : j % 8 == 7 ? ",\n  " : ", ");
      text_format(out, "\n};\n");
    }
    count += 4 * (int64_t)v->width;
  }
  return count;
}

/* --- texts of symbols --- */

static void quoted(const char *s, text *out) {
  text_format(out, "\"");
  for (; *s; s++) {
    const unsigned char byte = (unsigned char)*s;
    if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\' || byte == '?')
      text_format(out, "\\%03o", byte);
    else
      text_add(out, s, 1);
  }
  text_format(out, "\"");
}

static bool has_texts(const c_export *c, int data) {
  bool asked = c->data[data].used;
  for (int i = 0; i < c->g->n_losses; i++) asked |= c->g->losses[i].data == data;
  return asked && c->out->symbols && c->out->symbols[data].n > 0;
}

static void symbols(const c_export *c, text *out, bool whole) {
  for (int i = 0; i < c->g->n_data; i++) {
    if (!has_texts(c, i)) continue;
    const port_symbols *s = &c->out->symbols[i];
    text_format(out, "%sconst char *const %s_%s_text[%d]", whole ? "" : "extern ", c->name, c->g->data[i].name, s->n);
    for (int k = 0; k < s->n && whole; k++) {
      text_format(out, k ? "," : " = {\n ");
      text_format(out, k && k % 8 == 0 ? "\n  " : " ");
      quoted(s->texts[k], out);
    }
    text_format(out, whole ? "\n};\n" : "; /* of the symbols */\n");
  }
}

/* --- the files --- */

static void equations(const c_export *c, text *out) {
  text lines = {0};
  graph_print_forward(c->g, &lines);
  for (size_t i = 0; i < lines.length; i++) {
    if (i == 0 || lines.data[i - 1] == '\n') text_format(out, " *     ");
    const bool ends = lines.data[i] == '/' && i && lines.data[i - 1] == '*';
    text_add(out, ends ? " /" : &lines.data[i], ends ? 2 : 1);
  }
  out->failed |= lines.failed;
  text_free(&lines);
}

static void header(c_export *c, int64_t *members, text *out) {
  text_format(out, "/* %s: written by `unroll export c`. The C file has the equations. */\n#ifndef %s_H\n#define %s_H\n", c->name,
              c->name, c->name);
  text_format(out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  if (c->has_steps) {
    *members = state(c, out);
    text_format(out, "/* Before the first step of a sequence. */\n");
    signature(c, PHASE_START, "reset", true, out);
    text_format(
        out, ";\n/* A step: what goes in, and then what comes out. Symbols are numbers from 0, -1 where there is none. What ends "
             "in _before\n * is the value of an earlier step; at the first step there is none: -1, of numbers a null pointer. "
             "*/\n");
    signature(c, PHASE_STEP, "step", true, out);
    if (c->has_end) text_format(out, ";\n/* What all steps so far say. */\n");
    if (c->has_end) signature(c, PHASE_END, "end", true, out);
  } else {
    signature(c, PHASE_START, "run", false, out);
  }
  text_format(out, ";\n\n");
  symbols(c, out, false);
  text_format(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

static void function(c_export *c, enum phase phase, const char *name, bool has_state, text *out) {
  text_format(out, "\n");
  signature(c, phase, name, has_state, out);
  const char *body = c->body[phase].data ? c->body[phase].data : "";
  text_format(out, has_state && !strstr(body, "state->") ? " {\n  (void)state;\n%s}\n" : " {\n%s}\n", body);
  out->failed |= c->body[phase].failed;
}

static void helpers(const c_export *c, text *out) {
  text_format(out, "\n");
  for (int op = 0; op < OP_COUNT; op++)
    if (c->helper[op] && c_operators[op].helper) text_format(out, "%s", c_operators[op].helper);
}

static void loops(c_export *c) {
  if (c->has_steps) begin_history(c, &c->body[PHASE_START]);
  take_numbers(c, &c->body[PHASE_STEP]);
  for (int i = 0; i < c->n_order; i++) c_loop(c, c->order[i]);
  c_outputs(c);
  if (c->has_steps) c_states(c);
}

unroll_status c_file(c_export *c) {
  text numbers = {0}, *out = &c->out->source;
  int64_t members = 0, flash = 0, deepest = 0;
  loops(c);
  header(c, &members, &c->out->file);
  flash += weights(c, &numbers);
  flash += constants(c, &numbers);
  flash += units(c, &numbers);
  for (int p = 0; p < N_PHASES; p++) deepest = c->locals[p] > deepest ? c->locals[p] : deepest;
  text_format(out, "/* %s: a net of recurrent equations, written by `unroll export c`.\n *\n", c->name);
  equations(c, out);
  text_format(out,
              " *\n * Flash: %" PRId64 " bytes of numbers, and the code. RAM: %" PRId64 " bytes of state, and about %" PRId64
              " bytes of stack.\n * A step: %" PRId64 " multiply-adds in products with matrices.\n",
              4 * flash, 4 * members, 4 * deepest + 256, c->products);
  text_format(out,
              " * With -DSELFTEST it is a program of its own, which leaves with 0 where all is right. */\n"
              "#include \"%s\"\n#include <math.h>\n\n",
              c->out->header);
  text_add(out, numbers.data ? numbers.data : "", numbers.length);
  symbols(c, out, true);
  helpers(c, out);
  function(c, PHASE_START, c->has_steps ? "reset" : "run", c->has_steps, out);
  if (c->has_steps) function(c, PHASE_STEP, "step", true, out);
  if (c->has_end) function(c, PHASE_END, "end", true, out);
  c_test(c, out);
  const bool failed = numbers.failed || out->failed || c->out->file.failed;
  text_free(&numbers);
  return failed ? error_memory(c->err) : UNROLL_OK;
}
