/* ctc.c - connectionist temporal classification (Graves et al. 2006). It is the loss of a short sequence of symbols against the
 * logits of a longer one, and its gradient. Both sum over all alignments by forward-backward sums in logarithms.
 *
 * A sequence is one thread's, so bits do not depend on threads. Every row of states is shifted so that its largest entry stays near
 * 0; the shifts add up in double. The gradient needs the forward rows in the order from the last to the first. It keeps one
 * row in about sqrt(T), and computes those between once more: the memory is that of 2 sqrt(T) rows, however long the sequence.
 *
 * A sequence of symbols that needs more steps than there are has no alignment: its loss is 0 and so is its gradient. Whoever
 * brings the data can ask ctc_least_steps for the number of steps. Symbols of index -1 do not count. */
#include <string.h>
#include "run/internal.h"

typedef struct alignment {
  const kernels *k;
  int T, n, width; /* steps, symbols, logits of a step */
  ptrdiff_t row, section;
  const int32_t *symbols;
  const float *x; /* logits of the first step; step t is at x + first[t] * x_row */
  ptrdiff_t x_row;
  const int64_t *first;
  float *total; /* [T] log of the sum of exp(x) */
  float *heard, *skip, *share;
  float *forward, *back; /* two rows each, by turns */
  float *kept, *segment; /* ctc_segment(T) rows each */
} alignment;

static const float *logits(const alignment *a, int t) { return a->x + a->first[t] * a->x_row; }

static void never(float *p, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) p[i] = CTC_NEVER;
}

/* The symbols of an example; returns how many they are. */
static int gather(const run *r, const worker *w, const stage *s, int example) {
  const int32_t *index = r->b->index[s->slot];
  int64_t at = example;
  int length = 1, n = 0;
  const batch_axis *symbols = s->over >= 0 ? &r->b->axes[s->over] : NULL;
  if (symbols) {
    at = r->sequence[(int64_t)s->over * r->f->max_rows + example];
    length = r->length[(int64_t)s->over * r->f->max_rows + at];
  }
  for (int i = 0; i < length; i++) {
    const int32_t symbol = index[(symbols ? symbols->first[i] : 0) + at];
    if (symbol >= 0) w->symbols[n++] = symbol;
  }
  return n;
}

/* Lays the scratch of a thread out; false where there is no alignment. */
static bool begin(alignment *a, const run *r, const worker *w, const stage *s, int64_t sequence, rows x) {
  const batch_axis *axis = &r->b->axes[s->axis];
  a->k = r->k;
  a->T = r->length[(int64_t)s->axis * r->f->max_rows + sequence];
  a->n = gather(r, w, s, axis->order ? axis->order[sequence] : (int)sequence);
  a->symbols = w->symbols;
  if (a->T == 0 || ctc_least_steps(a->symbols, a->n) > a->T) return false;
  a->width = s->in_width;
  a->section = ctc_section(a->n);
  a->row = ctc_row(a->n);
  a->x = x.p + sequence * x.row;
  a->x_row = x.row;
  a->first = axis->first;
  a->total = w->ctc;
  a->heard = a->total + padded(a->T);
  a->skip = a->heard + a->section;
  a->share = a->skip + a->section;
  a->forward = a->share + a->section;
  a->back = a->forward + 2 * a->row;
  a->kept = a->back + 2 * a->row;
  a->segment = a->kept + ctc_segment(a->T) * a->row;
  never(a->heard, 2 * a->section);
  for (int i = 1; i < a->n; i++)
    if (a->symbols[i] != a->symbols[i - 1]) a->skip[i] = 0;
  for (int t = 0; t < a->T; t++) a->k->log_sum_exp(&a->total[t], 0, logits(a, t), 0, 1, a->width);
  return true;
}

/* Log probabilities of step t: of the symbols, in `heard`, and of the blank, the last logit. */
static float listen(const alignment *a, int t) {
  const float *x = logits(a, t);
  for (int i = 0; i < a->n; i++) {
    const float p = x[a->symbols[i]] - a->total[t];
    a->heard[i] = p < CTC_NEVER ? CTC_NEVER : p;
  }
  const float blank = x[a->width - 1] - a->total[t];
  return blank < CTC_NEVER ? CTC_NEVER : blank;
}

