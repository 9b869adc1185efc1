/* batch.c - see batch.h. */
#include "data/batch.h"
#include <assert.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sort.h"
#include "data/stretch.h"

enum { WINDOW = 16, MAX_CELLS = 1 << 28 };

typedef struct piece { /* of an example, in a stream */
  int64_t example, from, count;
  int64_t before; /* passes of the row before it, in this epoch */
} piece;

struct batcher {
  const part *p;
  examples e;
  int rows, steps;
  int64_t cells;
  int64_t count;
  uint64_t seed;
  bool shuffle;
  int transpose;
  double stretch, warp;
  bool *begins;   /* [rows] as in the batch */
  int64_t epoch;  /* of the order below; -1: none yet */
  int64_t *order; /* of examples [n] places in p->list; streamed, the pieces of each row */
  /* examples */
  uint64_t *keys;   /* [n] scratch */
  int64_t *batches; /* [count] which batch of the order is the i-th */
  /* streams */
  piece *pieces;   /* NULL: not streamed */
  int64_t *of_row; /* [rows + 1] where the pieces of each row begin, of rows by decreasing passes */
};

/* The most steps that an example has on any axis. */
static int64_t length_of(const batcher *b, int64_t place) {
  int64_t longest = 0;
  if (b->p->windows) return b->p->windows[place].count;
  for (int a = 0; a < b->e.g->n_axes; a++) {
    const int64_t example = b->p->list[place];
    const int64_t length = b->stretch > 0 && stretch_takes(b->e.g, b->e.s, a)
                               ? stretch_length(b->p->data, b->e.s, a, example, 1 + b->stretch)
                               : dataset_length(b->p->data, b->e.s, a, example);
    if (length > longest) longest = length;
  }
  return longest;
}

static int64_t at_least_one(int64_t n) { return n > 1 ? n : 1; }

static unroll_status too_big(unroll_error *err) {
  return error_set(err, UNROLL_USAGE,
                   "a batch of that many rows and steps is too big; make option 'batch' or option 'unroll' smaller");
}

/* A random order of n things (Fisher-Yates from the end), as a function of (seed, epoch). */
static void shuffle(int64_t *list, int64_t n, uint64_t key, uint64_t step) {
  for (int64_t i = n - 1; i > 0; i--) {
    const int64_t j = random_below(key, RANDOM_SHUFFLE, step, (uint32_t)i, (uint32_t)i + 1);
    const int64_t kept = list[i];
    list[i] = list[j];
    list[j] = kept;
  }
}

/* Steps of all texts of a part together, or of text i: a stream is one. */
static int64_t n_texts(const batcher *b) { return b->p->data->stream ? 1 : b->p->n; }
static int64_t length_of_text(const batcher *b, int64_t i) {
  return b->p->data->stream ? b->p->end - b->p->begin : length_of(b, i);
}

static int64_t passes_of(const batcher *b, int64_t count) { return (count + b->steps - 1) / b->steps; }

/* Row r of n steps in all, which lie one after the other: the first n % B rows have one more. */
static int64_t share_of(const batcher *b, int64_t n, int64_t r, int64_t *length) {
  const int64_t each = n / b->rows, more = n % b->rows;
  *length = each + (r < more);
  return r * each + (r < more ? r : more);
}

/* Cuts the texts, in the order of b->order, into the pieces of the rows. */
static int64_t cut_pieces(batcher *b, int64_t n) {
  int64_t number = 0, used = 0, k = 0;
  for (int64_t r = 0; r < b->rows; r++) {
    int64_t left;
    share_of(b, n, r, &left);
    b->of_row[r] = k;
    while (left > 0) {
      const int64_t at = b->order[number], rest = length_of_text(b, at) - used, take = rest < left ? rest : left;
      const bool plain = b->p->data->stream;
      if (take)
        b->pieces[k++] = (piece){.example = plain ? 0 : b->p->list[at], .from = used + (plain ? b->p->begin : 0), .count = take};
      left -= take;
      used = take == rest ? 0 : used + take;
      number += take == rest;
    }
  }
  return b->of_row[b->rows] = k;
}

static int64_t row_passes(const batcher *b, int64_t r) {
  int64_t n = 0;
  for (int64_t k = b->of_row[r]; k < b->of_row[r + 1]; k++) n += passes_of(b, b->pieces[k].count);
  return n;
}

