/* language.c - see language.h.
 *
 * A state keeps what the model predicts after it, its carries and the symbols that equations look back at. So any state can be
 * gone on from. Texts that the search drops keep theirs until its end. */
#include "use/language.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "dist/distribution.h"
#include "graph/cut.h"
#include "model/model.h"
#include "run/make.h"
#include "symbols/words.h"

typedef struct place { /* of the model */
  float *carry;
  int32_t *history; /* [lags] the last symbols, the newest first; -1: before the text */
  double *log_p;    /* [symbols] */
} place;

typedef struct spelled { /* a text of characters, for a model of words */
  int64_t place;         /* after the words that are over */
  const char *word;      /* [size] what there is of the next one */
  size_t size;
} spelled;

struct language {
  model m;
  cut c;
  plan *plan;
  run *run;
  distribution head;
  const variable *text; /* of the model */
  const variable *of;   /* what is searched */
  int lags, symbols;
  int32_t **index; /* [inputs] */
  batch b;
  batch_axis *axes;
  int active[1];
  int64_t first[2];
  bool by_words;
  int32_t space, *numbers; /* the space of `of`; [of's symbols] the model's numbers of them */
  int32_t end;             /* the model's symbol at the end of a text; -1: it knows none */
  arena always, memory;    /* the first place; those of a search */
  place *places;
  spelled *texts;
  int64_t n, room, n_texts, room_texts;
  ctc_language asked;
};

/* --- places --- */

static bool room_for(void **list, int64_t n, int64_t *room, size_t size) {
  if (n < *room) return true;
  const int64_t more = *room ? 2 * *room : 256;
  void *grown = mem_resize(*list, (size_t)more * size);
  if (!grown) return false;
  *list = grown;
  *room = more;
  return true;
}

static bool new_place(language *l, arena *memory, place *out) {
  out->carry = arena_alloc(memory, (size_t)run_carry_size(l->run) + 1, sizeof *out->carry);
  out->history = arena_alloc(memory, (size_t)l->lags + 1, sizeof *out->history);
  out->log_p = arena_alloc(memory, (size_t)l->symbols, sizeof *out->log_p);
  return out->carry && out->history && out->log_p;
}

/* One step, whose input is to->history. */
static void run_place(language *l, place *to) {
  for (int i = 0; i < l->c.decoder.n_inputs; i++) l->index[i][0] = to->history[l->c.decoder.inputs[i].lag - 1];
  run_pass(l->run, &l->b, 0);
  run_carry_get(l->run, to->carry);
  const prediction p = distribution_at(&l->head, l->run, 0, 0);
  const double sum = distribution_log_sum(&l->head, &p);
  for (int k = 0; k < l->symbols; k++) to->log_p[k] = (double)p.args[0][k] - sum;
}

/* The place after one symbol more; -1: out of memory. */
static int64_t go_on(language *l, int64_t from, int32_t symbol) {
  place to;
  if (!room_for((void **)&l->places, l->n, &l->room, sizeof *l->places) || !new_place(l, &l->memory, &to)) return -1;
  const place *at = &l->places[from];
  run_carry_set(l->run, at->carry);
  to.history[0] = symbol;
  if (l->lags > 1) memcpy(to.history + 1, at->history, (size_t)(l->lags - 1) * sizeof *to.history);
  run_place(l, &to);
  l->places[l->n] = to;
  return l->n++;
}

/* --- the same symbols --- */

static int32_t number_of(const language *l, int32_t symbol) { return symbol < 0 ? l->end : l->numbers[symbol]; }

static double log_symbol(void *context, int64_t state, int32_t symbol) {
  const language *l = context;
  const int32_t k = number_of(l, symbol);
  return k < 0 ? 0 : l->places[state].log_p[k];
}

static int64_t after_symbol(void *context, int64_t state, int32_t symbol) {
  language *l = context;
  return go_on(l, state, number_of(l, symbol));
}

static void forget(void *context) {
  language *l = context;
  arena_free(&l->memory);
  l->memory = (arena){0};
  l->n = l->n_texts = 1;
}

/* --- words --- */

typedef struct word_walk {
  language *l;
  int64_t place;
  int32_t last; /* not yet gone on from; -1: none */
  double log_p;
} word_walk;

static bool take_word(void *context, const char *s, size_t size) {
  word_walk *w = context;
  if (size == 1 && *s == '\n') return true;
  if (w->last >= 0) w->place = go_on(w->l, w->place, w->last);
  if (w->place < 0) return false;
  w->last = vocabulary_find_word(&w->l->text->words, s, size);
  w->log_p += w->l->places[w->place].log_p[w->last];
  return true;
}

