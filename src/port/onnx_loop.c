/* onnx_loop.c - recurrences: LSTM, GRU or RNN where the equations are those of the operator, else a Scan whose body is the
 * equations. */
#include <string.h>
#include "base/error.h"
#include "port/onnx_write.h"

static const node *at(const onnx_export *o, int x) { return &o->g->nodes[x]; }
static const char *called(const onnx_export *o, int x) { return at(o, x)->name ? at(o, x)->name : "value"; }

static const char *unsqueezed(onnx_export *o, const char *x) {
  static const int64_t axis[] = {0};
  return ONNX(o, "Unsqueeze", NULL, NULL, x, ox_wholes(o, axis, 1));
}

/* What is known for all steps, one step late. */
void ox_write_shift(onnx_export *o, int x) {
  const node *n = at(o, x);
  const int64_t axis[] = {0}, first[] = {0}, second[] = {1}, last[] = {-1}, end[] = {INT64_MAX};
  const char *wanted = NULL, *start = ox_start(o, x, &wanted), *all = ox_full(o, n->in[0], SPACE_STEP, n->axis);
  const bool ahead = n->dir < 0;
  const char *rest = ONNX(o, "Slice", NULL, NULL, all, ox_wholes(o, ahead ? second : first, 1), ox_wholes(o, ahead ? end : last, 1),
                          ox_wholes(o, axis, 1));
  const char *one = unsqueezed(o, start);
  text a = {0}, b = {0};
  ox_put_int(&a, "axis", 0);
  ox_set(o, x, ahead ? ONNX(o, "Concat", called(o, x), &a, rest, one) : ONNX(o, "Concat", called(o, x), &a, one, rest), 2,
         n->width);
  if (!wanted) return;
  ox_put_int(&b, "axis", 0);
  const char *in[] = {ONNX(o, "Gather", NULL, &b, all, ox_wholes(o, last, 1)), ox_wholes(o, axis, 1)};
  ox_put(o, "Squeeze", NULL, in, 2, &wanted, 1);
}

/* --- operators --- */

/* W, R, B and P of the operator; "": it has none. */
static void put_weights(onnx_export *o, const cell_match *m, const char *names[4]) {
  cell_arrays a;
  o->status = cell_arrays_new(&a, m, o->g, o->m->weights, o->err);
  if (!o->status) {
    const int64_t rows = (int64_t)a.gates * a.hidden, w[] = {1, rows, a.inputs}, r[] = {1, rows, a.hidden}, b[] = {1, 2 * rows};
    const int64_t p[] = {1, CELL_PEEPHOLES * (int64_t)a.hidden};
    const char *base = called(o, m->h);
    names[0] = ox_floats(o, ox_format(o, "%.150s.W", base), w, 3, a.W);
    names[1] = ox_floats(o, ox_format(o, "%.150s.R", base), r, 3, a.R);
    if (a.biased || a.peeps) names[2] = ox_floats(o, ox_format(o, "%.150s.B", base), b, 2, a.B);
    if (a.peeps) names[3] = ox_floats(o, ox_format(o, "%.150s.P", base), p, 2, a.P);
  }
  cell_arrays_free(&a);
}

/* [1, batch, H] of what SHIFT x starts from; "": zeros. */
static const char *start_of(onnx_export *o, int x, const char **end) {
  *end = NULL;
  if (x == NODE_NONE || (at(o, x)->dir < 0 && at(o, x)->in[1] == NODE_NONE)) return "";
  return unsqueezed(o, ox_start(o, x, end));
}

static void attributes_of(onnx_export *o, const cell_match *m, int dir, text *a) {
  ox_put_int(a, "hidden_size", at(o, m->h)->width);
  if (dir < 0) ox_put_string(a, "direction", "reverse");
  if (m->row->reset_after) ox_put_int(a, "linear_before_reset", 1);
  if (m->row->coupled) ox_put_int(a, "input_forget", 1);
  if (m->row->activation) ox_put_strings(a, "activations", &m->row->activation, 1);
}

static void end_of(onnx_export *o, int x, const char *last, const char *wanted, const char *axis) {
  const char *name = wanted ? wanted : ox_named(o, ox_format(o, "%.200s.last", called(o, x)));
  const char *in[] = {last, axis};
  ox_put(o, "Squeeze", NULL, in, 2, &name, 1);
  const flow_block *b = &o->f.blocks[o->f.block_of[x]];
  for (int i = 0; i < b->n; i++)
    if (port_flow_plain(o->g, b->nodes[i]) == x) o->ends[b->nodes[i]] = name;
}

