/* figures.h - the one place where results (metrics/figures.h) become text or JSON. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H
#include <jansson.h>
#include "metrics/figures.h"

/* An object; subjects are objects within it, or elements of arrays. */
json_t *figures_json(const figures *f);
/* A share as a percentage; "-" where it is not defined. */
const char *figures_percent(double share, char out[16]);
/* What a subject comes to in a sentence: "accuracy 97.50 %, macro F1 96.10 %", with ", " between. */
void figures_print_sentence(const figures *f, int of);
/* A table of precision, recall, F1 and support: a row for each element of a list, and one for `all` unless it is NULL. Where the
 * list has more than `most` elements, a line that says so. */
void figures_print_counts(const figures *f, int list, const char *what, const char *all, int most);
#endif
