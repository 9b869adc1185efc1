/* row.h - rows of results as lines and as JSON. */
#ifndef CLI_ROW_H
#define CLI_ROW_H
#include <jansson.h>
#include "cli/options.h"

/* Who prints the rows of a call, as they come. */
typedef struct row_printer {
  const options *o;
  const unroll_model *m;
  json_t *list;  /* with --json: of the rows */
  bool broken;   /* the output takes no more, or memory ran out */
  int64_t n;     /* rows */
  bool numbered; /* lines begin with the number of the example */
} row_printer;

/* The variable of the model that a value is of. */
unroll_variable row_variable(const unroll_model *m, const char *name);
/* {"value": ..., "probability": ...}, numbers, or means and quantiles. NULL or incomplete when memory ran out. */
json_t *row_value_json(const unroll_model *m, const unroll_value *v, bool generated);
/* A symbol to be seen, a label as it is; the end of a text as a newline. */
void row_add_symbol(text *out, const unroll_model *m, const char *variable, int32_t symbol);
bool row_add_value(text *out, const unroll_value *v); /* false: out of memory */
/* Prints a line and frees it. Returns what a row call returns: not 0 when that fails, which is noted. */
int row_put(row_printer *p, text *line);
int row_put_json(row_printer *p, json_t *row);
/* What to say of it when all is over. */
unroll_status row_status(const row_printer *p, unroll_status status, unroll_error *err);
/* A row of predict and sample. `context` is a row_printer. */
int row_print(void *context, const unroll_result *r);
#endif