static void write_cell(onnx_export *o, const flow_block *b, const cell_match *m) {
  static const char *const ops[] = {[CELL_LSTM] = "LSTM", [CELL_GRU] = "GRU", [CELL_RNN] = "RNN"};
  const bool lstm = m->row->kind == CELL_LSTM;
  const int64_t first[] = {0}, second[] = {1};
  const cell_operands x = cell_operands_of(m, o->g);
  const char *names[4] = {"", "", "", ""}, *end_h, *end_c, *in = ox_full(o, x.list[0], SPACE_STEP, b->axis);
  for (int i = 1; i < x.n; i++) {
    text a = {0};
    ox_put_int(&a, "axis", -1);
    in = ONNX(o, "Concat", NULL, &a, in, ox_full(o, x.list[i], SPACE_STEP, b->axis));
  }
  if (!o->status) put_weights(o, m, names);
  const char *h0 = start_of(o, m->shift_h, &end_h), *c0 = start_of(o, m->shift_c, &end_c);
  const char *inputs[] = {in, names[0], names[1], names[2], "", h0, c0, names[3]};
  const char *base = called(o, m->h);
  const char *outputs[] = {ox_named(o, ox_format(o, "%.150s.Y", base)), ox_named(o, ox_format(o, "%.150s.Y_h", base)),
                           lstm ? ox_named(o, ox_format(o, "%.150s.Y_c", base)) : ""};
  int n = lstm ? 8 : 6;
  while (!*inputs[n - 1]) n--;
  text a = {0};
  attributes_of(o, m, b->dir, &a);
  ox_put(o, ops[m->row->kind], &a, inputs, n, outputs, lstm ? 3 : 2);
  const char *axis = ox_wholes(o, first, 1);
  const char *y = ONNX(o, "Squeeze", base, NULL, outputs[0], ox_wholes(o, second, 1));
  for (int i = 0; i < b->n; i++)
    if (port_flow_plain(o->g, b->nodes[i]) == m->h) ox_set(o, b->nodes[i], y, 2, at(o, m->h)->width);
  end_of(o, m->h, outputs[1], end_h, axis);
  if (lstm) end_of(o, m->c, outputs[2], end_c, axis);
  if (o->f.outside[m->shift_h]) {
    /* its start is known already: the same name */
    const char *in1[] = {unsqueezed(o, *h0 ? ONNX(o, "Squeeze", NULL, NULL, h0, axis) : ox_start(o, m->shift_h, &end_h))};
    const int64_t from[] = {b->dir < 0}, to[] = {b->dir < 0 ? INT64_MAX : -1};
    const char *rest = ONNX(o, "Slice", NULL, NULL, y, ox_wholes(o, from, 1), ox_wholes(o, to, 1), axis);
    text c = {0};
    ox_put_int(&c, "axis", 0);
    ox_set(o, m->shift_h, b->dir < 0 ? ONNX(o, "Concat", NULL, &c, rest, in1[0]) : ONNX(o, "Concat", NULL, &c, in1[0], rest), 2,
           at(o, m->h)->width);
  }
}

/* --- Scan --- */

static bool is_shift(const onnx_export *o, int x) { return at(o, x)->op == OP_SHIFT; }

/* Something for the body to read at each step: one number, 0. */
static void read_ticks(onnx_export *o, const flow_block *b) {
  const int64_t one[] = {1};
  text a = {0};
  const int block = ox_leave(o);
  ox_put_int(&a, "axis", 0);
  const char *shape = ONNX(o, "Concat", NULL, &a, ox_steps(o, b->axis), ox_wholes(o, one, 1));
  const char *ticks = ONNX(o, "Expand", "ticks", NULL, ox_number(o, 0), shape);
  ox_return(o, block);
  o->slices = o->slices ? o->slices : mem_zero(16, sizeof *o->slices);
  if (!o->slices) {
    ox_fail_memory(o);
    return;
  }
  o->cap_slices = o->cap_slices ? o->cap_slices : 16;
  o->slices[o->n_slices++] = ticks;
  ox_put_info(&o->body_inputs, 11, ox_named(o, "tick"), ONNX_FLOAT, NULL, one, 1);
}

static void put_output(onnx_export *o, text *outputs, int x, const char *suffix) {
  const int64_t sizes[] = {0, at(o, x)->width};
  const bool free_width = graph_steps_axis(at(o, x)->width) >= 0;
  const char *name =
      ONNX(o, "Identity", ox_format(o, "%.200s.%s", called(o, x), suffix), NULL, ox_full(o, x, SPACE_STEP, at(o, x)->axis));
  ox_put_info(outputs, 12, name, ONNX_FLOAT, (const char *const[]){"batch", free_width ? "width" : NULL}, sizes, 2);
}

