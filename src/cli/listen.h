/* listen.h - `unroll predict MODEL -` where standard input is a recording, not a table. */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H
#include "cli/options.h"

/* Is it, and is the model one that hears? */
bool listens(const unroll_model *m, const options *o);
unroll_status predict_listen(unroll_model *m, const options *o, unroll_error *err);
#endif
