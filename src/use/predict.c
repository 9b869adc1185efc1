/* predict.c - see predict.h. Examples run in batches of similar lengths; what comes out is put into the order of the data. */
#include "use/predict.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "data/cell.h"
#include "data/crop.h"
#include "use/pass.h"

typedef struct found { /* the texts of an example, the best first */
  ctc_text *list;
  double **times; /* [n] seconds of each symbol; NULL: not asked for */
  int n;
} found;

typedef struct output { /* of one loss */
  int64_t *first;       /* [n_sequences + 1] predictions of each example; of ctc its steps */
  found *texts;         /* [n_sequences] of ctc; else NULL */
  arena memory;         /* theirs */
  double seconds;       /* a step of what ctc reads */
  int32_t *symbols;
  float *p, *all;
  double *votes; /* [n_sequences][symbols] log-probabilities, the sum over the pieces of an example; NULL: it is taken whole */
  double *numbers, *truth; /* truth: where what is predicted is there and somebody looks */
  const double *levels;
  int n_levels;
  double *quantiles;
} output;

typedef struct predictor {
  const model *m;
  const dataset *d;
  bool complete;
  part all;
  pass s;
  double *means;         /* [largest width] scratch */
  float *steps;          /* scratch: what ctc says about an example */
  output *outputs;       /* [n_losses] */
  predicted_part *parts; /* [n_losses] */
  predict_total *totals;
  const predict_sink *sink;
} predictor;

static const variable *variable_of(const predictor *s, int k) { return &s->m->schema.list[s->m->g.losses[k].data]; }

/* How long a step is of what ctc reads. */
static unroll_status find_seconds(const predictor *s, const variable *v, double *seconds, unroll_error *err) {
  for (int i = 0; i < s->m->schema.n; i++) {
    const variable *heard = &s->m->schema.list[i];
    const cell_reader *reader = cell_reader_of(&heard->form);
    if (!heard->step || heard->axis != v->over || !reader->seconds) continue;
    *seconds = reader->seconds(heard);
    return UNROLL_OK;
  }
  return error_set(err, UNROLL_USAGE, "option 'times' is for texts of recordings: what '%s' is read from has no seconds",
                   v->form.name);
}

static unroll_status make_output(predictor *s, int k, unroll_error *err) {
  const variable *v = variable_of(s, k);
  output *o = &s->outputs[k];
  o->first = pass_firsts(s->m, s->d, k);
  o->texts = v->over >= 0 ? mem_zero((size_t)s->d->n_sequences + 1, sizeof *o->texts) : NULL;
  if (!o->first || (v->over >= 0 && !o->texts)) return error_memory(err);
  if (o->texts) return s->sink->times ? find_seconds(s, v, &o->seconds, err) : UNROLL_OK;
  const size_t n = (size_t)o->first[s->d->n_sequences] + 1;
  size_t numbers;
  if (v->form.unit == UNIT_NUMBERS) {
    if (__builtin_mul_overflow(n, (size_t)v->width, &numbers)) return error_memory(err);
    o->numbers = mem_zero(numbers, sizeof *o->numbers);
    const bool compared = s->complete && s->sink->emit && v->form.of->sort == KIND_BOX;
    if (compared) o->truth = mem_zero(numbers, sizeof *o->truth);
    return o->numbers && (o->truth || !compared) ? UNROLL_OK : error_memory(err);
  }
  const bool shares = !s->complete;
  o->symbols = mem_zero(n, sizeof *o->symbols);
  if (shares) o->p = mem_zero(n, sizeof *o->p);
  if (s->sink->crop) {
    if (!__builtin_mul_overflow((size_t)s->d->n_sequences + 1, (size_t)v->words.n, &numbers))
      o->votes = mem_zero(numbers, sizeof *o->votes);
    if (!o->votes) return error_memory(err);
  }
  const bool all = s->sink->all;
  if (all && !__builtin_mul_overflow(n, (size_t)v->words.n, &numbers)) o->all = mem_zero(numbers, sizeof *o->all);
  return o->symbols && (o->p || !shares) && (o->all || !all) ? UNROLL_OK : error_memory(err);
}

