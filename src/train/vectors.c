/* vectors.c - --vectors: rows of embeddings that others have learnt. Here they are text; vectors_bin.c has other forms.
 *
 * A line for each word has the word and then its numbers, with white space between them. A first line of two whole numbers, how
 * many words and numbers a word, may come before (word2vec, fastText). The file is read in pieces, for such files are larger than
 * memory; only lines of known symbols are looked at. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/known.h"
#include "train/vectors.h"

enum { PIECE = 1 << 20 }; /* bytes read at a time, and of a line at most */

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, r->name, NULL, r->line < INT32_MAX ? (int)r->line : INT32_MAX, 0, __VA_ARGS__)

/* The tables of the variable with so many columns get r->row as the row of a symbol; how many there are. With symbol -1 they are
 * only counted. */
static int put(reading *r, int symbol) {
  const graph *g = &r->t->m.g;
  int n = 0;
  for (int i = 0; i < g->n_params; i++) {
    const param *p = &g->params[i];
    if (!r->dims[i].table || r->dims[i].rows != r->data || p->cols != r->width) continue;
    n++;
    if (symbol >= 0) memcpy(r->t->m.weights + p->offset + (int64_t)symbol * p->cols, r->row, (size_t)p->cols * sizeof *r->row);
  }
  return n;
}

unroll_status vectors_width(reading *r, int64_t width, unroll_error *err) {
  const graph *g = &r->t->m.g;
  if (width < 1 || width > 1 << 20) return BAD("a line is a word and its numbers, and here are %" PRId64 " numbers", width);
  r->width = (int)width;
  r->row = arena_alloc(&r->t->memory, (size_t)width, sizeof *r->row);
  if (!r->row) return error_memory(err);
  if (put(r, -1)) return UNROLL_OK;
  for (int i = 0; i < g->n_params; i++)
    if (r->dims[i].table && r->dims[i].rows == r->data)
      return BAD("a word has %d numbers, and a row of %s has %d", r->width, g->params[i].name, g->params[i].cols);
  return BAD("'%s' has no embedding", r->v->form.name);
}

void vectors_row(reading *r, int symbol) {
  if (r->there[symbol]) return;
  r->there[symbol] = true;
  r->found++;
  put(r, symbol);
}

static bool is_whole(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (s[i] < '0' || s[i] > '9') return false;
  return n > 0 && n < 12;
}

static size_t field(const char *s, size_t from, size_t to) { /* where it ends */
  while (from < to && !white_byte(s[from])) from++;
  return from;
}

static size_t blank(const char *s, size_t from, size_t to) {
  while (from < to && white_byte(s[from])) from++;
  return from;
}

/* The first line says how wide the rows are, itself or by its own. *header: it is no row. */
static unroll_status read_first(reading *r, const char *s, size_t n, bool *header, unroll_error *err) {
  const size_t a = field(s, 0, n), b = blank(s, a, n), c = field(s, b, n);
  int64_t fields = 0;
  for (size_t at = blank(s, 0, n); at < n; at = blank(s, field(s, at, n), n)) fields++;
  *header = fields == 2 && is_whole(s, a) && is_whole(s + b, c - b);
  double width = (double)(fields - 1);
  if (*header) text_number(s + b, c - b, &width);
  return vectors_width(r, (int64_t)width, err);
}

static unroll_status read_row(reading *r, int32_t symbol, const char *word, size_t size, const char *s, size_t n,
                              unroll_error *err) {
  size_t at = blank(s, 0, n);
  const int shown = (int)(size < 60 ? size : 60);
  for (int i = 0; i < r->width; i++) {
    const size_t end = field(s, at, n);
    double x;
    if (end == at) return BAD("'%.*s' has %d numbers, and the words before it have %d", shown, word, i, r->width);
    if (text_number(s + at, end - at, &x) || !isfinite((float)x)) return BAD("number %d of '%.*s' is none", i + 1, shown, word);
    r->row[i] = (float)x;
    at = blank(s, end, n);
  }
  if (at < n) return BAD("'%.*s' has more than %d numbers", shown, word, r->width);
  vectors_row(r, symbol);
  return UNROLL_OK;
}

/* Where the word ends of which a symbol has spaces in it: before the last `width` fields. */
static size_t word_end(const reading *r, const char *s, size_t n) {
  for (int i = 0; i < r->width && n; i++) {
    while (n && !white_byte(s[n - 1])) n--;
    while (n && white_byte(s[n - 1])) n--;
  }
  return n;
}

static unroll_status read_line(reading *r, const char *s, size_t n, unroll_error *err) {
  bool header = false;
  r->line++;
  while (n && white_byte(s[n - 1])) n--;
  if (!n) return UNROLL_OK;
  if (!r->width) {
    const unroll_status status = read_first(r, s, n, &header, err);
    if (status || header) return status;
  }
  const size_t end = r->v->form.unit == UNIT_LABELS ? word_end(r, s, n) : field(s, 0, n);
  const int32_t symbol = lexicon_find(&r->symbols, s, end);
  return symbol < 0 ? UNROLL_OK : read_row(r, symbol, s, end, s + end, n - end, err);
}

