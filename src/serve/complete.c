/* complete.c - /v1/completions: texts that go on, as clients of OpenAI ask for them; at once, or as server-sent events.
 *
 * Text r of the n of a prompt draws the numbers that `unroll sample --number n` draws for sequence r. The same seed gives the same
 * text there. Texts go on together with those of other requests (crowd.h). Where there is no room, or where their
 * probabilities are wanted, the n texts are the rows of a session of their own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "base/error.h"
#include "base/memory.h"
#include "io/json.h"
#include "serve/crowd.h"

enum {
  MOST_PROMPTS = 16,
  MOST_CHOICES = 32,
  MOST_STOPS = 8,
  MOST_STOP = 256,
  MOST_TOKENS = 100000,
  MOST_TOP = 20,
  MOST_AT_ONCE = 16
};

typedef struct choice { /* a text under way */
  seat *seat;           /* NULL: a row of the completion's own session */
  int32_t last;         /* the symbol before, -1: there is none */
  text held;            /* drawn, but not said yet: it may be cut */
  int64_t said;         /* bytes before it, in the text with its prompt */
  const char *finish;   /* "stop", "length"; NULL: it goes on */
  bool told;            /* that it is finished */
  json_t *tokens, *log_p, *top, *offsets;
} choice;

typedef struct completion {
  server *s;
  const served *model;
  volatile sig_atomic_t *stop;
  json_t *request; /* which holds the texts below */
  const char *prompts[MOST_PROMPTS], *stops[MOST_STOPS];
  size_t prompt_sizes[MOST_PROMPTS], stop_sizes[MOST_STOPS], longest_stop;
  int n_prompts, n_stops;
  int64_t n, most, logprobs, top_k, seed; /* logprobs -1: none */
  double temperature, top_p;
  bool stream, echo, usage;
  char id[40];
  int64_t created;
  /* of the prompt that is gone on with */
  int prompt;
  bool begun;
  unroll_session *session; /* NULL: they have seats */
  int32_t *symbols;
  int64_t n_symbols, drawn;
  choice list[MOST_CHOICES];
  int64_t asked, answered; /* symbols of all prompts, of all texts */
  bool over;               /* the last event was sent */
} completion;

static void choices_free(completion *c) {
  for (int i = 0; i < MOST_CHOICES; i++) {
    choice *x = &c->list[i];
    seat_leave(x->seat);
    text_free(&x->held);
    json_decref(x->tokens);
    json_decref(x->log_p);
    json_decref(x->top);
    json_decref(x->offsets);
    *x = (choice){0};
  }
  unroll_session_free(c->session);
  unroll_free(c->symbols);
  c->session = NULL;
  c->symbols = NULL;
  c->begun = false;
}

static void completion_free(void *context) {
  completion *c = context;
  if (!c) return;
  server_count(c->s, c->answered, 0);
  choices_free(c);
  json_decref(c->request);
  mem_free(c);
}

/* --- the request --- */

/* A text or a list of texts. The number of them, or -1 and the reply says why. */
static int read_texts(const json_t *j, const char *name, int most, size_t longest, const char **texts, size_t *sizes,
                      http_reply *out) {
  const json_t *given = json_object_get(j, name);
  if (!given || json_is_null(given)) return 0;
  const bool is_list = json_is_array(given);
  const size_t n = is_list ? json_array_size(given) : 1;
  bool fine = n <= (size_t)most;
  for (size_t i = 0; i < n && fine; i++) {
    const json_t *one = is_list ? json_array_get(given, i) : given;
    fine = json_is_string(one) && json_string_length(one) <= longest;
    texts[i] = json_string_value(one);
    sizes[i] = json_string_length(one);
  }
  if (fine) return (int)n;
  reply_error(out, 400, name, "\"%s\" takes a text, or a list of at most %d", name, most);
  return -1;
}

/* What others know and this server does not: refused, unless it changes nothing. */
static bool refuse_others(const json_t *j, http_reply *out) {
  static const struct {
    const char *name;
    double same;
  } others[] = {{"frequency_penalty", 0}, {"presence_penalty", 0}, {"best_of", -1}, {"suffix", -1}, {"logit_bias", -1}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    const json_t *x = json_object_get(j, others[i].name);
    if (!x || json_is_null(x) || (json_is_object(x) && !json_object_size(x))) continue;
    if (json_is_number(x) && !(json_number_value(x) < others[i].same) && !(json_number_value(x) > others[i].same)) continue;
    if (!strcmp(others[i].name, "best_of") && json_is_integer(x) && json_integer_value(x) == 1 && !json_object_get(j, "n"))
      continue;
    reply_error(out, 400, others[i].name, "\"%s\" is not known here", others[i].name);
    return false;
  }
  return true;
}

