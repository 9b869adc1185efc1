/* vectors_bin.c - vectors of words as word2vec and fastText write them in binary form.
 *
 * word2vec: a line "WORDS NUMBERS", then each word, a space, and its numbers as floats. fastText (.bin): a head, a list of words,
 * and a matrix of floats. It has a row for each word and rows for parts of words. The vector of a word is the mean of its own row
 * and of those of its parts. So a word that the file lacks has one too. Of the matrix only rows that are wanted are read. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "train/vectors.h"

enum { PIECE = 1 << 16, LONGEST = 4096, MOST_PARTS = 4096 };

#define BAD(...) error_at(s->err, UNROLL_BAD_INPUT, s->r->name, NULL, 0, 0, __VA_ARGS__)

typedef struct source {
  reading *r;
  const file_source *f;
  uint64_t at; /* of the next byte that is not in `piece` */
  size_t n, from;
  unsigned char *piece; /* [PIECE] */
  unroll_error *err;
  unroll_status status;
} source;

/* n bytes, n at most PIECE; NULL: s->status says why. They are valid until the next call. */
static const unsigned char *take(source *s, size_t n) {
  if (s->n - s->from < n) {
    memmove(s->piece, s->piece + s->from, s->n - s->from);
    s->n -= s->from;
    s->from = 0;
    const uint64_t left = s->f->size - s->at;
    const size_t more = left < PIECE - s->n ? (size_t)left : PIECE - s->n;
    if (!s->status && more) s->status = file_get(s->f, s->at, s->piece + s->n, more, s->err);
    s->at += more;
    s->n += more;
  }
  if (!s->status && s->n - s->from < n) s->status = BAD("the file of vectors is cut off");
  if (s->status) return NULL;
  s->from += n;
  return s->piece + s->from - n;
}

static int64_t whole(source *s, int bytes) {
  const unsigned char *p = take(s, (size_t)bytes);
  uint64_t x = 0;
  for (int i = 0; p && i < bytes; i++) x |= (uint64_t)p[i] << 8 * i;
  return bytes == 4 ? (int32_t)x : (int64_t)x;
}

/* A word up to the byte `end`, at most LONGEST bytes. */
static size_t word(source *s, char *out, unsigned char end) {
  size_t n = 0;
  for (const unsigned char *p; (p = take(s, 1)) && *p != end;) {
    if (n == LONGEST) {
      s->status = BAD("a word of more than %d bytes: this is no file of vectors", LONGEST);
      return 0;
    }
    out[n++] = (char)*p;
  }
  return n;
}