/* All lines of the bytes; *rest: of a line that goes on. */
static unroll_status read_piece(reading *r, const char *s, size_t n, bool last, size_t *rest, unroll_error *err) {
  size_t from = 0;
  unroll_status status = UNROLL_OK;
  while (from < n && !status) {
    const char *newline = memchr(s + from, '\n', n - from);
    if (!newline && !last) break;
    const size_t end = newline ? (size_t)(newline - s) : n;
    status = read_line(r, s + from, end - from, err);
    from = end + (newline != NULL);
  }
  *rest = from < n ? n - from : 0;
  if (!status && *rest >= PIECE) return BAD("a line of more than %d bytes: this is no text of vectors", PIECE);
  return status;
}

static unroll_status read_file(reading *r, unroll_error *err) {
  file_source f = {0};
  char *data = mem_alloc(2 * PIECE);
  size_t rest = 0;
  unroll_status status = data ? file_open(&f, r->name, err) : error_memory(err);
  for (uint64_t at = 0; !status && at < f.size;) {
    const size_t n = f.size - at < PIECE ? (size_t)(f.size - at) : PIECE;
    status = file_get(&f, at, data + rest, n, err);
    bool binary = false;
    if (!status && !at) status = vectors_binary(r, &f, data, n, &binary, err);
    if (status || binary) break;
    const known_file *k = at ? NULL : known_find(data, n);
    if (k && !(k->flags & KNOWN_TEXT)) status = known_refuse(k, r->name, "a text of vectors", 0, err);
    at += n;
    const size_t all = rest + n;
    if (!status) status = read_piece(r, data, all, at == f.size, &rest, err);
    if (!status) memmove(data, data + all - rest, rest);
  }
  file_close(&f);
  mem_free(data);
  return status;
}

static unroll_status take_file(trainer *t, const symbol_dims *dims, int data, const char *path, unroll_error *err) {
  reading r = {.t = t, .name = path, .v = &t->m.schema.list[data], .dims = dims, .data = data};
  char found[32], all[32];
  r.there = arena_alloc(&t->memory, (size_t)r.v->words.n + 1, sizeof *r.there);
  if (r.v->form.unit == UNIT_BPE)
    return error_set(err, UNROLL_USAGE, "option 'vectors' is for words, labels and characters, and '%s' is bpe", r.v->form.name);
  unroll_status status = r.there && vocabulary_texts(&r.v->words, &r.symbols) ? read_file(&r, err) : error_memory(err);
  lexicon_free(&r.symbols);
  if (!status && !r.found)
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "not one symbol of '%s' has a vector here", r.v->form.name);
  text_format(&t->told, "%s: %s of %s symbols of '%s' have a vector\n", path, text_count(r.found, found),
              text_count(r.v->words.n, all), r.v->form.name);
  return status;
}

/* What stands before '=' is a name unless there is a '/' in it. Without one there must be one variable with an embedding. */
static unroll_status take(trainer *t, const symbol_dims *dims, const char *value, unroll_error *err) {
  const schema *s = &t->m.schema;
  const char *names[MAX_FORMS];
  const size_t size = strcspn(value, "=/");
  const bool named = value[size] == '=';
  const char *path = named ? value + size + 1 : value;
  int n = 0, found = -1, which[MAX_FORMS];
  for (int i = 0; i < s->n; i++) {
    bool has = false;
    for (int p = 0; p < t->m.g.n_params; p++) has |= dims[p].table && dims[p].rows == i;
    if (!has) continue;
    names[n] = s->list[i].form.name;
    which[n] = i;
    if (!named || (strlen(names[n]) == size && !memcmp(names[n], value, size))) found = found < 0 ? i : s->n;
    n++;
  }
  if (!*path) return error_set(err, UNROLL_USAGE, "option 'vectors' takes FILE or NAME=FILE, not '%s'", value);
  if (found >= 0 && found < s->n) return take_file(t, dims, found, path, err);
  if (!n) return error_set(err, UNROLL_USAGE, "option 'vectors': no symbols of this net have an embedding");
  if (!named)
    return error_set(err, UNROLL_USAGE, "option 'vectors': several variables have an embedding; say whose, as in %s=%s",
                     s->list[which[0]].form.name, path);
  char asked[64];
  memcpy(asked, value, size < 63 ? size : 63);
  asked[size < 63 ? size : 63] = 0;
  const char *near = text_nearest(asked, names, (size_t)n);
  return error_set(err, UNROLL_USAGE, "option 'vectors': no variable '%s' has an embedding; '%s' has one", asked,
                   near ? near : names[0]);
}

unroll_status vectors_take(trainer *t, unroll_error *err) {
  if (!t->o.vectors) return UNROLL_OK;
  char *list = arena_text(&t->memory, t->o.vectors, strlen(t->o.vectors));
  symbol_dims *dims = arena_alloc(&t->memory, (size_t)t->m.g.n_params + 1, sizeof *dims);
  if (!list || !dims) return error_memory(err);
  unroll_status status = symbol_dims_of(&t->m.g, dims, err);
  for (char *value = list, *end; value && !status; value = end) {
    end = strchr(value, '\n');
    if (end) *end++ = 0;
    status = take(t, dims, value, err);
  }
  return !status && t->told.failed ? error_memory(err) : status;
}