static bool read_request(completion *c, http_reply *out) {
  const json_t *j = c->request, *name = json_object_get(j, "model");
  c->n = 1;
  c->most = 16;
  c->temperature = c->top_p = 1;
  c->logprobs = c->seed = -1;
  if (name && !json_is_string(name)) return reply_error(out, 400, "model", "\"model\" is a name"), false;
  if (!(c->model = request_model(c->s, json_string_value(name), out))) return false;
  if (!c->model->is_text)
    return reply_error(out, 400, "model", "'%.100s' does not go on with a text: ask /v1/predict", c->model->name), false;
  const bool numbers =
      members_known(j,
                    "model prompt max_tokens temperature top_p top_k n seed stop echo logprobs stream stream_options user "
                    "suffix best_of frequency_penalty presence_penalty logit_bias",
                    out) &&
      refuse_others(j, out) && member_whole(j, "n", 1, MOST_CHOICES, &c->n, out) &&
      member_whole(j, "max_tokens", 1, MOST_TOKENS, &c->most, out) && member_whole(j, "logprobs", 0, MOST_TOP, &c->logprobs, out) &&
      member_whole(j, "seed", 0, INT64_MAX, &c->seed, out) && member_whole(j, "top_k", 0, 1000000, &c->top_k, out) &&
      member_number(j, "temperature", 0, 100, &c->temperature, out) && member_number(j, "top_p", 1e-9, 1, &c->top_p, out) &&
      member_flag(j, "stream", &c->stream, out) && member_flag(j, "echo", &c->echo, out) &&
      member_flag(json_object_get(j, "stream_options"), "include_usage", &c->usage, out);
  if (!numbers) return false;
  c->n_prompts = read_texts(j, "prompt", MOST_PROMPTS, (size_t)c->s->o->body_limit, c->prompts, c->prompt_sizes, out);
  if (c->n_prompts < 0) return false;
  if (c->n_prompts == 0) c->prompts[0] = "", c->n_prompts = 1;
  c->n_stops = read_texts(j, "stop", MOST_STOPS, MOST_STOP, c->stops, c->stop_sizes, out);
  for (int i = 0; i < c->n_stops; i++) {
    if (!c->stop_sizes[i]) return reply_error(out, 400, "stop", "an empty text stands everywhere"), false;
    if (c->stop_sizes[i] > c->longest_stop) c->longest_stop = c->stop_sizes[i];
  }
  return c->n_stops >= 0;
}

/* --- a text --- */

/* What `symbol` adds to a text behind `last`: words bring the space between them. */
static bool add_piece(const completion *c, int32_t last, int32_t symbol, text *out) {
  const int32_t both[2] = {last, symbol};
  char *alone = NULL, *joined = NULL;
  size_t before = 0, length = 0;
  bool fine = last < 0 || unroll_model_text(c->model->m, NULL, both, 1, &alone, &before, NULL) == UNROLL_OK;
  fine = fine &&
         unroll_model_text(c->model->m, NULL, last < 0 ? both + 1 : both, last < 0 ? 1 : 2, &joined, &length, NULL) == UNROLL_OK;
  if (fine && length >= before) text_add(out, joined + before, length - before);
  unroll_free(alone);
  unroll_free(joined);
  return fine && !out->failed;
}

/* Counts the bytes from the front of what is held that can be said. No end of them may begin a stop, or be the half of a
 * character. */
static size_t sayable(const completion *c, const choice *x) {
  if (x->finish) return x->held.length;
  const size_t kept = c->longest_stop ? c->longest_stop - 1 : 0;
  if (x->held.length <= kept) return 0;
  size_t n = x->held.length - kept;
  for (size_t back = 1; back < 4 && back <= n; back++) {
    const unsigned char b = (unsigned char)x->held.data[n - back];
    if ((b & 0xC0) == 0x80) continue;
    const size_t whole = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1;
    return whole > back ? n - back : n;
  }
  return n;
}

