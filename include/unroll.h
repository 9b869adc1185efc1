/* unroll.h - recurrent networks from their equations. The one public header of libunroll.
 *
 * A complete example: trains the built-in net `names` on a file with one name a line, invents three names, scores one.
 * Compile with: cc first.c $(pkg-config --cflags --libs unroll)
 *
 *     #include <stdio.h>
 *     #include <unroll.h>
 *
 *     int main(void) {
 *       static const char *const given[][2] = {
 *           {"net", "names"}, {"data", "places.txt"}, {"set", "hidden=64"}, {"output", "first-model"}, {"epochs", "2"}};
 *       unroll_error err = {0};
 *       unroll_model *model = NULL;
 *       unroll_options *train = unroll_options_new();
 *       unroll_sample_options sample;
 *       double log2_p;
 *
 *       if (!train) return 1;
 *       for (int i = 0; i < 5; i++)
 *         if (unroll_options_set(train, given[i][0], given[i][1], &err)) goto failed;
 *       if (unroll_train(train, NULL, NULL, &err)) goto failed;
 *
 *       if (unroll_model_load(&model, "first-model/model.safetensors", &err)) goto failed;
 *       unroll_sample_options_init(&sample);
 *       for (sample.seed = 1; sample.seed <= 3; sample.seed++) {
 *         char *text = NULL;
 *         if (unroll_sample(model, &sample, &text, &log2_p, &err)) goto failed;
 *         printf("%s  (probability 2^%.1f)\n", text, log2_p);
 *         unroll_free(text);
 *       }
 *       if (unroll_score(model, "Vilanova", 8, &log2_p, NULL, &err)) goto failed;
 *       printf("log2 P(Vilanova) = %.2f\n", log2_p);
 *       unroll_model_free(model);
 *       unroll_options_free(train);
 *       return 0;
 *
 *     failed:
 *       fprintf(stderr, "%s: %s\n", err.file, err.message);
 *       unroll_model_free(model);
 *       unroll_options_free(train);
 *       return 1;
 *     }
 *
 * Rules that hold everywhere: a function that can fail returns an unroll_status and fills a caller-owned unroll_error (or
 * NULL). The library never prints, exits or aborts, and never touches locale, signals or the working folder. Handles are
 * opaque; `_free` takes NULL. A model is constant once loaded, so threads may share it; a session belongs to one thread at a
 * time. On failure, outputs are NULL or unchanged. Texts are UTF-8. */
#ifndef UNROLL_H
#define UNROLL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UNROLL_API __attribute__((visibility("default")))

/* What a call came to. The values are the exit codes of the program. */
typedef enum unroll_status {
  UNROLL_OK = 0,
  UNROLL_FAILED = 1,    /* out of memory, a full disk, nothing finite left to train on ... */
  UNROLL_USAGE = 2,     /* an option or argument that makes no sense */
  UNROLL_BAD_INPUT = 3, /* a program, data or model file that is not what it should be */
  UNROLL_INTERRUPTED = 130
} unroll_status;

/* Details of a failure. Owned by the caller; every function that takes one accepts NULL. */
typedef struct unroll_error {
  unroll_status code;
  char file[256];    /* "" when no file is concerned */
  int line, column;  /* from 1; 0 when unknown. Columns count characters. For tables the message names row and column too. */
  char message[512]; /* one sentence, no newline */
  char source[200];  /* the offending line of text, "" when there is none; a caret goes under `column` */
} unroll_error;

/* "0.1.0" */
UNROLL_API const char *unroll_version(void);
/* "with utf8proc, png, jpeg", and what this build lacks: "with utf8proc; without png, jpeg". */
UNROLL_API const char *unroll_parts(void);

/* Frees a text that the library handed out. NULL is fine. */
UNROLL_API void unroll_free(void *block);

/* --- models --- */

/* A trained net: equations, weights, settings and vocabulary, all from one file. */
typedef struct unroll_model unroll_model;

/* Loads a model file, which is untrusted: anything wrong with it is UNROLL_BAD_INPUT. */
UNROLL_API unroll_status unroll_model_load(unroll_model **out, const char *path, unroll_error *err);
UNROLL_API void unroll_model_free(unroll_model *m);
/* What the factors of products are rounded to by everything that uses the model from here on: "fp32" (as loaded), "bf16" or "int8".
 * Faster where the processor multiplies such numbers, and a little off: `unroll eval --precision` says how much. To be called
 * before threads share the model and before there are sessions. UNROLL_USAGE for another name; NULL changes nothing. */
UNROLL_API unroll_status unroll_model_set_precision(unroll_model *m, const char *precision, unroll_error *err);

/* The text of the net's equations. Belongs to the model. */
UNROLL_API const char *unroll_model_equations(const unroll_model *m);
/* The number of weights. */
UNROLL_API int64_t unroll_model_weights(const unroll_model *m);
/* Symbols are numbered 0 .. n-1. One of them ends a sequence when the net models whole lines, else end is -1. */
UNROLL_API int unroll_model_symbols(const unroll_model *m);
UNROLL_API int unroll_model_end(const unroll_model *m);
/* The text of a symbol, `*length` bytes (or NULL), NUL-terminated, belonging to the model; "" for the end of a sequence.
 * NULL for a number that is no symbol. */
