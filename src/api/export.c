/* export.c - a model for other programs. */
#include "api/api.h"
#include "api/options.h"
#include "base/file.h"
#include "base/memory.h"
#include "port/port.h"

/* [schema.n], for mem_free. */
static port_symbols *symbols_of(const unroll_model *m) {
  port_symbols *symbols = mem_zero((size_t)m->m.schema.n + 1, sizeof *symbols);
  for (int i = 0; symbols && i < m->m.schema.n; i++)
    symbols[i] =
        (port_symbols){.texts = (const char *const *)m->symbols[i].texts, .lengths = m->symbols[i].lengths, .n = m->symbols[i].n};
  return symbols;
}

static unroll_status write_c(const unroll_model *m, const call_options *o, const char *path, unroll_error *err) {
  const size_t length = strlen(path), stem = length > 2 && !strcmp(path + length - 2, ".c") ? length - 2 : length;
  port_symbols *symbols = symbols_of(m);
  const bool bytes = o->precision && !strcmp(o->precision, "int8");
  text header = {0};
  text_format(&header, "%.*s.h", (int)stem, path);
  unroll_status status = symbols && !header.failed ? UNROLL_OK : error_memory(err);
  if (!status) {
    const char *slash = strrchr(header.data, '/');
    port_c out = {
        .name = o->called, .no_libm = o->no_libm, .bytes = bytes, .header = slash ? slash + 1 : header.data, .symbols = symbols};
    status = port_write_c(&out, &m->m, err);
    if (!status) status = file_write(header.data, out.file.data, out.file.length, err);
    if (!status) status = file_write(path, out.source.data, out.source.length, err);
    text_free(&out.source);
    text_free(&out.file);
  }
  text_free(&header);
  mem_free(symbols);
  return status;
}

static unroll_status write_onnx(const unroll_model *m, const char *path, unroll_error *err) {
  port_symbols *symbols = symbols_of(m);
  text out = {0};
  if (!symbols) return error_memory(err);
  unroll_status status = port_write_onnx(&out, &m->m, symbols, unroll_version(), err);
  if (!status) status = file_write(path, out.data, out.length, err);
  text_free(&out);
  mem_free(symbols);
  return status;
}

/* `path` is a file that ends with .py, or a folder, in which the files are called as the net is. */
static unroll_status write_torch(const unroll_model *m, const char *name, const char *path, unroll_error *err) {
  text stem = {0}, module = {0}, weights = {0};
  const char *file = m->m.net_file, *slash = strrchr(file, '/');
  const bool folder = !text_ends(path, ".py");
  if (!name && slash) file = slash + 1;
  if (folder) {
    const size_t length = name ? strlen(name) : strcspn(file, ".");
    text_format(&stem, "%s%s%.*s", path, text_ends(path, "/") ? "" : "/", (int)length, name ? name : file);
  } else
    text_add(&stem, path, strlen(path) - 3);
  text_format(&module, "%s.py", stem.data ? stem.data : "");
  text_format(&weights, "%s.safetensors", stem.data ? stem.data : "");
  unroll_status status = stem.failed || module.failed || weights.failed ? error_memory(err) : UNROLL_OK;
  if (!status) {
    slash = strrchr(weights.data, '/');
    port_torch out = {
        .weights_path = weights.data, .weights_name = slash ? slash + 1 : weights.data, .folder = folder ? path : NULL};
    status = port_write_torch(&out, &m->m, err);
    if (!status) status = file_write(module.data, out.source.data, out.source.length, err);
    text_free(&out.source);
  }
  text_free(&stem);
  text_free(&module);
  text_free(&weights);
  return status;
}

unroll_status unroll_export(const unroll_model *m, const char *form, const char *path, const unroll_options *o, unroll_error *err) {
  call_options given;
  if (!m || !form || !path) return api_null(err);
  const unroll_status status = call_take(&given, o, IN(export), err);
  if (status) return status;
  if (!strcmp(form, "c")) return write_c(m, &given, path, err);
  if (given.no_libm || given.precision)
    return error_set(err, UNROLL_USAGE, "the options 'no-libm' and 'precision' are for the form c");
  if (!strcmp(form, "onnx")) return write_onnx(m, path, err);
  if (!strcmp(form, "pytorch")) return write_torch(m, given.called, path, err);
  return error_set(err, UNROLL_USAGE, "there is no form '%s': c, onnx, pytorch", form);
}