static void look_for_stop(const completion *c, choice *x) {
  size_t at = x->held.length;
  for (int i = 0; i < c->n_stops; i++) {
    const char *found = x->held.data ? memmem(x->held.data, x->held.length, c->stops[i], c->stop_sizes[i]) : NULL;
    if (found && (size_t)(found - x->held.data) < at) at = (size_t)(found - x->held.data), x->finish = "stop";
  }
  x->held.length = at;
}

/* The tokens, and of each the likeliest ones, as "logprobs" has them. */
static bool add_logprobs(const completion *c, choice *x, int row, int32_t symbol, const char *piece, size_t size, int64_t offset) {
  unroll_value v;
  unroll_value_init(&v);
  if (unroll_session_value(c->session, row, NULL, &v, NULL)) return false;
  json_t *top = json_object();
  const float *last = NULL;
  for (int64_t k = 0; k < c->logprobs; k++) {
    const float *best = NULL;
    for (const float *p = v.probabilities; p < v.probabilities + v.n_probabilities; p++) {
      const bool after = !last || *p < *last || (!(*p > *last) && p > last);
      if (after && (!best || *p > *best)) best = p;
    }
    if (!best) break;
    text name = {0};
    add_piece(c, x->last, (int32_t)(best - v.probabilities), &name);
    json_t *key = json_of_text(name.data ? name.data : "", name.length);
    const char *end = best - v.probabilities == unroll_model_end(c->model->m) ? "<|end|>" : json_string_value(key);
    if (end) json_object_set_new(top, end, json_of_number(log((double)*best)));
    json_decref(key);
    text_free(&name);
    last = best;
  }
  if (!x->tokens) x->tokens = json_array(), x->log_p = json_array(), x->top = json_array(), x->offsets = json_array();
  json_array_append_new(x->tokens, json_of_text(piece, size));
  json_array_append_new(x->log_p, json_of_number(log((double)v.probabilities[symbol])));
  json_array_append_new(x->top, top);
  return json_array_append_new(x->offsets, json_integer(offset)) == 0;
}

static unroll_sample_options how_to_draw(const completion *c, int row) {
  unroll_sample_options how;
  unroll_sample_options_init(&how);
  how.temperature = c->temperature;
  how.top_k = (int)c->top_k;
  how.top_p = c->top_p;
  how.seed = (uint64_t)c->seed;
  how.drawn = c->drawn;
  how.sequence = row;
  return how;
}

/* Draws the next symbol of a row, and sets it. */
static unroll_status next_symbol(completion *c, int row, int32_t *symbol, unroll_error *err) {
  choice *x = &c->list[row];
  unroll_value v;
  if (x->seat) return seat_next(x->seat, c->stop, symbol, err);
  const unroll_sample_options how = how_to_draw(c, row);
  unroll_value_init(&v);
  const unroll_status status = unroll_session_draw(c->session, row, NULL, &how, &v, err);
  if (!status) *symbol = v.symbols[0];
  return status;
}

/* The next symbol of a text; one that is finished only keeps its row in step. */
static unroll_status draw(completion *c, int row, unroll_error *err) {
  choice *x = &c->list[row];
  text piece = {0};
  int32_t symbol = 0;
  if (x->finish && !c->session) return UNROLL_OK;
  const unroll_status status = next_symbol(c, row, &symbol, err);
  if (status || x->finish) return status;
  c->answered++;
  if (symbol == unroll_model_end(c->model->m)) {
    x->finish = "stop";
    seat_leave(x->seat);
    x->seat = NULL;
    return UNROLL_OK;
  }
  bool fine = add_piece(c, x->last, symbol, &piece);
  text_add(&x->held, piece.data ? piece.data : "", piece.length);
  fine = fine && !x->held.failed;
  const int64_t offset = x->said + (int64_t)(x->held.length - piece.length);
  look_for_stop(c, x);
  const bool cut = x->finish && offset >= x->said + (int64_t)x->held.length;
  if (fine && c->logprobs >= 0 && !cut) fine = add_logprobs(c, x, row, symbol, piece.data ? piece.data : "", piece.length, offset);
  text_free(&piece);
  x->last = symbol;
  if (!x->finish && c->drawn + 1 == c->most) x->finish = "length";
  if (x->finish) seat_leave(x->seat), x->seat = NULL;
  return fine ? UNROLL_OK : error_memory(err);
}

/* --- all texts of a prompt --- */

