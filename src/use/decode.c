/* decode.c - see decode.h: the cut net, its plans, and groups of examples from the encoder to the results. */
#include "use/decode.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/budget.h"
#include "base/error.h"
#include "ranks/ranks.h"
#include "use/decoder.h"

/* A plan for fewer rows adds in another order (plan/schedule.c), and the bits must not tell how many ran side by side. */
enum { LEAST_ROWS = 16 };
enum { ROWS = 32, WARM_STEPS = 128, DEFAULT_LENGTH = 1000, MORE = 50 };

void decode_defaults(decode_options *o) {
  *o = (decode_options){.beam = 1, .best = 1, .choice = {.temperature = 1}, .seed = 1, .length = -1, .rows = ROWS};
}

static int rows_of_example(const decode_options *o) {
  if (!o->samples) return o->beam;
  return o->samples < o->rows ? (int)o->samples : o->rows;
}

int decode_group(const decode_options *o) {
  const int group = o->rows / rows_of_example(o);
  return group > 0 ? group : 1;
}

bool decode_is_for(const graph *g) {
  int axis;
  return cut_axis(&axis, g, NULL) != UNROLL_OK || axis >= 0;
}

static unroll_status check(const decode_options *o, unroll_error *err) {
  if (o->beam < 1 || o->best < 1 || o->best > o->beam)
    return error_set(err, UNROLL_USAGE, "of a beam of %d not %d hypotheses can come out", o->beam, o->best);
  if (o->samples < 0 || o->length < -1 || o->rows < 1) return error_set(err, UNROLL_USAGE, "there is nothing to generate");
  if (!(o->choice.temperature >= 0) || !isfinite(o->choice.temperature))
    return error_set(err, UNROLL_USAGE, "the temperature must be at least 0");
  if (o->choice.top_k < 0) return error_set(err, UNROLL_USAGE, "top-k must be at least 0");
  if (!(o->choice.top_p >= 0 && o->choice.top_p <= 1)) return error_set(err, UNROLL_USAGE, "top-p must be within 0 and 1");
  if (!(o->penalty >= 0) || !isfinite(o->penalty)) return error_set(err, UNROLL_USAGE, "the length penalty must be at least 0");
  return UNROLL_OK;
}

/* --- heads --- */

/* Marks what a node of the decoder reads in the same step: which heads' values. */
static bool sees(const decoder *s, int top, int data, bool *seen, int *todo) {
  const graph *g = &s->c.decoder;
  int n = 0;
  memset(seen, 0, (size_t)g->n_nodes * sizeof *seen);
  todo[n++] = top;
  while (n) {
    const node *x = &g->nodes[todo[--n]];
    if ((x->op == OP_INPUT || x->op == OP_EMBED) && g->inputs[x->slot].data == data && g->inputs[x->slot].lag == 0) return true;
    if (x->op == OP_SHIFT) continue; /* a step before */
    for (int a = 0; a < NODE_INPUTS; a++)
      if (x->in[a] >= 0 && !seen[x->in[a]]) seen[x->in[a]] = true, todo[n++] = x->in[a];
  }
  return false;
}

static unroll_status set_levels(decoder *s, unroll_error *err) {
  const graph *g = &s->c.decoder;
  for (int i = 0; i < g->n_inputs; i++) s->again |= g->inputs[i].data >= 0 && g->inputs[i].lag == 0 && s->c.fed[g->inputs[i].data];
  s->levels = 1;
  if (!s->again) return UNROLL_OK;
  bool *seen = mem_zero((size_t)g->n_nodes + 1, sizeof *seen);
  int *todo = mem_zero((size_t)g->n_nodes + 1, sizeof *todo);
  for (int round = 0; seen && todo && round < s->n_heads; round++) /* what is seen cannot see: no cycle, so as many rounds do */
    for (int k = 0; k < s->n_heads; k++)
      for (int j = 0; j < s->n_heads; j++)
        for (int a = 0; a < s->heads[k].d.n_args; a++)
          if (s->heads[j].level >= s->heads[k].level && j != k && sees(s, s->heads[k].d.nodes[a], s->heads[j].data, seen, todo)) {
            s->heads[k].level = s->heads[j].level + 1;
            if (s->levels <= s->heads[k].level) s->levels = s->heads[k].level + 1;
          }
  const bool full = seen && todo;
  mem_free(seen);
  mem_free(todo);
  if (full && s->levels > s->n_heads)
    return error_set(err, UNROLL_USAGE, "what is predicted at the same step needs each other's values");
  return full ? UNROLL_OK : error_memory(err);
}