/* What is asked for, or what the outputs of quantile() are. */
static unroll_status make_quantiles(predictor *s, int k, unroll_error *err) {
  const distribution *d = &s->s.heads[k];
  output *o = &s->outputs[k];
  size_t size;
  if (!o->numbers || !s->sink->emit) return UNROLL_OK;
  const bool own = !s->sink->levels && d->has_levels;
  o->levels = own ? d->numbers : s->sink->levels;
  o->n_levels = own ? d->n_numbers : s->sink->n_levels;
  if (!o->levels) return UNROLL_OK;
  const size_t each = (size_t)d->width * (size_t)o->n_levels;
  if (__builtin_mul_overflow((size_t)o->first[s->d->n_sequences] + 1, each, &size)) return error_memory(err);
  o->quantiles = mem_zero(size, sizeof *o->quantiles);
  return o->quantiles ? UNROLL_OK : error_memory(err);
}

/* Pieces that overlap by half. */
static unroll_status cut(predictor *s, unroll_error *err) {
  const int64_t steps = s->sink->crop;
  if (!crop_votes(&s->m->g, &s->m->schema))
    return error_set(err, UNROLL_USAGE, "option 'crop' is for labels of whole examples, and this net predicts something else");
  return crop_all(&s->all, &s->m->g, &s->m->schema, steps, (steps + 1) / 2, err);
}

static unroll_status begin(predictor *s, int rows, int steps, pool *workers, unroll_error *err) {
  const graph *g = &s->m->g;
  const pass_options o = {.rows = rows, .steps = steps, .uneven = true, .heads = true};
  unroll_status status = part_whole(&s->all, s->d, err);
  if (!status && s->sink->crop) status = cut(s, err);
  if (!status) status = pass_init(&s->s, s->m, s->m->weights, &s->all, &o, workers, err);
  if (status) return status;
  s->outputs = mem_zero((size_t)g->n_losses, sizeof *s->outputs);
  s->parts = mem_zero((size_t)g->n_losses, sizeof *s->parts);
  if (!s->outputs || !s->parts) return error_memory(err);
  int widest = 1;
  size_t logits = 1, most = 0;
  for (int k = 0; k < g->n_losses && !status; k++) {
    const distribution *d = &s->s.heads[k];
    widest = d->width > widest ? d->width : widest;
    most = (size_t)batcher_steps(s->s.batches) * (size_t)(d->row->aligned ? 0 : d->widths[0]);
    logits = most > logits ? most : logits;
    status = make_output(s, k, err);
    if (!status) status = make_quantiles(s, k, err);
  }
  if (status) return status;
  s->means = mem_zero((size_t)widest, sizeof *s->means);
  s->steps = mem_alloc(logits * sizeof *s->steps);
  return s->means && s->steps ? UNROLL_OK : error_memory(err);
}

static void predictor_free(predictor *s) {
  pass_free(&s->s);
  part_free(&s->all);
  for (int k = 0; s->outputs && k < s->m->g.n_losses; k++) {
    mem_free(s->outputs[k].first);
    mem_free(s->outputs[k].texts);
    arena_free(&s->outputs[k].memory);
    mem_free(s->outputs[k].symbols);
    mem_free(s->outputs[k].p);
    mem_free(s->outputs[k].all);
    mem_free(s->outputs[k].votes);
    mem_free(s->outputs[k].numbers);
    mem_free(s->outputs[k].truth);
    mem_free(s->outputs[k].quantiles);
  }
  mem_free(s->outputs);
  mem_free(s->parts);
  mem_free(s->means);
  mem_free(s->steps);
}

/* The likeliest symbol and its probability, or means and quantiles. */
static void take_one(predictor *s, int k, const prediction *p, int64_t at) {
  const distribution *d = &s->s.heads[k];
  output *o = &s->outputs[k];
  if (distribution_is_symbols(d)) {
    o->symbols[at] = distribution_likeliest(d, p);
    if (o->p) o->p[at] = (float)exp(distribution_log_symbol(d, p, o->symbols[at]));
    if (!o->all) return;
    distribution_probabilities(d, p, s->means);
    for (int j = 0; j < d->width; j++) o->all[at * d->width + j] = (float)s->means[j];
    return;
  }
  distribution_mean(d, p, s->means);
  for (int j = 0; j < d->width; j++) o->numbers[at * d->width + j] = s->means[j];
  for (int i = 0; o->quantiles && i < o->n_levels; i++) {
    distribution_quantile(d, p, o->levels[i], s->means);
    for (int j = 0; j < d->width; j++) o->quantiles[(at * o->n_levels + i) * d->width + j] = s->means[j];
  }
}

