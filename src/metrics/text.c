/* text.c - see text.h. */
#include "metrics/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "symbols/lexicon.h"

/* --- n-grams --- */

typedef struct sequence {
  const int32_t *x;
  int64_t n;
} sequence;

static bool add_ngrams(lexicon *l, const sequence *s, int order) {
  bool fine = true;
  for (int64_t i = 0; i + order <= s->n && fine; i++)
    fine = lexicon_add(l, (const char *)(s->x + i), (size_t)order * sizeof *s->x) >= 0;
  return fine;
}

/* Each n-gram of the sequence counts in l at least as often as the sequence has it. */
static bool raise_ngrams(lexicon *l, const sequence *s, int order) {
  lexicon one = {0};
  bool fine = add_ngrams(&one, s, order);
  for (int32_t i = 0; i < one.n && fine; i++) {
    size_t size;
    const char *ngram = lexicon_text(&one, i, &size);
    int32_t k = lexicon_find(l, ngram, size);
    if (k < 0) k = lexicon_add(l, ngram, size);
    fine = k >= 0;
    if (fine && l->count[k] < one.count[i]) l->count[k] = one.count[i];
  }
  lexicon_free(&one);
  return fine;
}

/* Adds what a sequence has in common with true ones; each n-gram counts as often as it and any one of them have it. */
static bool count_ngrams(ngram_counts *c, const sequence *drawn, const sequence *truths, int n, int order) {
  lexicon l = {0};
  bool fine = n > 1 || add_ngrams(&l, truths, order);
  for (int i = 0; i < n && n > 1 && fine; i++) fine = raise_ngrams(&l, &truths[i], order);
  for (int64_t i = 0; i + order <= drawn->n && fine; i++) {
    const int32_t k = lexicon_find(&l, (const char *)(drawn->x + i), (size_t)order * sizeof *drawn->x);
    if (k >= 0 && l.count[k] > 0) {
      l.count[k]--;
      c->match++;
    }
  }
  if (drawn->n >= order) c->drawn += drawn->n - order + 1;
  if (n == 1 && truths->n >= order) c->truth += truths->n - order + 1;
  lexicon_free(&l);
  return fine;
}

/* --- characters --- */

static bool is_white(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* The characters of a text but white space; bytes that are no UTF-8 stand for themselves. */
static int64_t characters(const text_tokens *t, int32_t *out) {
  int64_t n = 0;
  for (size_t i = 0; i < t->size;) {
    uint32_t code;
    const int length = utf8_decode(t->text + i, t->size - i, &code);
    if (!length) code = 0x110000 + (unsigned char)t->text[i];
    if (!is_white(code)) out[n++] = (int32_t)code;
    i += length ? (size_t)length : 1;
  }
  return n;
}

static double chrf(const ngram_counts *counts) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (int o = 0; o < CHRF_ORDER; o++) {
    const ngram_counts *c = &counts[o];
    if (!c->drawn || !c->truth) continue;
    precision += (double)c->match / (double)c->drawn;
    recall += (double)c->match / (double)c->truth;
    orders++;
  }
  if (!orders || precision + recall <= 0) return 0;
  precision /= orders;
  recall /= orders;
  return 5 * precision * recall / (4 * precision + recall);
}

static bool count_characters(ngram_counts *counts, const text_tokens *drawn, const text_tokens *truth) {
  int32_t *x = mem_zero(drawn->size + 1, sizeof *x), *y = mem_zero(truth->size + 1, sizeof *y);
  bool fine = x && y;
  if (fine) {
    const sequence a = {x, characters(drawn, x)}, b = {y, characters(truth, y)};
    for (int o = 0; o < CHRF_ORDER && fine; o++) fine = count_ngrams(&counts[o], &a, &b, 1, o + 1);
  }
  mem_free(x);
  mem_free(y);
  return fine;
}

/* Of the true text that is nearest. */
static bool add_characters(text_metrics *m, const text_tokens *drawn, const text_tokens *truths, int n) {
  ngram_counts best[CHRF_ORDER] = {{0}};
  double most = -1;
  for (int i = 0; i < n; i++) {
    ngram_counts one[CHRF_ORDER] = {{0}};
    if (!count_characters(one, drawn, &truths[i])) return false;
    const double f = chrf(one);
    if (f <= most) continue;
    most = f;
    memcpy(best, one, sizeof best);
  }
  for (int o = 0; o < CHRF_ORDER; o++) {
    m->chrf[o].match += best[o].match;
    m->chrf[o].truth += best[o].truth;
    if (best[o].truth) m->chrf[o].drawn += best[o].drawn; /* what has nothing to compare with does not count */
  }
  return true;
}

/* --- the longest common subsequence --- */

