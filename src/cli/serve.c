/* serve.c - `unroll serve`. The room serve answers. */
#include "serve/serve.h"
#include <math.h>
#include <stdlib.h>
#include "cli/commands.h"
#include "cli/terminal.h"

static void say(const char *line) { terminal_note("%s", line); }

unroll_status command_serve(const options *o, unroll_error *err) {
  const char *key = o->api_key ? o->api_key : getenv("UNROLL_API_KEY");
  const serve_options how = {.models = (const char *const *)o->arguments,
                             .n_models = o->n_arguments,
                             .address = o->address,
                             .key = key && *key ? key : NULL,
                             .port = o->port >= 0 ? (int)o->port : 8080,
                             .hosts = o->hosts.items,
                             .n_hosts = o->hosts.n,
                             .body_limit = o->body_limit > 0 ? o->body_limit : 16 << 20,
                             .time_limit = isnan(o->time_limit) ? 60 : o->time_limit,
                             .connections = o->connections > 0 ? (int)o->connections : 128,
                             .stop = signals_flag(),
                             .say = say};
  signals_keep_pipe();
  return serve_run(&how, err);
}
