/* sound_stream.h - features of a recording that is still going on: step by step the numbers that sound_make has of the whole. */
#ifndef READ_SOUND_STREAM_H
#define READ_SOUND_STREAM_H
#include "read/sound_features.h"

typedef struct sound_stream sound_stream;

/* UNROLL_USAGE for a form that needs later samples: one that scales by the recording, or has differences. */
unroll_status sound_stream_new(sound_stream **out, const sound_form *f, unroll_error *err);
void sound_stream_free(sound_stream *s);
/* Further samples at the form's rate, from -1 to 1. */
unroll_status sound_stream_add(sound_stream *s, const float *x, int64_t n, unroll_error *err);
/* The next step, [width]; false: it needs more samples. `ends`: there are no more. */
bool sound_stream_next(sound_stream *s, float *out, bool ends);
#endif
