/* ask.c - see ask.h. */
#include "api/ask.h"
#include <math.h>
#include "base/hash.h"
#include "base/text.h"
#include "ranks/ranks.h"
#include "use/forecast.h"
#include "use/next.h"

unroll_status ask_begin(ask *a, const unroll_model *m, const unroll_table *t, const unroll_options *o, uint32_t command,
                        unroll_error *err) {
  memset(a, 0, sizeof *a);
  if (!m) return api_null(err);
  unroll_status status = call_take(&a->o, o, command, err);
  a->stop = o ? o->stop : NULL;
  a->m = m->m;
  a->m.lent = true;
  a->m.memory = (arena){0}; /* what is made of the copy is its own */
  if (!status) status = model_set_precision(&a->m, a->o.precision, err);
  if (!status && t) status = table_source_of(&a->source, t, &m->m.schema, err);
  if (status) return status;
  a->workers = pool_new(a->o.threads > 0 ? (int)a->o.threads : 0);
  return a->workers ? UNROLL_OK : error_memory(err);
}

static const data_memory *memory_of(const ask *a) { return a->source.paths ? NULL : &a->source.memory; }

static data_options how_of(const ask *a, enum bind_wanted wanted) {
  const call_options *o = &a->o;
  return (data_options){.wanted = wanted,
                        .series = o->series,
                        .tagged = o->tagged,
                        .separator = o->separator,
                        .decimal = o->decimal,
                        .dates = o->dates,
                        .columns = o->columns,
                        .folders = o->folders,
                        .codes = o->decode,
                        .skip_bad = o->skip_bad,
                        .cache = o->cache,
                        .memory = memory_of(a)};
}

/* Ranks that share the work have the same model and data, or all of them the error of one. */
static unroll_status same_everywhere(const ask *a, unroll_status status, unroll_error *err) {
  const ranks *r = ranks_here();
  if (!r) return status;
  const ranks_trait traits[] = {
      {"another model", hash_bytes(0, a->m.weights, (size_t)a->m.g.n_weights * sizeof *a->m.weights)},
      {"other data", status ? 0 : hash_mix(a->d.hash ^ a->d.bytes) ^ dataset_hash_files(&a->d, &a->m.schema)},
  };
  return ranks_same(r, status, traits, sizeof traits / sizeof *traits, err);
}

unroll_status ask_read(ask *a, enum bind_wanted wanted, unroll_error *err) {
  const data_options how = how_of(a, wanted);
  ranks_data_begin();
  const unroll_status status = model_read(&a->d, &a->m, a->source.paths, &how, err);
  ranks_data_end();
  return same_everywhere(a, status, err);
}

/* Gives the copy of a model a schema that may be changed. */
static unroll_status own_schema(ask *a, unroll_error *err) {
  variable *own = arena_alloc(&a->m.memory, (size_t)a->m.schema.n + 1, sizeof *own);
  if (!own) return error_memory(err);
  memcpy(own, a->m.schema.list, (size_t)a->m.schema.n * sizeof *own);
  a->m.schema.list = own;
  return UNROLL_OK;
}

unroll_status ask_read_next(ask *a, unroll_error *err) {
  const data_options how = how_of(a, BIND_TRUTH);
  unroll_status status = own_schema(a, err);
  ranks_data_begin();
  if (!status) status = next_read(&a->d, &a->m, a->source.paths, &how, err);
  ranks_data_end();
  return same_everywhere(a, status, err);
}

unroll_status ask_references(const ask *a, references *r, unroll_error *err) {
  const data_options how = how_of(a, BIND_GIVEN);
  ranks_data_begin();
  const unroll_status status = references_read(r, &a->m, a->source.paths, &how, a->o.references, err);
  ranks_data_end();
  return status;
}

unroll_status ask_read_series(ask *a, int future, unroll_error *err) {
  data_options how = how_of(a, BIND_TRUTH);
  if (a->o.series) a->m.schema.time.series = (char *)a->o.series; /* the copy's, which is never freed */
  if (a->o.time) a->m.schema.time.time = (char *)a->o.time;
  how.series = NULL;
  /* For data with gaps the graph is made anew, and the schema with it. */
  unroll_status status = own_schema(a, err);
  ranks_data_begin();
  if (!status) status = forecast_read(&a->d, &a->m, a->source.paths, &how, NULL, future, err);
  ranks_data_end();
  return same_everywhere(a, status, err);
}

