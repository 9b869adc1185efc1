/* fuzz_serve.c - libFuzzer target: a request as it came from the network is answered by `unroll serve`'s routes, with a status that
 * fits: METHOD PATH?NAME=VALUE&..., lines HEADER: VALUE, an empty line, the body. The network itself (http.c) is not in it: what it
 * hands over is made here. Three models: `text` goes on with
 * letters, `table` predicts a label from words and a number, `ear` hears letters in a recording. */
#include "scene.h"
#include "serve/http.h"

typedef struct request_text {
  char method[512], path[512], query[512], headers[512];
  const char *body;
  size_t size;
} request_text;

static const request_text *asked;

/* The value after `name` and `is` in a text whose entries end with `end`. */
static const char *find(const char *s, const char *name, char is, char end, char found[256]) {
  const size_t n = strlen(name);
  for (const char *at = s; at && *at; at = strchr(at, end), at = at ? at + 1 : NULL)
    if (!strncasecmp(at, name, n) && at[n] == is) {
      at += n + 1 + (is == ':' && at[n + 1] == ' ');
      snprintf(found, 256, "%.*s", (int)strcspn(at, (char[]){end, 0}), at);
      return found;
    }
  return NULL;
}

const char *http_header(const http_request *r, const char *name) {
  static char found[256];
  (void)r;
  return find(asked->headers, name, ':', '\n', found);
}
const char *http_query(const http_request *r, const char *name) { /* several are asked for at a time */
  static char found[4][256];
  static int next;
  (void)r;
  next = (next + 1) % 4;
  return find(asked->query, name, '=', '&', found[next]);
}
int http_connections(void) { return 1; }

unroll_status http_run(const http_server *s, unroll_error *err) {
  volatile sig_atomic_t stop = 0;
  const http_request r = {.method = asked->method, .path = asked->path, .body = asked->body, .size = asked->size, .stop = &stop};
  http_reply out = {.status = 200};
  (void)err;
  s->answer(s->context, &r, &out);
  scene_check(out.status >= 200 && out.status < 600);
  if (out.stream.next) {
    text event = {0};
    for (int i = 0; i < 10000 && out.stream.next(out.stream.context, &event); i++) event.length = 0;
    text_free(&event);
  }
  if (out.stream.end) out.stream.end(out.stream.context);
  text_free(&out.body);
  return UNROLL_OK;
}

/* --- the models --- */

static void write_model(const char *name, const char *net, const char *table_name, const char *rows) {
  char path[128];
  unroll_error err = {0};
  unroll_model *m = NULL;
  unroll_table *t = unroll_table_new();
  unroll_options *o = unroll_options_new("train");
  scene_check(!unroll_options_set(o, "net", scene_write("serve.net", net, strlen(net)), &err));
  scene_check(!unroll_table_read(t, scene_write(table_name, rows, strlen(rows)), &err));
  scene_check(!unroll_untrained(o, t, &m, &err));
  snprintf(path, sizeof path, "%s", scene_path(name));
  scene_check(!model_save(&m->m, path, &err));
  unroll_model_free(m);
  unroll_table_free(t);
  unroll_options_free(o);
}

static void write_models(void) {
  static char sound[44 + 1600] = "RIFF\x64\x06\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x40\x06\0";
  for (int i = 44; i < (int)sizeof sound; i++) sound[i] = (char)(i * i * 31);
  scene_write("a.wav", sound, sizeof sound);
  write_model("ear.safetensors", "data s : audio(8000, mel = 4)\ndata a : chars\na ~ ctc(W rnn(s, 3) + b)\n", "ear.csv",
              "s,a\na.wav,ab\n");
  write_model("text.safetensors", "data c : chars\nh = rnn(embed(c[t-1], 3), 4)\nc ~ softmax(W h + b)\n", "rows.txt", "ab\nba c\n");
  write_model("table.safetensors",
              "data a : words(9)\ndata x : number\ndata y : category\ny ~ softmax(W last(rnn(embed(a, 2), 4)) + V x + b)\n",
              "rows.csv", "a,x,y\none two,1,yes\nthree,2.5,no\n");
}

static bool read_request(request_text *out, const char *data, size_t size) {
  const char *body = memmem(data, size, "\n\n", 2);
  if (!body || (size_t)(body - data) >= sizeof out->headers) return false;
  char head[sizeof out->headers];
  snprintf(head, sizeof head, "%.*s\n", (int)(body - data), data);
  char *line = strchr(head, '\n'), *path = strchr(head, ' ');
  if (!line || !path || path > line) return false;
  *line = *path++ = 0;
  char *query = strchr(path, '?');
  if (query) *query++ = 0;
  snprintf(out->method, sizeof out->method, "%s", head);
  snprintf(out->path, sizeof out->path, "%s", path);
  snprintf(out->query, sizeof out->query, "%s", query ? query : "");
  snprintf(out->headers, sizeof out->headers, "%s", line + 1);
  out->body = body + 2;
  out->size = size - (size_t)(body + 2 - data);
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char models[3][128];
  request_text r = {.size = 0};
  if (!models[0][0]) {
    write_models();
    snprintf(models[0], sizeof models[0], "%s", scene_path("text.safetensors"));
    snprintf(models[1], sizeof models[1], "%s", scene_path("table.safetensors"));
    snprintf(models[2], sizeof models[2], "%s", scene_path("ear.safetensors"));
  }
  char *copy = malloc(size + 1); /* the body of a request has a NUL behind it */
  memcpy(copy, data, size);
  copy[size] = 0;
  if (read_request(&r, copy, size)) {
    const char *const list[3] = {models[0], models[1], models[2]};
    const serve_options o = {.models = list, .n_models = 3, .body_limit = 1 << 20, .time_limit = 60};
    unroll_error err = {0};
    asked = &r;
    scene_check(!serve_run(&o, &err));
  }
  free(copy);
  scene_check(mem_live() == 0);
  return 0;
}
