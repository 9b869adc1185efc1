/* tile.c - a group of sums and elementwise values becomes one tile program.
 *
 * Sums with the same operand share kernel calls: their columns lie side by side in the panels (gates x unit vectors, at most
 * 4). The equations become instructions over [rows x unit] values. A value that nobody else reads is folded into its reader's
 * instruction where there is one for the pair (1 - y^2, a*b + c, and others). Results that only this program reads live in
 * slots. */
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

static const int tile_of_op[OP_COUNT] = {
#define UNARY(name, text, dx, y) [OP_##name] = TILE_##name,
#define BINARY(name, text, da, db, y) [OP_##name] = TILE_##name,
#define OTHER(name, text, inputs, back, form)
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
    [OP_REPEAT] = TILE_COPY,
};

enum { FREE = -1 };

typedef struct emitter {
  struct plan *p;
  const int *members;
  int n, width, unit;
  stage_tile *out;
  int cap_code, cap_operands, cap_calls;
  int *operand_index;  /* hash table of operands, + 1; 0: free */
  uint32_t index_size; /* a power of two */
  bool *absorbed;      /* by position in members */
  int *last_use;       /* by position: last position that reads it */
  int *slot_until;     /* by slot: position of the last use, FREE when unused */
  int cap_slots;
  int now;
  unroll_status status;
  unroll_error *err;
} emitter;

static int position(const emitter *e, int number) {
  if (number < 0) return -1;
  const value *v = &e->p->values[number];
  return v->slot; /* set to position + 1 while emitting, see plan_emit_tile */
}
/* Position of a value among the members, or -1. */
static int member(const emitter *e, int number) {
  int at = position(e, number) - 1;
  return at >= 0 && at < e->n && e->members[at] == number ? at : -1;
}

/* ---- instruction selection ---- */

typedef struct selected {
  enum tile_op op;
  int in[3], n;
} selected;

static bool absorbable(const emitter *e, int number) {
  if (member(e, number) < 0) return false;
  const value *v = &e->p->values[number];
  return v->kind == VALUE_ELEMENT && v->n_readers == 1 && !v->stored && v->width == e->width;
}
static bool is_one(const emitter *e, int number) {
  const value *v = &e->p->values[number];
  return v->kind == VALUE_CONST && v->op == OP_CONST && e->p->g->nodes[v->node].value == 1.0;
}
static bool is_op(const emitter *e, int number, enum op op) {
  const value *v = number >= 0 ? &e->p->values[number] : NULL;
  return v && v->kind == VALUE_ELEMENT && v->op == op;
}
/* 1 - x; returns x or -1. */
static int one_minus(const emitter *e, int number) {
  if (!is_op(e, number, OP_SUB) || !is_one(e, e->p->values[number].in[0])) return -1;
  return e->p->values[number].in[1];
}

static bool select_multiply(const emitter *e, const value *v, selected *s, int *gone, int *n_gone) {
  for (int side = 0; side < 2; side++) {
    int a = v->in[side], b = v->in[1 - side];
    if (!absorbable(e, b)) continue;
    int x = one_minus(e, b);
    if (x >= 0 && absorbable(e, x) && is_op(e, x, OP_SQUARE)) {
      *s = (selected){TILE_TANH_GRAD, {a, e->p->values[x].in[0]}, 2};
      gone[0] = b, gone[1] = x, *n_gone = 2;
      return true;
    }
    if (x >= 0 && absorbable(e, a) && is_op(e, a, OP_MUL)) {
      const value *m = &e->p->values[a];
      if (m->in[0] == x || m->in[1] == x) {
        *s = (selected){TILE_SIGMOID_GRAD, {m->in[0] == x ? m->in[1] : m->in[0], x}, 2};
        gone[0] = b, gone[1] = a, *n_gone = 2;
        return true;
      }
    }
    if (is_op(e, b, OP_MUL)) {
      *s = (selected){TILE_MULTIPLY3, {e->p->values[b].in[0], e->p->values[b].in[1], a}, 3};
      gone[0] = b, *n_gone = 1;
      return true;
    }
  }
  return false;
}

