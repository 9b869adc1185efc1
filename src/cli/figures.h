/* figures.h - the one place where the figures of a result become text or JSON. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H
#include <jansson.h>
#include <stdbool.h>
#include <unroll.h>

/* An object; subjects are objects within it, or elements of arrays. */
json_t *figures_json(const unroll_result *r);
/* A share as a percentage; "-" where it is not defined. */
const char *figures_percent(double share, char out[16]);
/* What a subject comes to in a sentence: "accuracy 97.50 %, macro F1 96.10 %", with ", " between. */
void figures_print_sentence(const unroll_result *r, int of);
/* "hits@1 50.00 %, hits@5 75.00 %, MRR 0.6250", a line, where there are some. */
void figures_print_hits(const unroll_result *r, int of);
/* A table of precision, recall, F1 and support: a row for each element of a list, and one for `all` unless it is NULL. Where the
 * list has more than `most` elements, a line that says so. */
void figures_print_counts(const unroll_result *r, int list, const char *what, const char *all, int most);

/* A figure of a subject by its name; its value, NaN where there is none. */
bool figure_find(const unroll_result *r, int of, const char *name, unroll_figure *out);
double figure_value(const unroll_result *r, int of, const char *name);
bool figure_subject(const unroll_result *r, int number, unroll_subject *out); /* false: there are fewer */
int figure_part(const unroll_result *r, int of, const char *name);            /* a subject below `of`; -1: there is none */
#endif
