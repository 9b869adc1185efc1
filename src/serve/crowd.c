/* crowd.c - see crowd.h. */
#include "serve/crowd.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/error.h"
#include "base/memory.h"

enum { ROWS = 64 };

struct seat {
  crowd *of;
  int row;
  /* of the crowd's thread */
  int32_t *prompt;
  int64_t n_prompt, at, most;
  unroll_sample_options how; /* drawn: so many were */
  bool at_once;
  bool fresh; /* its row has made no step */
  /* with the lock */
  int32_t *symbols; /* [n] drawn, [room]; `taken` of them were handed out */
  int64_t n, room, taken;
  pthread_cond_t news;
  bool joined, left, done; /* done: there will be no more symbols */
  unroll_status failed;
  char why[200];
};

struct crowd {
  server *s;
  const served *model;
  unroll_session *session; /* of the thread */
  const char *variable;
  int end;
  pthread_t thread;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t changed;
  seat *seats[ROWS];
  bool ends;
};

/* --- the thread of a model --- */

/* Takes leave of who is gone, and welcomes who came. The number of rows that are in use; -1: it is over. */
static int look_around(crowd *c) {
  int rows = 0;
  pthread_mutex_lock(&c->lock);
  while (!rows && !c->ends) {
    for (int r = 0; r < ROWS; r++) {
      seat *x = c->seats[r];
      if (x && (x->left || x->done)) {
        c->seats[r] = NULL;
        x->joined = false;
        pthread_cond_signal(&x->news);
      } else if (x) {
        rows = r + 1;
      }
    }
    if (!rows && !c->ends) pthread_cond_wait(&c->changed, &c->lock);
  }
  if (c->ends) rows = -1;
  pthread_mutex_unlock(&c->lock);
  return rows;
}

/* What is said with the lock: a symbol, the end, or why there is none. */
static void tell(seat *x, const int32_t *symbol, bool done, unroll_status failed, const unroll_error *err) {
  crowd *c = x->of;
  pthread_mutex_lock(&c->lock);
  if (symbol && x->n == x->room) {
    const int64_t room = 2 * x->room + 64;
    int32_t *larger = mem_resize(x->symbols, (size_t)room * sizeof *larger);
    if (larger) x->symbols = larger, x->room = room;
  }
  if (symbol && x->n < x->room)
    x->symbols[x->n++] = *symbol;
  else if (symbol)
    failed = UNROLL_FAILED, done = true;
  x->done = done;
  x->failed = failed;
  if (failed) snprintf(x->why, sizeof x->why, "%.190s", err && *err->message ? err->message : "out of memory");
  if (done || !x->at_once) pthread_cond_signal(&x->news);
  pthread_mutex_unlock(&c->lock);
}

/* Sets the value of the step that comes next: of the prompt, or one that is drawn. */
static void set_next(crowd *c, seat *x, unroll_error *err) {
  unroll_value v;
  unroll_value_init(&v);
  if (x->fresh) {
    unroll_session_reset_row(c->session, x->row, err); /* the first step is given nothing */
    x->fresh = false;
    return;
  }
  unroll_status status = UNROLL_OK;
  if (x->at < x->n_prompt) {
    status = unroll_session_set_symbol(c->session, x->row, c->variable, x->prompt[x->at++], err);
    if (status) tell(x, NULL, true, status, err);
    return;
  }
  status = unroll_session_draw(c->session, x->row, NULL, &x->how, &v, err);
  if (status) {
    tell(x, NULL, true, status, err);
    return;
  }
  const int32_t symbol = v.symbols[0];
  x->how.drawn++;
  tell(x, &symbol, symbol == c->end || x->how.drawn == x->most, UNROLL_OK, NULL);
}

/* A step of all. A row without a text that has made steps is given something, which nobody looks at. */
static void step(crowd *c, seat *const *now, int rows) {
  unroll_error err = {0};
  unroll_session_use(c->session, rows, &err);
  for (int r = 0; r < rows; r++) {
    if (now[r])
      set_next(c, now[r], &err);
    else
      unroll_session_set_symbol(c->session, r, c->variable, 0, NULL);
  }
  const unroll_status status = unroll_session_step(c->session, &err);
  for (int r = 0; r < rows && status; r++)
    if (now[r]) tell(now[r], NULL, true, status, &err);
}

static void *run(void *context) {
  crowd *c = context;
  seat *now[ROWS];
  for (int rows; (rows = look_around(c)) > 0;) {
    pthread_mutex_lock(&c->lock);
    memcpy(now, c->seats, sizeof now);
    for (int r = rows; r < ROWS; r++) now[r] = NULL; /* who came just now is for the next step */
    pthread_mutex_unlock(&c->lock);
    server_take(c->s);
    step(c, now, rows);
    server_give(c->s);
  }
  return NULL;
}

