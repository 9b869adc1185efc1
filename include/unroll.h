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
 *       unroll_options *train = unroll_options_new("train");
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
 * time. On failure, outputs are NULL or unchanged. Texts are UTF-8. An argument that must not be NULL and is, is UNROLL_USAGE.
 *
 * A struct that may grow begins with its size, set by its _init. So a newer library reads and writes no more of it than the
 * caller has. (The name with _sized is for callers without macros.) unroll_error never grows. */
#ifndef UNROLL_H
#define UNROLL_H

#include <signal.h>
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

/* What nets, models and packed files may ask for in this process from here on. Names are "max-memory", as "2G", and
 * "max-operations", as "100000", with the bounds of these options of the program. More is UNROLL_FAILED before it is taken.
 * value NULL: as it was at first. The options themselves, set by unroll_options_set, do the same. */
UNROLL_API unroll_status unroll_limit(const char *name, const char *value, unroll_error *err);

/* --- models --- */

/* A trained net: equations, weights, settings and vocabulary, all from one file. */
typedef struct unroll_model unroll_model;

/* Loads a model file, which is untrusted: anything wrong with it is UNROLL_BAD_INPUT. */
UNROLL_API unroll_status unroll_model_load(unroll_model **out, const char *path, unroll_error *err);
/* The same from the bytes of such a file, which may be freed afterwards. */
UNROLL_API unroll_status unroll_model_load_memory(unroll_model **out, const void *bytes, size_t size, unroll_error *err);
UNROLL_API void unroll_model_free(unroll_model *m);
/* Sets to what the factors of products are rounded, for everything that uses the model from here on: "fp32" (as loaded), "bf16"
 * or "int8". It is faster where the processor multiplies such numbers, and a little off. `unroll eval --precision` says how
 * much. To be called before threads share the model and before there are sessions. UNROLL_USAGE for another name; NULL changes
 * nothing. */
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

typedef struct unroll_variable { /* a `data` line of the net */
  size_t size;
  const char *name, *kind;  /* "token", "chars" */
  int has_steps;            /* a value at each step; else one for each example */
  int predicted, fed_back;  /* by a line with ~; and its earlier values are inputs */
  int symbols;              /* how many there are: characters, words, labels; 0: numbers */
  int width;                /* numbers of a value; 0: symbols */
  const char *distribution; /* that predicts it: "softmax"; NULL: none */
  const char *unit;         /* what a value consists of: "chars", "bytes", "words", "bpe", "labels", "numbers" */
  const char *file;         /* what a cell of a table names a file of: "picture", "recording"; NULL: it says the value itself */
  const char *sort;         /* what values are like: "text", "label", "part", "numbers", "picture", "pen", "keys", "time", "end" */
  int channels, rows, columns; /* of a picture, whose numbers lie [rows][columns][channels]; else 0 */
} unroll_variable;
UNROLL_API void unroll_variable_init_sized(unroll_variable *v, size_t size);
#define unroll_variable_init(v) unroll_variable_init_sized((v), sizeof *(v))
/* Variables are numbered 0 .. n-1, in the order of the net's `data` lines. Texts in *out belong to the model. UNROLL_USAGE for
 * another number. */
UNROLL_API int unroll_model_variables(const unroll_model *m);
UNROLL_API unroll_status unroll_model_variable(const unroll_model *m, int number, unroll_variable *out, unroll_error *err);
/* unroll_model_symbol for any variable of symbols: of labels their names. NULL: no such variable or symbol. */
UNROLL_API const char *unroll_model_label(const unroll_model *m, const char *variable, int symbol, size_t *length);

/* Symbols put together as they are in a text: words with spaces between them, labels too. *text is for unroll_free, *length (or
 * NULL) its bytes before the NUL. variable NULL: the first that is predicted. */
UNROLL_API unroll_status unroll_model_text(const unroll_model *m, const char *variable, const int32_t *symbols, int64_t n,
                                           char **text, size_t *length, unroll_error *err);

/* The other way: the symbols of the beginning of a text, read as the prime of `unroll sample` is. *symbols is for unroll_free.
 * For a model of texts. */
UNROLL_API unroll_status unroll_model_read(const unroll_model *m, const char *text, size_t length, int32_t **symbols, int64_t *n,
                                           unroll_error *err);

typedef struct unroll_series { /* of a model of series with dates */
  size_t size;
  const char *time, *series; /* columns of its data; NULL: there is none, and without `time` it is no such model */
  int context, horizon;      /* steps of a window */
} unroll_series;
UNROLL_API void unroll_series_init_sized(unroll_series *s, size_t size);
#define unroll_series_init(s) unroll_series_init_sized((s), sizeof *(s))
UNROLL_API unroll_status unroll_model_series(const unroll_model *m, unroll_series *out, unroll_error *err);

