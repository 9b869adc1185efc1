/* c_file.c - the C file around the loops: what it says on top, weights, helpers, functions; and its header. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "port/c_internal.h"

c_parameter *c_parameter_room(c_export *c) {
  const size_t most = (size_t)(c->g->n_data + LOSS_ARGS * c->g->n_losses + c->g->n_axes) + 1;
  c_parameter *list = arena_alloc(&c->memory, most, sizeof *list);
  if (!list) c->out->source.failed = 1;
  return list;
}

static int lengths(const c_export *c, bool streamed, c_parameter *list) {
  int n = 0;
  for (int a = 0; a < c->g->n_axes; a++)
    if (c->axis_used[a] && (streamed || a != c->stream)) list[n++] = (c_parameter){.data = -2, .axis = a};
  return n;
}

static int given(const c_export *c, bool streamed, c_parameter *list) {
  int n = 0;
  for (int i = 0; i < c->g->n_data; i++) {
    if (!c->data[i].used || c_is_streamed(c, i) != streamed) continue;
    const int axis = c->g->data[i].space == SPACE_STEP ? c->g->data[i].axis : -1;
    list[n++] = (c_parameter){.data = i, .axis = axis, .width = c_takes_symbols(c, i) ? 0 : c->g->data[i].width};
  }
  return n;
}

static int handed_out(const c_export *c, enum phase phase, c_parameter *list) {
  int n = 0;
  for (int i = 0; i < c->g->n_losses; i++) {
    const loss *l = &c->g->losses[i];
    for (int k = 0; k < l->n_args && c_loss_phase(c, l) == phase; k++)
      list[n++] = (c_parameter){.data = -1, .loss = i, .k = k, .axis = c_loss_axis(c, l), .width = c_loss_width(c, l, k)};
  }
  return n;
}

int c_parameters(const c_export *c, enum phase phase, c_parameter *list) {
  int n = phase == PHASE_START ? lengths(c, false, list) : 0;
  if (phase <= PHASE_STEP) n += given(c, phase == PHASE_STEP, list + n);
  n += handed_out(c, phase, list + n);
  for (int i = 0; i < n && phase == PHASE_STEP; i++) list[i].axis = -1;
  return n;
}

int c_run_parameters(const c_export *c, c_parameter *list) {
  int n = lengths(c, true, list);
  n += given(c, false, list + n);
  n += given(c, true, list + n);
  for (enum phase p = PHASE_START; p <= PHASE_END; p++) n += handed_out(c, p, list + n);
  return n;
}

const char *c_parameter_name(const c_export *c, const c_parameter *p) {
  if (p->data == -2) return c->steps_names[p->axis];
  if (p->data < 0) return c->outputs[p->loss][p->k];
  return p->axis >= 0 ? c->data[p->data].whole : c->data[p->data].name;
}

const char *c_function(const c_export *c, enum phase phase) {
  return phase == PHASE_STEP ? "step" : phase == PHASE_END ? "end" : c->stream >= 0 ? "reset" : "run";
}

bool c_is_bound(const c_export *c) {
  bool bound = false;
  for (int a = 0; a < c->g->n_axes; a++) bound |= c->axis_bound[a];
  return bound;
}

static void signature(c_export *c, const char *function, const c_parameter *list, int n, bool bound, bool constant, text *out) {
  text_format(out, "%s %s_%s(", bound ? "int" : "void", c->name, function);
  if (c->has_state) text_format(out, "%s%s_state *state", constant ? "const " : "", c->name);
  for (int i = 0; i < n; i++) {
    const c_parameter *p = &list[i];
    const bool number = p->data == -2 || (p->data >= 0 && !p->width && p->axis < 0);
    const char *type = number ? "int " : p->data < 0 ? "float *" : p->width ? "const float *" : "const int *";
    text_format(out, "%s%s%s", i || c->has_state ? ", " : "", type, c_parameter_name(c, p));
    if (number) continue;
    text_format(out, " /* ");
    if (p->axis >= 0) text_format(out, "[%s]", c->steps_names[p->axis]);
    if (p->width) text_format(out, "[%d]", p->width);
    text_format(out, " */");
  }
  text_format(out, n || c->has_state ? ")" : "void)");
}