UNROLL_API const char *unroll_model_symbol(const unroll_model *m, int symbol, size_t *length);
/* The number of the symbol that the text begins with, and how many bytes it takes; -1 when the model does not know it. */
UNROLL_API int unroll_model_find(const unroll_model *m, const char *text, size_t length, size_t *taken);

/* --- generating and scoring --- */

typedef struct unroll_sample_options {
  const char *prime;  /* the text begins with this; NULL: with nothing */
  double temperature; /* [1] log-probabilities are divided by it; 0: always the likeliest symbol */
  int top_k;          /* [0] only the k most probable symbols; 0: all */
  int64_t length;     /* [1000] symbols after the prime: of a line at most so many, else exactly */
  uint64_t seed;      /* [1] the same seed gives the same text */
} unroll_sample_options;

UNROLL_API void unroll_sample_options_init(unroll_sample_options *o);
/* One text, prime included, for unroll_free. *log2_p (or NULL) is the log2 probability of what follows the prime, at temperature 1
 * and with all symbols allowed; with the end of the sequence where the net has one and it was reached. */
UNROLL_API unroll_status unroll_sample(const unroll_model *m, const unroll_sample_options *o, char **text, double *log2_p,
                                       unroll_error *err);

/* The chain rule: log2 P(text) = sum over t of log2 P(text[t] | text[<t]), with the end of the sequence where the net has one.
 * `text` is one sequence of `length` bytes. *symbols (or NULL) is the number of terms. */
UNROLL_API unroll_status unroll_score(const unroll_model *m, const char *text, size_t length, double *log2_p, int64_t *symbols,
                                      unroll_error *err);

/* --- step by step --- */

/* A sequence under way: feed a symbol, look at what comes next. The model must outlive its sessions. */
typedef struct unroll_session unroll_session;

UNROLL_API unroll_status unroll_session_new(unroll_session **out, const unroll_model *m, unroll_error *err);
UNROLL_API void unroll_session_free(unroll_session *s);
/* ln P(next symbol | everything fed so far), one number per symbol; belongs to the session, valid until it is fed or reset. */
UNROLL_API const float *unroll_session_log_p(const unroll_session *s);
/* Takes the next symbol. Allocates nothing. UNROLL_USAGE when there is no such symbol. */
UNROLL_API unroll_status unroll_session_feed(unroll_session *s, int symbol, unroll_error *err);
/* Back to the beginning of a sequence. */
UNROLL_API void unroll_session_reset(unroll_session *s);

/* --- looking inside --- */

/* What `unroll explain` prints: parameters, equations, their gradient, the plan. `net` is a file or the name of a built-in net
 * or cell; settings are "NAME=VALUE" texts. The text is for unroll_free. */
UNROLL_API unroll_status unroll_explain(const char *net, const char *const *settings, int n_settings, char **text,
                                        unroll_error *err);

/* --- training --- */

typedef struct unroll_progress {
  int64_t step, steps;  /* done, and to do in all (0 when unknown) */
  int64_t epoch;        /* from 0 */
  double seconds;       /* since the start of this call */
  double remaining;     /* seconds, NaN when unknown */
  double loss;          /* nats per symbol, training */
  double valid_bits;    /* bits per symbol of the last validation, NaN before the first */
  double rate;          /* learning rate */
  double gradient_norm; /* before clipping */
  double symbols_per_second;
} unroll_progress;

/* The options of training, by the names that they have on the command line, without the dashes; `unroll train --help` and
 * docs/options.md have all, with bounds and defaults. Besides: "net" and "data", the arguments of the command. */
typedef struct unroll_options unroll_options;

/* With the defaults of `unroll train`. NULL: out of memory. For unroll_options_free; one thread at a time. */
UNROLL_API unroll_options *unroll_options_new(void);
UNROLL_API void unroll_options_free(unroll_options *o);
/* Sets an option to a value as it is typed: unroll_options_set(o, "lr", "0.01", &err). The texts are copied. "data", "set", "init",
 * "ramp" and "class-weights" may be set several times, and each value is added to those before it. A flag takes "yes", "no" or
 * NULL, which is yes. UNROLL_USAGE for a name that is none, with the nearest that is, and for a value out of bounds, which changes
 * nothing. */
UNROLL_API unroll_status unroll_options_set(unroll_options *o, const char *name, const char *value, unroll_error *err);

/* Called after each step, from the thread that called unroll_train; `p` is valid during the call. Not 0: stop; the checkpoint is
 * written and UNROLL_INTERRUPTED returned. */
typedef int unroll_progress_call(void *context, const unroll_progress *p);

/* Trains the net "net" on "data". The folder "output" gets model.safetensors, checkpoint.safetensors and log.jsonl; it is made if
 * it is not there. Where "resume" is set to such a folder instead, goes on from its checkpoint with the options that stand there;
 * what a resumed run may not change is refused. `progress` may be NULL. The options stay as they are, for another call. */
UNROLL_API unroll_status unroll_train(const unroll_options *o, unroll_progress_call *progress, void *context, unroll_error *err);

#ifdef __cplusplus
}
#endif
#endif
