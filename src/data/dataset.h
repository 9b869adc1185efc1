/* dataset.h - data as examples, each with values of several variables, and their parts for training, validation and test.
 *
 * A plain text is a table of one column. Its lines are the examples, or all of it is one long example: a stream, whose states
 * are carried from pass to pass. A reader turns the bytes of files into codes. Vocabularies turn codes into numbers of symbols,
 * in place. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H
#include "base/memory.h"
#include "data/bad.h"
#include "base/spill.h"
#include "data/times.h"
#include "lang/lang.h"
#include "read/input.h"
#include "symbols/form.h"

enum { MAX_FORMS = 64 };
/* The forms of all data lines, in order. UNROLL_USAGE for what is legal but has no reader yet, UNROLL_BAD_INPUT with the place
 * for an unknown kind or word. */
unroll_status data_forms_of(data_form list[MAX_FORMS], int *n, const program *net, unroll_error *err);
enum {
  MAX_LINE = 1 << 20,        /* steps of an example; a longer text is a stream */
  MAX_STREAM = (1 << 24) - 1 /* of one whose data line says that */
};

typedef struct column_values { /* the values of a variable in all examples */
  bool there;                  /* false: the file has no such column, which is legal where only predictions are wanted */
  int64_t *first;   /* [n_sequences + 1] steps of example i are first[i] .. first[i + 1] - 1; of a static variable first[i] = i */
  int64_t *row;     /* [n_sequences] of a static variable: the row where its value is, as in row_of */
  int32_t *symbols; /* codes (for words and labels: numbers in `words`) until dataset_encode */
  int32_t *codes;   /* words: the codes after that, where `keep_codes` asks for them; else NULL */
  float *numbers;  /* [steps][width] as the net takes them, from dataset_encode on; of files (pictures ...) before it as they are */
  spill kept;      /* where they are, if cells have said them: a file, when they are many */
  uint8_t *seen;   /* [steps] of a series: 1, or 0 where no value was observed; NULL: all were */
  double *exact;   /* [steps][width] what cells say, in the units of the data; after dataset_encode only of what is predicted */
  int64_t *place;  /* [n] which of the steps in `numbers` each is, where cells name the same file; NULL: they are in order */
  int64_t n, room; /* steps */
  int64_t stored, place_room; /* with `place`: steps in `numbers`, and how many `place` has room for */
  int64_t seen_room;          /* steps that seen has room for: at least n once a dataset is bound, or 0 */
  lexicon words;
} column_values;

void column_free_numbers(column_values *c);

/* Where in `numbers` a step lies. */
static inline int64_t column_place(const column_values *c, int64_t step) { return c->place ? c->place[step] : step; }

/* Was there a value at this step of the column? */
static inline bool column_seen(const column_values *c, int64_t step) { return !c->seen || c->seen[step]; }

typedef struct calendar { /* of a table with a column of dates: its examples are regular series */
  time_grid grid;
  int64_t *first;   /* [n_sequences] the time of the first step; NULL: no such column */
  int64_t *known;   /* [n_sequences] steps before the last rows that lack what is predicted: the future */
  int64_t *ends[2]; /* [n_sequences] where training and validation end; both `known` unless series_cut says otherwise */
  int64_t missing;  /* dates that no row has */
  lexicon names;    /* [n_sequences] what the column of the series says; none without one */
} calendar;

typedef struct place_mark { /* from here on, the data comes from this place */
  const char *file;
  int64_t from; /* a symbol of a stream, else a row as in row_of */
  int64_t line; /* its line in the file; of a table its row */
} place_mark;

typedef struct example_gap {
  int64_t before; /* so many of the examples that are kept come before it */
  int32_t why;    /* a message of `bad`; -1: it was only counted */
} example_gap;