typedef struct unroll_parameter { /* what was learnt */
  size_t size;
  const char *name;  /* "h.Wi", as `unroll explain` has it */
  int rows, columns; /* of a vector: one column */
  const float *data; /* [rows][columns], of the model: read it, do not write; NULL where nothing was learnt */
  int is_vector;
} unroll_parameter;
UNROLL_API void unroll_parameter_init_sized(unroll_parameter *p, size_t size);
#define unroll_parameter_init(p) unroll_parameter_init_sized((p), sizeof *(p))
/* Parameters are numbered 0 .. n-1. UNROLL_USAGE for another number. */
UNROLL_API int unroll_model_parameters(const unroll_model *m);
UNROLL_API unroll_status unroll_model_parameter(const unroll_model *m, int number, unroll_parameter *out, unroll_error *err);

/* The names of the built-in nets and cells, from 0; NULL for another number. */
UNROLL_API const char *unroll_net_name(int number);
UNROLL_API const char *unroll_cell_name(int number);

/* --- options --- */

/* The options of a command, by the names that they have on the command line, without the dashes. `unroll COMMAND --help` and
 * docs/options.md have all, with bounds and defaults. */
typedef struct unroll_options unroll_options;

/* Options of a command: "train", "predict", "eval" and so on. Each function below says whose options it takes. An option about
 * printing alone, as "json", changes nothing here. NULL: out of memory, or no such command. For unroll_options_free; one thread
 * at a time. Those of "train" also have "net" and "data", the arguments of the command. */
UNROLL_API unroll_options *unroll_options_new(const char *command);
UNROLL_API void unroll_options_free(unroll_options *o);
/* Sets an option to a value as it is typed: unroll_options_set(o, "lr", "0.01", &err). The texts are copied. "data", "set",
 * "init", "ramp", "class-weights", "vectors" and "freeze" may be set several times, and each value is added to those before it.
 * A flag takes "yes", "no" or NULL, which is yes. UNROLL_USAGE for an unknown name, with the nearest known one, and for a value
 * out of bounds. Either changes nothing. */
UNROLL_API unroll_status unroll_options_set(unroll_options *o, const char *name, const char *value, unroll_error *err);
/* Calls with these options look at *stop now and then, as a signal or another thread may set it. Not 0: the call ends with
 * UNROLL_INTERRUPTED. NULL: nothing stops them. */
UNROLL_API void unroll_options_set_stop(unroll_options *o, volatile sig_atomic_t *stop);

/* --- data --- */

/* Rows for a model: files, or columns in memory, which become a table as if it were a CSV file. What is added is copied.
 * Columns with the names of the model's variables are read, others passed over. For a model of texts the column of its
 * variable, or the only column, is the text: a row is a line. A table is constant once filled, and threads may share it. */
typedef struct unroll_table unroll_table;

UNROLL_API unroll_table *unroll_table_new(void); /* NULL: out of memory */
UNROLL_API void unroll_table_free(unroll_table *t);
/* Adds a file or folder, as the command line takes it; several follow each other. Not together with columns. It is read each
 * time that the table is used, by the options "series", "tagged", "labels-from-folders" and "skip-bad". */
UNROLL_API unroll_status unroll_table_read(unroll_table *t, const char *path, unroll_error *err);
/* Columns, all of n rows. Texts, labels, dates, names of files (relative to the working folder): `lengths` in bytes, or NULL, and
 * each ends with a NUL. Empty: missing. */
UNROLL_API unroll_status unroll_table_add_texts(unroll_table *t, const char *name, const char *const *texts, const size_t *lengths,
                                                int64_t n, unroll_error *err);
/* The bytes of a file for each row: pictures, recordings, drawings, music, films. NULL: missing. */
UNROLL_API unroll_status unroll_table_add_files(unroll_table *t, const char *name, const void *const *bytes, const size_t *sizes,
                                                int64_t n, unroll_error *err);
/* A number a row; NaN: missing. */
UNROLL_API unroll_status unroll_table_add_numbers(unroll_table *t, const char *name, const double *x, int64_t n, unroll_error *err);
/* A vector a row: x is [n][width]. */
UNROLL_API unroll_status unroll_table_add_vectors(unroll_table *t, const char *name, const float *x, int64_t n, int width,
                                                  unroll_error *err);
/* Several steps a row: x is [first[n]][width], and row i is steps first[i] .. first[i + 1] - 1. `first` is [n + 1], from 0. */
UNROLL_API unroll_status unroll_table_add_sequences(unroll_table *t, const char *name, const float *x, const int64_t *first,
                                                    int64_t n, int width, unroll_error *err);

/* --- results --- */

/* Rows of values, and figures. Constant; everything that it hands out belongs to it. */
typedef struct unroll_result unroll_result;

typedef struct unroll_row {
  size_t size;
  int64_t example;          /* from 0: which row of the table, or which of its examples */
  int64_t number;           /* from 0: of the hypothesis by rank, or of the sample */
  double log2_p;            /* of all that is predicted: of generated and scored rows, else NaN */
  int ended;                /* generated: came to its end symbol, or to the steps that the data has */
  const char *series;       /* of series with dates: the name of the series; else "" */
  const char *const *times; /* of series with dates: [steps] dates; else NULL */
  const char *left_out;     /* why the row could not be read and has no values, with option "skip-bad" of predict; else NULL */
} unroll_row;
UNROLL_API void unroll_row_init_sized(unroll_row *r, size_t size);
#define unroll_row_init(r) unroll_row_init_sized((r), sizeof *(r))

