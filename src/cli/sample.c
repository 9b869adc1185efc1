/* sample.c - `unroll sample`: generates from a model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/decode.h"
#include "cli/draw.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "use/generate.h"

/* Known lines: sorted pointers into the file's text, and what was printed so far. */
typedef struct known {
  char *text;
  const char **lines;
  size_t n;
  char **printed;
  size_t n_printed;
} known;

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static unroll_status known_read(known *k, const char *path, int64_t most, unroll_error *err) {
  size_t size, n = 1;
  const unroll_status status = file_read(path, &k->text, &size, err);
  if (status) return status;
  for (size_t i = 0; i < size; i++) n += k->text[i] == '\n';
  k->lines = mem_zero(n, sizeof *k->lines);
  k->printed = mem_zero((size_t)most, sizeof *k->printed);
  if (!k->lines || !k->printed) return error_memory(err);
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
  for (size_t i = 0; i < k->n_printed; i++)
    if (!strcmp(k->printed[i], s)) return true;
  return false;
}

static void known_free(known *k) {
  for (size_t i = 0; i < k->n_printed; i++) mem_free(k->printed[i]);
  mem_free(k->printed);
  mem_free(k->lines);
  mem_free(k->text);
}

/* --- what is drawn --- */

typedef struct sampler {
  const options *o;
  const model *m;
  bool plain;   /* of one text, which comes out as it is, after its prime */
  prime prime;  /* if plain */
  drawing draw; /* with --output, and of a file to begin with */
  known k;
  int64_t wanted, done;
  bool enough;
  json_t *list;
} sampler;

static unroll_status line_of(sampler *s, const decoded *d, text *line, unroll_error *err) {
  if (s->plain) return prime_text(&s->prime, d->parts[0].symbols, d->n, line, err);
  decode_line(line, d);
  text_add(line, "", 0);
  return line->failed ? error_memory(err) : UNROLL_OK;
}

static json_t *json_of(const sampler *s, const decoded *d, const text *line) {
  if (!s->plain) return decode_json(s->m, d);
  return json_pack("{s:o, s:o, s:b}", "text", output_json_text(line->data, line->length), "log2_p",
                   json_number(d->log_probability / log(2)), "ended", d->ended);
}

static unroll_status put(sampler *s, const decoded *d, const text *line, unroll_error *err) {
  char probability[32];
  if (s->o->not_in) {
    if (known_has(&s->k, line->data)) return UNROLL_OK;
    char *copy = mem_text(line->data);
    if (!copy) return error_memory(err);
    s->k.printed[s->k.n_printed++] = copy;
  }
  s->enough = ++s->done == s->wanted;
  if (s->o->output) return drawing_add(&s->draw, d, err);
  if (s->o->json) return json_array_append_new(s->list, json_of(s, d, line)) ? error_memory(err) : UNROLL_OK;
  if (s->o->probability) printf("%s\t", output_probability(d->log_probability, probability));
  output_line(line);
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

/* UNROLL_FAILED with `enough` set and nothing in `err` only ends the drawing. */
static unroll_status emit(void *context, const decoded *d, unroll_error *err) {
  sampler *s = context;
  text line = {0};
  unroll_status status = line_of(s, d, &line, err);
  if (!status) status = put(s, d, &line, err);
  text_free(&line);
  if (status) s->enough = false;
  return !status && s->enough ? UNROLL_FAILED : status;
}

/* --- the command --- */

/* What all begin with: a text, or a file of what the model draws; and whether there are files of it. */
static unroll_status begin(sampler *s, unroll_error *err) {
  const options *o = s->o;
  if (s->plain && o->output)
    return error_set(err, UNROLL_USAGE, "--output is for models of 'pen' or 'notes'; texts go to standard output");
  if (s->plain && o->text)
    return error_set(err, UNROLL_USAGE, "--text is for models that are given something, and this one generates from nothing");
  if (s->plain) return prime_read(&s->prime, s->m, o->prime, o->prime ? strlen(o->prime) : 0, err);
  if (!o->prime && !o->output) return UNROLL_OK;
  return drawing_begin(&s->draw, s->m,
                       o->prime ? "--prime is for models of one text, of 'pen' or of 'notes'"
                                : "--output is for models of 'pen' or 'notes', and this one predicts neither",
                       err);
}

static unroll_status sample(sampler *s, pool *workers, unroll_error *err) {
  const options *o = s->o;
  decode_options how;
  const decode_sink sink = {.context = s, .emit = emit, .stop = signals_flag()};
  s->wanted = o->many > 0 ? o->many : 1;
  /* A model that knows the list by heart ends all the same. */
  unroll_status status = decode_draw_options(&how, o, o->not_in ? s->wanted * 1000 : s->wanted, err);
  if (!status) status = begin(s, err);
  if (!status && o->not_in) status = known_read(&s->k, o->not_in, s->wanted, err);
  if (status) return status;
  status = !s->plain && (o->prime || o->text) ? drawing_go_on(&s->draw, s->m, o->text, o->prime, &how, workers, &sink, err)
                                              : decode_nothing(s->m, s->prime.symbols, s->prime.n, &how, workers, &sink, err);
  if (s->enough) status = UNROLL_OK;
  if (!status && s->done < s->wanted)
    terminal_warn("only %lld of %lld: the model hardly says anything that is not in %s", (long long)s->done, (long long)s->wanted,
                  o->not_in);
  return !status && o->output ? drawing_write(&s->draw, o->output, err) : status;
}

unroll_status command_sample(const options *o, unroll_error *err) {
  model m = {0};
  sampler s = {.o = o, .m = &m, .list = o->json ? json_array() : NULL};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = model_set_precision(&m, o->precision, err);
  s.plain = !status && schema_is_text(&m.schema);
  if (!status) status = sample(&s, workers, err);
  if (!status && o->json) status = output_json(json_pack("{s:O}", "samples", s.list), err);
  json_decref(s.list);
  prime_free(&s.prime);
  drawing_free(&s.draw);
  known_free(&s.k);
  model_free(&m);
  pool_free(workers);
  return status;
}
