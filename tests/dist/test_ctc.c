/* test_ctc.c - texts out of distributions over symbols and the blank: the likeliest path, the times of its symbols and the prefix
 * search, each against all paths one by one; with a language model, words and a bonus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "dist/ctc.h"

enum { WIDTH = 4, BLANK = 3, SPACE = 2, MOST_STEPS = 7, TEXTS = 4000 };

static void made_up(float *x, int steps, int seed, double scale) {
  for (int t = 0; t < steps; t++)
    for (int k = 0; k < WIDTH; k++) x[t * WIDTH + k] = (float)(scale * sin(1.3 * t + 2.1 * k * k + 0.7 * seed));
}

/* --- all texts, from all paths --- */

typedef struct exact {
  int32_t symbols[MOST_STEPS];
  int n;
  double p, score;
} exact;

static double log_total(const float *x) {
  double sum = 0;
  for (int k = 0; k < WIDTH; k++) sum += exp((double)x[k]);
  return log(sum);
}

/* Calls visit for every path with its text and log probability. */
typedef void visit_path(void *context, const int *path, const int32_t *symbols, int n, double log_p);
static void each_path(const ctc_steps *s, visit_path *visit, void *context) {
  int path[MOST_STEPS] = {0};
  for (;;) {
    int32_t symbols[MOST_STEPS];
    double log_p = 0;
    int n = 0, last = BLANK, t = 0;
    for (int i = 0; i < s->n; i++) {
      log_p += (double)s->x[i * s->row + path[i]] - log_total(s->x + i * s->row);
      if (path[i] != last && path[i] != BLANK) symbols[n++] = path[i];
      last = path[i];
    }
    visit(context, path, symbols, n, log_p);
    while (t < s->n && ++path[t] == WIDTH) path[t++] = 0;
    if (t == s->n) return;
  }
}

typedef struct texts {
  exact list[TEXTS];
  int n;
} texts;

static void add_path(void *context, const int *path, const int32_t *symbols, int n, double log_p) {
  texts *all = context;
  int i = 0;
  (void)path;
  while (i < all->n && (all->list[i].n != n || memcmp(all->list[i].symbols, symbols, (size_t)n * sizeof *symbols))) i++;
  assert_true(i < TEXTS);
  if (i == all->n) {
    all->list[all->n] = (exact){.n = n};
    memcpy(all->list[all->n++].symbols, symbols, (size_t)n * sizeof *symbols);
  }
  all->list[i].p += exp(log_p);
}

/* --- language model and words --- */

/* log P of symbol k after symbol i (0: none yet); state: the last symbol + 1. */
static double bigram(void *context, int64_t state, int32_t symbol) {
  (void)context;
  return -0.3 - 0.4 * (double)((state * 3 + symbol + 1) % 5);
}
static int64_t bigram_after(void *context, int64_t state, int32_t symbol) {
  (void)state;
  if (context) ++*(int *)context;
  return symbol + 1;
}
static double bigram_of(const exact *e) {
  double sum = 0;
  int64_t state = 0;
  for (int i = 0; i < e->n; i++) sum += bigram(NULL, state, e->symbols[i]), state = e->symbols[i] + 1;
  return sum + bigram(NULL, state, -1);
}
static int words_of(const exact *e) {
  int n = 0;
  for (int i = 0; i < e->n; i++) n += e->symbols[i] != SPACE && (i + 1 == e->n || e->symbols[i + 1] == SPACE);
  return n;
}

static const struct word {
  int n;
  int32_t symbols[3];
} known[] = {{1, {0}}, {2, {0, 1}}, {3, {1, 1, 0}}};

static bool is_known(const int32_t *symbols, int n) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].n == n && !memcmp(known[i].symbols, symbols, (size_t)n * sizeof *symbols)) return true;
  return false;
}
static bool allowed(const exact *e) {
  int begin = 0;
  for (int i = 0; i <= e->n && e->n; i++) {
    if (i < e->n && e->symbols[i] != SPACE) continue;
    if (!is_known(e->symbols + begin, i - begin)) return false;
    begin = i + 1;
  }
  return true;
}

static int by_score(const void *a, const void *b) {
  const exact *x = a, *y = b;
  return x->score > y->score ? -1 : x->score < y->score;
}

/* --- the search --- */

static texts all;

