/* generate.c - behind unroll.h: what a model says of itself. Drawings and music can go to a file too; what is in a list of known
 * lines can be left out. */
#include <math.h>
#include <stdlib.h>
#include "api/collect.h"
#include "api/draw.h"
#include "base/file.h"
#include "base/text.h"
#include "use/generate.h"

/* Known lines: sorted pointers into the file's text, and what was handed out so far. */
typedef struct known {
  char *text;
  const char **lines;
  size_t n;
  char **said;
  size_t n_said;
} known;

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static unroll_status known_read(known *k, const char *path, int64_t most, unroll_error *err) {
  size_t size, n = 1;
  const unroll_status status = file_read(path, &k->text, &size, err);
  if (status) return status;
  for (size_t i = 0; i < size; i++) n += k->text[i] == '\n';
  k->lines = mem_zero(n, sizeof *k->lines);
  k->said = mem_zero((size_t)most, sizeof *k->said);
  if (!k->lines || !k->said) return error_memory(err);
  for (char *line = k->text, *end; line < k->text + size; line = end + 1) {
    end = line + strcspn(line, "\n");
    if (end > line && end[-1] == '\r') end[-1] = 0;
    *end = 0;
    k->lines[k->n++] = line;
  }
  qsort(k->lines, k->n, sizeof *k->lines, compare);
  return UNROLL_OK;
}

static bool known_has(const known *k, const char *s) {
  if (k->n && bsearch(&s, k->lines, k->n, sizeof *k->lines, compare)) return true;
  for (size_t i = 0; i < k->n_said; i++)
    if (!strcmp(k->said[i], s)) return true;
  return false;
}

static void known_free(known *k) {
  for (size_t i = 0; i < k->n_said; i++) mem_free(k->said[i]);
  mem_free(k->said);
  mem_free(k->lines);
  mem_free(k->text);
}

/* --- what is drawn --- */

typedef struct sampler {
  ask *a;
  collector c;
  bool plain;   /* of one text, whose prime comes out with it */
  prime prime;  /* if plain */
  drawing draw; /* with a file, to write or to begin with */
  known k;
  int64_t wanted, done;
} sampler;

/* Is the row a new one, by its line? */
static unroll_status look_up(sampler *s, const result_row *row, bool *is_new, unroll_error *err) {
  text line = {0};
  const unroll_result *r = s->c.r;
  for (int k = 0, shown = 0; k < r->n_names; k++) {
    const unroll_value *v = &row->values[k];
    if (!v->text && !v->width) continue;
    if (s->plain) /* as it is */
      text_add(&line, v->text, v->length);
    else {
      if (shown++) text_add(&line, "\t", 1);
      result_line(v, &line);
    }
  }
  text_add(&line, "", 0);
  *is_new = !line.failed && !known_has(&s->k, line.data);
  const bool failed = line.failed || (*is_new && !(s->k.said[s->k.n_said] = mem_text(line.data)));
  s->k.n_said += *is_new && !failed;
  text_free(&line);
  return failed ? error_memory(err) : UNROLL_OK;
}

/* The row of a text, after its prime. */
static result_row *text_row(sampler *s, const decoded *d, unroll_error *err) {
  text joined = {0};
  const unroll_status status = prime_text(&s->prime, d->parts[0].symbols, d->n, &joined, err);
  const decoded_part whole = {.loss = d->parts[0].loss, .words = &s->prime.v->words, .symbols = s->prime.all};
  decoded all = *d;
  all.parts = &whole;
  all.n_parts = 1;
  all.n = s->prime.n + d->n;
  text_free(&joined);
  return status ? NULL : collect_row(&s->c, &all);
}

static unroll_status emit(void *context, const decoded *d, unroll_error *err) {
  sampler *s = context;
  bool is_new = true;
  const result_row *row = s->plain ? text_row(s, d, err) : collect_row(&s->c, d);
  unroll_status status = row ? UNROLL_OK : error_memory(err);
  if (!status && s->a->o.not_in) status = look_up(s, row, &is_new, err);
  if (!status && !is_new) {
    result_drop(s->c.r);
    return UNROLL_OK;
  }
  if (!status && s->a->o.output) status = drawing_add_decoded(&s->draw, d, err);
  if (!status) status = result_hand(s->c.r);
  if (!status && ++s->done == s->wanted) {
    s->c.r->enough = true;
    return UNROLL_FAILED; /* which ends it, with nothing in the error */
  }
  return status;
}

/* What all begin with: a text, or a file of what the model draws; and whether there are files of it. */
static unroll_status begin(sampler *s, unroll_error *err) {
  const call_options *o = &s->a->o;
  const model *m = &s->a->m;
  if (s->plain && o->output)
    return error_set(err, UNROLL_USAGE, "option 'output' is for models of " DRAWING_KINDS "; texts go to standard output");
  if (s->plain && o->text)
    return error_set(err, UNROLL_USAGE,
                     "option 'text' is for models that are given something, and this one generates from nothing");
  if (s->plain) return prime_read(&s->prime, m, o->prime, o->prime ? strlen(o->prime) : 0, err);
  if (!o->prime && !o->output) return UNROLL_OK;
  return drawing_begin(&s->draw, m,
                       o->prime ? "option 'prime' is for models of one text, of " DRAWING_KINDS
                                : "option 'output' is for models of " DRAWING_KINDS ", and this one predicts none of them",
                       err);
}

static unroll_status sample(sampler *s, unroll_error *err) {
  ask *a = s->a;
  call_options *o = &a->o;
  decode_options how;
  const decode_sink sink = {.context = s, .emit = emit, .stop = a->stop};
  s->wanted = ask_or(o->many, 1);
  s->plain = schema_is_text(&a->m.schema);
  /* A model that knows the list by heart ends all the same. */
  o->samples = o->not_in ? s->wanted * 1000 : s->wanted;
  unroll_status status = ask_decode(o, &how, err);
  if (!status) status = begin(s, err);
  if (!status && o->not_in) status = known_read(&s->k, o->not_in, s->wanted, err);
  if (status) return status;
  status = !s->plain && (o->prime || o->text) ? drawing_go_on(&s->draw, &a->m, o->text, o->prime, &how, a->workers, &sink, err)
                                              : decode_nothing(&a->m, s->prime.symbols, s->prime.n, &how, a->workers, &sink, err);
  if (status && s->c.r->enough) status = UNROLL_OK;
  return !status && o->output ? drawing_write(&s->draw, o->output, err) : status;
}

unroll_status unroll_generate(const unroll_model *m, const unroll_options *o, unroll_result **out, unroll_error *err) {
  ask a;
  sampler s = {.a = &a};
  if (!out) return api_null(err);
  *out = NULL;
  if (!m) return api_null(err);
  unroll_status status = ask_begin(&a, m, NULL, o, IN(sample), err);
  if (!status) status = collect_begin(&s.c, &a, o, err);
  if (!status) status = sample(&s, err);
  status = collect_end(&s.c, status, out, err);
  prime_free(&s.prime);
  drawing_free(&s.draw);
  known_free(&s.k);
  ask_end(&a);
  return status;
}