/* Does what is drawn know the ways of drawing that are asked for? */
static unroll_status check_choice(const decoder *s, unroll_error *err) {
  const draw_choice *how = &s->o->choice;
  bool symbols = false;
  for (int k = 0; k < s->n_heads; k++) {
    if (s->heads[k].ends) continue;
    symbols |= distribution_is_symbols(&s->heads[k].d);
    const unroll_status status = distribution_check_choice(&s->heads[k].d, how, err);
    if (status) return status;
  }
  if (symbols || (how->top_k <= 0 && (how->top_p <= 0 || how->top_p >= 1))) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE,
                   "this model draws numbers, of which none is among the likeliest: top-k and top-p are for symbols");
}

static unroll_status make_heads(decoder *s, unroll_error *err) {
  const graph *h = &s->c.heads;
  unroll_status status = UNROLL_OK;
  s->heads = mem_zero((size_t)h->n_losses + 1, sizeof *s->heads);
  s->parts = mem_zero((size_t)h->n_losses + 1, sizeof *s->parts);
  if (!s->heads || !s->parts) return error_memory(err);
  for (int k = 0; k < h->n_losses && !status; k++, s->n_heads++) {
    const int data = h->losses[k].data;
    const variable *v = &s->m->schema.list[data];
    head *one = &s->heads[k];
    const loss *of = &s->m->g.losses[s->c.losses[k]];
    *one = (head){.loss = s->c.losses[k], .data = data, .slot = of->slot, .seen = of->seen, .end = -1};
    status = distribution_of(&one->d, h, k, v, err);
    one->ends = variable_is_end(v);
    if (status || !distribution_is_symbols(&one->d)) continue;
    one->words = &v->words;
    one->end = one->words->end;
  }
  if (!status && s->o->beam > 1 && (s->n_heads != 1 || !s->heads[0].words))
    status = error_set(err, UNROLL_USAGE, "beam search is for nets that generate one variable of symbols");
  if (!status && s->o->samples) status = check_choice(s, err);
  return status ? status : set_levels(s, err);
}

/* --- plans --- */

static int bound_rows(int rows) { return rows > LEAST_ROWS ? rows : LEAST_ROWS; }

static unroll_status plan_encoder(decoder *s, int *keep, unroll_error *err) {
  int n = 0;
  for (int i = 0; i < s->c.n_boundary; i++) keep[n++] = s->c.boundary[i].node;
  for (int i = 0; i < s->c.decoder.n_carries; i++)
    if (s->c.starts[i] != NODE_NONE) keep[n++] = s->c.starts[i];
  if (!n) return UNROLL_OK;
  const plan_options options = {.precision = s->m->precision,
                                .max_rows = bound_rows(s->group),
                                .max_steps = s->source->steps,
                                .max_cells = s->source->cells,
                                .keep = keep,
                                .n_keep = n};
  return run_make(&s->encoder, &s->encode, &s->c.encoder, &options, s->m->weights, s->workers, err);
}

static unroll_status plan_decoder(decoder *s, plan **p, run **r, int rows, int steps, const int *keep, int n, unroll_error *err) {
  const int axes = s->c.decoder.n_axes;
  int64_t *cells = mem_zero((size_t)axes + 1, sizeof *cells), most = (int64_t)rows * steps;
  if (!cells) return error_memory(err);
  for (int a = 0; a < axes; a++) {
    cells[a] = a == s->c.axis ? (int64_t)rows * steps : s->source->cells * (rows / s->group);
    if (cells[a] > most) most = cells[a];
  }
  const plan_options options = {.precision = s->m->precision,
                                .max_rows = bound_rows(rows),
                                .max_steps = steps > s->source->steps ? steps : s->source->steps,
                                .max_cells = most,
                                .axis_cells = cells,
                                .keep = keep,
                                .n_keep = n};
  const unroll_status status = run_make(r, p, &s->c.decoder, &options, s->m->weights, s->workers, err);
  mem_free(cells);
  return status;
}

