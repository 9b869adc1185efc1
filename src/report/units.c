/* units.c - see units.h. */
#include "report/units.h"
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "base/memory.h"

static const char *const names[PROPERTIES] = {"quotes",          "brackets", "place in the line", "end of a word",    "blanks",
                                              "capital letters", "digits",   "end of a sentence", "place in the text"};
enum { QUOTES, BRACKETS, LINE, WORD_END, BLANK, CAPITAL, DIGIT, SENTENCE, PLACE };

typedef struct state {
  bool quoted;
  int depth;
  int64_t in_line, in_text;
} state;

static uint32_t first_of(const char *s, size_t n) {
  uint32_t code = 0;
  return s && utf8_decode(s, n, &code) ? code : 0;
}

static bool is_letter(uint32_t c) { return c < 0x80 ? isalnum((int)c) || c == '\'' : c >= 0xc0 && c != 0x201c && c != 0x201d; }
static bool is_quote(uint32_t c) { return c == '"' || c == 0x201c || c == 0x201d || c == '`' || c == 0xab || c == 0xbb; }

static void step(const reading *r, int64_t t, state *now, float v[PROPERTIES]) {
  const char *s = r->texts[t];
  const size_t n = r->lengths[t];
  const uint32_t c = first_of(s, n), next = t + 1 < r->n ? first_of(r->texts[t + 1], r->lengths[t + 1]) : 0;
  if (!s) {
    *now = (state){0};
    return;
  }
  if (is_quote(c) || (r->words && n == 2 && !memcmp(s, "''", 2))) now->quoted = !now->quoted;
  if (c == '(' || c == '[' || c == '{') now->depth++;
  if ((c == ')' || c == ']' || c == '}') && now->depth > 0) now->depth--;
  now->in_line = c == '\n' ? 0 : now->in_line + 1;
  now->in_text++;
  v[QUOTES] = now->quoted;
  v[BRACKETS] = now->depth > 0;
  v[LINE] = (float)now->in_line;
  v[WORD_END] = !r->words && is_letter(c) && !is_letter(next);
  v[BLANK] = !r->words && (c == ' ' || c == '\n' || c == '\t');
  v[CAPITAL] = c < 0x80 && isupper((int)c);
  v[DIGIT] = c < 0x80 && isdigit((int)c);
  v[SENTENCE] = c == '.' || c == '?' || c == '!';
  v[PLACE] = (float)now->in_text;
}

/* 0 on the average, of length 1. False: it never changes. */
static bool standardise(float *x, int64_t n, const reading *r) {
  double sum = 0, squares = 0;
  int64_t m = 0;
  for (int64_t t = 0; t < n; t++)
    if (r->texts[t]) sum += (double)x[t], m++;
  for (int64_t t = 0; t < n; t++) {
    x[t] = r->texts[t] ? (float)((double)x[t] - sum / (double)m) : 0;
    squares += (double)x[t] * (double)x[t];
  }
  if (!(squares > 1e-9)) return false;
  for (int64_t t = 0; t < n; t++) x[t] = (float)((double)x[t] / sqrt(squares));
  return true;
}

bool properties_of(property list[PROPERTIES], const reading *r) {
  state now = {0};
  int64_t ends = 0;
  bool full = true;
  for (int k = 0; k < PROPERTIES; k++) {
    list[k] = (property){names[k], mem_zero((size_t)r->n + 1, sizeof(float))};
    full &= list[k].values != NULL;
  }
  for (int64_t t = 0; t < r->n && full; t++) {
    float v[PROPERTIES] = {0};
    step(r, t, &now, v);
    ends += !r->texts[t];
    for (int k = 0; k < PROPERTIES; k++) list[k].values[t] = v[k];
  }
  for (int k = 0; k < PROPERTIES && full; k++) {
    /* Of one long text the place is only how far it goes; words come without lines, characters with them. */
    const bool idle = (k == PLACE && (ends < 2 || !r->words)) || (k == LINE && r->words);
    if (!idle && standardise(list[k].values, r->n, r)) continue;
    mem_free(list[k].values);
    list[k].values = NULL;
  }
  return full;
}

void properties_free(property list[PROPERTIES]) {
  for (int k = 0; k < PROPERTIES; k++) mem_free(list[k].values);
}

bool units_follow(double *out, const property list[PROPERTIES], int64_t n, int width, unit_row *x, const void *context) {
  double *sums = mem_zero((size_t)width + 1, 2 * sizeof *sums), *squares = sums ? sums + width : NULL;
  int64_t m = 0;
  if (!sums) return false;
  memset(out, 0, (size_t)PROPERTIES * (size_t)width * sizeof *out);
  for (int64_t t = 0; t < n; t++) {
    const double *row = x(context, t);
    if (!row) continue;
    m++;
    for (int u = 0; u < width; u++) {
      const double y = isfinite(row[u]) ? row[u] : 0;
      sums[u] += y;
      squares[u] += y * y;
    }
    for (int k = 0; k < PROPERTIES; k++) {
      const double p = list[k].values ? (double)list[k].values[t] : 0;
      if (p == 0) continue;
      for (int u = 0; u < width; u++) out[k * width + u] += p * (isfinite(row[u]) ? row[u] : 0);
    }
  }
  for (int u = 0; u < width; u++) {
    const double variance = m ? squares[u] - sums[u] * sums[u] / (double)m : 0;
    for (int k = 0; k < PROPERTIES; k++)
      out[k * width + u] = variance > 1e-9 ? fmax(-1, fmin(1, out[k * width + u] / sqrt(variance))) : 0;
  }
  mem_free(sums);
  return true;
}
