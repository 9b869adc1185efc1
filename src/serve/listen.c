/* listen.c - /v1/listen: a recording that still goes on. Its bytes come in pieces, a request each, and each reply has what was
 * heard in the piece. The first request makes a session, whose name the others give. A session that nobody asks ends by itself. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "base/memory.h"
#include "base/threads.h"
#include "serve/server.h"

enum { MOST_SESSIONS = 64, NAME = 32, SLICE = 32 << 10 };

typedef struct hearing {
  char name[NAME + 1]; /* "": free */
  const served *model;
  unroll_listener *l;
  double until; /* when nobody will ask any more */
  bool busy;
} hearing;

struct hearings { /* of the server's lock */
  hearing list[MOST_SESSIONS];
};

void hearings_free(hearings *all) {
  for (int i = 0; i < MOST_SESSIONS && all; i++) unroll_listener_free(all->list[i].l);
  mem_free(all);
}

static bool make_name(char name[NAME + 1]) {
  unsigned char bytes[NAME / 2];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return false;
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(name + 2 * i, 3, "%02x", bytes[i]);
  return true;
}

/* A place in the list, those that ended by themselves among them. The listener of such a one is handed over. */
static hearing *free_place(server *s, unroll_listener **old) {
  if (!s->hearings) s->hearings = mem_zero(1, sizeof *s->hearings);
  for (int i = 0; i < MOST_SESSIONS && s->hearings; i++) {
    hearing *h = &s->hearings->list[i];
    if (*h->name && (h->busy || time_now() < h->until)) continue;
    *old = h->l;
    *h = (hearing){.busy = true};
    return h;
  }
  return NULL;
}

/* NULL, and the reply says why. Else it is busy until `leave`. */
static hearing *begin(server *s, const served *model, http_reply *out) {
  unroll_listener *l = NULL, *old = NULL;
  unroll_error err = {0};
  char name[NAME + 1] = "";
  const unroll_status status = unroll_listener_new(&l, model->m, &err);
  if (status) return reply_error(out, status == UNROLL_FAILED ? 500 : 400, "model", "%s", err.message), NULL;
  const bool named = make_name(name);
  pthread_mutex_lock(&s->lock);
  hearing *h = named ? free_place(s, &old) : NULL;
  if (h) {
    h->model = model;
    h->l = l;
    memcpy(h->name, name, sizeof name);
  }
  pthread_mutex_unlock(&s->lock);
  unroll_listener_free(old);
  if (h) return h;
  unroll_listener_free(l);
  reply_error(out, 503, NULL, "there are %d recordings already: try again later", MOST_SESSIONS);
  return NULL;
}

static hearing *find(server *s, const served *model, const char *name, http_reply *out) {
  hearing *found = NULL;
  bool busy = false;
  pthread_mutex_lock(&s->lock);
  for (int i = 0; i < MOST_SESSIONS && s->hearings; i++) {
    hearing *h = &s->hearings->list[i];
    if (*name && !strcmp(h->name, name) && h->model == model && (h->busy || time_now() < h->until)) found = h;
  }
  if (found) busy = found->busy, found->busy = true;
  pthread_mutex_unlock(&s->lock);
  if (!found) reply_error(out, 404, "session", "there is no such session, or it ended because nobody asked");
  if (busy) reply_error(out, 409, "session", "another request of this session is being answered: one at a time");
  return busy ? NULL : found;
}

static void leave(server *s, hearing *h, bool ended) {
  unroll_listener *l = NULL;
  pthread_mutex_lock(&s->lock);
  if (ended) {
    l = h->l;
    *h = (hearing){.busy = false};
  } else {
    h->busy = false;
    h->until = time_now() + s->o->time_limit;
  }
  pthread_mutex_unlock(&s->lock);
  unroll_listener_free(l);
}

/* A slice at a time, so that others have their turn, and a request that takes too long ends. */
static unroll_status hear(server *s, const http_request *r, hearing *h, bool last, text *heard, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  size_t at = 0;
  do {
    const size_t left = r->size - at, n = left < SLICE ? left : SLICE;
    const char *piece = "";
    server_take(s);
    status = *r->stop ? UNROLL_INTERRUPTED : unroll_listener_take(h->l, r->body + at, n, last && n == left, &piece, err);
    server_give(s);
    if (!status) text_add(heard, piece, strlen(piece));
    at += n;
  } while (at < r->size && !status);
  return status;
}

static bool flag(const http_request *r, const char *name, bool *x, http_reply *out) {
  const char *value = http_query(r, name);
  if (!value || !strcmp(value, "0") || !strcmp(value, "1")) return *x = value && *value == '1', true;
  return reply_error(out, 400, name, "'%s' is 0 or 1", name), false;
}

void route_listen(server *s, const http_request *r, http_reply *out) {
  const char *name = http_query(r, "session");
  const served *model = request_model(s, http_query(r, "model"), out);
  unroll_error err = {0};
  text heard = {0};
  bool last;
  if (!model || !flag(r, "last", &last, out)) return;
  hearing *h = name ? find(s, model, name, out) : begin(s, model, out);
  if (!h) return;
  const unroll_status status = hear(s, r, h, last, &heard, &err);
  if (status)
    reply_failure(out, r, status, &err);
  else
    reply_json(out, json_pack("{s:s, s:s, s:b, s:o}", "model", model->name, "session", h->name, "ended", last, "text",
                              heard.failed ? NULL : json_of_text(heard.data ? heard.data : "", heard.length)));
  text_free(&heard);
  leave(s, h, last || status);
}
