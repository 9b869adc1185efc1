/* torch_write.c - a model as a module of PyTorch: a readable file of Python, and its weights as safetensors.
 *
 * The blocks of flow.h are written one after the other. A value without a name that is read once stands where it is read, so lines
 * read like the equations. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "port/torch_write.h"

static const node *at(const torch_export *o, int x) { return &o->g->nodes[x]; }
static const variable *variable_of(const torch_export *o, int data) { return &o->m->schema.list[data]; }

void torch_fail_memory(torch_export *o) {
  if (!o->status) o->status = error_memory(o->err);
}

void torch_cannot(torch_export *o, int x, const char *why) {
  const node *n = at(o, x);
  const char *name = n->name ? n->name : *graph_ops[n->op].text ? graph_ops[n->op].text : graph_ops[n->op].name;
  if (o->status) return;
  if (n->source)
    o->status = error_at(o->err, UNROLL_USAGE, n->source->file, n->source->text, n->at.line, n->at.column,
                         "'%s' cannot be written for PyTorch: %s", name, why);
  else
    o->status = error_set(o->err, UNROLL_USAGE, "'%s' cannot be written for PyTorch: %s", name, why);
}

/* --- texts and names --- */

const char *torch_format(torch_export *o, const char *format, ...) {
  va_list list;
  va_start(list, format);
  const int n = vsnprintf(NULL, 0, format, list);
  va_end(list);
  char *s = n < 0 ? NULL : arena_alloc(&o->memory, (size_t)n + 1, 1);
  if (!s) return torch_fail_memory(o), "";
  va_start(list, format);
  vsnprintf(s, (size_t)n + 1, format, list);
  va_end(list);
  return s;
}

void torch_line(torch_export *o, const char *format, ...) {
  va_list list;
  char *s = NULL;
  va_start(list, format);
  const int n = vsnprintf(NULL, 0, format, list);
  va_end(list);
  if (n >= 0) s = arena_alloc(&o->memory, (size_t)n + 1, 1);
  if (!s) {
    torch_fail_memory(o);
    return;
  }
  va_start(list, format);
  vsnprintf(s, (size_t)n + 1, format, list);
  va_end(list);
  text_format(&o->forward, "%*s%s\n", 4 * o->indent, "", s);
  if (o->forward.failed) torch_fail_memory(o);
}

static const char reserved[] =
    " False None True and as assert async await batch break class continue def del elif else except finally for "
    "from functional global if import in is lambda len look_up nn nonlocal not or pass print raise range return "
    "reversed self t torch try while with yield zeros forward train eval load type to half float double cpu cuda "
    "apply modules children parameters buffers state_dict load_state_dict register_buffer add_module share_memory "
    "training compile requires_grad_ zero_grad dump_patches call_super_init T_destination extra_repr Net next list ";

static bool is_reserved(const char *s) {
  const size_t n = strlen(s);
  for (const char *p = strstr(reserved, s); p && n; p = strstr(p + 1, s))
    if (p[-1] == ' ' && p[n] == ' ') return true;
  return false;
}

static bool is_taken(const torch_export *o, const char *s) {
  for (int i = 0; i < o->n_names; i++)
    if (!strcmp(o->names[i], s)) return true;
  return false;
}

/* Attributes and variables may have the same names. */
static const char *named(torch_export *o, const char *wanted, const char *of) {
  char plain[120];
  size_t n = 0;
  if ((*wanted >= '0' && *wanted <= '9') || !*wanted) plain[n++] = 'n';
  for (const char *p = wanted; *p && n < 100; p++) {
    const bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
    plain[n++] = letter ? *p : '_';
  }
  plain[n] = 0;
  const char *name = torch_format(o, "%s%s", of, plain);
  for (int i = 2; !o->status && (is_taken(o, name) || is_reserved(name + strlen(of))); i++)
    name = torch_format(o, "%s%s_%d", of, plain, i);
  if (o->n_names == o->cap_names) {
    const char **bigger = mem_resize(o->names, (size_t)(2 * o->cap_names + 64) * sizeof *bigger);
    if (!bigger) return torch_fail_memory(o), "";
    o->names = bigger;
    o->cap_names = 2 * o->cap_names + 64;
  }
  o->names[o->n_names++] = name;
  return name + strlen(of);
}