static unroll_status feed(completion *c, int32_t symbol, unroll_error *err) {
  unroll_variable v;
  unroll_variable_init(&v);
  unroll_status status = UNROLL_OK;
  for (int i = 0; !status && !(status = unroll_model_variable(c->model->m, i, &v, err)) && !v.predicted; i++) continue;
  for (int row = 0; row < c->n && !status; row++) status = unroll_session_set_symbol(c->session, row, v.name, symbol, err);
  return status ? status : unroll_session_step(c->session, err);
}

/* A seat for each text, or for none. */
static bool take_seats(completion *c) {
  served *model = &c->s->models[c->model - c->s->models];
  bool fine = c->logprobs < 0;
  for (int row = 0; row < c->n && fine; row++) {
    const seat_order o = {.prompt = c->symbols,
                          .n_prompt = c->n_symbols,
                          .most = c->most,
                          .how = how_to_draw(c, row),
                          .at_once = !c->stream && !c->n_stops};
    fine = (c->list[row].seat = crowd_join(c->s, model, &o)) != NULL;
  }
  for (int row = 0; row < c->n && !fine; row++) {
    seat_leave(c->list[row].seat);
    c->list[row].seat = NULL;
  }
  return fine;
}

/* A session of its own, which has read the prompt. */
static unroll_status begin_session(completion *c, unroll_error *err) {
  server_take(c->s);
  unroll_status status = unroll_session_new_rows(&c->session, c->model->m, (int)c->n, err);
  for (int64_t i = 0; i < c->n_symbols && !status; i++) status = *c->stop ? UNROLL_INTERRUPTED : feed(c, c->symbols[i], err);
  server_give(c->s);
  return status;
}

static unroll_status begin_prompt(completion *c, unroll_error *err) {
  const char *prompt = c->prompts[c->prompt];
  const size_t size = c->prompt_sizes[c->prompt];
  choices_free(c);
  c->drawn = 0;
  unroll_status status = unroll_model_read(c->model->m, prompt, size, &c->symbols, &c->n_symbols, err);
  if (!status && !take_seats(c)) status = begin_session(c, err);
  if (status) return status;
  c->begun = true;
  c->asked += c->n_symbols;
  for (int row = 0; row < c->n; row++) {
    choice *x = &c->list[row];
    x->last = c->n_symbols ? c->symbols[c->n_symbols - 1] : -1;
    x->said = (int64_t)(c->echo ? 0 : size);
    if (c->echo) text_add(&x->held, prompt, size);
  }
  return UNROLL_OK;
}

static bool all_finished(const completion *c) {
  for (int row = 0; row < c->n; row++)
    if (!c->list[row].finish) return false;
  return true;
}

/* The next symbol of each text. */
static unroll_status go_on(completion *c, unroll_error *err) {
  unroll_status status = *c->stop ? UNROLL_INTERRUPTED : UNROLL_OK;
  const bool alone = c->session != NULL;
  if (alone) server_take(c->s);
  for (int row = 0; row < c->n && !status; row++) status = draw(c, row, err);
  c->drawn++;
  if (alone && !status && !all_finished(c)) status = unroll_session_step(c->session, err);
  if (alone) server_give(c->s);
  return status;
}

/* --- replies --- */

/* What there is to say of a text now, taken from it. */
static json_t *choice_json(completion *c, int row, size_t n) {
  choice *x = &c->list[row];
  json_t *logprobs = json_null();
  if (c->logprobs >= 0) {
    if (!x->tokens) x->tokens = json_array(), x->log_p = json_array(), x->top = json_array(), x->offsets = json_array();
    logprobs = json_pack("{s:o, s:o, s:o, s:o}", "tokens", x->tokens, "token_logprobs", x->log_p, "top_logprobs", x->top,
                         "text_offset", x->offsets);
    x->tokens = x->log_p = x->top = x->offsets = NULL;
  }
  json_t *j = json_pack("{s:o, s:i, s:o, s:o}", "text", json_of_text(x->held.data ? x->held.data : "", n), "index",
                        c->prompt * (int)c->n + row, "logprobs", logprobs, "finish_reason",
                        x->finish ? json_string(x->finish) : json_null());
  if (n) memmove(x->held.data, x->held.data + n, x->held.length - n);
  x->held.length -= n;
  x->said += (int64_t)n;
  return j;
}

