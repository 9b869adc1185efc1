/* pages.c - what a browser gets: the list of models, the page of each, and the files that these are made of. None of them says
 * anything of a model; the page asks for that. */
#include <string.h>
#include "report/files.h"
#include "serve/server.h"

extern const embedded_file serve_files[]; /* those of page/ */

static const char *type_of(const char *name) {
  static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                         {".css", "text/css; charset=utf-8"},
                                         {".js", "text/javascript; charset=utf-8"},
                                         {".json", "application/json"}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (text_ends(name, types[i][0])) return types[i][1];
  return "application/octet-stream";
}

static void send_file(const char *name, http_reply *out) {
  const embedded_file *f = serve_files;
  while (f->name && strcmp(f->name, name) != 0) f++;
  if (!f->name) {
    reply_error(out, 404, NULL, "there is no such path");
    return;
  }
  out->type = type_of(f->name);
  text_add(&out->body, f->bytes, f->size);
}

void route_list(server *s, const http_request *r, http_reply *out) {
  (void)s, (void)r;
  send_file("list.html", out);
}

/* With a key, who has none does not hear which models there are. */
void route_page(server *s, const http_request *r, http_reply *out) {
  if (s->o->key || request_model(s, route_rest(r, "/m/*"), out)) send_file("model.html", out);
}

void route_asset(server *s, const http_request *r, http_reply *out) {
  (void)s;
  send_file(route_rest(r, "/page/*"), out);
}

void route_openapi(server *s, const http_request *r, http_reply *out) {
  (void)s, (void)r;
  send_file("openapi.json", out);
}