static int64_t known_of(const decoder *s, int64_t example) { return s->source->known ? s->source->known[example] : 0; }

static unroll_status make_plans(decoder *s, unroll_error *err) {
  const size_t most = (size_t)s->c.n_boundary + (size_t)s->c.decoder.n_carries + (size_t)s->n_heads * LOSS_ARGS + 1;
  int *keep = mem_zero(most, sizeof *keep), n = 0;
  int warm = 0;
  if (!keep) return error_memory(err);
  unroll_status status = plan_encoder(s, keep, err);
  for (int64_t i = 0; i < s->source->n; i++)
    if (known_of(s, i) > warm) warm = (int)(known_of(s, i) < WARM_STEPS ? known_of(s, i) : WARM_STEPS);
  s->warm_steps = warm;
  if (!status && warm) status = plan_decoder(s, &s->warm, &s->warmer, s->group, warm, NULL, 0, err);
  if (!status && warm) status = feed_init(&s->warm_feed, s, s->group, warm, err);
  for (int k = 0; k < s->n_heads; k++)
    for (int a = 0; a < s->heads[k].d.n_args; a++) keep[n++] = s->heads[k].d.nodes[a];
  if (!status) status = plan_decoder(s, &s->step, &s->stepper, s->group * s->width, 1, keep, n, err);
  if (!status) status = feed_init(&s->feed, s, s->group * s->width, 1, err);
  mem_free(keep);
  return status;
}

/* --- memory --- */

static unroll_status make_room(decoder *s, unroll_error *err) {
  const graph *g = &s->c.decoder;
  const size_t group = (size_t)s->group, max = group * (size_t)s->width,
               threads = s->workers ? (size_t)pool_threads(s->workers) : 1;
  size_t states = 0;
  s->start_rows = bound_rows(s->group);
  s->carry_rows = bound_rows(s->group * s->width);
  for (int c = 0; c < g->n_carries; c++) states += (size_t)g->carries[c].width;
  for (int k = 0; k < s->n_heads; k++) {
    const size_t need = distribution_scratch(&s->heads[k].d);
    if (need > s->scratch_size) s->scratch_size = (need + 63) / 64 * 64;
  }
  s->start = mem_zero((size_t)s->start_rows * states + 1, sizeof *s->start);
  s->carry = mem_zero((size_t)s->carry_rows * states + 1, sizeof *s->carry);
  s->carry_new = mem_zero((size_t)s->carry_rows * states + 1, sizeof *s->carry_new);
  s->place = mem_zero(group * (size_t)g->n_axes + 1, sizeof *s->place);
  s->known = mem_zero(group, sizeof *s->known);
  s->limit = mem_zero(group, sizeof *s->limit);
  s->n_results = mem_zero(group, sizeof *s->n_results);
  s->from = mem_zero(2 * max, sizeof *s->from);
  s->best = mem_zero(max * 2 * (size_t)s->width, sizeof *s->best);
  s->scratch = mem_zero(threads, s->scratch_size + 1);
  s->bad = mem_zero(threads, sizeof *s->bad);
  s->whole_slot = mem_zero((size_t)g->n_inputs + 1, sizeof *s->whole_slot);
  if (!s->start || !s->carry || !s->carry_new || !s->place || !s->known || !s->limit || !s->n_results || !s->from || !s->best ||
      !s->scratch || !s->bad || !s->whole_slot)
    return error_memory(err);
  for (int i = 0; i < g->n_inputs; i++) {
    const input *in = &g->inputs[i];
    s->whole_slot[i] = -1;
    for (int k = 0; k < s->m->g.n_inputs; k++)
      if (s->m->g.inputs[k].data == in->data && s->m->g.inputs[k].lag == in->lag && s->m->g.inputs[k].seen == in->seen)
        s->whole_slot[i] = k;
    const bool on_axis = in->space == SPACE_STEP && (in->axis == s->c.axis || in->axis == s->m->g.n_axes);
    if (on_axis && (in->data < 0 || !s->c.fed[in->data])) s->bounded = true;
  }
  return UNROLL_OK;
}

static void rows_free(const decoder *s, rowset *r) {
  for (int k = 0; r->heads && k < s->n_heads; k++) {
    mem_free(r->heads[k].symbols);
    mem_free(r->heads[k].numbers);
    mem_free(r->heads[k].units);
  }
  mem_free(r->heads);
  mem_free(r->list);
  *r = (rowset){0};
}