void ask_end(ask *a) {
  dataset_free(&a->d);
  if (a->m.built && !a->m.lent) graph_free(&a->m.g);
  arena_free(&a->m.memory);
  table_source_free(&a->source);
  pool_free(a->workers);
}

/* --- checks --- */

unroll_status ask_check_series(const ask *a, bool quantiles, unroll_error *err) {
  const call_options *o = &a->o;
  const char *given = o->time                      ? "time"
                      : o->horizon > 0             ? "horizon"
                      : o->backtest > 0            ? "backtest"
                      : o->stride > 0              ? "stride"
                      : o->season > 0              ? "season"
                      : o->trained                 ? "trained"
                      : o->quantiles && !quantiles ? "quantiles"
                                                   : NULL;
  const char *other = o->tagged          ? "tagged"
                      : o->folders       ? "labels-from-folders"
                      : o->confusion     ? "confusion"
                      : o->hits          ? "hits"
                      : o->beam > 0      ? "beam"
                      : o->best > 0      ? "n-best"
                      : o->length > 0    ? "length"
                      : o->probability   ? "probability"
                      : o->top > 0       ? "top"
                      : o->probabilities ? "probabilities"
                      : o->decode        ? "decode"
                      : o->references    ? "references"
                      : o->crop > 0      ? "crop"
                                         : NULL;
  const bool timed = a->m.schema.time.time != NULL;
  if (timed && other)
    return error_set(err, UNROLL_USAGE, "option '%s' does not go together with series with dates, which this model is for", other);
  if (timed || !given) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE,
                   "option '%s' is for models of series with dates, and this one was trained without option 'time'", given);
}

/* An option for what is generated or searched for; NULL: there is none. */
static const char *generating(const ask *a, bool ctc) {
  const call_options *o = &a->o;
  return o->beam >= 0 && !ctc        ? "beam"
         : o->best >= 0 && !ctc      ? "n-best"
         : o->times && !ctc          ? "times"
         : o->samples >= 0           ? "samples"
         : !isnan(o->length_penalty) ? "length-penalty"
         : !isnan(o->temperature)    ? "temperature"
         : !isnan(o->bias)           ? "bias"
         : !isnan(o->top_p)          ? "top-p"
         : o->top_k >= 0             ? "top-k"
         : o->length >= 0            ? "length"
         : o->probability            ? "probability"
                                     : NULL;
}

unroll_status ask_check_alone(const ask *a, unroll_error *err) {
  const char *name = generating(a, search_variable(&a->m) != NULL);
  if (!name) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE,
                   "option '%s' is for nets that generate, and this one predicts nothing from its own earlier values", name);
}

unroll_status ask_check_next(const ask *a, unroll_error *err) {
  const char *name = a->o.quantiles ? "quantiles" : generating(a, false);
  if (!name) return UNROLL_OK;
  return error_set(
      err, UNROLL_USAGE,
      "option '%s' is not for models of texts, of which predict says the next symbol after each line: 'sample' generates", name);
}

unroll_status ask_check_eval(const ask *a, unroll_error *err) {
  const call_options *o = &a->o;
  const bool plain = schema_is_text(&a->m.schema), generates = decode_is_for(&a->m.g) && !plain;
  const char *name = o->beam >= 0 && !search_variable(&a->m) ? "beam"
                     : !isnan(o->length_penalty)             ? "length-penalty"
                     : o->length >= 0                        ? "length"
                     : o->references                         ? "references"
                                                             : NULL;
  if (o->decode && !generates)
    return error_set(
        err, UNROLL_USAGE,
        "option 'decode' is for nets that generate from data: this one predicts nothing from its own earlier values, or "
        "has nothing else");
  if (o->samples >= 0 || o->seed >= 0)
    return error_set(err, UNROLL_USAGE, "option '%s' is for forecasts, of models of series with dates",
                     o->samples >= 0 ? "samples" : "seed");
  if (!o->decode && name) return error_set(err, UNROLL_USAGE, "option '%s' goes with option 'decode'", name);
  return UNROLL_OK;
}

/* --- how to generate --- */

