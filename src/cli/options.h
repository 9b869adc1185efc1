/* options.h - one table of options per command feeds the parser, the help text and the completion of the shell. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

typedef struct option_list { /* of an option that may be repeated */
  const char **items;
  int n;
} option_list;

/* The values of all options of all commands. Not given: false, -1, NaN, NULL. */
typedef struct options {
  bool all, confusion, decode, folders, gradient, json, markdown, per_symbol, probability, quiet, reference, skip_bad, standardise;
  bool trained;
  int64_t batch, beam, best, checkpoint, count, decay_steps, epochs, length, log, many, patience, seed, steps, threads, top_k,
      unroll, warmup;
  int64_t backtest, context, horizon, samples, season, stride; /* of series with dates */
  double clip_norm, clip_value, decay, length_penalty, momentum, rate, seconds, temperature, top_p;
  const char *dump, *inputs, *memory, *new_file, *not_in, *optimizer, *output, *precision, *prime, *quantiles, *resume, *scale,
      *schedule, *series, *tagged, *test, *time, *valid, *weights;
  char **arguments; /* what is left: NET, DATA, MODEL ... */
  int n_arguments;
  option_list class_weights, sets, inits, ramps;  /* the values of --set, NAME=VALUE each; of --init; of --ramp */
  bool cases, cells, forward, roofline, sessions; /* bench */
  const char *cell, *shape;
  bool help;
} options;

enum option_kind {
  OPTION_END,     /* the last row */
  OPTION_HEADING, /* a line of the help text */
  OPTION_FLAG,    /* bool */
  OPTION_INTEGER, /* int64_t between least and most */
  OPTION_NUMBER,  /* double between least and most, least itself excluded when `open` */
  OPTION_WORD,    /* one of the words of `value`, as in "adam|adamw" */
  OPTION_TEXT,
  OPTION_FILE,
  OPTION_FOLDER,
  OPTION_LIST /* may be repeated; collected in an option_list */
};

typedef struct option_row {
  enum option_kind kind;
  const char *name; /* without the dashes */
  char letter;      /* 0: none */
  size_t at;        /* place in struct options */
  const char *value;
  double least, most;
  bool open;
  const char *help; /* ends with the default in brackets, where there is one */
} option_row;

/* Largest values that make sense; a bigger one is more likely a slip than a wish. */
#define MOST_COUNT 1e15
#define MOST_NUMBER 1e30

enum { NO_BOUND = 1 << 20 };

typedef struct command {
  const char *name;
  const char *usage;   /* what follows "unroll NAME"; a line each */
  const char *summary; /* one line for the list of commands */
  const char *text;    /* the paragraphs of the help text */
  const option_row *rows;
  int least, most; /* arguments; NO_BOUND: any number */
  bool names;      /* the first argument may be a built-in name: for the completion */
  unroll_status (*run)(const options *o, unroll_error *err);
} command;

/* Reads the options of a command; argv[0] is the command's name. Reorders argv, to which *o points afterwards.
 * UNROLL_USAGE names the option and what it takes. options_free in every case. */
unroll_status options_read(options *o, const command *c, int argc, char **argv, unroll_error *err);
void options_free(options *o);
/* The number of arguments, checked after --help was looked at. */
unroll_status options_check_arguments(const options *o, const command *c, unroll_error *err);

void options_help(const command *c, text *out);
/* Completion for bash: all commands with their options. `names` are built-in cells and nets, `n` of them. */
void options_completion(const command *commands, int n_commands, const char *const *names, int n_names, text *out);
#endif
