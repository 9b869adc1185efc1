/* named.h - what the cells of a table say of a file: its name, and which part of it. */
#ifndef READ_NAMED_H
#define READ_NAMED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the folder of the file `beside`, unless it begins with a slash. A block for mem_free; NULL: no memory. */
char *named_path(const char *beside, const char *name, size_t size);
/* FILE#12 or FILE#3-7: whole numbers, *from and *to, and *size without them; FILE#12 is from 12 to 12. False where the name does
 * not end so: a # without digits behind it belongs to the name. */
bool named_part(const char *name, size_t *size, int64_t *from, int64_t *to);
#endif