const char *torch_named(torch_export *o, const char *wanted) { return named(o, wanted, ""); }
const char *torch_attribute(torch_export *o, const char *wanted) { return named(o, wanted, "self."); }

void torch_tensor(torch_export *o, const char *name, enum tensor_type type, const int64_t *shape, int rank, const void *data) {
  if (o->n_tensors == o->cap_tensors) {
    tensor *bigger = mem_resize(o->tensors, (size_t)(2 * o->cap_tensors + 32) * sizeof *bigger);
    if (!bigger) {
      torch_fail_memory(o);
      return;
    }
    o->tensors = bigger;
    o->cap_tensors = 2 * o->cap_tensors + 32;
  }
  tensor *t = &o->tensors[o->n_tensors++];
  *t = (tensor){.name = name, .type = type, .rank = rank, .data = data};
  for (int i = 0; i < rank; i++) t->shape[i] = shape[i];
}

/* --- values --- */

static torch_value *place_of(torch_export *o, int x) { return o->block < 0 ? &o->values[x] : &o->inner[x]; }

static const char *steps_name(torch_export *o, int axis) {
  for (int i = 0; i < o->g->n_data; i++)
    if (o->g->data[i].space == SPACE_STEP && o->g->data[i].axis == axis) return torch_format(o, "%s_steps", o->g->data[i].name);
  return "steps";
}

const char *torch_steps(torch_export *o, int axis) {
  if (!o->steps[axis]) {
    o->steps[axis] = "";
    for (int i = 0; i < o->g->n_inputs; i++)
      if (o->given[i] && o->g->inputs[i].space == SPACE_STEP && o->g->inputs[i].axis == axis)
        o->steps[axis] = torch_named(o, steps_name(o, axis));
    if (!*o->steps[axis] && !o->status)
      o->status = error_set(o->err, UNROLL_USAGE,
                            "nothing goes into this net at the steps of one of its sequences, so nothing says how many there are");
  }
  return o->steps[axis];
}

static const char *flatten(torch_export *o, int x, const torch_picture *p) {
  const node *n = at(o, x);
  const char *turned = torch_format(o, "%s.permute(0, 2, 3, 1)", p->text);
  if (n->space == SPACE_STEP && o->block < 0) {
    o->batch = true;
    return torch_format(o, "%s.reshape(%s, batch, %d)", turned, torch_steps(o, n->axis), n->width);
  }
  return torch_format(o, "%s.flatten(1)", turned);
}

static bool is_name(const char *s) {
  for (; *s; s++)
    if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_' || *s == '.')) return false;
  return true;
}

static int context(const torch_export *o, int x) {
  const int b = x < 0 ? -1 : o->f.block_of[x];
  return b >= 0 && o->f.blocks[b].loops && !o->cells.list[b] ? b : -1;
}

/* Stands the value of x where it is read? */
static bool stays_inside(const torch_export *o, int x, const char *s) {
  if (is_name(s)) return true;
  return !at(o, x)->name && o->uses[x] <= 1 && context(o, o->user[x]) == context(o, x) && strlen(s) < 160;
}

void torch_set(torch_export *o, int x, int rank, int columns, enum torch_level level, const char *s) {
  if (o->status) return;
  if (!stays_inside(o, x, s)) {
    const char *name = torch_named(o, at(o, x)->name ? at(o, x)->name : "value");
    torch_line(o, "%s = %s", name, s);
    s = name;
    level = LEVEL_WHOLE;
  }
  *place_of(o, x) = (torch_value){.text = s, .rank = rank, .columns = columns, .level = level};
}

