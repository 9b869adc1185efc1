/* options.h - the options of training. option/options.def says what each is. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "graph/graph.h"
#include "option/option.h"

/* The rows TRAIN_OPTION of option/options.def. */
enum {
  TRAIN_OPTIONS = 0
#define TRAIN_OPTION(...) +1
#include "option/options.def"
};
extern const option_row train_option_rows[TRAIN_OPTIONS];

struct schema; /* data/schema.h */
struct data_memory;
/* Rows that are in memory, as a net with this schema reads them; valid until training ends. */
typedef struct train_source {
  unroll_status (*open)(void *context, const struct schema *s, const struct data_memory **out, unroll_error *err);
  void *context;
} train_source;

typedef struct train_options {
#define TRAIN_OPTION(field, kind, ...) OPTION_##kind##_FIELD field;
#include "option/options.def"
  const setting *settings; /* before those of `sets` */
  int n_settings;
  const train_source *source; /* in place of `data`; or NULL */
  bool given[TRAIN_OPTIONS];  /* by train_options_set */
} train_options;

void train_defaults(train_options *o);
/* A value as it is typed; NULL: of a flag, that it is given. Texts are copied into `memory`. UNROLL_USAGE names the option, or the
 * nearest to an unknown name. */
unroll_status train_options_set(train_options *o, const char *name, const char *value, arena *memory, unroll_error *err);
#endif
