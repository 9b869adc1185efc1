/* series.h - forecasts of series with dates, as CSV or JSON. */
#ifndef CLI_SERIES_H
#define CLI_SERIES_H
#include "cli/row.h"

typedef struct series_printer {
  row_printer *rows;
  const unroll_series *form;
  bool begun; /* the head of the table is out */
} series_printer;

int series_print(void *context, const unroll_result *r); /* a row call; context: a series_printer */
#endif
