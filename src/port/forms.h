/* forms.h - operators on single numbers, as other programs write them: a row an operator. */
#ifndef PORT_FORMS_H
#define PORT_FORMS_H
#include "graph/graph.h"

typedef struct port_form { /* x and y stand for the operands; NULL: there is no such form */
  const char *onnx;        /* calls of operators of ONNX; float() is a Cast */
  const char *torch;       /* an expression in Python */
} port_form;
extern const port_form port_forms[OP_COUNT];
#endif
