/* units.h - what units of a state follow: quotes, brackets, the place in a line and more (Karpathy, Johnson & Fei-Fei 2015). It
 * is found by the correlation of their values with what a text says at each symbol. */
#ifndef REPORT_UNITS_H
#define REPORT_UNITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/text.h"

typedef struct reading { /* symbols one after the other; an example ends where `text` is NULL */
  const char *const *texts;
  const size_t *lengths;
  int64_t n;
  bool words; /* symbols are words, not characters */
} reading;

enum { PROPERTIES = 9 };
typedef struct property {
  const char *name;
  float *values; /* [n], 0 on the average and of length 1; NULL: it never changes */
} property;
/* properties_free in any case. False: no memory. */
bool properties_of(property list[PROPERTIES], const reading *r);
void properties_free(property list[PROPERTIES]);

/* The correlation of each of `width` units with a property. x(t) is the row of values at symbol t, or NULL where there is none:
 * such symbols are left out. out: [PROPERTIES][width], 0 where a unit or a property never changes. False: no memory. */
typedef const double *unit_row(const void *context, int64_t t);
bool units_follow(double *out, const property list[PROPERTIES], int64_t n, int width, unit_row *x, const void *context);
#endif
