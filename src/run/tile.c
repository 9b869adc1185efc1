/* tile.c - runs tile programs. For a block of rows and a unit tile of columns it does the products, then the equations while
 * their result is in the cache. And loops: the same, step after step. */
#include "base/ticks.h"
#include "run/calls.h"
#include "run/internal.h"

rows run_at(const run *r, const worker *w, const place *at, const where *here, int64_t row) {
  float *base = NULL;
  enum place_base kind = at->base;
  int64_t offset = at->offset, stride = at->row, index = at->whole ? row + r->window.row : row;
  if (at->rows == ROWS_STEP && here->t >= 0) {
    const int t = here->t;
    const bool outside = at->shift > 0 ? t == 0 : at->shift < 0 ? !here->next : false;
    const bool beyond = at->shift > 0 ? outside && r->window.before : at->shift < 0 && !outside && t + 1 == here->axis->steps;
    if (beyond && at->slots) return run_bound(r, at, at->shift, row);
    if (outside && !beyond)
      kind = at->init_base, offset = at->init_offset, stride = at->init_row, index = row;
    else
      index += here->axis->first[t - at->shift];
  }
  switch (kind) {
  case PLACE_ARENA:
    base = r->arena;
    break;
  case PLACE_CONST:
    base = r->consts;
    break;
  case PLACE_PACK:
    base = r->pack;
    break;
  case PLACE_CARRY:
    base = r->carry;
    break;
  case PLACE_SLOT:
    return (rows){w->slots, stride};
  case PLACE_NOTHING:
    return (rows){NULL, 0};
  }
  return (rows){base + offset + index * stride, stride};
}

int run_tiles(const stage *s) {
  const int unit = s->tile.unit * LANES;
  return (s->tile.width + unit - 1) / unit;
}

/* Vectors of the unit tile at n0, of which columns below `end` count. */
static int vectors_at(const stage_tile *t, int n0, int end) {
  return end - n0 >= t->unit * LANES ? t->unit : (end - n0 + LANES - 1) / LANES;
}

/* Columns of a tile program: from which on, how many vectors, and where they are in the rows of a slot. */
typedef struct columns {
  int n0, vectors, slot, slot_row;
} columns;

/* What stays the same for all tiles and row blocks of one stage at one step is resolved per block: a handful of additions. */
static rows tile_at(const run *r, const worker *w, const stage_tile *t, const place *at, const where *here, int64_t row,
                    const columns *c) {
  if (at->base == PLACE_SLOT) return (rows){w->slots + at->offset * t->block * t->unit * LANES + c->slot, c->slot_row};
  rows x = run_at(r, w, at, here, row);
  if (x.p && !at->splat) x.p += c->n0;
  return x;
}

/* Operands of all calls, rounded, for rows row0 .. row0+n-1. */
static void round_operands(const run *r, const worker *w, const stage_tile *t, const where *here, int64_t row0, int64_t n) {
  for (int i = 0; i < t->n_calls; i++) {
    const stage_call *c = &t->calls[i];
    if (c->precision == PRECISION_FP32) continue;
    const rows a = run_at(r, w, &c->operand, here, row0);
    float *out = w->rounded + c->rounded;
    for (int64_t q = 0; a.p && q < n; q++, out += c->lie.row)
      if (w->calls)
        calls_round(w->calls, c->precision, out, a.p + q * a.row, c->k);
      else
        r->round_row[c->precision](out, a.p + q * a.row, c->k);
  }
}

/* The operand of a call for the rows from `row` on; `row0` is where those that round_operands has seen begin. */
static rows operand_of(const run *r, const worker *w, const stage_call *c, const where *here, int64_t row0, int64_t row) {
  const rows a = run_at(r, w, &c->operand, here, row);
  if (!a.p || c->precision == PRECISION_FP32) return a;
  return (rows){w->rounded + c->rounded + (row - row0) * c->lie.row, c->lie.row};
}

