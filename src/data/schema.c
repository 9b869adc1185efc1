/* schema.c - see schema.h: what graph and data say about the variables, and their vocabularies. */
#include "data/schema.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "symbols/bpe.h"

unroll_status schema_new(schema *s, const data_form *forms, int n, unroll_error *err) {
  *s = (schema){.list = mem_zero((size_t)n + 1, sizeof *s->list), .n = n};
  if (!s->list) return error_memory(err);
  for (int i = 0; i < n; i++) s->list[i] = (variable){.form = forms[i], .axis = -1, .over = -1, .words = {.end = -1}};
  return UNROLL_OK;
}

bool schema_is_text(const schema *s) { return s->n == 1 && unit_is_text(s->list->form.unit); }

bool schema_streams(const schema *s) {
  bool any = false;
  for (int i = 0; i < s->n; i++) any |= s->list[i].form.stream;
  return any;
}

void schema_free(schema *s) {
  for (int i = 0; s->list && i < s->n; i++) {
    vocabulary_free(&s->list[i].words);
    mem_free(s->list[i].mean);
    mem_free(s->list[i].deviation);
  }
  mem_free(s->list);
  mem_free(s->tagged);
  mem_free(s->time.time);
  mem_free(s->time.series);
  mem_free(s->time.trained);
  mem_free(s->time.chosen);
  lexicon_free(&s->time.names);
  *s = (schema){0};
}

/* Which data do the losses and distributions read? What else is read has its place in weights of the objective alone. */
static unroll_status find_weights(schema *s, const graph *g, unroll_error *err) {
  bool *needed = mem_zero((size_t)g->n_nodes + 1, sizeof *needed);
  int *stack = mem_zero((size_t)g->n_nodes + 1, sizeof *stack), n = 0;
  const unroll_status status = needed && stack ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n; i++) s->list[i].weighs = false;
  for (int i = 0; i < g->n_inputs && !status; i++)
    if (g->inputs[i].data >= 0 && g->inputs[i].data < s->n) s->list[g->inputs[i].data].weighs = true;
  for (int k = 0; k < g->n_losses && !status; k++) {
    for (int i = -1; i < g->losses[k].n_args; i++) {
      const int root = i < 0 ? g->losses[k].node : g->losses[k].args[i];
      if (!needed[root]) needed[stack[n++] = root] = true;
    }
    if (g->losses[k].data < s->n) s->list[g->losses[k].data].weighs = false;
  }
  while (n > 0) {
    const node *x = &g->nodes[stack[--n]];
    const bool looks = x->slot >= 0 && (x->op == OP_INPUT || x->op == OP_EMBED || x->op == OP_CROSS_ENTROPY || x->op == OP_CTC);
    if (looks && g->inputs[x->slot].data < s->n) s->list[g->inputs[x->slot].data].weighs = false;
    for (int i = 0; i < NODE_INPUTS; i++)
      if (x->in[i] >= 0 && !needed[x->in[i]]) needed[stack[n++] = x->in[i]] = true;
  }
  mem_free(needed);
  mem_free(stack);
  return status;
}

unroll_status schema_of_graph(schema *s, const graph *g, unroll_error *err) {
  for (int i = 0; i < s->n && i < g->n_data; i++) {
    variable *v = &s->list[i];
    const data_info *d = &g->data[i];
    const enum symbol_unit unit = v->form.unit;
    v->step = d->space == SPACE_STEP;
    v->axis = v->step ? d->axis : -1;
    v->over = -1;
    memcpy(v->args, d->args, sizeof v->args);
    v->n_args = d->n_args;
    v->most = unit != UNIT_NUMBERS && d->n_args ? (int)d->args[0] : 0;
    if (unit == UNIT_NUMBERS) v->width = d->width;
    if (v->form.of->sort == KIND_PICTURE) v->shape = (picture_shape){(int)d->args[0], (int)d->args[1], (int)d->args[2]};
    for (int k = 0; k < g->n_losses; k++) {
      const loss *l = &g->losses[k];
      const node *w = l->weight == NODE_NONE ? NULL : graph_at(g, l->weight);
      if (w && w->op == OP_INPUT && g->inputs[w->slot].data == i) v->factor = true;
      if (l->data != i) continue;
      v->predicted = true;
      v->distribution = l->distribution;
      if (!l->distribution->aligned) v->over = graph_at(g, l->prediction)->axis;
    }
    for (int k = 0; k < g->n_inputs; k++) v->fed_back |= v->predicted && g->inputs[k].data == i && g->inputs[k].lag > 0;
    const bool is_text = unit_is_text(unit);
    v->ends = is_text && v->over < 0 && !v->form.stream && (v->form.lines || (v->fed_back && !schema_is_text(s)));
  }
  return find_weights(s, g, err);
}

