/* build_internal.h - what the parts of build*.c share: terms, widths, scopes.
 *
 * From program to graph in five steps. (1) build.c, build_call.c: names, settings and cells become scopes; a call of a cell is
 * its program inlined. (2) build_expr.c, build_function.c, build_loss.c: every expression becomes a term, whose arguments come
 * before it in one array. What is at an earlier step is a TERM_SHIFT that names a symbol, so a cycle is no cycle of terms. (3)
 * build_width.c: widths by unification. (4) build_time.c: which terms have a time axis, and whether the equations can be
 * computed at all. (5) build_emit.c: terms become nodes, in order, and the cycles are closed (build_shift.c). */
#ifndef GRAPH_BUILD_INTERNAL_H
#define GRAPH_BUILD_INTERNAL_H
#include "graph/graph.h"

enum {
  TERM_NONE = -1,  /* no term: an error has been reported */
  WIDTH_FREE = -1, /* a number: as wide as its partner */
  MAX_SIZE = 65536,
  MAX_WIDTH = 1 << 24,
  MAX_LAYERS = 64,
  MAX_CALLS = 8,       /* cells within cells */
  MAX_LAG = 256,       /* [t-k] */
  MAX_DATA = 64,       /* data lines */
  MAX_TERMS = 1000000, /* also bounds the expressions visited */
  MAX_DEPTH = 1000     /* expressions and definitions within each other */
};

enum term_kind {
  TERM_NUMBER,      /* value */
  TERM_SETTING,     /* one that varies; dir: which */
  TERM_INDEX,       /* symbols of data at `lag`: no value of its own, only an operand of a matrix or of embed */
  TERM_INPUT,       /* numbers of data at `lag` */
  TERM_SEEN,        /* 1 if data was observed at `lag`, else 0 */
  TERM_VECTOR,      /* weight */
  TERM_EMBED,       /* rows of weight, by the symbols of data at `lag` */
  TERM_ELEMENTWISE, /* op, one or two arguments */
  TERM_ROW,         /* SOFTMAX, LAYERNORM */
  TERM_REDUCE,      /* ROW_SUM, LOG_SUM_EXP: one number for each row; value 1: divided by the width */
  TERM_SLICE,       /* columns of args[0] from `lag` on */
  TERM_PART,        /* number `lag` of args[0] cut into `value` equal parts */
  TERM_MATVEC,      /* weight times args[0], `transposed` */
  TERM_CONCAT,
  TERM_SHIFT,         /* symbol at `lag` steps before (dir +1) or after (-1) */
  TERM_EDGE,          /* first (+1) or last (-1) step of args[0] */
  TERM_REVERSE,       /* all steps of args[0], the last one first */
  TERM_OVER,          /* op (SUM_TIME, MAX_TIME) over all steps of args[0]; value 0: divided by their number */
  TERM_ATTEND,        /* query args[0] over all steps of keys args[1] and values args[2]; additive scores with the vector args[3];
                         value 1: scaled */
  TERM_DROPOUT,       /* args[0] times a mask of probability value; over_time: one mask for all steps */
  TERM_CONV,          /* args[0] a picture, args[1] the bias; weight, patches */
  TERM_POOL,          /* args[0] a picture; patches; value: 1 for means */
  TERM_POSITIONS,     /* op (MATCH, BLEND) of args[0] and args[1], a picture */
  TERM_BATCHNORM,     /* args[0] x, args[1] the gain, args[2] the bias; weight of the running means, patches, value */
  TERM_CLASS_WEIGHT,  /* of the symbols of data */
  TERM_CROSS_ENTROPY, /* args[0] against the symbols of data */
  TERM_CTC            /* all steps of args[0] against all symbols of data */
};

typedef struct scope scope;
typedef struct symbol symbol;

typedef struct term {
  enum term_kind kind;
  enum op op;
  int width; /* number of a width class, or WIDTH_FREE */
  int n_args, *args;
  int data, lag, weight, dir;
  bool transposed, over_time;
  double value;
  symbol *of;   /* TERM_SHIFT */
  int shape[3]; /* pictures: channels, rows, columns; 0 otherwise */
  patches patches;
  scope *in;
  const expr *at;
  symbol *named; /* the variable whose value it is */
  bool step;     /* from build_time: has a time axis */
  int axis;      /* a class until they are numbered */
  int node;
} term;