/* Call `i` and those that go on with its sums, as one product q; returns how many they are. q->parts has room for PRODUCT_PARTS. */
static int product_of(const run *r, const worker *w, const stage_tile *t, int i, const where *here, int64_t row0, int64_t row,
                      int n, const columns *at, product *q, product_part *parts) {
  const stage_call *const c = &t->calls[i];
  const int vectors = at->vectors; /* only these of q are filled in: clearing the others would take as long as a small product */
  q->parts = parts;
  q->n_parts = 0;
  int joined = 0;
  do {
    const stage_call *const one = c + joined++;
    const rows a = operand_of(r, w, one, here, row0, row);
    if (!a.p) continue;
    product_part *const part = &parts[q->n_parts++];
    part->a = a.p;
    part->a_row = a.row;
    part->a_k = 1;
    part->b = r->pack + one->pack + (int64_t)at->n0 * one->gates * one->lie.depth;
    part->b_k = one->gates * vectors * LANES;
    part->k = one->lie.steps;
  } while (i + joined < t->n_calls && c[joined].goes_on);
  q->rows = n;
  q->vectors = c->gates * vectors;
  for (int g = 0; g < c->gates; g++) {
    const rows out = tile_at(r, w, t, &c->gate[g].out, here, row, at), init = tile_at(r, w, t, &c->gate[g].init, here, row, at);
    for (int v = 0; v < vectors; v++) {
      const int vector = g * vectors + v;
      q->c[vector] = out.p + v * LANES;
      q->c_row[vector] = out.row;
      q->init[vector] = init.p ? init.p + v * LANES : NULL;
      q->init_row[vector] = init.row;
    }
  }
  return joined;
}

static int call_product(const run *r, const worker *w, const stage_tile *t, int i, const where *here, int64_t row0, int64_t row,
                        int n, const columns *at, fetch_run **ahead) {
  product_part parts[PRODUCT_PARTS];
  product q;
  const int joined = product_of(r, w, t, i, here, row0, row, n, at, &q, parts);
  bool adds = true;
  for (int v = 0; v < q.vectors; v += at->vectors) adds = adds && q.c[v] == q.init[v];
  const enum precision precision = q.n_parts ? t->calls[i].precision : PRECISION_FP32;
  if (!q.n_parts && adds) return joined;
  q.ahead = ahead;
  if (w->calls)
    calls_product(w->calls, precision, &q);
  else
    r->product[precision](&q);
  return joined;
}

enum { LEAD = 1 << 16 }; /* floats of panels to ask for in advance: more would drive out of the cache what is needed before them */

static int64_t panel_floats(const stage_call *c, int vectors) { return (int64_t)c->lie.steps * c->gates * vectors * LANES; }

/* Of the panels of all calls of the tile at n0, one after the other: `most` floats after the first `skip`. */
static int list_panels(const run *r, const worker *w, const stage_tile *t, int n0, int vectors, int64_t skip, int64_t most,
                       int used) {
  for (int i = 0; i < t->n_calls && most > 0 && used < FETCHES; i++) {
    const stage_call *c = &t->calls[i];
    const float *panel = r->pack + c->pack + (int64_t)n0 * c->gates * c->lie.depth;
    const int64_t passed = skip < panel_floats(c, vectors) ? skip : panel_floats(c, vectors);
    const int64_t left = panel_floats(c, vectors) - passed, n = left < most ? left : most;
    if (n) w->fetches[used++] = (fetch_run){panel + passed, LANES, (int)(n / LANES), 0};
    skip -= passed;
    most -= n;
  }
  return used;
}

/* What the products of a tile in a block shall ask for. It is the matrices of its equations, LEAD floats of panels in advance,
 * and of the operands the `following` rows after this block's. */
