/* generate.c - /v1/generate: what a model draws of itself, texts, drawings or music; the bits of `unroll sample`. */
#include "serve/server.h"

static const allowed_option allowed[] = {{"number", 32}, {"length", 10000}, {"temperature", 100}, {"bias", 100},
                                         {"top-k", 1e6}, {"top-p", 1},      {"seed", 9e18}};
enum { N_ALLOWED = sizeof allowed / sizeof *allowed };

static void generate(server *s, const http_request *r, const served *model, unroll_options *o, http_reply *out) {
  row_printer p = {.model = model, .list = json_array()};
  unroll_result *result = NULL;
  unroll_error err = {0};
  unroll_options_set_rows(o, row_add, &p);
  unroll_options_set_stop(o, r->stop);
  server_take(s);
  const unroll_status status = *r->stop ? UNROLL_INTERRUPTED : unroll_generate(model->m, o, &result, &err);
  server_give(s);
  server_count(s, 0, (int64_t)json_array_size(p.list));
  if (status)
    reply_failure(out, r, status, &err);
  else
    reply_json(out, json_pack("{s:s, s:O}", "model", model->name, "generated", p.list));
  json_decref(p.list);
  unroll_result_free(result);
}

void route_generate(server *s, const http_request *r, http_reply *out) {
  unroll_options *o = unroll_options_new("sample");
  json_t *j = o ? request_json(r, out) : NULL;
  const served *model = j && members_known(j, "model options", out) ? request_model_of(s, j, out) : NULL;
  bool fine = model != NULL;
  if (!o) reply_error(out, 500, NULL, "out of memory");
  if (fine) fine = request_options(o, allowed, N_ALLOWED, j, out);
  if (fine) generate(s, r, model, o, out);
  json_decref(j);
  unroll_options_free(o);
}
