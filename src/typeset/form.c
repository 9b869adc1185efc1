/* form.c - a tree in any form. */
#include "typeset/form.h"
#include <string.h>

void form_put(text *out, const char *s) { text_add(out, s, strlen(s)); }

bool form_word_is(const char *s, int n, const char *word) { return (size_t)n == strlen(word) && !memcmp(s, word, (size_t)n); }

static bool is_name(const term *x, const char *word) { return x->kind == TERM_NAME && form_word_is(x->text, x->n, word); }

/* A number, or 1/n: beside it no sign of an elementwise product is needed. */
static bool is_plain(const term *x) {
  return x->kind == TERM_NUMBER || (x->kind == TERM_DIV && is_plain(x->first) && is_name(x->first->next, "n"));
}

static void name(const form *f, const term *x, const term *index, bool derivative, text *out) {
  name_parts p;
  typeset_name(x->text, x->n, &p);
  f->name(&p, index, derivative, x->text, x->n, out);
}

static void index_of(const form *f, const term *x, text *out) {
  const term *of = x->first;
  if (of->kind == TERM_NAME || of->kind == TERM_DERIVATIVE) {
    name(f, of->kind == TERM_NAME ? of : of->first, of->next, of->kind == TERM_DERIVATIVE, out);
    return;
  }
  form_put(out, f->index.open);
  form_write(f, of, out);
  form_put(out, f->index.between);
  form_list(f, of->next, ",", out);
  form_put(out, f->index.close);
}

void form_list(const form *f, const term *x, const char *between, text *out) {
  for (; x; x = x->next) {
    form_write(f, x, out);
    if (x->next) form_put(out, between);
  }
}

/* A fraction needs no brackets around its sides. */
static const term *naked(const term *x) { return x->kind == TERM_GROUP ? x->first : x; }

static void children(const form *f, const term *x, text *out) {
  const form_row *row = &f->rows[x->kind];
  const bool plain = x->kind == TERM_MUL && (is_plain(x->first) || is_plain(x->first->next));
  form_put(out, row->open);
  if (x->kind == TERM_CALL) f->function(x->text, x->n, out);
  if (x->kind == TERM_CALL) form_put(out, f->rows[TERM_GROUP].open);
  if (x->kind == TERM_SUM) f->over(x->text, x->n, out);
  for (const term *c = x->first; c; c = c->next) {
    form_write(f, x->kind == TERM_DIV ? naked(c) : c, out);
    if (c->next) form_put(out, plain ? f->times : row->between);
  }
  if (x->kind == TERM_RANGE && !x->first) form_put(out, row->between);
  if (x->kind == TERM_CALL) form_put(out, f->rows[TERM_GROUP].close);
  form_put(out, row->close);
}

void form_write(const form *f, const term *x, text *out) {
  if (x->kind == TERM_NUMBER || is_name(x, "t") || is_name(x, "n"))
    f->word(x->text, x->n, out);
  else if (is_name(x, "log"))
    f->function(x->text, x->n, out);
  else if (x->kind == TERM_NAME)
    name(f, x, NULL, false, out);
  else if (x->kind == TERM_DERIVATIVE)
    name(f, x->first, NULL, true, out);
  else if (x->kind == TERM_INDEX)
    index_of(f, x, out);
  else
    children(f, x, out);
}

void form_lines(const char *lines, text *out, void (*equation)(const term *x, const char *line, size_t n, bool last, text *out)) {
  const long failures = mem_failures();
  arena memory = {0};
  for (const char *s = lines; *s;) {
    const size_t n = strcspn(s, "\n");
    const char *next = s + n + (s[n] == '\n');
    if (n) equation(typeset_read(s, n, &memory), s, n, !*next, out);
    s = next;
  }
  if (mem_failures() != failures) out->failed = 1;
  arena_free(&memory);
}