static void list_ahead(const run *r, const worker *w, const stage_tile *t, const where *here, int64_t row, int n, int following,
                       const columns *at) {
  int used = 0;
  for (int i = 0; i < t->n_operands && used < FETCHES; i++) {
    if (t->operands[i].base != PLACE_ARENA || t->operands[i].splat) continue;
    const int own = t->written[i] && r->n_workers > 1; /* another core may have read the line in the pass before */
    for (int v = 0; v < at->vectors && used < FETCHES; v++)
      w->fetches[used++] = (fetch_run){w->operands[i].p + at->slot + v * LANES, w->operands[i].row, n, own};
  }
  const int next = at->n0 + t->unit * LANES;
  int64_t all = 0;
  for (int i = 0; i < t->n_calls; i++) all += panel_floats(&t->calls[i], at->vectors);
  const int64_t lead = all < LEAD ? all : LEAD;
  used = list_panels(r, w, t, at->n0, at->vectors, lead, all - lead, used);
  if (next < t->width) used = list_panels(r, w, t, next, vectors_at(t, next, t->width), 0, lead, used);
  for (int i = 0; i < t->n_calls && following; i++) {
    const stage_call *c = &t->calls[i];
    const rows x = run_at(r, w, &c->operand, here, row + n);
    for (int k = 0; x.p && k < c->k && used < FETCHES && c->precision == PRECISION_FP32; k += LANES)
      w->fetches[used++] = (fetch_run){x.p + k, x.row, following, 0};
  }
  w->fetches[used] = FETCH_END(w->slots);
}

/* Unit tiles tile0 .. tile1-1 of a block of rows. */
static void run_block(const run *r, const worker *w, const stage_tile *t, const where *here, int64_t row0, int64_t row, int n,
                      int following, int tile0, int tile1) {
  const int unit = t->unit * LANES, n0 = tile0 * unit, end = tile1 * unit < t->width ? tile1 * unit : t->width;
  const columns all = {n0, (end - n0 + LANES - 1) / LANES, 0, (tile1 - tile0) * unit};
  for (int i = 0; i < t->n_operands; i++) {
    const rows x = tile_at(r, w, t, &t->operands[i], here, row, &all);
    w->operands[i] = x.p ? (tile_operand){x.p, x.row, t->operands[i].splat} : (tile_operand){&r->consts[CONST_ZERO], 0, 1};
  }
  const bool many = n >= FETCH_ROWS && t->n_calls;
  for (int k = tile0; k < tile1; k++) {
    const columns one = {k * unit, vectors_at(t, k * unit, end), k * unit - n0, all.slot_row};
    fetch_run *ahead = w->fetches;
    if (many) list_ahead(r, w, t, here, row, n, k == tile0 ? following : 0, &one);
    for (int i = 0; i < t->n_calls;) i += call_product(r, w, t, i, here, row0, row, n, &one, many ? &ahead : NULL);
  }
  if (!t->n_code) return;
  if (w->calls)
    calls_tile(w->calls, t, w->operands, all.vectors);
  else
    r->k->tile(t->code, t->n_code, w->operands, n, all.vectors);
}

static int64_t block_count(int64_t n, int64_t block) { return (n + block - 1) / block; }

enum { PIECE_FLOATS = 1 << 18 }; /* of panels that stay in the second-level cache beside a block's operands */

/* How many steps of k of all panels does a product take at a time? It is cut where its k is far larger than its result and its
 * panels do not stay in the cache from block to block. 0: all. */
static int piece_of(const stage_tile *t, int64_t n) {
  if (t->n_code || n <= t->block || t->n_calls != 1 || t->calls->precision != PRECISION_FP32) return 0;
  const int64_t across = (int64_t)t->width * t->calls->gates, k = t->calls->k, piece = PIECE_FLOATS / across / LANES * LANES;
  if (k < 4 * across || k * across < 2 * PIECE_FLOATS) return 0;
  return piece < 256 ? 256 : (int)piece;
}