static unroll_status rows_new(const decoder *s, rowset *r, size_t n, unroll_error *err) {
  size_t cells, numbers, bytes;
  rows_free(s, r);
  r->list = mem_zero(n, sizeof *r->list);
  r->heads = mem_zero((size_t)s->n_heads + 1, sizeof *r->heads);
  if (!r->list || !r->heads || __builtin_mul_overflow(n, (size_t)s->room, &cells)) return error_memory(err);
  for (int k = 0; k < s->n_heads; k++) {
    values *v = &r->heads[k];
    if (s->heads[k].words) {
      if (!(v->symbols = mem_zero(cells, sizeof *v->symbols))) return error_memory(err);
      continue;
    }
    if (__builtin_mul_overflow(cells, (size_t)s->heads[k].d.width, &numbers)) return error_memory(err);
    if (__builtin_mul_overflow(numbers, 2 * sizeof *v->numbers, &bytes)) bytes = SIZE_MAX;
    const unroll_status status = budget_check(bytes, "what this net draws", err);
    if (status) return status;
    v->numbers = mem_zero(numbers, sizeof *v->numbers);
    v->units = mem_zero(numbers, sizeof *v->units);
    if (!v->numbers || !v->units) return error_memory(err);
  }
  return UNROLL_OK;
}

static void decoder_free(decoder *s) {
  rows_free(s, &s->now);
  rows_free(s, &s->next);
  rows_free(s, &s->results);
  feed_free(&s->feed, s);
  feed_free(&s->warm_feed, s);
  run_free(s->encoder);
  run_free(s->warmer);
  run_free(s->stepper);
  plan_free(s->encode);
  plan_free(s->warm);
  plan_free(s->step);
  cut_free(&s->c);
  mem_free(s->heads);
  mem_free(s->parts);
  mem_free(s->whole_slot);
  mem_free(s->start);
  mem_free(s->carry);
  mem_free(s->carry_new);
  mem_free(s->place);
  mem_free(s->known);
  mem_free(s->limit);
  mem_free(s->n_results);
  mem_free(s->from);
  mem_free(s->best);
  mem_free(s->scratch);
  mem_free(s->bad);
}

static unroll_status begin(decoder *s, unroll_error *err) {
  int axis;
  unroll_status status = check(s->o, err);
  if (!status) status = cut_axis(&axis, &s->m->g, err);
  if (!status && axis < 0)
    status = error_set(err, UNROLL_USAGE, "this net generates nothing: it predicts nothing from its own earlier values");
  if (!status) status = cut_graph(&s->c, &s->m->g, axis, err);
  if (!status) status = make_heads(s, err);
  if (!status) status = make_room(s, err);
  return status ? status : make_plans(s, err);
}

/* --- a group --- */

