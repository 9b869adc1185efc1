/* http.c - see http.h: the network, by libmicrohttpd, a thread for each connection.
 *
 * libmicrohttpd drops a connection that says nothing for a while. A client that sends a byte now and then would keep it, so
 * there is a second watch. Each connection has a time by which its request must be here, its answer made and sent. The main
 * thread looks at these times, stops what takes too long, and then shuts the socket. */
#include "serve/http.h"
#include <string.h>
#include "base/error.h"

#ifndef UNROLL_MICROHTTPD
unroll_status http_run(const http_server *s, unroll_error *err) {
  (void)s;
  return error_set(err, UNROLL_USAGE, "this build has no 'serve': it was made without libmicrohttpd");
}
int http_connections(void) { return 0; }
const char *http_header(const http_request *r, const char *name) { return (void)r, (void)name, NULL; }
const char *http_query(const http_request *r, const char *name) { return (void)r, (void)name, NULL; }
#else

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/memory.h"
#include "base/threads.h"

enum { HEADER_MEMORY = 32 << 10, READ_SECONDS = 30, GRACE_SECONDS = 5, BLOCK = 64 << 10 };

/* A connection, and the request on it. */
typedef struct visit {
  struct visit *next, *before;
  int fd;
  bool working; /* its answer is being made; else bytes are waited for, or sent */
  bool busy;    /* there is a request */
  double until; /* when it must be done with that */
  volatile sig_atomic_t stop;
} visit;

typedef struct exchange { /* a request until its reply is sent */
  text body;
  bool refused;
} exchange;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static visit *visits;
static atomic_int n_visits, n_busy;
static double read_seconds = READ_SECONDS;

int http_connections(void) { return atomic_load(&n_visits); }

const char *http_header(const http_request *r, const char *name) {
  return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}
