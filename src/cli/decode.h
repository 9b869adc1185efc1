/* decode.h - options of the decoder, and what predict and eval do with nets that feed back what they predict. */
#ifndef CLI_DECODE_H
#define CLI_DECODE_H
#include "cli/options.h"
#include "dist/ctc.h"
#include "use/decode_eval.h"

/* Has the model a line with ctc, whose texts --beam searches? */
bool decode_ctc(const model *m);
/* UNROLL_USAGE for options that make no sense together. */
unroll_status decode_check_eval(const options *o, bool generates, bool ctc, unroll_error *err);
/* A search with --beam; what predict_sink takes: NULL without one. */
const ctc_search *decode_search(ctc_search *s, const options *o);
/* `unroll eval --decode`: how to search. */
unroll_status decode_eval_options(decode_options *d, const options *o, unroll_error *err);
#endif
