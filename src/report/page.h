/* page.h - `unroll report`: a model, what it learnt and what it does with data, as one HTML file without a network.
 *
 * What is shown follows from the net's data lines and distributions. Each part (part_*.c) looks at what there is. A part that
 * finds nothing to show says why at the end of the page. No part knows a net. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

typedef struct report_option { /* as it was typed: of reading data, of forecasts ... */
  const char *name, *value;
} report_option;

typedef struct report_request {
  const char *path;  /* the model's file */
  const char *title; /* what heads the page */
  const unroll_model *m;
  const unroll_table *t; /* NULL: no data */
  const char *log;       /* the folder of the run; NULL: none */
  const report_option *asked;
  int n_asked;
  int64_t examples; /* that are shown */
  volatile sig_atomic_t *stop;
} report_request;

/* The whole page. UNROLL_BAD_INPUT where the data cannot be read; UNROLL_FAILED without memory. text_free in any case. */
unroll_status report_page(const report_request *r, text *out, unroll_error *err);
#endif
