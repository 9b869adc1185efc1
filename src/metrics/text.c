/* text.c - see text.h. */
#include "metrics/text.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "symbols/lexicon.h"

/* --- n-grams --- */

/* Adds what two sequences have in common; each n-gram counts as often as both have it. */
static bool count_ngrams(ngram_counts *c, const int32_t *x, int64_t n, const int32_t *y, int64_t m, int order) {
  const size_t bytes = (size_t)order * sizeof *x;
  lexicon l = {0};
  bool fine = true;
  for (int64_t i = 0; i + order <= m && fine; i++) fine = lexicon_add(&l, (const char *)(y + i), bytes) >= 0;
  for (int64_t i = 0; i + order <= n && fine; i++) {
    const int32_t k = lexicon_find(&l, (const char *)(x + i), bytes);
    if (k >= 0 && l.count[k] > 0) {
      l.count[k]--;
      c->match++;
    }
  }
  if (n >= order) c->drawn += n - order + 1;
  if (m >= order) c->truth += m - order + 1;
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

static bool add_characters(text_metrics *m, const text_tokens *drawn, const text_tokens *truth) {
  int32_t *x = mem_zero(drawn->size + 1, sizeof *x), *y = mem_zero(truth->size + 1, sizeof *y);
  bool fine = x && y;
  if (fine) {
    const int64_t n = characters(drawn, x), k = characters(truth, y);
    for (int o = 0; o < CHRF_ORDER && fine; o++) {
      ngram_counts one = {0};
      fine = count_ngrams(&one, x, n, y, k, o + 1);
      m->chrf[o].match += one.match;
      m->chrf[o].truth += one.truth;
      if (one.truth) m->chrf[o].drawn += one.drawn; /* what has nothing to compare with does not count */
    }
  }
  mem_free(x);
  mem_free(y);
  return fine;
}

/* --- the longest common subsequence --- */

static int64_t common(const int32_t *x, int64_t n, const int32_t *y, int64_t m, int64_t *row) {
  memset(row, 0, (size_t)(m + 1) * sizeof *row); /* of x[0..i) and y[0..j) */
  for (int64_t i = 0; i < n; i++) {
    int64_t corner = 0; /* of x[0..i) and y[0..j) before this i */
    for (int64_t j = 0; j < m; j++) {
      const int64_t above = row[j + 1];
      if (x[i] == y[j])
        row[j + 1] = corner + 1;
      else if (row[j] > above)
        row[j + 1] = row[j];
      corner = above;
    }
  }
  return row[m];
}

static double f1(int64_t match, int64_t n, int64_t m) {
  if (n == 0 && m == 0) return 1; /* nothing was to be said, and nothing was */
  return match ? 2 * (double)match / (double)(n + m) : 0;
}

unroll_status text_metrics_add(text_metrics *m, const text_tokens *drawn, const text_tokens *truth, unroll_error *err) {
  int64_t *row = mem_zero((size_t)truth->n + 1, sizeof *row);
  bool fine = row != NULL;
  ngram_counts unigrams = {0};
  for (int o = 0; o < BLEU_ORDER && fine; o++) {
    ngram_counts one = {0};
    fine = count_ngrams(&one, drawn->tokens, drawn->n, truth->tokens, truth->n, o + 1);
    m->bleu[o].match += one.match;
    m->bleu[o].drawn += one.drawn;
    m->bleu[o].truth += one.truth;
    if (o == 0) unigrams = one;
  }
  fine = fine && add_characters(m, drawn, truth);
  if (fine) {
    m->n++;
    m->exact +=
        drawn->n == truth->n && (!truth->n || !memcmp(drawn->tokens, truth->tokens, (size_t)truth->n * sizeof *truth->tokens));
    m->drawn += drawn->n;
    m->truth += truth->n;
    m->rouge_1 += f1(unigrams.match, drawn->n, truth->n);
    m->rouge_l += f1(common(drawn->tokens, drawn->n, truth->tokens, truth->n, row), drawn->n, truth->n);
  }
  mem_free(row);
  return fine ? UNROLL_OK : error_memory(err);
}

/* --- shares --- */

double text_metrics_exact(const text_metrics *m) { return m->n ? (double)m->exact / (double)m->n : (double)NAN; }
double text_metrics_rouge_1(const text_metrics *m) { return m->n ? m->rouge_1 / (double)m->n : (double)NAN; }
double text_metrics_rouge_l(const text_metrics *m) { return m->n ? m->rouge_l / (double)m->n : (double)NAN; }

double text_metrics_bleu(const text_metrics *m) {
  double sum = 0;
  if (!m->n) return (double)NAN;
  for (int o = 0; o < BLEU_ORDER; o++) {
    if (!m->bleu[o].match) return 0;
    sum += log((double)m->bleu[o].match / (double)m->bleu[o].drawn);
  }
  const double brevity = m->drawn < m->truth ? 1 - (double)m->truth / (double)m->drawn : 0;
  return exp(brevity + sum / BLEU_ORDER);
}

double text_metrics_chrf(const text_metrics *m) {
  double precision = 0, recall = 0;
  int orders = 0;
  if (!m->n) return (double)NAN;
  for (int o = 0; o < CHRF_ORDER; o++) {
    const ngram_counts *c = &m->chrf[o];
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
