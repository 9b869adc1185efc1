/* listen.c - behind unroll.h: a recording that still goes on. */
#include "api/api.h"
#include "base/memory.h"
#include "base/text.h"
#include "use/listen.h"

struct unroll_listener {
  listener *inner;
  text heard;
};

unroll_status unroll_listener_new(unroll_listener **out, const unroll_model *m, unroll_error *err) {
  if (!out) return api_null(err);
  *out = NULL;
  if (!m) return api_null(err);
  unroll_listener *l = mem_zero(1, sizeof *l);
  if (!l) return error_memory(err);
  const unroll_status status = listen_new(&l->inner, &m->m, err);
  if (status)
    mem_free(l);
  else
    *out = l;
  return status;
}

void unroll_listener_free(unroll_listener *l) {
  if (!l) return;
  listen_free(l->inner);
  text_free(&l->heard);
  mem_free(l);
}

unroll_status unroll_listener_take(unroll_listener *l, const void *bytes, size_t size, int ends, const char **said,
                                   unroll_error *err) {
  if (!l || (!bytes && size) || !said) return api_null(err);
  *said = "";
  l->heard.length = 0;
  const unroll_status status = listen_take(l->inner, bytes, size, ends != 0, &l->heard, err);
  if (!status && l->heard.length) *said = l->heard.data;
  return status;
}