void torch_same(torch_export *o, int x, int as) {
  const torch_value v = torch_see(o, as);
  if (v.number)
    *place_of(o, x) = v;
  else
    torch_set(o, x, v.rank, v.columns, v.level, v.text);
}

static bool within(const torch_export *o, int x) { return port_flow_within(&o->f, o->block, x); }

torch_value torch_see(torch_export *o, int x) {
  const node *n = at(o, x);
  if (o->block >= 0) {
    if (!o->inner[x].text && o->inside[x].text) torch_set(o, x, 1, n->width, LEVEL_WHOLE, flatten(o, x, &o->inside[x]));
    if (o->inner[x].text) return o->inner[x];
  }
  if (!o->values[x].text && o->pictures[x].text && !within(o, x)) {
    const int block = o->block; /* the expression is right inside of a loop too: it reads names of outside */
    o->block = -1;
    const char *s = flatten(o, x, &o->pictures[x]);
    o->values[x] = (torch_value){.text = s, .rank = n->space == SPACE_STEP ? 2 : 1, .columns = n->width, .level = LEVEL_WHOLE};
    o->block = block;
  }
  torch_value v = o->values[x];
  if (!v.text) {
    if (!o->status) torch_cannot(o, x, "it is needed before it is there");
    return (torch_value){.text = "", .columns = 1};
  }
  if (o->block >= 0 && v.rank == 2 && n->space == SPACE_STEP) {
    if (n->axis != o->f.blocks[o->block].axis) torch_cannot(o, x, "a step of one sequence needs all of another");
    v.text = torch_format(o, v.level == LEVEL_WHOLE ? "%s[t]" : "(%s)[t]", v.text);
    v.rank = 1;
    v.level = LEVEL_WHOLE;
  }
  return v;
}

const char *torch_arg(torch_export *o, int x, enum torch_level least) {
  const torch_value v = torch_see(o, x);
  return v.level < least ? torch_format(o, "(%s)", v.text) : v.text;
}

static const char *expanded(torch_export *o, const torch_value *v, int rank, int axis, int width) {
  const bool free_width = graph_steps_axis(width) >= 0;
  if (v->rank >= rank && v->columns == width && !v->number) return v->text;
  const char *last =
      free_width ? (v->columns == width ? "-1" : torch_steps(o, graph_steps_axis(width))) : torch_format(o, "%d", width);
  o->batch |= rank > 0;
  const char *shape = rank == 0   ? last
                      : rank == 1 ? torch_format(o, "batch, %s", last)
                                  : torch_format(o, "%s, batch, %s", torch_steps(o, axis), last);
  if (v->number) {
    o->zeros = true;
    return torch_format(o, "(zeros(%s) + %s)", shape, v->text);
  }
  return torch_format(o, v->level == LEVEL_WHOLE ? "%s.expand(%s)" : "(%s).expand(%s)", v->text,
                      rank == 0 ? torch_format(o, "%s%s",
                                               v->rank == 2   ? "-1, -1, "
                                               : v->rank == 1 ? "-1, "
                                                              : "",
                                               last)
                                : shape);
}

const char *torch_wide(torch_export *o, int x) {
  const torch_value v = torch_see(o, x);
  return expanded(o, &v, 0, -1, at(o, x)->width);
}

const char *torch_full(torch_export *o, int x, enum space space, int axis) {
  const torch_value v = torch_see(o, x);
  const int rank = space == SPACE_PARAM ? 0 : space == SPACE_STEP && o->block < 0 ? 2 : 1;
  return expanded(o, &v, rank > v.rank ? rank : v.rank, axis, at(o, x)->width);
}

const char *torch_whole(torch_export *o, int x) {
  const node *n = at(o, x);
  if (within(o, x)) torch_cannot(o, x, "a step needs all steps of its own recurrence");
  const int block = o->block;
  o->block = -1;
  const char *s = torch_full(o, x, n->space == SPACE_STEP ? SPACE_STEP : SPACE_STATIC, n->axis);
  o->block = block;
  return n->space == SPACE_STEP ? s : torch_format(o, "(%s).unsqueeze(0)", s);
}

