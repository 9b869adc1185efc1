/* typeset.c - the equations of a net or cell in a form that is typeset or drawn. */
#include <string.h>
#include "api/api.h"
#include "api/inspect.h"
#include "base/error.h"
#include "graph/settings.h"
#include "typeset/typeset.h"

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

unroll_status unroll_typeset(const char *net, const char *const *settings, int n_settings, const char *form, char **out,
                             unroll_error *err) {
  inspection x;
  arena memory = {0};
  setting *list = NULL;
  text t = {0};
  int n = 0;
  size_t i = 0;
  if (!out) return api_null(err);
  *out = NULL;
  if (!net || !form || n_settings < 0 || (n_settings && !settings)) return api_null(err);
  for (int k = 0; k < n_settings; k++)
    if (!settings[k]) return api_null(err);
  while (i < sizeof forms / sizeof *forms && strcmp(forms[i].name, form) != 0) i++;
  if (i == sizeof forms / sizeof *forms) return error_set(err, UNROLL_USAGE, "there is no form '%s': latex, mathml or dot", form);
  unroll_status status = inspect_parse(&x, net, err);
  if (!status) status = settings_parse(&list, &n, settings, n_settings, &memory, err);
  if (!status) status = inspect_build(&x, list, n, err);
  if (!status) {
    forms[i].write(x.m.net_file ? x.m.net_file : net, x.g, &t);
    if (t.failed) status = error_memory(err);
  }
  if (status)
    text_free(&t);
  else
    *out = t.data;
  inspect_close(&x);
  arena_free(&memory);
  return status;
}
