/* listen.h - texts of a recording that is still going on: a net of ctc whose states go forward only hears it piece by piece.
 *
 * The symbols are those of the likeliest path, each as soon as it begins, and together they are the text of the whole recording. */
#ifndef USE_LISTEN_H
#define USE_LISTEN_H
#include "model/model.h"

typedef struct listener listener;

/* Is there one recording and nothing else that is given, and texts by ctc? */
bool listen_is_for(const model *m);
/* UNROLL_USAGE for a net that needs more than what was heard so far. The model is borrowed. */
unroll_status listen_new(listener **out, const model *m, unroll_error *err);
void listen_free(listener *l);
/* Samples of 16 bits, the low byte first, of the model's rate and one channel. At the very beginning there may be the head of a
 * WAV file that says the same. Any number of bytes at a time. Appends what was heard to `to`. `ends`: these are the last
 * ones. */
unroll_status listen_take(listener *l, const void *bytes, size_t size, bool ends, text *to, unroll_error *err);
#endif