/* --- pictures --- */

void torch_set_picture(torch_export *o, int x, const char *s, int channels, int rows, int columns) {
  if (o->status) return;
  if (!is_name(s)) {
    const char *name = torch_named(o, at(o, x)->name ? at(o, x)->name : "picture");
    torch_line(o, "%s = %s", name, s);
    s = name;
  }
  *(o->block < 0 ? &o->pictures[x] : &o->inside[x]) =
      (torch_picture){.text = s, .channels = channels, .rows = rows, .columns = columns};
}

const torch_picture *torch_only_picture(torch_export *o, int x) {
  const torch_picture *p = o->block < 0 ? &o->pictures[x] : &o->inside[x];
  return p->text && !place_of(o, x)->text ? p : NULL;
}

const char *torch_picture_of(torch_export *o, int x, const patches *p) {
  const torch_picture *there = o->block < 0 || (!within(o, x) && at(o, x)->space != SPACE_STEP) ? &o->pictures[x] : &o->inside[x];
  if (there->text && there->channels == p->channels && there->rows == p->rows && there->columns == p->columns) return there->text;
  const enum space space = at(o, x)->space == SPACE_STEP ? SPACE_STEP : SPACE_STATIC;
  return torch_format(o, "(%s).reshape(-1, %d, %d, %d).permute(0, 3, 1, 2)", torch_full(o, x, space, at(o, x)->axis), p->rows,
                      p->columns, p->channels);
}

/* --- what goes in --- */

static bool is_scaled(const variable *v) {
  for (int j = 0; v->mean && j < v->width; j++)
    if (v->mean[j] != 0 || v->deviation[j] != 1) return true;
  return false;
}

/* A buffer of doubles, made when it is first read; its attribute. */
static const char *unit(torch_export *o, int data, bool place) {
  const variable *v = variable_of(o, data);
  const char **made = place ? &o->means[data] : &o->deviations[data];
  if (*made) return *made;
  const char *name = torch_attribute(o, torch_format(o, "%s_%s", o->g->data[data].name, place ? "mean" : "deviation"));
  text_format(&o->init, "        self.register_buffer(\"%s\", torch.zeros(%d, dtype=torch.float64))\n", name, v->width);
  torch_tensor(o, name, TENSOR_F64, (const int64_t[]){v->width}, 1, place ? v->mean : v->deviation);
  return *made = torch_format(o, "self.%s", name);
}

static void give(torch_export *o, int x) {
  const node *n = at(o, x);
  const input *in = &o->g->inputs[n->slot];
  const char *data = o->g->data[in->data].name;
  const variable *v = variable_of(o, in->data);
  const picture_shape *p = &v->shape;
  const bool steps = in->space == SPACE_STEP;
  if (in->seen) {
    torch_cannot(o, x, "whether a value was observed is not known there");
    return;
  }
  if (!o->given[n->slot]) {
    const char *name = in->lag == 0   ? data
                       : in->lag == 1 ? torch_format(o, "%s_before", data)
                                      : torch_format(o, "%s_%d_before", data, in->lag);
    o->given[n->slot] = torch_named(o, name);
    text_format(&o->arguments, ", %s", o->given[n->slot]);
  }
  if (n->op != OP_INPUT) return;
  const char *s = o->given[n->slot];
  if (p->channels > 0 && !is_scaled(v) && !in->lag) {
    const char *merged = steps ? torch_format(o, "%s.flatten(0, 1)", s) : s;
    torch_set_picture(o, x, merged, p->channels, p->rows, p->columns);
    return;
  }
  if (p->channels > 0) s = torch_format(o, steps ? "%s.permute(0, 1, 3, 4, 2).flatten(2)" : "%s.permute(0, 2, 3, 1).flatten(1)", s);
  if (is_scaled(v)) {
    const char *mean = unit(o, in->data, true), *deviation = unit(o, in->data, false);
    s = torch_format(o, "((%s.double() - %s) / %s).float()", s, mean, deviation);
  }
  if (in->lag) s = torch_format(o, "torch.nan_to_num(%s)", s);
  if (!is_name(s)) { /* once, whoever reads it */
    const char *name = torch_named(o, torch_format(o, "%s_value", o->given[n->slot]));
    torch_line(o, "%s = %s", name, s);
    s = name;
  }
  o->values[x] = (torch_value){.text = s, .rank = steps ? 2 : 1, .columns = in->width, .level = LEVEL_WHOLE};
}