/* What is spelled is over: as running text, it may be several words to the model. False: out of memory. */
static bool end_word(language *l, int64_t state, word_walk *w) {
  const spelled *s = &l->texts[state];
  const data_form *f = &l->text->form;
  text small = {0};
  *w = (word_walk){.l = l, .place = s->place, .last = -1};
  if (!s->size) return true;
  if (f->lower) words_lower(s->word, s->size, &small);
  const bool full =
      !small.failed && words_each(f, f->lower ? small.data : s->word, f->lower ? small.length : s->size, take_word, w);
  text_free(&small);
  return full;
}

static double log_spelled(void *context, int64_t state, int32_t symbol) {
  language *l = context;
  word_walk w;
  if (symbol >= 0 && symbol != l->space) return 0;
  if (!end_word(l, state, &w)) return (double)NAN;
  if (symbol >= 0 || l->end < 0) return w.log_p;
  if (w.last >= 0) w.place = go_on(l, w.place, w.last);
  return w.place < 0 ? (double)NAN : w.log_p + l->places[w.place].log_p[l->end];
}

static int64_t after_spelled(void *context, int64_t state, int32_t symbol) {
  language *l = context;
  spelled to = {0};
  if (!room_for((void **)&l->texts, l->n_texts, &l->room_texts, sizeof *l->texts)) return -1;
  if (symbol == l->space) {
    word_walk w;
    if (!end_word(l, state, &w)) return -1;
    to.place = w.last >= 0 ? go_on(l, w.place, w.last) : w.place;
    if (to.place < 0) return -1;
  } else {
    const spelled *s = &l->texts[state];
    text word = {0};
    text_add(&word, s->word ? s->word : "", s->size);
    vocabulary_add_text(&l->of->words, symbol, &word);
    to = (spelled){s->place, word.failed ? NULL : arena_text(&l->memory, word.data, word.length), word.length};
    text_free(&word);
    if (!to.word) return -1;
  }
  l->texts[l->n_texts] = to;
  return l->n_texts++;
}

/* --- making --- */

static bool spells(enum symbol_unit unit) { return unit == UNIT_CHARS || unit == UNIT_BYTES; }

/* The model's numbers of the symbols. */
static unroll_status find_numbers(language *l, unroll_error *err) {
  const vocabulary *from = &l->of->words, *to = &l->text->words;
  l->numbers = mem_alloc(((size_t)from->n + 1) * sizeof *l->numbers);
  if (!l->numbers) return error_memory(err);
  for (int32_t k = 0; k < from->n; k++) {
    size_t size;
    const char *word = unit_has_lexicon(from->unit) ? lexicon_text(&from->words, k, &size) : NULL;
    l->numbers[k] = word ? vocabulary_find_word(to, word, size) : vocabulary_find(to, from->codes[k]);
    if (l->numbers[k] >= 0) continue;
    text name = {0};
    vocabulary_add_text(from, k, &name);
    const unroll_status status = error_set(err, UNROLL_USAGE, "the language model '%s' does not know '%.40s', a symbol of '%s'",
                                           l->m.net_file, name.failed || !name.data ? "" : name.data, l->of->form.name);
    text_free(&name);
    return status;
  }
  return UNROLL_OK;
}

static unroll_status join(language *l, unroll_error *err) {
  const enum symbol_unit heard = l->of->words.unit, read = l->text->words.unit;
  const bool heard_words = heard == UNIT_WORDS || heard == UNIT_LABELS, read_words = read == UNIT_WORDS || read == UNIT_LABELS;
  l->by_words = spells(heard) && read == UNIT_WORDS;
  if (heard == UNIT_BPE || read == UNIT_BPE || (!l->by_words && heard != read && !(heard_words && read_words)))
    return error_set(err, UNROLL_USAGE,
                     "a language model of %s says nothing about texts of %s, as '%s' is: it is one of the same, or of words",
                     l->text->form.kind, l->of->form.kind, l->of->form.name);
  l->end = l->text->words.end;
  if (l->end < 0) { /* of running text */
    const int32_t line = spells(read) ? vocabulary_find(&l->text->words, '\n') : vocabulary_find_word(&l->text->words, "\n", 1);
    l->end = read_words && line == 0 ? -1 : line;
  }
  l->space = spells(heard) ? vocabulary_find(&l->of->words, ' ') : -1;
  l->asked = (ctc_language){.context = l,
                            .begin = forget,
                            .log_p = l->by_words ? log_spelled : log_symbol,
                            .after = l->by_words ? after_spelled : after_symbol};
  return l->by_words ? UNROLL_OK : find_numbers(l, err);
}

