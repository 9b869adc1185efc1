/* options.h - the options of a call, by name, from the rows that the command line has too. */
#ifndef API_OPTIONS_H
#define API_OPTIONS_H
#include <signal.h>
#include "train/options.h"

/* The values of all options of all commands. Not given: false, -1, NaN, NULL. */
typedef struct call_options {
#define OPTION(field, kind, ...) OPTION_##kind##_FIELD field;
#include "option/options.def"
} call_options;

struct unroll_options {
  uint32_t bit; /* IN(command) */
  call_options o;
  train_options train; /* of "train", in place of `o` */
  arena memory;        /* of the texts */
  volatile sig_atomic_t *stop;
  unroll_row_call *rows; /* or NULL; gets `context` */
  void *context;
};

/* Those of a command; NULL: as they are at first. UNROLL_USAGE for those of another one. */
unroll_status call_take(call_options *o, const unroll_options *given, uint32_t bit, unroll_error *err);
#endif
