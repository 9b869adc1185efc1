/* emit.c - groups of values become the stages of the frozen plan. */
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

int64_t plan_constant(struct plan *p, double number) {
  const float f = (float)number;
  for (int i = 0; i < p->out.n_consts; i++)
    if ((i < CONST_SCALE || i >= CONST_VARYING + p->out.n_varying) && !memcmp(&p->out.consts[i], &f, sizeof f)) return i;
  if (p->out.n_consts == p->const_capacity) return -1; /* room for every value's constant was taken at the start */
  p->out.consts[p->out.n_consts] = f;
  return p->out.n_consts++;
}

/* ---- places ---- */

place plan_store_of(const struct plan *p, int number) {
  const value *v = &p->values[number];
  place at = {.base = PLACE_ARENA, .offset = v->offset, .row = v->row};
  at.rows = v->space == SPACE_PARAM ? ROWS_ONE : v->space == SPACE_STATIC || v->per_step ? ROWS_BATCH : ROWS_STEP;
  if (at.rows == ROWS_ONE) at.row = 0;
  at.whole = at.rows == ROWS_STEP && v->outlives;
  return at;
}

static int64_t constant_of(struct plan *p, const node *n) {
  if (n->op == OP_LOSS_SCALE) return CONST_SCALE;
  return n->op == OP_SETTING ? CONST_VARYING + n->slot : plan_constant(p, n->value);
}

static place direct_place(const struct plan *p, int number) {
  const value *v = &p->values[number];
  if (v->kind == VALUE_CONST)
    return (place){
        .base = PLACE_CONST, .rows = ROWS_ONE, .splat = true, .offset = constant_of((struct plan *)p, &p->g->nodes[v->node])};
  if (v->kind == VALUE_VECTOR) return (place){.base = PLACE_PACK, .rows = ROWS_ONE, .offset = v->pack};
  if (v->kind == VALUE_CARRY) {
    const struct frozen_carry *c = &p->out.carries[p->g->nodes[v->node].slot];
    return (place){.base = PLACE_CARRY, .rows = ROWS_BATCH, .offset = c->offset, .row = c->row};
  }
  return plan_store_of(p, number);
}

/* Where the rows of a shifted value are that lie in the window before or after. */
static void add_bound(place *at, const value *from, int dir) {
  at->slots = from->bound[dir < 0].slots;
  at->bound = from->bound[dir < 0].offset;
}

static place view_place(const struct plan *p, int number) {
  const value *v = &p->values[number];
  if (v->op == OP_SPREAD) return direct_place(p, v->in[0]);
  place at = {.base = PLACE_NOTHING, .rows = ROWS_STEP};
  if (v->in[0] >= 0) {
    at = direct_place(p, v->in[0]);
    add_bound(&at, &p->values[v->in[0]], v->dir);
  }
  at.rows = ROWS_STEP;
  at.shift = v->dir;
  if (v->in[1] >= 0) {
    place init = direct_place(p, v->in[1]);
    at.init_base = init.base;
    at.init_offset = init.offset;
    at.init_row = init.row;
  }
  return at;
}

place plan_place_of(const struct plan *p, int reader, int number, int width) {
  const value *v = &p->values[number];
  place at;
  const bool through = v->kind == VALUE_VIEW && plan_reads_through(p, reader, number);
  if (v->kind == VALUE_VIEW)
    at = through ? view_place(p, number) : plan_store_of(p, number);
  else
    at = direct_place(p, number);
  if (width > 1 && v->width == 1) at.splat = true;
  return at;
}

/* ---- single stages ---- */

static enum stage_kind stage_of(const value *v) {
  if (v->kind == VALUE_ORDER) return STAGE_ORDER;
  if (v->kind == VALUE_VIEW) return v->op == OP_SHIFT ? STAGE_SHIFT : STAGE_SPREAD;
  if (v->op == OP_SOFTMAX && v->over >= 0) return STAGE_WEIGHTS;
  if (v->op == OP_SOFTMAX_GRAD && v->over >= 0) return STAGE_WEIGHTS_GRAD;
  if (v->pool) return plan_pooled_stage(v->op);
  return plan_others[v->op]->stage;
}

