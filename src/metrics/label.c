/* label.c - see label.h. */
#include "metrics/label.h"
#include <math.h>
#include "base/error.h"
#include "base/memory.h"

unroll_status label_metrics_init(label_metrics *m, const vocabulary *v, bool steps, bool confusion, unroll_error *err) {
  *m = (label_metrics){.n = v->n, .tagged = steps && span_tagged(v)};
  if (confusion && m->n > MAX_CONFUSION)
    return error_set(err, UNROLL_USAGE, "a confusion table of %d labels: %d at most", m->n, MAX_CONFUSION);
  m->list = mem_zero((size_t)m->n + 1, sizeof *m->list);
  if (confusion) m->confusion = mem_zero((size_t)m->n * (size_t)m->n + 1, sizeof *m->confusion);
  if (!m->list || (confusion && !m->confusion)) return error_memory(err);
  return m->tagged ? span_metrics_init(&m->spans, v, err) : UNROLL_OK;
}

void label_metrics_free(label_metrics *m) {
  mem_free(m->list);
  mem_free(m->confusion);
  span_metrics_free(&m->spans);
  *m = (label_metrics){0};
}

void label_metrics_add(label_metrics *m, const int32_t *truth, const int32_t *predicted, int64_t n) {
  int64_t correct = 0;
  for (int64_t i = 0; i < n; i++) {
    m->list[truth[i]].support++;
    m->list[predicted[i]].predicted++;
    if (m->confusion) m->confusion[(int64_t)truth[i] * m->n + predicted[i]]++;
    if (truth[i] != predicted[i]) continue;
    m->list[truth[i]].correct++;
    correct++;
  }
  m->labels += n;
  m->correct += correct;
  m->sequences += n > 0;
  m->exact += n > 0 && correct == n;
  if (m->tagged) span_metrics_add(&m->spans, truth, predicted, n);
}

static double or_zero(double x) { return isnan(x) ? 0 : x; }

label_summary label_metrics_summary(const label_metrics *m) {
  label_summary s = {.accuracy = (double)NAN, .exact = (double)NAN};
  for (int i = 0; i < m->n; i++) {
    const class_count *c = &m->list[i];
    if (!c->support && !c->predicted) continue;
    s.classes++;
    s.macro_precision += or_zero(count_precision(c));
    s.macro_recall += or_zero(count_recall(c));
    s.macro_f1 += count_f1(c);
    s.weighted_f1 += (double)c->support * count_f1(c);
  }
  const double none = (double)NAN;
  s.macro_precision = s.classes ? s.macro_precision / s.classes : none;
  s.macro_recall = s.classes ? s.macro_recall / s.classes : none;
  s.macro_f1 = s.classes ? s.macro_f1 / s.classes : none;
  s.weighted_f1 = m->labels ? s.weighted_f1 / (double)m->labels : none;
  if (m->labels) s.accuracy = (double)m->correct / (double)m->labels;
  if (m->sequences) s.exact = (double)m->exact / (double)m->sequences;
  return s;
}