static void write_body(onnx_export *o, const flow_block *b, text *body) {
  text states = {0}, outputs = {0};
  for (int i = 0; i < b->n; i++) {
    const int x = b->nodes[i];
    const int64_t sizes[] = {0, at(o, x)->width};
    if (!is_shift(o, x)) continue;
    const char *name = ox_named(o, ox_format(o, "%.200s[t%+d]", called(o, at(o, x)->in[0]), -b->dir));
    ox_put_info(&states, 11, name, ONNX_FLOAT, (const char *const[]){"batch", NULL}, sizes, 2);
    ox_set(o, x, name, 1, at(o, x)->width);
  }
  for (int i = 0; i < b->n && !o->status; i++)
    if (!is_shift(o, b->nodes[i])) ox_write_node(o, b->nodes[i]);
  for (int i = 0; i < b->n && !o->status; i++)
    if (is_shift(o, b->nodes[i])) put_output(o, &outputs, at(o, b->nodes[i])->in[0], "next");
  for (int i = 0; i < b->n && !o->status; i++)
    if (o->f.outside[b->nodes[i]]) put_output(o, &outputs, b->nodes[i], "out");
  if (!o->n_slices && !o->status) read_ticks(o, b);
  text_add(body, o->body.data ? o->body.data : "", o->body.length);
  proto_put_text(body, 2, "step");
  text *const parts[] = {&states, &o->body_inputs, &outputs};
  for (int i = 0; i < 3; i++) {
    text_add(body, parts[i]->data ? parts[i]->data : "", parts[i]->length);
    body->failed |= parts[i]->failed;
    text_free(parts[i]);
    *parts[i] = (text){0};
  }
  body->failed |= o->body.failed;
  text_free(&o->body);
  o->body = (text){0};
  if (body->failed) ox_fail_memory(o);
}

static void write_scan(onnx_export *o, int block, const flow_block *b) {
  arena lists = {0};
  text body = {0}, a = {0};
  o->block = block;
  o->n_slices = 0;
  write_body(o, b, &body);
  o->block = -1;
  const size_t room = (size_t)b->n + (size_t)o->n_slices + 1;
  const char **in = arena_alloc(&lists, room, sizeof *in), **out = arena_alloc(&lists, 2 * room, sizeof *out);
  int64_t *backward = arena_alloc(&lists, 2 * room, sizeof *backward);
  int n_in = 0, n_out = 0;
  if (!in || !out || !backward) ox_fail_memory(o);
  for (int i = 0; i < b->n && !o->status; i++) {
    const int x = b->nodes[i];
    if (!is_shift(o, x)) continue;
    const char *wanted = NULL;
    in[n_in++] = ox_start(o, x, &wanted);
    out[n_out] = wanted ? wanted : ox_named(o, ox_format(o, "%.200s.last", called(o, at(o, x)->in[0])));
    o->ends[at(o, x)->in[0]] = out[n_out++];
  }
  const int states = n_out;
  for (int i = 0; i < o->n_slices && !o->status; i++) in[n_in++] = o->slices[i];
  for (int i = 0; i < b->n && !o->status; i++) {
    const int x = b->nodes[i];
    if (!o->f.outside[x]) continue;
    out[n_out] = ox_named(o, called(o, x));
    ox_set(o, x, out[n_out++], 2, at(o, x)->width);
  }
  if (!o->status) {
    for (int i = 0; i < n_in + n_out; i++) backward[i] = 1;
    ox_put_graph(&a, "body", &body);
    ox_put_int(&a, "num_scan_inputs", o->n_slices);
    if (b->dir < 0) ox_put_ints(&a, "scan_input_directions", backward, o->n_slices);
    if (b->dir < 0 && n_out > states) ox_put_ints(&a, "scan_output_directions", backward, n_out - states);
    ox_put(o, "Scan", &a, in, n_in, out, n_out);
  }
  text_free(&body);
  arena_free(&lists);
  memset(o->inner, 0, (size_t)o->g->n_nodes * sizeof *o->inner); /* of the body alone */
  memset(o->inside, 0, (size_t)o->g->n_nodes * sizeof *o->inside);
}

void ox_write_block(onnx_export *o, int block) {
  const flow_block *b = &o->f.blocks[block];
  bool live = false;
  for (int i = 0; i < b->n && !o->status; i++) live |= o->cells.live[b->nodes[i]];
  if (!live) return;
  if (!b->loops)
    ox_write_node(o, b->nodes[0]);
  else if (o->cells.list[block])
    write_cell(o, b, o->cells.list[block]);
  else
    write_scan(o, block, b);
}