/* What quantile() loses is no density, so it is added up in the units of the data. */
static bool is_pinball(const predictor *s, int k) { return s->s.heads[k].has_levels; }

static void compare(predictor *s, int k, const prediction *p, int64_t at, const pass_place *place) {
  const variable *v = variable_of(s, k);
  const column_values *c = &s->d->columns[s->m->g.losses[k].data];
  const output *o = &s->outputs[k];
  const int64_t n = c->first[place->example] + place->step;
  predict_total *t = &s->totals[k];
  if (o->symbols) {
    t->correct += o->symbols[at] == c->symbols[n];
    if (s->sink->ranks) rank_metrics_add(&t->ranks, distribution_rank(&s->s.heads[k], p, c->symbols[n]));
    return;
  }
  for (int j = 0; j < v->width; j++) {
    const double out = o->numbers[at * v->width + j], truth = column_unscaled(c, v, n, j);
    t->correct += (out > 0.5) == (truth > 0.5);
    t->ones.predicted += out > 0.5;
    t->ones.support += truth > 0.5;
    t->ones.correct += out > 0.5 && truth > 0.5;
    if (v->mean && !is_pinball(s, k)) t->nats += log(v->deviation[j]); /* the density in the units of the data */
    t->squared += (out - truth) * (out - truth);
    t->signal += truth * truth;
    s->means[j] = truth;
    if (o->truth) o->truth[at * v->width + j] = truth;
  }
  if (is_pinball(s, k)) t->nats += distribution_pinball(&s->s.heads[k], p, s->means);
}

/* The likeliest path. */
static unroll_status best_path(output *o, const ctc_steps *said, found *to, unroll_error *err) {
  to->list = arena_alloc(&o->memory, 1, sizeof *to->list);
  if (to->list) to->list->symbols = arena_alloc(&o->memory, (size_t)said->n + 1, sizeof *to->list->symbols);
  if (!to->list || !to->list->symbols) return error_memory(err);
  to->n = 1;
  to->list->n = ctc_best_path(said, to->list->symbols);
  to->list->log_probability = (double)NAN;
  return UNROLL_OK;
}

static unroll_status find_times(output *o, const ctc_steps *said, found *to, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  int *steps = mem_alloc(((size_t)said->n + 1) * sizeof *steps);
  to->times = arena_alloc(&o->memory, (size_t)to->n + 1, sizeof *to->times);
  if (!steps || !to->times) status = error_memory(err);
  for (int r = 0; r < to->n && !status; r++) {
    const ctc_text *one = &to->list[r];
    to->times[r] = arena_alloc(&o->memory, (size_t)one->n + 1, sizeof **to->times);
    status = to->times[r] ? ctc_times(said, one->symbols, one->n, steps, err) : error_memory(err);
    for (int i = 0; i < one->n && !status; i++) to->times[r][i] = steps[i] * o->seconds;
  }
  mem_free(steps);
  return status;
}

/* The texts of an example from its logits, in s->steps. */
static unroll_status find_text(predictor *s, int k, int64_t example, unroll_error *err) {
  output *o = &s->outputs[k];
  const int width = s->s.heads[k].widths[0], steps = (int)(o->first[example + 1] - o->first[example]);
  const ctc_steps said = {s->steps, width, steps, width};
  found *to = &o->texts[example];
  for (int64_t i = 0; i < (int64_t)steps * width; i++)
    if (isnan(s->steps[i]) || s->steps[i] == INFINITY) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
  unroll_status status =
      s->sink->search ? ctc_find(&said, s->sink->search, &to->list, &to->n, &o->memory, err) : best_path(o, &said, to, err);
  if (!status && s->sink->times) status = find_times(o, &said, to, err);
  return status;
}

