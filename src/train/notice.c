/* notice.c - what is known of the data before the first step and would else pass in silence. It is words that are <unk>, and
 * whether <unk> itself is ever seen. It is data that is always the same, and which data was taken to have steps.
 *
 * <unk> stands for every word that the training part lacks. But where the vocabulary has all words of that part, <unk> is never
 * met there and would keep its first weights. So words that occur once are left out of the vocabulary where they are few
 * (data/schema.c). Where they are many, they are <unk> half of the times that they are read (Lample et al. 2016). What is predicted
 * stays as it is. */
#include <string.h>
#include "base/error.h"
#include "train/trainer.h"

#define MANY_UNKNOWN 0.1

/* The values of variable i that the k-th piece of a part has: from .. to - 1 of its column. False: there are no more pieces. */
static bool piece(const trainer *t, const part *p, int i, int64_t k, int64_t *from, int64_t *to) {
  const column_values *c = &p->data->columns[i];
  if (p->data->stream) {
    *from = p->begin;
    *to = p->end;
    return k == 0;
  }
  if (k >= p->n) return false;
  *from = c->first[p->list[k]];
  *to = c->first[p->list[k] + 1];
  if (!p->windows || !t->m.schema.list[i].step) return true;
  const series_window *w = &p->windows[k];
  const int64_t end = *from + w->from + w->count + w->spread;
  *from += w->from;
  if (end < *to) *to = end;
  return true;
}

static bool is_there(const part *p, int i) { return p->data && p->data->columns && p->data->columns[i].there; }

static bool has_unknown(const variable *v) { return vocabulary_unknown(&v->words) >= 0; }

/* Is what the training part has of <unk> words that occur once, and not what a limit of the vocabulary cuts? */
static bool leaves_rare_out(const variable *v) { return !v->form.part && !v->predicted && (!v->most || v->words.n < v->most); }

typedef struct share {
  int64_t unknown, all;
} share;

/* How many words of a variable are <unk>; ends of lines are none. */
static share count_unknown(const trainer *t, int which, int i) {
  const part *p = &t->parts[which];
  const vocabulary *words = &t->m.schema.list[i].words;
  share s = {0, 0};
  int64_t from, to;
  for (int64_t k = 0; is_there(p, i) && piece(t, p, i, k, &from, &to); k++)
    for (int64_t n = from; n < to; n++) {
      const int32_t symbol = p->data->columns[i].symbols[n];
      s.all += symbol != words->end;
      s.unknown += symbol == vocabulary_unknown(words);
    }
  return s;
}

static double percent(share s) { return s.all > 0 ? 100 * (double)s.unknown / (double)s.all : 0; }

/* --- words that occur once --- */

/* [symbols] the words of variable i that occur once in the training part. NULL in *once: <unk> is met there without them, or
 * there are none. */
static unroll_status find_rare(trainer *t, int i, const bool **once, unroll_error *err) {
  const part *p = &t->parts[TRAIN];
  const variable *v = &t->m.schema.list[i];
  int64_t from, to;
  *once = NULL;
  if (!has_unknown(v) || v->predicted || !is_there(p, i) || count_unknown(t, TRAIN, i).unknown > 0) return UNROLL_OK;
  unsigned char *seen = mem_zero((size_t)v->words.n + 1, 1);
  bool *rare = arena_alloc(&t->memory, (size_t)v->words.n + 1, sizeof *rare), any = false;
  if (!seen || !rare) {
    mem_free(seen);
    return error_memory(err);
  }
  for (int64_t k = 0; piece(t, p, i, k, &from, &to); k++)
    for (int64_t n = from; n < to; n++) {
      unsigned char *times = &seen[p->data->columns[i].symbols[n]];
      *times = *times ? 2 : 1;
    }
  for (int w = 0; w < v->words.n; w++) {
    rare[w] = seen[w] == 1 && w != v->words.end && w != vocabulary_unknown(&v->words);
    any |= rare[w];
  }
  mem_free(seen);
  if (any) *once = rare;
  return UNROLL_OK;
}

unroll_status notice_rare(trainer *t, unroll_error *err) {
  bool any = false;
  unroll_status status = UNROLL_OK;
  const bool **list = arena_alloc(&t->memory, (size_t)t->m.schema.n + 1, sizeof *list);
  if (!list) return error_memory(err);
  for (int i = 0; i < t->m.schema.n && !status; i++) {
    status = find_rare(t, i, &list[i], err);
    any |= list[i] != NULL;
  }
  t->rare = any ? list : NULL;
  return status;
}

/* --- what is said --- */