typedef struct dataset {
  char *name;          /* the first file's, for messages */
  bool plain;          /* a text without names of columns */
  bool stream;         /* one example whose states are carried on */
  int64_t *first;      /* [n_sequences + 1] counts what is predicted in each (dataset_measure); of a text its symbols before that */
  int64_t n_sequences; /* examples */
  int64_t n_symbols;   /* first[n_sequences] */
  uint64_t bytes, hash;   /* identity of the text */
  column_values *columns; /* [n_columns] as in the schema */
  int n_columns;
  bool keep_codes;   /* set after binding: what words were not known can still be told */
  bool by_line;      /* messages count rows as lines of the file */
  bool stepwise;     /* rows are the steps of an example */
  int64_t *row_of;   /* [n_sequences + 1] the first row of each example; rows are counted from 1, the row of names, or are lines of
                        all files. NULL: a stream */
  int64_t *line_of;  /* [last row + 1] line of the file; NULL: of a text */
  uint64_t *hashes;  /* [n_sequences] of each example's cells; NULL: the symbols of a text say it */
  bool *held;        /* [n_sequences] examples that are not trained on: scales and words do not see them; NULL: none */
  int64_t held_from; /* of a stream: the first step that is not trained on; 0: all are */
  bool *aside;       /* [n_sequences] examples with a row that cannot be read, until dataset_settle; NULL: none */
  int32_t *why;      /* [n_sequences] beside it: which message of `bad` is about each, from 0; -1: none */
  example_gap
      *gaps; /* [n_gaps] examples that were left out, in the order of the data; none of a stream, nor of series with dates */
  int64_t n_gaps, gap_room;
  place_mark *marks; /* [n_marks] in the order of `from` */
  int64_t n_marks, mark_room;
  arena names;                   /* of the files */
  const char *looks_like_series; /* an unused column whose successive equal values may mean one example, where each has one step */
  const char *not_read; /* a column that looks like an entry of a vector but does not follow the others: x4 after x1, x2; or NULL */
  bad_rows bad;
  calendar calendar;
} dataset;

/* A plain text from files (input.h) or from memory. Errors: UNROLL_BAD_INPUT with line and column (of the text; column in
 * characters). `skip`: lines that cannot be read are left out and counted in d->bad, also by dataset_encode. */
unroll_status dataset_read_plain(dataset *d, const data_form *f, const char *paths, bool skip, unroll_error *err);
unroll_status dataset_parse_files(dataset *d, const data_form *f, const input_files *in, bool skip, unroll_error *err);
unroll_status dataset_parse(dataset *d, const data_form *f, const char *name, const char *data, size_t size, unroll_error *err);
void dataset_free(dataset *d);
/* From here on the data comes from another place; what begins at the same `from` replaces it. */
unroll_status dataset_mark(dataset *d, const char *file, int64_t from, int64_t line, unroll_error *err);
/* The file of a row, or of a symbol of a stream. Also the number of its row or line, if rows follow each other from the mark
 * on. */
const char *dataset_place(const dataset *d, int64_t at, int64_t *line);
/* "row 3, step 4 of the data": a step of an example, for messages. */
void dataset_tell(const dataset *d, int64_t example, int64_t step, char *out, size_t size);
/* An example or line is left out that comes after so many kept ones. */
unroll_status dataset_gap(dataset *d, int64_t before, int32_t why, unroll_error *err);
/* Example n cannot be read, because of *e (may be NULL). */
unroll_status dataset_set_aside(dataset *d, int64_t n, const unroll_error *e, unroll_error *err);

typedef struct series_window { /* some steps of a series */
  int64_t from;                /* the first */
  int64_t spread;              /* or one of so many after it, drawn anew in each epoch */
  int count;                   /* steps */
  int context;                 /* so many of them only say what came before: no prediction of theirs counts in an evaluation */
} series_window;

/* A part of a dataset: a range of a stream's steps, some of the examples, or windows of series. */
typedef struct part {
  const dataset *data;
  int64_t begin, end;     /* stream */
  int64_t *list, n;       /* else numbers of the examples, increasing */
  series_window *windows; /* [n] or NULL: whole ones */
  int64_t n_symbols;
} part;
unroll_status part_whole(part *p, const dataset *d, unroll_error *err);
/* A stream's shares are cut from its end in the order train, valid, test. A line goes where the hash of its text and the seed
 * say, so equal lines are on the same side. Copies of one that is far more frequent than lines mostly are fall by themselves. An
 * asked-for part that stays empty is an error. */
unroll_status part_split(part *train, part *valid, part *test, const dataset *d, double valid_share, double test_share,
                         uint64_t seed, unroll_error *err);
void part_free(part *p);
/* Notes in d what part_split with these shares will not train on. For lines of a text it notes nothing: where they go depends
 * on their symbols. *none: no example falls to the validation. */
unroll_status dataset_hold_out(dataset *d, double valid_share, double test_share, uint64_t seed, bool *none, unroll_error *err);
#endif