const char *torch_start(torch_export *o, int x, const char **end) {
  const node *n = at(o, x);
  *end = NULL;
  if (n->in[1] != NODE_NONE && at(o, n->in[1])->op != OP_CARRY) return torch_full(o, n->in[1], SPACE_STATIC, -1);
  o->zeros = o->batch = true;
  if (n->dir < 0) return torch_format(o, "zeros(batch, %d)", n->width);
  int back = 1;
  int of = n->in[0];
  for (; at(o, of)->op == OP_SHIFT && !at(o, of)->name; of = at(o, of)->in[0]) back++;
  if (!at(o, of)->name) of = port_flow_plain(o->g, of);
  const char *base = at(o, of)->name ? at(o, of)->name : "state";
  if (back > 1) base = torch_format(o, "%s_%d", base, back);
  const char *name = torch_named(o, torch_format(o, "%s_start", base));
  text_format(&o->states, ", %s=None", name);
  *end = torch_format(o, "%s_end", base);
  return torch_format(o, "zeros(batch, %d) if %s is None else %s", n->width, name, name);
}

/* --- what comes out --- */

static const char *in_units(torch_export *o, const loss *l, int k, const char *s) {
  const variable *v = variable_of(o, l->data);
  const char *arg = k < l->distribution->n_args ? l->distribution->args[k].name : "";
  const bool place = !strcmp(arg, "mean") || !strcmp(arg, "location");
  if (!is_scaled(v) || (!place && strcmp(arg, "scale") != 0)) return s;
  const char *times = torch_format(o, "(%s).double() * %s", s, unit(o, l->data, false));
  if (place) times = torch_format(o, "%s + %s", times, unit(o, l->data, true));
  return torch_format(o, "(%s).float()", times);
}

static void put_output(torch_export *o, const loss *l, int k) {
  const data_info *d = &o->g->data[l->data];
  const node *n = at(o, l->args[k]);
  const bool symbols = l->distribution->support == SUPPORT_SYMBOLS, bits = l->distribution->support == SUPPORT_BIT;
  const enum space space = d->space == SPACE_STEP && l->distribution->aligned ? SPACE_STEP
                           : n->space == SPACE_PARAM                          ? SPACE_STATIC
                                                                              : n->space;
  const int axis = n->space == SPACE_STEP ? n->axis : d->axis, width = symbols || !l->distribution->n_args ? n->width : d->width;
  const char *s = torch_full(o, l->args[k], space, axis), *name;
  if (width != n->width) s = torch_format(o, space == SPACE_STEP ? "(%s).expand(-1, -1, %d)" : "(%s).expand(-1, %d)", s, width);
  s = in_units(o, l, k, s);
  if (symbols) s = torch_format(o, "torch.softmax(%s, -1)", s);
  if (bits) s = torch_format(o, "torch.sigmoid(%s)", s);
  if (symbols || bits)
    name = torch_format(o, "%s_p", d->name);
  else if (k < l->distribution->n_args)
    name = torch_format(o, "%s_%s", d->name, l->distribution->args[k].name);
  else
    name = torch_format(o, "%s_%s%d", d->name, l->distribution->name, k + 1);
  text_format(&o->results, "            \"%s\": %s,\n", name, s);
}

/* --- the file --- */

