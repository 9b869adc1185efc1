/* onnx_made.h - graphs of ONNX written byte by byte: also those that no program would write. */
#ifndef TESTS_IMPORT_ONNX_MADE_H
#define TESTS_IMPORT_ONNX_MADE_H
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include "base/text.h"

static inline void made_varint(text *t, uint64_t x) {
  for (; x > 127; x >>= 7) text_add(t, &(char){(char)(x | 128)}, 1);
  text_add(t, &(char){(char)x}, 1);
}

static inline void made_whole(text *t, unsigned field, int64_t x) {
  made_varint(t, field << 3);
  made_varint(t, (uint64_t)x);
}

static inline void made_bytes(text *t, unsigned field, const void *data, size_t n) {
  made_varint(t, field << 3 | 2);
  made_varint(t, n);
  if (n) text_add(t, data, n);
}

static inline void made_text(text *t, unsigned field, const char *s) { made_bytes(t, field, s, strlen(s)); }

/* The message goes into a field, and is empty afterwards. */
static inline void made_piece(text *t, unsigned field, text *piece) {
  made_bytes(t, field, piece->data ? piece->data : "", piece->length);
  text_free(piece);
  *piece = (text){0};
}

/* A tensor of floats (type 1) or of another type with `bytes` a number. cols 0: a vector; rows 0: one number. */
static inline void made_tensor(text *g, unsigned field, const char *name, int type, int64_t rows, int64_t cols, const void *data,
                               size_t bytes) {
  text m = {0};
  if (rows) made_whole(&m, 1, rows);
  if (cols) made_whole(&m, 1, cols);
  made_whole(&m, 2, type);
  if (*name) made_text(&m, 8, name);
  made_bytes(&m, 9, data, (size_t)((rows ? rows : 1) * (cols ? cols : 1)) * bytes);
  made_piece(g, field, &m);
}

static inline void made_floats(text *g, const char *name, int64_t rows, int64_t cols, const float *x) {
  made_tensor(g, 5, name, 1, rows, cols, x, 4);
}

/* Of a node: a whole number. */
static inline void made_attribute(text *op, const char *name, int64_t x) {
  text m = {0};
  made_text(&m, 1, name);
  made_whole(&m, 3, x);
  made_piece(op, 5, &m);
}

/* A node that is not yet in the graph: "a b" are two names; "-" is one that is left out. */
static inline text made_node(const char *op, const char *in, const char *out) {
  text m = {0};
  const char *const lists[2] = {in, out};
  for (int k = 0; k < 2; k++)
    for (const char *s = lists[k]; *s;) {
      const size_t n = strcspn(s, " ");
      made_bytes(&m, (unsigned)k + 1, s, *s == '-' ? 0 : n);
      s += n + (s[n] == ' ');
    }
  made_text(&m, 4, op);
  return m;
}

static inline void made_op(text *g, const char *op, const char *in, const char *out) {
  text m = made_node(op, in, out);
  made_piece(g, 1, &m);
}

/* What goes in (field 11) or comes out (12): sizes, 0 for one that is not known. */
static inline void made_value(text *g, unsigned field, const char *name, int type, int rank, const int64_t *sizes) {
  text shape = {0}, sizes_of = {0}, kind = {0}, m = {0};
  for (int i = 0; i < rank; i++) {
    text d = {0};
    if (sizes[i]) made_whole(&d, 1, sizes[i]);
    made_piece(&shape, 1, &d);
  }
  made_whole(&sizes_of, 1, type);
  made_piece(&sizes_of, 2, &shape);
  made_piece(&kind, 1, &sizes_of);
  made_text(&m, 1, name);
  made_piece(&m, 2, &kind);
  made_piece(g, field, &m);
}

/* The whole file. */
static inline text made_model(text *g) {
  text m = {0};
  made_whole(&m, 1, 8);
  made_text(&m, 2, "tests");
  made_piece(&m, 7, g);
  return m;
}
#endif
