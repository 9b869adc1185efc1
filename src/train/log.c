/* log.c - log.jsonl: one JSON object a line. A line is appended with one write; a resumed run first drops the lines after its
 * checkpoint, so that no step is there twice. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "io/json.h"
#include "train/trainer.h"

/* Is this line a record of at most that step? */
static bool belongs(const char *line, size_t size, int64_t step, unroll_status *status) {
  json_error_t error;
  int starved;
  json_t *j = json_read(line, size, &error, &starved);
  const json_t *at = json_object_get(j, "step");
  const bool good = json_is_integer(at) && json_integer_value(at) <= step;
  json_decref(j);
  if (starved) *status = UNROLL_FAILED;
  return good;
}

unroll_status log_start(trainer *t, unroll_error *err) {
  char *data = NULL;
  size_t size = 0, kept = 0;
  unroll_status status = UNROLL_OK;
  if (!t->o.dir) return UNROLL_OK;
  const char *path = t->files.log;
  if (t->s.step > 0 && file_read(path, &data, &size, NULL) == UNROLL_FAILED) return error_memory(err);
  while (kept < size && !status) {
    const char *end = memchr(data + kept, '\n', size - kept);
    if (!end || !belongs(data + kept, (size_t)(end - data) - kept, t->s.step, &status)) break;
    kept = (size_t)(end - data) + 1;
  }
  status = status ? error_memory(err) : file_write(path, data ? data : "", kept, err);
  mem_free(data);
  return status;
}

/* Each returns 0, or -1 when out of memory. */
static int add_number(json_t *j, const char *name, double x) {
  return json_object_set_new(j, name, isfinite(x) ? json_real(x) : json_null());
}
static int add_integer(json_t *j, const char *name, int64_t x) { return json_object_set_new(j, name, json_integer(x)); }

static int fill_record(json_t *j, const trainer *t, bool validated, double test_loss) {
  const train_state *s = &t->s;
  int bad = add_integer(j, "step", s->step);
  bad |= add_integer(j, "epoch", (s->step + t->per_epoch - 1) / t->per_epoch);
  bad |= add_number(j, "seconds", s->seconds);
  bad |= add_number(j, "loss", s->loss);
  bad |= add_number(j, "lr", s->rate);
  bad |= add_number(j, "grad_norm", s->grad_norm);
  bad |= add_number(j, "symbols_per_second", t->speed);
  if (s->skipped > 0) bad |= add_integer(j, "skipped", s->skipped);
  json_t *settings = t->m.n_ramps ? json_object() : NULL;
  for (int i = 0; settings && i < t->m.n_ramps; i++) bad |= add_number(settings, t->m.ramps[i].name, t->m.g.varying[i]);
  if (t->m.n_ramps) bad |= json_object_set_new(j, "settings", settings);
  if (t->m.n_weighted && t->first_record) bad |= json_object_set_new(j, "class_weights", model_weights_json(&t->m));
  if (t->bad_rows > 0) bad |= add_integer(j, "bad_rows", t->bad_rows);
  if (validated) bad |= add_number(j, "valid_loss", s->valid_loss) | add_number(j, "valid_bits", s->valid_loss * BITS_PER_NAT);
  if (isfinite(test_loss)) bad |= add_number(j, "test_loss", test_loss) | add_number(j, "test_bits", test_loss * BITS_PER_NAT);
  if (isfinite(t->rates_of_work.share)) {
    bad |= add_number(j, "gflops", t->rates_of_work.gflops) | add_number(j, "peak_gflops", t->rates_of_work.peak);
    bad |= add_number(j, "share_of_peak", t->rates_of_work.share) | add_number(j, "processor_time", t->rates_of_work.processor);
  }
  return bad;
}

unroll_status log_add(trainer *t, bool validated, double test_loss, unroll_error *err) {
  if (!t->o.dir) return UNROLL_OK;
  json_setup();
  json_t *j = json_object();
  char *line = !j || fill_record(j, t, validated, test_loss) ? NULL : json_write(j, JSON_COMPACT | JSON_REAL_PRECISION(9));
  text out = {0};
  json_decref(j);
  if (line) text_format(&out, "%s\n", line);
  const unroll_status status = !line || out.failed ? error_memory(err) : file_append(t->files.log, out.data, out.length, err);
  mem_free(line);
  text_free(&out);
  return status;
}