/* Which rows the stage goes over: those of its operand where it has one that is larger than its result. */
static void set_rows(const struct plan *p, int number, stage *s) {
  const value *v = &p->values[number];
  const value *rows = v;
  const bool sums = v->op == OP_SUM_ROWS || v->op == OP_SUM_POSITIONS || v->op == OP_EMBED_T || v->op == OP_OUTER ||
                    v->op == OP_CONV_OUTER || v->op == OP_BATCH_STATS || v->op == OP_BATCH_SUMS;
  if (v->kind == VALUE_STAGE && sums && v->in[0] >= 0) rows = &p->values[v->in[0]];
  s->of_steps = rows->space == SPACE_STEP;
  s->one = rows->space == SPACE_PARAM;
  s->axis = v->axis >= 0 ? v->axis : rows->axis;
  s->back = plan_reduces(p, v) && v->phase / 2 % 2;
  if (v->kind == VALUE_STAGE && (v->op == OP_EDGE || v->op == OP_SUM_TIME || v->op == OP_MAX_TIME || v->op == OP_CTC))
    s->axis = p->values[v->in[0]].axis;
}

/* The axis that a row of attention goes over, or -1. */
static int over_of(const struct plan *p, const value *v) {
  const int whole = v->kind == VALUE_STAGE ? plan_others[v->op]->steps_operand : -1;
  if (whole < 0) return v->over;
  const value *y = &p->values[v->in[whole]];
  return y->space == SPACE_STEP ? y->axis : -1;
}

/* The weights of labels, so that a plan needs no graph when it runs. */
static bool copy_weights(struct plan *p, const data_info *d, stage *s) {
  if (!d->weights) return true;
  float *own = arena_alloc(&p->memory, (size_t)d->width, sizeof *own);
  if (own) memcpy(own, d->weights, (size_t)d->width * sizeof *own);
  s->table = own;
  return own != NULL;
}

static unroll_status emit_single(struct plan *p, int number, stage *s, unroll_error *err) {
  const value *v = &p->values[number];
  const node *n = &p->g->nodes[v->node];
  s->kind = stage_of(v);
  s->width = v->width;
  s->over = over_of(p, v);
  set_rows(p, number, s);
  for (int i = 0; i < NODE_INPUTS; i++)
    if (v->in[i] >= 0) {
      s->in[i] = plan_place_of(p, number, v->in[i], 0);
      if (i == 0) s->in_width = p->values[v->in[i]].width;
    }
  if (v->stored) s->out = plan_store_of(p, number);
  if (s->kind == STAGE_MAX_TIME_GRAD) s->in[3] = (place){.slots = v->left.slots, .bound = v->left.offset, .row = v->row};
  if (s->kind == STAGE_SHIFT && v->in[0] >= 0) add_bound(&s->in[0], &p->values[v->in[0]], v->dir);
  s->slot = n->slot;
  s->dir = v->dir;
  s->value = n->value;
  if (v->kind == VALUE_STAGE && (v->op == OP_EMBED || v->op == OP_EMBED_T)) {
    s->weight = p->g->params[n->param].offset;
    if (v->op == OP_EMBED_T) s->width = p->g->params[n->param].cols;
  }
  if (s->kind == STAGE_CTC || s->kind == STAGE_CTC_GRAD) p->out.ctc = ctc_scratch(p->out.max_steps);
  if (s->kind == STAGE_CLASS_WEIGHT && !copy_weights(p, &p->g->data[p->g->inputs[n->slot].data], s)) return error_memory(err);
  if (s->kind == STAGE_COPY_COLUMNS) {
    s->columns = v->op == OP_SLICE ? v->width : s->in_width;
    s->column = v->op == OP_SLICE ? n->c0 : 0;
    s->out_column = v->op == OP_PAD ? n->c0 : 0;
    s->clear = v->op == OP_PAD;
    if (v->op == OP_CONCAT) s->in_width = p->values[v->in[1]].width; /* the second part follows the first */
  }
  if (n->patches.size && v->kind == VALUE_STAGE) return plan_emit_picture(p, v, s, err);
  if (s->kind == STAGE_SHIFT && v->in[0] >= 0 && p->values[v->in[0]].kind == VALUE_CONST)
    return error_set(err, UNROLL_FAILED, "a constant has no step before");
  return UNROLL_OK;
}

