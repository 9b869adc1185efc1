/* result.c - what a training came to, as a list of figures. */
#include <math.h>
#include "train/train.h"
#include "use/evaluate.h"

static void add_loss(figures *f, const char *nats_name, const char *bits_name, double nats) {
  if (nats_name) figures_add(f, 0, nats_name, FIGURE_NATS, nats);
  figures_add(f, 0, bits_name, FIGURE_BITS, nats * BITS_PER_NAT);
}

void train_figures(figures *f, const train_result *r) {
  figures_add(f, 0, "steps", FIGURE_COUNT, (double)r->steps);
  figures_add(f, 0, "epochs", FIGURE_COUNT, (double)r->epochs);
  figures_add(f, 0, "symbols", FIGURE_COUNT, (double)r->symbols);
  figures_add(f, 0, "skipped", FIGURE_COUNT, (double)r->skipped);
  figures_add(f, 0, "stopped_early", FIGURE_FLAG, r->stopped_early);
  if (!r->wrote) figures_add(f, 0, "model_kept", FIGURE_FLAG, 1); /* that of the folder: none was better */
  if (r->bad_rows) figures_add(f, 0, "bad_rows", FIGURE_COUNT, (double)r->bad_rows);
  figures_add(f, 0, "seconds", FIGURE_NUMBER, r->seconds);
  figures_add(f, 0, "symbols_per_second", FIGURE_NUMBER, r->seconds > 0 ? (double)r->symbols / r->seconds : (double)NAN);
  add_loss(f, "loss", "bits", r->loss);
  add_loss(f, "valid_loss", "valid_bits", r->valid_loss);
  add_loss(f, NULL, "best_valid_bits", r->best_valid_loss);
  add_loss(f, "test_loss", "test_bits", r->test_loss);
  if (r->against.of) {
    const int against = figures_part(f, 0, "against_seasonal_naive");
    figures_add_word(f, against, "of", r->against.of);
    figures_add_word(f, against, "error", r->against.scaled ? "mase" : "mae");
    figures_add(f, against, "windows", FIGURE_COUNT, (double)r->against.windows);
    figures_add(f, against, "model", FIGURE_NUMBER, r->against.model);
    figures_add(f, against, "seasonal_naive", FIGURE_NUMBER, r->against.naive);
  }
  if (!isfinite(r->work.share)) return;
  figures_add(f, 0, "gflops", FIGURE_NUMBER, r->work.gflops);
  figures_add(f, 0, "peak_gflops", FIGURE_NUMBER, r->work.peak);
  figures_add(f, 0, "share_of_peak", FIGURE_SHARE, r->work.share);
  figures_add(f, 0, "processor_time", FIGURE_NUMBER, r->work.processor);
}
