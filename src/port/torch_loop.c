/* torch_loop.c - recurrences: nn.LSTM, nn.GRU or nn.RNN where the equations are theirs, else a loop with the equations in it. */
#include <string.h>
#include "base/error.h"
#include "port/torch_write.h"

static const node *at(const torch_export *o, int x) { return &o->g->nodes[x]; }
static const char *called(const torch_export *o, int x) { return at(o, x)->name ? at(o, x)->name : "value"; }
static bool is_shift(const torch_export *o, int x) { return at(o, x)->op == OP_SHIFT; }

static void put_end(torch_export *o, const char *end, const char *value) {
  if (end) text_format(&o->results, "            \"%s\": %s,\n", end, value);
}

/* What is known for all steps, one step late. */
void torch_write_shift(torch_export *o, int x) {
  const node *n = at(o, x);
  const char *end, *start = torch_start(o, x, &end), *all = torch_full(o, n->in[0], SPACE_STEP, n->axis);
  const char *first = torch_named(o, torch_format(o, "%s_first", called(o, n->in[0])));
  torch_line(o, "%s = %s", first, start);
  const char *name = torch_named(o, torch_format(o, "%s_%s", called(o, n->in[0]), n->dir > 0 ? "before" : "after"));
  if (n->dir > 0)
    torch_line(o, "%s = torch.cat([%s.unsqueeze(0), (%s)[:-1]])", name, first, all);
  else
    torch_line(o, "%s = torch.cat([(%s)[1:], %s.unsqueeze(0)])", name, all, first);
  put_end(o, end, torch_format(o, "(%s)[-1]", all));
  torch_set(o, x, 2, n->width, LEVEL_WHOLE, name);
}

/* --- modules --- */

typedef struct module_weights {
  const float *ih, *hh, *bias_ih, *bias_hh;
} module_weights;

/* Rows of the gates in PyTorch's order. */
static const float *ordered(torch_export *o, const cell_arrays *a, const float *x, int width, enum cell_kind kind) {
  static const int orders[][CELL_GATES] = {[CELL_LSTM] = {0, 2, 3, 1}, [CELL_GRU] = {1, 0, 2}, [CELL_RNN] = {0}};
  const size_t rows = (size_t)a->hidden * (size_t)width;
  float *to = arena_alloc(&o->memory, (size_t)a->gates * rows + 1, sizeof *to);
  if (!to) return torch_fail_memory(o), x;
  for (int k = 0; k < a->gates; k++) memcpy(to + (size_t)k * rows, x + (size_t)orders[kind][k] * rows, rows * sizeof *to);
  return to;
}

static void put_weights(torch_export *o, const cell_match *m, const char *name) {
  static const char *const modules[] = {[CELL_LSTM] = "LSTM", [CELL_GRU] = "GRU", [CELL_RNN] = "RNN"};
  cell_arrays a;
  if (o->status) return;
  o->status = cell_arrays_new(&a, m, o->g, o->m->weights, o->err);
  if (!o->status) {
    const int64_t rows = (int64_t)a.gates * a.hidden, ih[] = {rows, a.inputs}, hh[] = {rows, a.hidden};
    const enum cell_kind kind = m->row->kind;
    text_format(&o->init, "        self.%s = nn.%s(%d, %d%s%s)\n", name, modules[kind], a.inputs, a.hidden,
                kind == CELL_RNN && !strcmp(m->row->activation, "Relu") ? ", nonlinearity=\"relu\"" : "",
                a.biased ? "" : ", bias=False");
    torch_tensor(o, torch_format(o, "%s.weight_ih_l0", name), TENSOR_F32, ih, 2, ordered(o, &a, a.W, a.inputs, kind));
    torch_tensor(o, torch_format(o, "%s.weight_hh_l0", name), TENSOR_F32, hh, 2, ordered(o, &a, a.R, a.hidden, kind));
    if (a.biased) {
      torch_tensor(o, torch_format(o, "%s.bias_ih_l0", name), TENSOR_F32, &rows, 1, ordered(o, &a, a.B, 1, kind));
      torch_tensor(o, torch_format(o, "%s.bias_hh_l0", name), TENSOR_F32, &rows, 1, ordered(o, &a, a.B + rows, 1, kind));
    }
  }
  cell_arrays_free(&a);
}