/* ---- weight gradients ---- */

static int find_dy(const struct plan *p, stage_outer *o, int reader, int number) {
  for (int i = 0; i < o->n_dy; i++)
    if (o->dy[i].id == number) return i;
  o->dy[o->n_dy] =
      (struct outer_dy){.id = number, .at = plan_place_of(p, reader, number, 0), .width = p->values[number].width, .sum = -1};
  return o->n_dy++;
}
static int find_x(const struct plan *p, stage_outer *o, int reader, int number) {
  for (int i = 0; i < o->n_x; i++)
    if (o->x[i].id == number) return i;
  o->x[o->n_x] = (struct outer_x){number, plan_place_of(p, reader, number, 0), p->values[number].width};
  return o->n_x++;
}

static bool adds_to_matrix(const value *v) {
  return v->kind == VALUE_STAGE && (v->op == OP_OUTER || v->op == OP_EMBED_T || v->op == OP_CONV_OUTER);
}

/* Lists, so that emitting a stage does not look at all values. */
static unroll_status index_values(struct plan *p, unroll_error *err) {
  p->first_sum = arena_alloc(&p->memory, (size_t)p->g->n_params + 1, sizeof *p->first_sum);
  p->next_sum = arena_alloc(&p->memory, (size_t)p->n_values + 1, sizeof *p->next_sum);
  p->bounded = arena_alloc(&p->memory, (size_t)p->n_values + 1, sizeof *p->bounded);
  if (!p->first_sum || !p->next_sum || !p->bounded) return error_memory(err);
  for (int i = 0; i < p->g->n_params; i++) p->first_sum[i] = -1;
  for (int i = p->n_values - 1; i >= 0; i--)
    if (adds_to_matrix(&p->values[i])) {
      int *first = &p->first_sum[p->g->nodes[p->values[i].node].param];
      p->next_sum[i] = *first;
      *first = i;
    }
  for (int i = 0; i < p->n_values; i++)
    if (p->values[i].bound[0].slots || p->values[i].bound[1].slots) p->bounded[p->n_bounded++] = i;
  return UNROLL_OK;
}

/* Do look-ups in the matrix add to its gradient, row by row, in the same phase? */
static bool scattered_to(const struct plan *p, int matrix, int phase) {
  for (int i = p->first_sum[matrix]; i >= 0; i = p->next_sum[i])
    if (p->values[i].op == OP_EMBED_T && p->values[i].phase == phase) return true;
  return false;
}

/* Is the matrix of a product of two operands all that its columns of the gradient get? */
static bool goes_straight(const struct plan *p, int number) {
  const value *v = &p->values[number];
  const node *n = &p->g->nodes[v->node];
  const int width = p->values[v->in[1]].width;
  for (int i = p->first_sum[n->param]; i >= 0; i = p->next_sum[i]) {
    const value *u = &p->values[i];
    const node *other = &p->g->nodes[u->node];
    const bool apart = u->op == OP_OUTER && (other->c0 >= n->c0 + width || n->c0 >= other->c0 + p->values[u->in[1]].width);
    if (i != number && !apart) return false;
  }
  return true;
}

static int last_of_phase(const struct plan *p, int number) {
  const int phase = p->groups[number].phase;
  while (number + 1 < p->n_groups && p->groups[number + 1].phase == phase) number++;
  return number;
}

