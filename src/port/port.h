/* port.h - models in the forms of other programs. */
#ifndef PORT_PORT_H
#define PORT_PORT_H
#include "base/text.h"
#include "model/model.h"

typedef struct port_symbols { /* of a variable: its texts, NUL-terminated; of bytes and bpe they may be no UTF-8 */
  const char *const *texts;
  const size_t *lengths;
  int n;
} port_symbols;

typedef struct port_c {
  const char *name;            /* of the functions; NULL: from the file of the net */
  bool no_libm;                /* nothing of math.h: the file has its own functions */
  bool bytes;                  /* products are of bytes, as with --precision int8 */
  const char *header;          /* the name under which the source includes its header */
  const port_symbols *symbols; /* [schema.n] */
  text source, file;           /* the C file, and its header: for text_free in any case */
} port_c;

/* A C99 file for a net that runs forward. UNROLL_USAGE for another one, which says what it is and where. c_plan.c */
unroll_status port_write_c(port_c *out, const model *m, unroll_error *err);

/* An ONNX file for a net: docs/export-onnx.md says what goes in and comes out. symbols [schema.n], or NULL. UNROLL_USAGE for a net
 * that has what ONNX cannot say, with its place. `out` is for text_free in any case. onnx_write.c */
unroll_status port_write_onnx(text *out, const model *m, const port_symbols *symbols, const char *version, unroll_error *err);

typedef struct port_torch {
  const char *weights_path, *weights_name; /* the safetensors, and the name under which the module reads them */
  const char *folder;                      /* made if it is not there; NULL: it is */
  text source;                             /* a module of Python: for text_free in any case */
} port_torch;
/* The same for PyTorch: writes the weights, and hands out the module. torch_write.c */
unroll_status port_write_torch(port_torch *out, const model *m, unroll_error *err);
#endif
