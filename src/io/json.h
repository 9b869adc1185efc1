/* json.h - one way into jansson: its memory comes from base/memory.h. */
#ifndef IO_JSON_H
#define IO_JSON_H
#include <jansson.h>
#include <stddef.h>
#include "base/text.h"

/* To be called before jansson is used; any thread, any number of times. */
void json_setup(void);

/* Reads a text, duplicate keys refused. NULL on failure; *starved then says whether memory was lacking (else see error). */
json_t *json_read(const char *data, size_t size, json_error_t *error, int *starved);

/* json_dumps, a text for mem_free. NULL when `j` is NULL or memory was lacking at any point. (jansson 2.14 itself leaves out
 * the names of members then, and goes on.) */
char *json_write(const json_t *j, size_t flags);
/* Adds any value, which is given back. `to` fails where json_write does. */
void json_add(text *to, json_t *j);
/* A number with so many digits; what is not finite is null. */
void json_add_number(text *to, double x, int digits);
#endif