static bool finite_row(const float *x, int n) {
  for (int i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* --- word2vec --- */

/* Does a line "WORDS NUMBERS" come first, and then a word whose numbers are no text? */
static bool is_word2vec(const char *data, size_t n, int64_t *words, int64_t *width) {
  int64_t number[2] = {0, 0};
  size_t at = 0;
  for (int k = 0; k < 2; k++) {
    const size_t from = at;
    for (; at < n && data[at] >= '0' && data[at] <= '9' && at - from < 12; at++) number[k] = 10 * number[k] + (data[at] - '0');
    if (at == from || at == n || data[at] != (k ? '\n' : ' ')) return false;
    at++;
  }
  *words = number[0];
  *width = number[1];
  const char *space = memchr(data + at, ' ', n - at);
  if (!space || *width < 1 || *width > 1 << 20) return false;
  int64_t numbers = 0;
  for (const char *p = space + 1; p < data + n && *p != '\n'; p++) {
    if (*p != '\r' && *p != '\t' && (*p < ' ' || *p > '~')) return true;
    numbers += *p > ' ' && p[-1] <= ' ';
  }
  return memchr(space, '\n', (size_t)(data + n - space)) && numbers < *width;
}

static unroll_status read_word2vec(source *s, int64_t words, int64_t width) {
  reading *r = s->r;
  char name[LONGEST];
  const unroll_status status = vectors_width(r, width, s->err);
  const unsigned char *p;
  do p = take(s, 1); /* the first line */
  while (p && *p != '\n');
  for (int64_t i = 0; !status && !s->status && i < words; i++) {
    const size_t n = word(s, name, ' ');
    const size_t skip = n && name[0] == '\n'; /* some write the end of a line behind the numbers */
    const int32_t symbol = s->status ? -1 : lexicon_find(&r->symbols, name + skip, n - skip);
    for (int k = 0; k < r->width && !s->status; k++) {
      p = take(s, sizeof(float));
      if (p) memcpy(r->row + k, p, sizeof(float));
    }
    if (s->status || symbol < 0) continue;
    if (!finite_row(r->row, r->width))
      return BAD("'%.*s' has a number that is none", (int)(n - skip < 60 ? n - skip : 60), name + skip);
    vectors_row(r, symbol);
  }
  return status ? status : s->status;
}

/* --- fastText --- */

typedef struct fast {
  int64_t width, buckets, least, most, words, rows;
  uint64_t matrix; /* where it begins */
  float *own;      /* [width] a row */
  int count;
} fast;

static bool add_row(source *s, fast *f, int64_t row) {
  if (row < 0 || row >= f->rows) {
    s->status = BAD("the file of vectors is damaged");
    return false;
  }
  s->status = file_get(s->f, f->matrix + (uint64_t)row * (uint64_t)f->width * sizeof(float), f->own,
                       (size_t)f->width * sizeof(float), s->err);
  for (int64_t k = 0; !s->status && k < f->width; k++) s->r->row[k] += f->own[k];
  f->count++;
  return !s->status;
}

/* FNV-1a, of bytes that are taken to have a sign. */
static uint32_t hash_of(const char *s, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (uint32_t)(int32_t)(signed char)s[i]) * 16777619u;
  return h;
}

/* What is no word has no parts. */
static bool is_mark(const char *name, size_t n) {
  return (n == 4 && !memcmp(name, "</s>", 4)) || (n == 5 && !memcmp(name, "<unk>", 5));
}

/* All parts of <word> with so many characters. */
static void add_parts(source *s, fast *f, const char *name, size_t n) {
  char full[LONGEST + 2];
  if (n > LONGEST || f->buckets < 1 || is_mark(name, n)) return;
  full[0] = '<';
  memcpy(full + 1, name, n);
  full[n + 1] = '>';
  n += 2;
  for (size_t i = 0; i < n && f->count < MOST_PARTS && !s->status; i++) {
    if ((full[i] & 0xc0) == 0x80) continue;
    size_t j = i;
    for (int64_t k = 1; j < n && k <= f->most && !s->status; k++) {
      j++;
      while (j < n && (full[j] & 0xc0) == 0x80) j++;
      if (k >= f->least && !(k == 1 && (i == 0 || j == n)))
        add_row(s, f, f->words + (int64_t)(hash_of(full + i, j - i) % (uint32_t)f->buckets));
    }
  }
}

static unroll_status read_head(source *s, fast *f, int32_t *rows) {
  int64_t number[14];
  char name[LONGEST];
  whole(s, 4);
  const int64_t version = whole(s, 4);
  for (int i = 0; i < 12; i++) number[i] = whole(s, 4);
  take(s, 8); /* a rate */
  if (s->status) return s->status;
  if (version != 12) return BAD("a file of fastText of version %" PRId64 ", and 12 is read", version);
  *f = (fast){.width = number[0], .buckets = number[8], .least = number[9], .most = number[10]};
  const int64_t entries = whole(s, 4);
  f->words = whole(s, 4);
  whole(s, 4); /* labels */
  whole(s, 8);
  const int64_t pruned = whole(s, 8);
  if (s->status) return s->status;
  if (pruned > 0) return BAD("a file of fastText with parts left out, which is not read");
  if (f->width < 1 || f->width > 1 << 20 || entries < 0 || f->words < 0 || f->words > entries || f->buckets < 0 || f->most > 64)
    return BAD("the file of vectors is damaged");
  for (int64_t i = 0; i < entries && !s->status; i++) {
    const size_t n = word(s, name, 0);
    whole(s, 8);
    const unsigned char *type = take(s, 1);
    const int32_t symbol = s->status || !type || *type ? -1 : lexicon_find(&s->r->symbols, name, n);
    if (symbol >= 0 && i < f->words && i < INT32_MAX && rows[symbol] < 0) rows[symbol] = (int32_t)i;
  }
  const unsigned char *packed = take(s, 1);
  if (packed && *packed) return BAD("a file of fastText with packed numbers (.ftz), which is not read: the .bin is");
  f->rows = whole(s, 8);
  const int64_t columns = whole(s, 8);
  if (s->status) return s->status;
  f->matrix = s->at - (s->n - s->from);
  uint64_t bytes;
  if (columns != f->width || f->rows < f->words ||
      __builtin_mul_overflow((uint64_t)f->rows, (uint64_t)f->width * sizeof(float), &bytes) || bytes > s->f->size - f->matrix)
    return BAD("the file of vectors is cut off or damaged");
  if (f->rows < f->words + f->buckets) f->buckets = 0; /* no parts were learnt */
  return UNROLL_OK;
}

static unroll_status read_fast(source *s) {
  reading *r = s->r;
  fast f;
  int32_t *rows = mem_alloc(((size_t)r->v->words.n + 1) * sizeof *rows);
  if (!rows) return error_memory(s->err);
  for (int i = 0; i < r->v->words.n; i++) rows[i] = -1;
  unroll_status status = read_head(s, &f, rows);
  if (!status) status = vectors_width(r, f.width, s->err);
  f.own = status ? NULL : mem_alloc((size_t)f.width * sizeof *f.own);
  if (!status && !f.own) status = error_memory(s->err);
  for (int i = 0; !status && i < r->v->words.n; i++) {
    size_t n;
    const char *name = lexicon_text(&r->symbols, i, &n);
    memset(r->row, 0, (size_t)r->width * sizeof *r->row);
    f.count = 0;
    if (rows[i] >= 0) add_row(s, &f, rows[i]);
    if (!s->status && n) add_parts(s, &f, name, n);
    for (int k = 0; k < r->width && f.count; k++) r->row[k] /= (float)f.count;
    if (!s->status && f.count && !finite_row(r->row, r->width))
      s->status = BAD("'%.*s' has a number that is none", (int)(n < 60 ? n : 60), name);
    status = s->status;
    if (!status && f.count) vectors_row(r, i);
  }
  mem_free(f.own);
  mem_free(rows);
  return status;
}

unroll_status vectors_binary(reading *r, const file_source *f, const char *data, size_t n, bool *is, unroll_error *err) {
  static const char magic[] = "\xba\x16\x4f\x2f";
  int64_t words = 0, width = 0;
  const bool fast_text = n > 8 && !memcmp(data, magic, 4), word2vec = !fast_text && is_word2vec(data, n, &words, &width);
  *is = fast_text || word2vec;
  if (!*is) return UNROLL_OK;
  source s = {.r = r, .f = f, .piece = mem_alloc(PIECE), .err = err};
  if (!s.piece) return error_memory(err);
  const unroll_status status = fast_text ? read_fast(&s) : read_word2vec(&s, words, width);
  mem_free(s.piece);
  return status;
}