static void *room(torch_export *o, int n, size_t size) {
  void *p = arena_alloc(&o->memory, (size_t)n + 1, size);
  if (!p) torch_fail_memory(o);
  return p;
}

/* PyTorch's own modules have no peepholes and no coupled gates, and their GRU resets after the product. */
static bool takes(const cell_row *row) {
  if (row->kind == CELL_LSTM) return !row->coupled && !row->peepholes[0];
  return row->kind == CELL_GRU ? row->reset_after : strcmp(row->activation, "Sigmoid") != 0;
}

static void begin(torch_export *o) {
  const graph *g = o->g;
  int *roots = room(o, g->n_losses * LOSS_ARGS, sizeof *roots), n_roots = 0;
  o->values = room(o, g->n_nodes, sizeof *o->values);
  o->inner = room(o, g->n_nodes, sizeof *o->inner);
  o->pictures = room(o, g->n_nodes, sizeof *o->pictures);
  o->inside = room(o, g->n_nodes, sizeof *o->inside);
  o->ends = room(o, g->n_nodes, sizeof *o->ends);
  o->uses = room(o, g->n_nodes, sizeof *o->uses);
  o->user = room(o, g->n_nodes, sizeof *o->user);
  o->given = room(o, g->n_inputs, sizeof *o->given);
  o->means = room(o, g->n_data, sizeof *o->means);
  o->deviations = room(o, g->n_data, sizeof *o->deviations);
  o->steps = room(o, g->n_axes, sizeof *o->steps);
  o->homes = room(o, g->n_params, sizeof *o->homes);
  o->held = room(o, g->n_params, sizeof *o->held);
  o->bias_of = room(o, g->n_params, sizeof *o->bias_of);
  if (o->status) return;
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args; k++) roots[n_roots++] = g->losses[i].args[k];
  o->status = port_flow_new(&o->f, g, roots, n_roots, o->err);
  if (!o->status) o->status = cell_plan_new(&o->cells, &o->f, takes, &o->memory, o->err);
  for (int i = 0; i < g->n_nodes && !o->status; i++) o->user[i] = -1;
  for (int i = 0; i < n_roots && !o->status; i++) o->uses[roots[i]]++;
  for (int i = 0; i < g->n_nodes && !o->status; i++)
    for (int k = 0; k < NODE_INPUTS && o->cells.live[i]; k++) {
      const int x = at(o, i)->in[k];
      if (x == NODE_NONE) continue;
      o->user[x] = o->uses[x]++ ? o->user[x] : i;
    }
  for (int i = 0; i < o->f.n_blocks && !o->status; i++) { /* modules read too */
    if (!o->cells.list[i]) continue;
    const cell_operands x = cell_operands_of(o->cells.list[i], g);
    for (int k = 0; k < x.n; k++) o->uses[x.list[k]]++;
  }
}

/* In a string of Python: nothing ends it. */
static void add_quoted(text *out, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '\\' || s[i] == '"') text_add(out, "\\", 1);
    if ((unsigned char)s[i] < ' ')
      text_format(out, "\\x%02x", (unsigned)s[i]);
    else
      text_add(out, &s[i], 1);
  }
}

static void equations(const torch_export *o, text *out) {
  text lines = {0};
  graph_print_forward(o->g, &lines);
  for (size_t at = 0, n; at < lines.length; at += n + 1) {
    n = strcspn(lines.data + at, "\n");
    text_format(out, "    ");
    add_quoted(out, lines.data + at, n);
    text_format(out, "\n");
  }
  out->failed |= lines.failed;
  text_free(&lines);
}

static void sizes(const torch_export *o, text *out) {
  for (int i = 0; i < o->g->n_inputs && o->batch; i++) {
    if (!o->given[i]) continue;
    text_format(out, "        batch = %s.shape[%d]\n", o->given[i], o->g->inputs[i].space == SPACE_STEP);
    break;
  }
  for (int a = 0; a < o->g->n_axes; a++)
    for (int i = 0; i < o->g->n_inputs && o->steps[a]; i++) {
      if (!o->given[i] || o->g->inputs[i].space != SPACE_STEP || o->g->inputs[i].axis != a) continue;
      text_format(out, "        %s = len(%s)\n", o->steps[a], o->given[i]);
      break;
    }
  if (o->zeros) text_format(out, "        zeros = next(self.parameters()).new_zeros\n");
}

