/* typeset.c - the equations of a net or cell in a form that is typeset or drawn: for net.c. */
#include "typeset/typeset.h"
#include <string.h>
#include "api/inspect.h"
#include "base/error.h"

static void latex(const char *name, const graph *g, text *out) {
  text lines = {0};
  text_format(out, "%% %s; needs \\usepackage{amsmath}\n", name);
  graph_print_forward_exact(g, &lines);
  typeset_latex(lines.data ? lines.data : "", out);
  if (lines.failed) out->failed = 1;
  text_free(&lines);
  text_format(out, "%% Gradient: \\partial x stands for the derivative of the loss by x.\n");
  graph_print_gradient_exact(g, &lines);
  typeset_latex(lines.data ? lines.data : "", out);
  if (lines.failed) out->failed = 1;
  text_free(&lines);
}

static void mathml(const char *name, const graph *g, text *out) {
  text lines = {0};
  (void)name;
  graph_print_forward_exact(g, &lines);
  graph_print_gradient_exact(g, &lines);
  typeset_mathml(lines.data ? lines.data : "", out);
  if (lines.failed) out->failed = 1;
  text_free(&lines);
}

static void dot(const char *name, const graph *g, text *out) {
  text lines = {0};
  graph_print_forward_exact(g, &lines);
  typeset_dot(name, lines.data ? lines.data : "", out);
  if (lines.failed) out->failed = 1;
  text_free(&lines);
}

static const struct {
  const char *name;
  void (*write)(const char *name, const graph *g, text *out);
} forms[] = {{"latex", latex}, {"mathml", mathml}, {"dot", dot}};

unroll_status inspect_typeset(const inspection *x, const char *name, const char *form, char **out, unroll_error *err) {
  text t = {0};
  size_t i = 0;
  while (i < sizeof forms / sizeof *forms && strcmp(forms[i].name, form) != 0) i++;
  if (i == sizeof forms / sizeof *forms) return error_set(err, UNROLL_USAGE, "there is no form '%s': latex, mathml or dot", form);
  forms[i].write(x->m.net_file ? x->m.net_file : name, x->g, &t);
  if (t.failed) {
    text_free(&t);
    return error_memory(err);
  }
  *out = t.data;
  return UNROLL_OK;
}