static unroll_status emit_outer(struct plan *p, const group *g, int index, stage *s, unroll_error *err) {
  stage_outer *o = &s->outer;
  s->kind = STAGE_OUTER;
  o->dy = arena_alloc(&p->memory, (size_t)g->n, sizeof *o->dy);
  o->x = arena_alloc(&p->memory, (size_t)g->n, sizeof *o->x);
  o->pairs = arena_alloc(&p->memory, (size_t)g->n, sizeof *o->pairs);
  o->dots = arena_alloc(&p->memory, (size_t)g->n, sizeof *o->dots);
  if (!o->dy || !o->x || !o->pairs || !o->dots) return error_memory(err);
  set_rows(p, g->members[0], s);
  unroll_status st = UNROLL_OK;
  int64_t x_all = 0;
  for (int i = 0; i < g->n && !st; i++) {
    const value *v = &p->values[g->members[i]];
    if (v->op != OP_OUTER) continue;
    const node *n = &p->g->nodes[v->node];
    const param *w = &p->g->params[n->param];
    struct outer_pair *q = &o->pairs[o->n_pairs++];
    q->dy = find_dy(p, o, g->members[i], v->in[0]);
    q->x = find_x(p, o, g->members[i], v->in[1]);
    q->target = w->offset + n->c0;
    q->target_row = w->cols;
    q->late = scattered_to(p, n->param, v->phase);
    q->straight = goes_straight(p, g->members[i]);
    const int columns = outer_kept(q, o->x[q->x].width);
    if (!columns) continue;
    const bool outlives = p->options.window && plan_reduces(p, v);
    const int born = outlives ? 0 : index, dies = outlives ? p->n_groups : q->late ? last_of_phase(p, index) : index;
    st = plan_request(p, padded(o->dy[q->dy].width) * columns, &q->accumulator, born, dies, err);
  }
  for (int i = 0; i < g->n && !st; i++) {
    const value *v = &p->values[g->members[i]];
    if (v->op != OP_SUM_ROWS) continue;
    if (v->in[1] < 0)
      o->dy[find_dy(p, o, g->members[i], v->in[0])].sum = v->offset;
    else
      o->dots[o->n_dots++] = (struct outer_dot){plan_place_of(p, g->members[i], v->in[0], 0),
                                                plan_place_of(p, g->members[i], v->in[1], 0), v->width, v->offset};
  }
  for (int i = 0; i < o->n_x; i++) x_all += padded(o->x[i].width);
  bool apart = true; /* no two pairs add to the same numbers */
  for (int i = 0; i < o->n_pairs; i++) apart = apart && o->pairs[i].straight;
  for (int i = 0; i < o->n_dy && apart; i++) {
    struct outer_dy *dy = &o->dy[i];
    dy->before = o->work;
    dy->work = 1;
    for (int k = 0; k < o->n_pairs; k++)
      if (o->pairs[k].dy == i) dy->work += padded(o->x[o->pairs[k].x].width);
    o->work += padded(dy->width) / LANES * dy->work;
  }
  const int64_t need = x_all * OUTER_ROWS;
  if (need > p->out.outer) p->out.outer = need;
  for (int i = 0; i < o->n_dy; i++) {
    const int64_t width = padded(o->dy[i].width), columns = width < OUTER_COLUMNS ? width : OUTER_COLUMNS;
    if (columns * OUTER_ROWS > p->out.rounded) p->out.rounded = columns * OUTER_ROWS;
  }
  return st;
}

/* ---- loops ---- */

static void note_split(stage *body, const place *at) {
  if (at->shift < 0) body->split = true;
}
static void find_split(stage *loop_stage) {
  for (int i = 0; i < loop_stage->n_body; i++) {
    const stage *b = &loop_stage->body[i];
    for (int k = 0; k < 4; k++) note_split(loop_stage, &b->in[k]);
    for (int k = 0; k < b->tile.n_operands; k++) note_split(loop_stage, &b->tile.operands[k]);
    for (int k = 0; k < b->tile.n_calls; k++) {
      const stage_call *c = &b->tile.calls[k];
      note_split(loop_stage, &c->operand);
      for (int q = 0; q < c->gates; q++) note_split(loop_stage, &c->gate[q].init);
      loop_stage->work += (double)c->k * c->gates * b->tile.width;
    }
  }
}

static bool body_starts(const struct plan *p, const loop *l, int i, int level) {
  const value *v = &p->values[l->members[i]];
  return v->kind != VALUE_VIEW && v->level == level;
}

