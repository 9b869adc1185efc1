/* generate.c - see generate.h. A group of sequences runs side by side, one step a pass, the states carried from pass to pass. */
#include "train/generate.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "data/batch.h"
#include "plan/plan.h"
#include "run/run.h"
#include "train/distribution.h"

enum { GROUP = 32 };

typedef struct generator {
  const model *m;
  const generate_options *o;
  arena memory;
  graph g;
  plan *plan;
  run *run;
  frame f;
  int rows;
  dataset prime;         /* its symbols */
  int64_t n_prime, room; /* symbols; room of a sequence */
  int32_t *symbols;      /* [rows][room] prime and drawn ones */
  int64_t *length;       /* [rows] */
  bool *ended;           /* [rows] */
  double *log_p;         /* [rows] */
  distribution next;     /* of the next symbol */
  void *scratch;         /* for draws */
  text out;
} generator;

void generate_defaults(generate_options *o, const model *m) {
  (void)m;
  *o = (generate_options){.n = 1, .temperature = 1, .seed = 1, .length = 1000};
}

static unroll_status read_prime(generator *s, unroll_error *err) {
  const vocabulary *v = &s->m->words;
  data_form form = s->m->form;
  form.lines = false;
  if (!s->o->prime || s->o->prime_size == 0) return UNROLL_OK;
  unroll_status status = dataset_parse(&s->prime, &form, "the prime", s->o->prime, s->o->prime_size, err);
  if (!status) status = dataset_encode(&s->prime, v, err);
  for (int64_t i = 0; !status && i < s->prime.n_symbols; i++)
    if (s->prime.symbols[i] == v->end) status = error_set(err, UNROLL_USAGE, "the prime must not go over the end of a line");
  if (!status) s->n_prime = s->prime.n_symbols;
  return status;
}

static unroll_status make_plan(generator *s, pool *workers, unroll_error *err) {
  unroll_status status = model_stream_graph(s->m, &s->g, &s->memory, err);
  if (!status) status = frame_init(&s->f, &s->g, s->rows, 1, s->rows, err);
  if (status) return status;
  if (s->g.n_losses != 1 || strcmp(s->g.losses[0].distribution, "softmax"))
    return error_set(err, UNROLL_USAGE, "only nets with one softmax over symbols can generate yet");
  status = distribution_of(&s->next, &s->g, 0, NULL, err);
  if (status) return status;
  const plan_options options = {.max_rows = s->rows, .max_steps = 1, .keep = s->next.nodes, .n_keep = s->next.n_args};
  status = plan_new(&s->plan, &s->g, &options, err);
  return status ? status : run_new(&s->run, s->plan, s->m->weights, workers, err);
}

static unroll_status begin(generator *s, pool *workers, unroll_error *err) {
  const generate_options *o = s->o;
  int64_t room;
  if (o->n < 1 || o->length < 0) return error_set(err, UNROLL_USAGE, "there is nothing to generate");
  if (!(o->temperature >= 0) || !isfinite(o->temperature))
    return error_set(err, UNROLL_USAGE, "the temperature must be at least 0");
  if (o->top_k < 0) return error_set(err, UNROLL_USAGE, "top-k must be at least 0");
  s->rows = (int)(o->n < GROUP ? o->n : GROUP);
  unroll_status status = model_needs_text(s->m, "generating", err);
  if (!status) status = read_prime(s, err);
  if (!status) status = make_plan(s, workers, err);
  if (status) return status;
  if (__builtin_add_overflow(s->n_prime, o->length, &s->room) || __builtin_mul_overflow(s->room, (int64_t)s->rows, &room))
    return error_memory(err);
  s->symbols = mem_zero((size_t)room + 1, sizeof *s->symbols);
  s->length = mem_zero((size_t)s->rows, sizeof *s->length);
  s->ended = mem_zero((size_t)s->rows, sizeof *s->ended);
  s->log_p = mem_zero((size_t)s->rows, sizeof *s->log_p);
  s->scratch = mem_alloc(distribution_scratch(&s->next));
  return s->symbols && s->length && s->ended && s->log_p && s->scratch ? UNROLL_OK : error_memory(err);
}

static void generator_free(generator *s) {
  run_free(s->run);
  plan_free(s->plan);
  if (s->f.g) frame_free(&s->f);
  graph_free(&s->g);
  arena_free(&s->memory);
  dataset_free(&s->prime);
  mem_free(s->symbols);
  mem_free(s->length);
  mem_free(s->ended);
  mem_free(s->log_p);
  mem_free(s->scratch);
  text_free(&s->out);
}