static unroll_status cut_out(language *l, unroll_error *err) {
  int axis;
  unroll_status status = cut_axis(&axis, &l->m.g, err);
  if (!status && axis < 0) status = error_set(err, UNROLL_USAGE, "the model predicts nothing from what came before");
  if (!status) status = cut_graph(&l->c, &l->m.g, axis, err);
  if (status) return status;
  const graph *d = &l->c.decoder;
  bool plain = !l->c.n_boundary && l->c.heads.n_losses == 1;
  for (int i = 0; i < d->n_carries; i++) plain &= l->c.starts[i] == NODE_NONE;
  for (int i = 0; i < d->n_inputs; i++) {
    plain &= d->inputs[i].data >= 0 && d->inputs[i].index && d->inputs[i].lag > 0;
    if (d->inputs[i].lag > l->lags) l->lags = d->inputs[i].lag;
  }
  return plain ? UNROLL_OK : error_set(err, UNROLL_USAGE, "the model cannot be run a symbol at a time");
}

static unroll_status prepare(language *l, unroll_error *err) {
  unroll_status status = cut_out(l, err);
  if (!status) status = distribution_of(&l->head, &l->c.heads, 0, l->text, err);
  if (status) return status;
  const graph *d = &l->c.decoder;
  const plan_options how = {
      .precision = l->m.precision, .max_rows = 1, .max_steps = 1, .keep = l->head.nodes, .n_keep = l->head.n_args};
  status = run_make(&l->run, &l->plan, d, &how, l->m.weights, NULL, err);
  if (status) return status;
  l->symbols = l->text->words.n;
  l->axes = mem_zero((size_t)d->n_axes + 1, sizeof *l->axes);
  l->index = mem_zero((size_t)d->n_inputs + 1, sizeof *l->index);
  bool full = l->axes && l->index;
  for (int i = 0; i < d->n_inputs && full; i++) full = (l->index[i] = mem_zero(1, sizeof **l->index)) != NULL;
  if (!full) return error_memory(err);
  l->active[0] = 1;
  l->first[1] = 1;
  for (int a = 0; a < d->n_axes; a++) l->axes[a] = (batch_axis){.steps = a == l->c.axis, .active = l->active, .first = l->first};
  l->b = (batch){.rows = 1, .axes = l->axes, .index = (const int32_t *const *)l->index, .loss_scale = 1, .varying = d->varying};
  return UNROLL_OK;
}

/* The place before the first symbol; of running text, after the end of a line. */
static unroll_status begin(language *l, unroll_error *err) {
  place start;
  if (!room_for((void **)&l->places, 0, &l->room, sizeof *l->places) ||
      !room_for((void **)&l->texts, 0, &l->room_texts, sizeof *l->texts) || !new_place(l, &l->always, &start))
    return error_memory(err);
  for (int i = 0; i < l->lags; i++) start.history[i] = -1;
  run_carry_reset(l->run);
  run_place(l, &start);
  if (l->text->words.end < 0 && l->end >= 0) {
    start.history[0] = l->end;
    run_place(l, &start);
  }
  l->places[0] = start;
  l->texts[0] = (spelled){0};
  forget(l);
  return UNROLL_OK;
}

unroll_status language_load(language **out, const char *path, const variable *of, unroll_error *err) {
  language *l = *out = mem_zero(1, sizeof *l);
  if (!l) return error_memory(err);
  l->of = of;
  unroll_status status = model_load(&l->m, path, false, err);
  if (!status && !(l->text = model_text(&l->m, "a language model", err))) status = UNROLL_USAGE;
  if (!status) status = join(l, err);
  if (!status) status = prepare(l, err);
  if (!status) status = begin(l, err);
  if (!status) return UNROLL_OK;
  language_free(l);
  *out = NULL;
  return status;
}

void language_free(language *l) {
  if (!l) return;
  run_free(l->run);
  plan_free(l->plan);
  for (int i = 0; l->index && i < l->c.decoder.n_inputs; i++) mem_free(l->index[i]);
  mem_free(l->index);
  mem_free(l->axes);
  mem_free(l->numbers);
  mem_free(l->places);
  mem_free(l->texts);
  arena_free(&l->memory);
  arena_free(&l->always);
  cut_free(&l->c);
  model_free(&l->m);
  mem_free(l);
}

const ctc_language *language_asked(const language *l) { return &l->asked; }