const char *http_query(const http_request *r, const char *name) {
  return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* --- connections --- */

static visit *visit_of(struct MHD_Connection *c) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static void visit_begin(struct MHD_Connection *c, void **context) {
  visit *v = mem_zero(1, sizeof *v);
  *context = v;
  if (!v) return;
  v->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  v->until = time_now() + read_seconds;
  pthread_mutex_lock(&lock);
  v->next = visits;
  if (visits) visits->before = v;
  visits = v;
  pthread_mutex_unlock(&lock);
  atomic_fetch_add(&n_visits, 1);
}

static void visit_end(void **context) {
  visit *v = *context;
  if (!v) return;
  pthread_mutex_lock(&lock);
  if (v->next) v->next->before = v->before;
  *(v->before ? &v->before->next : &visits) = v->next;
  pthread_mutex_unlock(&lock);
  atomic_fetch_sub(&n_visits, 1);
  mem_free(v);
  *context = NULL;
}

static void on_connection(void *context, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  (void)context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    visit_begin(c, socket_context);
  else
    visit_end(socket_context);
}

static void visit_set(visit *v, bool working, double seconds) {
  pthread_mutex_lock(&lock);
  v->working = working;
  v->until = time_now() + seconds;
  pthread_mutex_unlock(&lock);
}

/* What takes too long is told to stop, and a little later it is cut. */
static void watch(void) {
  const double now = time_now();
  pthread_mutex_lock(&lock);
  for (visit *v = visits; v; v = v->next) {
    if (now < v->until) continue;
    if (v->working && !v->stop) {
      v->stop = 1;
      v->until = now + GRACE_SECONDS;
    } else {
      shutdown(v->fd, SHUT_RDWR);
      v->until = now + 1;
    }
  }
  pthread_mutex_unlock(&lock);
}

/* Those on which no request runs. */
static void cut_idle(void) {
  pthread_mutex_lock(&lock);
  for (visit *v = visits; v; v = v->next)
    if (!v->busy) shutdown(v->fd, SHUT_RDWR);
  pthread_mutex_unlock(&lock);
}

static void stop_all(void) {
  pthread_mutex_lock(&lock);
  for (visit *v = visits; v; v = v->next) v->stop = 1;
  pthread_mutex_unlock(&lock);
}

/* --- requests --- */

static bool same_name(const char *given, size_t n, const char *name) { return strlen(name) == n && !strncasecmp(given, name, n); }

/* Is this the server's name, with or without a port? Pages of other names must not reach it by names that point here. */
static bool host_allowed(const serve_options *o, const char *host) {
  const char *colon = strrchr(host, ':');
  size_t n = colon && !strchr(colon, ']') ? (size_t)(colon - host) : strlen(host);
  if (n > 1 && host[0] == '[' && host[n - 1] == ']') host++, n -= 2;
  if (same_name(host, n, "localhost") || same_name(host, n, "127.0.0.1") || same_name(host, n, "::1")) return true;
  if (o->address && same_name(host, n, o->address)) return true;
  for (int i = 0; i < o->n_hosts; i++)
    if (same_name(host, n, o->hosts[i])) return true;
  return false;
}

static bool origin_allowed(const serve_options *o, const char *origin) {
  const char *host = strstr(origin, "://");
  return host && host_allowed(o, host + 3);
}

static enum MHD_Result queue(struct MHD_Connection *c, http_reply *reply);

static enum MHD_Result refuse(const http_server *s, struct MHD_Connection *c, exchange *x, int status, const char *message) {
  http_reply reply = {.status = status};
  x->refused = true;
  s->failed(s->context, status, message, &reply);
  return queue(c, &reply);
}

/* Looks at what stands above the body. */
static enum MHD_Result begin(const http_server *s, struct MHD_Connection *c, exchange *x) {
  const http_request r = {.connection = c};
  const char *host = http_header(&r, "Host"), *origin = http_header(&r, "Origin"), *length = http_header(&r, "Content-Length");
  if (!host || !host_allowed(s->o, host))
    return refuse(s, c, x, 421, "this server has another name: option 'allow-host' gives it more");
  if (origin && !origin_allowed(s->o, origin)) return refuse(s, c, x, 403, "a page of another server may not ask this one");
  double size;
  if (length && (text_number(length, strlen(length), &size) || size > (double)s->o->body_limit))
    return refuse(s, c, x, 413, "the body of the request is larger than the server takes");
  return MHD_YES;
}

/* --- replies --- */

typedef struct sending { /* a stream under way */
  http_stream stream;
  text block;
  size_t sent;
  bool over;
} sending;

static ssize_t send_block(void *context, uint64_t at, char *out, size_t most) {
  sending *x = context;
  (void)at;
  while (x->sent == x->block.length && !x->over) {
    x->block.length = x->sent = 0;
    x->over = !x->stream.next(x->stream.context, &x->block);
    if (x->block.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
  }
  const size_t left = x->block.length - x->sent, n = left < most ? left : most;
  if (!n) return MHD_CONTENT_READER_END_OF_STREAM;
  memcpy(out, x->block.data + x->sent, n);
  x->sent += n;
  return (ssize_t)n;
}

static void send_end(void *context) {
  sending *x = context;
  x->stream.end(x->stream.context);
  text_free(&x->block);
  mem_free(x);
}

static struct MHD_Response *response_of(http_reply *reply) {
  if (!reply->stream.next) {
    struct MHD_Response *r = MHD_create_response_from_buffer(reply->body.length, reply->body.data, MHD_RESPMEM_MUST_COPY);
    text_free(&reply->body);
    return r;
  }
  sending *x = mem_zero(1, sizeof *x);
  if (x) x->stream = reply->stream;
  struct MHD_Response *r = x ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, send_block, x, send_end) : NULL;
  if (r) return r;
  reply->stream.end(reply->stream.context);
  mem_free(x);
  return NULL;
}

static enum MHD_Result queue(struct MHD_Connection *c, http_reply *reply) {
  static const char *const always[][2] = {
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Frame-Options", "DENY"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cache-Control", "no-store"},
      {"Permissions-Policy", "camera=(self), microphone=(self), geolocation=()"},
      {"Content-Security-Policy", "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
                                  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}};
  struct MHD_Response *r = response_of(reply);
  if (!r) return MHD_NO;
  MHD_add_response_header(r, "Content-Type", reply->type ? reply->type : "application/json");
  if (reply->allow) MHD_add_response_header(r, "Allow", reply->allow);
  if (reply->status == 401) MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
  for (size_t i = 0; i < sizeof always / sizeof *always; i++) MHD_add_response_header(r, always[i][0], always[i][1]);
  const enum MHD_Result queued = MHD_queue_response(c, (unsigned)reply->status, r);
  MHD_destroy_response(r);
  return queued;
}

static enum MHD_Result answer(const http_server *s, struct MHD_Connection *c, visit *v, const char *path, const char *method,
                              const exchange *x) {
  http_reply reply = {.status = 200};
  const http_request r = {.method = method,
                          .path = path,
                          .body = x->body.data ? x->body.data : "",
                          .size = x->body.length,
                          .stop = &v->stop,
                          .connection = c};
  visit_set(v, true, s->o->time_limit);
  s->answer(s->context, &r, &reply);
  if (reply.body.failed) {
    text_free(&reply.body);
    reply = (http_reply){.status = 500};
    s->failed(s->context, 500, "out of memory", &reply);
  }
  if (!reply.stream.next) visit_set(v, false, read_seconds);
  return queue(c, &reply);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **request) {
  const http_server *s = context;
  visit *v = visit_of(c);
  exchange *x = *request;
  (void)version;
  if (!v) return MHD_NO;
  if (!x) {
    if (!(*request = x = mem_zero(1, sizeof *x))) return MHD_NO;
    atomic_fetch_add(&n_busy, 1);
    pthread_mutex_lock(&lock);
    v->busy = true;
    pthread_mutex_unlock(&lock);
    return begin(s, c, x);
  }
  if (x->refused) {
    *size = 0;
    return MHD_YES;
  }
  if (*size) { /* chunks, whose sum nobody said before, may become too many: then there is no one to answer to */
    if (*size > (size_t)s->o->body_limit - x->body.length) return MHD_NO;
    text_add(&x->body, data, *size);
    *size = 0;
    return x->body.failed ? MHD_NO : MHD_YES;
  }
  return answer(s, c, v, path, method, x);
}