static selected select_instruction(const emitter *e, int number, int *gone, int *n_gone) {
  const value *v = &e->p->values[number];
  selected s = {(enum tile_op)tile_of_op[v->op], {v->in[0], v->in[1]}, v->in[1] >= 0 ? 2 : 1};
  *n_gone = 0;
  if (v->op == OP_MUL && select_multiply(e, v, &s, gone, n_gone)) return s;
  if (v->op == OP_ADD)
    for (int side = 0; side < 2; side++)
      if (absorbable(e, v->in[side]) && is_op(e, v->in[side], OP_MUL)) {
        const value *m = &e->p->values[v->in[side]];
        gone[0] = v->in[side], *n_gone = 1;
        return (selected){TILE_MULTIPLY_ADD, {m->in[0], m->in[1], v->in[1 - side]}, 3};
      }
  int x = one_minus(e, number);
  if (x >= 0) {
    if (absorbable(e, x) && is_op(e, x, OP_SQUARE)) {
      gone[0] = x, *n_gone = 1;
      return (selected){TILE_ONE_MINUS_SQUARE, {e->p->values[x].in[0]}, 1};
    }
    return (selected){TILE_ONE_MINUS, {x}, 1};
  }
  if (v->op == OP_SUB && absorbable(e, v->in[1]) && is_op(e, v->in[1], OP_MUL)) {
    const value *m = &e->p->values[v->in[1]];
    gone[0] = v->in[1], *n_gone = 1;
    return (selected){TILE_MULTIPLY_SUBTRACT_FROM, {m->in[0], m->in[1], v->in[0]}, 3};
  }
  return s;
}

/* ---- operands ---- */

static bool same_place(const place *a, const place *b) {
  return a->base == b->base && a->rows == b->rows && a->shift == b->shift && a->splat == b->splat && a->offset == b->offset &&
         a->row == b->row && a->init_base == b->init_base && a->init_offset == b->init_offset && a->init_row == b->init_row;
}

static uint32_t hash_place(const place *a) {
  uint64_t h = (uint64_t)a->offset * 0x9E3779B97F4A7C15u;
  h = (h ^ (uint64_t)a->base << 8 ^ (uint64_t)a->rows << 4 ^ (uint64_t)(uint32_t)a->shift << 32) * 0xBF58476D1CE4E5B9u;
  h = (h ^ (uint64_t)a->init_offset ^ (uint64_t)a->splat) * 0x94D049BB133111EBu;
  return (uint32_t)(h >> 32);
}

static int add_operand(emitter *e, place at) {
  uint32_t slot = hash_place(&at) & (e->index_size - 1);
  for (; e->operand_index[slot]; slot = (slot + 1) & (e->index_size - 1))
    if (same_place(&e->out->operands[e->operand_index[slot] - 1], &at)) return e->operand_index[slot] - 1;
  if (e->out->n_operands == e->cap_operands) {
    e->status = error_set(e->err, UNROLL_BAD_INPUT, "a step of this recurrence has too many equations");
    return 0;
  }
  e->out->operands[e->out->n_operands] = at;
  e->operand_index[slot] = e->out->n_operands + 1;
  return e->out->n_operands++;
}

static place slot_place(const emitter *e, int slot) {
  return (place){.base = PLACE_SLOT, .rows = ROWS_BATCH, .offset = slot, .row = e->unit * LANES};
}

static int take_slot(emitter *e, int until) {
  int s = 0;
  while (s < e->out->n_slots && e->slot_until[s] != FREE) s++;
  if (s == e->out->n_slots) {
    if (s == e->cap_slots) {
      e->status = error_set(e->err, UNROLL_BAD_INPUT, "a step of this recurrence has too many equations");
      return 0;
    }
    e->out->n_slots++;
  }
  e->slot_until[s] = until;
  return s;
}
static void release_slots(emitter *e) {
  for (int s = 0; s < e->out->n_slots; s++)
    if (e->slot_until[s] != FREE && e->slot_until[s] <= e->now) e->slot_until[s] = FREE;
}

/* Slots by member position: the place of each member's result. */
typedef struct results {
  int *slot;
} results;

static place result_place(const emitter *e, const results *r, int at) {
  const value *v = &e->p->values[e->members[at]];
  return v->stored ? plan_store_of(e->p, e->members[at]) : slot_place(e, r->slot[at]);
}
static int operand_for(emitter *e, const results *r, int reader, int number) {
  int at = member(e, number);
  return add_operand(e, at >= 0 ? result_place(e, r, at) : plan_place_of(e->p, reader, number, e->width));
}

static void add_code(emitter *e, enum tile_op op, int d, int a, int b, int c) {
  if (e->out->n_code == e->cap_code) {
    e->status = error_set(e->err, UNROLL_BAD_INPUT, "a step of this recurrence has too many equations");
    return;
  }
  e->out->code[e->out->n_code++] = (tile_instruction){(uint16_t)op, (uint16_t)d, (uint16_t)a, (uint16_t)b, (uint16_t)c};
  e->out->written[d] = 1;
}