/* [1, batch, width] that a module begins with; NULL: zeros. */
static const char *start_of(torch_export *o, int x, const char **end) {
  *end = NULL;
  if (x == NODE_NONE || (at(o, x)->dir < 0 && at(o, x)->in[1] == NODE_NONE)) return NULL;
  const char *s = torch_start(o, x, end);
  return torch_format(o, "(%s).unsqueeze(0)", s);
}

static void set_all(torch_export *o, const flow_block *b, int of, const char *all, const char *last) {
  for (int i = 0; i < b->n; i++) {
    const int x = b->nodes[i];
    if (port_flow_plain(o->g, x) != of) continue;
    o->ends[x] = last;
    if (all) o->values[x] = (torch_value){.text = all, .rank = 2, .columns = at(o, x)->width, .level = LEVEL_WHOLE};
  }
}

static void write_module(torch_export *o, const flow_block *b, const cell_match *m) {
  const bool lstm = m->row->kind == CELL_LSTM;
  const cell_operands x = cell_operands_of(m, o->g);
  const char *end_h, *end_c, *in = torch_full(o, x.list[0], SPACE_STEP, b->axis);
  for (int i = 1; i < x.n; i++) in = torch_format(o, "%s, %s", in, torch_full(o, x.list[i], SPACE_STEP, b->axis));
  if (x.n > 1) in = torch_format(o, "torch.cat([%s], -1)", in);
  if (b->dir < 0) in = torch_format(o, "torch.flip(%s, (0,))", in);
  const char *name = torch_named(o, called(o, m->h)), *module = torch_attribute(o, called(o, m->h));
  const char *last = torch_named(o, torch_format(o, "%s_last", called(o, m->h)));
  const char *last_c = lstm ? torch_named(o, torch_format(o, "%s_last", called(o, m->c))) : NULL;
  put_weights(o, m, module);
  const char *h0 = start_of(o, m->shift_h, &end_h), *c0 = start_of(o, m->shift_c, &end_c);
  if (lstm && (h0 || c0)) { /* both or none */
    o->zeros = o->batch = true;
    if (!h0) h0 = torch_format(o, "zeros(1, batch, %d)", at(o, m->h)->width);
    if (!c0) c0 = torch_format(o, "zeros(1, batch, %d)", at(o, m->h)->width);
  }
  const char *start = !h0 ? "" : lstm ? torch_format(o, ", (%s, %s)", h0, c0) : torch_format(o, ", %s", h0);
  if (lstm)
    torch_line(o, "%s, (%s, %s) = self.%s(%s%s)", name, last, last_c, module, in, start);
  else
    torch_line(o, "%s, %s = self.%s(%s%s)", name, last, module, in, start);
  if (b->dir < 0) torch_line(o, "%s = torch.flip(%s, (0,))", name, name);
  set_all(o, b, m->h, name, torch_format(o, "%s[0]", last));
  put_end(o, end_h, torch_format(o, "%s[0]", last));
  if (lstm) set_all(o, b, m->c, NULL, torch_format(o, "%s[0]", last_c));
  if (lstm) put_end(o, end_c, torch_format(o, "%s[0]", last_c));
  if (!o->f.outside[m->shift_h]) return;
  const char *first = h0 ? h0 : torch_format(o, "zeros(1, batch, %d)", at(o, m->h)->width);
  if (!h0) o->zeros = o->batch = true;
  torch_set(o, m->shift_h, 2, at(o, m->h)->width, LEVEL_WHOLE,
            b->dir > 0 ? torch_format(o, "torch.cat([%s, %s[:-1]])", first, name)
                       : torch_format(o, "torch.cat([%s[1:], %s])", name, first));
}

/* --- loops --- */

/* Names on the left, values on the right, all at once. */
static void assign(torch_export *o, const text *left, const text *right) {
  if (left->length) torch_line(o, "%s = %s", left->data + 2, right->data + 2);
  if (left->failed || right->failed) torch_fail_memory(o);
}