static void on_done(void *context, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode code) {
  exchange *x = *request;
  visit *v = visit_of(c);
  (void)context;
  (void)code;
  if (!x) return;
  text_free(&x->body);
  mem_free(x);
  *request = NULL;
  atomic_fetch_sub(&n_busy, 1);
  if (!v) return;
  visit_set(v, false, read_seconds);
  pthread_mutex_lock(&lock);
  v->busy = false;
  v->stop = 0;
  pthread_mutex_unlock(&lock);
}

static void keep_quiet(void *context, const char *format, va_list list) { (void)context, (void)format, (void)list; }

/* --- listening --- */

typedef union address {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} address;

static unroll_status read_address(const serve_options *o, address *a, socklen_t *size, bool *alone, unroll_error *err) {
  const char *name = o->address ? o->address : "127.0.0.1";
  *a = (address){0};
  if (inet_pton(AF_INET, name, &a->four.sin_addr) == 1) {
    a->four.sin_family = AF_INET;
    a->four.sin_port = htons((uint16_t)o->port);
    *size = sizeof a->four;
    *alone = (ntohl(a->four.sin_addr.s_addr) >> 24) == 127;
  } else if (inet_pton(AF_INET6, name, &a->six.sin6_addr) == 1) {
    a->six.sin6_family = AF_INET6;
    a->six.sin6_port = htons((uint16_t)o->port);
    *size = sizeof a->six;
    *alone = IN6_IS_ADDR_LOOPBACK(&a->six.sin6_addr);
  } else {
    return error_set(err, UNROLL_USAGE, "option 'address' takes an address as 127.0.0.1 or ::1, not '%s'", name);
  }
  if (!*alone && !o->key) return error_set(err, UNROLL_USAGE, "others reach %s: option 'api-key' says who may ask", name);
  return UNROLL_OK;
}

static unroll_status listen_at(const serve_options *o, int *fd, unroll_error *err) {
  address a;
  socklen_t size;
  bool alone;
  const unroll_status status = read_address(o, &a, &size, &alone, err);
  if (status) return status;
  const int on = 1;
  *fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (*fd >= 0) setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (*fd < 0 || bind(*fd, &a.any, size) || listen(*fd, 1024) || getsockname(*fd, &a.any, &size)) {
    const int why = errno;
    if (*fd >= 0) close(*fd);
    return error_set(err, UNROLL_FAILED, "cannot listen at port %d: %s", o->port, strerror(why));
  }
  char line[160];
  const char *name = o->address ? o->address : "127.0.0.1";
  const bool six = a.any.sa_family == AF_INET6;
  snprintf(line, sizeof line, "listening at http://%s%s%s:%d/", six ? "[" : "", name, six ? "]" : "",
           (int)ntohs(six ? a.six.sin6_port : a.four.sin_port));
  if (o->say) o->say(line);
  return UNROLL_OK;
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); }

/* New ones are turned away; what runs is finished, as long as it may take. */
static void wind_up(struct MHD_Daemon *d, const serve_options *o) {
  const int fd = MHD_quiesce_daemon(d);
  if (fd >= 0) close(fd);
  const double until = time_now() + o->time_limit;
  cut_idle();
  while (atomic_load(&n_busy) && time_now() < until) {
    watch();
    cut_idle();
    nap();
  }
  stop_all();
  MHD_stop_daemon(d);
}

unroll_status http_run(const http_server *s, unroll_error *err) {
  const serve_options *o = s->o;
  int fd;
  const unroll_status status = listen_at(o, &fd, err);
  if (status) return status;
  if (o->time_limit < READ_SECONDS) read_seconds = o->time_limit;
  struct MHD_Daemon *d = MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
      NULL, on_request, (void *)s, MHD_OPTION_EXTERNAL_LOGGER, keep_quiet, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MEMORY,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_done,
      NULL, MHD_OPTION_END);
  if (!d) {
    close(fd);
    return error_set(err, UNROLL_FAILED, "the server cannot start: %s", strerror(errno));
  }
  while (!*o->stop) {
    watch();
    nap();
  }
  wind_up(d, o);
  return UNROLL_OK;
}
#endif