static unroll_status emit_loop(struct plan *p, const loop *l, stage *s, unroll_error *err) {
  int last = 0, n = 0;
  s->kind = STAGE_LOOP;
  s->of_steps = true;
  s->axis = l->axis;
  s->dir = l->dir;
  for (int i = 0; i < l->n_members; i++) {
    const value *v = &p->values[l->members[i]];
    if (v->kind != VALUE_VIEW && v->level > last) last = v->level;
  }
  s->body = arena_alloc(&p->memory, (size_t)l->n_members * 2, sizeof *s->body);
  int *tile = mem_zero((size_t)l->n_members + 1, sizeof *tile);
  bool *done = mem_zero((size_t)l->n_members + 1, sizeof *done);
  unroll_status st = s->body && tile && done ? UNROLL_OK : error_memory(err);
  for (int level = 0; level <= last && !st; level++)
    for (int i = 0; i < l->n_members && !st; i++) {
      if (done[i] || !body_starts(p, l, i, level)) continue;
      const value *v = &p->values[l->members[i]];
      stage *b = &s->body[n++];
      if (!value_in_tile(v)) {
        done[i] = true;
        st = emit_single(p, l->members[i], b, err);
        continue;
      }
      int count = 0;
      for (int k = i; k < l->n_members; k++) {
        const value *w = &p->values[l->members[k]];
        if (done[k] || !body_starts(p, l, k, level) || !value_in_tile(w) || w->width != v->width) continue;
        done[k] = true;
        tile[count++] = l->members[k];
      }
      *b = (stage){.kind = STAGE_TILE, .of_steps = true, .axis = l->axis, .width = v->width};
      st = plan_emit_tile(p, tile, count, b, err);
    }
  s->n_body = n;
  find_split(s);
  mem_free(tile);
  mem_free(done);
  return st;
}

/* ---- all ---- */

static void note_scratch(struct plan *p, const stage *s) {
  if (s->kind == STAGE_LOOP)
    for (int i = 0; i < s->n_body; i++) note_scratch(p, &s->body[i]);
  if (s->kind != STAGE_TILE) return;
  const int floats = s->tile.n_slots * s->tile.block * s->tile.unit * LANES;
  if (floats > p->out.slots) p->out.slots = floats;
  if (s->tile.n_operands > p->out.n_operands) p->out.n_operands = s->tile.n_operands;
}

static unroll_status emit_group(struct plan *p, const group *g, int index, stage *s, unroll_error *err) {
  const value *v = g->n ? &p->values[g->members[0]] : NULL;
  switch (g->kind) {
  case GROUP_STAGE:
    return emit_single(p, g->members[0], s, err);
  case GROUP_OUTER:
    return emit_outer(p, g, index, s, err);
  case GROUP_LOOP:
    return emit_loop(p, &p->loops[g->loop], s, err);
  case GROUP_TILE:
    *s = (stage){
        .kind = STAGE_TILE, .of_steps = v->space == SPACE_STEP, .one = v->space == SPACE_PARAM, .axis = v->axis, .width = v->width};
    return plan_emit_tile(p, g->members, g->n, s, err);
  case GROUP_GRADIENT:
    break;
  }
  return UNROLL_OK;
}

/* Gradients of parameter vectors, by the group that computes them: first[group], then next[gradient]; 0 ends, else a number + 1.
 * Those of a pass in windows of steps are all added last, in the place of the last group. */
typedef struct vectors {
  int *first, *next;
} vectors;

static unroll_status list_vectors(struct plan *p, vectors *all, unroll_error *err) {
  const graph *g = p->g;
  all->first = arena_alloc(&p->memory, (size_t)p->n_groups + 1, sizeof *all->first);
  all->next = arena_alloc(&p->memory, (size_t)g->n_gradients + 1, sizeof *all->next);
  if (!all->first || !all->next) return error_memory(err);
  for (int i = g->n_gradients - 1; i >= 0 && p->options.gradient; i--) {
    const int number = g->gradients[i].node, computed = p->values[number].stage;
    const node *n = &g->nodes[number];
    if (n->op == OP_OUTER || n->op == OP_EMBED_T || n->op == OP_CONV_OUTER) continue;
    if (n->space != SPACE_PARAM)
      return error_set(err, UNROLL_FAILED, "gradient of '%s' is not a vector", g->params[g->gradients[i].param].name);
    const int at = p->out.window || computed <= 0 ? p->n_groups - 1 : computed;
    all->next[i] = all->first[at];
    all->first[at] = i + 1;
  }
  return UNROLL_OK;
}