/* row: [y->n + 1] scratch. */
static int64_t common(const sequence *x, const sequence *y, int64_t *row) {
  memset(row, 0, (size_t)(y->n + 1) * sizeof *row); /* of x[0..i) and y[0..j) */
  for (int64_t i = 0; i < x->n; i++) {
    int64_t corner = 0; /* of x[0..i) and y[0..j) before this i */
    for (int64_t j = 0; j < y->n; j++) {
      const int64_t above = row[j + 1];
      if (x->x[i] == y->x[j])
        row[j + 1] = corner + 1;
      else if (row[j] > above)
        row[j + 1] = row[j];
      corner = above;
    }
  }
  return row[y->n];
}

static double f1(int64_t match, int64_t n, int64_t m) {
  if (n == 0 && m == 0) return 1; /* nothing was to be said, and nothing was */
  return match ? 2 * (double)match / (double)(n + m) : 0;
}

/* --- texts --- */

static int64_t nearest_length(int64_t n, const sequence *truths, int n_truths) {
  int64_t best = truths->n;
  for (int i = 1; i < n_truths; i++) {
    const int64_t length = truths[i].n, away = llabs(length - n), before = llabs(best - n);
    if (away < before || (away == before && length < best)) best = length;
  }
  return best;
}

static bool add_bleu(text_metrics *m, const sequence *drawn, const sequence *truths, int n) {
  const int64_t length = nearest_length(drawn->n, truths, n);
  bool fine = true;
  for (int o = 0; o < BLEU_ORDER && fine; o++) {
    ngram_counts one = {0};
    fine = count_ngrams(&one, drawn, truths, n, o + 1);
    m->bleu[o].match += one.match;
    m->bleu[o].drawn += one.drawn;
    m->bleu[o].truth += length > o ? length - o : 0;
  }
  m->drawn += drawn->n;
  m->truth += length;
  return fine;
}

static bool add_rouge(text_metrics *m, const sequence *drawn, const sequence *truths, int n, int64_t *row) {
  double rouge_1 = 0, rouge_l = 0;
  for (int i = 0; i < n; i++) {
    ngram_counts unigrams = {0};
    if (!count_ngrams(&unigrams, drawn, &truths[i], 1, 1)) return false;
    rouge_1 = fmax(rouge_1, f1(unigrams.match, drawn->n, truths[i].n));
    rouge_l = fmax(rouge_l, f1(common(drawn, &truths[i], row), drawn->n, truths[i].n));
  }
  m->rouge_1 += rouge_1;
  m->rouge_l += rouge_l;
  return true;
}

static bool is_one_of(const sequence *drawn, const sequence *truths, int n) {
  for (int i = 0; i < n; i++)
    if (drawn->n == truths[i].n && (!drawn->n || !memcmp(drawn->x, truths[i].x, (size_t)drawn->n * sizeof *drawn->x))) return true;
  return false;
}

unroll_status text_metrics_add(text_metrics *m, const text_tokens *drawn, const text_tokens *truths, int n, unroll_error *err) {
  const sequence x = {drawn->tokens, drawn->n};
  sequence *list = mem_zero((size_t)n, sizeof *list);
  int64_t longest = 0;
  for (int i = 0; i < n && list; i++) {
    list[i] = (sequence){truths[i].tokens, truths[i].n};
    if (longest < list[i].n) longest = list[i].n;
  }
  int64_t *row = mem_zero((size_t)longest + 1, sizeof *row);
  const bool fine =
      list && row && add_bleu(m, &x, list, n) && add_characters(m, drawn, truths, n) && add_rouge(m, &x, list, n, row);
  m->n += fine;
  m->exact += fine && is_one_of(&x, list, n);
  mem_free(list);
  mem_free(row);
  return fine ? UNROLL_OK : error_memory(err);
}

/* --- shares --- */

double text_metrics_exact(const text_metrics *m) { return m->n ? (double)m->exact / (double)m->n : (double)NAN; }
double text_metrics_rouge_1(const text_metrics *m) { return m->n ? m->rouge_1 / (double)m->n : (double)NAN; }
double text_metrics_rouge_l(const text_metrics *m) { return m->n ? m->rouge_l / (double)m->n : (double)NAN; }

double text_metrics_bleu(const text_metrics *m, int order) {
  double sum = 0;
  if (!m->n) return (double)NAN;
  for (int o = 0; o < order; o++) {
    if (!m->bleu[o].match) return 0;
    sum += log((double)m->bleu[o].match / (double)m->bleu[o].drawn);
  }
  const double brevity = m->drawn < m->truth ? 1 - (double)m->truth / (double)m->drawn : 0;
  return exp(brevity + sum / order);
}

double text_metrics_chrf(const text_metrics *m) { return m->n ? chrf(m->chrf) : (double)NAN; }
