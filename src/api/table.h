/* table.h - the rows that a caller hands over, as a model reads them. */
#ifndef API_TABLE_H
#define API_TABLE_H
#include "api/api.h"

/* How a net with this schema reads the rows. */
typedef struct table_source {
  const char *paths;  /* files, as input_read takes them; NULL: ... */
  data_memory memory; /* ... a text or a CSV file */
  text own;           /* of `memory` */
} table_source;
/* table_source_free in any case. */
unroll_status table_source_of(table_source *out, const unroll_table *t, const schema *s, unroll_error *err);
/* Its files, as input_read takes them; NULL: columns. */
const char *table_files(const unroll_table *t);
void table_source_free(table_source *s);
#endif