typedef struct width_class { /* terms of one width; union-find */
  int parent, value;         /* value 0: unknown */
  const char *why;           /* where the value comes from */
  int matrix;                /* a term of this width that is a matrix product, or TERM_NONE */
  int parts;                 /* a value of this width is cut into so many; 0: none is */
} width_class;

typedef struct weight {
  const char *name;
  enum param_role role;
  bool vector, symbols; /* symbols: stored as [symbols, N], the transpose of the matrix that the equations mean */
  int rows, cols;       /* width classes */
  scope *in;
  span at;
  enum init_kind init;
  double init_value;
  const statement *init_at;
  const char *init_given; /* the --init that says so, if one does */
  int param;
} weight;

enum symbol_kind { SYMBOL_VARIABLE, SYMBOL_DATA, SYMBOL_NUMBER, SYMBOL_WORD, SYMBOL_VECTOR, SYMBOL_MATRIX };
enum symbol_state { SYMBOL_WAITING, SYMBOL_RUNNING, SYMBOL_DONE };

struct symbol {            /* what a name means in a scope */
  const char *name, *full; /* "c", "h.1.c" */
  enum symbol_kind kind;
  enum symbol_state state;
  scope *in;
  span at;
  double number;     /* SYMBOL_NUMBER */
  bool fixed;        /* SYMBOL_NUMBER: `size` of a cell, which is no setting */
  int varies;        /* SYMBOL_NUMBER: number of the setting that varies; -1: a number */
  const char *word;  /* SYMBOL_WORD */
  int data;          /* SYMBOL_DATA */
  int weight;        /* SYMBOL_VECTOR, SYMBOL_MATRIX; -1 until used */
  const expr *value; /* SYMBOL_VARIABLE: its equation; NULL: an input of the cell */
  int term, width;
  int shape[3];   /* SYMBOL_VARIABLE: of a picture, where a `width` line gives it; else zeros */
  int shape_line; /* that line */
  bool is_state;  /* used with [t-k] in its program */
  scope *call;    /* the value is the output of this call (last layer) */
  symbol *waiter; /* the variable that needed this one first, while running */
  int start;      /* term of the value before the first step, or TERM_NONE */
  const expr *start_at;
  scope *start_in;       /* of start_at */
  symbol *start_from;    /* hands over its last value */
  int *shifts, n_shifts; /* nodes of [t-1], [t-2] ... */
  symbol *next_of_name, *next;
};

struct scope { /* a net, or one layer of one call of a cell */
  const program *text;
  scope *parent;
  const char *cell; /* "lstm"; NULL: a net */
  const char *path; /* "h.1"; "" at the top */
  int dir, depth;   /* dir -1: backward */
  int size;         /* 0: a net */
  symbol **table;
  uint32_t table_size, n_symbols;
  symbol *first, *last; /* in order of creation */
  symbol *output;
  const char *inputs[8]; /* names used and defined nowhere, in order of first use */
  span inputs_at[8];
  int n_inputs;
  scope **layers; /* of the same call */
  int n_layers;
  scope *start; /* the recurrence that hands over its states */
  scope *children, *last_child, *sibling;
  const char *child_name; /* the last part of the path, unique in the parent */
  scope *next;            /* all scopes */
};

typedef struct cell_file {
  const char *name;
  program *text;
  struct cell_file *next;
} cell_file;

typedef struct root_term { /* a first argument of a recurrence */
  int term;
  scope *in;
} root_term;

typedef struct loss_term {
  const statement *at;
  const distribution_row *distribution;
  int data, node, objective, prediction, weight; /* terms */
  int args[LOSS_ARGS], n_args;
  double *numbers; /* in the graph's memory */
  int n_numbers;
} loss_term;

typedef struct builder {
  graph *g;
  const build_options *options;
  unroll_error *err;
  unroll_status status;
  arena scratch;
  term *terms;
  int n_terms, cap_terms;
  width_class *widths;
  int n_widths, cap_widths;
  weight *weights;
  int n_weights, cap_weights;
  root_term *firsts;
  int n_firsts, cap_firsts;
  loss_term *losses;
  int n_losses, cap_losses;
  scope *root, *scopes, *last_scope;
  cell_file *cells;
  symbol *running;     /* the variable whose equation is being read */
  const char *target;  /* its name, if the next expression is its whole equation */
  scope *called;       /* the call that the last expression was, or NULL */
  bool alone;          /* a cell without a net */
  int data[MAX_DATA];  /* the width class of each data line */
  bool open[MAX_DATA]; /* not known before the data is read: it follows from the equations, or is a default */
  bool stream, has_start;
  int embeds[MAX_DATA]; /* tables made by embed() for each data line */
  int visits, depth, unique;
  bool *given, *varied; /* which of the options' settings were found */
} builder;

