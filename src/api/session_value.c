/* session_value.c - what a step of a session says: probabilities, means, quantiles, arguments, draws. */
#include <math.h>
#include "api/session.h"
#include "base/random.h"

/* Where the arguments of head k begin in a copy of all. */
static size_t args_of(const unroll_session *s, int k) {
  size_t at = 0;
  for (int h = 0; h < k; h++)
    for (int i = 0; i < s->heads[h].d.n_args; i++) at += (size_t)s->rows * (size_t)s->heads[h].d.widths[i];
  return at;
}

static prediction brought_back(const unroll_session *s, int k, int row) {
  const distribution *d = &s->heads[k].d;
  const float *at = s->args + args_of(s, k);
  prediction p = {{0}};
  for (int i = 0; i < d->n_args; i++) {
    p.args[i] = at + (ptrdiff_t)row * d->widths[i];
    at += (ptrdiff_t)s->rows * d->widths[i];
  }
  return p;
}

prediction session_prediction(unroll_session *s, int k, int row) {
  session_refresh(s);
  return s->brought ? brought_back(s, k, row) : distribution_at(&s->heads[k].d, s->p.stepper, row, row);
}

void session_arguments(unroll_session *s, float *out) {
  for (int k = 0; k < s->n_heads; k++)
    for (int i = 0; i < s->heads[k].d.n_args; i++)
      for (int r = 0; r < s->rows; r++) {
        const prediction p = session_prediction(s, k, r);
        const int width = s->heads[k].d.widths[i];
        memcpy(out, p.args[i], (size_t)width * sizeof *out);
        out += width;
      }
}

unroll_status session_head_of(unroll_session *s, int row, const char *name, int *number, unroll_error *err) {
  if (!s) return api_null(err);
  if (row < 0 || row >= s->rows) return error_set(err, UNROLL_USAGE, "the session has rows 0 to %d", s->rows - 1);
  if (!s->made[row]) return error_set(err, UNROLL_USAGE, "there was no step yet");
  *number = 0;
  if (!name) return UNROLL_OK;
  while (*number < s->n_heads && strcmp(s->m->m.schema.list[s->heads[*number].data].form.name, name) != 0) ++*number;
  if (*number < s->n_heads) return UNROLL_OK;
  if (api_variable(&s->m->m, name) < 0) return api_no_variable(&s->m->m, name, err);
  return error_set(err, UNROLL_USAGE, "'%s' is not predicted step by step", name);
}

static void say_symbol(unroll_session *s, int k, int32_t symbol, unroll_value *v) {
  const symbol_texts *texts = &s->m->symbols[s->heads[k].data];
  s->symbol = symbol;
  v->symbols = &s->symbol;
  v->text = texts->texts[symbol];
  v->length = texts->lengths[symbol];
}

