/* cost.c - see cost.h. A matrix counts once for a stage, however many of its instructions look at it. What lives during one
 * step of a loop only, and what is the same for all rows, stays in a cache and counts nothing. */
#include "plan/cost.h"

enum { MAX_PLACES = 256 };

typedef struct places {
  int n;
  const place *seen[MAX_PLACES];
  double columns; /* of all that were seen, per row */
} places;

static double tile_operations(const stage_tile *t) {
  double n = 0;
  for (int i = 0; i < t->n_calls; i++) n += 2.0 * t->calls[i].k * t->calls[i].gates * t->width;
  return n;
}

static double outer_operations(const stage_outer *o) {
  double n = 0;
  for (int i = 0; i < o->n_pairs; i++) n += 2.0 * o->dy[o->pairs[i].dy].width * o->x[o->pairs[i].x].width;
  return n;
}

static double conv_operations(const stage_picture *q) {
  return 2.0 * q->out_rows * q->out_columns * q->out_channels * q->size * q->size * q->channels * q->groups;
}

double plan_stage_operations(const stage *s) {
  double n = 0;
  switch (stage_rows[s->kind].products) {
  case PRODUCTS_NONE:
    return 0;
  case PRODUCTS_TILE:
    return tile_operations(&s->tile);
  case PRODUCTS_OUTER:
    return outer_operations(&s->outer);
  case PRODUCTS_CONV:
    return conv_operations(&s->picture);
  case PRODUCTS_LOOP:
    for (int i = 0; i < s->n_body; i++) n += plan_stage_operations(&s->body[i]);
  }
  return n;
}

/* Remembers a matrix; written ones count apart from read ones. */
static void see(places *p, const place *at, double columns, bool loop) {
  const bool arena = at->base == PLACE_ARENA && at->rows != ROWS_ONE && !(loop && at->rows == ROWS_BATCH);
  if (!arena) return;
  for (int i = 0; i < p->n; i++)
    if (p->seen[i]->offset == at->offset && p->seen[i]->row == at->row) return;
  if (p->n < MAX_PLACES) p->seen[p->n++] = at;
  p->columns += at->splat ? 1 : columns;
}

/* A tile program over n rows. Results that equations read again count once. */
static void add_tile(stage_cost *c, const stage_tile *t, double n, double visits, bool loop) {
  places p = {0};
  for (int i = 0; i < t->n_calls; i++) {
    const stage_call *call = &t->calls[i];
    c->weights += (double)call->lie.depth * call->gates * (double)padded(t->width) * sizeof(float) * visits;
    see(&p, &call->operand, call->k, loop);
    for (int g = 0; g < call->gates; g++) {
      see(&p, &call->gate[g].init, t->width, loop);
      see(&p, &call->gate[g].out, t->width, loop);
    }
  }
  for (int i = 0; i < t->n_operands; i++) see(&p, &t->operands[i], t->width, loop);
  c->equations += (double)t->n_code * t->width * n;
  c->matrices += p.columns * n * sizeof(float);
}

static void add_outer(stage_cost *c, const stage_outer *o, double n) {
  for (int i = 0; i < o->n_dots; i++) {
    c->equations += o->dots[i].width * n;
    c->matrices += 2.0 * o->dots[i].width * n * sizeof(float);
  }
  for (int i = 0; i < o->n_dy; i++) c->matrices += o->dy[i].width * n * sizeof(float);
  for (int i = 0; i < o->n_x; i++) c->matrices += o->x[i].width * n * sizeof(float);
}

/* Everything else reads and writes matrices once. */
static void add_other(stage_cost *c, const stage *s, double n, bool loop) {
  places p = {0};
  see(&p, &s->out, s->width, loop);
  for (int i = 0; i < 4; i++) see(&p, &s->in[i], s->in_width ? s->in_width : s->width, loop);
  c->matrices += p.columns * n * sizeof(float);
}

static void add_stage(stage_cost *c, const stage *s, double n, double visits, bool loop) {
  c->products += plan_stage_operations(s) * n;
  if (s->kind == STAGE_TILE)
    add_tile(c, &s->tile, n, visits, loop);
  else if (s->kind == STAGE_OUTER)
    add_outer(c, &s->outer, n);
  else
    add_other(c, s, n, loop);
}

stage_cost plan_stage_cost(const stage *s, int rows, int steps) {
  stage_cost c = {0};
  const double n = s->one ? 1 : s->of_steps ? (double)rows * steps : rows;
  if (s->kind != STAGE_LOOP) {
    add_stage(&c, s, n, 1, false);
    return c;
  }
  for (int i = 0; i < s->n_body; i++) add_stage(&c, &s->body[i], (double)rows * steps, steps, true);
  return c;
}
