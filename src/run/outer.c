/* outer.c - weight gradients: dW += dy' x over all rows at once.
 *
 * Rows go by in blocks, from the first to the last or back, as the stage's sweep does. In a block every x is read as it is, or
 * packed into panels. It is packed where its rows are rounded or do not lie one after the other: through a shift they are the
 * neighbouring step's. Each pair is a product that adds on to its sums, in the gradient or an accumulator; dy is read down its
 * columns. A thread has a range of the rows of all dW. So sums over the rows of the batch have one order whatever the number of
 * threads.
 */
#include <string.h>
#include "run/internal.h"

enum { PANEL = PANEL_VECTORS * LANES };
enum {
  FAR = 512
}; /* floats from row to row: so far apart, rows are not foreseen by the processor and share few sets of its caches */

static int panel_vectors(int width, int first) {
  const int left = (int)padded(width) - first;
  return left >= PANEL ? PANEL_VECTORS : left / LANES;
}

/* Packs `count` rows of columns `first`.. into out, from where a run of rows lies one after the other. */
static void pack_run(float *out, int vectors, rows from, int width, int first, int64_t count) {
  for (int v = 0; v < vectors; v++) {
    const int left = width - first - v * LANES, lanes = left < LANES ? left : LANES;
    if (from.p) {
      pack_cols(out, vectors, v, from.p, from.row, first + v * LANES, lanes, 0, (int)count);
    } else
      for (int64_t i = 0; i < count; i++) memset(out + (i * vectors + v) * LANES, 0, LANES * sizeof *out);
  }
}

static rows reversed(rows x, int64_t n) { return x.p ? (rows){x.p + (n - 1) * x.row, -x.row} : x; }

/* Returns how many of the rows from .. to-1, at their beginning or end, are of one step and alike. Alike is that all have a
 * step after it, or none has. They begin at row *b of the step. */
static int64_t rows_of_step(const run *r, const batch_axis *a, int64_t from, int64_t to, bool last, where *here, int64_t *b) {
  const int t = run_step_of(a, last ? to - 1 : from);
  const int64_t next = run_next(r, a, t);
  int64_t lo = from > a->first[t] ? from - a->first[t] : 0, hi = to < a->first[t + 1] ? to - a->first[t] : a->active[t];
  if (lo < next && next < hi) *(last ? &lo : &hi) = next;
  *here = (where){a, t, lo < next};
  *b = lo;
  return hi - lo;
}

/* Rows row0 .. row0+n-1 of the columns of x from `first` on, the last one first where the stage goes back. */
static void pack_panel(const run *r, const worker *w, const stage *s, const struct outer_x *x, int first, int64_t row0, int64_t n,
                       float *out) {
  const batch_axis *a = s->of_steps ? &r->b->axes[s->axis] : NULL;
  const int vectors = panel_vectors(x->width, first);
  if (!x->at.shift || !a) {
    const rows from = run_at(r, w, &x->at, &(where){a, -1, false}, row0);
    pack_run(out, vectors, s->back ? reversed(from, n) : from, x->width, first, n);
    return;
  }
  for (int64_t done = 0, b, count; done < n; done += count) {
    where here;
    count = rows_of_step(r, a, row0 + done, row0 + n, false, &here, &b);
    const rows from = run_at(r, w, &x->at, &here, b);
    const int64_t to = s->back ? n - done - count : done;
    pack_run(out + to * vectors * LANES, vectors, s->back ? reversed(from, count) : from, x->width, first, count);
  }
}

static bool far(rows x) { return x.row >= FAR || x.row <= -FAR; }

/* n rows of `width` floats become (n + 1) / 2 rows of pairs at out; from.p may be out. */
static void pair_rows(const run *r, float *out, int64_t out_row, rows from, int64_t n, int width) {
  for (int64_t k = 0; k < n; k += 2)
    r->k->pairs_of_rows(out + k / 2 * out_row, from.p + k * from.row, k + 1 < n ? from.p + (k + 1) * from.row : NULL, width);
}

/* Rows row0 .. row0+n-1 of x, panel after panel of [OUTER_ROWS, vectors * 16]. */
static void pack_x(const run *r, const worker *w, const stage *s, const struct outer_x *x, int64_t row0, int64_t n, float *out) {
  for (int first = 0; first < x->width; first += PANEL, out += OUTER_ROWS * PANEL) {
    const int row = panel_vectors(x->width, first) * LANES;
    pack_panel(r, w, s, x, first, row0, n, out);
    if (r->f->precision == PRECISION_BF16) pair_rows(r, out, row, (rows){out, row}, n, row);
  }
}