/* Rows by decreasing passes, so that those of a pass are the first ones. */
static unroll_status order_rows(batcher *b, unroll_error *err) {
  uint64_t *keys = mem_zero((size_t)b->rows, sizeof *keys);
  piece *sorted = mem_zero((size_t)b->of_row[b->rows] + 1, sizeof *sorted);
  int64_t *of_row = mem_zero((size_t)b->rows + 1, sizeof *of_row), k = 0;
  if (keys && sorted && of_row) {
    for (int r = 0; r < b->rows; r++) keys[r] = (uint64_t)(INT32_MAX - row_passes(b, r)) << 32 | (uint64_t)r;
    sort_keys(keys, (size_t)b->rows);
    b->count = INT32_MAX - (int64_t)(keys[0] >> 32);
    for (int r = 0; r < b->rows; r++) {
      const int64_t from = (int64_t)(keys[r] & UINT32_MAX), n = b->of_row[from + 1] - b->of_row[from];
      memcpy(sorted + k, b->pieces + b->of_row[from], (size_t)n * sizeof *sorted);
      of_row[r + 1] = k += n;
    }
    memcpy(b->of_row, of_row, ((size_t)b->rows + 1) * sizeof *of_row);
    memcpy(b->pieces, sorted, (size_t)k * sizeof *sorted);
  }
  const bool full = keys && sorted && of_row;
  mem_free(keys);
  mem_free(sorted);
  mem_free(of_row);
  return full ? UNROLL_OK : error_memory(err);
}

static unroll_status begin_stream(batcher *b, const graph *g, const batch_options *o, unroll_error *err) {
  const int64_t texts = n_texts(b);
  int64_t n = 0;
  if (g->n_axes != 1) return error_set(err, UNROLL_USAGE, "a stream has one time axis, and the net has %d", g->n_axes);
  for (int64_t i = 0; i < texts; i++) n += length_of_text(b, i);
  if (n < 1) return error_set(err, UNROLL_USAGE, "there is no data to make batches of: the texts are empty");
  b->rows = n < 2 * (int64_t)o->rows ? 1 : o->rows;
  const int64_t longest = (n + b->rows - 1) / b->rows, count = (longest + o->steps - 1) / o->steps, most = texts + b->rows;
  b->steps = o->uneven || texts > 1 ? o->steps : (int)((longest + count - 1) / count);
  if ((int64_t)b->rows * b->steps > MAX_CELLS || count > INT32_MAX - most) return too_big(err);
  b->cells = (int64_t)b->rows * b->steps;
  b->order = mem_zero((size_t)most + 1, sizeof *b->order);
  b->pieces = mem_zero((size_t)most + 1, sizeof *b->pieces);
  b->of_row = mem_zero((size_t)b->rows + 1, sizeof *b->of_row);
  if (!b->order || !b->pieces || !b->of_row) return error_memory(err);
  for (int64_t i = 0; i < texts; i++) b->order[i] = i;
  if (b->shuffle) shuffle(b->order, texts, b->seed, (uint64_t)1 << 62);
  cut_pieces(b, n);
  const unroll_status status = order_rows(b, err);
  return status ? status : examples_init(&b->e, g, o->schema, b->p->data, b->rows, b->steps, b->cells, true, err);
}

/* Examples by decreasing length: key = (far from the longest, place). */
static uint64_t length_key(const batcher *b, int64_t place, uint64_t low) {
  return (uint64_t)(MAX_STREAM - length_of(b, place)) << 40 | low;
}
enum { LOW_BITS = 40 };
#define LOW_MASK (((uint64_t)1 << LOW_BITS) - 1)

static unroll_status begin_examples(batcher *b, const graph *g, const batch_options *o, unroll_error *err) {
  const int64_t n = b->p->n;
  if (n > UINT32_MAX) return error_set(err, UNROLL_USAGE, "more than %u lines", UINT32_MAX);
  b->rows = (int)(n < o->rows ? at_least_one(n) : o->rows);
  b->count = (n + b->rows - 1) / b->rows;
  b->keys = mem_zero((size_t)n + 1, sizeof *b->keys);
  b->order = mem_zero((size_t)n + 1, sizeof *b->order);
  b->batches = mem_zero((size_t)b->count + 1, sizeof *b->batches);
  if (!b->keys || !b->order || !b->batches) return error_memory(err);
  int64_t cells = 0;
  for (int64_t i = 0; i < n; i++) b->keys[i] = length_key(b, i, (uint64_t)i);
  sort_keys(b->keys, (size_t)n);
  for (int64_t i = 0; i < n && i < b->rows; i++) cells += length_of(b, (int64_t)(b->keys[i] & LOW_MASK));
  b->steps = (int)at_least_one(n > 0 ? length_of(b, (int64_t)(b->keys[0] & LOW_MASK)) : 1);
  if (cells > MAX_CELLS) return too_big(err);
  b->cells = at_least_one(cells);
  return examples_init(&b->e, g, o->schema, b->p->data, b->rows, b->steps, b->cells, b->p->windows != NULL, err);
}