/* They are added as soon as they are there: then they may be sent to other ranks. */
static void emit_vectors(struct plan *p, const vectors *all, int number) {
  const graph *g = p->g;
  const int phase = p->groups[number].phase;
  for (int i = all->first[number]; i; i = all->next[i - 1]) {
    const param *to = &g->params[g->gradients[i - 1].param];
    const int from = g->gradients[i - 1].node;
    p->out.stages[p->out.n_stages++] = (stage){.kind = STAGE_GRADIENT,
                                               .phase = p->out.window ? phase + phase % 2 : phase,
                                               .one = true,
                                               .width = to->rows,
                                               .in = {plan_place_of(p, from, from, 0)},
                                               .in_width = g->nodes[from].width,
                                               .weight = to->offset};
  }
}

/* At the end of a phase, which may have no stage: the weight gradients that wait for it. */
static void emit_late(struct plan *p, int phase) {
  for (int i = p->out.n_stages - 1; i >= 0 && p->out.stages[i].phase == phase; i--) {
    const stage *s = &p->out.stages[i];
    for (int k = 0; s->kind == STAGE_OUTER && k < s->outer.n_pairs; k++) {
      const struct outer_pair *q = &s->outer.pairs[k];
      if (!q->late) continue;
      p->out.stages[p->out.n_stages++] =
          (stage){.kind = STAGE_ADD,
                  .phase = s->phase,
                  .one = true,
                  .width = s->outer.dy[q->dy].width,
                  .in = {{.base = PLACE_ARENA, .rows = ROWS_STEP, .offset = q->accumulator, .row = padded(s->outer.x[q->x].width)}},
                  .in_width = s->outer.x[q->x].width,
                  .weight = q->target,
                  .columns = q->target_row};
    }
  }
}

static unroll_status pack_vectors(struct plan *p, unroll_error *err) {
  unroll_status s = UNROLL_OK;
  for (int i = 0; i < p->n_values && !s; i++) {
    value *v = &p->values[i];
    if (v->kind != VALUE_VECTOR) continue;
    v->pack = p->out.pack;
    s = plan_add_pack(
        p,
        &(pack_job){.vector = true, .out = v->pack, .weight = p->g->params[p->g->nodes[v->node].param].offset, .count = v->width},
        err);
    p->out.pack += padded(v->width);
  }
  return s;
}

static unroll_status lay_carries(struct plan *p, unroll_error *err) {
  const graph *g = p->g;
  p->out.carries = arena_alloc(&p->memory, (size_t)g->n_carries + 1, sizeof *p->out.carries);
  if (!p->out.carries) return error_memory(err);
  p->out.n_carries = g->n_carries;
  for (int i = 0; i < g->n_carries; i++) {
    p->out.carries[i].offset = p->out.carry;
    p->out.carries[i].width = g->carries[i].width;
    p->out.carries[i].row = matrix_row(g->carries[i].width);
    p->out.carry += p->out.max_rows * p->out.carries[i].row;
  }
  return UNROLL_OK;
}

static unroll_status lay_results(struct plan *p, unroll_error *err) {
  const graph *g = p->g;
  p->out.losses = arena_alloc(&p->memory, (size_t)g->n_losses + 1, sizeof *p->out.losses);
  p->out.keep = arena_alloc(&p->memory, (size_t)p->options.n_keep + 1, sizeof *p->out.keep);
  if (!p->out.losses || !p->out.keep) return error_memory(err);
  for (int i = 0; i < g->n_losses; i++) {
    const value *v = &p->values[g->losses[i].node];
    p->out.losses[p->out.n_losses++] = (struct frozen_loss){plan_store_of(p, g->losses[i].node), v->axis, v->space == SPACE_STEP};
  }
  for (int i = 0; i < p->options.n_keep; i++)
    p->out.keep[p->out.n_keep++] =
        (struct frozen_keep){p->options.keep[i], plan_place_of(p, p->options.keep[i], p->options.keep[i], 0),
                             p->values[p->options.keep[i]].axis, p->values[p->options.keep[i]].width};
  for (int i = 0; i < g->n_carries; i++) p->out.carries[i].edge = plan_store_of(p, g->carries[i].edge);
  return UNROLL_OK;
}

