/* http.h - requests and replies. http.c takes them from the network and back. */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H
#include <stdbool.h>
#include "base/text.h"
#include "serve/serve.h"

typedef struct http_request {
  const char *method, *path; /* "POST", "/v1/predict" */
  const char *body;          /* [size] and a NUL */
  size_t size;
  volatile sig_atomic_t *stop; /* not 0: nobody waits for the answer any more */
  void *connection;
} http_request;

const char *http_header(const http_request *r, const char *name); /* NULL: there is none */
const char *http_query(const http_request *r, const char *name);

/* What is sent while it is made: `next` adds a part to *out and says whether there will be more. `end` is called in any case. */
typedef struct http_stream {
  bool (*next)(void *context, text *out);
  void (*end)(void *context);
  void *context;
} http_stream;

typedef struct http_reply {
  int status;
  const char *type;  /* of the content */
  const char *allow; /* with status 405: the methods that there are */
  text body;
  http_stream stream; /* next NULL: all is in the body */
} http_reply;

/* Answers a request, in the thread of its connection; several at a time. */
typedef void http_answer(void *context, const http_request *r, http_reply *out);
typedef struct http_server {
  const serve_options *o;
  http_answer *answer;
  void (*failed)(void *context, int status, const char *message, http_reply *out); /* makes the reply of what is refused here */
  void *context;
} http_server;

/* Listens until o->stop. */
unroll_status http_run(const http_server *s, unroll_error *err);
int http_connections(void); /* open ones */
#endif