/* Collects what a net of ctc predicts: the steps of each example, one after the other, and its text. */
static unroll_status collect_texts(predictor *s, int k, unroll_error *err) {
  const examples *e = batcher_examples(s->s.batches);
  const int axis_number = variable_of(s, k)->over, width = s->s.heads[k].widths[0];
  const batch_axis *axis = &e->axes[axis_number];
  ptrdiff_t stride;
  const float *x = run_value(s->s.run, s->s.heads[k].nodes[0], &stride);
  unroll_status status = UNROLL_OK;
  for (int q = 0; q < e->b.rows && !status; q++) {
    const int64_t example = e->list[axis->order ? axis->order[q] : q];
    for (int t = 0; t < axis->steps && axis->active[t] > q; t++)
      memcpy(s->steps + (int64_t)t * width, x + (axis->first[t] + q) * stride, (size_t)width * sizeof *x);
    status = find_text(s, k, example, err);
  }
  if (!s->complete) return status;
  s->totals[k].n += examples_predicted(e, k);
  s->totals[k].nats += pass_loss(&s->s, k);
  return status;
}

static void vote(const distribution *d, const prediction *p, double *votes) {
  const double sum = distribution_log_sum(d, p);
  for (int j = 0; j < d->width; j++) votes[j] += (double)p->args[0][j] - sum;
}

/* The mean of the log-probabilities of all pieces of an example is what the net says about it. */
static unroll_status count_votes(predictor *s, int k, unroll_error *err) {
  const distribution *d = &s->s.heads[k];
  const column_values *c = &s->d->columns[s->m->g.losses[k].data];
  float *logits = mem_zero((size_t)d->width + 1, sizeof *logits);
  int64_t *pieces = mem_zero((size_t)s->d->n_sequences + 1, sizeof *pieces);
  if (!logits || !pieces) {
    mem_free(logits);
    mem_free(pieces);
    return error_memory(err);
  }
  for (int64_t i = 0; i < s->all.n; i++) pieces[s->all.list[i]]++;
  for (int64_t i = 0; i < s->d->n_sequences; i++) {
    const pass_place place = {.example = i};
    const prediction p = {.args = {logits}};
    for (int j = 0; j < d->width; j++) logits[j] = (float)(s->outputs[k].votes[i * d->width + j] / (double)pieces[i]);
    take_one(s, k, &p, i);
    if (!s->complete) continue;
    compare(s, k, &p, i, &place);
    s->totals[k].n++;
    s->totals[k].nats -= distribution_log_symbol(d, &p, c->symbols[c->first[i]]);
  }
  mem_free(logits);
  mem_free(pieces);
  return UNROLL_OK;
}

/* Where the truth is a symbol, a finite loss says that the logits are fine. To look at each of a large vocabulary takes time. */
static bool has_symbol(const predictor *s, int k, const pass_place *place) {
  const column_values *c = &s->d->columns[s->m->g.losses[k].data];
  return c->symbols && c->symbols[c->first[place->example] + place->step] >= 0;
}

static unroll_status collect(predictor *s, int k, unroll_error *err) {
  if (s->outputs[k].texts) return collect_texts(s, k, err);
  const distribution *d = &s->s.heads[k];
  const int64_t rows = batcher_loss_rows(s->s.batches, k);
  const bool sure = s->complete && distribution_is_symbols(d) && isfinite(pass_loss(&s->s, k));
  for (int64_t i = 0; i < rows; i++) {
    const pass_place place = pass_at(&s->s, k, i);
    const int64_t at = s->outputs[k].first[place.example] + place.step;
    const prediction p = distribution_at(d, s->s.run, i, place.row);
    if (!(sure && has_symbol(s, k, &place)) && !distribution_finite(d, &p))
      return error_set(err, UNROLL_FAILED, "the model's output is not finite");
    if (s->outputs[k].votes) {
      vote(d, &p, s->outputs[k].votes + place.example * d->width);
      continue;
    }
    take_one(s, k, &p, at);
    if (s->complete) compare(s, k, &p, at, &place);
  }
  if (s->complete && !s->outputs[k].votes) {
    s->totals[k].n += rows;
    if (!is_pinball(s, k)) s->totals[k].nats += pass_loss(&s->s, k);
  }
  return UNROLL_OK;
}

static unroll_status take(void *context, unroll_error *err) {
  predictor *s = context;
  unroll_status status = UNROLL_OK;
  for (int k = 0; k < s->m->g.n_losses && !status; k++) status = collect(s, k, err);
  return status;
}