static void write_steps(torch_export *o, const flow_block *b, const char **lists) {
  text left = {0}, right = {0};
  for (int i = 0; i < b->n && !o->status; i++)
    if (is_shift(o, b->nodes[i]) && lists[i])
      torch_line(o, "%s.append(%s)", lists[i], torch_full(o, b->nodes[i], SPACE_STEP, b->axis));
  for (int i = 0; i < b->n && !o->status; i++)
    if (!is_shift(o, b->nodes[i])) torch_write_node(o, b->nodes[i]);
  for (int i = 0; i < b->n && !o->status; i++)
    if (!is_shift(o, b->nodes[i]) && lists[i])
      torch_line(o, "%s.append(%s)", lists[i], torch_full(o, b->nodes[i], SPACE_STEP, b->axis));
  for (int i = 0; i < b->n && !o->status; i++) {
    if (!is_shift(o, b->nodes[i])) continue;
    text_format(&left, ", %s", o->inner[b->nodes[i]].text);
    text_format(&right, ", %s", torch_full(o, at(o, b->nodes[i])->in[0], SPACE_STEP, b->axis));
  }
  assign(o, &left, &right);
  text_free(&left);
  text_free(&right);
}

static void write_loop(torch_export *o, int block, const flow_block *b) {
  const char **lists = arena_alloc(&o->memory, (size_t)b->n + 1, sizeof *lists),
             **states = arena_alloc(&o->memory, (size_t)b->n + 1, sizeof *states);
  if (!lists || !states) {
    torch_fail_memory(o);
    return;
  }
  for (int i = 0; i < b->n && !o->status; i++) {
    const int x = b->nodes[i];
    const char *end;
    if (!is_shift(o, x)) continue;
    const char *start = torch_start(o, x, &end);
    states[i] = torch_named(o, torch_format(o, "%s_%s", called(o, at(o, x)->in[0]), b->dir > 0 ? "before" : "after"));
    torch_line(o, "%s = %s", states[i], start);
    put_end(o, end, states[i]);
    o->ends[at(o, x)->in[0]] = states[i];
  }
  for (int i = 0; i < b->n && !o->status; i++) {
    if (!o->f.outside[b->nodes[i]]) continue;
    lists[i] = torch_named(o, torch_format(o, "%s_steps", is_shift(o, b->nodes[i]) ? states[i] : called(o, b->nodes[i])));
    torch_line(o, "%s = []", lists[i]);
  }
  torch_line(o, b->dir > 0 ? "for t in range(%s):" : "for t in reversed(range(%s)):", torch_steps(o, b->axis));
  o->indent++;
  o->block = block;
  for (int i = 0; i < b->n; i++)
    if (states[i])
      o->inner[b->nodes[i]] =
          (torch_value){.text = states[i], .rank = 1, .columns = at(o, b->nodes[i])->width, .level = LEVEL_WHOLE};
  write_steps(o, b, lists);
  o->block = -1;
  o->indent--;
  for (int i = 0; i < b->n && !o->status; i++) {
    const int x = b->nodes[i];
    if (!lists[i]) continue;
    const char *name = torch_named(o, torch_format(o, "%s_all", is_shift(o, x) ? states[i] : called(o, x)));
    torch_line(o, b->dir > 0 ? "%s = torch.stack(%s)" : "%s = torch.stack(%s[::-1])", name, lists[i]);
    o->values[x] = (torch_value){.text = name, .rank = 2, .columns = at(o, x)->width, .level = LEVEL_WHOLE};
  }
  memset(o->inner, 0, (size_t)o->g->n_nodes * sizeof *o->inner); /* of the step alone */
  memset(o->inside, 0, (size_t)o->g->n_nodes * sizeof *o->inside);
}

void torch_write_block(torch_export *o, int block) {
  const flow_block *b = &o->f.blocks[block];
  bool live = false;
  for (int i = 0; i < b->n && !o->status; i++) live |= o->cells.live[b->nodes[i]];
  if (!live) return;
  if (!b->loops)
    torch_write_node(o, b->nodes[0]);
  else if (o->cells.list[block])
    write_module(o, b, o->cells.list[block]);
  else
    write_loop(o, block, b);
}
