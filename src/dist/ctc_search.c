/* ctc_search.c - prefix beam search (Hannun et al. 2014): the likeliest texts rather than the likeliest path.
 *
 * A prefix has two probabilities at each step: of its paths that end with a blank, and of those that end with its last symbol.
 * The same symbol again goes on with the same prefix from the latter, and makes a longer one from the former. The prefixes that
 * were ever among the best are the nodes of a tree, so that each is there once. What falls out and comes back finds its node.
 * Language model and words are functions of a prefix, and only change which prefixes are the best. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "dist/ctc.h"

typedef struct paths { /* logarithms */
  double blank, symbol;
} paths;
static const paths NO_PATHS = {-HUGE_VAL, -HUGE_VAL};

typedef struct prefix {
  int32_t parent, child, sibling; /* -1: none */
  int32_t symbol;                 /* the last one; -1: the prefix is empty */
  int32_t word;                   /* node of ctc_words */
  int n, words;
  bool has_state, touched;
  int64_t state; /* of the language model */
  double language;
  paths now, next;
} prefix;

typedef struct search {
  const ctc_steps *s;
  const ctc_search *how;
  prefix *all;
  int32_t n, room;
  int32_t *active, n_active; /* the best, by falling score */
  prefix *found;             /* touched nodes' copies and new ones, of a step */
  int32_t n_found, room_found;
  int32_t *number; /* [width] which child the symbol is, or -1 */
  double *log_p;   /* [width] of a step */
  unroll_error *err;
} search;

static double plus(double a, double b) {
  const double top = a > b ? a : b, low = a > b ? b : a;
  return low == -HUGE_VAL ? top : top + log1p(exp(low - top));
}
static double all_paths(const paths *p) { return plus(p->blank, p->symbol); }

/* --- words --- */

unroll_status ctc_words_add(ctc_words *w, const int32_t *symbols, int n, unroll_error *err) {
  if (w->room - w->n < n + 1) {
    const int64_t room = 2 * (int64_t)w->room + n + 64;
    if (room > INT32_MAX) return error_set(err, UNROLL_BAD_INPUT, "there are too many words");
    struct ctc_word_node *grown = mem_resize(w->nodes, (size_t)room * sizeof *grown);
    if (!grown) return error_memory(err);
    w->nodes = grown;
    w->room = (int32_t)room;
  }
  if (!w->n) w->nodes[w->n++] = (struct ctc_word_node){.symbol = -1};
  int32_t at = 0;
  for (int i = 0; i < n; i++) {
    int32_t next = w->nodes[at].child;
    while (next && w->nodes[next].symbol != symbols[i]) next = w->nodes[next].sibling;
    if (!next) {
      next = w->n++;
      w->nodes[next] = (struct ctc_word_node){.symbol = symbols[i], .sibling = w->nodes[at].child};
      w->nodes[at].child = next;
    }
    at = next;
  }
  if (n) w->nodes[at].ends = true;
  return UNROLL_OK;
}

void ctc_words_free(ctc_words *w) {
  mem_free(w->nodes);
  *w = (ctc_words){0};
}

static bool in_word(const search *q, const prefix *p) { return p->n > 0 && p->symbol != q->how->space; }

/* Moves to where a symbol leads among the words; false: to none. */
static bool follow(const search *q, const prefix *p, int32_t symbol, int32_t *word) {
  const ctc_words *w = q->how->words;
  if (!w) return true;
  if (!w->n) return false;
  if (symbol == q->how->space) {
    *word = 0;
    return in_word(q, p) && w->nodes[p->word].ends;
  }
  int32_t next = w->nodes[p->word].child;
  while (next && w->nodes[next].symbol != symbol) next = w->nodes[next].sibling;
  *word = next;
  return next != 0;
}

/* --- one step --- */

static double score_of(const search *q, const prefix *p, double log_probability) {
  return log_probability + q->how->language_weight * p->language + q->how->word_bonus * p->words;
}

static bool grow(void **items, int32_t n, int32_t *room, size_t size) {
  if (n < *room) return true;
  const int64_t more = 2 * (int64_t)*room + 256;
  void *grown = more > INT32_MAX ? NULL : mem_resize(*items, (size_t)more * size);
  if (!grown) return false;
  *items = grown;
  *room = (int32_t)more;
  return true;
}