/* Such a product: the sums of a piece go on from those of the piece before. */
static void run_pieces(const run *r, const worker *w, const stage_tile *t, const where *here, int64_t row0, int64_t row1, int tile0,
                       int tile1, int piece) {
  const stage_call *c = t->calls;
  const int unit = t->unit * LANES, end = tile1 * unit < t->width ? tile1 * unit : t->width;
  const int64_t blocks = block_count(row1 - row0, t->block), block = (row1 - row0 + blocks - 1) / blocks;
  for (int k = 0; k < c->k; k += piece) {
    const int steps = c->k - k < piece ? c->k - k : piece;
    for (int64_t row = row0; row < row1; row += block)
      for (int n0 = tile0 * unit; n0 < end; n0 += unit) {
        const columns at = {n0, vectors_at(t, n0, end), 0, 0};
        product_part part;
        product q;
        product_of(r, w, t, 0, here, row, row, (int)(row1 - row < block ? row1 - row : block), &at, &q, &part);
        if (!q.n_parts && k) continue; /* nothing to add */
        if (q.n_parts) part = (product_part){part.a + k, part.a_row, 1, part.b + k * part.b_k, part.b_k, steps};
        for (int v = 0; v < q.vectors && k; v++) q.init[v] = q.c[v], q.init_row[v] = q.c_row[v];
        const int vectors = n0 + unit < end ? vectors_at(t, n0 + unit, end) : 0;
        const int64_t floats = (int64_t)c->gates * vectors * LANES; /* of a step of k of the next panel */
        const int used = list_panels(r, w, t, n0 + unit, vectors, k * floats, steps * floats, 0);
        w->fetches[used] = FETCH_END(w->slots);
        fetch_run *ahead = w->fetches;
        q.ahead = &ahead;
        r->product[PRECISION_FP32](&q);
      }
  }
}

void run_tile(const run *r, worker *w, const stage *s, const where *here, int64_t row0, int64_t row1, int tile0, int tile1) {
  const stage_tile *t = &s->tile;
  const int piece = piece_of(t, row1 - row0);
  if (piece) {
    run_pieces(r, w, t, here, row0, row1, tile0, tile1, piece);
    return;
  }
  /* equations alone go through whole rows, as they lie in memory */
  const int tiles = tile1 - tile0;
  const int64_t most = t->n_calls || tiles < 2 ? t->block : t->block < tiles ? 1 : t->block / tiles;
  const int64_t super = row1 - row0 <= t->block ? t->block : tile_rows(t); /* a small step would notice its divisions */
  for (int64_t outer = row0; outer < row1; outer += super) {
    const int64_t end = outer + super < row1 ? outer + super : row1;
    if (r->f->precision != PRECISION_FP32 && tile0 < tile1) round_operands(r, w, t, here, outer, end - outer);
    int64_t block = end - outer; /* as even as may be */
    if (block > most) block = (block + block_count(block, most) - 1) / block_count(block, most);
    /* few rows: the equations of several tiles together, so that an instruction has more than one vector to work on */
    const int across = (int)(t->block / block);
    for (int j = tile0; j < tile1; j += across)
      for (int64_t row = outer; row < end; row += block)
        run_block(r, w, t, here, outer, row, (int)(end - row < block ? end - row : block),
                  j > tile0 || row + block >= row1 ? 0 : (int)(row1 - row - block < block ? row1 - row - block : block), j,
                  j + across < tile1 ? j + across : tile1);
  }
}

/* ---- loops ---- */

static void body_stage(const run *r, worker *w, const stage *s, const where *here, int64_t row0, int64_t row1, int part,
                       int parts) {
  if (row0 >= row1) return;
  if (s->kind == STAGE_TILE) {
    int64_t from, to;
    run_share(run_tiles(s), 1, part, parts, &from, &to);
    run_tile(r, w, s, here, row0, row1, (int)from, (int)to);
  } else {
    int64_t from, to;
    run_share(row1 - row0, 1, part, parts, &from, &to);
    const bool attends = stage_rows[s->kind].way == WAY_ATTEND;
    if (attends && w->calls)
      calls_stage(w->calls, s, here);
    else if (attends)
      run_attend(r, w, s, here, row0 + from, row0 + to);
    else
      run_by_rows(r, w, s, here, row0 + from, row0 + to);
  }
}

void run_meet(run *r, worker *w, int threads) {
  const uint64_t before = w->waiting ? ticks_now() : 0;
  barrier_wait(&r->meet, threads, &w->sense);
  if (!w->waiting) return;
  w->waiting->ticks += ticks_now() - before;
  w->waiting->count++;
}