const char *variable_refuses(const variable *v, int j, double x) {
  if (v->factor && x < 0) return "is negative, and weights cannot be";
  if (v->form.of->sort == KIND_BOX && j >= 2 && x < 0) return "is negative, and it is the width or height of a box";
  switch (variable_support(v, j)) {
  case SUPPORT_BIT:
    return x == 0 || x == 1 ? NULL : "is neither 0 nor 1, and the net predicts bits (bernoulli, the last number of a pen)";
  case SUPPORT_COUNT:
    return x >= 0 && x == floor(x) ? NULL : "is no count, and negative_binomial predicts counts: 0, 1, 2 ...";
  case SUPPORT_REAL:
  case SUPPORT_PEN:
  case SUPPORT_SYMBOLS:
    return NULL;
  }
  return NULL;
}

int schema_bindings(const schema *s, binding *out) {
  int n = 0;
  for (int i = 0; i < s->n; i++) {
    const variable *v = &s->list[i];
    const int width = v->form.unit == UNIT_NUMBERS ? v->width : v->words.n;
    if (width > 0) out[n++] = (binding){v->form.name, width};
  }
  return n;
}

/* --- vocabularies --- */

/* Collects the codes of all sets, or of the first where there is a symbol for what is not known. */
static unroll_status collect_codes(variable *v, int i, const dataset *sets, int n, unroll_error *err) {
  static const int32_t unknown = UNKNOWN_CODE;
  const int32_t *codes[4];
  int64_t counts[4];
  if (v->form.unknown) n = 1;
  for (int k = 0; k < n; k++) {
    codes[k] = sets[k].columns ? sets[k].columns[i].symbols : NULL;
    counts[k] = sets[k].columns ? sets[k].columns[i].n : 0;
  }
  codes[n] = &unknown;
  counts[n] = v->form.unknown;
  const unroll_status status = vocabulary_collect(&v->words, v->form.unit, v->ends, codes, counts, n + 1, err);
  return !status && v->form.unknown ? vocabulary_open(&v->words, err) : status;
}

/* <unk>, and how many of the texts are there at least twice. */
static int seen_twice(const lexicon *l, bool lines) {
  int n = 1 + lines;
  for (int32_t i = 0; i < l->n; i++) n += l->count[i] > 1;
  return n;
}

/* How many words a vocabulary holds. <unk> stands for all that it lacks, and is learned only where training meets it. So where all
 * words fit in, those that occur once are left out, unless they are much of what is read, as in little data. What is predicted
 * keeps its words, and so does what has vectors of others. */
static int words_at_most(const schema *s, const variable *v, const lexicon *l) {
  enum { FEW = 5 }; /* less than one of so many words that are read */
  if (v->form.part) return seen_twice(l, v->ends);
  const int symbols = l->n + 1 + v->ends;
  if (v->form.unit != UNIT_WORDS || v->predicted || s->keeps_rare || (v->most && symbols > v->most)) return v->most;
  int64_t all = 0, once = 0;
  for (int32_t i = 0; i < l->n; i++) {
    all += l->count[i];
    once += l->count[i] == 1;
  }
  return once * FEW < all ? seen_twice(l, v->ends) : v->most;
}

/* Takes the words of what is not trained on out of the counts, or puts them back. */
static void count_held(const dataset *d, int i, int by) {
  const column_values *c = d->columns ? &d->columns[i] : NULL;
  if (!c || !c->there) return;
  for (int64_t e = 0; e < d->n_sequences && d->held; e++)
    for (int64_t k = c->first[e]; k < c->first[e + 1] && d->held[e]; k++) c->words.count[c->symbols[k]] += by;
  for (int64_t k = d->held_from; k < c->n && d->held_from; k++) c->words.count[c->symbols[k]] += by;
}

static unroll_status collect_words(const schema *s, variable *v, int i, const dataset *sets, int n, unroll_error *err) {
  lexicon all = {0};
  bool fine = true;
  for (int k = 0; k < n && fine; k++) /* labels of all sets; of words `n` is 1 */
    if (sets[k].columns) fine = vocabulary_count_words(&all, &sets[k].columns[i].words, v->ends);
  const unroll_status status =
      !fine ? error_memory(err) : vocabulary_of_words(&v->words, v->form.unit, v->ends, &all, words_at_most(s, v, &all), err);
  lexicon_free(&all);
  return status;
}

unroll_status variable_scale(variable *v, unroll_error *err) {
  v->mean = mem_zero((size_t)v->width, sizeof *v->mean);
  v->deviation = mem_zero((size_t)v->width, sizeof *v->deviation);
  if (!v->mean || !v->deviation) return error_memory(err);
  for (int j = 0; j < v->width; j++) v->deviation[j] = 1;
  return UNROLL_OK;
}

double variable_units(const variable *v) {
  double nats = 0;
  for (int j = 0; v->mean && j < v->width; j++) nats += log(v->deviation[j]);
  return nats;
}