/* Reports an error at a place of a scope's program, unless there was one before, and yields TERM_NONE. */
#define FAIL(b, s, where, ...)                                                                                                     \
  ((b)->status = (b)->status ? (b)->status : lang_error((s)->text, (where), (b)->err, __VA_ARGS__), term_none())
static inline int term_none(void) { return TERM_NONE; }
int build_memory(builder *b); /* reports lack of memory; TERM_NONE */
/* Room for one more element of an array of mem_resize; false after reporting. */
bool build_grow(builder *b, void **items, int n, int *cap, size_t size);

/* build_init.c */
bool build_inits(builder *b, scope *s); /* the `init` lines of a file, once its parameters are known */
bool build_given_inits(builder *b);     /* those of the options, once all are */

/* build_setting.c */
bool build_settings(builder *b);                 /* of the net, or of the cell alone */
bool build_scope_settings(builder *b, scope *s); /* of a called cell, where they are asked for by h.NAME */
bool build_is_given(const builder *b, const symbol *y);
const setting *build_given_setting(const builder *b, const char *full); /* NULL: nothing is asked for */
bool build_settings_used(builder *b);                                   /* reports what was asked for and is not there */
bool build_varying_used(builder *b);                                    /* or is in no equation */

/* build_scope.c */
scope *scope_new(builder *b, scope *parent, const program *source);
symbol *scope_find(const scope *s, const char *name);
symbol *scope_add(builder *b, scope *s, const char *name, enum symbol_kind kind, span at); /* NULL: no memory */
const char *build_path(builder *b, const scope *s, const char *name);                      /* "h.1.c" in the graph's memory */
span build_top(const scope *s);                     /* the first statement: where an error about all of them points */
bool build_scan(builder *b, scope *s, bool inputs); /* marks states, finds the names that are defined nowhere */
bool build_statements(builder *b, scope *s);        /* makes symbols of the definitions, settings and params */
bool build_definitions(builder *b, scope *s);       /* terms of all definitions */
bool build_start_lines(builder *b, scope *s);       /* `h[0] = ...` */
bool build_width_lines(builder *b, scope *s);       /* `width NAME = ...`, once the settings have their values */
/* "; did you mean 'tanh'?" or "": the nearest of some names, and of all that `s` knows. */
const char *build_hint(builder *b, const char *word, const char *const *names, size_t n);
const char *build_suggest(builder *b, const scope *s, const char *word);

/* build_expr.c */
int build_expr(builder *b, scope *s, const expr *e);
int build_value(builder *b, scope *s, const expr *e); /* refuses symbols */
int build_define(builder *b, symbol *y);
bool build_number(builder *b, scope *s, const expr *e, double *value); /* a constant; false: it is none, nothing reported */
bool build_varies(builder *b, const scope *s, const expr *e);          /* names a setting that varies */
bool build_integer(builder *b, scope *s, const expr *e, const char *what, int low, int high, int *value); /* reports */
int term_add(builder *b, scope *s, const expr *e, enum term_kind kind, int width, const int *args, int n_args);
int term_binary(builder *b, scope *s, const expr *e, enum op op, int x, int y);
int term_unary(builder *b, scope *s, const expr *e, enum op op, int x);
int term_number(builder *b, scope *s, const expr *e, double value);
int term_data(builder *b, scope *s, const expr *e, int data, int lag);
int term_seen(builder *b, scope *s, const expr *e, int data, int lag);
/* build_gap.c: what is predicted and may not be observed */
bool build_may_lack(const builder *b, int data);
/* y[t-lag], which is `value`: what was expected, where it was not observed. */
int build_or_mean(builder *b, scope *s, const expr *e, int data, int lag, int value);
bool build_mean(builder *b, scope *s, const expr *e, const loss_term *l); /* once the arguments of its distribution are there */
const char *build_describe(builder *b, const expr *e);                    /* "W ...", "tanh(...)", "h[t-1]" */
bool is_flag(const expr *e); /* backward, same, scaled, valid, mean, variational: words of a call */

/* build_call.c */
const cell_file *build_find_cell(builder *b, const char *name); /* NULL: none, or an error */
int build_call(builder *b, scope *s, const expr *e, const cell_file *cell, const char *target);