/* ---- products ---- */

/* The term a sum can start from: a full-width matrix or vector from outside the program; -1: none, start from zero. */
static int starting_term(const emitter *e, const value *v) {
  for (int i = 0; i < v->n_terms; i++) {
    const value *t = &e->p->values[v->terms[i]];
    if (member(e, v->terms[i]) < 0 && t->width == v->width && t->kind != VALUE_CONST) return i;
  }
  return -1;
}

static unroll_status pack_panels(emitter *e, stage_call *call, const value_product *const *products) {
  struct plan *p = e->p;
  const int unit = e->unit, full = unit * LANES;
  call->pack = p->out.pack;
  for (int n0 = 0; n0 < e->width; n0 += full) {
    const int left = e->width - n0, vectors = left >= full ? unit : (left + LANES - 1) / LANES;
    for (int g = 0; g < call->gates; g++)
      for (int v = 0; v < vectors; v++) {
        const value_product *q = products[g];
        const param *w = &p->g->params[q->param];
        const int first = n0 + v * LANES, count = e->width - first < LANES ? e->width - first : LANES;
        pack_job job = {.precision = call->precision,
                        .out = call->pack + (int64_t)n0 * call->gates * call->lie.depth,
                        .weight = w->offset,
                        .row = w->cols,
                        .vectors = call->gates * vectors,
                        .v = g * vectors + v,
                        .count = count,
                        .k = call->k};
        job.by_rows = !q->transposed;
        job.first = q->transposed ? q->c0 + first : first;
        job.k0 = q->transposed ? 0 : q->c0;
        const unroll_status status = plan_add_pack(p, &job, e->err);
        if (status) return status;
      }
  }
  p->out.pack += padded(e->width) * call->gates * call->lie.depth;
  return UNROLL_OK;
}

/* Few numbers stay floats where the others are bytes: they gain no time, and have no other numbers to share an error with. So do
 * more than a sum of bytes has room for. */
static enum precision precision_of_call(const struct plan *p, int k) {
  enum { LEAST = 16 };
  const bool bytes = p->out.precision == PRECISION_INT8;
  return bytes && (k < LEAST || k > BYTES_MOST) ? PRECISION_FP32 : p->out.precision;
}

/* Does the call only add to what the calls before it, which are `parts` of one product so far, computed? */
static bool continues(const stage_call *call, const stage_call *before, int parts) {
  bool same = before && call->gates == before->gates && call->precision == before->precision;
  for (int g = 0; same && g < call->gates; g++) {
    const place *sum = &before->gate[g].out;
    same = same_place(sum, &call->gate[g].init) && same_place(sum, &call->gate[g].out);
  }
  return same && call->precision != PRECISION_INT8 && parts < PRODUCT_PARTS;
}

/* One call for up to `most` gates that have `operand` and are not yet computed; marks them. Returns false when none is left. */
static bool emit_call(emitter *e, const results *r, int operand, int k, bool **done, bool *started, int most) {
  const value_product *products[PANEL_VECTORS];
  const enum precision precision = precision_of_call(e->p, k);
  stage_call call = {.k = k, .precision = precision, .lie = factors_of(precision, k)};
  for (int i = 0; i < e->n && call.gates < most; i++) {
    const value *v = &e->p->values[e->members[i]];
    if (v->kind != VALUE_SUM) continue;
    for (int q = 0; q < v->n_products; q++) {
      if (done[i][q] || v->products[q].operand != operand || v->products[q].k != k) continue;
      done[i][q] = true;
      place out = result_place(e, r, i), init = {.base = PLACE_NOTHING};
      int term = starting_term(e, v);
      if (started[i])
        init = out;
      else if (term >= 0)
        init = plan_place_of(e->p, e->members[i], v->terms[term], e->width);
      started[i] = true;
      call.gate[call.gates].out = out;
      call.gate[call.gates].init = init;
      products[call.gates++] = &v->products[q];
      break; /* a sum with this operand twice goes on in the next call */
    }
  }
  if (!call.gates) return false;
  call.operand = plan_place_of(e->p, e->members[0], operand, 0);
  int parts = 1;
  while (parts < e->out->n_calls && e->out->calls[e->out->n_calls - parts].goes_on) parts++;
  call.goes_on = continues(&call, e->out->n_calls ? &e->out->calls[e->out->n_calls - 1] : NULL, parts);
  e->status = pack_panels(e, &call, products);
  e->out->calls[e->out->n_calls++] = call;
  return true;
}

