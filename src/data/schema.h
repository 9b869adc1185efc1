/* schema.h - the variables of a net: which kind, whether a value per step or per example, which symbols.
 *
 * A net with one text and nothing else reads plain texts, any other tables. Of a table, a variable is read from the column of
 * its name. Numbers are also read from columns NAME1, NAME2 and so on (or from NAME0), one per entry of their vectors. Without
 * a series a row is an example. A text fills a cell. Another variable with steps has them all in a cell, with white space
 * between them. The entries of a vector have a ; between them. With a series, successive rows with the same value in the column
 * SERIES are the steps of one example. A variable without steps has the value of the last row in which its cell is not
 * empty. */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H
#include "data/dataset.h"
#include "read/picture.h"
#include "graph/graph.h"

typedef struct table table; /* table.h */
typedef struct table_options table_options;

typedef struct variable {
  data_form form;
  bool step;              /* a value per step */
  bool predicted;         /* by a line with ~ */
  bool fed_back;          /* and used at [t-1] */
  bool weighs;            /* only says how much predictions count: used by nothing but `weight =` */
  bool ends;              /* its texts end with the end symbol: fed back, or `lines`; not what ctc predicts */
  int axis;               /* -1: no steps */
  int over;               /* predicted by ctc: the axis of what is read; else -1 */
  int most;               /* words(n), category(n): symbols at most; 0: no bound */
  double args[KIND_ARGS]; /* of the kind, as its row in graph/kinds.def has them */
  int n_args;
  int width;                            /* numbers per step or example; 0: not known yet, or symbols */
  picture_shape shape;                  /* of pictures; else 0 channels */
  const distribution_row *distribution; /* that predicts it; NULL: none does */
  bool factor;                          /* as it is, it says how much predictions count: not negative */
  vocabulary words;
  double *mean, *deviation; /* [width] numbers are read as (x - mean) / deviation; NULL: as they are */
} variable;

static inline enum support variable_support(const variable *v, int entry) {
  return v->distribution ? support_of_entry(v->distribution->support, v->width, entry) : SUPPORT_REAL;
}
/* Does an entry stay as it is where numbers are standardised? Bits and counts do, `time`, and what weighs predictions. */
static inline bool variable_stays(const variable *v, int entry) {
  const enum kind_sort sort = v->form.of->sort;
  if (sort == KIND_KEYS || (sort == KIND_PEN && entry == 2)) return true;
  return v->form.cycles || v->weighs || v->factor || variable_support(v, entry) != SUPPORT_REAL;
}

/* Does it say, at each step of another variable, whether that is the last? */
static inline bool variable_is_end(const variable *v) { return v->form.of->sort == KIND_END; }

/* Why x cannot be entry j: what its distribution predicts is something else. NULL: it can. */
const char *variable_refuses(const variable *v, int j, double x);

/* How what is predicted is scaled beyond mean and deviation of the training part: each window of a series by its own context. */
enum scaling { SCALING_NONE, SCALING_SERIES /* (x - mean) / deviation */, SCALING_LEVEL /* x / mean of |x| */ };

/* What steps without value are: not observed, or as if they had been observed. */
enum series_fill {
  FILL_NONE,
  FILL_LAST /* the value before */,
  FILL_ZERO,
  FILL_MEAN /* of the series, within its training part */
};

typedef struct series_form { /* how a table becomes windows of regular series; in the model file */
  char *time, *series;       /* columns; time NULL: no such table; series NULL: all is one */
  int context, horizon;      /* steps that a window knows, and that it predicts */
  enum scaling scaling;
  enum series_fill fill;
  int future;       /* steps that each series must have after the known ones when a table is read; not in the model file */
  time_grid grid;   /* of the training data */
  lexicon names;    /* the series trained on ... */
  int64_t *trained; /* [names.n] ... and the last time of each that was; without a column of series one */
  int64_t *chosen;  /* [names.n] the last time by which the model was chosen: the end of validation, else as `trained` */
} series_form;

typedef struct schema {
  variable *list;
  int n;
  bool standardise; /* schema_collect also finds out mean and deviation of numbers */
  bool keeps_rare;  /* ... and leaves no word out for that it occurs once */
  series_form time;
  char *tagged; /* what it was trained on was tagged text with these columns; NULL: it was not */
  bool folders; /* or folders of texts, named by their labels */
} schema;