static void compare(const ctc_steps *s, const ctc_search *how) {
  arena memory = {0};
  ctc_text *found;
  int n, kept = 0;
  all.n = 0;
  each_path(s, add_path, &all);
  for (int i = 0; i < all.n; i++) {
    exact *e = &all.list[i];
    if (how->words && !allowed(e)) continue;
    e->score = log(e->p) + how->language_weight * (how->language ? bigram_of(e) : 0) + how->word_bonus * words_of(e);
    all.list[kept++] = *e;
  }
  qsort(all.list, (size_t)kept, sizeof *all.list, by_score);
  assert_int_equal(ctc_find(s, how, &found, &n, &memory, NULL), UNROLL_OK);
  assert_int_equal(n, kept < how->best ? kept : how->best);
  for (int i = 0; i < n; i++) {
    const exact *e = &all.list[i];
    if (fabs(found[i].score - e->score) > 1e-6) fail_msg("place %d: score %.9g, not %.9g", i, found[i].score, e->score);
    if (fabs(found[i].log_probability - log(e->p)) > 1e-6) fail_msg("place %d: log P %.9g", i, found[i].log_probability);
    if (found[i].n != e->n || memcmp(found[i].symbols, e->symbols, (size_t)e->n * sizeof *e->symbols))
      fail_msg("place %d: another text", i);
  }
  arena_free(&memory);
}

/* A beam that holds every text gives all of them in their order. */
static void test_all(void **state) {
  (void)state;
  float x[MOST_STEPS * WIDTH];
  ctc_words words = {0};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    assert_int_equal(ctc_words_add(&words, known[i].symbols, known[i].n, NULL), UNROLL_OK);
  const ctc_language language = {.log_p = bigram, .after = bigram_after};
  for (int steps = 0; steps <= 6; steps++)
    for (int kind = 0; kind < 6; kind++) {
      made_up(x, steps, kind, kind % 2 ? 3 : 1);
      const ctc_steps s = {x, WIDTH, steps, WIDTH};
      compare(&s, &(ctc_search){.beam = TEXTS,
                                .best = kind < 3 ? 1 : 50,
                                .space = SPACE,
                                .language = kind % 3 ? &language : NULL,
                                .language_weight = kind % 3 ? 0.8 : 0,
                                .word_bonus = kind == 2 || kind == 4 ? 1.5 : 0,
                                .words = kind > 3 ? &words : NULL});
    }
  ctc_words_free(&words);
}

/* A narrow beam finds texts that there are, and no more probability than they have; a wide one finds what the likeliest path
 * misses. The language model is asked once for each text that goes on. */
static void test_narrow(void **state) {
  (void)state;
  float x[MOST_STEPS * WIDTH];
  arena memory = {0};
  int better = 0, worse = 0, asked = 0;
  for (int seed = 0; seed < 40; seed++) {
    ctc_text *found;
    int n;
    int32_t path[MOST_STEPS];
    made_up(x, 6, seed, 0.8);
    const ctc_steps s = {x, WIDTH, 6, WIDTH};
    const ctc_language language = {.context = &asked, .log_p = bigram, .after = bigram_after};
    const ctc_search how = {.beam = 16, .best = 4, .space = -1, .language = &language}; /* which weighs nothing */
    all.n = 0;
    each_path(&s, add_path, &all);
    assert_int_equal(ctc_find(&s, &how, &found, &n, &memory, NULL), UNROLL_OK);
    assert_int_equal(n, 4);
    double p[2] = {0, 0};
    const int length = ctc_best_path(&s, path);
    for (int k = 0; k < n + 1; k++)
      for (int i = 0; i < all.n; i++) {
        const exact *e = &all.list[i];
        const int32_t *symbols = k < n ? found[k].symbols : path;
        if (e->n != (k < n ? found[k].n : length) || memcmp(e->symbols, symbols, (size_t)e->n * sizeof *symbols)) continue;
        if (k < n) assert_true(found[k].log_probability <= log(e->p) + 1e-6);
        if (k == 0) p[0] = e->p;
        if (k == n) p[1] = e->p;
      }
    assert_true(p[0] > 0 && p[1] > 0 && (n < 2 || found[0].score >= found[1].score));
    better += p[0] > 1.0001 * p[1];
    worse += p[1] > 1.0001 * p[0];
  }
  assert_true(better > 10 && worse < 4 && asked > 0 && asked <= 40 * 6 * 16);
  arena_free(&memory);
}

/* Symbols that are too unlikely at a step are not tried. */
static void test_least(void **state) {
  (void)state;
  const float x[] = {3, 0, -9, 0, /* */ 0, 3, -9, 0};
  const ctc_steps s = {x, WIDTH, 2, WIDTH};
  arena memory = {0};
  ctc_text *found;
  int n;
  assert_int_equal(ctc_find(&s, &(ctc_search){.beam = 99, .best = 99, .space = -1, .least = 0.02}, &found, &n, &memory, NULL),
                   UNROLL_OK);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < found[i].n; k++) assert_int_not_equal(found[i].symbols[k], 2);
  assert_true(n > 2 && found[0].n == 2 && found[0].symbols[0] == 0 && found[0].symbols[1] == 1);
  assert_int_equal(ctc_find(&s, &(ctc_search){.beam = 0, .best = 1}, &found, &n, &memory, NULL), UNROLL_USAGE);
  arena_free(&memory);
}

