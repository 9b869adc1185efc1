/* data.h - the DATA arguments of a command, and what is said about rows that were left out. */
#ifndef CLI_DATA_H
#define CLI_DATA_H
#include <jansson.h>
#include "cli/options.h"

/* The arguments from `first` on as input_read takes them. text_free in any case. */
unroll_status data_paths(const options *o, int first, text *out, unroll_error *err);
/* What a call of the library is given, by the command line. It is the options of the command as they were typed, and the
 * arguments from `first` on as a table. An interrupt stops a call with these options. For unroll_options_free and
 * unroll_table_free, in any case. */
unroll_status data_options_typed(unroll_options **out, const char *name, const options *o,
                                 unroll_error *err); /* without interrupts */
unroll_status data_options_of(unroll_options **out, const char *name, const options *o, unroll_error *err);
unroll_status data_table(unroll_table **out, const options *o, int first, unroll_error *err);
/* Warns of what was left out. */
void data_left_out(const unroll_result *r);
/* Adds "bad_rows" to a JSON object if there are any. */
void data_left_out_json(json_t *out, const unroll_result *r);
#endif