static bool state_of(const search *q, prefix *p) {
  const ctc_language *l = q->how->language;
  if (!l || p->has_state) return true;
  p->state = p->parent < 0 ? l->start : l->after(l->context, q->all[p->parent].state, p->symbol);
  p->has_state = true;
  return p->state >= 0;
}

/* The prefix with one symbol more, which has no node yet. */
static bool add_found(search *q, int32_t parent, int32_t symbol, int32_t word, double log_probability) {
  const prefix *p = &q->all[parent];
  const ctc_language *l = q->how->language;
  const double said = l ? l->log_p(l->context, p->state, symbol) : 0;
  if (isnan(said) || !grow((void **)&q->found, q->n_found, &q->room_found, sizeof *q->found)) return false;
  q->found[q->n_found++] = (prefix){.parent = parent,
                                    .child = -1,
                                    .symbol = symbol,
                                    .word = word,
                                    .n = p->n + 1,
                                    .words = p->words + (symbol == q->how->space && in_word(q, p)),
                                    .language = p->language + said,
                                    .now = NO_PATHS,
                                    .next = {-HUGE_VAL, log_probability}};
  return true;
}

static bool extend(search *q, int32_t number) {
  const int blank = q->s->width - 1;
  const double least = q->how->least > 0 ? log(q->how->least) : -HUGE_VAL;
  prefix *p = &q->all[number];
  const double total = all_paths(&p->now);
  p->touched = true;
  p->next.blank = plus(p->next.blank, total + q->log_p[blank]);
  if (p->n) p->next.symbol = plus(p->next.symbol, p->now.symbol + q->log_p[p->symbol]);
  for (int32_t c = p->child; c >= 0; c = q->all[c].sibling) q->number[q->all[c].symbol] = c;
  bool fine = true;
  for (int32_t k = 0; k < blank && fine; k++) {
    const double log_probability = (k == p->symbol ? p->now.blank : total) + q->log_p[k];
    const int32_t child = q->number[k];
    int32_t word = 0;
    q->number[k] = -1;
    if (q->log_p[k] < least || log_probability == -HUGE_VAL || !follow(q, p, k, &word)) continue;
    if (child < 0) {
      fine = state_of(q, p) && add_found(q, number, k, word, log_probability);
      continue;
    }
    q->all[child].touched = true;
    q->all[child].next.symbol = plus(q->all[child].next.symbol, log_probability);
  }
  return fine;
}

typedef struct ranked {
  double score;
  int32_t node, found; /* one of them is -1 */
} ranked;

static int by_score(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  if (x->node != y->node) return x->node > y->node ? -1 : 1; /* known ones first */
  return x->found < y->found ? -1 : 1;
}

/* A node for what was found. */
static int32_t keep(search *q, int32_t found) {
  if (!grow((void **)&q->all, q->n, &q->room, sizeof *q->all)) return -1;
  prefix *p = &q->all[q->n];
  *p = q->found[found];
  p->now = p->next;
  p->next = NO_PATHS;
  p->sibling = q->all[p->parent].child;
  q->all[p->parent].child = q->n;
  return q->n++;
}

/* The best of all nodes that were touched and of what was found; the others have no paths from here on. Touched ones were active
 * or are children of those. */
static bool select_best(search *q) {
  int32_t n = 0, most = q->n_found;
  for (int32_t i = 0; i < q->n_active; i++) {
    most++;
    for (int32_t c = q->all[q->active[i]].child; c >= 0; c = q->all[c].sibling) most++;
  }
  ranked *list = mem_alloc(((size_t)most + 1) * sizeof *list);
  if (!list) return false;
  for (int32_t i = 0; i < q->n_active; i++)
    for (int32_t c = -2; c != -1;) { /* itself, then its children */
      const int32_t at = c == -2 ? q->active[i] : c;
      prefix *p = &q->all[at];
      if (p->touched) {
        p->touched = false;
        p->now = p->next;
        p->next = NO_PATHS;
        list[n++] = (ranked){score_of(q, p, all_paths(&p->now)), at, -1};
      }
      c = c == -2 ? p->child : p->sibling;
    }
  for (int32_t i = 0; i < q->n_found; i++) list[n++] = (ranked){score_of(q, &q->found[i], q->found[i].next.symbol), -1, i};
  qsort(list, (size_t)n, sizeof *list, by_score);
  bool fine = true;
  q->n_active = 0;
  for (int32_t i = 0; i < n && fine; i++) {
    const bool good = i < q->how->beam && list[i].score > -HUGE_VAL;
    if (!good && list[i].node >= 0) q->all[list[i].node].now = NO_PATHS;
    if (!good) continue;
    const int32_t at = list[i].node >= 0 ? list[i].node : keep(q, list[i].found);
    fine = at >= 0;
    q->active[q->n_active++] = at;
  }
  mem_free(list);
  return fine;
}