static int count_products(const emitter *e) {
  int n = 0;
  for (int i = 0; i < e->n; i++) n += e->p->values[e->members[i]].n_products;
  return n;
}

/* How many vectors wide a unit tile is: so that the gates of the busiest operand fill a panel. */
static int choose_unit(const emitter *e) {
  int most = 1;
  for (int i = 0; i < e->n; i++)
    for (int q = 0; q < e->p->values[e->members[i]].n_products; q++) {
      int same = 0, operand = e->p->values[e->members[i]].products[q].operand;
      for (int k = 0; k < e->n; k++)
        for (int w = 0; w < e->p->values[e->members[k]].n_products; w++)
          if (e->p->values[e->members[k]].products[w].operand == operand) {
            same++;
            break;
          }
      if (same > most) most = same;
    }
  int unit = most >= 3 ? 1 : most == 2 ? 2 : 4;
  while (unit > 1 && (unit / 2) * LANES >= e->width) unit /= 2;
  return unit;
}

static void emit_products(emitter *e, results *r) {
  struct plan *p = e->p;
  const int total = count_products(e);
  e->out->calls = arena_alloc(&p->memory, (size_t)total + 1, sizeof *e->out->calls);
  bool **done = mem_zero((size_t)e->n + 1, sizeof *done), *flags = mem_zero((size_t)total + (size_t)e->n + 1, sizeof *flags);
  if (!e->out->calls || !done || !flags) {
    e->status = error_memory(e->err);
  } else {
    bool *started = flags + total;
    for (int i = 0, at = 0; i < e->n; i++) {
      done[i] = flags + at;
      at += p->values[e->members[i]].n_products;
      if (p->values[e->members[i]].kind == VALUE_SUM && !p->values[e->members[i]].stored && !e->status)
        r->slot[i] = take_slot(e, e->last_use[i]);
    }
    for (int i = 0; i < e->n && !e->status; i++) {
      const value *v = &p->values[e->members[i]];
      for (int q = 0; q < v->n_products && !e->status; q++)
        while (!e->status && emit_call(e, r, v->products[q].operand, v->products[q].k, done, started, PANEL_VECTORS / e->unit)) {
        }
    }
  }
  mem_free(done);
  mem_free(flags);
}

/* ---- the program ---- */

static void note_use(void *context, int reader, int read) {
  emitter *e = context;
  (void)reader;
  int at = member(e, read);
  if (at >= 0 && e->last_use[at] < e->now) e->last_use[at] = e->now;
}

/* Which members are folded into others, and until when each result is needed. */
static void survey(emitter *e) {
  for (int i = e->n - 1; i >= 0; i--) {
    const value *v = &e->p->values[e->members[i]];
    int gone[2], n_gone = 0;
    if (v->kind == VALUE_ELEMENT && !e->absorbed[i]) select_instruction(e, e->members[i], gone, &n_gone);
    for (int k = 0; k < n_gone; k++) e->absorbed[member(e, gone[k])] = true;
    if (v->kind == VALUE_SUM)
      for (int k = 0; k < v->n_terms; k++)
        if (absorbable(e, v->terms[k]) && is_op(e, v->terms[k], OP_MUL)) e->absorbed[member(e, v->terms[k])] = true;
  }
  /* an absorbed value's inputs are read where its reader stands: readers come later, so going up the list carries positions */
  for (int i = 0; i < e->n; i++) e->last_use[i] = i;
  for (int i = e->n - 1; i >= 0; i--) {
    e->now = e->absorbed[i] ? e->last_use[i] : i;
    plan_reads(e->p, e->members[i], note_use, e);
  }
}

/* d = sum + term, the term being a product that was folded in here or any other value. */
static void add_term(emitter *e, const results *r, int reader, int number, int d, int sum) {
  int m = member(e, number);
  if (m >= 0 && e->absorbed[m]) {
    const value *t = &e->p->values[number];
    const int a = operand_for(e, r, number, t->in[0]), b = operand_for(e, r, number, t->in[1]);
    add_code(e, TILE_MULTIPLY_ADD, d, a, b, sum);
  } else
    add_code(e, TILE_ADD, d, sum, operand_for(e, r, reader, number), 0);
}

