/* unpack.c - see unpack.h. zlib and libzstd, where they were found, read; a packer is a row. Both are streams of members that
 * follow each other. What comes out is not known before: the block grows, and a file that would never end is refused at the bound.
 */
#include "read/unpack.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

typedef struct stream {
  const char *name;
  const unsigned char *in;
  size_t left;    /* of what is packed */
  char *out;      /* a block for mem_free */
  size_t n, room; /* bytes in it; room without that for the NUL */
  size_t most;
  unroll_error *err;
} stream;

#if defined UNROLL_ZLIB || defined UNROLL_ZSTD
/* Room for at least one byte more. */
static unroll_status grow(stream *s) {
  if (s->n < s->room) return UNROLL_OK;
  if (s->n >= s->most)
    return error_at(s->err, UNROLL_BAD_INPUT, s->name, NULL, 0, 0, "what is packed in the file is larger than %zu MB",
                    s->most >> 20);
  size_t room = s->room ? 2 * s->room : 4 * s->left + 4096;
  if (room > s->most) room = s->most;
  char *out = mem_resize(s->out, room + 1);
  if (!out) return error_at(s->err, UNROLL_FAILED, s->name, NULL, 0, 0, "out of memory");
  s->out = out;
  s->room = room;
  return UNROLL_OK;
}

static unroll_status damaged(const stream *s, const char *by, const char *what) {
  return error_at(s->err, UNROLL_BAD_INPUT, s->name, NULL, 0, 0, "the file is packed by %s and damaged: %s", by, what);
}
#endif

#ifdef UNROLL_ZLIB
#include <zlib.h>

static void *take(void *context, unsigned count, unsigned size) {
  (void)context;
  return mem_zero(count, size);
}
static void give(void *context, void *block) {
  (void)context;
  mem_free(block);
}

static bool only_zeros(const stream *s) {
  for (size_t i = 0; i < s->left; i++)
    if (s->in[i]) return false;
  return true;
}

/* To the end of one member. */
static unroll_status gzip_member(stream *s, z_stream *z) {
  for (int result = Z_OK; result != Z_STREAM_END;) {
    const unroll_status status = grow(s);
    if (status) return status;
    const size_t in = s->left < 1u << 30 ? s->left : 1u << 30, out = s->room - s->n < 1u << 30 ? s->room - s->n : 1u << 30;
    z->next_in = (unsigned char *)s->in;
    z->avail_in = (unsigned)in;
    z->next_out = (unsigned char *)s->out + s->n;
    z->avail_out = (unsigned)out;
    result = inflate(z, Z_NO_FLUSH);
    s->in += in - z->avail_in;
    s->left -= in - z->avail_in;
    s->n += out - z->avail_out;
    if (result == Z_MEM_ERROR) return error_at(s->err, UNROLL_FAILED, s->name, NULL, 0, 0, "out of memory");
    if (result == Z_BUF_ERROR || (result == Z_OK && !s->left && z->avail_out)) return damaged(s, "gzip", "it is cut off");
    if (result != Z_OK && result != Z_STREAM_END) return damaged(s, "gzip", z->msg ? z->msg : "unknown");
  }
  return UNROLL_OK;
}

static unroll_status gunzip(stream *s) {
  z_stream z = {.zalloc = take, .zfree = give};
  if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return error_at(s->err, UNROLL_FAILED, s->name, NULL, 0, 0, "out of memory");
  unroll_status status = UNROLL_OK;
  do {
    status = gzip_member(s, &z);
    inflateReset(&z);
  } while (!status && s->left && !only_zeros(s)); /* tapes fill up with zeros */
  inflateEnd(&z);
  return status;
}
#endif

#ifdef UNROLL_ZSTD
#include <zstd.h>

static unroll_status unzstd(stream *s) {
  ZSTD_DCtx *z = ZSTD_createDCtx();
  if (!z) return error_at(s->err, UNROLL_FAILED, s->name, NULL, 0, 0, "out of memory");
  unroll_status status = UNROLL_OK;
  for (size_t wanted = 1; !status && (wanted || s->left);) {
    if ((status = grow(s))) break;
    ZSTD_inBuffer in = {s->in, s->left, 0};
    ZSTD_outBuffer out = {s->out, s->room, s->n};
    wanted = ZSTD_decompressStream(z, &out, &in);
    s->in += in.pos;
    s->left -= in.pos;
    s->n = out.pos;
    if (ZSTD_isError(wanted))
      status = damaged(s, "zstd", ZSTD_getErrorName(wanted));
    else if (wanted && !s->left && s->n < s->room)
      status = damaged(s, "zstd", "it is cut off");
  }
  ZSTD_freeDCtx(z);
  return status;
}
#endif

static const struct packer {
  const char *bytes, *ending, *program, *library;
  size_t size;
  unroll_status (*read)(stream *s); /* NULL: not in this build */
} packers[] = {
#ifdef UNROLL_ZLIB
    {"\x1F\x8B\x08", ".gz", "gzip", "zlib", 3, gunzip},
#else
    {"\x1F\x8B\x08", ".gz", "gzip", "zlib", 3, NULL},
#endif
#ifdef UNROLL_ZSTD
    {"\x28\xB5\x2F\xFD", ".zst", "zstd", "libzstd", 4, unzstd},
#else
    {"\x28\xB5\x2F\xFD", ".zst", "zstd", "libzstd", 4, NULL},
#endif
};
enum { PACKERS = sizeof packers / sizeof *packers };

static const struct packer *packer_of(const char *data, size_t size) {
  for (size_t i = 0; i < PACKERS; i++)
    if (size >= packers[i].size && !memcmp(data, packers[i].bytes, packers[i].size)) return &packers[i];
  return NULL;
}

bool unpack_can(const char *data, size_t size) {
  const struct packer *p = packer_of(data, size);
  return p && p->read;
}

unroll_status unpack(const char *name, char **data, size_t *size, size_t most, unroll_error *err) {
  const struct packer *p = packer_of(*data, *size);
  if (!p) return UNROLL_OK;
  if (!p->read)
    return error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the file is packed by %s, and this program was built without %s",
                    p->program, p->library);
  stream s = {.name = name, .in = (const unsigned char *)*data, .left = *size, .most = most, .err = err};
  const unroll_status status = p->read(&s);
  if (status) {
    mem_free(s.out);
    return status;
  }
  s.out[s.n] = 0; /* a member grows the block before it is read, so there is one */
  mem_free(*data);
  *data = s.out;
  *size = s.n;
  return UNROLL_OK;
}

size_t unpack_name(const char *name) {
  const size_t n = strlen(name);
  for (size_t i = 0; i < PACKERS; i++) {
    const size_t k = strlen(packers[i].ending);
    if (n > k && !strcmp(name + n - k, packers[i].ending)) return n - k;
  }
  return n;
}