/* One step of all rows: afterwards the logits of the symbol at `place` are there. */
static void step(generator *s, int rows, int64_t place) {
  for (int i = 0; i < rows; i++) s->f.rows[i] = (frame_row){.text = s->symbols + i * s->room, .from = place, .count = 1};
  frame_fill(&s->f, rows, false);
  run_pass(s->run, &s->f.b, 0);
}

static unroll_status draw_all(generator *s, int rows, int64_t first, int64_t place, unroll_error *err) {
  const draw_choice how = {.temperature = s->o->temperature, .top_k = s->o->top_k};
  for (int i = 0; i < rows; i++) {
    int32_t *symbols = s->symbols + i * s->room;
    const prediction p = distribution_at(&s->next, s->run, i, i);
    if (s->ended[i]) {
      symbols[place] = s->m->words.end;
      continue;
    }
    const double total = distribution_log_sum(&s->next, &p);
    if (!isfinite(total))
      return error_set(err, UNROLL_FAILED, "the model's output is not finite at symbol %lld", (long long)place + 1);
    const double u = random_uniform(s->o->seed, RANDOM_SAMPLE, (uint64_t)(first + i), (uint32_t)(place - s->n_prime));
    const int32_t c = distribution_draw_symbol(&s->next, &p, &how, u, s->scratch);
    symbols[place] = c;
    s->log_p[i] += (double)p.args[0][c] - total;
    if (c == s->m->words.end)
      s->ended[i] = true;
    else
      s->length[i] = place + 1;
  }
  return UNROLL_OK;
}

static bool all_ended(const generator *s, int rows) {
  for (int i = 0; i < rows; i++)
    if (!s->ended[i]) return false;
  return true;
}

static unroll_status emit(generator *s, int row, int64_t number, const generate_sink *sink, unroll_error *err) {
  const int32_t *symbols = s->symbols + row * s->room;
  s->out.length = 0;
  vocabulary_add_texts(&s->m->words, symbols, s->length[row], &s->out);
  text_add(&s->out, "", 0);
  if (s->out.failed) return error_memory(err);
  const generated g = {.number = number,
                       .symbols = symbols,
                       .n = s->length[row],
                       .text = s->out.length ? s->out.data : "",
                       .size = s->out.length,
                       .ended = s->ended[row],
                       .log_probability = s->log_p[row]};
  return sink->emit(sink->context, &g, err);
}

/* Sequences first .. first + rows - 1. */
static unroll_status group(generator *s, int64_t first, int rows, const generate_sink *sink, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  run_carry_reset(s->run);
  for (int i = 0; i < rows; i++) {
    if (s->n_prime) memcpy(s->symbols + i * s->room, s->prime.symbols, (size_t)s->n_prime * sizeof *s->symbols);
    s->length[i] = s->n_prime;
    s->ended[i] = false;
    s->log_p[i] = 0;
  }
  for (int64_t place = 0; place < s->room && !status && !all_ended(s, rows); place++) {
    if (sink->stop && *sink->stop) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
    step(s, rows, place);
    if (place >= s->n_prime) status = draw_all(s, rows, first, place, err);
  }
  for (int i = 0; i < rows && !status; i++) status = emit(s, i, first + i, sink, err);
  return status;
}

unroll_status generate(const model *m, const generate_options *o, pool *workers, const generate_sink *sink, unroll_error *err) {
  generator s = {.m = m, .o = o};
  unroll_status status = begin(&s, workers, err);
  for (int64_t first = 0; first < o->n && !status; first += s.rows)
    status = group(&s, first, (int)(o->n - first < s.rows ? o->n - first : s.rows), sink, err);
  generator_free(&s);
  return status;
}

unroll_status generate_next(const model *m, const char *prefix, size_t size, double *probabilities, unroll_error *err) {
  const generate_options o = {.n = 1, .prime = prefix, .prime_size = size, .temperature = 1, .length = 1};
  generator s = {.m = m, .o = &o};
  unroll_status status = begin(&s, NULL, err);
  if (!status) {
    if (s.n_prime) memcpy(s.symbols, s.prime.symbols, (size_t)s.n_prime * sizeof *s.symbols);
    for (int64_t place = 0; place <= s.n_prime; place++) step(&s, 1, place);
    const prediction p = distribution_at(&s.next, s.run, 0, 0);
    distribution_probabilities(&s.next, &p, probabilities);
  }
  generator_free(&s);
  return status;
}
