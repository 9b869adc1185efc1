/* sample.c - `unroll sample`: generates from a model. */
#include <math.h>
#include <stdio.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/row.h"
#include "cli/terminal.h"

/* A text, as it is. */
static int print_text(row_printer *p, const unroll_result *r) {
  char probability[32];
  text line = {0};
  unroll_row row;
  unroll_value v;
  unroll_row_init(&row);
  unroll_value_init(&v);
  unroll_result_row(r, 0, &row, NULL);
  unroll_result_value(r, 0, NULL, &v, NULL);
  if (p->list)
    return row_put_json(p, json_pack("{s:o, s:o, s:b}", "text", output_json_text(v.text, v.length), "log2_p",
                                     json_number(row.log2_p), "ended", row.ended));
  if (p->o->probability) text_format(&line, "%s\t", output_probability(row.log2_p * log(2), probability));
  text_add(&line, v.text, v.length);
  return row_put(p, &line);
}

/* With --output all is in the file. */
static int print(void *context, const unroll_result *r) {
  row_printer *p = context;
  if (p->o->output) {
    p->n++;
    return 0;
  }
  return unroll_model_symbols(p->m) > 0 ? print_text(p, r) : row_print(p, r);
}

unroll_status command_sample(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_options *how = NULL;
  unroll_result *r = NULL;
  row_printer p = {.o = o, .list = o->json ? json_array() : NULL};
  const int64_t wanted = o->many > 0 ? o->many : 1;
  unroll_status status = unroll_model_load(&m, o->arguments[0], err);
  p.m = m;
  if (!status) status = data_options_of(&how, "sample", o, err);
  if (!status) unroll_options_set_rows(how, print, &p);
  if (!status) status = row_status(&p, unroll_generate(m, how, &r, err), err);
  if (!status && p.n < wanted)
    terminal_warn("only %lld of %lld: the model hardly says anything that is not in %s", (long long)p.n, (long long)wanted,
                  o->not_in);
  if (!status && o->json) status = output_json(json_pack("{s:O}", "samples", p.list), err);
  json_decref(p.list);
  unroll_result_free(r);
  unroll_options_free(how);
  unroll_model_free(m);
  return status;
}
