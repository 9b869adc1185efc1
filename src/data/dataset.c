/* dataset.c - the parts for training, validation and test. */
#include "data/dataset.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/hash.h"
#include "base/sort.h"

void column_free_numbers(column_values *c) {
  if (c->numbers != c->kept.block) mem_free(c->numbers);
  spill_free(&c->kept);
  c->numbers = NULL;
}

void dataset_free(dataset *d) {
  mem_free(d->name);
  mem_free(d->first);
  for (int i = 0; d->columns && i < d->n_columns; i++) {
    mem_free(d->columns[i].first);
    mem_free(d->columns[i].row);
    mem_free(d->columns[i].symbols);
    mem_free(d->columns[i].codes);
    column_free_numbers(&d->columns[i]);
    mem_free(d->columns[i].place);
    mem_free(d->columns[i].exact);
    mem_free(d->columns[i].seen);
    lexicon_free(&d->columns[i].words);
  }
  mem_free(d->columns);
  mem_free(d->row_of);
  mem_free(d->line_of);
  mem_free(d->hashes);
  mem_free(d->calendar.first);
  mem_free(d->calendar.known);
  for (int i = 0; i < 2; i++) mem_free(d->calendar.ends[i]);
  lexicon_free(&d->calendar.names);
  mem_free(d->aside);
  mem_free(d->why);
  mem_free(d->gaps);
  mem_free(d->held);
  mem_free(d->marks);
  arena_free(&d->names);
  bad_rows_free(&d->bad);
  *d = (dataset){0};
}

unroll_status part_whole(part *p, const dataset *d, unroll_error *err) {
  *p = (part){.data = d, .n_symbols = d->n_symbols};
  if (d->stream) {
    p->end = d->columns[0].n;
    return UNROLL_OK;
  }
  p->n = d->n_sequences;
  p->list = mem_zero((size_t)p->n, sizeof *p->list);
  if (!p->list) return error_memory(err);
  for (int64_t i = 0; i < p->n; i++) p->list[i] = i;
  return UNROLL_OK;
}

void part_free(part *p) {
  mem_free(p->list);
  mem_free(p->windows);
  *p = (part){0};
}

static void split_stream(part *parts[3], const dataset *d, double valid_share, double test_share) {
  const int64_t n = d->columns[0].n;
  const int64_t test = (int64_t)((double)n * test_share + 0.5), valid = (int64_t)((double)n * valid_share + 0.5);
  const int64_t ends[4] = {0, n - test - valid, n - test, n};
  for (int i = 0; i < 3; i++) {
    parts[i]->begin = ends[i];
    parts[i]->end = ends[i + 1];
    parts[i]->n_symbols = (ends[i + 1] - ends[i]) * (d->n_symbols / (n ? n : 1));
  }
}

/* Equal examples are on the same side, for else what was learned by heart would count as known. But some may be far more frequent
 * than examples mostly are, as a visit of one page. They are what the data is like. A side with all of them or none would be
 * unlike the other. Their copies fall by themselves. */
enum { FREQUENT = 20, SHARE = 1000 }; /* so many times the mean number of copies, and one of so many examples */

typedef struct splitter {
  const dataset *d;
  double valid_share, test_share;
  uint64_t seed;
  uint64_t *frequent; /* [n_frequent] hashes, increasing */
  int64_t n_frequent;
} splitter;

static uint64_t hash_of(const dataset *d, int64_t line) {
  uint64_t h = d->hashes ? d->hashes[line] : 0;
  const column_values *c = &d->columns[0];
  for (int64_t i = c->first[line]; d->plain && i < c->first[line + 1]; i++)
    h = (h ^ (uint64_t)c->symbols[i]) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
  return h;
}

static unroll_status splitter_init(splitter *s, const dataset *d, double valid_share, double test_share, uint64_t seed,
                                   unroll_error *err) {
  const int64_t n = d->n_sequences;
  *s = (splitter){.d = d, .valid_share = valid_share, .test_share = test_share, .seed = seed};
  if (valid_share + test_share <= 0) return UNROLL_OK;
  s->frequent = mem_zero((size_t)n + 1, sizeof *s->frequent);
  if (!s->frequent) return error_memory(err);
  for (int64_t i = 0; i < n; i++) s->frequent[i] = hash_of(d, i);
  sort_keys(s->frequent, (size_t)n);
  int64_t kinds = 0;
  for (int64_t i = 0; i < n; i++) kinds += i == 0 || s->frequent[i] != s->frequent[i - 1];
  for (int64_t from = 0, to; from < n; from = to) {
    const uint64_t h = s->frequent[from];
    for (to = from + 1; to < n && s->frequent[to] == h; to++) continue;
    const double copies = (double)(to - from);
    if (copies * (double)kinds > FREQUENT * (double)n && copies * SHARE > (double)n) s->frequent[s->n_frequent++] = h;
  }
  return UNROLL_OK;
}

