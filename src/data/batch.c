/* batch.c - see batch.h. */
#include "data/batch.h"
#include <assert.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sort.h"

enum { WINDOW = 16, MAX_CELLS = 1 << 28 };

struct batcher {
  const part *p;
  frame f;    /* a text */
  examples e; /* a table */
  const schema *table;
  int rows, steps;
  int64_t cells;
  int64_t count;
  uint64_t seed;
  bool shuffle;
  /* lines */
  int64_t epoch;    /* of the order below; -1: none yet */
  uint64_t *keys;   /* [n] scratch */
  int64_t *order;   /* [n] places in p->list */
  int64_t *batches; /* [count] which batch of the order is the i-th */
  int64_t *in_row;  /* [rows] sequence of each row of the last batch */
};

static int64_t length_of(const batcher *b, int64_t place) {
  const int64_t s = b->p->list[place];
  int64_t longest = 0;
  if (b->p->windows) return b->p->windows[place].count;
  for (int a = 0; b->table && a < b->e.g->n_axes; a++) {
    const int64_t length = dataset_length(b->p->data, b->table, a, s);
    if (length > longest) longest = length;
  }
  if (b->table) return longest;
  return b->p->data->first[s + 1] - b->p->data->first[s];
}

static int64_t at_least_one(int64_t n) { return n > 1 ? n : 1; }

static unroll_status too_big(unroll_error *err) {
  return error_set(err, UNROLL_USAGE,
                   "a batch of that many rows and steps is too big; make option 'batch' or option 'unroll' smaller");
}

static unroll_status begin_stream(batcher *b, const graph *g, const batch_options *o, unroll_error *err) {
  const int64_t n = b->p->end - b->p->begin;
  b->rows = n < 2 * (int64_t)o->rows ? 1 : o->rows;
  const int64_t longest = (n + b->rows - 1) / b->rows;
  b->count = (longest + o->steps - 1) / o->steps;
  b->steps = (int)((longest + b->count - 1) / b->count); /* passes of equal size rather than a last one of a few symbols */
  if ((int64_t)b->rows * b->steps > MAX_CELLS) return too_big(err);
  b->cells = (int64_t)b->rows * b->steps;
  return frame_init(&b->f, g, b->rows, b->steps, b->cells, err);
}

/* Lines by decreasing length: key = (far from the longest, place). */
static uint64_t length_key(const batcher *b, int64_t place, uint64_t low) {
  return (uint64_t)(MAX_LINE - length_of(b, place)) << 40 | low;
}
enum { LOW_BITS = 40 };
#define LOW_MASK (((uint64_t)1 << LOW_BITS) - 1)

static unroll_status begin_lines(batcher *b, const graph *g, const batch_options *o, unroll_error *err) {
  const int64_t n = b->p->n;
  if (n > UINT32_MAX) return error_set(err, UNROLL_USAGE, "more than %u lines", UINT32_MAX);
  b->rows = (int)(n < o->rows ? at_least_one(n) : o->rows);
  b->count = (n + b->rows - 1) / b->rows;
  b->keys = mem_zero((size_t)n + 1, sizeof *b->keys);
  b->order = mem_zero((size_t)n + 1, sizeof *b->order);
  b->batches = mem_zero((size_t)b->count + 1, sizeof *b->batches);
  b->in_row = mem_zero((size_t)b->rows, sizeof *b->in_row);
  if (!b->keys || !b->order || !b->batches || !b->in_row) return error_memory(err);
  int64_t cells = 0;
  for (int64_t i = 0; i < n; i++) b->keys[i] = length_key(b, i, (uint64_t)i);
  sort_keys(b->keys, (size_t)n);
  for (int64_t i = 0; i < n && i < b->rows; i++) cells += length_of(b, (int64_t)(b->keys[i] & LOW_MASK));
  b->steps = (int)at_least_one(n > 0 ? length_of(b, (int64_t)(b->keys[0] & LOW_MASK)) : 1);
  if (cells > MAX_CELLS) return too_big(err);
  b->cells = at_least_one(cells);
  if (b->table) return examples_init(&b->e, g, b->table, b->p->data, b->rows, b->steps, b->cells, b->p->windows != NULL, err);
  return frame_init(&b->f, g, b->rows, b->steps, b->cells, err);
}