static float forward(const alignment *a, float *out, const float *from, int t, float shift) {
  const float blank = listen(a, t);
  return a->k->ctc_forward(out, from, a->heard, a->skip, blank, shift, a->n);
}

/* Before the first step: in front of the first symbol. */
static void start(const alignment *a) {
  never(a->forward, 2 * a->row);
  a->forward[LANES] = 0;
}

static float loss_of(const alignment *a) {
  float shift = 0, ends[2], last;
  double shifted = 0;
  start(a);
  for (int t = 0; t < a->T; t++) {
    shifted += (double)shift;
    shift = forward(a, a->forward + (t + 1) % 2 * a->row, a->forward + t % 2 * a->row, t, shift);
  }
  const float *final = a->forward + a->T % 2 * a->row + LANES;
  ends[0] = final[a->n];
  ends[1] = a->n ? final[a->section + a->n - 1] : CTC_NEVER;
  a->k->log_sum_exp(&last, 0, ends, 0, 1, 2);
  return (float)-(shifted + (double)last);
}

/* Keeps the row before every segment. */
static void keep_rows(const alignment *a, int length) {
  float shift = 0;
  start(a);
  for (int t = 0; t < a->T; t++) {
    const float *from = a->forward + t % 2 * a->row;
    if (t % length == 0) memcpy(a->kept + t / length * a->row, from, (size_t)a->row * sizeof *from);
    shift = forward(a, a->forward + (t + 1) % 2 * a->row, from, t, shift);
  }
}

/* (softmax(x) - share of each symbol in all alignments) * dy */
static void slope(const alignment *a, float *dx, int t, const float *back, const float *ahead, float dy) {
  a->k->softmax(dx, 0, logits(a, t), 0, 1, a->width);
  dx[a->width - 1] -= a->k->ctc_share(a->share, ahead, back, a->n);
  for (int i = 0; i < a->n; i++) dx[a->symbols[i]] -= a->share[i];
  for (int j = 0; j < a->width; j++) dx[j] *= dy;
}

static void gradient_of(const alignment *a, float *dx, ptrdiff_t dx_row, float dy) {
  const int length = ctc_segment(a->T);
  float shift = 0, *now = a->back, *next = a->back + a->row;
  keep_rows(a, length);
  never(a->back, 2 * a->row);
  never(a->segment, length * a->row);
  now[LANES + a->n] = 0;
  if (a->n) now[LANES + a->section + a->n - 1] = 0;
  for (int from = (a->T - 1) / length * length; from >= 0; from -= length) {
    const int to = a->T - from < length ? a->T : from + length;
    const float *before = a->kept + from / length * a->row;
    float ahead = 0;
    for (int t = from; t < to; t++) {
      float *out = a->segment + (t - from) * a->row;
      ahead = forward(a, out, before, t, ahead);
      before = out;
    }
    for (int t = to; t-- > from;) {
      slope(a, dx + a->first[t] * dx_row, t, now, a->segment + (t - from) * a->row, dy);
      const float blank = listen(a, t);
      shift = a->k->ctc_back(next, now, a->heard, a->skip, blank, shift, a->n);
      float *const turn = now;
      now = next;
      next = turn;
    }
  }
}

void run_ctc(const run *r, const worker *w, const stage *s, int thread, int threads) {
  const batch_axis *axis = &r->b->axes[s->axis];
  const where here = {axis, -1, false};
  const rows y = run_at(r, w, &s->out, &here, 0), x = run_at(r, w, &s->in[0], &here, 0), dy = run_at(r, w, &s->in[2], &here, 0);
  alignment a;
  for (int64_t q = thread; q < r->b->rows; q += threads) {
    const int64_t example = axis->order ? axis->order[q] : q;
    const bool fits = begin(&a, r, w, s, q, x);
    if (s->kind == STAGE_CTC)
      y.p[example * y.row] = fits ? loss_of(&a) : 0;
    else if (fits)
      gradient_of(&a, y.p + q * y.row, y.row, dy.p[example * dy.row]);
    else
      for (int t = 0; t < a.T; t++) memset(y.p + (axis->first[t] + q) * y.row, 0, (size_t)s->width * sizeof *y.p);
  }
}
