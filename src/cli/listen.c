/* listen.c - `unroll predict MODEL -` for what a microphone says: symbols as they are heard. */
#include "cli/listen.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/known.h"
#include "cli/terminal.h"

enum { PIECE = 4096 };

/* A table is text, or packed; samples have bytes that no text has. */
static bool is_sound(const char *data, size_t size) {
  if (size >= 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WAVE", 4)) return true;
  if (known_find(data, size)) return false;
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)data[i] < ' ' && (data[i] < '\t' || data[i] > '\r')) return true;
  return false;
}

/* One recording is given, and one text predicted. */
static bool hears(const unroll_model *m) {
  int sounds = 0, predicted = 0, n = 0;
  unroll_variable v;
  unroll_variable_init(&v);
  for (; !unroll_model_variable(m, n, &v, NULL); n++) {
    sounds += !strcmp(v.kind, "audio") && !v.predicted;
    predicted += v.distribution && !strcmp(v.distribution, "ctc");
  }
  return n == 2 && sounds == 1 && predicted == 1;
}

bool listens(const unroll_model *m, const options *o) {
  const char *data = NULL;
  size_t size = 0;
  if (o->n_arguments != 2 || strcmp(o->arguments[1], "-") != 0 || !hears(m)) return false;
  return !file_look(&data, &size, NULL) && is_sound(data, size);
}

static unroll_status refuse(const options *o, unroll_error *err) {
  const char *name = o->beam > 1    ? "beam"
                     : o->best > 1  ? "n-best"
                     : o->lm        ? "lm"
                     : o->lexicon   ? "lexicon"
                     : o->times     ? "times"
                     : o->json      ? "json"
                     : o->quantiles ? "quantiles"
                                    : NULL;
  return name ? error_set(err, UNROLL_USAGE, "--%s needs the whole recording, and this one is heard as it comes", name) : UNROLL_OK;
}

unroll_status predict_listen(unroll_model *m, const options *o, unroll_error *err) {
  unroll_listener *l = NULL;
  const char *heard;
  char piece[PIECE];
  size_t n = 1;
  volatile sig_atomic_t *stop = signals_flag();
  unroll_status status = refuse(o, err);
  if (!status) status = unroll_model_set_precision(m, o->precision, err);
  if (!status) status = unroll_listener_new(&l, m, err);
  while (n && !status) {
    n = 0;
    if (!*stop) status = file_input(piece, sizeof piece, &n, err);
    if (!status) status = unroll_listener_take(l, piece, n, !n, &heard, err);
    if (!status) fputs(heard, stdout);
    if (fflush(stdout) && !status) status = error_set(err, UNROLL_FAILED, "cannot write to standard output");
  }
  if (!status) printf("\n");
  unroll_listener_free(l);
  return status;
}
