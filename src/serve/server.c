/* server.c - see serve.h: the models, the table of routes, who may ask, and what is counted. */
#include "serve/crowd.h"
#include <string.h>
#include <time.h>
#include "base/cpu.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"

/* --- routes --- */

static route_call route_health, route_metrics;

typedef struct route {
  const char *method, *path;
  bool open; /* without a key */
  route_call *call;
} route;

/* A path that ends with a star stands for all that begin so. */
static const route routes[] = {
    {"GET", "/", true, route_list},
    {"GET", "/m/*", true, route_page},
    {"GET", "/page/*", true, route_asset},
    {"GET", "/openapi.json", true, route_openapi},
    {"GET", "/health", true, route_health},
    {"GET", "/metrics", false, route_metrics},
    {"GET", "/v1/models", false, route_models},
    {"GET", "/v1/models/*", false, route_model},
    {"POST", "/v1/completions", false, route_completions},
    {"POST", "/v1/predict", false, route_predict},
    {"POST", "/v1/generate", false, route_generate},
    {"POST", "/v1/trace", false, route_trace},
    {"POST", "/v1/embeddings", false, route_embeddings},
    {"POST", "/v1/listen", false, route_listen},
};
enum { N_ROUTES = sizeof routes / sizeof *routes };

static bool method_fits(const route *x, const char *method) {
  return !strcmp(x->method, method) || (!strcmp(x->method, "GET") && !strcmp(method, "HEAD"));
}

static bool path_fits(const route *x, const char *path) {
  const size_t n = strlen(x->path) - 1;
  return x->path[n] == '*' ? !strncmp(x->path, path, n) && path[n] : !strcmp(x->path, path);
}

const char *route_rest(const http_request *r, const char *path) { return r->path + strlen(path) - 1; }

/* In a time that does not tell where they differ. */
static bool same_key(const char *given, const char *key) {
  const size_t n = strlen(key);
  if (strlen(given) != n) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < n; i++) difference |= (unsigned char)(given[i] ^ key[i]);
  return difference == 0;
}

static bool has_key(const server *s, const http_request *r) {
  static const char scheme[] = "Bearer ";
  const char *given = http_header(r, "Authorization");
  if (!s->o->key) return true;
  return given && !strncmp(given, scheme, sizeof scheme - 1) && same_key(given + sizeof scheme - 1, s->o->key);
}

/* The number of the route, or N_ROUTES: none. */
static int find_route(const server *s, const http_request *r, http_reply *out) {
  const route *other = NULL;
  for (int i = 0; i < N_ROUTES; i++) {
    if (!path_fits(&routes[i], r->path)) continue;
    other = &routes[i];
    if (!method_fits(other, r->method)) continue;
    if (other->open || has_key(s, r)) return i;
    reply_error(out, 401, NULL, "a key is needed: Authorization: Bearer KEY");
    return N_ROUTES;
  }
  if (other) {
    out->allow = other->method;
    reply_error(out, 405, NULL, "%s takes %s", other->path, other->method);
  } else {
    reply_error(out, 404, NULL, "there is no such path");
  }
  return N_ROUTES;
}

static void answer(void *context, const http_request *r, http_reply *out) {
  server *s = context;
  const double begun = time_now();
  const int number = find_route(s, r, out);
  if (number < N_ROUTES) routes[number].call(s, r, out);
  pthread_mutex_lock(&s->lock);
  s->asked[number * N_STATUSES + out->status]++;
  s->seconds += time_now() - begun;
  pthread_mutex_unlock(&s->lock);
}

static void failed(void *context, int status, const char *message, http_reply *out) {
  server *s = context;
  reply_error(out, status, NULL, "%s", message);
  pthread_mutex_lock(&s->lock);
  s->asked[N_ROUTES * N_STATUSES + status]++;
  pthread_mutex_unlock(&s->lock);
}

/* --- processors --- */

void server_take(server *s) {
  pthread_mutex_lock(&s->lock);
  while (s->slots == 0) pthread_cond_wait(&s->freed, &s->lock);
  s->slots--;
  pthread_mutex_unlock(&s->lock);
}

void server_give(server *s) {
  pthread_mutex_lock(&s->lock);
  s->slots++;
  pthread_cond_signal(&s->freed);
  pthread_mutex_unlock(&s->lock);
}

void server_count(server *s, int64_t symbols, int64_t rows) {
  pthread_mutex_lock(&s->lock);
  s->symbols += symbols;
  s->rows += rows;
  pthread_mutex_unlock(&s->lock);
}

/* --- health, metrics --- */

static void route_health(server *s, const http_request *r, http_reply *out) {
  (void)r;
  reply_json(out, json_pack("{s:s, s:i, s:s}", "status", "ok", "models", s->n, "version", unroll_version()));
}