typedef struct unroll_value { /* what a row says of a variable; what does not fit it is NULL or 0 */
  size_t size;
  const char *name;
  int64_t steps;         /* 1 where it has none; an end symbol is not counted */
  int width;             /* numbers of a step */
  const double *numbers; /* [steps][width] means, draws, traced values, in the units of the data */
  const double *levels;  /* [n_levels] those of the quantiles */
  int n_levels;
  const double *quantiles; /* [steps][n_levels][width] */
  const int32_t *symbols;  /* [steps] the likeliest or drawn ones */
  const float *p;          /* [steps] the probability of each */
  int n_probabilities;
  const float *probabilities; /* [steps][n_probabilities] of all symbols, with option "probabilities" of predict */
  const double *log2_p;       /* [n_log2_p] scored: of each step, the end symbol too; NULL of ctc, which has one for all */
  int64_t n_log2_p;
  const char *text; /* of the symbols, NUL-terminated; words and labels have spaces between them */
  size_t length;
  const double *times; /* [steps] option "times": the second at which each symbol of a recording begins */
  int n_top;           /* option "top" of predict and trace, at most the number of symbols */
  const int32_t *top;  /* [steps][n_top] the likeliest symbols, likeliest first; of equal ones the lower number */
  const float *top_p;  /* [steps][n_top] */
} unroll_value;
UNROLL_API void unroll_value_init_sized(unroll_value *v, size_t size);
#define unroll_value_init(v) unroll_value_init_sized((v), sizeof *(v))

UNROLL_API void unroll_result_free(unroll_result *r);
UNROLL_API int64_t unroll_result_rows(const unroll_result *r);
/* How many variables rows have, and the name of each; NULL for another number. */
UNROLL_API int unroll_result_variables(const unroll_result *r);
UNROLL_API const char *unroll_result_variable(const unroll_result *r, int number);
/* *out was set by its _init. UNROLL_USAGE for a row or a variable that is not there. variable NULL: the first. */
UNROLL_API unroll_status unroll_result_row(const unroll_result *r, int64_t row, unroll_row *out, unroll_error *err);
UNROLL_API unroll_status unroll_result_value(const unroll_result *r, int64_t row, const char *variable, unroll_value *out,
                                             unroll_error *err);

/* A value as the program prints it. Text has \n for a newline. Numbers have ; within and spaces between steps, and quantiles in
 * place of means where there are some. For unroll_free. */
UNROLL_API unroll_status unroll_value_line(const unroll_value *v, char **line, unroll_error *err);

/* Gets a result of one row. Not 0: that is enough, and the call ends as if there were no more. */
typedef int unroll_row_call(void *context, const unroll_result *row);
/* Calls with these options hand over each row as soon as it is there, in order, and keep none. What it points to is valid until
 * `call` returns. NULL: rows are kept. */
UNROLL_API void unroll_options_set_rows(unroll_options *o, unroll_row_call *call, void *context);

typedef struct unroll_figure {
  size_t size;
  const char *name; /* "accuracy" */
  const char *unit; /* "count", "share" (0 to 1), "nats", "nats per symbol", "pinball", "number", "word" */
  double value;     /* NaN: not defined, or a word */
  const char *word; /* or NULL */
  const char *of;   /* "": all of the data; else a path as in "variables/label/labels/good", with / between names */
  int subject;      /* the number of the subject that `of` names */
} unroll_figure;
UNROLL_API void unroll_figure_init_sized(unroll_figure *f, size_t size);
#define unroll_figure_init(f) unroll_figure_init_sized((f), sizeof *(f))

/* Figures come from unroll_evaluate, unroll_score_table, unroll_train_watched, unroll_check and unroll_cell_facts; others have
 * none. */
UNROLL_API int unroll_result_figures(const unroll_result *r);
UNROLL_API unroll_status unroll_result_figure(const unroll_result *r, int number, unroll_figure *out, unroll_error *err);
/* The value of a figure by path and name; NaN: there is none. */
UNROLL_API double unroll_result_find(const unroll_result *r, const char *of, const char *name);

typedef struct unroll_subject { /* what figures are of. They are a tree: all of the data, a variable, its labels, a label */
  size_t size;
  int parent;        /* its number; -1: all of the data, which is subject 0 */
  int is_list;       /* its children are the elements of a list */
  int is_element;    /* it is one */
  const char *name;  /* "variables", "labels"; of an element what its label is: "label", "type" */
  const char *label; /* of an element: `length` bytes and a NUL; else NULL */
  size_t length;
  int before; /* figures that stand before it: who writes them in order writes the subject then */
} unroll_subject;
UNROLL_API void unroll_subject_init_sized(unroll_subject *s, size_t size);
#define unroll_subject_init(s) unroll_subject_init_sized((s), sizeof *(s))
UNROLL_API int unroll_result_subjects(const unroll_result *r);
UNROLL_API unroll_status unroll_result_subject(const unroll_result *r, int number, unroll_subject *out, unroll_error *err);