static void emit_terms(emitter *e, const results *r, int at) {
  const int number = e->members[at];
  const value *v = &e->p->values[number];
  const int start = starting_term(e, v), d = add_operand(e, result_place(e, r, at));
  int sum = d, from = v->n_products ? start : -1;
  if (!v->n_products) { /* all its products were taken out of the loop: the sum of those is a term */
    for (int i = 0; i < v->n_terms && from < 0; i++) {
      int m = member(e, v->terms[i]);
      if (m < 0 || !e->absorbed[m]) from = i;
    }
    sum = operand_for(e, r, number, v->terms[from]);
    if (v->n_terms == 1) add_code(e, TILE_COPY, d, sum, 0, 0);
  }
  for (int i = 0; i < v->n_terms && !e->status; i++) {
    if (i == from) continue;
    add_term(e, r, number, v->terms[i], d, sum);
    sum = d;
  }
}

static void emit_element(emitter *e, results *r, int at) {
  const int number = e->members[at];
  int gone[2], n_gone, in[3] = {0, 0, 0};
  selected s = select_instruction(e, number, gone, &n_gone);
  for (int i = 0; i < s.n; i++) in[i] = operand_for(e, r, number, s.in[i]);
  if (!e->p->values[number].stored) {
    release_slots(e); /* an instruction may write where it reads */
    r->slot[at] = take_slot(e, e->last_use[at]);
  }
  add_code(e, s.op, add_operand(e, result_place(e, r, at)), in[0], in[1], in[2]);
}

static void choose_block(emitter *e) {
  stage_tile *t = e->out;
  int sums = 0;
  for (int i = 0; i < e->n; i++) sums += e->p->values[e->members[i]].kind == VALUE_SUM;
  int lines = (t->n_slots + sums + 2) * e->unit * LANES * (int)sizeof(float);
  int block = 98304 / lines / 12 * 12; /* in the second-level cache: fewer rows would read the panels more often */
  const int most = t->n_calls ? 96 : 48;
  t->block = block < 12 ? 12 : block > most ? most : block;
}

/* Rounded operands lie one call's after the other's. */
static void lay_rounded(struct plan *p, stage_tile *t) {
  int64_t all = 0;
  for (int i = 0; i < t->n_calls; i++) {
    stage_call *c = &t->calls[i];
    c->rounded = all;
    if (c->precision != PRECISION_FP32) all += tile_rows(t) * c->lie.row;
    if (c->precision == PRECISION_INT8 && all < c->k + c->lie.row) all = c->k + c->lie.row; /* to pack a column of the weights */
  }
  if (all > p->out.rounded) p->out.rounded = all;
}

unroll_status plan_emit_tile(struct plan *p, const int *members, int n, stage *out, unroll_error *err) {
  emitter e = {.p = p, .members = members, .n = n, .width = p->values[members[0]].width, .out = &out->tile, .err = err};
  int terms = 0;
  for (int i = 0; i < n; i++) terms += p->values[members[i]].n_terms;
  e.cap_code = n + terms;
  e.cap_operands = (n + terms) * 4 + 4 < 60000 ? (n + terms) * 4 + 4 : 60000;
  e.cap_slots = n;
  out->tile.width = e.width;
  out->tile.code = arena_alloc(&p->memory, (size_t)e.cap_code, sizeof *out->tile.code);
  out->tile.operands = arena_alloc(&p->memory, (size_t)e.cap_operands, sizeof *out->tile.operands);
  out->tile.written = arena_alloc(&p->memory, (size_t)e.cap_operands, sizeof *out->tile.written);
  e.absorbed = mem_zero((size_t)n, sizeof *e.absorbed);
  int *numbers = mem_zero((size_t)n * 3, sizeof *numbers);
  for (e.index_size = 16; e.index_size < 2 * (uint32_t)e.cap_operands;) e.index_size *= 2;
  e.operand_index = mem_zero(e.index_size, sizeof *e.operand_index);
  if (!out->tile.code || !out->tile.operands || !out->tile.written || !e.absorbed || !numbers || !e.operand_index) {
    e.status = error_memory(err);
  } else {
    e.last_use = numbers;
    e.slot_until = numbers + n;
    results r = {numbers + 2 * n};
    for (int i = 0; i < n; i++) p->values[members[i]].slot = i + 1;
    e.unit = out->tile.unit = choose_unit(&e);
    survey(&e);
    e.now = 0;
    emit_products(&e, &r);
    for (int i = 0; i < n && !e.status; i++) {
      e.now = i;
      if (p->values[members[i]].kind == VALUE_SUM)
        emit_terms(&e, &r, i);
      else if (!e.absorbed[i])
        emit_element(&e, &r, i);
      release_slots(&e);
    }
    for (int i = 0; i < n; i++) p->values[members[i]].slot = 0;
    choose_block(&e);
    lay_rounded(p, &out->tile);
  }
  mem_free(e.absorbed);
  mem_free(numbers);
  mem_free(e.operand_index);
  return e.status;
}