/* Are rows row0 .. row0+n-1 of x where a product can read them as they are: one after the other, near, in single precision? */
static bool in_place(const run *r, const worker *w, const stage *s, const struct outer_x *x, int64_t row0, int64_t n, rows *out) {
  const batch_axis *a = s->of_steps ? &r->b->axes[s->axis] : NULL;
  where here = {a, -1, false};
  if (r->f->precision != PRECISION_FP32) return false;
  if (x->at.shift && a) { /* the steps looked at and those they are looked at from all have the same rows */
    const int t = run_step_of(a, row0), last = run_step_of(a, row0 + n - 1);
    const int from = t - (x->at.shift > 0), to = last + (x->at.shift < 0);
    const bool before = from >= 0 || (x->at.whole && r->window.before), after = to < a->steps || (x->at.whole && r->window.after);
    if (!before || !after || a->active[from] != a->active[to]) return false;
    here = (where){a, t, true};
    row0 -= a->first[t];
  }
  *out = run_at(r, w, &x->at, &here, row0);
  if (s->back) *out = reversed(*out, n);
  return out->p && !far(*out);
}

/* n rows of `columns` of dy as a product reads them down their columns: as they are, or near each other, or in pairs. */
static rows factor_of(const run *r, const worker *w, rows dy, int64_t n, int columns) {
  const rows near = {w->rounded, padded(columns)};
  const bool pairs = r->f->precision == PRECISION_BF16;
  if (!pairs && !far(dy)) return dy;
  if (pairs) pair_rows(r, near.p, near.row, dy, n, columns);
  for (int64_t i = 0; !pairs && i < n; i++) memcpy(near.p + i * near.row, dy.p + i * dy.row, (size_t)columns * sizeof *dy.p);
  return near;
}

static int list_columns(const worker *w, int used, rows x, int64_t from, int64_t to, int64_t n) {
  for (int64_t j = from; x.p && n && j < to && used < FETCHES; j += LANES)
    w->fetches[used++] = (fetch_run){x.p + j, x.row, (int)n, 0};
  return used;
}

/* The columns of a dy that are a thread's, in whole vectors. They are a part of those of all dy, or where pairs meet, of this
 * one's. */
static void share_dy(const stage_outer *o, int i, int thread, int threads, int64_t *from, int64_t *to) {
  const struct outer_dy *dy = &o->dy[i];
  int64_t *const ends[] = {from, to};
  if (!o->work) {
    run_share(dy->width, LANES, thread, threads, from, to);
    return;
  }
  for (int k = 0; k < 2; k++) {
    const int64_t left = o->work * (thread + k) / threads - dy->before, vectors = left > 0 ? (left + dy->work - 1) / dy->work : 0;
    *ends[k] = vectors * LANES < dy->width ? vectors * LANES : dy->width;
  }
}

/* Columns of a dy that a thread takes at a time. */
typedef struct strip {
  int dy;
  int64_t first, n, end; /* end: of this thread's columns of dy */
} strip;

/* The strip after c, or the first one where c->dy is -1; false: there is none. */
static bool next_strip(const stage_outer *o, int thread, int threads, strip *c) {
  c->first = c->dy < 0 ? 0 : c->first + c->n;
  while (c->dy < 0 || c->first >= c->end) {
    if (++c->dy >= o->n_dy) return false;
    share_dy(o, c->dy, thread, threads, &c->first, &c->end);
  }
  c->n = c->end - c->first < OUTER_COLUMNS ? c->end - c->first : OUTER_COLUMNS;
  return true;
}

/* What the products with a strip shall ask for: the strip after it, and its part of every x of the next block. */
static void list_ahead(const run *r, const worker *w, const stage *s, const strip *next, int64_t row, int64_t n, int number,
                       int all, int64_t row_next, int64_t n_next) {
  const stage_outer *o = &s->outer;
  const where here = {s->of_steps ? &r->b->axes[s->axis] : NULL, -1, false};
  int used = list_columns(w, 0, run_at(r, w, &o->dy[next->dy].at, &here, row), next->first, next->first + next->n, n);
  int64_t from, to;
  for (int q = 0; q < o->n_x && n_next; q++) {
    run_share(o->x[q].width, LANES, number, all, &from, &to);
    used = list_columns(w, used, run_at(r, w, &o->x[q].at, &here, row_next), from, to, n_next);
  }
  w->fetches[used] = FETCH_END(w->slots);
}

/* Where row `row` of the sums of a pair has its columns from `column` on; vectors lie in the gradient or in the accumulator. */
static rows sums_at(const run *r, const struct outer_pair *pair, int width, int64_t row, int column) {
  if (pair->straight && column + LANES <= width)
    return (rows){r->gradient + pair->target + row * pair->target_row + column, pair->target_row};
  const int kept = outer_kept(pair, width);
  return (rows){r->arena + pair->accumulator + row * kept + (pair->straight ? 0 : column), kept};
}