typedef struct unroll_confusion { /* how often which symbol was predicted for which */
  size_t size;
  const char *variable;
  int n;                     /* labels, or symbols */
  const char *const *labels; /* [n] NUL-terminated. Of bpe the space that begins a word is U+2581 */
  const size_t *lengths;     /* [n] in bytes */
  const int64_t *counts;     /* [n][n] true one, predicted one */
} unroll_confusion;
UNROLL_API void unroll_confusion_init_sized(unroll_confusion *c, size_t size);
#define unroll_confusion_init(c) unroll_confusion_init_sized((c), sizeof *(c))
/* Of unroll_evaluate with option "confusion": a table for each variable of labels, or of symbols where none is of labels. */
UNROLL_API int unroll_result_confusions(const unroll_result *r);
UNROLL_API unroll_status unroll_result_confusion(const unroll_result *r, int number, unroll_confusion *out, unroll_error *err);

/* What option "skip-bad" left out, by numbers from 0. For the first ten rows or lines it is what is wrong with each, then how
 * many more there are. UNROLL_USAGE for other numbers. The figure "bad_rows" counts all. */
UNROLL_API unroll_status unroll_result_left_out(const unroll_result *r, int number, unroll_error *out, unroll_error *err);

/* --- predicting --- */

/* For all functions with a table: `o` has the options of the named command. NULL: their defaults. *out is for
 * unroll_result_free. They do what the command does, with the same bits. */

/* `unroll predict`: a row for each example. A model of texts gives a row for each line, with the symbol after it. A net that
 * generates gives one for each hypothesis ("beam", "n-best") or draw ("samples", "temperature"). A net of ctc gives one for
 * each text that a search found ("n-best"). A model of series with dates gives the forecasts ("horizon", "samples",
 * "quantiles"), a row for each series. The table need not have what is predicted. */
UNROLL_API unroll_status unroll_predict(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                                        unroll_error *err);
/* `unroll eval`: figures; of series with dates those of back-tests. No rows. */
UNROLL_API unroll_status unroll_evaluate(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                                         unroll_error *err);
/* `unroll score`: log2 P of each example, of each step too, by the chain rule; figures of all. */
UNROLL_API unroll_status unroll_score_table(const unroll_model *m, const unroll_table *t, const unroll_options *o,
                                            unroll_result **out, unroll_error *err);
/* `unroll sample`: a row for each sequence that is drawn, of any net that needs no data but option "text". With option "output"
 * they are in that file too. With "not-in" there may be fewer than were asked for. */
UNROLL_API unroll_status unroll_generate(const unroll_model *m, const unroll_options *o, unroll_result **out, unroll_error *err);
/* The named values of the equations, from 0: "h", "h.i" inside a cell; NULL for another number. */
UNROLL_API const char *unroll_model_value(const unroll_model *m, int number);
typedef struct unroll_named {
  size_t size;
  const char *name;
  int width;         /* numbers of a value; 0: as many as `over` has steps */
  int has_steps;     /* a value at each step; else one for each example */
  const char *along; /* a variable of the data that has the same steps; NULL: there is none */
  const char
      *over;    /* of the weights of an attention: the first variable with the steps, or the picture, that it looks at; else NULL */
  int is_state; /* 1: the equations use it at [t-1]; -1: at [t+1], so it goes backwards; 0: neither */
  int is_gate;  /* it is a sigmoid */
  int rows, columns; /* of weights over the positions of a picture: how these lie; else 0 */
} unroll_named;
UNROLL_API void unroll_named_init_sized(unroll_named *v, size_t size);
#define unroll_named_init(v) unroll_named_init_sized((v), sizeof *(v))
/* What a named value is. UNROLL_USAGE for another number. */
UNROLL_API unroll_status unroll_model_named(const unroll_model *m, int number, unroll_named *out, unroll_error *err);
/* Values of variables of the equations at each step, for the examples of a table, as the options of "trace" (or "predict") read
 * it. A name is any named value of `unroll explain`: "h", or "h.i" inside a cell ("i" where that is the only one). "a.weights"
 * are those of an attention `a`; their width is the steps, or the positions of a picture, that it looks at. Of a variable of the
 * data it is what went in: symbols and text, or numbers (NaN: not observed). With option "top" it is also what was likeliest there,
 * given all before it. Of series with dates it is the data alone, with its dates. UNROLL_USAGE for an unknown name, with the
 * nearest known one. */
UNROLL_API unroll_status unroll_trace(const unroll_model *m, const unroll_table *t, const char *const *names, int n_names,
                                      const unroll_options *o, unroll_result **out, unroll_error *err);

/* --- one text --- */

