/* data.h - the DATA arguments of a command, and what is said about rows that were left out. */
#ifndef CLI_DATA_H
#define CLI_DATA_H
#include <jansson.h>
#include "cli/options.h"
#include "model/model.h"

/* The arguments from `first` on as input_read takes them. text_free in any case. */
unroll_status data_paths(const options *o, int first, text *out, unroll_error *err);
/* How data is to be read, by the options. */
data_options data_how(const options *o, enum bind_wanted wanted);
/* The data of a command whose first argument is the model: read as its options say, encoded and measured; what is left out is said.
 * dataset_free in any case. */
unroll_status data_of_model(dataset *d, const model *m, const options *o, enum bind_wanted wanted, unroll_error *err);

/* Warns of what was left out: the first ones, then how many. */
void data_report(const dataset *d);
/* Adds "bad_rows" to a JSON object if there are any. */
void data_report_json(json_t *out, const dataset *d);
#endif
