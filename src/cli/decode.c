/* decode.c - see decode.h. */
#include "cli/decode.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/output.h"
#include "cli/terminal.h"

typedef struct printer {
  const options *o;
  const model *m;
  bool numbered; /* several of each example */
  json_t *list;
} printer;

bool decode_ctc(const model *m) {
  bool any = false;
  for (int i = 0; i < m->schema.n; i++) any |= m->schema.list[i].over >= 0;
  return any;
}

const ctc_search *decode_search(ctc_search *s, const options *o) {
  *s = (ctc_search){.beam = (int)o->beam, .best = 1, .space = -1};
  return o->beam > 1 ? s : NULL;
}

unroll_status decode_refuse(const options *o, bool ctc, unroll_error *err) {
  const char *name = o->beam >= 0 && !ctc        ? "beam"
                     : o->best >= 0              ? "n-best"
                     : o->samples >= 0           ? "samples"
                     : !isnan(o->length_penalty) ? "length-penalty"
                     : !isnan(o->temperature)    ? "temperature"
                     : !isnan(o->bias)           ? "bias"
                     : !isnan(o->top_p)          ? "top-p"
                     : o->top_k >= 0             ? "top-k"
                     : o->length >= 0            ? "length"
                     : o->probability            ? "probability"
                                                 : NULL;
  if (!name) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "--%s is for nets that generate, and this one predicts nothing from its own earlier values",
                   name);
}

unroll_status decode_check_eval(const options *o, bool generates, bool ctc, unroll_error *err) {
  const char *name = o->beam >= 0 && !ctc        ? "beam"
                     : !isnan(o->length_penalty) ? "length-penalty"
                     : o->length >= 0            ? "length"
                                                 : NULL;
  if (o->decode && !generates)
    return error_set(err, UNROLL_USAGE,
                     "--decode is for nets that generate from data: this one predicts nothing from its own earlier "
                     "values, or has nothing else");
  if (o->samples >= 0 || o->seed >= 0)
    return error_set(err, UNROLL_USAGE, "--%s is for forecasts, of models of series with dates",
                     o->samples >= 0 ? "samples" : "seed");
  if (!o->decode && name) return error_set(err, UNROLL_USAGE, "--%s goes with --decode", name);
  return UNROLL_OK;
}

static unroll_status read_options(decode_options *d, const options *o, unroll_error *err) {
  decode_defaults(d);
  if (o->samples < 0 && (!isnan(o->temperature) || !isnan(o->bias) || !isnan(o->top_p) || o->top_k >= 0 || o->seed >= 0))
    return error_set(err, UNROLL_USAGE,
                     "--temperature, --bias, --top-k, --top-p and --seed are for draws: --samples says how many");
  if (o->samples >= 0 && (o->beam >= 0 || o->best >= 0 || !isnan(o->length_penalty)))
    return error_set(err, UNROLL_USAGE, "--samples draws, --beam searches: one of them");
  if (o->beam >= 0) d->beam = (int)o->beam;
  if (o->best >= 0) d->best = (int)o->best;
  if (d->best > d->beam) return error_set(err, UNROLL_USAGE, "--n-best is at most --beam, which is %d", d->beam);
  if (!isnan(o->length_penalty)) d->penalty = o->length_penalty;
  if (o->samples >= 0) d->samples = o->samples;
  if (!isnan(o->temperature) && !isnan(o->bias))
    return error_set(err, UNROLL_USAGE, "--bias is a temperature already: one of --temperature and --bias");
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

static void add_numbers(text *out, const decoded_part *p, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < p->width; j++) {
      text_format(out, "%s", j ? ";" : i ? " " : "");
      text_add_number(out, p->numbers[i * p->width + j]);
    }
}

static json_t *part_json(const decoded_part *p, int64_t n) {
  if (p->words) return json_pack("{s:o}", "value", output_json_values(p->words, p->symbols, n, p->words->unit == UNIT_LABELS));
  json_t *j = json_array();
  for (int64_t i = 0; i < n * p->width; i++) json_array_append_new(j, json_number(p->numbers[i]));
  return j;
}

json_t *decode_json(const model *m, const decoded *d) {
  json_t *row = json_object();
  for (int k = 0; k < d->n_parts; k++)
    if (!d->parts[k].ends)
      json_object_set_new(row, m->g.data[m->g.losses[d->parts[k].loss].data].name, part_json(&d->parts[k], d->n));
  json_object_set_new(row, "example", json_integer(d->example + 1));
  json_object_set_new(row, "log2_p", json_number(d->log_probability / log(2)));
  json_object_set_new(row, "ended", json_boolean(d->ended));
  return row;
}

void decode_line(text *line, const decoded *d) {
  for (int k = 0, shown = 0; k < d->n_parts; k++) {
    if (d->parts[k].ends) continue;
    if (shown++) text_add(line, "\t", 1);
    if (d->parts[k].words)
      output_values(line, d->parts[k].words, d->parts[k].symbols, d->n, INT64_MAX);
    else
      add_numbers(line, &d->parts[k], d->n);
  }
}

static unroll_status emit(void *context, const decoded *d, unroll_error *err) {
  const printer *out = context;
  char probability[32];
  text line = {0};
  if (out->o->json) return json_array_append_new(out->list, decode_json(out->m, d)) ? error_memory(err) : UNROLL_OK;
  if (out->numbered) text_format(&line, "%" PRId64 "\t", d->example + 1);
  if (out->o->probability) text_format(&line, "%s\t", output_probability(d->log_probability, probability));
  decode_line(&line, d);
  const bool failed = line.failed != 0;
  if (!failed) output_line(&line);
  text_free(&line);
  if (failed) return error_memory(err);
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

unroll_status predict_decoded(const model *m, const dataset *d, const options *o, pool *workers, json_t *list, unroll_error *err) {
  printer p = {.o = o, .m = m, .numbered = o->best > 1 || o->samples >= 0, .list = list};
  const decode_sink sink = {.context = &p, .emit = emit, .stop = signals_flag()};
  decode_options how;
  const unroll_status status = read_options(&how, o, err);
  return status ? status : decode_table(m, d, NULL, &how, workers, &sink, err);
}

unroll_status decode_draw_options(decode_options *d, const options *o, int64_t samples, unroll_error *err) {
  options chosen = *o; /* sample has no other options of the decoder */
  chosen.samples = samples;
  chosen.beam = chosen.best = chosen.batch = -1;
  chosen.length_penalty = (double)NAN;
  return read_options(d, &chosen, err);
}

/* --- eval --- */

unroll_status decode_eval_options(decode_options *d, const options *o, unroll_error *err) {
  options searching = *o; /* eval has no other options of the decoder */
  searching.best = searching.samples = searching.top_k = searching.seed = -1;
  searching.temperature = searching.bias = searching.top_p = (double)NAN;
  return read_options(d, &searching, err);
}
