/* eval_table.h - what eval_table.c has for score.c. */
#ifndef CLI_EVAL_TABLE_H
#define CLI_EVAL_TABLE_H
#include "base/threads.h"
#include "cli/options.h"
#include "model/model.h"

/* `unroll eval` of a model that reads tables. */
unroll_status eval_table(const model *m, const options *o, pool *workers, unroll_error *err);
#endif