unroll_status schema_new(schema *s, const data_form *forms, int n, unroll_error *err);
void schema_free(schema *s);
/* Is it one text and nothing else, which is read from plain files? */
bool schema_is_text(const schema *s);
/* Does a data line say that its text is a stream? Then all that it goes with is one too. */
bool schema_streams(const schema *s);
/* Widths of numbers: what a table has in its row of names and first row. */
unroll_status schema_widths(schema *s, const table *t, unroll_error *err);
/* Steps, axes and predictions: what the graph made of the data lines, which are in the same order. */
unroll_status schema_of_graph(schema *s, const graph *g, unroll_error *err);
/* Bindings for graph_build, [s->n]; those with unknown width (vocabularies not collected yet) are left out. */
int schema_bindings(const schema *s, binding *out);

/* What of a table is wanted: all that is given; what is predicted too; and weights that only training looks at. */
enum bind_wanted { BIND_GIVEN, BIND_TRUTH, BIND_TRAINING };
typedef struct data_memory { /* a text, or a table as CSV */
  const char *name, *data;
  size_t size;
} data_memory;
typedef struct data_options { /* how data is to be read; all but `wanted` may be NULL and false */
  enum bind_wanted wanted;
  const char *series; /* successive rows with the same value in this column are one example */
  const char *tagged; /* tagged text: the names of the columns; "": it is not. Nothing said of series, tagged and folders: as the
                         schema remembers, folders where there are any */
  const char *separator, *decimal, *dates, *columns; /* as the options of these names say; see table_options */
  bool folders;      /* folders of texts, named by their labels. So too if the schema is one text and one label, all files are in
                      * folders, and none has the name of a table */
  bool codes;        /* words stay known by their texts: dataset.keep_codes */
  bool skip_bad;     /* rows and lines that cannot be read are left out and counted in d->bad */
  const char *cache; /* the folder in which features are kept, made if it is not there */
  const data_memory *memory; /* instead of files */
  /* Called before anything is bound, with the table, or NULL for a plain text: the schema may learn from it. */
  unroll_status (*learn)(void *context, const table *t, unroll_error *err);
  void *context;
} data_options;
/* The data that the schema wants, as codes: plain texts, CSV or TSV, tagged text, or folders of texts. dataset_free in any case. */
unroll_status dataset_read(dataset *d, const schema *s, const char *paths, const data_options *how, unroll_error *err);
/* A table as the schema wants it, with codes. `series`: the name of a column, or NULL. Errors name file, row and column.
 * dataset_free in any case. */
unroll_status dataset_bind(dataset *d, const table *t, const schema *s, const char *series, enum bind_wanted wanted,
                           unroll_error *err);
/* The vocabularies: characters, bytes and labels of all sets, words (and means and deviations) of the first. Sets without columns
 * are passed over. */
unroll_status schema_collect(schema *s, const dataset *sets, int n, unroll_error *err);
/* Room for mean and deviation, zeros and ones. */
unroll_status variable_scale(variable *v, unroll_error *err);
/* Entry j in the units of the data; and what a density loses there: the sum of log deviation over the entries. */
static inline double variable_unscaled(const variable *v, int j, double x) {
  return v->mean ? x * v->deviation[j] + v->mean[j] : x;
}
/* Entry j of a step of encoded data, as exact as it is in its column. */
static inline double column_unscaled(const column_values *c, const variable *v, int64_t step, int j) {
  return c->exact ? c->exact[step * v->width + j]
                  : variable_unscaled(v, j, (double)c->numbers[column_place(c, step) * v->width + j]);
}
double variable_units(const variable *v);
/* Examples set aside are dropped, or the first is an error. */
unroll_status dataset_settle(dataset *d, const schema *s, unroll_error *err);
/* Codes -> numbers of the vocabularies; numbers are standardised. An unknown character or label is UNROLL_BAD_INPUT with its
 * place. So is a text for ctc that needs more steps than there are. An unknown word is <unk>. */
unroll_status dataset_encode(dataset *d, const schema *s, unroll_error *err);
/* Of the values that an encoded dataset has from files which its cells name: pictures, recordings. 0: there are none. The hash of
 * the dataset itself is of the table alone. */
uint64_t dataset_hash_files(const dataset *d, const schema *s);
/* Counts what is predicted, into first[] and n_symbols. */
void dataset_measure(dataset *d, const schema *s, const graph *g);
/* Texts that ctc cannot align, because what is read has fewer steps than they need: their examples are set aside. Of an encoded
 * table. */
unroll_status dataset_set_unfit_aside(dataset *d, const schema *s, unroll_error *err);
/* Steps of an example on an axis. */
int64_t dataset_length(const dataset *d, const schema *s, int axis, int64_t example);
#endif
