/* pickle.h - what PyTorch saves, read without executing anything: numbers, texts, lists, dicts and tensors. Whatever else a pickle
 * asks for becomes a thing without content that only has a name. */
#ifndef IMPORT_PICKLE_H
#define IMPORT_PICKLE_H
#include "import/arrays.h"

/* The tensors of a file of torch.save: of the dict that holds most of them, by its keys. */
unroll_status arrays_of_torch(arrays *a, const void *data, size_t size, unroll_error *err);
/* Whether the bytes are those of torch.save before PyTorch 1.6, which made no zip archive. */
bool pickle_is_old(const void *data, size_t size);
#endif