void c_signature(c_export *c, enum phase phase, text *out) {
  c_parameter *list = c_parameter_room(c);
  if (list)
    signature(c, c_function(c, phase), list, c_parameters(c, phase, list), phase == PHASE_START && c_is_bound(c),
              phase == PHASE_END, out);
}

void c_run_signature(c_export *c, text *out) {
  c_parameter *list = c_parameter_room(c);
  if (list) signature(c, "run", list, c_run_parameters(c, list), c_is_bound(c), false, out);
}

/* --- the state --- */

/* Floats of the state, and those of each step of an axis. */
typedef struct size {
  int64_t numbers, each;
} size;

static size state(const c_export *c, text *out) {
  size n = {c->stream >= 0, 0};
  text_format(out, "typedef struct %s_state {\n", c->name);
  if (c->stream >= 0) text_format(out, "  int steps;\n");
  for (int a = 0; a < c->g->n_axes; a++)
    if (c->axis_kept[a]) text_format(out, "  int %s;\n", c->steps_names[a]), n.numbers++;
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const node *of = &c->g->nodes[x];
    if (c->home[x] == HOME_ALL_STEPS) {
      text_format(out, "  float %s[%s][%d];\n", c->names[x], c->most_names[of->axis], of->width);
      n.each += of->width;
    } else if (c->home[x] == HOME_STATE) {
      const int axis = graph_steps_axis(of->width);
      text_format(out, axis < 0 ? "  float %s[%d];\n" : "  float %s[", c->names[x], of->width);
      if (axis >= 0) text_format(out, "%s];\n", c->most_names[axis]);
      *(axis < 0 ? &n.numbers : &n.each) += axis < 0 ? of->width : 1;
    }
  }
  for (int i = 0; i < c->g->n_data; i++)
    for (int lag = c->data[i].least + 1; c_is_streamed(c, i) && lag <= c->data[i].most; lag++) {
      if (c_takes_symbols(c, i))
        text_format(out, "  int %s_%d;\n", c->data[i].name, lag);
      else
        text_format(out, "  float %s_%d[%d];\n", c->data[i].name, lag, c->g->data[i].width);
      n.numbers += c_takes_symbols(c, i) ? 1 : c->g->data[i].width;
    }
  text_format(out, "} %s_state;\n\n", c->name);
  return n;
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

static void most_steps(const c_export *c, text *out) {
  for (int a = 0; a < c->g->n_axes; a++)
    if (c->axis_bound[a])
      text_format(out, "#ifndef %s /* more are refused */\n#define %s %d\n#endif\n", c->most_names[a], c->most_names[a],
                  USUAL_MOST_STEPS);
  if (c_is_bound(c)) text_format(out, "\n");
}

static void prototypes(c_export *c, text *out) {
  if (c_is_bound(c)) text_format(out, "/* 0, or -1 where a sequence has too many steps. */\n");
  if (c->stream >= 0) {
    text_format(out, "/* Before the first step of a sequence. */\n");
    c_signature(c, PHASE_START, out);
    text_format(
        out, ";\n/* A step: what goes in, and then what comes out. Symbols are numbers from 0, -1 where there is none. What ends "
             "in _before\n * is the value of an earlier step; at the first step there is none: -1, of numbers a null pointer. "
             "*/\n");
    c_signature(c, PHASE_STEP, out);
    if (c->has_end) text_format(out, ";\n/* What all steps so far say. */\n");
    if (c->has_end) c_signature(c, PHASE_END, out);
    text_format(out, ";\n/* A whole sequence at once. */\n");
  } else {
    text_format(out, "/* All at once. Symbols are numbers from 0, -1 where there is none. */\n");
  }
  c_run_signature(c, out);
  text_format(out, ";\n\n");
}