typedef struct unroll_sample_options {
  size_t size;
  const char *prime;  /* the text begins with this; NULL: with nothing */
  double temperature; /* [1] log-probabilities are divided by it; 0: always the likeliest symbol */
  int top_k;          /* [0] only the k most probable symbols; 0: all */
  int64_t length;     /* [1000] symbols after the prime: of a line at most so many, else exactly */
  uint64_t seed;      /* [1] the same seed gives the same text */
  double top_p;       /* [1] only the most probable symbols that together have this probability; 1: all */
  int64_t drawn;      /* [-1] of unroll_session_draw: so many were drawn after the prime. Row r draws as sequence r of `unroll
                       * sample` does there. -1: the session's own steps count */
  int64_t sequence;   /* [-1] of unroll_session_draw: draws as this sequence; -1: the row's number */
} unroll_sample_options;

UNROLL_API void unroll_sample_options_init_sized(unroll_sample_options *o, size_t size);
#define unroll_sample_options_init(o) unroll_sample_options_init_sized((o), sizeof *(o))
/* One text, prime included, for unroll_free. *log2_p (or NULL) is the log2 probability of what follows the prime, at
 * temperature 1 and with all symbols allowed. The end of the sequence counts where the net has one and it was reached. */
UNROLL_API unroll_status unroll_sample(const unroll_model *m, const unroll_sample_options *o, char **text, double *log2_p,
                                       unroll_error *err);

/* The chain rule: log2 P(text) = sum over t of log2 P(text[t] | text[<t]), with the end of the sequence where the net has one.
 * `text` is one sequence of `length` bytes. *symbols (or NULL) is the number of terms. */
UNROLL_API unroll_status unroll_score(const unroll_model *m, const char *text, size_t length, double *log2_p, int64_t *symbols,
                                      unroll_error *err);

/* --- step by step --- */

/* Sequences under way, side by side, a step at a time. The model must outlive its sessions.
 *
 * A step: set what the net is given at it, unroll_session_step, look at what the net says of it. What is predicted and fed back is
 * then set too, before the next step: the true value, or a drawn one. A net that is given nothing but what it predicted (a text)
 * takes its first step by itself, when the session is made or reset. What has no steps is set once, before the first. So is what
 * the net reads whole before it begins: the sentence that it translates, the text of a tagger that looks both ways. UNROLL_USAGE
 * for nets that cannot be run so: those that predict once for a whole sequence, or scale series by window. */
typedef struct unroll_session unroll_session;

UNROLL_API unroll_status unroll_session_new(unroll_session **out, const unroll_model *m, unroll_error *err);
/* A session of so many rows, 1 to 65,536. */
UNROLL_API unroll_status unroll_session_new_rows(unroll_session **out, const unroll_model *m, int rows, unroll_error *err);
UNROLL_API void unroll_session_free(unroll_session *s);
/* Back to the beginning of a sequence: all rows, or one. */
UNROLL_API void unroll_session_reset(unroll_session *s);
UNROLL_API unroll_status unroll_session_reset_row(unroll_session *s, int row, unroll_error *err);
/* Only the first rows take part in steps from here on, which cost as much less; the others are reset. No bit of a row depends on
 * how many there are. */
UNROLL_API unroll_status unroll_session_use(unroll_session *s, int rows, unroll_error *err);

/* The value of a variable: a symbol by its number, its text, or n numbers in the units of the data. A text is a word, a label,
 * a character; of sounds and pictures the name of a file. UNROLL_BAD_INPUT for a text that the model does not know. What is read
 * whole takes all of its steps: symbols, a text, or n numbers. A text of bpe is taken as a line, with a space before it. As one
 * step it must be one symbol. */
UNROLL_API unroll_status unroll_session_set_symbol(unroll_session *s, int row, const char *variable, int symbol, unroll_error *err);
UNROLL_API unroll_status unroll_session_set_symbols(unroll_session *s, int row, const char *variable, const int32_t *symbols,
                                                    int64_t n, unroll_error *err);
UNROLL_API unroll_status unroll_session_set_text(unroll_session *s, int row, const char *variable, const char *text, size_t length,
                                                 unroll_error *err);
UNROLL_API unroll_status unroll_session_set_numbers(unroll_session *s, int row, const char *variable, const float *x, int n,
                                                    unroll_error *err);
/* The same with all digits: of numbers of a high level that the model scales, as 100000001, a float has lost some. */
UNROLL_API unroll_status unroll_session_set_doubles(unroll_session *s, int row, const char *variable, const double *x, int64_t n,
                                                    unroll_error *err);
/* One step of all rows. UNROLL_USAGE naming a variable that is not set, and after the last step of what is read whole and walked
 * along with the steps. Allocates nothing. */
UNROLL_API unroll_status unroll_session_step(unroll_session *s, unroll_error *err);
/* What the last step says of a predicted variable (NULL: the first): likeliest symbol and all probabilities, or means. Belongs to
 * the session, valid until it is used again. UNROLL_USAGE before the first step. */
UNROLL_API unroll_status unroll_session_value(unroll_session *s, int row, const char *variable, unroll_value *out,
                                              unroll_error *err);
