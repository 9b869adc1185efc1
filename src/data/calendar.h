/* calendar.h - tables with a column of dates: each example is a regular series. Their times, their parts, their windows, their
 * scales. */
#ifndef DATA_CALENDAR_H
#define DATA_CALENDAR_H
#include "data/gaps.h"

/* What is known of the series of a regular table (gaps.h): when each begins, and its name from column `series` (or -1).
 * d->row_of says which rows are an example. */
unroll_status calendar_read(dataset *d, const regular *r, int series, unroll_error *err);
/* The time of a step, as text. */
void calendar_write(const dataset *d, int64_t example, int64_t step, char out[TIME_TEXT]);
const char *calendar_name(const dataset *d, int64_t example); /* of the series, or "" */

/* Where the parts of each series end, in the order train, valid, test: shares of the steps that are known. */
void calendar_cut(dataset *d, double valid_share, double test_share);
enum calendar_part { CALENDAR_TRAIN, CALENDAR_VALID, CALENDAR_TEST, CALENDAR_WHOLE };
/* Windows of a part. TRAIN: windows of context + horizon steps, as many as hold all steps once, at least `rows` together. Each
 * is drawn anew from its stretch of the series in each epoch. Others: all steps, one horizon after the other, with the context
 * before each. part_free in any case. The dataset is measured. */
unroll_status calendar_part(part *p, const dataset *d, const schema *s, enum calendar_part which, int rows, unroll_error *err);

/* Mean and deviation, [width] each, that scale the values of variable i in a window that begins at step `from`. They are of
 * `context` steps of the series (fewer where it ends), or of the training part. 0 and 1: not scaled. */
void calendar_scale(const dataset *d, const schema *s, int i, int64_t example, int64_t from, int64_t context, double *mean,
                    double *deviation);
bool calendar_scales(const schema *s, int i); /* is variable i scaled by window? */
/* What the dataset says, in its own units. */
double calendar_value(const dataset *d, const schema *s, int i, int64_t example, int64_t step, int entry);
#endif