static void listen(search *q, int t) {
  const float *x = q->s->x + t * q->s->row;
  double total = -HUGE_VAL;
  for (int k = 0; k < q->s->width; k++) total = plus(total, (double)x[k]);
  for (int k = 0; k < q->s->width; k++) q->log_p[k] = (double)x[k] - total;
}

static bool walk(search *q) {
  const ctc_language *l = q->how->language;
  if (l && l->begin) l->begin(l->context);
  bool fine = grow((void **)&q->all, 0, &q->room, sizeof *q->all);
  if (!fine) return false;
  q->all[0] = (prefix){.parent = -1, .child = -1, .sibling = -1, .symbol = -1, .now = {0, -HUGE_VAL}, .next = NO_PATHS};
  q->n = q->n_active = 1;
  q->active[0] = 0;
  for (int t = 0; t < q->s->n && fine; t++) {
    listen(q, t);
    q->n_found = 0;
    for (int32_t i = 0; i < q->n_active && fine; i++) fine = extend(q, q->active[i]);
    fine = fine && select_best(q);
  }
  return fine;
}

/* --- the end --- */

/* Texts that may end here, with what their end adds. */
static bool finish(search *q, ranked *list, int *n) {
  const ctc_language *l = q->how->language;
  *n = 0;
  for (int32_t i = 0; i < q->n_active; i++) {
    prefix *p = &q->all[q->active[i]];
    if (q->how->words && p->n && !(in_word(q, p) && q->how->words->nodes[p->word].ends)) continue;
    if (!state_of(q, p)) return false;
    p->words += in_word(q, p);
    if (l) p->language += l->log_p(l->context, p->state, -1);
    if (isnan(p->language)) return false;
    list[(*n)++] = (ranked){score_of(q, p, all_paths(&p->now)), q->active[i], -1};
  }
  qsort(list, (size_t)*n, sizeof *list, by_score);
  return true;
}

static bool write_text(const search *q, const ranked *from, ctc_text *to, arena *memory) {
  const prefix *p = &q->all[from->node];
  *to = (ctc_text){.n = p->n, .log_probability = all_paths(&p->now), .score = from->score};
  to->symbols = arena_alloc(memory, (size_t)p->n + 1, sizeof *to->symbols);
  for (int i = p->n; to->symbols && i-- > 0; p = &q->all[p->parent]) to->symbols[i] = p->symbol;
  return to->symbols != NULL;
}

unroll_status ctc_find(const ctc_steps *s, const ctc_search *how, ctc_text **texts, int *n, arena *memory, unroll_error *err) {
  search q = {.s = s, .how = how};
  *n = 0;
  if (how->beam < 1 || how->best < 1) return error_set(err, UNROLL_USAGE, "a search needs at least one text that goes on");
  q.active = mem_zero((size_t)how->beam + 1, sizeof *q.active);
  q.number = mem_alloc((size_t)s->width * sizeof *q.number);
  q.log_p = mem_zero((size_t)s->width, sizeof *q.log_p);
  ranked *list = mem_alloc(((size_t)how->beam + 1) * sizeof *list);
  bool fine = q.active && q.number && q.log_p && list;
  for (int k = 0; fine && k < s->width; k++) q.number[k] = -1;
  fine = fine && walk(&q) && finish(&q, list, n);
  if (*n > how->best) *n = how->best;
  *texts = fine ? arena_alloc(memory, (size_t)*n + 1, sizeof **texts) : NULL;
  fine = fine && *texts;
  for (int i = 0; i < *n && fine; i++) fine = write_text(&q, &list[i], &(*texts)[i], memory);
  mem_free(list);
  mem_free(q.active);
  mem_free(q.number);
  mem_free(q.log_p);
  mem_free(q.all);
  mem_free(q.found);
  return fine ? UNROLL_OK : error_memory(err);
}
