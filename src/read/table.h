/* table.h - a file as rows of cells with names of columns; what the cells mean is not decided here.
 *
 * CSV and TSV, strictly by RFC 4180. The first row names the columns. Fields are separated by commas, tabs, semicolons or bars.
 * Which it is follows from the end of the file's name (.csv, .tsv, .tab), and from what makes the first two rows alike. A field
 * that begins with a quote ends with the next single quote; it may hold separators, newlines and doubled quotes. In other
 * fields a quote is a character. Lines end with \n or \r\n, or all with \r; empty lines at the end do not count; a byte order
 * mark is dropped. Rows are counted as a spreadsheet does: the row of names is row 1.
 *
 * Or, `tagged`, fields with white space between them and no row of names: a token a line, empty lines between sentences. Each
 * sentence is one example. Then rows are counted as lines. */
#ifndef READ_TABLE_H
#define READ_TABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "read/input.h"

typedef struct cell {
  const char *text; /* not NUL-terminated */
  size_t size;
  size_t at; /* place in the file */
} cell;

enum table_dates { DATES_ISO, DATES_DAY_FIRST, DATES_MONTH_FIRST };

typedef struct table_options { /* how the files are to be read; {0}: as they look */
  const char *tagged;          /* tagged text: the names of its columns, with commas between them */
  char separator;              /* of CSV; 0: as it looks */
  char decimal;                /* the point in numbers, '.' (or 0) or ',' */
  const char *time;            /* the column of dates, for ... */
  enum table_dates dates;      /* ... the order in which they are written */
  const char *columns;         /* other names for columns, a NEW=OLD on each line */
} table_options;

typedef struct table {
  input_files files;    /* where the rows come from, one file after the other, all with the same names */
  int64_t *first_row;   /* [files.n + 1] the first row of each */
  uint64_t bytes, hash; /* of all files */
  int n_columns;
  int series;        /* tagged: the column that tells sentences apart, the last one, with no name; else -1 */
  bool by_line;      /* messages count rows as lines of the file */
  bool plain;        /* a text: messages name neither rows nor columns */
  bool skip;         /* for dataset_bind: examples with rows that cannot be read are left out */
  const char *cache; /* for dataset_bind: the folder in which values of files are kept; NULL: nowhere */
  int64_t n_rows;    /* without the row of names */
  cell *cells;       /* [n_rows + 1][n_columns] */
  int64_t *lines;    /* [n_rows + 1] the line of the file where each begins */
  int64_t *numbers;  /* [n_rows + 1] how messages count them; NULL: in their order */
  int32_t *broken;   /* [n_rows + 1] 0: good; above: so many fields instead of n_columns; below: what is wrong (table_form.h) */
  char *unquoted;    /* texts of fields with doubled quotes */
  char decimal;      /* as in table_options */
  char *names;       /* those that columns got instead of their own */
  cell *called;      /* [n_columns] their own ones, for messages; NULL: those in row 0 */
  char *dates;       /* as ISO 8601 */
} table;

enum { TABLE_MAX_COLUMNS = 1 << 16 };

/* Files, folders or "-", as input_read takes them. UNROLL_BAD_INPUT with line and column of the file, UNROLL_USAGE for bad names. A
 * row with another number of fields, or with text behind a closing quote, is broken: it is there, with empty cells. table_free in
 * any case. */
unroll_status table_read(table *t, const char *paths, const table_options *o, unroll_error *err);
/* Takes over `data`, a block for mem_free. */
unroll_status table_parse(table *t, const char *name, char *data, size_t size, unroll_error *err);
unroll_status table_parse_tagged(table *t, const char *name, const char *columns, char *data, size_t size, unroll_error *err);
/* The same of files; `in` is taken over. */
unroll_status table_parse_files(table *t, input_files *in, const table_options *o, unroll_error *err);
/* A row for each file. The first column is its text, without the newline at its end, or (`named`) its name beside itself. The
 * second is the name of its folder; of_folder NULL: there is none. */
unroll_status table_parse_folders(table *t, input_files *in, const char *of_file, bool named, const char *of_folder,
                                  unroll_error *err);
void table_free(table *t);
/* Whether a file's name says that it is a table. */
bool table_named(const char *name);

/* The number of the file that a row is from. */
int table_file(const table *t, int64_t row);
/* UNROLL_BAD_INPUT if the row is broken. */
unroll_status table_check(const table *t, int64_t row, unroll_error *err);
/* How a message counts a row. */
int64_t table_row(const table *t, int64_t row);
/* Row 0 is the row of names. */
static inline const cell *table_cell(const table *t, int64_t row, int column) { return &t->cells[row * t->n_columns + column]; }
/* UNROLL_BAD_INPUT at byte `skip` of a cell; the message begins with row and column. */
unroll_status table_bad(const table *t, int64_t row, int column, size_t skip, unroll_error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
#endif