unroll_status unroll_session_value(unroll_session *s, int row, const char *name, unroll_value *out, unroll_error *err) {
  int k;
  const unroll_status status = out ? session_head_of(s, row, name, &k, err) : api_null(err);
  if (status) return status;
  const distribution *d = &s->heads[k].d;
  const prediction p = session_prediction(s, k, row);
  unroll_value v = {.name = s->m->m.schema.list[s->heads[k].data].form.name, .steps = 1};
  if (!distribution_finite(d, &p)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
  double *x = s->scratch;
  if (distribution_is_symbols(d)) {
    distribution_probabilities(d, &p, x);
    for (int i = 0; i < d->width; i++) s->shares[i] = (float)x[i];
    say_symbol(s, k, distribution_likeliest(d, &p), &v);
    v.probabilities = s->shares;
    v.n_probabilities = d->width;
    v.p = &s->shares[s->symbol];
  } else {
    distribution_mean(d, &p, s->numbers);
    v.numbers = s->numbers;
    v.width = d->width;
  }
  API_GIVE(out, &v);
  return UNROLL_OK;
}

unroll_status unroll_session_quantiles(unroll_session *s, int row, const char *name, const double *levels, int n, float *out,
                                       unroll_error *err) {
  int k;
  const unroll_status status = out && levels ? session_head_of(s, row, name, &k, err) : api_null(err);
  if (status) return status;
  const distribution *d = &s->heads[k].d;
  const prediction p = session_prediction(s, k, row);
  double *x = s->scratch;
  if (distribution_is_symbols(d)) return error_set(err, UNROLL_USAGE, "symbols have no quantiles");
  for (int i = 0; i < n; i++)
    if (!(levels[i] > 0 && levels[i] < 1)) return error_set(err, UNROLL_USAGE, "the level of a quantile is between 0 and 1");
  for (int i = 0; i < n; i++) {
    distribution_quantile(d, &p, levels[i], x);
    for (int j = 0; j < d->width; j++) *out++ = (float)x[j];
  }
  return UNROLL_OK;
}

unroll_status unroll_session_argument(unroll_session *s, int row, const char *name, int number, const float **out, int *width,
                                      unroll_error *err) {
  int k;
  const unroll_status status = out && width ? session_head_of(s, row, name, &k, err) : api_null(err);
  if (status) return status;
  const distribution *d = &s->heads[k].d;
  if (number < 0 || number >= d->n_args)
    return error_set(err, UNROLL_USAGE, "%s has arguments 0 to %d", d->row->name, d->n_args - 1);
  *out = session_prediction(s, k, row).args[number];
  *width = d->widths[number];
  return UNROLL_OK;
}

/* Which number of the row's: by its steps, or as the decoder (use/decode.h) counts what it drew. */
static uint32_t place_of(const unroll_session *s, int k, int row, const unroll_sample_options *o) {
  return (uint32_t)(o->drawn < 0 ? s->made[row] : o->drawn * s->n_heads + k);
}

static uint64_t sequence_of(int row, const unroll_sample_options *o) { return (uint64_t)(o->sequence < 0 ? row : o->sequence); }

static void draw_symbol(unroll_session *s, int k, int row, const draw_choice *how, const unroll_sample_options *o,
                        unroll_value *v) {
  const distribution *d = &s->heads[k].d;
  const prediction p = session_prediction(s, k, row);
  const double u = random_uniform(o->seed, RANDOM_SAMPLE, sequence_of(row, o), place_of(s, k, row, o));
  say_symbol(s, k, distribution_draw_symbol(d, &p, how, u, s->scratch), v);
  session_write(s, s->heads[k].data, row, &s->symbol, NULL);
}

static void draw_numbers(unroll_session *s, int k, int row, const draw_choice *how, const unroll_sample_options *o,
                         unroll_value *v) {
  const distribution *d = &s->heads[k].d;
  const prediction p = session_prediction(s, k, row);
  const draw_place at = {.seed = o->seed, .stream = RANDOM_SAMPLE, .step = sequence_of(row, o), .place = place_of(s, k, row, o)};
  double *x = s->scratch;
  if (how->temperature > 0)
    distribution_draw(d, &p, how, &at, x);
  else
    distribution_mode(d, &p, x);
  distribution_scaled(d, x, s->shares);
  session_write(s, s->heads[k].data, row, NULL, s->shares);
  memcpy(s->numbers, x, (size_t)d->width * sizeof *x);
  v->numbers = s->numbers;
  v->width = d->width;
}

unroll_status unroll_session_draw(unroll_session *s, int row, const char *name, const unroll_sample_options *o, unroll_value *out,
                                  unroll_error *err) {
  int k;
  unroll_status status = session_head_of(s, row, name, &k, err);
  if (status) return status;
  unroll_sample_options own;
  unroll_sample_options_init(&own);
  if (o) API_TAKE(&own, o);
  const distribution *d = &s->heads[k].d;
  const draw_choice how = {.temperature = own.temperature, .top_k = own.top_k, .top_p = own.top_p};
  if (!(how.temperature >= 0 && how.temperature <= 1e6) || how.top_k < 0 || !(how.top_p >= 0 && how.top_p <= 1))
    return error_set(err, UNROLL_USAGE, "a temperature below 0, a negative top_k, or a top_p not within 0 and 1");
  status = distribution_check_choice(d, &how, err);
  if (status) return status;
  const prediction p = session_prediction(s, k, row);
  if (!distribution_finite(d, &p)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
  unroll_value v = {.name = s->m->m.schema.list[s->heads[k].data].form.name, .steps = 1};
  if (distribution_is_symbols(d))
    draw_symbol(s, k, row, &how, &own, &v);
  else
    draw_numbers(s, k, row, &how, &own, &v);
  if (out) API_GIVE(out, &v);
  return UNROLL_OK;
}

/* ln softmax of the prediction, with the sum in double. It waits until somebody asks for it: with a small net and many symbols it
 * takes longer than the step. */
static void look(unroll_session *s) {
  const int n = s->heads[0].d.width;
  const float *x = session_prediction(s, 0, 0).args[0];
  double largest = (double)x[0], sum = 0;
  for (int i = 1; i < n; i++) largest = (double)x[i] > largest ? (double)x[i] : largest;
  for (int i = 0; i < n; i++) sum += exp((double)x[i] - largest);
  const double log_sum = log(sum);
  for (int i = 0; i < n; i++) s->log_p[i] = (float)((double)x[i] - largest - log_sum);
  s->looked = true;
}

const float *unroll_session_log_p(const unroll_session *s) {
  if (!s || !session_is_text(s)) return NULL;
  if (!s->looked) look((unroll_session *)s); /* made by unroll_session_new, so it is not const; and it belongs to one thread */
  return s->log_p;
}