unroll_status batcher_new(batcher **out, const graph *g, const part *p, const batch_options *options, unroll_error *err) {
  *out = NULL;
  if (options->rows < 1 || options->steps < 1) return error_set(err, UNROLL_USAGE, "a batch needs at least one row and one step");
  if (p->n_symbols < 1) return error_set(err, UNROLL_USAGE, "there is no data to make batches of");
  batcher *b = mem_zero(1, sizeof *b);
  if (!b) return error_memory(err);
  b->p = p;
  b->e.g = g; /* for lengths */
  b->e.s = options->schema;
  b->seed = options->seed;
  b->shuffle = options->shuffle;
  b->transpose = options->transpose;
  b->stretch = options->stretch;
  b->warp = options->warp;
  b->epoch = -1;
  unroll_status status = p->data->stream || options->stream ? begin_stream(b, g, options, err) : begin_examples(b, g, options, err);
  b->begins = status ? NULL : mem_zero((size_t)b->rows, sizeof *b->begins);
  if (!status && !b->begins) status = error_memory(err);
  if (!status && b->stretch > 0) status = examples_stretch(&b->e, err);
  if (!status && b->warp > 0) status = examples_warp(&b->e, err);
  if (status) {
    batcher_free(b);
    return status;
  }
  b->e.rare = options->rare; /* after examples_init */
  b->e.rare_seed = options->seed;
  *out = b;
  return UNROLL_OK;
}

void batcher_free(batcher *b) {
  if (!b) return;
  examples_free(&b->e);
  mem_free(b->keys);
  mem_free(b->order);
  mem_free(b->batches);
  mem_free(b->begins);
  mem_free(b->pieces);
  mem_free(b->of_row);
  mem_free(b);
}

int64_t batcher_count(const batcher *b) { return b->count; }
int batcher_rows(const batcher *b) { return b->rows; }
int batcher_steps(const batcher *b) { return b->steps; }
int64_t batcher_cells(const batcher *b) { return b->cells; }
int64_t batcher_symbols(const batcher *b) { return b->e.predicted; }
int64_t batcher_loss_rows(const batcher *b, int number) { return examples_rows(&b->e, number); }
const examples *batcher_examples(const batcher *b) { return &b->e; }

/* The order of all examples in an epoch: shuffled, then by decreasing length within each window; and the order of the batches. */
static void set_epoch(batcher *b, int64_t epoch) {
  const int64_t n = b->p->n, window = b->shuffle ? (int64_t)WINDOW * b->rows : n;
  for (int64_t i = 0; i < n; i++) b->order[i] = i;
  for (int64_t i = 0; i < b->count; i++) b->batches[i] = i;
  if (b->shuffle) shuffle(b->order, n, b->seed, (uint64_t)epoch);
  for (int64_t start = 0; start < n; start += window) {
    const int64_t size = n - start < window ? n - start : window;
    for (int64_t i = 0; i < size; i++) b->keys[start + i] = length_key(b, b->order[start + i], (uint64_t)b->order[start + i]);
    sort_keys(b->keys + start, (size_t)size);
    for (int64_t i = 0; i < size; i++) b->order[start + i] = (int64_t)(b->keys[start + i] & LOW_MASK);
  }
  if (b->shuffle) shuffle(b->batches, b->count, b->seed, ((uint64_t)1 << 63) + (uint64_t)epoch);
  b->epoch = epoch;
}

/* Where a window lies in an epoch. */
static series_window window_at(const batcher *b, int64_t place, int64_t epoch) {
  series_window w = b->p->windows[place];
  if (b->shuffle && w.spread > 0)
    w.from += random_below(b->seed, RANDOM_WINDOW, (uint64_t)epoch, (uint32_t)place, (uint32_t)w.spread + 1);
  return w;
}

