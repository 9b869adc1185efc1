/* options.h - the command line: the rows of option/options.def and option/commands.def feed the parser, the help texts, the manual
 * and the completion of the shell. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"
#include "base/text.h"
#include "option/option.h"

/* The values of all options of all commands. Not given: false, -1, NaN, NULL. */
typedef struct options {
#define OPTION(field, kind, ...) OPTION_##kind##_FIELD field;
#include "option/options.def"
  char **arguments; /* what is left: NET, DATA, MODEL ... */
  int n_arguments;
  bool help;
  struct typed { /* [n_typed] names and values in their order; NULL: of a flag */
    const char *name, *value;
  } * typed;
  int n_typed, typed_room;
  arena texts;
} options;

extern const option_row option_rows[];
extern const int n_option_rows;

enum { ANY_NUMBER = 1 << 20 };

typedef struct command {
  const char *name;
  int least, most;     /* arguments; ANY_NUMBER: any */
  const char *summary; /* one line for the list of commands */
  const char *usage;   /* what follows "unroll NAME"; a line each */
  const char *text;    /* the paragraphs of the help text */
  uint32_t bit;        /* IN(name) */
  unroll_status (*run)(const options *o, unroll_error *err);
} command;

extern const command commands[N_COMMANDS];
const command *command_find(const char *name);
/* Whether the first argument may be one of `words`, as in "NET|CELL". */
bool command_takes(const command *c, const char *words);
/* Whether a row is an option of the command, to be typed with dashes. */
bool command_has(const command *c, const option_row *row);

/* Reads the options of a command; argv[0] is the command's name. Reorders argv, to which *o points afterwards.
 * UNROLL_USAGE names the option and what it takes. options_free in every case. */
unroll_status options_read(options *o, const command *c, int argc, char **argv, unroll_error *err);
void options_free(options *o);
/* The number of arguments, checked after --help was looked at. A folder for MODEL becomes the model in it. */
unroll_status options_check_arguments(options *o, const command *c, unroll_error *err);
/* A message of the library in the words of the command line: option 'batch' is --batch. */
void options_message(const char *message, text *out);

/* help.c: the help text of a command and the list of commands, in lines of at most `width` columns. Manual pages as roff, of
 * the program where c is NULL. And docs/options.md. */
void options_help(const command *c, int width, text *out);
void options_overview(int width, text *out);
void options_manual(const command *c, text *out);
void options_page(text *out);
/* completion.c. False: no such shell. */
bool options_completion(const char *shell, text *out);
#endif
