/* text.h - how near generated texts are to true ones: exact matches, BLEU, chrF, ROUGE. All are shares, 0 to 1.
 *
 * Tokens are what the model's data kind cuts: nothing is split, joined or put in small letters here. A text may have several true
 * ones: it is exact if it is any of them.
 * - BLEU-4 of the whole corpus (Papineni et al. 2002): the geometric mean of the clipped precisions of 1 to 4 tokens, not smoothed,
 *   times the brevity penalty exp(min(0, 1 - reference length / length)). An n-gram counts as often as the true text says that has
 *   it most often; the reference length is the nearest one, of two as near the shorter.
 * - chrF2 of the whole corpus (Popovic 2015): n-grams of 1 to 6 characters without white space, mean precision and mean recall over
 *   the orders that both sides have, F with beta = 2. Of several true texts the one with the best F of this text counts.
 * - ROUGE-1 and ROUGE-L (Lin 2004): F1 of the common tokens, and of the longest common subsequence; means over the texts, of each
 *   text the best. */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

enum { BLEU_ORDER = 4, CHRF_ORDER = 6 };

typedef struct ngram_counts {
  int64_t match, drawn, truth;
} ngram_counts;

typedef struct text_metrics { /* {0} to start; nothing to free */
  int64_t n, exact;
  int64_t drawn, truth; /* tokens; of the true texts the nearest length */
  ngram_counts bleu[BLEU_ORDER], chrf[CHRF_ORDER];
  double rouge_1, rouge_l; /* sums */
} text_metrics;

/* A text as tokens, which are any numbers (equal where the tokens are), and as UTF-8. */
typedef struct text_tokens {
  const int32_t *tokens;
  int64_t n;
  const char *text;
  size_t size;
} text_tokens;

/* truths: [n] the true texts, at least one. */
unroll_status text_metrics_add(text_metrics *m, const text_tokens *drawn, const text_tokens *truths, int n, unroll_error *err);
/* NaN where nothing was added. */
double text_metrics_exact(const text_metrics *m);
double text_metrics_bleu(const text_metrics *m, int order); /* of 1 to `order` tokens, at most BLEU_ORDER */
double text_metrics_chrf(const text_metrics *m);
double text_metrics_rouge_1(const text_metrics *m);
double text_metrics_rouge_l(const text_metrics *m);
#endif
