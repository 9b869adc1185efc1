/* serve.h - `unroll serve`: models behind HTTP. This room is a part of the program, not of the library; it stands on unroll.h.
 *
 * http.c knows libmicrohttpd and the network: connections, limits, times. server.c knows the requests: its table of routes says
 * which function answers which path. Those functions never see a path of the file system that came with a request. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H
#include <signal.h>
#include <stdint.h>
#include <unroll.h>

typedef struct serve_options {
  const char *const *models; /* [n_models] files, or folders with a model.safetensors */
  int n_models;
  const char *address, *key; /* NULL: 127.0.0.1; no key is asked for */
  int port;                  /* 0: any */
  const char *const *hosts;  /* [n_hosts] that requests may call the server by, besides its own */
  int n_hosts;
  int64_t body_limit; /* bytes */
  double time_limit;  /* seconds */
  int connections;
  volatile sig_atomic_t *stop;   /* not 0: what runs is finished, then the call returns */
  void (*say)(const char *line); /* where it listens */
} serve_options;

unroll_status serve_run(const serve_options *o, unroll_error *err);
#endif
