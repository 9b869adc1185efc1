/* table_form.h - the readers behind table.h: each turns the files of a table into its rows. */
#ifndef READ_TABLE_FORM_H
#define READ_TABLE_FORM_H
#include <string.h>
#include "read/table.h"
#include "read/unpack.h"

/* Of table.broken, beside numbers of fields above 0. */
enum { TABLE_AFTER_QUOTE = -1, TABLE_HAS_NUL = -2, TABLE_NOT_JSON = -3, TABLE_NOT_OBJECT = -4, TABLE_NESTED = -5 };
const char *table_problem(int32_t broken);

unroll_status csv_parse(table *t, const table_options *o, unroll_error *err);
unroll_status tagged_parse(table *t, const table_options *o, unroll_error *err);
bool json_fits(const input_file *f);
unroll_status json_parse(table *t, const table_options *o, unroll_error *err);
bool conllu_fits(const input_file *f);
unroll_status conllu_parse(table *t, const table_options *o, unroll_error *err);
bool arrays_fit(const input_file *f);
unroll_status arrays_parse(table *t, const table_options *o, unroll_error *err);

/* What the options say about rows that have been read. */
unroll_status table_amend(table *t, const table_options *o, unroll_error *err);
/* Room for the rows; n_columns and n_rows are set, `texts` bytes of t->unquoted asked for. */
unroll_status table_room(table *t, size_t texts, unroll_error *err);
/* Behind a byte order mark. */
static inline size_t text_begin(const input_file *f) { return f->size >= 3 && !memcmp(f->data, "\xef\xbb\xbf", 3) ? 3 : 0; }
/* A text from byte `from` on: neither empty nor with a NUL. */
unroll_status text_of_table(const input_file *f, size_t from, unroll_error *err);
#endif
