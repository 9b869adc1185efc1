/* film_calls.c - see film_calls.h. */
#ifdef UNROLL_FILM
#include "read/film_calls.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include "base/error.h"

film_calls film;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char missing[200]; /* what could not be loaded */

/* A library stays loaded to the end of the process. */
static void *library(const char *name) {
  void *handle = missing[0] ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle && !missing[0]) strncpy(missing, name, sizeof missing - 1);
  return handle;
}

static void *find(void *handle, const char *name) {
  void *found = handle ? dlsym(handle, name) : NULL;
  if (!found && !missing[0]) strncpy(missing, name, sizeof missing - 1);
  return found;
}

static void load(void) {
#define NAME(library, version) library ".so." AV_STRINGIFY(version)
#define FIND(name) film.name = (__typeof__(&name))find(handle, #name);
  void *handle = library(NAME("libavutil", LIBAVUTIL_VERSION_MAJOR));
  FILM_AVUTIL(FIND)
  handle = library(NAME("libavcodec", LIBAVCODEC_VERSION_MAJOR));
  FILM_AVCODEC(FIND)
  handle = library(NAME("libavformat", LIBAVFORMAT_VERSION_MAJOR));
  FILM_AVFORMAT(FIND)
  handle = library(NAME("libswscale", LIBSWSCALE_VERSION_MAJOR));
  FILM_SWSCALE(FIND)
#undef FIND
#undef NAME
  if (!missing[0]) film.av_log_set_level(AV_LOG_QUIET); /* a library does not print */
}

unroll_status film_load(unroll_error *err) {
  pthread_once(&once, load);
  return missing[0] ? error_set(err, UNROLL_BAD_INPUT, "a film, and %s is not there to read it", missing) : UNROLL_OK;
}
#else
typedef int film_calls_not_built; /* ISO C has no empty file */
#endif
