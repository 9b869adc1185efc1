/* c_run.c - NAME_run() of a net with a stream: all steps of a sequence, one after the other. */
#include "port/c_internal.h"

static void argument(const c_export *c, const c_parameter *p, text *out) {
  const char *name = p->data >= 0 ? c->data[p->data].whole : c_parameter_name(c, p);
  const int least = p->data >= 0 ? c->data[p->data].least : 0;
  if (least) text_format(out, "t < %d ? %s : ", least, p->width ? "0" : "-1");
  if (p->width && least)
    text_format(out, "%s + (t - %d) * %d", name, least, p->width);
  else if (p->width)
    text_format(out, "%s + t * %d", name, p->width);
  else if (least)
    text_format(out, "%s[t - %d]", name, least);
  else
    text_format(out, "%s[t]", name);
}

void c_run(c_export *c, text *out) {
  c_parameter *list = c_parameter_room(c);
  if (!list) return;
  text_format(out, "\n");
  c_run_signature(c, out);
  text_format(out, " {\n");
  for (enum phase p = PHASE_START; p <= PHASE_END; p++) {
    if (p == PHASE_END && !c->has_end) continue;
    const int n = c_parameters(c, p, list);
    const bool step = p == PHASE_STEP, bound = p == PHASE_START && c_is_bound(c);
    if (step) text_format(out, "  for (int t = 0; t < %s; t++)\n  ", c->steps_names[c->stream]);
    text_format(out, bound ? "  if (%s_%s(state" : "  %s_%s(state", c->name, c_function(c, p));
    for (int i = 0; i < n; i++) {
      text_format(out, ", ");
      if (step)
        argument(c, &list[i], out);
      else
        text_format(out, "%s", c_parameter_name(c, &list[i]));
    }
    text_format(out, bound ? ")) return -1;\n" : ");\n");
  }
  text_format(out, c_is_bound(c) ? "  return 0;\n}\n" : "}\n");
}