/* The k best of a search: option 'top' is as many hypotheses as come out, and at least as many side by side. */
static unroll_status take_top(const call_options *o, decode_options *d, unroll_error *err) {
  enum { MOST = 1024 }; /* as option 'beam' */
  if (o->samples >= 0) return error_set(err, UNROLL_USAGE, "option 'samples' draws, option 'top' searches: one of them");
  if (o->best >= 0)
    return error_set(err, UNROLL_USAGE, "option 'top' says how many come out, and so does option 'n-best': one of them");
  if (o->top > MOST) return error_set(err, UNROLL_USAGE, "option 'top' of a net that generates is at most %d", MOST);
  if (o->beam < 0) d->beam = (int)o->top;
  if (o->top > d->beam) return error_set(err, UNROLL_USAGE, "option 'top' is at most option 'beam', which is %d", d->beam);
  d->best = (int)o->top;
  return UNROLL_OK;
}

unroll_status ask_decode(const call_options *o, decode_options *d, unroll_error *err) {
  decode_defaults(d);
  if (o->samples < 0 && (!isnan(o->temperature) || !isnan(o->bias) || !isnan(o->top_p) || o->top_k >= 0 || o->seed >= 0))
    return error_set(err, UNROLL_USAGE,
                     "option 'temperature', option 'bias', option 'top-k', option 'top-p' and option 'seed' are for draws: "
                     "option 'samples' says how many");
  if (o->samples >= 0 && (o->beam >= 0 || o->best >= 0 || !isnan(o->length_penalty)))
    return error_set(err, UNROLL_USAGE, "option 'samples' draws, option 'beam' searches: one of them");
  if (o->beam >= 0) d->beam = (int)o->beam;
  if (o->best >= 0) d->best = (int)o->best;
  if (d->best > d->beam) return error_set(err, UNROLL_USAGE, "option 'n-best' is at most option 'beam', which is %d", d->beam);
  if (o->top > 0) {
    const unroll_status status = take_top(o, d, err);
    if (status) return status;
  }
  if (!isnan(o->length_penalty)) d->penalty = o->length_penalty;
  if (o->samples >= 0) d->samples = o->samples;
  if (!isnan(o->temperature) && !isnan(o->bias))
    return error_set(err, UNROLL_USAGE, "option 'bias' is a temperature already: one of option 'temperature' and option 'bias'");
  if (!isnan(o->temperature)) d->choice.temperature = o->temperature;
  if (!isnan(o->bias)) d->choice.temperature = draw_temperature_of_bias(o->bias);
  d->choice.biased = !isnan(o->bias);
  if (!isnan(o->top_p)) d->choice.top_p = o->top_p;
  if (o->top_k >= 0) d->choice.top_k = (int)o->top_k;
  if (o->seed >= 0) d->seed = (uint64_t)o->seed;
  if (o->length >= 0) d->length = o->length;
  if (o->batch > 0) d->rows = (int)o->batch * d->beam < 65536 ? (int)o->batch * d->beam : 65536;
  if (o->batch <= 0) d->rows *= d->beam;
  return UNROLL_OK;
}

unroll_status ask_search(const ask *a, search *s, unroll_error *err) {
  const call_options *o = &a->o;
  const search_options how = {
      .beam = o->beam, .best = o->best, .language = o->lm, .lexicon = o->lexicon, .weight = o->lm_weight, .bonus = o->word_bonus};
  return search_init(s, &a->m, &how, err);
}

unroll_status ask_levels(const char *list, double levels[ASK_LEVELS], int *n, unroll_error *err) {
  *n = 0;
  for (const char *at = list ? list : "0.1,0.5,0.9";; at++) {
    const size_t size = strcspn(at, ",");
    double x;
    if (*n == ASK_LEVELS) return error_set(err, UNROLL_USAGE, "option 'quantiles' takes at most %d", ASK_LEVELS);
    if (text_number(at, size, &x) || !(x > 0 && x < 1) || (*n && x <= levels[*n - 1]))
      return error_set(err, UNROLL_USAGE,
                       "option 'quantiles' takes numbers between 0 and 1, increasing, with commas between them, not '%s'", list);
    levels[(*n)++] = x;
    at += size;
    if (!*at) return UNROLL_OK;
  }
}
