/* zip.c - see zip.h (APPNOTE.TXT of PKWARE). The list at the end of the archive counts; every place and size is checked against the
 * bytes that are there. */
#include "import/zip.h"
#include <string.h>
#include "base/budget.h"
#include "base/error.h"
#include "base/text.h"
#ifdef UNROLL_ZLIB
#include <zlib.h>

/* Blocks of zlib come from the table of base/memory.h too. */
static void *take(void *unused, unsigned n, unsigned size) {
  (void)unused;
  return mem_zero(n, size);
}

static void give(void *unused, void *block) {
  (void)unused;
  mem_free(block);
}
#endif

enum { END_SIZE = 22, CENTRAL_SIZE = 46, LOCAL_SIZE = 30, MOST_ENTRIES = 65535, STORED = 0, DEFLATED = 8, RATIO = 1032 };

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, z->file, NULL, 0, 0, __VA_ARGS__)

static uint32_t read2(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t read4(const unsigned char *p) { return read2(p) | read2(p + 2) << 16; }
static uint64_t read8(const unsigned char *p) { return read4(p) | (uint64_t)read4(p + 4) << 32; }

bool zip_is(const void *data, size_t size) { return size >= END_SIZE && !memcmp(data, "PK\3\4", 4); }

/* Sizes and place of an entry that has 0xffffffff instead: zip64. */
static void read_extra(zip_entry *e, const unsigned char *p, size_t n) {
  while (n >= 4) {
    const size_t length = read2(p + 2);
    if (length > n - 4) return;
    if (read2(p) == 1) {
      const unsigned char *at = p + 4, *end = at + length;
      uint64_t *const fields[3] = {&e->size, &e->packed, &e->at};
      for (int i = 0; i < 3; i++)
        if (*fields[i] == UINT32_MAX && end - at >= 8) {
          *fields[i] = read8(at);
          at += 8;
        }
    }
    p += 4 + length;
    n -= 4 + length;
  }
}

unroll_status zip_open(zip *z, const char *file, const void *data, size_t size, unroll_error *err) {
  *z = (zip){.data = data, .bytes = size, .file = file};
  size_t end = size >= END_SIZE ? size - END_SIZE : 0;
  if (!zip_is(data, size)) return BAD("this is no zip archive");
  while (end > 0 && memcmp(z->data + end, "PK\5\6", 4)) end--;
  if (!end) return BAD("this zip archive is cut off: its list of files is missing");
  const uint32_t n = read2(z->data + end + 10);
  uint64_t at = read4(z->data + end + 16);
  if (at == UINT32_MAX && end >= 20 && !memcmp(z->data + end - 20, "PK\6\7", 4)) { /* zip64 */
    const uint64_t far = read8(z->data + end - 12);
    if (far > size || size - far < 56) return BAD("this zip archive is damaged");
    at = read8(z->data + far + 48);
  }
  z->list = arena_alloc(&z->memory, (size_t)n + 1, sizeof *z->list);
  if (!z->list) return error_memory(err);
  for (uint32_t i = 0; i < n; i++) {
    if (at > size || size - at < CENTRAL_SIZE || memcmp(z->data + at, "PK\1\2", 4))
      return BAD("the list of this zip archive is damaged");
    const unsigned char *p = z->data + at;
    const size_t name = read2(p + 28), extra = read2(p + 30), comment = read2(p + 32);
    if (name + extra + comment > size - at - CENTRAL_SIZE) return BAD("the list of this zip archive is damaged");
    zip_entry *e = &z->list[z->n];
    *e = (zip_entry){.method = (int)read2(p + 10), .packed = read4(p + 20), .size = read4(p + 24), .at = read4(p + 42)};
    if (read2(p + 8) & 1) return BAD("this zip archive is encrypted");
    read_extra(e, p + CENTRAL_SIZE + name, extra);
    e->name = arena_text(&z->memory, (const char *)p + CENTRAL_SIZE, name);
    if (!e->name) return error_memory(err);
    at += CENTRAL_SIZE + name + extra + comment;
    if (*e->name && e->name[strlen(e->name) - 1] != '/') z->n++; /* a folder is no file */
  }
  return UNROLL_OK;
}

void zip_close(zip *z) {
  arena_free(&z->memory);
  *z = (zip){0};
}

const zip_entry *zip_find(const zip *z, const char *name) {
  for (int i = 0; i < z->n; i++) {
    const size_t n = strlen(z->list[i].name), m = strlen(name);
    if (n >= m && !strcmp(z->list[i].name + n - m, name) && (n == m || z->list[i].name[n - m - 1] == '/')) return &z->list[i];
  }
  return NULL;
}

static unroll_status unpack_entry(zip *z, const zip_entry *e, const unsigned char *from, const void **data, unroll_error *err) {
#ifdef UNROLL_ZLIB
  if (e->size > (e->packed + 1) * RATIO) return BAD("'%.60s' of this zip archive is damaged", e->name);
  if (e->packed > UINT32_MAX || e->size > UINT32_MAX) return BAD("'%.60s' is too large", e->name);
  z->unpacked += e->size; /* one piece of the archive may be the bytes of many names */
  const unroll_status status = budget_check(z->unpacked, "what is packed in this archive", err);
  if (status) return status;
  unsigned char *out = arena_alloc(&z->memory, (size_t)e->size + 1, 1);
  if (!out) return error_memory(err);
  z_stream s = {.zalloc = take, .zfree = give, .next_in = (unsigned char *)(uintptr_t)from, .next_out = out};
  if (inflateInit2(&s, -15) != Z_OK) return error_memory(err);
  s.avail_in = (unsigned)e->packed;
  s.avail_out = (unsigned)e->size;
  const int result = inflate(&s, Z_FINISH);
  const bool whole = result == Z_STREAM_END && s.total_out == e->size;
  inflateEnd(&s);
  if (result == Z_MEM_ERROR) return error_memory(err);
  *data = out;
  return whole ? UNROLL_OK : BAD("'%.60s' of this zip archive is damaged", e->name);
#else
  (void)from, (void)data;
  return BAD("'%.60s' is packed, and this build has no zlib", e->name);
#endif
}

unroll_status zip_get(zip *z, const zip_entry *e, const void **data, size_t *size, unroll_error *err) {
  if (e->at > z->bytes || z->bytes - e->at < LOCAL_SIZE || memcmp(z->data + e->at, "PK\3\4", 4))
    return BAD("'%.60s' of this zip archive is not where the list says", e->name);
  const unsigned char *p = z->data + e->at;
  const uint64_t head = LOCAL_SIZE + (uint64_t)read2(p + 26) + read2(p + 28);
  if (head > z->bytes - e->at || e->packed > z->bytes - e->at - head)
    return BAD("'%.60s' is beyond the end of this zip archive", e->name);
  *size = (size_t)e->size;
  if (e->method == DEFLATED) return unpack_entry(z, e, p + head, data, err);
  if (e->method != STORED) return BAD("'%.60s' is packed in a way (%d) that is not read", e->name, e->method);
  if (e->size != e->packed) return BAD("'%.60s' of this zip archive is damaged", e->name);
  *data = p + head;
  return UNROLL_OK;
}