static void tell_unknown(const trainer *t, int i, text *out) {
  static const char *const parts[3] = {"in training", "in validation", "in the test"};
  const char *between = "";
  if (!has_unknown(&t->m.schema.list[i])) return;
  text_format(out, "%s of '%s': ", UNKNOWN_WORD, t->m.schema.list[i].form.name);
  for (int which = TRAIN; which <= TEST; which++) {
    const share s = count_unknown(t, which, i);
    if (!s.all) continue;
    text_format(out, "%s%.1f %% %s", between, percent(s), parts[which]);
    between = ", ";
    if (which == TRAIN && t->rare && t->rare[i])
      text_format(out, " (so half of the times %ss that occur once are read as %s)", t->m.schema.list[i].form.of->value,
                  UNKNOWN_WORD);
    if (which == TRAIN && s.unknown && leaves_rare_out(&t->m.schema.list[i]))
      text_format(out, " (%ss that occur once)", t->m.schema.list[i].form.of->value);
  }
  text_add(out, "\n", 1);
}

/* Names of the data that could be either, as `data c : category` without 'each' or 'whole', with steps or without. */
static int names_inferred(const trainer *t, bool step, text *out) {
  int n = 0;
  for (int i = 0; i < t->m.g.n_data && i < t->m.schema.n; i++) {
    const variable *v = &t->m.schema.list[i];
    if (t->m.g.data[i].why != STEPS_INFERRED || v->step != step) continue;
    text_format(out, "%s'%s'", n++ ? ", " : "", v->form.name);
  }
  return n;
}

static void tell_steps(const trainer *t, text *out) {
  text each = {0}, whole = {0};
  const int with = names_inferred(t, true, &each), without = names_inferred(t, false, &whole);
  if (with || without)
    text_format(out, "taken to have %s%s%s%s%s; 'each' or 'whole' in a data line says otherwise\n",
                with ? "a value at every step: " : "", with ? each.data : "", with && without ? "; " : "",
                without ? "one value for each example: " : "", without ? whole.data : "");
  out->failed |= each.failed | whole.failed;
  text_free(&each);
  text_free(&whole);
}

void notice_tell(const trainer *t, text *out) {
  tell_steps(t, out);
  for (int i = 0; i < t->m.schema.n; i++) tell_unknown(t, i, out);
}

/* Are all values of variable i the same in the training part? *at: the place of one. */
static bool is_constant(const trainer *t, int i, int64_t *at) {
  const part *p = &t->parts[TRAIN];
  const variable *v = &t->m.schema.list[i];
  int64_t from, to, count = 0;
  for (int64_t k = 0; is_there(p, i) && piece(t, p, i, k, &from, &to); k++)
    for (int64_t n = from; n < to; n++) {
      const column_values *c = &p->data->columns[i];
      if (c->symbols && c->symbols[n] == v->words.end) continue;
      if (!count++) *at = n;
      const bool same = c->symbols ? c->symbols[n] == c->symbols[*at]
                                   : !memcmp(c->numbers + column_place(c, n) * v->width,
                                             c->numbers + column_place(c, *at) * v->width, (size_t)v->width * sizeof *c->numbers);
      if (!same) return false;
    }
  return count > 1;
}

static void warn_constant(const trainer *t, int i) {
  const variable *v = &t->m.schema.list[i];
  const column_values *c = &t->parts[TRAIN].data->columns[i];
  int64_t at;
  text value = {0};
  if (v->weighs || v->factor || !is_constant(t, i, &at)) return;
  if (c->symbols)
    vocabulary_add_texts(&v->words, &c->symbols[at], 1, &value);
  else if (v->width == 1)
    text_format(&value, "%g", column_unscaled(c, v, at, 0));
  const bool shown = !value.failed && value.length > 0;
  trainer_warn(t, "'%s' is always %s%.60s%s in what is trained on: %s", v->form.name, shown ? "'" : "",
               shown ? value.data : "the same", shown ? "'" : "",
               v->predicted ? "there is nothing to learn" : "it can tell the net nothing");
  text_free(&value);
}

static void warn_unknown(const trainer *t, int i) {
  static const char *const parts[3] = {"trained on", "for validation", "for the test"};
  if (!has_unknown(&t->m.schema.list[i])) return;
  for (int which = TRAIN; which <= TEST; which++) {
    const share s = count_unknown(t, which, i);
    if ((double)s.unknown <= MANY_UNKNOWN * (double)s.all) continue;
    if (which == TRAIN && leaves_rare_out(&t->m.schema.list[i])) continue; /* no larger vocabulary would have them */
    trainer_warn(t, "%.0f %% of '%s' in what is %s is %s: %ss that the vocabulary of %d lacks", percent(s),
                 t->m.schema.list[i].form.name, parts[which], UNKNOWN_WORD, t->m.schema.list[i].form.of->value,
                 t->m.schema.list[i].words.n);
  }
}

void notice_warn(const trainer *t) {
  for (int i = 0; i < t->m.schema.n; i++) {
    warn_constant(t, i);
    warn_unknown(t, i);
  }
}
