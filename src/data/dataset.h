/* dataset.h - texts as sequences of symbols, or tables as examples with several variables, and their parts for training,
 * validation and test.
 *
 * A reader turns the bytes of a file into codes, a vocabulary turns these into numbers of symbols, in place. The table of kinds
 * in reader.c says what `data NAME : KIND` is read by; kinds without a reader yet are refused by name. A net with one variable
 * of characters, bytes or words reads a plain text, any other a table (schema.h). */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H
#include "base/memory.h"
#include "data/bad.h"
#include "data/times.h"
#include "lang/lang.h"
#include "symbols/form.h"

enum { MAX_FORMS = 64 };
/* Of all data lines, in order. UNROLL_USAGE for what is legal but has no reader yet, UNROLL_BAD_INPUT with the place for an unknown
 * kind or word. */
unroll_status data_forms_of(data_form list[MAX_FORMS], int *n, const program *net, unroll_error *err);
/* Does a net with these variables read plain texts rather than tables? */
bool data_is_text(const data_form *list, int n);
enum { MAX_LINE = 1 << 20 }; /* symbols in a line; a longer text is a stream */

typedef struct column_values { /* the values of a variable in all examples of a table */
  bool there;                  /* false: the file has no such column, which is legal where only predictions are wanted */
  int64_t *first;   /* [n_sequences + 1] steps of example i are first[i] .. first[i + 1] - 1; of a static variable first[i] = i */
  int64_t *row;     /* [n_sequences] of a static variable: the row where its value is, as in row_of */
  int32_t *symbols; /* codes (for words and labels: numbers in `words`) until dataset_encode_table */
  int32_t *codes;   /* words: the codes after that, where `keep_codes` asks for them; else NULL */
  float *numbers;   /* [steps][width] */
  int64_t n, room;  /* steps */
  lexicon words;
} column_values;

typedef struct calendar { /* of a table with a column of dates: its examples are regular series */
  time_grid grid;
  int64_t *first;   /* [n_sequences] the time of the first step; NULL: no such column */
  int64_t *known;   /* [n_sequences] steps before the last rows that lack what is predicted: the future */
  int64_t *ends[2]; /* [n_sequences] where training and validation end; both `known` unless series_cut says otherwise */
  lexicon names;    /* [n_sequences] what the column of the series says; none without one */
} calendar;

typedef struct place_mark { /* from here on, the data comes from this place */
  const char *file;
  int64_t from; /* a symbol of a stream, a sequence of lines, a row of a table as in row_of */
  int64_t line; /* its line in the file; of a table its row */
} place_mark;

typedef struct dataset {
  char *name; /* the first file's, for messages */
  enum symbol_unit unit;
  bool lines;
  int32_t *symbols; /* codes until dataset_encode, then numbers of the vocabulary */
  int64_t n_symbols;
  lexicon words;  /* words: what the codes number */
  int64_t *first; /* [n_sequences + 1] sequence i is symbols first[i] .. first[i + 1] - 1, a line's end symbol included */
  int64_t n_sequences;
  uint64_t bytes, hash; /* identity of the text */
  /* Tables only; then `lines` holds, `symbols` is NULL, and first[] counts what is predicted (dataset_measure). */
  column_values *columns; /* [n_columns] as in the schema; NULL: a text */
  int n_columns;
  bool keep_codes;   /* set after binding: what words were not known can still be told */
  bool by_line;      /* messages count rows as lines of the file */
  bool stepwise;     /* rows are the steps of an example */
  int64_t *row_of;   /* [n_sequences + 1] the first row of each example; rows are counted from 1, the row of names */
  int64_t *line_of;  /* [last row + 1] line of the file */
  uint64_t *hashes;  /* [n_sequences] of each example's cells */
  bool *aside;       /* [n_sequences] examples with a row that cannot be read, until dataset_settle; NULL: none */
  place_mark *marks; /* [n_marks] in the order of `from` */
  int64_t n_marks, mark_room;
  arena names; /* of the files */
  bad_rows bad;
  calendar calendar;
} dataset;

/* A file, "-", a folder, or several with newlines between them (input.h). Errors: UNROLL_BAD_INPUT with line and column (of the
 * text; column in characters). `skip`: lines that cannot be read are left out and counted in d->bad, also by dataset_encode. */
unroll_status dataset_read(dataset *d, const data_form *f, const char *paths, bool skip, unroll_error *err);
unroll_status dataset_parse(dataset *d, const data_form *f, const char *name, const char *data, size_t size, unroll_error *err);
/* Codes -> numbers. A code that the vocabulary lacks is UNROLL_BAD_INPUT with line, column and the character. */
unroll_status dataset_encode(dataset *d, const vocabulary *v, unroll_error *err);
/* [l->n] the vocabulary's number of each text, -1 where it has none; a block for mem_free, or NULL. */
int32_t *words_numbers(const lexicon *l, const vocabulary *v);
void dataset_free(dataset *d);
/* From here on the data comes from another place; what begins at the same `from` replaces it. */
unroll_status dataset_mark(dataset *d, const char *file, int64_t from, int64_t line, unroll_error *err);
/* The file of a row, sequence or symbol, and the number of its row or line if lines or rows follow each other from the mark on. */
const char *dataset_place(const dataset *d, int64_t at, int64_t *line);
/* Example n cannot be read, because of *e (may be NULL). */
unroll_status dataset_set_aside(dataset *d, int64_t n, const unroll_error *e, unroll_error *err);

typedef struct series_window { /* some steps of a series */
  int64_t from;                /* the first */
  int64_t spread;              /* or one of so many after it, drawn anew in each epoch */
  int count;                   /* steps */
  int context;                 /* so many of them only say what came before: no prediction of theirs counts in an evaluation */
} series_window;

/* A part of a dataset: a range of a stream's symbols, some of the lines, or windows of series. */
typedef struct part {
  const dataset *data;
  int64_t begin, end;     /* stream */
  int64_t *list, n;       /* lines: numbers of the sequences, increasing */
  series_window *windows; /* [n] or NULL: whole ones */
  int64_t n_symbols;
} part;
unroll_status part_whole(part *p, const dataset *d, unroll_error *err);
/* A stream's shares are cut from its end in the order train, valid, test. A line goes where the hash of its text and the seed
 * say, so equal lines are on the same side. An asked-for part that stays empty is an error. */
unroll_status part_split(part *train, part *valid, part *test, const dataset *d, double valid_share, double test_share,
                         uint64_t seed, unroll_error *err);
void part_free(part *p);
#endif
