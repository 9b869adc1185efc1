/* server.h - what the files of `unroll serve` share: the models, and how requests are read and answered. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H
#include <jansson.h>
#include <pthread.h>
#include "serve/http.h"

typedef struct crowd crowd;
typedef struct hearings hearings;
typedef struct served { /* a model */
  char *name;
  const char *path; /* of the command line */
  unroll_model *m;
  bool is_text; /* it can go on with a text */
  bool listens; /* it hears a recording that still goes on */
  crowd *crowd; /* of texts that go on side by side, once there are some; of the server's lock */
  char *mathml; /* its equations, once they were asked for; of the server's lock */
} served;

enum { N_STATUSES = 600 };

typedef struct server {
  const serve_options *o;
  served *models;
  int n;
  pthread_mutex_t lock; /* of all below */
  pthread_cond_t freed;
  int slots;             /* computations that may still begin */
  int64_t *asked;        /* [routes + 1][N_STATUSES] replies */
  double seconds;        /* that answers took */
  int64_t symbols, rows; /* that were drawn, predicted */
  hearings *hearings;    /* recordings that go on; NULL: none yet */
  double begun;
  int64_t since; /* seconds of 1970 */
} server;

void hearings_free(hearings *all);

/* Of the processors one: computations wait for it in turns. */
void server_take(server *s);
void server_give(server *s);
void server_count(server *s, int64_t symbols, int64_t rows);

/* A reply {"error": {"message", "type", "param", "code"}}, as clients of OpenAI read it. */
void reply_error(http_reply *out, int status, const char *param, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Of a failed call of the library: what was asked for is wrong, it took too long, or the server failed. */
void reply_failure(http_reply *out, const http_request *r, unroll_status status, const unroll_error *err);
/* Takes j. */
void reply_json(http_reply *out, json_t *j);
/* Bytes that are no UTF-8 become U+FFFD. */
json_t *json_of_text(const char *s, size_t n);
json_t *json_of_number(double x); /* null where it is not finite */

/* The body as an object; NULL, and the reply says why. */
json_t *request_json(const http_request *r, http_reply *out);
/* The model of that name (NULL: the only one); NULL, and the reply says why. */
const served *request_model(const server *s, const char *name, http_reply *out);
const served *request_model_of(const server *s, const json_t *request, http_reply *out); /* that its "model" names */
/* Members of a request, which keep what they are where there are none, or null. False, and the reply says why. */
bool member_number(const json_t *j, const char *name, double least, double most, double *x, http_reply *out);
bool member_whole(const json_t *j, const char *name, int64_t least, int64_t most, int64_t *x, http_reply *out);
bool member_flag(const json_t *j, const char *name, bool *x, http_reply *out);

/* Rows of results as JSON. */
typedef struct row_printer {
  const served *model;
  json_t *list; /* of rows, that row_add adds to */
} row_printer;
int row_add(void *printer, const unroll_result *r); /* an unroll_row_call */

/* Sets an option of the library that a request may set. False, and the reply says why. */
typedef struct allowed_option {
  const char *name;
  double most; /* that it may be here; 0: no number */
} allowed_option;
bool request_option(unroll_options *o, const allowed_option *list, int n, const char *name, const char *value, http_reply *out);
bool request_option_json(unroll_options *o, const allowed_option *list, int n, const char *name, const json_t *value,
                         http_reply *out);
/* All of the request's "options", an object or nothing. */
bool request_options(unroll_options *o, const allowed_option *list, int n, const json_t *request, http_reply *out);
/* Are there only members of these names (between spaces)? */
bool members_known(const json_t *j, const char *names, http_reply *out);

typedef void route_call(server *s, const http_request *r, http_reply *out);
route_call route_completions, route_predict, route_models, route_model, route_generate, route_trace, route_embeddings, route_listen,
    route_list, route_page, route_asset, route_openapi;
/* What follows the path of a route that ends with a star. */
const char *route_rest(const http_request *r, const char *path);
#endif