static int rows_of_examples(batcher *b, int64_t epoch, int64_t index) {
  if (b->epoch != epoch) set_epoch(b, epoch);
  const int64_t start = b->batches[index] * b->rows;
  const int n = (int)(b->p->n - start < b->rows ? b->p->n - start : b->rows);
  for (int i = 0; i < n; i++) {
    const int64_t place = b->order[start + i];
    b->e.list[i] = b->p->list[place];
    if (b->p->windows) b->e.windows[i] = window_at(b, place, epoch);
    b->begins[i] = true;
  }
  return n;
}

int64_t batcher_stream(const batcher *b, int64_t row, int64_t *length) {
  return b->p->begin + share_of(b, b->p->end - b->p->begin, row, length);
}

/* The pieces of each row in another order. */
static void set_stream_epoch(batcher *b, int64_t epoch) {
  for (int64_t r = 0; r < b->rows; r++) {
    const int64_t first = b->of_row[r], n = b->of_row[r + 1] - first;
    int64_t passes = 0;
    for (int64_t k = 0; k < n; k++) b->order[first + k] = first + k;
    if (b->shuffle) shuffle(b->order + first, n, b->seed ^ (uint64_t)r << 32, (uint64_t)epoch);
    for (int64_t k = 0; k < n; k++) {
      piece *x = &b->pieces[b->order[first + k]];
      x->before = passes;
      passes += passes_of(b, x->count);
    }
  }
  b->epoch = epoch;
}

static int rows_of_stream(batcher *b, int64_t epoch, int64_t index) {
  int rows = 0;
  if (b->epoch != epoch) set_stream_epoch(b, epoch);
  for (; rows < b->rows; rows++) {
    int64_t low = b->of_row[rows], high = b->of_row[rows + 1] - 1;
    while (low < high) { /* the last piece that has begun */
      const int64_t middle = low + (high - low + 1) / 2;
      if (b->pieces[b->order[middle]].before <= index)
        low = middle;
      else
        high = middle - 1;
    }
    const piece *x = &b->pieces[b->order[low]];
    const int64_t done = (index - x->before) * b->steps, left = x->count - done;
    if (left <= 0) break;
    b->e.list[rows] = x->example;
    b->e.windows[rows] = (series_window){.from = x->from + done, .count = (int)(left < b->steps ? left : b->steps)};
    b->begins[rows] = done == 0;
  }
  return rows;
}

/* What a full batch predicts on average. */
static double usual_symbols(const batcher *b) { return (double)b->rows * (double)b->p->n_symbols / (double)b->p->n; }

static void transpose(batcher *b, int64_t epoch, int rows) {
  for (int i = 0; i < rows; i++)
    b->e.shift[i] = (int)random_below(b->seed, RANDOM_TRANSPOSE, (uint64_t)epoch << 32 | (uint64_t)b->e.list[i] >> 32,
                                      (uint32_t)b->e.list[i], 2 * (uint32_t)b->transpose + 1) -
                    b->transpose;
}

void batcher_share(batcher *b, int shards, const int range[2]) {
  b->e.shards = shards;
  b->e.own[0] = range[0];
  b->e.own[1] = range[1];
}

batch *batcher_get(batcher *b, int64_t epoch, int64_t index) {
  assert(index >= 0 && index < b->count);
  b->e.rare_epoch = (uint64_t)epoch;
  const int rows = b->pieces ? rows_of_stream(b, epoch, index) : rows_of_examples(b, epoch, index);
  if (b->transpose) transpose(b, epoch, rows);
  for (int i = 0; i < rows && b->stretch > 0; i++) b->e.times[i] = stretch_draw(b->stretch, b->seed, epoch, b->e.list[i]);
  for (int i = 0; i < rows && b->warp > 0; i++) b->e.warps[i] = warp_draw(b->warp, b->seed, epoch, b->e.list[i]);
  examples_fill(&b->e, rows);
  if (b->shuffle && !b->pieces && b->e.predicted > 0) b->e.b.loss_scale = 1 / usual_symbols(b);
  b->e.b.begins = b->begins;
  return &b->e.b;
}

batch *batcher_before(batcher *b, int64_t back, int count) {
  int64_t length;
  for (int i = 0; i < b->rows; i++) b->e.windows[i] = (series_window){.from = batcher_stream(b, i, &length) - back, .count = count};
  examples_fill(&b->e, b->rows);
  b->e.b.begins = NULL;
  return &b->e.b;
}

void batcher_where(const batcher *b, int number, int64_t i, int64_t *example, int64_t *step) {
  int t, row;
  examples_where(&b->e, number, i, &row, &t);
  *example = b->e.list[row];
  *step = t + (b->e.windows ? b->e.windows[row].from : 0);
}
