/* compress.c - `unroll compress` and `unroll expand`: a file as short as a model predicts it, and back. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/terminal.h"

#define ENDING ".unz"

typedef unroll_status convert(const unroll_model *m, const void *bytes, size_t size, const unroll_options *o, void **out,
                              size_t *out_size, unroll_error *err);

/* Where the result goes. text_free in any case. */
static unroll_status find_target(const options *o, bool packs, text *to, unroll_error *err) {
  const char *from = o->arguments[1];
  const bool piped = !strcmp(from, "-");
  if (o->output)
    text_format(to, "%s", o->output);
  else if (piped)
    text_format(to, "-");
  else if (packs)
    text_format(to, "%s" ENDING, from);
  else if (text_ends(from, ENDING) && strlen(from) > strlen(ENDING))
    text_add(to, from, strlen(from) - strlen(ENDING));
  else
    return error_set(err, UNROLL_USAGE, "where to? '%s' does not end with " ENDING ": -o FILE", from);
  if (to->failed) return error_memory(err);
  if (strcmp(to->data, "-") != 0 && file_exists(to->data) && !o->force)
    return error_set(err, UNROLL_USAGE, "'%s' is there: --force replaces it, -o writes to another file", to->data);
  return UNROLL_OK;
}

static unroll_status convert_file(const options *o, const char *name, bool packs, convert *how, unroll_error *err) {
  unroll_options *call = NULL;
  unroll_model *m = NULL;
  text to = {0};
  char *bytes = NULL;
  void *made = NULL;
  size_t size = 0, n = 0;
  unroll_status status = find_target(o, packs, &to, err);
  if (!status) status = data_options_of(&call, name, o, err);
  if (!status) status = unroll_model_load(&m, o->arguments[0], err);
  if (!status) status = file_read(o->arguments[1], &bytes, &size, err);
  if (!status) status = how(m, bytes, size, call, &made, &n, err);
  if (status == UNROLL_BAD_INPUT && bytes && err && !*err->file) snprintf(err->file, sizeof err->file, "%s", o->arguments[1]);
  if (!status) status = output_put(to.data, made, n, err);
  if (!status && packs && size && !o->quiet) {
    char a[32], b[32];
    terminal_note("%s bytes became %s, %.4f bits a byte", text_count((int64_t)size, a), text_count((int64_t)n, b),
                  8 * (double)n / (double)size);
  }
  unroll_free(made);
  mem_free(bytes);
  unroll_model_free(m);
  unroll_options_free(call);
  text_free(&to);
  return status;
}

unroll_status command_compress(const options *o, unroll_error *err) {
  return convert_file(o, "compress", true, unroll_compress, err);
}

unroll_status command_expand(const options *o, unroll_error *err) { return convert_file(o, "expand", false, unroll_expand, err); }