/* Rows first .. first+n-1 of a dW: k rows of dy times all columns of x. x is as it is or, where x.p is NULL, in panels. begins:
 * the sums start from zero. */
static void products_of_pair(const run *r, const struct outer_pair *pair, int width, rows dy, rows x, const float *panels,
                             int64_t k, int64_t first, int64_t n, bool begins, fetch_run **ahead) {
  for (int column = 0; column < width; column += PANEL, panels += OUTER_ROWS * PANEL) {
    const int vectors = panel_vectors(width, column);
    const product_part part = {
        .a = dy.p, .a_row = 1, .a_k = dy.row, .b = x.p ? x.p + column : panels, .b_k = x.p ? x.row : vectors * LANES, .k = (int)k};
    product p = {.parts = &part, .n_parts = 1, .rows = (int)n, .vectors = vectors, .ahead = ahead};
    for (int v = 0; v < vectors; v++) {
      const rows sums = sums_at(r, pair, width, first, column + v * LANES);
      p.c[v] = sums.p;
      p.c_row[v] = p.init_row[v] = sums.row;
      p.init[v] = begins ? NULL : sums.p;
    }
    r->product[r->f->precision](&p);
  }
}

/* All products of n rows of dy from row0 on; the next block has n_next rows from row_next on. begins: sums start from zero. */
static void block_of_rows(const run *r, worker *w, const stage *s, int64_t row0, int64_t n, int64_t row_next, int64_t n_next,
                          bool begins, int thread, int threads) {
  const stage_outer *o = &s->outer;
  strip first = {.dy = -1}, next = first;
  int all = 0;
  while (next_strip(o, thread, threads, &next)) all++;
  if (!next_strip(o, thread, threads, &first)) return; /* more threads than columns: nothing to pack for */
  float *packed = w->outer, *x_at = packed;
  for (int i = 0; i < o->n_x; i++) {
    rows as_is;
    if (!in_place(r, w, s, &o->x[i], row0, n, &as_is)) pack_x(r, w, s, &o->x[i], row0, n, x_at);
    x_at += padded(o->x[i].width) * OUTER_ROWS;
  }
  const where here = {s->of_steps ? &r->b->axes[s->axis] : NULL, -1, false};
  const int64_t k = r->f->precision == PRECISION_BF16 ? (n + 1) / 2 : n;
  for (int number = 0; number < all; number++) {
    const strip c = number ? next : first;
    const struct outer_dy *dy = &o->dy[c.dy];
    rows at = run_at(r, w, &dy->at, &here, row0);
    if (s->back) at = reversed(at, n);
    at.p += c.first;
    next = c;
    const bool more = next_strip(o, thread, threads, &next);
    list_ahead(r, w, s, more ? &next : &first, more ? row0 : row_next, more ? n : n_next, number, all, row_next, n_next);
    fetch_run *ahead = w->fetches;
    if (dy->sum >= 0) r->k->sum_rows(r->arena + dy->sum + c.first, at.p, at.row, (int)n, (int)c.n);
    const rows factor = factor_of(r, w, at, n, (int)c.n);
    for (int q = 0; q < o->n_pairs; q++) {
      const struct outer_pair *pair = &o->pairs[q];
      if (pair->dy != c.dy) continue;
      const float *panels = packed;
      rows x;
      for (int before = 0; before < pair->x; before++) panels += padded(o->x[before].width) * OUTER_ROWS;
      if (!in_place(r, w, s, &o->x[pair->x], row0, n, &x)) x.p = NULL;
      products_of_pair(r, pair, o->x[pair->x].width, factor, x, panels, k, c.first, c.n, begins, &ahead);
    }
  }
}

static void clear_columns(const run *r, int64_t sum, int64_t from, int64_t to) {
  if (sum >= 0 && from < to) memset(r->arena + sum + from, 0, (size_t)(to - from) * sizeof(float));
}

/* Sums over rows start from zero. */
static void begin_sums(const run *r, const stage_outer *o, int thread, int threads) {
  int64_t from, to;
  for (int i = 0; i < o->n_dy; i++) {
    share_dy(o, i, thread, threads, &from, &to);
    clear_columns(r, o->dy[i].sum, from, to);
  }
  for (int i = 0; i < o->n_dots; i++) {
    run_share(o->dots[i].width, LANES, thread, threads, &from, &to);
    clear_columns(r, o->dots[i].sum, from, to);
  }
}