static int64_t steps_on(const decoder *s, int axis, int example) {
  const batch_axis *a = &s->b->axes[axis];
  int low = 0, high = a->steps; /* active never increases: the first step without the example */
  while (low < high) {
    const int middle = (low + high) / 2;
    if (a->active[middle] > s->place[axis * s->group + example])
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static int64_t limit_of(const decoder *s, int example) {
  const int64_t number = s->first + example;
  int64_t longest = 0;
  if (s->bounded) {
    const int64_t left = steps_on(s, s->c.axis, example) - s->known[example];
    const int64_t asked = s->source->length ? s->source->length[number] : left;
    return left < 0 ? 0 : asked < left ? asked : left;
  }
  if (s->source->length) return s->source->length[number];
  if (s->o->length >= 0) return s->o->length;
  for (int a = 0; a < s->m->g.n_axes; a++)
    if (a != s->c.axis && steps_on(s, a, example) > longest) longest = steps_on(s, a, example);
  return longest ? 2 * longest + MORE : DEFAULT_LENGTH;
}

static unroll_status measure(decoder *s, unroll_error *err) {
  int64_t longest = 1;
  for (int a = 0; a < s->m->g.n_axes; a++)
    for (int q = 0; q < s->n; q++) s->place[a * s->group + (s->b->axes[a].order ? s->b->axes[a].order[q] : q)] = q;
  for (int e = 0; e < s->n; e++) {
    s->known[e] = known_of(s, s->first + e);
    s->limit[e] = limit_of(s, e);
    if (s->limit[e] > longest) longest = s->limit[e];
  }
  if (longest <= s->room) return UNROLL_OK;
  s->room = longest;
  const size_t max = (size_t)s->group * (size_t)s->width;
  unroll_status status = rows_new(s, &s->now, max, err);
  if (!status) status = rows_new(s, &s->next, max, err);
  return status ? status : rows_new(s, &s->results, 2 * max, err);
}

/* What the recurrences start from. */
static void set_starts(decoder *s) {
  float *to = s->start;
  for (int c = 0; c < s->c.decoder.n_carries; c++) {
    const int from = s->c.starts[c];
    const size_t width = (size_t)s->c.decoder.carries[c].width;
    ptrdiff_t stride = 0;
    const float *x = from == NODE_NONE ? NULL : run_value(s->encoder, from, &stride);
    if (x && s->m->g.nodes[from].space == SPACE_PARAM) stride = 0;
    for (int e = 0; e < s->start_rows; e++, to += width) {
      if (x && e < s->n)
        memcpy(to, x + e * stride, width * sizeof *to);
      else
        memset(to, 0, width * sizeof *to);
    }
  }
}

/* Takes over the states of the examples that had no step in the last pass. */
static void keep_idle(decoder *s, const float *before, float *after) {
  for (int c = 0; c < s->c.decoder.n_carries; c++) {
    const size_t width = (size_t)s->c.decoder.carries[c].width;
    for (int e = 0; e < s->start_rows; e++, before += width, after += width)
      if (e >= s->n || !s->warm_feed.rows[e].count) memcpy(after, before, width * sizeof *after);
  }
}

/* The known steps, some at a time: s->start becomes the states after them. */
static unroll_status warm_up(decoder *s, unroll_error *err) {
  int64_t longest = 0;
  for (int e = 0; e < s->n; e++)
    if (s->known[e] > longest) longest = s->known[e];
  if (!longest) return UNROLL_OK;
  for (int e = 0; e < s->n; e++) s->warm_feed.rows[e] = (feed_row){.example = e, .history = -1};
  feed_set_rows(&s->warm_feed, s, s->n);
  for (int64_t from = 0; from < longest; from += s->warm_steps) {
    if (s->sink->stop && *s->sink->stop) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
    bool idle = s->n < s->start_rows;
    for (int e = 0; e < s->n; e++) {
      const int64_t left = s->known[e] - from;
      s->warm_feed.rows[e].from = from;
      s->warm_feed.rows[e].count = (int)(left < 0 ? 0 : left < s->warm_steps ? left : s->warm_steps);
      idle |= left <= 0;
    }
    run_carry_set(s->warmer, s->start);
    feed_set_steps(&s->warm_feed, s);
    run_pass(s->warmer, &s->warm_feed.b, 0);
    if (idle) memcpy(s->carry, s->start, (size_t)run_carry_size(s->warmer) * sizeof *s->carry);
    run_carry_get(s->warmer, s->start);
    if (idle) keep_idle(s, s->carry, s->start);
  }
  return UNROLL_OK;
}

/* The rows of each example, samples from `sample` on. */
static void set_rows(decoder *s, int64_t sample) {
  int n = 0;
  const int64_t left = s->o->samples - sample;
  const int each = !s->o->samples ? 1 : left < s->width ? (int)left : s->width;
  for (int e = 0; e < s->n; e++)
    for (int i = 0; i < each && s->limit[e] > 0; i++) {
      s->from[n] = e;
      s->now.list[n] = (hypothesis){.example = e, .number = sample + i};
      s->feed.rows[n] = (feed_row){.example = e, .history = n, .count = 1};
      n++;
    }
  s->now.n = n;
  memset(s->n_results, 0, (size_t)s->group * sizeof *s->n_results);
  for (int e = 0; e < s->n; e++)
    for (int i = 0; i < each && s->limit[e] <= 0; i++) /* there is nothing to draw */
      s->results.list[e * 2 * s->width + s->n_results[e]++] = (hypothesis){.example = e, .number = sample + i, .over = true};
  if (!n) return;
  const float *from = s->start;
  float *to = s->carry;
  for (int c = 0; c < s->c.decoder.n_carries; c++) {
    const size_t width = (size_t)s->c.decoder.carries[c].width;
    for (int i = 0; i < n; i++) memcpy(to + (size_t)i * width, from + (size_t)s->from[i] * width, width * sizeof *to);
    from += (size_t)s->start_rows * width;
    to += (size_t)s->carry_rows * width;
  }
  run_carry_set(s->stepper, s->carry);
  feed_set_rows(&s->feed, s, n);
}

/* --- results --- */

/* Better ones first: those that ended, by score, in the order in which they were found. Samples go by number. */
static bool before(const decoder *s, const hypothesis *a, const hypothesis *b) {
  if (s->o->samples) return a->number < b->number;
  const bool x = a->closed || a->marked || s->bounded, y = b->closed || b->marked || s->bounded;
  return x != y ? x : decoder_score(s, a) > decoder_score(s, b);
}

static unroll_status emit_one(decoder *s, int at, int64_t number, unroll_error *err) {
  const hypothesis *h = &s->results.list[at];
  for (int k = 0; k < s->n_heads; k++) {
    const values *v = &s->results.heads[k];
    const int64_t cell = at * s->room;
    s->parts[k] = (decoded_part){.loss = s->heads[k].loss,
                                 .words = s->heads[k].words,
                                 .width = s->heads[k].d.width,
                                 .ends = s->heads[k].ends,
                                 .symbols = v->symbols ? v->symbols + cell : NULL,
                                 .numbers = v->units ? v->units + cell * s->heads[k].d.width : NULL};
  }
  const decoded d = {.example = s->first + h->example,
                     .number = number,
                     .parts = s->parts,
                     .n_parts = s->n_heads,
                     .n = h->n - h->closed,
                     .log_probability = h->log_p,
                     .score = decoder_score(s, h),
                     .ended = h->closed || h->marked || (s->bounded && h->over)};
  return s->sink->emit(s->sink->context, &d, err);
}

static unroll_status emit_all(decoder *s, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int e = 0; e < s->n && !status; e++) {
    const int first = e * 2 * s->width;
    int *order = s->from, n = 0;
    for (int i = 0; i < s->n_results[e]; i++) {
      int k = n++;
      for (; k > 0 && before(s, &s->results.list[first + i], &s->results.list[order[k - 1]]); k--) order[k] = order[k - 1];
      order[k] = first + i;
    }
    for (int i = 0; i < n && (s->o->samples || i < s->o->best) && !status; i++)
      status = emit_one(s, order[i], s->o->samples ? s->results.list[order[i]].number : i, err);
  }
  return status;
}

static unroll_status run_group(decoder *s, unroll_error *err) {
  s->n = (int)(s->source->n - s->first < s->group ? s->source->n - s->first : s->group);
  s->b = s->source->fill(s->source->context, s->first, s->n);
  unroll_status status = measure(s, err);
  if (status) return status;
  if (s->encoder) run_pass(s->encoder, s->b, 0);
  set_starts(s);
  status = warm_up(s, err);
  for (int64_t sample = 0; !status && (sample == 0 || sample < s->o->samples); sample += s->width) {
    set_rows(s, sample);
    status = decoder_run(s, err);
    if (!status) status = emit_all(s, err);
  }
  return status;
}

unroll_status decode(const model *m, const decode_options *o, const decode_source *source, pool *workers, const decode_sink *sink,
                     unroll_error *err) {
  decoder s = {.m = m, .o = o, .source = source, .workers = workers, .sink = sink};
  s.width = rows_of_example(o);
  s.group = decode_group(o);
  const ranks *r = ranks_here();
  const int64_t most = r ? (source->n + r->count - 1) / r->count : source->n; /* so that each rank has some */
  if (s.group > most && most > 0) s.group = (int)most;
  unroll_status status = begin(&s, err);
  if (!status && r) {
    status = decode_shared(&s, r, run_group, err);
    decoder_free(&s);
    return status;
  }
  for (s.first = 0; !status && s.first < source->n; s.first += s.group) {
    if (sink->stop && *sink->stop) status = error_set(err, UNROLL_INTERRUPTED, "interrupted");
    if (!status) status = run_group(&s, err);
  }
  decoder_free(&s);
  return status;
}