/* --- life --- */

static crowd *crowd_new(server *s, const served *model) {
  unroll_variable v;
  unroll_variable_init(&v);
  crowd *c = mem_zero(1, sizeof *c);
  if (!c) return NULL;
  *c = (crowd){.s = s, .model = model, .end = unroll_model_end(model->m)};
  for (int i = 0; unroll_model_variable(model->m, i, &v, NULL) == UNROLL_OK && !c->variable; i++)
    if (v.predicted) c->variable = v.name;
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->changed, NULL);
  const bool fine = unroll_session_new_rows(&c->session, model->m, ROWS, NULL) == UNROLL_OK;
  if (fine && !pthread_create(&c->thread, NULL, run, c)) return c;
  unroll_session_free(c->session);
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->lock);
  mem_free(c);
  return NULL;
}

void crowd_free(crowd *c) {
  if (!c) return;
  pthread_mutex_lock(&c->lock);
  c->ends = true;
  pthread_cond_signal(&c->changed);
  pthread_mutex_unlock(&c->lock);
  pthread_join(c->thread, NULL);
  unroll_session_free(c->session);
  pthread_cond_destroy(&c->changed);
  pthread_mutex_destroy(&c->lock);
  mem_free(c);
}

static crowd *crowd_of(server *s, served *model) {
  pthread_mutex_lock(&s->lock);
  crowd *c = model->crowd;
  pthread_mutex_unlock(&s->lock);
  if (c) return c;
  crowd *made = crowd_new(s, model);
  pthread_mutex_lock(&s->lock);
  if (!model->crowd) model->crowd = made, made = NULL;
  c = model->crowd;
  pthread_mutex_unlock(&s->lock);
  crowd_free(made);
  return c;
}

/* --- seats --- */

static void seat_free(seat *x) {
  pthread_cond_destroy(&x->news);
  mem_free(x->prompt);
  mem_free(x->symbols);
  mem_free(x);
}

seat *crowd_join(server *s, served *model, const seat_order *o) {
  crowd *c = crowd_of(s, model);
  seat *x = c ? mem_zero(1, sizeof *x) : NULL;
  if (!x) return NULL;
  *x = (seat){.of = c,
              .row = -1,
              .n_prompt = o->n_prompt,
              .most = o->most,
              .how = o->how,
              .at_once = o->at_once,
              .fresh = true,
              .joined = true};
  x->how.drawn = 0;
  pthread_cond_init(&x->news, NULL);
  x->prompt = mem_zero((size_t)o->n_prompt + 1, sizeof *x->prompt);
  if (x->prompt && o->n_prompt) memcpy(x->prompt, o->prompt, (size_t)o->n_prompt * sizeof *x->prompt);
  pthread_mutex_lock(&c->lock);
  for (int r = 0; r < ROWS && x->row < 0 && x->prompt; r++)
    if (!c->seats[r]) x->row = r;
  if (x->row >= 0) c->seats[x->row] = x;
  pthread_cond_signal(&c->changed);
  pthread_mutex_unlock(&c->lock);
  if (x->row >= 0) return x;
  seat_free(x);
  return NULL;
}

static void wait_a_little(seat *x) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 50000000;
  if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
  pthread_cond_timedwait(&x->news, &x->of->lock, &until);
}

unroll_status seat_next(seat *x, volatile sig_atomic_t *stop, int32_t *symbol, unroll_error *err) {
  crowd *c = x->of;
  unroll_status status = UNROLL_OK;
  pthread_mutex_lock(&c->lock);
  while (x->taken == x->n && !x->done && !*stop) wait_a_little(x);
  if (*stop)
    status = UNROLL_INTERRUPTED;
  else if (x->taken < x->n)
    *symbol = x->symbols[x->taken++];
  else
    status = error_set(err, x->failed ? x->failed : UNROLL_FAILED, "%s", x->failed ? x->why : "there are no more symbols");
  pthread_mutex_unlock(&c->lock);
  return status;
}

bool seat_ready(seat *x) {
  pthread_mutex_lock(&x->of->lock);
  const bool ready = x->taken < x->n;
  pthread_mutex_unlock(&x->of->lock);
  return ready;
}

void seat_leave(seat *x) {
  if (!x) return;
  crowd *c = x->of;
  pthread_mutex_lock(&c->lock);
  x->left = true;
  pthread_cond_signal(&c->changed);
  while (x->joined) pthread_cond_wait(&x->news, &c->lock); /* until its thread does not look at it any more */
  pthread_mutex_unlock(&c->lock);
  seat_free(x);
}
