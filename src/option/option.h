/* option.h - options as rows: what each is called, may be and is at first. options.def has the rows.
 *
 * One row serves every reader: command line, help, manual, completion, checkpoint and C API. A record is a struct with a field for
 * each row, at row->at. Bounds are checked here and nowhere else. Messages say `option 'batch'`, and who asked may say it in its
 * own way: the command line writes `--batch`. */
#ifndef OPTION_OPTION_H
#define OPTION_OPTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"

typedef struct option_list { /* of an option that may be repeated */
  const char *const *items;
  int n;
} option_list;

enum option_kind {
  OPTION_FLAG,
  OPTION_WHOLE,
  OPTION_REAL,
  OPTION_BYTES, /* "500M", "1.5G", "64K" (of 1024), or bytes */
  OPTION_CHOICE,
  OPTION_TEXT,
  OPTION_FILE,
  OPTION_FOLDER,
  OPTION_SHARE, /* a number from 0 to below 1, or a file */
  OPTION_LINES, /* may be repeated: one text with newlines between the values */
  OPTION_LIST,  /* may be repeated */
  OPTION_SECTION
};

/* The type of each kind's field. */
#define OPTION_FLAG_FIELD bool
#define OPTION_WHOLE_FIELD int64_t
#define OPTION_REAL_FIELD double
#define OPTION_BYTES_FIELD int64_t
#define OPTION_CHOICE_FIELD const char *
#define OPTION_TEXT_FIELD const char *
#define OPTION_FILE_FIELD const char *
#define OPTION_FOLDER_FIELD const char *
#define OPTION_SHARE_FIELD const char *
#define OPTION_LINES_FIELD const char *
#define OPTION_LIST_FIELD option_list

enum option_resume { OPTION_KEPT, OPTION_FREE, OPTION_MODEL, OPTION_ONCE };

typedef struct option_row {
  const char *field;
  enum option_kind kind;
  const char *name; /* NULL: an argument */
  char letter;
  const char *value;
  double least, most; /* 0 and 0: any */
  bool open;          /* `least` itself is excluded */
  const char *initial, *shown;
  enum option_resume resume;
  uint32_t commands;
  const char *help;
  size_t at; /* place in the record */
} option_row;

/* For the columns of options.def. */
#define OPTION_ROW(record, field_, kind_, name_, letter_, value_, bounds_, initial_, shown_, resume_, commands_, help_)            \
  {                                                                                                                                \
    .field = #field_, .kind = OPTION_##kind_, .name = name_, .letter = letter_, .value = value_, OPTION_##bounds_,                 \
    .initial = initial_, .shown = shown_, .resume = OPTION_##resume_, .commands = commands_, .help = help_,                        \
    .at = offsetof(record, field_)                                                                                                 \
  }
#define OPTION_ANY .open = false
#define OPTION_FROM(least_, most_) .least = least_, .most = most_
#define OPTION_ABOVE(least_, most_) .least = least_, .most = most_, .open = true
#define IN(command) (1u << COMMAND_##command)

/* The commands, as the bits of IN(). */
enum {
#define COMMAND(name, least, most, summary, usage, text) COMMAND_##name,
#include "option/commands.def"
  N_COMMANDS
};

/* All fields as the rows say; `record` has been cleared. */
void option_defaults(const option_row *rows, int n, void *record);
/* A value as it is typed. NULL: of a flag, that it is given. A repeated value is added to those before it. Texts are copied into
 * `memory`. UNROLL_USAGE names the option and what it takes. */
unroll_status option_set(const option_row *row, void *record, const char *value, arena *memory, unroll_error *err);
/* Whether the field is what it may be; the row's initial value always is. */
unroll_status option_check(const option_row *row, const void *record, unroll_error *err);
bool option_equal(const option_row *row, const void *a, const void *b);
/* Copies a field; texts into `memory`. False: out of memory. */
bool option_copy(const option_row *row, void *to, const void *from, arena *memory);
/* The row of a name, with hyphens or underscores, or of a field; NULL: there is none. */
const option_row *option_find(const option_row *rows, int n, const char *name);
bool option_bytes(const char *s, int64_t *bytes);
/* What help says of the default: "" where there is nothing to say. */
const char *option_default_text(const option_row *row);
/* "a whole number from 1 to 1024", "one of adam|sgd": what it takes. "": anything. */
void option_range(const option_row *row, char *out, size_t size);

/* A record as JSON: the rows KEPT and FREE, without texts that are NULL. NULL when out of memory; freed by mem_free. */
char *option_write_json(const option_row *rows, int n, const void *record);
/* The other way. Fields that are not there keep what they are; with `whole` that is UNROLL_BAD_INPUT, as a bad value is. `what`
 * names the place in `file`. */
unroll_status option_read_json(const option_row *rows, int n, void *record, bool whole, arena *memory, const char *file,
                               const char *what, const char *source, unroll_error *err);
#endif
