/* report.c - `unroll report`: a model as one HTML file. */
#include "report/page.h"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/terminal.h"

enum { EXAMPLES = 12 };

/* The folder of a file. */
static unroll_status folder_of(const char *path, text *out, unroll_error *err) {
  const char *slash = strrchr(path, '/');
  text_format(out, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  return out->failed ? error_memory(err) : UNROLL_OK;
}

/* The name of the run: its folder, or the file where that is all there is. */
static void title_of(const char *path, text *out) {
  const char *end = strrchr(path, '/'), *begin = path;
  if (!end || end == path) {
    text_format(out, "%s", path);
    return;
  }
  for (const char *s = path; s < end; s++)
    if (*s == '/') begin = s + 1;
  text_format(out, "%.*s", (int)(end - begin), begin);
}

unroll_status command_report(const options *o, unroll_error *err) {
  report_request r = {.path = o->arguments[0], .examples = o->examples > 0 ? o->examples : EXAMPLES, .stop = signals_flag()};
  unroll_model *m = NULL;
  unroll_table *t = NULL;
  text page = {0}, folder = {0}, log = {0}, title = {0};
  if (!o->output) return error_set(err, UNROLL_USAGE, "--output says where the page goes, as in -o page.html");
  report_option *asked = mem_zero((size_t)o->n_typed + 1, sizeof *asked);
  unroll_status status = asked ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < o->n_typed && !status; i++)
    if (strcmp(o->typed[i].name, "output") != 0) asked[r.n_asked++] = (report_option){o->typed[i].name, o->typed[i].value};
  if (!status) status = unroll_model_load(&m, r.path, err);
  if (!status && o->n_arguments > 1) status = data_table(&t, o, 1, err);
  if (!status) status = folder_of(r.path, &folder, err);
  if (!status) {
    text_format(&log, "%s/log.jsonl", folder.data);
    title_of(r.path, &title);
    if (log.failed || title.failed) status = error_memory(err);
  }
  r.m = m;
  r.t = t;
  r.asked = asked;
  r.log = !status && file_exists(log.data) ? folder.data : NULL;
  r.title = title.data;
  if (!status) status = report_page(&r, &page, err);
  if (!status) status = file_write(o->output, page.data, page.length, err);
  if (!status) terminal_note("wrote %s, %zu bytes", o->output, page.length);
  text_free(&page);
  text_free(&folder);
  text_free(&log);
  text_free(&title);
  mem_free(asked);
  unroll_table_free(t);
  unroll_model_free(m);
  return status;
}