/* One step for the rows row0..row1-1, which all have a step t + 1 or all have none where that matters. With parts > 1 the threads
 * share each stage's tiles and meet after it. */
static void run_step(run *r, worker *w, const stage *s, const where *here, int64_t row0, int64_t row1, int part, int parts) {
  for (int i = 0; i < s->n_body; i++) {
    body_stage(r, w, &s->body[i], here, row0, row1, part, parts);
    if (parts > 1) run_meet(r, w, parts);
  }
}

static void run_steps(run *r, worker *w, const stage *s, int64_t b0, int64_t b1, int part, int parts) {
  const batch_axis *a = &r->b->axes[s->axis];
  for (int i = 0; i < a->steps; i++) {
    const int t = s->dir > 0 ? i : a->steps - 1 - i;
    const int64_t n = a->active[t], next = run_next(r, a, t), lo = b0 < n ? b0 : n, hi = b1 < n ? b1 : n;
    run_look(r, w, -1);
    if (!s->split) {
      run_step(r, w, s, &(where){a, t, next >= hi}, lo, hi, part, parts);
      continue;
    }
    const int64_t middle = next < lo ? lo : next < hi ? next : hi;
    run_step(r, w, s, &(where){a, t, true}, lo, middle, part, parts);
    run_step(r, w, s, &(where){a, t, false}, middle, hi, part, parts);
  }
}

/* Rows for each thread such that all have about the same number of steps. */
static void share_rows(const batch_axis *a, int thread, int threads, int64_t *from, int64_t *to) {
  const int64_t all = a->first[a->steps], n = a->steps ? a->active[0] : 0;
  int64_t before = 0;
  int at = a->steps;
  *from = *to = 0;
  for (int64_t b = 0; b <= n; b++) {
    if (before * threads <= all * thread) *from = b;
    if (before * threads <= all * (thread + 1)) *to = b;
    while (at > 0 && a->active[at - 1] <= b) at--; /* length of row b */
    before += at;
  }
  if (thread == threads - 1) *to = n;
}

/* No products, one stage: each column tile runs all steps by itself. */
static void run_scan(const run *r, worker *w, const stage *s, int thread, int threads) {
  const batch_axis *a = &r->b->axes[s->axis];
  int64_t from, to;
  run_share(run_tiles(&s->body[0]), 1, thread, threads, &from, &to);
  for (int i = 0; i < a->steps && from < to; i++) {
    const int t = s->dir > 0 ? i : a->steps - 1 - i;
    const int64_t n = a->active[t], next = run_next(r, a, t);
    if (next) run_tile(r, w, &s->body[0], &(where){a, t, true}, 0, next, (int)from, (int)to);
    if (next < n) run_tile(r, w, &s->body[0], &(where){a, t, false}, next, n, (int)from, (int)to);
  }
}

/* Do the threads share the tiles of a step rather than its rows? They meet after each stage then. But with few rows for each, a
 * product has small blocks. And all read a step's weights, where the cache of one core does not hold them. */
static bool shares_tiles(const stage *s, int64_t n, int threads) {
  const double each = (double)n / threads, work = s->work * (double)n;
  if (each < 8) return work > 2e5;
  for (int i = 0; i < s->n_body; i++)
    if (s->body[i].tile.n_calls && run_tiles(&s->body[i]) < 2 * threads) return false; /* too few for even shares */
  return each < 12 ? work > 4e6 : each < 24 && s->work > 5e5;
}

void run_loop(run *r, worker *w, const stage *s, int thread, int threads) {
  const batch_axis *a = &r->b->axes[s->axis];
  const int64_t n = a->steps ? a->active[0] : 0;
  if (s->n_body == 1 && s->body[0].kind == STAGE_TILE && !s->body[0].tile.n_calls) {
    run_scan(r, w, s, thread, threads);
  } else if (threads > 1 && shares_tiles(s, n, threads)) {
    run_steps(r, w, s, 0, n, thread, threads);
  } else {
    int64_t from, to;
    share_rows(a, thread, threads, &from, &to);
    run_steps(r, w, s, from, to, 0, 1);
  }
}
