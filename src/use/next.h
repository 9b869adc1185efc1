/* next.h - what comes after each of many beginnings, by a model of one text. */
#ifndef USE_NEXT_H
#define USE_NEXT_H
#include "use/predict.h"

/* d: a line each, read as next_read wants it, encoded and measured. Each becomes a `predicted` with one part of n = 1, whose
 * symbol may be the end of a line. `all`, `emit` and `stop` of the sink count. */
unroll_status next_symbols(const model *m, const dataset *d, int rows, pool *workers, const predict_sink *sink, unroll_error *err);
/* Reads lines for it, also of a model of streams; m->schema is one that may be changed. dataset_free in any case. */
unroll_status next_read(dataset *d, model *m, const char *paths, const data_options *how, unroll_error *err);
#endif
