/* edits.c - see edits.h: the table of Wagner & Fischer (1974), a row at a time, with counts beside distances. */
#include "metrics/edits.h"
#include <math.h>
#include <stdbool.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "symbols/lexicon.h"
#include "symbols/words.h"

static int64_t distance(const edits *e) { return e->substitutions + e->deletions + e->insertions; }

/* The cell of i true and j drawn tokens, from those with one true, one drawn, and one of both less. */
static edits best_of(const edits *up, const edits *left, const edits *across, bool same) {
  edits down = *up, along = *left, both = *across;
  down.deletions++;
  along.insertions++;
  *(same ? &both.hits : &both.substitutions) += 1;
  const int64_t d = distance(&down), a = distance(&along), b = distance(&both);
  if (d <= a && d <= b) return down;
  return a < b || (a == b && same) ? along : both;
}

unroll_status edits_add(edits *e, const int32_t *drawn, int64_t n, const int32_t *truth, int64_t m, unroll_error *err) {
  int64_t same = 0;
  while (n && m && *drawn == *truth) drawn++, truth++, n--, m--, same++;
  while (n && m && drawn[n - 1] == truth[m - 1]) n--, m--, same++;
  edits *row = mem_zero((size_t)n + 1, sizeof *row);
  if (!row) return error_memory(err);
  for (int64_t j = 0; j <= n; j++) row[j].insertions = j;
  for (int64_t i = 0; i < m; i++) {
    edits across = row[0];
    row[0].deletions++;
    for (int64_t j = 1; j <= n; j++) {
      const edits up = row[j];
      row[j] = best_of(&up, &row[j - 1], &across, drawn[j - 1] == truth[i]);
      across = up;
    }
  }
  e->hits += row[n].hits + same;
  e->substitutions += row[n].substitutions;
  e->deletions += row[n].deletions;
  e->insertions += row[n].insertions;
  mem_free(row);
  return UNROLL_OK;
}

/* --- texts --- */

/* The code point at s[*at], which moves on; a byte that is no UTF-8 stands for itself. */
static uint32_t next_code(const char *s, size_t n, size_t *at) {
  uint32_t code;
  const int length = utf8_decode(s + *at, n - *at, &code);
  if (!length) code = 0x110000 + (unsigned char)s[*at];
  *at += length ? (size_t)length : 1;
  return code;
}

/* The words as numbers of a lexicon; -1: out of memory. */
static int64_t words_of(lexicon *l, const char *s, size_t n, int32_t *out) {
  int64_t count = 0;
  size_t begin = 0;
  for (size_t at = 0, from = 0; from <= n; from = at) {
    const bool over = from == n || word_space(next_code(s, n, &at));
    if (!over) continue;
    if (from > begin && (out[count++] = lexicon_add(l, s + begin, from - begin)) < 0) return -1;
    begin = at;
    if (from == n) break;
  }
  return count;
}

static int64_t characters_of(const char *s, size_t n, int32_t *out) {
  int64_t count = 0, last = 0;
  for (size_t at = 0; at < n;) {
    const uint32_t code = next_code(s, n, &at);
    if (word_space(code) && !count) continue;
    out[count++] = (int32_t)code;
    if (!word_space(code)) last = count;
  }
  return last;
}

static unroll_status add_texts(edits *e, bool words, const char *drawn, size_t n, const char *truth, size_t m, unroll_error *err) {
  int32_t *x = mem_zero(n + 1, sizeof *x), *y = mem_zero(m + 1, sizeof *y);
  lexicon l = {0};
  int64_t a = -1, b = -1;
  if (x && y) {
    a = words ? words_of(&l, drawn, n, x) : characters_of(drawn, n, x);
    b = words ? words_of(&l, truth, m, y) : characters_of(truth, m, y);
  }
  const unroll_status status = a >= 0 && b >= 0 ? edits_add(e, x, a, y, b, err) : error_memory(err);
  lexicon_free(&l);
  mem_free(x);
  mem_free(y);
  return status;
}

unroll_status edits_add_words(edits *e, const char *drawn, size_t n, const char *truth, size_t m, unroll_error *err) {
  return add_texts(e, true, drawn, n, truth, m, err);
}

unroll_status edits_add_characters(edits *e, const char *drawn, size_t n, const char *truth, size_t m, unroll_error *err) {
  return add_texts(e, false, drawn, n, truth, m, err);
}

double edits_rate(const edits *e) {
  const int64_t truth = e->hits + e->substitutions + e->deletions;
  return truth ? (double)distance(e) / (double)truth : (double)NAN;
}
