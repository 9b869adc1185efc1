/* span.c - see span.h. Two readers go through the true and the predicted tags side by side, each remembering where
 * its open span began. */
#include "metrics/span.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

static double share(int64_t a, int64_t b) { return b > 0 ? (double)a / (double)b : (double)NAN; }
double count_precision(const class_count *c) { return share(c->correct, c->predicted); }
double count_recall(const class_count *c) { return share(c->correct, c->support); }
double count_f1(const class_count *c) { return share(2 * c->correct, c->predicted + c->support); }

/* What a tag's first letter means; 0: it is none. */
static char place_of(char letter) {
  static const char letters[] = "BIESOLUMW", places[] = "BIESOESIS";
  const char *at = letter ? strchr(letters, letter) : NULL;
  return at ? places[at - letters] : '\0';
}

static bool has_form(const char *s, size_t size) {
  const char place = size ? place_of(*s) : '\0';
  if (place == 'O') return size == 1;
  return place && (size == 1 || (s[1] == '-' && size > 2));
}

bool span_tagged(const vocabulary *v) {
  bool begins = false;
  if (v->unit != UNIT_LABELS) return false;
  for (int i = 0; i < v->n; i++) {
    size_t size;
    const char *s = lexicon_text(&v->words, i, &size);
    if (!has_form(s, size)) return false;
    begins |= *s == 'B' || *s == 'I';
  }
  return begins;
}

unroll_status span_metrics_init(span_metrics *m, const vocabulary *v, unroll_error *err) {
  *m = (span_metrics){.tags = mem_zero((size_t)v->n + 1, sizeof *m->tags)};
  if (!m->tags) return error_memory(err);
  for (int i = 0; i < v->n; i++) {
    size_t size;
    const char *s = lexicon_text(&v->words, i, &size);
    m->tags[i] = (span_tag){.place = place_of(*s), .type = -1};
    if (m->tags[i].place == 'O') continue;
    m->tags[i].type = lexicon_add(&m->types, size > 2 ? s + 2 : "", size > 2 ? size - 2 : 0);
    if (m->tags[i].type < 0) return error_memory(err);
  }
  m->list = mem_zero((size_t)m->types.n + 1, sizeof *m->list);
  return m->list ? UNROLL_OK : error_memory(err);
}

void span_metrics_free(span_metrics *m) {
  mem_free(m->tags);
  mem_free(m->list);
  lexicon_free(&m->types);
  *m = (span_metrics){0};
}

typedef struct span {
  int type;
  int64_t begin; /* -1: none */
} span;
static const span none = {-1, -1};

typedef struct reader {
  span_tag last;
  span open;
} reader;

/* Takes the tag at place t; *closed is the span that ended before it. */
static void take(reader *r, span_tag tag, int64_t t, span *closed) {
  const span_tag last = r->last;
  const bool inside = tag.place == 'I' || tag.place == 'E';
  const bool goes_on = r->open.begin >= 0 && inside && tag.type == last.type && (last.place == 'B' || last.place == 'I');
  *closed = none;
  r->last = tag;
  if (goes_on) return;
  *closed = r->open;
  r->open = tag.place == 'O' ? none : (span){tag.type, t};
}

void span_metrics_add(span_metrics *m, const int32_t *truth, const int32_t *predicted, int64_t n) {
  const span_tag outside = {'O', -1};
  reader a = {outside, none}, b = {outside, none};
  for (int64_t t = 0; t <= n; t++) { /* behind the last token all spans end */
    span is, said;
    take(&a, t < n ? m->tags[truth[t]] : outside, t, &is);
    take(&b, t < n ? m->tags[predicted[t]] : outside, t, &said);
    if (is.begin >= 0) m->all.support++, m->list[is.type].support++;
    if (said.begin >= 0) m->all.predicted++, m->list[said.type].predicted++;
    if (is.begin >= 0 && is.begin == said.begin && is.type == said.type) m->all.correct++, m->list[is.type].correct++;
  }
}