unroll_status batcher_new(batcher **out, const graph *g, const part *p, const batch_options *options, unroll_error *err) {
  *out = NULL;
  if (options->rows < 1 || options->steps < 1) return error_set(err, UNROLL_USAGE, "a batch needs at least one row and one step");
  if (p->n_symbols < 1) return error_set(err, UNROLL_USAGE, "there is no data to make batches of");
  batcher *b = mem_zero(1, sizeof *b);
  if (!b) return error_memory(err);
  b->p = p;
  b->table = options->table;
  b->e.g = g; /* for lengths */
  b->seed = options->seed;
  b->shuffle = options->shuffle;
  b->epoch = -1;
  const unroll_status status = p->data->lines ? begin_lines(b, g, options, err) : begin_stream(b, g, options, err);
  if (status) {
    batcher_free(b);
    return status;
  }
  *out = b;
  return UNROLL_OK;
}

void batcher_free(batcher *b) {
  if (!b) return;
  frame_free(&b->f);
  examples_free(&b->e);
  mem_free(b->keys);
  mem_free(b->order);
  mem_free(b->batches);
  mem_free(b->in_row);
  mem_free(b);
}

int64_t batcher_count(const batcher *b) { return b->count; }
int batcher_rows(const batcher *b) { return b->rows; }
int batcher_steps(const batcher *b) { return b->steps; }
int64_t batcher_cells(const batcher *b) { return b->cells; }
int64_t batcher_symbols(const batcher *b) { return b->table ? b->e.predicted : b->f.first[b->f.axis.steps]; }
int64_t batcher_loss_rows(const batcher *b, int number) { return b->table ? examples_rows(&b->e, number) : batcher_symbols(b); }
const examples *batcher_examples(const batcher *b) { return &b->e; }

/* A random order of n things (Fisher-Yates from the end), as a function of (seed, epoch). */
static void shuffle(int64_t *list, int64_t n, uint64_t key, uint64_t step) {
  for (int64_t i = n - 1; i > 0; i--) {
    const int64_t j = random_below(key, RANDOM_SHUFFLE, step, (uint32_t)i, (uint32_t)i + 1);
    const int64_t kept = list[i];
    list[i] = list[j];
    list[j] = kept;
  }
}

/* The order of all lines in an epoch: shuffled, then by decreasing length within each window; and the order of the batches. */
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

static int rows_of_lines(batcher *b, int64_t epoch, int64_t index) {
  if (b->epoch != epoch) set_epoch(b, epoch);
  const dataset *d = b->p->data;
  const int64_t start = b->batches[index] * b->rows;
  const int n = (int)(b->p->n - start < b->rows ? b->p->n - start : b->rows);
  for (int i = 0; i < n; i++) {
    const int64_t place = b->order[start + i], sequence = b->p->list[place];
    b->in_row[i] = sequence;
    if (b->table && b->p->windows) b->e.windows[i] = window_at(b, place, epoch);
    if (b->table)
      b->e.list[i] = sequence;
    else
      b->f.rows[i] = (frame_row){.text = d->symbols + d->first[sequence], .count = (int)length_of(b, place)};
  }
  return n;
}

/* The first n % B streams have one symbol more than the others. */
static int rows_of_stream(batcher *b, int64_t index) {
  const part *p = b->p;
  const int64_t n = p->end - p->begin, each = n / b->rows, more = n % b->rows, skip = index * b->steps;
  int rows = 0;
  for (int64_t i = 0; i < b->rows; i++) {
    const int64_t begin = p->begin + i * each + (i < more ? i : more), left = each + (i < more) - skip;
    if (left <= 0) break;
    b->f.rows[rows++] =
        (frame_row){.text = p->data->symbols, .from = begin + skip, .count = (int)(left < b->steps ? left : b->steps)};
  }
  return rows;
}

batch *batcher_get(batcher *b, int64_t epoch, int64_t index) {
  assert(index >= 0 && index < b->count);
  const int rows = b->p->data->lines ? rows_of_lines(b, epoch, index) : rows_of_stream(b, index);
  if (b->table) {
    examples_fill(&b->e, rows);
    return &b->e.b;
  }
  frame_fill(&b->f, rows, true);
  return &b->f.b;
}

void batcher_where(const batcher *b, int number, int64_t i, int64_t *line, int64_t *column) {
  int t = 0, row = 0;
  if (b->table) {
    examples_where(&b->e, number, i, &row, &t);
    *line = b->p->data->row_of[b->in_row[row]];
    if (b->e.windows) t += (int)b->e.windows[row].from;
    *column = t + 1;
    return;
  }
  while (t + 1 < b->f.axis.steps && b->f.first[t + 1] <= i) t++;
  row = (int)(i - b->f.first[t]);
  *line = b->p->data->lines ? b->in_row[row] + 1 : 0;
  *column = b->f.rows[row].from + t + 1;
}
