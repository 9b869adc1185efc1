/* decode.h - options of the decoder, and what predict and eval do with nets that feed back what they predict. */
#ifndef CLI_DECODE_H
#define CLI_DECODE_H
#include <jansson.h>
#include "cli/options.h"
#include "dist/ctc.h"
#include "use/decode_eval.h"

/* Has the model a line with ctc, whose texts --beam searches? */
bool decode_ctc(const model *m);
/* UNROLL_USAGE for options that only make sense with a net that generates. */
unroll_status decode_refuse(const options *o, bool ctc, unroll_error *err);
/* The same for `unroll eval`. */
unroll_status decode_check_eval(const options *o, bool generates, bool ctc, unroll_error *err);
/* A search with --beam; what predict_sink takes: NULL without one. */
const ctc_search *decode_search(ctc_search *s, const options *o);
/* `unroll predict`: d has been read. With --json a row for each goes into `list`. */
unroll_status predict_decoded(const model *m, const dataset *d, const options *o, pool *workers, json_t *list, unroll_error *err);
/* `unroll sample`: how to draw. */
unroll_status decode_draw_options(decode_options *d, const options *o, int64_t samples, unroll_error *err);
/* What was decoded, as the fields of a line and as a row of JSON (NULL or incomplete when memory ran out). */
void decode_line(text *line, const decoded *d);
json_t *decode_json(const model *m, const decoded *d);
/* `unroll eval --decode`: how to search. */
unroll_status decode_eval_options(decode_options *d, const options *o, unroll_error *err);
#endif