/* Quantiles of numbers: out is [n][width]. */
UNROLL_API unroll_status unroll_session_quantiles(unroll_session *s, int row, const char *variable, const double *levels, int n,
                                                  float *out, unroll_error *err);
/* The arguments of the distribution as docs/language.md lists them: *out is [*width]. UNROLL_USAGE for another number. */
UNROLL_API unroll_status unroll_session_argument(unroll_session *s, int row, const char *variable, int number, const float **out,
                                                 int *width, unroll_error *err);
/* Draws a value and sets it; *out (or NULL) is that value. Of `o` (or NULL) temperature, top_k, top_p, seed and drawn count; what
 * is drawn is a function of seed, row and step. */
UNROLL_API unroll_status unroll_session_draw(unroll_session *s, int row, const char *variable, const unroll_sample_options *o,
                                             unroll_value *out, unroll_error *err);

/* A second session that goes on from the same place. */
UNROLL_API unroll_status unroll_session_clone(unroll_session **out, const unroll_session *s, unroll_error *err);
/* The place as bytes, for unroll_free, and back to it, in a session of as many rows of the same model. UNROLL_BAD_INPUT for bytes
 * of another, which change nothing. */
UNROLL_API unroll_status unroll_session_save(const unroll_session *s, void **bytes, size_t *size, unroll_error *err);
UNROLL_API unroll_status unroll_session_restore(unroll_session *s, const void *bytes, size_t size, unroll_error *err);

/* A model of one text, one row. ln P(next symbol | everything fed so far), one number per symbol; belongs to the session, valid
 * until it is used again. NULL for other sessions. */
UNROLL_API const float *unroll_session_log_p(const unroll_session *s);
/* Takes the next symbol: sets it and makes a step. Allocates nothing. UNROLL_USAGE when there is no such symbol. */
UNROLL_API unroll_status unroll_session_feed(unroll_session *s, int symbol, unroll_error *err);

/* `unroll compress`: a text of `size` bytes as short as a model of one text, of chars, bytes or bpe, predicts it (arithmetic
 * coding). That is the bits of unroll_score, and at most 0.1 % more. Any bytes can be compressed; what the model has no symbol
 * for takes 30 bits a byte. The same bytes come out on every machine. `o`: options of "compress", or NULL. *out, of *out_size
 * bytes, is for unroll_free. */
UNROLL_API unroll_status unroll_compress(const unroll_model *m, const void *bytes, size_t size, const unroll_options *o, void **out,
                                         size_t *out_size, unroll_error *err);
/* Back, with the same model. UNROLL_BAD_INPUT for another model, and for bytes that are damaged. `o`: options of "expand". */
UNROLL_API unroll_status unroll_expand(const unroll_model *m, const void *bytes, size_t size, const unroll_options *o, void **out,
                                       size_t *out_size, unroll_error *err);

/* --- a recording that still goes on --- */

/* Texts by a net of ctc whose states go forward only, each symbol as soon as it is heard. Together they are what unroll_predict
 * finds in the whole recording. The model must outlive it. */
typedef struct unroll_listener unroll_listener;

/* UNROLL_USAGE for a model that reads anything but one recording, or needs more of it than what was heard so far. */
UNROLL_API unroll_status unroll_listener_new(unroll_listener **out, const unroll_model *m, unroll_error *err);
UNROLL_API void unroll_listener_free(unroll_listener *l);
/* Further bytes, any number: samples of 16 bits, the low byte first, one channel, at the model's rate. The first may be the
 * head of a WAV file that says so. `ends`, not 0: these are the last. *text is what was heard, NUL-terminated, maybe empty; it
 * belongs to the listener, until the next call. */
UNROLL_API unroll_status unroll_listener_take(unroll_listener *l, const void *bytes, size_t size, int ends, const char **text,
                                              unroll_error *err);

/* --- looking inside --- */

/* What `unroll explain` prints: parameters, equations, their gradient, the plan. `net` is a file or the name of a built-in net
 * or cell; settings are "NAME=VALUE" texts. The text is for unroll_free. */
UNROLL_API unroll_status unroll_explain(const char *net, const char *const *settings, int n_settings, char **text,
                                        unroll_error *err);
/* A net or cell built with its gradient but not trained; or a trained model, which is a file *.safetensors. `o`: options of
 * "explain". UNROLL_USAGE with the nearest name where there is none like this. Everything that it hands out belongs to it. */
