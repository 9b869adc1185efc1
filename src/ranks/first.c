/* first.c - files that rank 0 reads for all: see ranks_set_data_first. All ranks ask for the same files in the same order. */
#include <string.h>
#include "base/elsewhere.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "ranks/ranks.h"

static bool wanted;

static unroll_status read_first(const char *path, bool regular, size_t most, char **data, size_t *size, unroll_error *err) {
  const ranks *r = ranks_here();
  text bytes = {0};
  unroll_status status = UNROLL_OK;
  *data = NULL;
  *size = 0;
  ranks_data_end(); /* of rank 0 it is here */
  if (!r->own)
    status =
        regular ? file_read_regular(path, most, &bytes.data, &bytes.length, err) : file_read(path, &bytes.data, &bytes.length, err);
  status = ranks_spread(r, status, &bytes, err);
  ranks_data_begin();
  if (status) {
    text_free(&bytes);
    return status;
  }
  *data = bytes.data;
  *size = bytes.length;
  return UNROLL_OK;
}

/* What rank 0 says of a path. */
static bool ask_first(const char *path, bool (*is_so)(const char *path)) {
  const ranks *r = ranks_here();
  text answer = {0};
  ranks_data_end();
  if (!r->own) text_add(&answer, is_so(path) ? "1" : "0", 1);
  const bool yes = !ranks_spread(r, UNROLL_OK, &answer, NULL) && answer.length && *answer.data == '1';
  ranks_data_begin();
  text_free(&answer);
  return yes;
}

static bool is_folder_first(const char *path) { return ask_first(path, folder_is); }

static bool exists_first(const char *path) { return ask_first(path, file_exists); }

static unroll_status list_first(const char *path, text *out, int *n, unroll_error *err) {
  const ranks *r = ranks_here();
  unroll_status status = UNROLL_OK;
  *out = (text){0};
  *n = 0;
  ranks_data_end();
  if (!r->own) status = folder_list(path, out, n, err);
  status = ranks_spread(r, status, out, err);
  ranks_data_begin();
  *n = 0;
  for (size_t i = 0; i < out->length && !status; i++) *n += out->data[i] == 0;
  return status;
}

void ranks_set_data_first(bool first) { wanted = first; }

/* Without ranks nothing is written: other threads may be reading files. */
void ranks_data_begin(void) {
  static const elsewhere first = {read_first, is_folder_first, exists_first, list_first};
  if (wanted && ranks_here()) elsewhere_set(&first);
}

void ranks_data_end(void) {
  if (wanted && ranks_here()) elsewhere_set(NULL);
}