/* --- paths and times --- */

typedef struct best {
  const int32_t *wanted; /* NULL: of any text */
  int n;
  double log_p;
  int path[MOST_STEPS];
} best;

static void keep_best(void *context, const int *path, const int32_t *symbols, int n, double log_p) {
  best *b = context;
  if (b->wanted && (n != b->n || memcmp(symbols, b->wanted, (size_t)n * sizeof *symbols))) return;
  if (log_p <= b->log_p) return;
  b->log_p = log_p;
  memcpy(b->path, path, sizeof b->path);
}

static void test_times(void **state) {
  (void)state;
  static const struct word texts_of[] = {{0, {0}}, {1, {2}}, {2, {1, 1}}, {3, {0, 1, 0}}, {3, {2, 2, 1}}};
  float x[MOST_STEPS * WIDTH];
  for (int seed = 0; seed < 12; seed++)
    for (size_t i = 0; i < sizeof texts_of / sizeof *texts_of; i++) {
      const struct word *w = &texts_of[i];
      int times[3] = {-1, -1, -1}, at = 0, last = BLANK;
      made_up(x, 6, seed, 2);
      const ctc_steps s = {x, WIDTH, 6, WIDTH};
      best b = {.wanted = w->symbols, .n = w->n, .log_p = -HUGE_VAL};
      each_path(&s, keep_best, &b);
      assert_int_equal(ctc_times(&s, w->symbols, w->n, times, NULL), UNROLL_OK);
      for (int t = 0; t < s.n; t++) {
        if (b.path[t] != last && b.path[t] != BLANK) assert_int_equal(times[at++], t);
        last = b.path[t];
      }
    }
  unroll_error err;
  int times[3];
  assert_int_equal(ctc_times(&(ctc_steps){x, WIDTH, 2, WIDTH}, (const int32_t[]){1, 1}, 2, times, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "a text of 2 symbols needs 3 steps, not 2");
}

static void test_best_path(void **state) {
  (void)state;
  float x[MOST_STEPS * WIDTH];
  for (int seed = 0; seed < 12; seed++) {
    int32_t got[MOST_STEPS], want[MOST_STEPS];
    made_up(x, 6, seed, 2);
    const ctc_steps s = {x, WIDTH, 6, WIDTH};
    best b = {.log_p = -HUGE_VAL};
    each_path(&s, keep_best, &b);
    int n = 0;
    for (int t = 0; t < s.n; t++)
      if (b.path[t] != BLANK && (t == 0 || b.path[t] != b.path[t - 1])) want[n++] = b.path[t];
    assert_int_equal(ctc_best_path(&s, got), n);
    assert_memory_equal(got, want, (size_t)n * sizeof *got);
  }
  const float said[] = {0, 9, 0, 0, /* */ 0, 9, 0, 0, /* */ 0, 0, 0, 9, /* */ 0, 9, 0, 0, /* */ 9, 0, 0, 0};
  int32_t got[5];
  assert_int_equal(ctc_best_path(&(ctc_steps){said, WIDTH, 5, WIDTH}, got), 3);
  assert_true(got[0] == 1 && got[1] == 1 && got[2] == 0);
}

static void test_memory(void **state) {
  (void)state;
  float x[6 * WIDTH];
  const long live = mem_live();
  made_up(x, 6, 1, 1);
  const ctc_steps s = {x, WIDTH, 6, WIDTH};
  for (long fail = 1;; fail++) {
    arena memory = {0};
    ctc_text *found;
    ctc_words words = {0};
    int n;
    mem_fail_after(fail, 0);
    unroll_status status = ctc_words_add(&words, known[0].symbols, 1, NULL);
    if (!status)
      status = ctc_find(&s, &(ctc_search){.beam = 20, .best = 3, .space = SPACE, .words = &words}, &found, &n, &memory, NULL);
    mem_fail_after(0, 0);
    arena_free(&memory);
    ctc_words_free(&words);
    assert_int_equal(mem_live(), live);
    if (status == UNROLL_OK) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all),   cmocka_unit_test(test_narrow),    cmocka_unit_test(test_least),
                                     cmocka_unit_test(test_times), cmocka_unit_test(test_best_path), cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