/* Takes choices. */
static json_t *completion_json(const completion *c, json_t *choices, bool usage) {
  json_t *j = json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", c->id, "object", "text_completion", "created", (json_int_t)c->created,
                        "model", c->model->name, "choices", choices);
  if (usage)
    json_object_set_new(j, "usage",
                        json_pack("{s:I, s:I, s:I}", "prompt_tokens", (json_int_t)c->asked, "completion_tokens",
                                  (json_int_t)c->answered, "total_tokens", (json_int_t)(c->asked + c->answered)));
  return j;
}

static void add_event(text *out, json_t *j) {
  char *s = json_write(j, JSON_REAL_PRECISION(12) | JSON_COMPACT);
  json_decref(j);
  if (s)
    text_format(out, "data: %s\n\n", s);
  else
    out->failed = 1;
  mem_free(s);
}

static void add_error_event(text *out, completion *c, const http_request *r, unroll_status status, const unroll_error *err) {
  http_reply reply = {0};
  reply_failure(&reply, r, status, err);
  if (reply.body.data && reply.body.length) text_format(out, "data: %.*s\n\n", (int)reply.body.length - 1, reply.body.data);
  text_free(&reply.body);
  c->over = true;
}

/* Are there symbols that were drawn while nobody looked? */
static bool more_is_there(const completion *c) {
  for (int row = 0; row < c->n; row++)
    if (!c->list[row].finish && (!c->list[row].seat || !seat_ready(c->list[row].seat))) return false;
  return !all_finished(c);
}

/* The events of the next symbols. */
static bool next_events(void *context, text *out) {
  completion *c = context;
  unroll_error err = {0};
  const http_request r = {.stop = c->stop};
  if (c->over) return false;
  unroll_status status = c->begun ? UNROLL_OK : begin_prompt(c, &err);
  if (!status) status = go_on(c, &err);
  for (int i = 1; i < MOST_AT_ONCE && !status && more_is_there(c); i++) status = go_on(c, &err);
  if (status) return add_error_event(out, c, &r, status, &err), false;
  for (int row = 0; row < c->n; row++) {
    choice *x = &c->list[row];
    const size_t n = sayable(c, x);
    if (x->told || (!n && !x->finish)) continue;
    x->told = x->finish != NULL;
    add_event(out, completion_json(c, json_pack("[o]", choice_json(c, row, n)), false));
  }
  if (!all_finished(c)) return true;
  choices_free(c);
  if (++c->prompt < c->n_prompts) return true;
  if (c->usage) add_event(out, completion_json(c, json_array(), true));
  text_format(out, "data: [DONE]\n\n");
  c->over = true;
  return false;
}

static void complete(completion *c, const http_request *r, http_reply *out) {
  json_t *choices = json_array();
  unroll_error err = {0};
  unroll_status status = UNROLL_OK;
  for (; c->prompt < c->n_prompts && !status; c->prompt++) {
    status = begin_prompt(c, &err);
    while (!status && !all_finished(c)) status = go_on(c, &err);
    for (int row = 0; row < c->n && !status; row++) json_array_append_new(choices, choice_json(c, row, c->list[row].held.length));
  }
  if (!status) {
    reply_json(out, completion_json(c, choices, true));
    return;
  }
  json_decref(choices);
  reply_failure(out, r, status, &err);
}

void route_completions(server *s, const http_request *r, http_reply *out) {
  completion *c = mem_zero(1, sizeof *c);
  uint64_t number;
  if (!c || getrandom(&number, sizeof number, 0) != sizeof number) {
    mem_free(c);
    reply_error(out, 500, NULL, "out of memory");
    return;
  }
  c->s = s;
  c->stop = r->stop;
  c->created = (int64_t)time(NULL);
  snprintf(c->id, sizeof c->id, "cmpl-%016llx", (unsigned long long)number);
  if ((c->request = request_json(r, out)) && read_request(c, out)) {
    if (c->seed < 0) c->seed = (int64_t)(number >> 1);
    if (c->stream) { /* what is wrong with the prompt is said with a status of its own */
      unroll_error err = {0};
      const unroll_status status = begin_prompt(c, &err);
      if (!status) {
        out->type = "text/event-stream";
        out->stream = (http_stream){.next = next_events, .end = completion_free, .context = c};
        return;
      }
      reply_failure(out, r, status, &err);
    } else {
      complete(c, r, out);
    }
  }
  completion_free(c);
}
