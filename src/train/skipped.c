/* skipped.c - steps without a finite loss and gradient. They change nothing, and are said as briefly as what led to them
 * allows. Numbers that grew from step to step are a matter of the learning rate: no row of the data is to blame. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "base/error.h"
#include "train/trainer.h"

enum { MAX_SKIPPED = 50, SKIPPED_SHOWN = 5 };
#define GROWN 100.0 /* times: more than any batch differs from another */

static double largest_weight(const trainer *t) {
  double most = 0;
  for (int64_t i = 0; i < t->m.g.n_weights; i++) most = fmax(most, fabs((double)t->m.weights[i]));
  return most;
}

void skipped_begin(trainer *t) { t->first_largest = largest_weight(t); }

void skipped_note(trainer *t) {
  const double norm = t->s.grad_norm;
  if (!(norm > 0) || (t->least_norm > 0 && norm >= t->least_norm)) return;
  t->least_norm = norm;
  t->least_at = t->s.step;
}

/* How the numbers have grown and what helps, as the rest of a sentence; false: they have not. */
static bool growth(const trainer *t, char *out, size_t size) {
  const double weight = largest_weight(t), least = t->first_largest > 1 ? t->first_largest : 1;
  char how[160], clip[64] = "";
  if (t->least_norm > 0 && t->s.grad_norm > GROWN * t->least_norm)
    snprintf(how, sizeof how, "the length of the gradient grew from %.3g at step %" PRId64 " to %.3g", t->least_norm, t->least_at,
             t->s.grad_norm);
  else if (t->s.updates > 0 && weight > GROWN * least)
    snprintf(how, sizeof how, "the largest weight grew from %.3g to %.3g", t->first_largest, weight);
  else
    return false;
  if (t->o.clip_norm > 0)
    snprintf(clip, sizeof clip, "option 'clip-norm' below %g", t->o.clip_norm);
  else
    snprintf(clip, sizeof clip, "a limit by option 'clip-norm'");
  snprintf(out, size, "the run explodes: %s. What helps: option 'lr' below %g, or %s", how, t->o.rate, clip);
  return true;
}

/* The place of the first loss that is not finite, as text; "" when all are. */
static void bad_place(const trainer *t, char *out, size_t size) {
  out[0] = 0;
  for (int k = 0; k < t->m.g.n_losses; k++) {
    ptrdiff_t row;
    const float *x = run_value(t->run, t->m.g.losses[k].node, &row);
    for (int64_t i = 0; i < batcher_loss_rows(t->batches, k); i++) {
      if (isfinite(x[i * row])) continue;
      int64_t example, step;
      batcher_where(t->batches, k, i, &example, &step);
      const int used = snprintf(out, size, ", first at ");
      dataset_tell(&t->sets[TRAIN], example, step, out + used, size - (size_t)used);
      return;
    }
  }
}

unroll_status skipped_step(trainer *t, double mean, double norm, unroll_error *err) {
  char place[400], grew[400];
  const float *dw = run_gradient(t->run);
  const int bad = model_first_bad(&t->m, t->m.weights), first = model_first_bad(&t->m, dw);
  t->s.skipped++;
  t->s.skipped_in_row++;
  if (bad >= 0)
    return error_set(err, UNROLL_FAILED, "at step %" PRId64 ", %s holds a number that is not finite; try a smaller learning rate",
                     t->s.step, t->m.g.params[bad].name);
  const bool grown = growth(t, grew, sizeof grew);
  bad_place(t, place, sizeof place);
  run_carry_reset(t->run); /* the states may not be finite either */
  if (t->s.skipped_in_row == 1 && t->skips_said++ < SKIPPED_SHOWN)
    trainer_warn(t, "step %" PRId64 " skipped: the %s is %f%s%s%s", t->s.step, isfinite(mean) ? "length of the gradient" : "loss",
                 isfinite(mean) ? norm : mean, grown ? "; " : place,
                 grown        ? grew
                 : first >= 0 ? "; first parameter without a finite gradient: "
                              : "",
                 !grown && first >= 0 ? t->m.g.params[first].name : "");
  if (t->s.skipped_in_row < MAX_SKIPPED) return UNROLL_OK;
  if (!t->valid && trainer_save(t, err)) return err ? err->code : UNROLL_FAILED;
  return error_set(err, UNROLL_FAILED,
                   "%d steps in a row had no finite loss and gradient (step %" PRId64 "%s); the weights before them are kept%s%s",
                   MAX_SKIPPED, t->s.step, grown ? "" : place, grown ? "; " : "", grown ? grew : "");
}
