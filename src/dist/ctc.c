/* ctc.c - see ctc.h: the likeliest path, and the likeliest path of a given text. Not here: the search, in ctc_search.c. */
#include "dist/ctc.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "dist/form.h"

int ctc_best_path(const ctc_steps *s, int32_t *symbols) {
  int n = 0, last = s->width - 1;
  for (int t = 0; t < s->n; t++) {
    const float *x = s->x + t * s->row;
    int best = 0;
    for (int k = 1; k < s->width; k++)
      if (x[k] > x[best]) best = k;
    if (best != last && best != s->width - 1) symbols[n++] = best;
    last = best;
  }
  return n;
}

/* State i is a blank where i is even, else symbol i / 2. It is entered from itself, from the one before, or past a blank. */
typedef struct lattice {
  const ctc_steps *s;
  const int32_t *symbols;
  int states;
  double *now, *next;
  uint8_t *from; /* [s->n, states] how many states back the best path comes from */
} lattice;

static int logit_of(const lattice *l, int state) { return state % 2 ? l->symbols[state / 2] : l->s->width - 1; }
static int most_back(const lattice *l, int state) {
  if (state < 2) return state;
  return state % 2 && l->symbols[state / 2] != l->symbols[state / 2 - 1] ? 2 : 1;
}

/* Logits of a step differ from log-probabilities by a number that is the same for all paths. */
static void walk(lattice *l) {
  for (int i = 0; i < l->states; i++) l->now[i] = i == 0 ? 0 : -HUGE_VAL;
  for (int t = 0; t < l->s->n; t++) {
    const float *x = l->s->x + t * l->s->row;
    for (int i = 0; i < l->states; i++) {
      int back = 0;
      for (int k = 1; k <= most_back(l, i); k++)
        if (l->now[i - k] > l->now[i - back]) back = k;
      l->next[i] = l->now[i - back] + (double)x[logit_of(l, i)];
      l->from[(int64_t)t * l->states + i] = (uint8_t)back;
    }
    double *const turn = l->now;
    l->now = l->next;
    l->next = turn;
  }
}

unroll_status ctc_times(const ctc_steps *s, const int32_t *symbols, int n, int *times, unroll_error *err) {
  int needed = n;
  for (int i = 1; i < n; i++) needed += symbols[i] == symbols[i - 1];
  if (needed > s->n) return error_set(err, UNROLL_BAD_INPUT, "a text of %d symbols needs %d steps, not %d", n, needed, s->n);
  lattice l = {.s = s, .symbols = symbols, .states = 2 * n + 1};
  double *rows = mem_zero(2 * (size_t)l.states, sizeof *rows);
  l.from = mem_zero((size_t)s->n * (size_t)l.states + 1, 1);
  const unroll_status status = rows && l.from ? UNROLL_OK : error_memory(err);
  if (!status) {
    l.now = rows;
    l.next = rows + l.states;
    walk(&l);
    int state = l.states - 1;
    if (n && l.now[state - 1] > l.now[state]) state--;
    for (int t = s->n; t-- > 0;) {
      if (state % 2) times[state / 2] = t; /* the first of its steps stays */
      state -= l.from[(int64_t)t * l.states + state];
    }
  }
  mem_free(rows);
  mem_free(l.from);
  return status;
}

/* No single prediction: what it says is about all steps of an example together. */
const distribution_form form_ctc = {.symbols = false};
