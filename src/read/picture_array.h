/* picture_array.h - values that are laid out as a picture, in arrays: what another net saw, computed once and kept. */
#ifndef READ_PICTURE_ARRAY_H
#define READ_PICTURE_ARRAY_H
#include "read/picture.h"

/* Is this a .npy or a safetensors file? */
bool picture_array_is(const char *data, size_t size);
/* Row `number` of the array whose rows have as many numbers as the shape, as they are. Of a safetensors file it is the only tensor
 * with such rows. `name`: of the file, for messages. UNROLL_BAD_INPUT with a message that says what is wrong but not where. */
unroll_status picture_array_row(float *out, const picture_shape *shape, const char *name, const char *data, size_t size,
                                int64_t number, unroll_error *err);
#endif