/* A thread's columns of a dot, over n rows from `row` on of all or of one step. */
static void dot_of_rows(const run *r, const worker *w, const stage *s, const struct outer_dot *d, const where *here, int64_t row,
                        int64_t n, int thread, int threads) {
  int64_t from, to;
  run_share(d->width, LANES, thread, threads, &from, &to);
  rows a = run_at(r, w, &d->a, here, row), b = run_at(r, w, &d->b, here, row);
  if (from >= to || !a.p || !b.p) return;
  if (s->back) a = reversed(a, n), b = reversed(b, n);
  r->k->dot_rows(r->arena + d->sum + from, a.p + from, a.row, b.p + from, b.row, (int)n, (int)(to - from));
}

static void dots_of_rows(const run *r, const worker *w, const stage *s, int64_t row0, int64_t n, int thread, int threads) {
  where here = {s->of_steps ? &r->b->axes[s->axis] : NULL, -1, false};
  for (int i = 0; i < s->outer.n_dots; i++) {
    const struct outer_dot *d = &s->outer.dots[i];
    if (!s->of_steps || (!d->a.shift && !d->b.shift)) {
      dot_of_rows(r, w, s, d, &(where){here.axis, -1, false}, row0, n, thread, threads);
      continue;
    }
    for (int64_t lo = row0, hi = row0 + n, b, count; lo < hi; *(s->back ? &hi : &lo) += s->back ? -count : count) {
      count = rows_of_step(r, here.axis, lo, hi, s->back, &here, &b);
      dot_of_rows(r, w, s, d, &here, b, count, thread, threads);
    }
  }
}

/* Pairs of bf16 numbers begin anew after every so many steps, where a pass may be cut. */
static void add_rows(const run *r, worker *w, const stage *s, int thread, int threads) {
  const bool apart = r->f->precision == PRECISION_BF16 && s->of_steps && s->axis == r->f->cut;
  const batch_axis *a = s->of_steps ? &r->b->axes[s->axis] : NULL;
  bool begins = r->window.begins;
  const int parts = apart ? (a->steps + PLAN_STEPS_OF_PAIRS - 1) / PLAN_STEPS_OF_PAIRS : 1;
  for (int i = 0; i < parts; i++) {
    const int part = s->back ? parts - 1 - i : i, t = (part + 1) * PLAN_STEPS_OF_PAIRS;
    const int64_t from = apart ? a->first[part * PLAN_STEPS_OF_PAIRS] : 0;
    const int64_t n = (apart ? a->first[t < a->steps ? t : a->steps] : run_rows(r, s)) - from;
    const int64_t blocks = (n + OUTER_ROWS - 1) / OUTER_ROWS;
    const int64_t block = blocks ? ((n + blocks - 1) / blocks + 1) / 2 * 2 : 0; /* as even as may be; pairs are not torn */
    for (int64_t done = 0; done < n; done += block) {
      const int64_t count = n - done < block ? n - done : block, row = from + (s->back ? n - done - count : done);
      const int64_t left = n - done - count, next = left < block ? left : block;
      block_of_rows(r, w, s, row, count, s->back ? row - next : row + count, next, begins, thread, threads);
      begins = false;
      dots_of_rows(r, w, s, row, count, thread, threads);
    }
  }
}

/* No row of the batch, no product: this thread's rows of dW are zero. */
static void clear_sums(const run *r, const stage_outer *o, const struct outer_pair *pair, int thread, int threads) {
  const int width = o->x[pair->x].width;
  int64_t from, to;
  share_dy(o, pair->dy, thread, threads, &from, &to);
  for (int64_t k = from; k < to; k++)
    for (int column = 0; column < width; column += LANES) memset(sums_at(r, pair, width, k, column).p, 0, LANES * sizeof(float));
}

/* What the accumulator has goes to the gradient. */
static void finish_sums(const run *r, const stage_outer *o, const struct outer_pair *pair, int thread, int threads) {
  const int width = o->x[pair->x].width, first = pair->straight ? width / LANES * LANES : 0;
  int64_t from, to;
  share_dy(o, pair->dy, thread, threads, &from, &to);
  for (int64_t k = from; k < to && first < width; k++) {
    float *target = r->gradient + pair->target + k * pair->target_row;
    const float *sums = sums_at(r, pair, width, k, first).p;
    for (int j = first; j < width; j++) target[j] = pair->straight ? sums[j - first] : target[j] + sums[j];
  }
}

void run_outer(const run *r, worker *w, const stage *s, int thread, int threads) {
  const stage_outer *o = &s->outer;
  const bool begins = r->window.begins;
  if (begins) begin_sums(r, o, thread, threads);
  const bool none = begins && !run_rows(r, s);
  add_rows(r, w, s, thread, threads);
  for (int i = 0; i < o->n_pairs && none; i++) clear_sums(r, o, &o->pairs[i], thread, threads);
  for (int i = 0; i < o->n_pairs && r->window.ends; i++)
    if (!o->pairs[i].late) finish_sums(r, o, &o->pairs[i], thread, threads);
}