static bool is_frequent(const splitter *s, uint64_t h) {
  int64_t low = 0, high = s->n_frequent;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (s->frequent[middle] < h)
      low = middle + 1;
    else
      high = middle;
  }
  return low < s->n_frequent && s->frequent[low] == h;
}

/* Which part an example goes to: 0 train, 1 valid, 2 test. */
static int side_of(const splitter *s, int64_t line) {
  uint64_t h = hash_of(s->d, line);
  if (is_frequent(s, h)) h ^= hash_mix((uint64_t)line + 1);
  const double u = random_uniform(s->seed, RANDOM_SPLIT, hash_mix(h), 0);
  return u < s->valid_share ? 1 : u < s->valid_share + s->test_share ? 2 : 0;
}

static unroll_status split_lines(part *parts[3], const splitter *s, unroll_error *err) {
  const dataset *d = s->d;
  uint8_t *sides = mem_alloc((size_t)d->n_sequences + 1);
  bool full = sides != NULL;
  for (int64_t i = 0; i < d->n_sequences && full; i++) parts[sides[i] = (uint8_t)side_of(s, i)]->n++;
  for (int i = 0; i < 3 && full; i++) {
    full = (parts[i]->list = mem_zero((size_t)parts[i]->n + 1, sizeof *parts[i]->list)) != NULL;
    parts[i]->n = 0;
  }
  for (int64_t i = 0; i < d->n_sequences && full; i++) {
    part *p = parts[sides[i]];
    p->list[p->n++] = i;
    p->n_symbols += d->first[i + 1] - d->first[i];
  }
  mem_free(sides);
  return full ? UNROLL_OK : error_memory(err);
}

unroll_status dataset_hold_out(dataset *d, double valid_share, double test_share, uint64_t seed, bool *none, unroll_error *err) {
  int64_t valid = 0;
  mem_free(d->held);
  d->held = NULL;
  d->held_from = 0;
  *none = false;
  if (d->stream) {
    const int64_t n = d->columns[0].n;
    d->held_from = n - (int64_t)((double)n * test_share + 0.5) - (int64_t)((double)n * valid_share + 0.5);
    return UNROLL_OK;
  }
  if (d->plain || !d->hashes || valid_share + test_share <= 0) return UNROLL_OK;
  splitter s;
  unroll_status status = splitter_init(&s, d, valid_share, test_share, seed, err);
  d->held = status ? NULL : mem_zero((size_t)d->n_sequences + 1, sizeof *d->held);
  if (!status && !d->held) status = error_memory(err);
  for (int64_t i = 0; i < d->n_sequences && !status; i++) {
    const int side = side_of(&s, i);
    d->held[i] = side != 0;
    valid += side == 1;
  }
  *none = !status && valid == 0;
  mem_free(s.frequent);
  return status;
}

unroll_status part_split(part *train, part *valid, part *test, const dataset *d, double valid_share, double test_share,
                         uint64_t seed, unroll_error *err) {
  part *parts[3] = {train, valid, test};
  static const char *const names[3] = {"training", "validation", "test"};
  const double shares[3] = {1, valid_share, test_share};
  for (int i = 0; i < 3; i++) *parts[i] = (part){.data = d};
  if (!(valid_share >= 0 && test_share >= 0 && valid_share + test_share < 1))
    return error_set(err, UNROLL_USAGE, "the shares for validation and test must be at least 0 and together less than 1");
  splitter s = {0};
  if (d->stream) split_stream(parts, d, valid_share, test_share);
  unroll_status status = d->stream ? UNROLL_OK : splitter_init(&s, d, valid_share, test_share, seed, err);
  if (!d->stream && !status) status = split_lines(parts, &s, err);
  mem_free(s.frequent);
  for (int i = 0; i < 3 && !status; i++)
    if (shares[i] > 0 && parts[i]->n_symbols == 0)
      status = error_at(err, UNROLL_USAGE, d->name, NULL, 0, 0, "too little data: nothing is left for the %s part", names[i]);
  if (status)
    for (int i = 0; i < 3; i++) part_free(parts[i]);
  return status;
}