typedef struct unroll_net unroll_net;
UNROLL_API unroll_status unroll_net_new(unroll_net **out, const char *name, const unroll_options *o, unroll_error *err);
UNROLL_API void unroll_net_free(unroll_net *n);
UNROLL_API const char *unroll_net_file(const unroll_net *n);
UNROLL_API int64_t unroll_net_weights(const unroll_net *n);
typedef struct unroll_setting {
  size_t size;
  const char *name, *word; /* NULL: a number */
  double number;
} unroll_setting;
UNROLL_API void unroll_setting_init_sized(unroll_setting *s, size_t size);
#define unroll_setting_init(s) unroll_setting_init_sized((s), sizeof *(s))
UNROLL_API int unroll_net_settings(const unroll_net *n);
UNROLL_API unroll_status unroll_net_setting(const unroll_net *n, int number, unroll_setting *out, unroll_error *err);
UNROLL_API int unroll_net_parameters(const unroll_net *n);
UNROLL_API unroll_status unroll_net_parameter(const unroll_net *n, int number, unroll_parameter *out, unroll_error *err);
/* An equation a line. */
UNROLL_API const char *unroll_net_equations(const unroll_net *n);
UNROLL_API const char *unroll_net_gradient(const unroll_net *n);
/* Plans a training step for options "batch" and "unroll". What the three below say is NULL or 0 before that, and where it failed.
 */
UNROLL_API unroll_status unroll_net_plan(unroll_net *n, unroll_error *err);
UNROLL_API const char *unroll_net_plan_text(const unroll_net *n);
UNROLL_API double unroll_net_operations(const unroll_net *n); /* of the step's products */
UNROLL_API int64_t unroll_net_bytes(const unroll_net *n);     /* that the step needs beside weights and data */
/* A training step by so many ranks of one thread each, reckoned from the plan: options "workers" and "link" of unroll_net_new. */
typedef struct unroll_scaling {
  size_t size;
  int workers, shards; /* more workers than shards have no work */
  double bytes;        /* that a rank sends, and as many receives: 2 (N - 1) / N gradients of 4 bytes a weight */
  double sending, one; /* seconds: that takes; a step on one worker, at three quarters of this machine's measured peak */
  double computing;    /* of the worker with most shards */
  double speedup;      /* one / (computing + sending): nothing overlaps */
} unroll_scaling;
UNROLL_API void unroll_scaling_init_sized(unroll_scaling *s, size_t size);
#define unroll_scaling_init(s) unroll_scaling_init_sized((s), sizeof *(s))
/* After unroll_net_plan. UNROLL_USAGE without option "workers", for a rate that is none, and where there is no plan. */
UNROLL_API unroll_status unroll_net_scaling(const unroll_net *n, unroll_scaling *out, unroll_error *err);
/* All of it as unroll_explain has it, for unroll_free. */
UNROLL_API unroll_status unroll_net_text(const unroll_net *n, char **text, unroll_error *err);
/* Can this build train a built-in net as it is? */
UNROLL_API int unroll_net_trains(const char *name);
/* Figures of a built-in cell of size N = 256 with inputs of width 64: parameters, operations of a step, products, the state's
 * size. Also the products on the cycle through [t-1] (none: there is no cycle), and the word "formula" of its parameters in N,
 * M and K. */
UNROLL_API unroll_status unroll_cell_facts(const char *name, unroll_result **out, unroll_error *err);
/* `unroll check`: is the gradient of a net or cell right? Figures: "passed", the worst differences; of each parameter and value
 * those of its own. UNROLL_OK when it was looked at, whatever came out. `o`: options of "check". */
UNROLL_API unroll_status unroll_check(const char *net, const unroll_options *o, unroll_result **out, unroll_error *err);
/* `unroll run`: a net or cell on the tensors of options "weights" and "inputs", into the file "output". */
UNROLL_API unroll_status unroll_run(const char *net, const unroll_options *o, unroll_error *err);
/* `unroll task`: n made-up sequences, from number `first` on; before number 0 the names of a table's columns. `o`: "seed" and
 * "length" of "task". The text of *length bytes is for unroll_free. */
UNROLL_API unroll_status unroll_task(const char *name, const unroll_options *o, int64_t first, int64_t n, char **text,
                                     size_t *length, unroll_error *err);
/* `unroll flow`: how the derivative of one loss by each state fades or grows over the steps before it. A row for each state has
 * its name as `series`. "norms" are [steps] of |dL[t] / ds[t - k]| for k from 0 to "lags", medians over the examples. Figures:
 * "exponent", the estimated largest Lyapunov exponent; of matrices/NAME "spectral_radius", "largest" and "least" singular
 * value. t NULL: made-up data. `o`: options of "flow". UNROLL_USAGE for a net without a state. */
UNROLL_API unroll_status unroll_flow(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                                     unroll_error *err);
/* Equations and gradient for a page: form "latex" (environments of amsmath) or "mathml" (an element each); or "dot", a drawing of
 * what depends on what. The text is for unroll_free. UNROLL_USAGE for another form. */
UNROLL_API unroll_status unroll_typeset(const char *net, const char *const *settings, int n_settings, const char *form, char **text,
                                        unroll_error *err);
/* The same of a model that is loaded; no file is read again. */
UNROLL_API unroll_status unroll_model_typeset(const unroll_model *m, const char *form, char **text, unroll_error *err);

/* `unroll export`: the model for other programs. "c": a C99 file `path`, and its header; "onnx"; "pytorch": a module
 * `path` of Python, and weights beside it. `o`: options of "export", or NULL. UNROLL_USAGE: no such form, or not of this net. */
