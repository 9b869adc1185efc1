/* pages.c - what a browser gets: the list of models, the page of each, and the files that these are made of. None of them says
 * anything of a model; the page asks for that. */
#include <string.h>
#include "io/json.h"
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

/* Its name is NULL: there is none. */
static const embedded_file *find_file(const char *name) {
  const embedded_file *f = serve_files;
  while (f->name && strcmp(f->name, name) != 0) f++;
  return f;
}

static void send_file(const char *name, http_reply *out) {
  const embedded_file *f = find_file(name);
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

static json_t *read_file(const char *name) {
  const embedded_file *f = find_file(name);
  json_error_t error;
  int starved;
  return f->name ? json_read(f->bytes, f->size, &error, &starved) : NULL;
}

/* Paths, and the schemas of what goes in and comes out, are a file each. */
void route_openapi(server *s, const http_request *r, http_reply *out) {
  json_t *whole = read_file("openapi.json"), *schemas = read_file("openapi_schemas.json");
  (void)s, (void)r;
  if (!json_object_set_new(json_object_get(whole, "components"), "schemas", schemas)) {
    reply_json(out, whole);
  } else {
    json_decref(whole);
    reply_error(out, 500, NULL, "out of memory");
  }
}