/* The steps of an example that scales may be made from: of a series those of the training part. */
static int64_t measured(const dataset *d, const variable *v, const column_values *c, int64_t example) {
  return v->step && d->calendar.first ? d->calendar.ends[0][example] : c->first[example + 1] - c->first[example];
}

/* Before dataset_encode. */
static double number_before(const column_values *c, int64_t step, int width, int j) {
  return c->exact ? c->exact[step * width + j] : (double)c->numbers[column_place(c, step) * width + j];
}

/* Sum of (x - from)^power over entry j, and of how many. */
static double moment(const dataset *d, const variable *v, int i, int j, double from, int power, double *count) {
  const column_values *c = &d->columns[i];
  double sum = 0;
  *count = 0;
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const int64_t n = d->held && d->held[e] ? 0 : measured(d, v, c, e);
    for (int64_t k = c->first[e]; k < c->first[e] + n; k++) {
      if (!column_seen(c, k)) continue;
      const double away = number_before(c, k, v->width, j) - from;
      sum += power == 1 ? away : away * away;
      ++*count;
    }
  }
  return sum;
}

/* An entry that is always the same keeps the deviation 1. */
static unroll_status measure_numbers(variable *v, int i, const dataset *d, unroll_error *err) {
  const unroll_status status = variable_scale(v, err);
  for (int j = 0; j < v->width && !status; j++) {
    double n;
    if (variable_stays(v, j)) continue;
    const double sum = moment(d, v, i, j, 0, 1, &n);
    if (n < 1) continue;
    v->mean[j] = sum / n;
    const double squares = moment(d, v, i, j, v->mean[j], 2, &n);
    if (squares > 0) v->deviation[j] = sqrt(squares / n);
  }
  return status;
}

/* Weights that are all 0 would train nothing. */
static unroll_status check_factor(const variable *v, int i, const dataset *d, unroll_error *err) {
  const column_values *c = d->columns ? &d->columns[i] : NULL;
  if (!v->factor || !c || !c->there || !c->n) return UNROLL_OK;
  for (int64_t e = 0; e < d->n_sequences; e++)
    for (int64_t k = c->first[e] * v->width; k < c->first[e + 1] * v->width && !(d->held && d->held[e]); k++)
      if (number_before(c, k / v->width, v->width, (int)(k % v->width)) > 0) return UNROLL_OK;
  return error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "column '%s': all weights are 0, so nothing would be learned",
                  v->form.name);
}

unroll_status schema_collect(schema *s, const dataset *sets, int n, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < s->n && !status; i++) {
    variable *v = &s->list[i];
    vocabulary_free(&v->words);
    if (v->form.unit == UNIT_NUMBERS) {
      status = check_factor(v, i, &sets[0], err);
      if (!status && s->standardise && !variable_stays(v, 0) && !(s->time.scaling && v->predicted))
        status = measure_numbers(v, i, &sets[0], err);
      continue;
    }
    const bool counted = v->form.unit == UNIT_WORDS || v->form.unit == UNIT_BPE; /* of the training part alone */
    if (counted) count_held(&sets[0], i, -1);
    if (v->form.unit == UNIT_CHARS || v->form.unit == UNIT_BYTES)
      status = collect_codes(v, i, sets, n, err);
    else if (v->form.unit == UNIT_BPE)
      status = vocabulary_of_chunks(&v->words, v->ends, &sets[0].columns[i].words, v->most, err);
    else
      status = collect_words(s, v, i, sets, v->form.unit == UNIT_WORDS ? 1 : n, err);
    if (counted) count_held(&sets[0], i, 1);
    if (status == UNROLL_BAD_INPUT && err) {
      char message[sizeof err->message];
      snprintf(message, sizeof message, "%s", err->message);
      status = error_at(err, UNROLL_BAD_INPUT, sets[0].name, NULL, 0, 0, "'%s': %.400s", v->form.name, message);
    }
  }
  return status;
}

/* --- sizes --- */

int64_t dataset_length(const dataset *d, const schema *s, int axis, int64_t example) {
  for (int i = 0; i < s->n; i++) {
    const column_values *c = &d->columns[i];
    if (s->list[i].axis == axis && c->there) return c->first[example + 1] - c->first[example];
  }
  return 0;
}

void dataset_measure(dataset *d, const schema *s, const graph *g) {
  d->first[0] = 0;
  for (int64_t n = 0; n < d->n_sequences; n++) {
    int64_t predicted = 0;
    for (int k = 0; k < g->n_losses; k++) {
      const variable *v = &s->list[g->losses[k].data];
      const bool counts = v->step && (v->over < 0 || d->columns[g->losses[k].data].there); /* a text to come has no length yet */
      predicted += counts ? dataset_length(d, s, v->axis, n) : 1;
    }
    d->first[n + 1] = d->first[n] + predicted;
  }
  d->n_symbols = d->first[d->n_sequences];
}