/* build_function.c */
extern const char *const build_functions[];
int build_composed(builder *b, scope *s, const expr *e, const char *name); /* functions.def; -2: no row of it */
bool build_args(builder *b, scope *s, const expr *e, int least, int most); /* so many, without names */
bool build_is_hidden(const char *name); /* one of these that occurs in derivatives only and cannot be written */
int build_function(builder *b, scope *s, const expr *e, const char *name); /* -2: no such function */

/* build_picture.c */
bool build_fits(const int shape[3], int *pixels); /* the numbers of a picture; false: too many */
int build_conv(builder *b, scope *s, const expr *e);
int build_batchnorm(builder *b, scope *s, const expr *e);
int build_places(builder *b, scope *s, const expr *e, enum init_kind kind);
int build_positions(builder *b, scope *s, const expr *e, enum op op);
int build_pool(builder *b, scope *s, const expr *e);

/* build_loss.c */
bool build_loss(builder *b, scope *s, const statement *at);

/* build_density.c */
typedef struct site { /* where the terms of a loss are made */
  builder *b;
  scope *s;
  const expr *e;
  int y; /* what is predicted; of symbols TERM_NONE */
} site;
int site_unary(const site *c, enum op op, int x);
int site_binary(const site *c, enum op op, int x, int y);
int site_number(const site *c, double value);
int site_reduce(const site *c, enum op op, int x);          /* ROW_SUM, LOG_SUM_EXP: one number for each row */
int site_slice(const site *c, int x, int first, int width); /* columns first .. first + width - 1 */
/* Equations of distributions.def; names[0..n) are the terms `values`. The term of the last line. */
int site_equations(const site *c, const char *equations, const char *const *names, const int *values, int n);
/* The mean of what is predicted, by the row of distributions.def; TERM_NONE, without an error: it has none that could be fed back.
 */
int build_density_mean(builder *b, scope *s, const expr *e, const loss_term *l);
bool build_has_mean(const distribution_row *d);
/* What a row of distributions.def needs here. The loss's node is not there yet: */
int build_density(builder *b, scope *s, const expr *e, const loss_term *l);
/* NAME(numbers ..., vector): sets l->numbers and *needed, the width of the vector. Reports. */
bool build_numbers(builder *b, scope *s, const expr *e, int width, loss_term *l, int *needed);

/* build_vector.c: for VECTORS of distributions.def */
#define SYMBOLS(name, aligned, arguments, term)
#define NUMBERS(name, support, arguments, mean, equations)
#define VECTORS(name, support)                                                                                                     \
  bool name##_numbers(builder *b, scope *s, const expr *e, int width, loss_term *l, int *needed);                                  \
  int name##_loss(const site *c, const loss_term *l, int width);
#include "graph/distributions.def"
#undef SYMBOLS
#undef NUMBERS
#undef VECTORS

/* build_width.c */
int width_new(builder *b);                               /* WIDTH_FREE: no memory */
int width_known(builder *b, int value, const char *why); /* `why` lives as long as the builder */
int width_root(const builder *b, int w);
int width_value(const builder *b, int w); /* 0: unknown; 1: WIDTH_FREE */
const char *width_why(const builder *b, int w);
bool width_unify(builder *b, int v, int w);                                                        /* false: they differ */
const char *build_text(builder *b, const char *format, ...) __attribute__((format(printf, 2, 3))); /* in the builder's memory */
/* A class for a data line, with the width of the graph's data_info, which is a default where it is `open`. */
bool width_add_data(builder *b, int data, bool open);
int width_of_data(builder *b, int data); /* its value; what is open takes its default now */
bool build_widths(builder *b);           /* what is open takes its default */

/* build_time.c */
bool build_time(builder *b);

/* build_emit.c */
node build_blank(const term *t, enum op op); /* with the term's place, one wide */
node build_derived(enum op op, enum space space, int axis, int width);
int build_lift(graph *g, int x, enum space space, int axis, int width); /* x with at least this space and exactly this width */
int build_edge(graph *g, int x, int dir);                               /* x at the first (+1) or last (-1) step */
bool build_emit(builder *b);

/* build_shift.c */
symbol *build_state(symbol *y); /* whose [t-1] it is: of h = lstm(...) the cell's output, unless the directions differ */
int build_shifted(builder *b, const term *t); /* the node of y[t-lag] */
void build_close_cycles(builder *b);
void build_close_carries(builder *b);
#endif