static void metric(text *out, const char *name, const char *kind, const char *help, double x) {
  text_format(out, "# HELP unroll_%s %s\n# TYPE unroll_%s %s\nunroll_%s %.15g\n", name, help, name, kind, name, x);
}

/* The text format of Prometheus. */
static void route_metrics(server *s, const http_request *r, http_reply *out) {
  text *t = &out->body;
  (void)r;
  out->type = "text/plain; version=0.0.4; charset=utf-8";
  pthread_mutex_lock(&s->lock);
  text_format(t, "# HELP unroll_requests_total Replies by path and status.\n# TYPE unroll_requests_total counter\n");
  for (int i = 0; i <= N_ROUTES; i++)
    for (int k = 0; k < N_STATUSES; k++)
      if (s->asked[i * N_STATUSES + k])
        text_format(t, "unroll_requests_total{path=\"%s\",status=\"%d\"} %lld\n", i < N_ROUTES ? routes[i].path : "other", k,
                    (long long)s->asked[i * N_STATUSES + k]);
  metric(t, "answer_seconds_total", "counter", "Seconds until replies were there or began.", s->seconds);
  metric(t, "symbols_total", "counter", "Symbols that completions drew.", (double)s->symbols);
  metric(t, "rows_total", "counter", "Rows that were predicted.", (double)s->rows);
  metric(t, "connections", "gauge", "Open connections.", http_connections());
  metric(t, "models", "gauge", "Models.", s->n);
  metric(t, "uptime_seconds", "gauge", "Seconds since the start.", time_now() - s->begun);
  pthread_mutex_unlock(&s->lock);
}

/* --- models --- */

/* "runs/places/model.safetensors" and "runs/places" are both places; "old.safetensors" is old. */
static char *name_of(const char *path) {
  static const char *const endings[] = {"/model.safetensors", ".safetensors"};
  size_t n = strlen(path);
  for (size_t i = 0; i < 2 && n == strlen(path); i++)
    if (text_ends(path, endings[i]) && n > strlen(endings[i])) n -= strlen(endings[i]);
  while (n > 1 && path[n - 1] == '/') n--;
  size_t from = n;
  while (from > 0 && path[from - 1] != '/') from--;
  char *name = mem_alloc(n - from + 1);
  if (!name) return NULL;
  memcpy(name, path + from, n - from);
  name[n - from] = 0;
  return name;
}

static unroll_status load(server *s, const char *path, unroll_error *err) {
  served *x = &s->models[s->n++];
  x->path = path;
  x->name = name_of(path);
  if (!x->name) return error_memory(err);
  const size_t length = strlen(x->name);
  if (!length || utf8_valid(x->name, length) < length)
    return error_set(err, UNROLL_USAGE, "the folder of %s has a name that cannot stand in a request", x->path);
  for (int i = 0; i < s->n - 1; i++)
    if (!strcmp(s->models[i].name, x->name))
      return error_set(err, UNROLL_USAGE, "%s and %s have the same name, '%s'", s->models[i].path, x->path, x->name);
  const unroll_status status = unroll_model_load(&x->m, x->path, err);
  if (status) return status;
  unroll_session *probe = NULL;
  x->is_text = unroll_model_symbols(x->m) > 0 && unroll_session_new(&probe, x->m, NULL) == UNROLL_OK && unroll_session_log_p(probe);
  unroll_session_free(probe);
  unroll_listener *hears = NULL;
  x->listens = unroll_listener_new(&hears, x->m, NULL) == UNROLL_OK;
  unroll_listener_free(hears);
  return UNROLL_OK;
}

unroll_status serve_run(const serve_options *o, unroll_error *err) {
  server s = {.o = o,
              .slots = cpu_count(),
              .begun = time_now(),
              .since = time(NULL),
              .lock = PTHREAD_MUTEX_INITIALIZER,
              .freed = PTHREAD_COND_INITIALIZER};
  const http_server network = {.o = o, .answer = answer, .failed = failed, .context = &s};
  s.models = mem_zero((size_t)o->n_models + 1, sizeof *s.models);
  s.asked = mem_zero((N_ROUTES + 1) * N_STATUSES, sizeof *s.asked);
  unroll_status status = s.models && s.asked ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < o->n_models && !status; i++) status = load(&s, o->models[i], err);
  if (!status) status = http_run(&network, err);
  hearings_free(s.hearings);
  for (int i = 0; i < s.n; i++) {
    crowd_free(s.models[i].crowd);
    unroll_model_free(s.models[i].m);
    unroll_free(s.models[i].mathml);
    mem_free(s.models[i].name);
  }
  mem_free(s.models);
  mem_free(s.asked);
  return status;
}