UNROLL_API unroll_status unroll_export(const unroll_model *m, const char *form, const char *path, const unroll_options *o,
                                       unroll_error *err);

/* `unroll import`: the models of other programs. Reads `files` with options of "import" (or NULL). Where
 * "output" is given, the model goes there. Where "net" is given, the text of the net goes there, and its cells beside it. *out (or
 * NULL) is the model, *notes (or NULL), for unroll_free, what was understood: lines. Of option "verify" the library takes two paths
 * with a newline between them. Nothing in a file is executed; what is not understood is UNROLL_BAD_INPUT by its name. */
UNROLL_API unroll_status unroll_import(unroll_model **out, const char *const *files, int n, const unroll_options *o, char **notes,
                                       unroll_error *err);

/* --- training --- */

typedef struct unroll_progress {
  size_t size;          /* what the library knows of it */
  int64_t step, steps;  /* done, and to do in all (0 when unknown) */
  int64_t epoch;        /* from 1 */
  double seconds;       /* since the start of this call */
  double remaining;     /* seconds, NaN when unknown */
  double loss;          /* nats per symbol, training */
  double valid_bits;    /* bits per symbol of the last validation, NaN before the first */
  double rate;          /* learning rate */
  double gradient_norm; /* before clipping */
  double symbols_per_second;
  int validated, best; /* a validation was made after this step; and it was the best so far */
} unroll_progress;

/* Called after each step, from the thread that called unroll_train; `p` is valid during the call. Not 0: stop; the checkpoint is
 * written and UNROLL_INTERRUPTED returned. */
typedef int unroll_progress_call(void *context, const unroll_progress *p);

/* `unroll train`: trains the net "net" on "data". The folder "output" gets model.safetensors, checkpoint.safetensors and
 * log.jsonl; it is made if it is not there. Where "resume" is set to such a folder instead, goes on from its checkpoint with
 * the options that stand there. What a resumed run may not change is refused. `progress` may be NULL. The options stay as they
 * are, for another call.
 */
UNROLL_API unroll_status unroll_train(const unroll_options *o, unroll_progress_call *progress, void *context, unroll_error *err);
/* The same on a table in place of "data"; "valid" and "test" are shares of it, or files. *out (or NULL) is the best model, as it is
 * in the folder. A run that goes on needs the same table. */
UNROLL_API unroll_status unroll_train_table(const unroll_options *o, const unroll_table *t, unroll_progress_call *progress,
                                            void *context, unroll_model **out, unroll_error *err);

typedef struct unroll_start { /* what training begins with */
  size_t size;                /* what the library knows of it */
  const char *net_file;
  const char *counted;                       /* what `symbols` are: "symbol", "label", "number", "vector", "prediction" */
  int64_t weights, symbols[3], sequences[3]; /* to train on, to validate, to test */
  int known;                                 /* symbols that the model knows; 0: it has none */
  int rows, steps;                           /* of a pass: the batch; the steps, of the longest line */
  int64_t first_step, total_steps, steps_per_epoch;
  int64_t memory, bytes;     /* option "memory", 0: no limit; what the run takes */
  int window;                /* steps that run at a time; 0: all */
  int threads;               /* that share the work */
  int resumed, replaces;     /* goes on from `checkpoint`; the folder held the model of an earlier training */
  const char *checkpoint;    /* or NULL */
  const char *class_weights; /* "label: no 0.5, yes 5", a line for each variable that has some; NULL: none */
  const char *notes;         /* what was taken to have steps, shares of <unk>: lines; NULL: none */
  int shards;                /* of the batch: see option 'shards' */
} unroll_start;

typedef struct unroll_watch { /* functions that a training calls, from the thread that trains; NULL: not called */
  size_t size;
  void *context;
  void (*start)(void *context, const unroll_start *s);
  unroll_progress_call *progress;
  void (*warning)(void *context, const char *message); /* a skipped step, a damaged checkpoint, rows that are left out ... */
} unroll_watch;
UNROLL_API void unroll_watch_init_sized(unroll_watch *w, size_t size);
#define unroll_watch_init(w) unroll_watch_init_sized((w), sizeof *(w))

/* The same again, watched. t may be NULL: then it is "data". *figures (or NULL) is what it came to: "steps", "loss",
 * "valid_loss", "test_loss", "seconds" and more. The flag of unroll_options_set_stop stops it, and is set where `progress`
 * returns not 0. */
UNROLL_API unroll_status unroll_train_watched(const unroll_options *o, const unroll_table *t, const unroll_watch *w,
                                              unroll_model **out, unroll_result **figures, unroll_error *err);
/* The model as training with these options would begin with it. It is for the data that they name, or for a table. With
 * neither, what only data would say has made-up sizes. Nothing is written. */
UNROLL_API unroll_status unroll_untrained(const unroll_options *o, const unroll_table *t, unroll_model **out, unroll_error *err);

#ifdef __cplusplus
}
#endif
#endif
