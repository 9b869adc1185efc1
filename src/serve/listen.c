/* listen.c - /v1/listen: a recording that still goes on. Its bytes come in pieces, a request each, and each reply has what was
 * heard in the piece. The first request makes a session, whose name the others give. A session that nobody asks ends by itself. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "base/error.h"
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

/* A place in the list, those that ended by themselves among them, with a name; it is busy. The listener that was there is handed
 * over. NULL, and the reply says why. */
static hearing *take_place(server *s, const served *model, unroll_listener **old, http_reply *out) {
  char name[NAME + 1];
  hearing *free = NULL;
  if (!make_name(name)) return reply_error(out, 500, NULL, "the system gives no random bytes for a session's name"), NULL;
  pthread_mutex_lock(&s->lock);
  if (!s->hearings) s->hearings = mem_zero(1, sizeof *s->hearings);
  const bool starved = !s->hearings;
  for (int i = 0; i < MOST_SESSIONS && !starved && !free; i++) {
    hearing *h = &s->hearings->list[i];
    if (!*h->name || (!h->busy && time_now() >= h->until)) free = h;
  }
  if (free) {
    *old = free->l;
    *free = (hearing){.model = model, .busy = true};
    memcpy(free->name, name, sizeof name);
  }
  pthread_mutex_unlock(&s->lock);
  if (starved)
    reply_error(out, 500, NULL, "out of memory");
  else if (!free)
    reply_error(out, 503, NULL, "there are %d recordings already: try again later", MOST_SESSIONS);
  return free;
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

/* NULL, and the reply says why. Else it is busy until `leave`. */
static hearing *begin(server *s, const served *model, http_reply *out) {
  unroll_listener *old = NULL;
  unroll_error err = {0};
  hearing *h = take_place(s, model, &old, out);
  unroll_listener_free(old);
  if (!h) return NULL;
  const unroll_status status = unroll_listener_new(&h->l, model->m, &err); /* nobody else looks at it while it is busy */
  if (!status) return h;
  leave(s, h, true);
  return reply_error(out, status == UNROLL_FAILED ? 500 : 400, "model", "%s", err.message), NULL;
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
  if (!status && heard->failed) status = error_memory(err); /* what was heard is lost: so is the session */
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
                              json_of_text(heard.data ? heard.data : "", heard.length)));
  text_free(&heard);
  leave(s, h, last || status);
}