/* What is said of example i; of ctc the text of that rank, and nothing where there are less. */
static predicted_part part_of(const predictor *s, int k, int64_t i, int rank) {
  const output *o = &s->outputs[k];
  const variable *v = variable_of(s, k);
  const column_values *c = &s->d->columns[s->m->g.losses[k].data];
  const bool truth = s->complete && v->form.unit != UNIT_NUMBERS;
  const found *f = o->texts ? &o->texts[i] : NULL;
  const ctc_text *one = f && rank < f->n ? &f->list[rank] : NULL;
  static const int32_t none[1];
  return (predicted_part){.v = v,
                          .distribution = s->m->g.losses[k].distribution,
                          .n = one ? one->n
                               : f ? 0
                                   : o->first[i + 1] - o->first[i],
                          .symbols = one          ? one->symbols
                                     : f          ? none
                                     : o->symbols ? o->symbols + o->first[i]
                                                  : NULL,
                          .times = one && f->times ? f->times[rank] : NULL,
                          .p = o->p ? o->p + o->first[i] : NULL,
                          .all = o->all ? o->all + o->first[i] * v->words.n : NULL,
                          .truth = truth ? c->symbols + c->first[i] : NULL,
                          .n_truth = truth ? c->first[i + 1] - c->first[i] : 0,
                          .numbers = o->numbers ? o->numbers + o->first[i] * v->width : NULL,
                          .true_numbers = o->truth ? o->truth + o->first[i] * v->width : NULL,
                          .levels = o->levels,
                          .n_levels = o->n_levels,
                          .quantiles = o->quantiles ? o->quantiles + o->first[i] * o->n_levels * v->width : NULL};
}

static unroll_status emit_all(predictor *s, const predict_sink *sink, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  const int losses = s->m->g.n_losses;
  for (int64_t i = 0; i < s->d->n_sequences && !status; i++) {
    int ranks = 1;
    for (int k = 0; k < losses; k++)
      if (s->outputs[k].texts && s->outputs[k].texts[i].n > ranks) ranks = s->outputs[k].texts[i].n;
    for (int r = 0; r < ranks && !status; r++) {
      predicted p = {.number = i, .rank = r, .log_probability = (double)NAN, .parts = s->parts, .n = losses};
      for (int k = 0; k < losses; k++) {
        const found *f = s->outputs[k].texts ? &s->outputs[k].texts[i] : NULL;
        s->parts[k] = part_of(s, k, i, r);
        if (f && r < f->n && sink->search && sink->search->best > 1) p.log_probability = f->list[r].log_probability;
      }
      status = sink->emit(sink->context, &p, err);
    }
  }
  return status;
}

/* Sums become means. */
static void finish_totals(predictor *s) {
  for (int k = 0; k < s->m->g.n_losses; k++) {
    predict_total *t = &s->totals[k];
    const int width = variable_of(s, k)->form.unit != UNIT_NUMBERS ? 1 : variable_of(s, k)->width;
    const double entries = (double)t->n * width;
    t->name = s->m->g.data[s->m->g.losses[k].data].name;
    t->distribution = s->m->g.losses[k].distribution;
    t->pinball = is_pinball(s, k);
    if (t->n == 0) continue;
    t->correct /= entries;
    t->squared /= entries;
    t->signal /= entries;
  }
}

unroll_status predict(const model *m, const dataset *d, bool complete, int rows, int steps, pool *workers, const predict_sink *sink,
                      predict_total *totals, unroll_error *err) {
  predictor s = {.m = m, .d = d, .complete = complete, .totals = totals, .sink = sink};
  if (complete) memset(totals, 0, (size_t)m->g.n_losses * sizeof *totals);
  for (int k = 0; complete && sink->ranks && k < m->g.n_losses; k++) totals[k].ranks = *sink->ranks;
  unroll_status status = begin(&s, rows, steps, workers, err);
  if (!status) status = pass_all(&s.s, take, &s, sink->stop, err);
  for (int k = 0; k < m->g.n_losses && sink->crop && !status; k++) status = count_votes(&s, k, err);
  if (!status && complete) finish_totals(&s);
  if (!status && sink->emit) status = emit_all(&s, sink, err);
  predictor_free(&s);
  return status;
}