/* What the members of a group leave to neighbour windows. */
static unroll_status emit_bounds(struct plan *p, int number, stage *s, unroll_error *err) {
  for (int pass = 0, n = 0; pass < 2; pass++) {
    if (pass && n && !(s->bounds = arena_alloc(&p->memory, (size_t)n, sizeof *s->bounds))) return error_memory(err);
    for (int i = 0; i < p->n_bounded && (n || !pass); i++) {
      const value *v = &p->values[p->bounded[i]];
      for (int k = 0; k < 2 && v->stage == number; k++) {
        if (!v->bound[k].slots) continue;
        if (!pass) n++;
        if (pass) s->bounds[s->n_bounds++] = (struct stage_bound){v->offset, v->bound[k].offset, v->row, v->bound[k].slots, k == 1};
      }
    }
  }
  return UNROLL_OK;
}

/* Places hold offsets, which are known only when all requests are. So stages are emitted twice, the first time for the requests
 * of the weight gradients alone. */
unroll_status plan_emit(struct plan *p, unroll_error *err) {
  const graph *g = p->g;
  p->const_capacity = p->n_values + 2 + p->g->n_varying;
  p->out.consts = arena_alloc(&p->memory, (size_t)p->const_capacity, sizeof *p->out.consts);
  p->out.cut = p->cut;
  p->out.stages = arena_alloc(&p->memory, (size_t)p->n_groups + 2 * (size_t)g->n_gradients + 1, sizeof *p->out.stages);
  if (!p->out.consts || !p->out.stages) return error_memory(err);
  p->out.n_varying = g->n_varying;
  for (int i = 0; i < g->n_varying; i++) p->out.consts[CONST_VARYING + i] = (float)g->varying[i];
  p->out.n_consts = CONST_VARYING + g->n_varying;
  unroll_status s = index_values(p, err);
  if (!s) s = lay_carries(p, err);
  if (!s) s = pack_vectors(p, err);
  stage *first = arena_alloc(&p->memory, (size_t)p->n_groups + 1, sizeof *first);
  vectors apart;
  if (!s && !first) s = error_memory(err);
  for (int i = 0; i < p->n_groups && !s; i++)
    if (p->groups[i].kind == GROUP_OUTER) s = emit_outer(p, &p->groups[i], i, &first[i], err);
  if (!s) s = list_vectors(p, &apart, err);
  if (!s) s = plan_assign(p, err);
  for (int i = 0; i < p->n_groups && !s; i++) {
    stage *out = &p->out.stages[p->out.n_stages];
    if (p->groups[i].kind == GROUP_OUTER) { /* places anew, accumulators as assigned */
      struct outer_pair *old = first[i].outer.pairs;
      *out = (stage){0};
      int requests = p->n_requests;
      s = emit_outer(p, &p->groups[i], i, out, err);
      p->n_requests = requests;
      for (int k = 0; k < out->outer.n_pairs; k++) out->outer.pairs[k].accumulator = old[k].accumulator;
    } else if (p->groups[i].kind != GROUP_GRADIENT)
      s = emit_group(p, &p->groups[i], i, out, err);
    out->phase = p->groups[i].phase;
    out->again = p->groups[i].again;
    if (!s) s = emit_bounds(p, i, out, err);
    if (!s && p->groups[i].kind != GROUP_GRADIENT) {
      note_scratch(p, out);
      p->out.n_stages++;
    }
    if (!s) emit_vectors(p, &apart, i);
    if (!s && last_of_phase(p, i) == i) emit_late(p, p->groups[i].phase);
  }
  if (!s) s = lay_results(p, err);
  if (!s) s = plan_order_packs(p, err);
  return s;
}