static void add(text *out, const text *t) {
  text_add(out, t->data ? t->data : "", t->length);
  out->failed |= t->failed;
}

static void file(torch_export *o, const port_torch *p, text *out) {
  const char *slash = strrchr(o->m->net_file, '/'), *name = slash ? slash + 1 : o->m->net_file;
  text_format(out, "\"\"\"");
  add_quoted(out, name, strlen(name));
  text_format(out, ", written by `unroll export pytorch`.\n\n");
  equations(o, out);
  text_format(
      out,
      "\nArrays are [steps, batch, ...], of what has no steps [batch, ...]. x_before is x one step late: -1, or NaN, for none.\n"
      "\"\"\"\nimport torch\nfrom torch import nn\nfrom torch.nn import functional\n\n");
  if (o->looks_up)
    text_format(out, "\ndef look_up(table, i):\n    \"\"\"Rows of a table; zeros for -1.\"\"\"\n"
                     "    return functional.embedding(i.clamp(min=0), table) * (i >= 0).unsqueeze(-1)\n\n");
  text_format(out, "\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n");
  add(out, &o->init);
  text_format(out, "\n    def forward(self");
  add(out, &o->arguments);
  add(out, &o->states);
  text_format(out, "):\n");
  sizes(o, out);
  add(out, &o->forward);
  text_format(out, "        return {\n");
  add(out, &o->results);
  text_format(out, "        }\n\n\ndef load(path=\"");
  add_quoted(out, p->weights_name, strlen(p->weights_name));
  text_format(out, "\"):\n    \"\"\"The net with its weights.\"\"\"\n    from safetensors.torch import load_file\n\n"
                   "    net = Net()\n    net.load_state_dict(load_file(path))\n    return net.eval()\n");
  if (out->failed) torch_fail_memory(o);
}

unroll_status port_write_torch(port_torch *out, const model *m, unroll_error *err) {
  torch_export o = {.m = m, .g = &m->g, .block = -1, .indent = 2, .err = err};
  if (!m->g.n_losses) return error_set(err, UNROLL_USAGE, "the net predicts nothing, so there is nothing to write");
  begin(&o);
  for (int i = 0; i < m->g.n_nodes && !o.status; i++)
    if (o.cells.live[i] && !torch_knows(at(&o, i)->op)) torch_cannot(&o, i, "PyTorch has no function for it");
  if (!o.status) torch_find_homes(&o);
  for (int i = 0; i < m->g.n_nodes && !o.status; i++)
    if (o.cells.live[i] && (at(&o, i)->op == OP_INPUT || at(&o, i)->op == OP_EMBED)) give(&o, i);
  for (int i = 0; i < o.f.n_blocks && !o.status; i++) torch_write_block(&o, i);
  for (int i = 0; i < m->g.n_losses && !o.status; i++)
    for (int k = 0; k < m->g.losses[i].n_args && !o.status; k++) put_output(&o, &m->g.losses[i], k);
  if (!o.status) file(&o, out, &out->source);
  if (!o.status && out->folder) o.status = file_make_folder(out->folder, err);
  if (!o.status) {
    static const char *const keys[] = {"format"}, *const values[] = {"pt"};
    o.status = tensor_file_save(out->weights_path, o.tensors, (size_t)o.n_tensors, keys, values, 1, err);
  }
  text *const parts[] = {&o.init, &o.forward, &o.arguments, &o.states, &o.results};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) text_free(parts[i]);
  mem_free(o.names);
  mem_free(o.tensors);
  port_flow_free(&o.f);
  arena_free(&o.memory);
  return o.status;
}
