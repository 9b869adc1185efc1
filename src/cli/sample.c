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

typedef struct printer {
  const options *o;
  known k;
  int64_t wanted, done;
  bool lines, enough;
  json_t *list;
} printer;

static unroll_status print_json(printer *p, const generated *g, unroll_error *err) {
  json_t *row = json_pack("{s:o, s:o, s:b}", "text", output_json_text(g->text, g->size), "log2_p",
                          json_number(g->log_probability / log(2)), "ended", g->ended);
  return row && json_array_append_new(p->list, row) == 0 ? UNROLL_OK : error_memory(err);
}

/* Its status UNROLL_FAILED with `enough` set only ends the generation. */
static unroll_status emit(void *context, const generated *g, unroll_error *err) {
  printer *p = context;
  char probability[32];
  if (p->o->not_in) {
    if (known_has(&p->k, g->text)) return UNROLL_OK;
    char *copy = mem_text(g->text);
    if (!copy) return error_memory(err);
    p->k.printed[p->k.n_printed++] = copy;
  }
  if (p->o->json) {
    const unroll_status status = print_json(p, g, err);
    if (status) return status;
  } else {
    if (p->o->probability) printf("%s\t", output_probability(g->log_probability, probability));
    fwrite(g->text, 1, g->size, stdout);
    putchar('\n');
    if (ferror(stdout)) return error_set(err, UNROLL_FAILED, "cannot write to standard output");
  }
  p->enough = ++p->done == p->wanted;
  return p->enough ? UNROLL_FAILED : UNROLL_OK;
}

static unroll_status sample(const model *m, printer *p, pool *workers, unroll_error *err) {
  const options *o = p->o;
  generate_options g;
  if (o->output) return error_set(err, UNROLL_USAGE, "--output is for models of 'pen' or 'notes'; texts go to standard output");
  generate_defaults(&g, m);
  p->wanted = o->many > 0 ? o->many : 1;
  g.n = o->not_in ? p->wanted * 1000 : p->wanted; /* a model that knows the list by heart ends all the same */
  if (o->prime) {
    g.prime = o->prime;
    g.prime_size = strlen(o->prime);
  }
  if (!isnan(o->bias)) return error_set(err, UNROLL_USAGE, "--bias is for draws from mixture(), and this model draws symbols");
  if (!isnan(o->temperature)) g.temperature = o->temperature;
  if (o->top_k >= 0) g.top_k = (int)o->top_k;
  if (!isnan(o->top_p)) g.top_p = o->top_p;
  if (o->length >= 0) g.length = o->length;
  if (o->seed >= 0) g.seed = (uint64_t)o->seed;
  unroll_status status = o->not_in ? known_read(&p->k, o->not_in, p->wanted, err) : UNROLL_OK;
  const generate_sink sink = {.context = p, .emit = emit, .stop = signals_flag()};
  if (!status) status = generate(m, &g, workers, &sink, err);
  if (p->enough) status = UNROLL_OK;
  if (!status && p->done < p->wanted)
    terminal_warn("only %lld of %lld: the model hardly says anything that is not in %s", (long long)p->done, (long long)p->wanted,
                  o->not_in);
  return status;
}

unroll_status command_sample(const options *o, unroll_error *err) {
  model m = {0};
  printer p = {.o = o, .list = o->json ? json_array() : NULL};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = model_set_precision(&m, o->precision, err);
  if (!status) status = schema_is_text(&m.schema) ? sample(&m, &p, workers, err) : sample_decoded(&m, o, workers, p.list, err);
  if (!status && o->json) {
    status = output_json(json_pack("{s:O}", "samples", p.list), err);
  }
  json_decref(p.list);
  known_free(&p.k);
  model_free(&m);
  pool_free(workers);
  return status;
}
