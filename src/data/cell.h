/* cell.h - how a cell of a table becomes values: a reader for each kind, which the kind's row in graph/kinds.def names.
 *
 * A reader takes the whole cell (`cell`), or the cell names files. Then it says of each file how many steps it has (`open`),
 * and reads them into [steps][width] numbers (`read`). Its own memory, `state`, lasts as long as a table is read. */
#ifndef DATA_CELL_H
#define DATA_CELL_H
#include "data/schema.h"
#include "read/sound_features.h"
#include "read/table.h"

typedef struct cell_scratch { /* a cell in small letters, in composed form; a part of a word */
  text small, composed, part;
} cell_scratch;

typedef struct cell_files { /* of a variable whose cells name files: what has been read is kept once, however many cells name it */
  lexicon names;
  int64_t *at, *steps; /* [names.n] where each begins in column_values.numbers; -1: it could not be read */
  int32_t room;
} cell_files;

typedef struct cell_place { /* where values come from, and where they go */
  const variable *v;
  column_values *out;
  const table *t;
  int64_t row;
  const int *columns; /* [n_columns] more than one: a column for each entry of a vector */
  int n_columns;
  bool by_rows; /* a row is a step */
  bool stream;  /* a line of a stream, with its newline, which may be a symbol like others */
  cell_scratch *scratch;
  cell_files *files; /* NULL: each cell has its own values */
  void *state;
  unroll_error *err;
} cell_place;

typedef struct cell_values { /* of one example */
  double *numbers;           /* [steps][width] in the units of the data */
  int64_t steps;
} cell_values;

typedef struct cell_reader {
  unroll_status (*cell)(const cell_place *p); /* NULL: names of files, by `open` and `read` */
  /* What is kept for a variable; v->args and form_has(&v->form, word) are what its data line says. *state may stay NULL. */
  unroll_status (*begin)(void **state, const variable *v, unroll_error *err);
  /* The file NAME, relative to the folder of the file `beside`. UNROLL_BAD_INPUT with what is wrong; the place is added. */
  unroll_status (*open)(void *state, const char *beside, const char *name, size_t size, int64_t *steps, unroll_error *err);
  /* The values of what was opened last: [steps][width]. */
  unroll_status (*read)(void *state, float *out, unroll_error *err);
  /* Goes on with two hashes of what was opened last, and of how it is read. NULL: its values are never kept (cache.h). */
  void (*identify)(void *state, uint64_t hash[2]);
  void (*end)(void *state);
  /* How long a step is, in seconds; NULL: that is not known. */
  double (*seconds)(const variable *v);
  /* What was generated as a file of that sort; NULL: there is none. v->args as above. */
  unroll_status (*write)(text *out, const variable *v, const cell_values *list, int n, unroll_error *err);
  bool (*writes)(const variable *v); /* can it be written? NULL: whatever there is */
  bool shared;                       /* cells that name one file share its values */
} cell_reader;

void cell_scratch_free(cell_scratch *s);
void cell_files_free(cell_files *f);
/* All that is in the cell, or in several of them. */
unroll_status cell_read(const cell_place *p);
const cell_reader *cell_reader_of(const data_form *f);
/* Is there a sort of file for what is generated? */
bool cell_writes(const variable *v);
/* Is there this word behind the kind in the data line? */
bool form_has(const data_form *f, const char *word);

/* --- for readers --- */
/* A step without value: of zeros, or without a symbol (-1). */
unroll_status cell_blank(const cell_place *p);
/* Room for further steps, [steps][width], of a kind that cells do not say in numbers. They count from then on. NULL: no memory,
 * and p->err says so. */
float *cell_numbers(const cell_place *p, int64_t steps);
unroll_status cell_add_symbol(const cell_place *p, int32_t code);
unroll_status cell_add_word(const cell_place *p, const char *s, size_t size);
/* The end of a line, or of a text with an end symbol. */
unroll_status cell_add_end(const cell_place *p);
/* Room for `more` further steps. */
unroll_status cell_room(const cell_place *p, int64_t more);
/* Takes back what came after the first n steps. */
void cell_take_back(const cell_place *p, int64_t n);
/* The next part of a cell between white space. */
bool cell_next(const cell *c, size_t *at, size_t *begin);

/* cell_sound.c: what the data line of a recording asks for. */
unroll_status cell_sound_form(sound_form *f, const variable *v, unroll_error *err);

/* --- the readers --- */
extern const cell_reader cell_none; /* there is none */
#define KIND(name, sort, steps, usual, width, args, least, words, unit, reader, value) extern const cell_reader cell_##reader;
#include "graph/kinds.def"
#undef KIND
#endif