static void header(c_export *c, size *members, text *out) {
  text_format(out, "/* %s: written by `unroll export c`. The C file has the equations. */\n#ifndef %s_H\n#define %s_H\n", c->name,
              c->name, c->name);
  text_format(out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  most_steps(c, out);
  if (c->has_state) *members = state(c, out);
  prototypes(c, out);
  symbols(c, out, false);
  c_front_header(c, out);
  c_sound_header(c, out);
  text_format(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

static void function(c_export *c, enum phase phase, text *out) {
  text_format(out, "\n");
  c_signature(c, phase, out);
  const char *body = c->body[phase].data ? c->body[phase].data : "";
  text_format(out, c->has_state && !strstr(body, "state->") ? " {\n  (void)state;\n%s}\n" : " {\n%s}\n", body);
  out->failed |= c->body[phase].failed;
}

static void helpers(const c_export *c, text *out) {
  text_format(out, "\n");
  for (int op = 0; op < OP_COUNT; op++)
    if (c->helper[op] && c_operators[op].helper) c_code(c, c_operators[op].helper, out);
}

/* What stands on top. */
static void summary(const c_export *c, int64_t flash, size members, text *out) {
  int64_t deepest = 0;
  for (int p = 0; p < N_PHASES; p++) deepest = c->locals[p] > deepest ? c->locals[p] : deepest;
  text_format(out, "/* %s: a net of recurrent equations, written by `unroll export c`.\n *\n", c->name);
  equations(c, out);
  text_format(out, " *\n * Flash: %" PRId64 " bytes of numbers, and the code. RAM: %" PRId64 " bytes of state", flash,
              4 * members.numbers);
  if (members.each) text_format(out, " and %" PRId64 " for each step that a sequence may have", 4 * members.each);
  text_format(out, ", and\n * about %" PRId64 " bytes of stack.\n", 4 * deepest + 256);
  text_format(out, " * A step: %" PRId64 " multiply-adds in products with matrices", c->products[1]);
  if (c->products[0]) text_format(out, ", and %" PRId64 " at once", c->products[0]);
  text_format(out, ".\n * With -DSELFTEST it is a program of its own, which leaves with 0 where all is right. */\n");
  text_format(out, "#include \"%s\"\n", c->out->header);
  if (!c->out->no_libm) text_format(out, "#include <math.h>\n");
  if (c->out->no_libm || c->n_matrices) text_format(out, "#include <stdint.h>\n");
  text_format(out, "\n");
}

unroll_status c_file(c_export *c) {
  text numbers = {0}, code = {0}, *out = &c->out->source;
  size members = {0, 0};
  int64_t flash = 0;
  c_start(c);
  if (c->stream >= 0) c_step(c);
  if (c->has_end) c_end(c);
  header(c, &members, &c->out->file);
  flash += weights(c, &numbers);
  const int64_t bytes = c_bytes_weights(c, &numbers);
  flash += constants(c, &numbers);
  flash += units(c, &numbers);
  symbols(c, &numbers, true);
  c_front(c, &code);
  c_sound(c, &code);
  helpers(c, &code);
  if (c->n_matrices) text_format(&code, "%s", c_bytes_helper);
  function(c, PHASE_START, &code);
  if (c->stream >= 0) function(c, PHASE_STEP, &code);
  if (c->has_end) function(c, PHASE_END, &code);
  if (c->stream >= 0) c_run(c, &code);
  c_test(c, &code);
  summary(c, 4 * flash + bytes, members, out);
  const char *const all[] = {numbers.data ? numbers.data : "", code.data ? code.data : ""};
  if (c->out->no_libm && (strstr(all[0], "HUGE_VALF") || strstr(all[1], "HUGE_VALF")))
    text_format(out, "#define HUGE_VALF (1e30f * 1e30f)\n");
  text_add(out, all[0], strlen(all[0]));
  if (c->out->no_libm) c_math(all[1], out);
  text_add(out, all[1], strlen(all[1]));
  const bool failed = numbers.failed || code.failed || out->failed || c->out->file.failed;
  text_free(&numbers);
  text_free(&code);
  return failed ? error_memory(c->err) : UNROLL_OK;
}
