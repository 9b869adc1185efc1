/* json.h - one way into jansson: its memory comes from base/memory.h. */
#ifndef IO_JSON_H
#define IO_JSON_H
#include <jansson.h>
#include <stddef.h>

/* To be called before jansson is used; any thread, any number of times. */
void json_setup(void);

/* Reads a text, duplicate keys refused. NULL on failure; *starved then says whether memory was lacking (else see error). */
json_t *json_read(const char *data, size_t size, json_error_t *error, int *starved);
#endif
