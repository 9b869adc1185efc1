/* decode.c - see decode.h. */
#include "cli/decode.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/output.h"
#include "cli/terminal.h"

bool decode_ctc(const model *m) {
  bool any = false;
  for (int i = 0; i < m->schema.n; i++) any |= m->schema.list[i].over >= 0;
  return any;
}

const ctc_search *decode_search(ctc_search *s, const options *o) {
  *s = (ctc_search){.beam = (int)o->beam, .best = 1, .space = -1};
  return o->beam > 1 ? s : NULL;
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

/* --- eval --- */

unroll_status decode_eval_options(decode_options *d, const options *o, unroll_error *err) {
  options searching = *o; /* eval has no other options of the decoder */
  searching.best = searching.samples = searching.top_k = searching.seed = -1;
  searching.temperature = searching.bias = searching.top_p = (double)NAN;
  return read_options(d, &searching, err);
}
