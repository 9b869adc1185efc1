/* hdf5.c - the part of HDF5 that models of Keras have (HDF5 File Format Specification 3.0). Groups are symbol tables,
 * arrays lie in one piece, and texts are attributes. Chunks, links and the forms of newer libraries are refused
 * by name.
 *
 * Every place in a file is checked before it is read. Groups may point at each other in circles, so the number of visits is
 * bounded. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/keras.h"

enum { DEEPEST = 24, MOST_VISITS = 200000, PATH = 400 };
enum { MESSAGE_SPACE = 1, MESSAGE_TYPE = 3, MESSAGE_LAYOUT = 8, MESSAGE_ATTRIBUTE = 12, MESSAGE_MORE = 16, MESSAGE_TABLE = 17 };

typedef struct piece { /* bytes of the file; size 0: not there */
  const unsigned char *at;
  uint64_t size;
} piece;

typedef struct reader {
  const unsigned char *data;
  uint64_t size, base;
  arrays *a;
  int visits;
  unroll_error *err;
} reader;

typedef struct object {                        /* the messages of an object header that matter */
  piece space, type, layout, table, attribute; /* `attribute`: that with the name that is looked for */
} object;

#define BAD(...) error_at(r->err, UNROLL_BAD_INPUT, r->a->file, NULL, 0, 0, __VA_ARGS__)
static const char *const damaged = "this HDF5 file is damaged";

static uint64_t number(const unsigned char *p, int n) {
  uint64_t x = 0;
  for (int i = 0; i < n; i++) x |= (uint64_t)p[i] << 8 * i;
  return x;
}

/* n bytes at an address; NULL: they are not in the file. */
static const unsigned char *bytes(const reader *r, uint64_t address, uint64_t n) {
  uint64_t at;
  if (__builtin_add_overflow(address, r->base, &at) || at > r->size || n > r->size - at) return NULL;
  return r->data + at;
}

/* --- object headers --- */

static uint64_t padded(uint64_t n) { return (n + 7) & ~(uint64_t)7; }

/* Parts of an attribute: its name, its type, its shape, what is left. False: they are not within it. */
static bool attribute_parts(piece m, piece parts[4]) {
  if (m.size < 8 || m.at[0] < 1 || m.at[0] > 3) return false;
  const bool pads = m.at[0] == 1;
  const uint64_t sizes[3] = {number(m.at + 2, 2), number(m.at + 4, 2), number(m.at + 6, 2)};
  uint64_t at = m.at[0] == 3 ? 9 : 8;
  for (int i = 0; i < 3; i++) {
    const uint64_t n = pads ? padded(sizes[i]) : sizes[i];
    if (at > m.size || n > m.size - at) return false;
    parts[i] = (piece){m.at + at, sizes[i]};
    at += n;
  }
  parts[3] = (piece){m.at + at, m.size - at};
  return true;
}

static bool is_named(piece m, const char *name) {
  piece parts[4];
  const size_t n = strlen(name);
  return attribute_parts(m, parts) && parts[0].size == n + 1 && !memcmp(parts[0].at, name, n);
}

static bool read_messages(reader *r, uint64_t address, uint64_t size, const char *name, object *o, int depth) {
  const unsigned char *p = bytes(r, address, size);
  if (!p || depth > DEEPEST || ++r->visits > MOST_VISITS) return false;
  for (uint64_t at = 0; size - at >= 8;) {
    const unsigned kind = (unsigned)number(p + at, 2);
    const piece m = {p + at + 8, number(p + at + 2, 2)};
    at += 8;
    if (m.size > size - at) return false;
    at += m.size;
    if (kind == MESSAGE_SPACE) o->space = m;
    if (kind == MESSAGE_TYPE) o->type = m;
    if (kind == MESSAGE_LAYOUT) o->layout = m;
    if (kind == MESSAGE_TABLE) o->table = m;
    if (kind == MESSAGE_ATTRIBUTE && name && is_named(m, name)) o->attribute = m;
    if (kind == MESSAGE_MORE && (m.size < 16 || !read_messages(r, number(m.at, 8), number(m.at + 8, 8), name, o, depth + 1)))
      return false;
  }
  return true;
}

static unroll_status read_object(reader *r, uint64_t address, const char *name, object *o) {
  const unsigned char *p = bytes(r, address, 16);
  *o = (object){.space = {NULL, 0}};
  if (!p) return BAD("%s", damaged);
  if (!memcmp(p, "OHDR", 4)) return BAD("this HDF5 file has object headers of a newer form, which are not read");
  if (p[0] != 1 || !read_messages(r, address + 16, number(p + 8, 4), name, o, 0)) return BAD("%s", damaged);
  return UNROLL_OK;
}

/* --- arrays --- */

static bool space_of(piece m, int *rank, int64_t *shape) {
  if (m.size < 4 || m.at[0] < 1 || m.at[0] > 2 || m.at[1] > ARRAY_RANK) return false;
  const uint64_t head = m.at[0] == 1 ? 8 : 4;
  *rank = m.at[1];
  if (m.size < head + 8 * (uint64_t)*rank) return false;
  for (int i = 0; i < *rank; i++) {
    shape[i] = (int64_t)number(m.at + head + 8 * i, 8);
    if (shape[i] < 0) return false;
  }
  return true;
}

static bool form_of(piece m, array_form *f) {
  if (m.size < 8) return false;
  const int kind = m.at[0] & 15;
  const uint64_t size = number(m.at + 4, 4);
  *f = (array_form){{kind == 1 ? 'f' : m.at[1] & 8 ? 'i' : 'u', (int)(size & 15), (m.at[1] & 1) != 0}, NULL};
  const bool fits = size == 2 || size == 4 || size == 8 || (size == 1 && kind == 0);
  return (kind == 0 || kind == 1) && fits;
}

static unroll_status read_array(reader *r, const object *o, const char *path) {
  int rank;
  int64_t shape[ARRAY_RANK];
  array_form form;
  const piece m = o->layout;
  if (!space_of(o->space, &rank, shape))
    return BAD("the array '%.100s' is damaged, or has more than %d dimensions", path, ARRAY_RANK);
  if (!form_of(o->type, &form)) return UNROLL_OK; /* texts and the like */
  if (m.size < 2 || m.at[0] != 3) return BAD("the array '%.100s' is laid out in a form that is not read", path);
  if (m.at[1] == 2) return BAD("the array '%.100s' lies in chunks, which are not read", path);
  const unsigned char *data = NULL;
  uint64_t size = 0;
  if (m.at[1] == 0 && m.size >= 4 && number(m.at + 2, 2) <= m.size - 4) {
    data = m.at + 4;
    size = number(m.at + 2, 2);
  } else if (m.at[1] == 1 && m.size >= 18) {
    size = number(m.at + 10, 8);
    data = bytes(r, number(m.at + 2, 8), size);
  }
  if (!data && !size) data = r->data; /* an array without numbers */
  if (!data) return BAD("the numbers of the array '%.100s' are not in the file", path);
  return arrays_add(r->a, path, rank, shape, &form, data, (size_t)size, r->err);
}

/* --- groups --- */

static unroll_status visit(reader *r, uint64_t address, const char *path, int depth);

/* The names and objects of a leaf. */
static unroll_status read_leaf(reader *r, uint64_t address, piece names, const char *path, int depth) {
  const unsigned char *p = bytes(r, address, 8);
  if (!p || memcmp(p, "SNOD", 4)) return BAD("%s", damaged);
  const uint64_t n = number(p + 6, 2);
  p = bytes(r, address + 8, 40 * n);
  if (!p) return BAD("%s", damaged);
  unroll_status status = UNROLL_OK;
  for (uint64_t i = 0; i < n && !status; i++, p += 40) {
    char own[PATH];
    const uint64_t at = number(p, 8);
    if (at >= names.size || !memchr(names.at + at, 0, (size_t)(names.size - at))) return BAD("%s", damaged);
    const int length = snprintf(own, sizeof own, "%s%s%s", path, *path ? "/" : "", (const char *)names.at + at);
    if (length >= PATH) return BAD("a name in this HDF5 file is too long");
    if (number(p + 16, 4) != 2) status = visit(r, number(p + 8, 8), own, depth + 1); /* 2: a link */
  }
  return status;
}

static unroll_status read_tree(reader *r, uint64_t address, piece names, const char *path, int depth, int level) {
  const unsigned char *p = bytes(r, address, 24);
  if (!p || memcmp(p, "TREE", 4) || p[4] || level > DEEPEST || ++r->visits > MOST_VISITS) return BAD("%s", damaged);
  const uint64_t n = number(p + 6, 2);
  const bool leaf = !p[5];
  p = bytes(r, address + 24, 16 * n + 8);
  if (!p) return BAD("%s", damaged);
  unroll_status status = UNROLL_OK;
  for (uint64_t i = 0; i < n && !status; i++) {
    const uint64_t child = number(p + 16 * i + 8, 8);
    status = leaf ? read_leaf(r, child, names, path, depth) : read_tree(r, child, names, path, depth, level + 1);
  }
  return status;
}

static unroll_status read_group(reader *r, piece names_of, const char *path, int depth) {
  if (names_of.size < 16) return BAD("%s", damaged);
  const unsigned char *heap = bytes(r, number(names_of.at + 8, 8), 32);
  if (!heap || memcmp(heap, "HEAP", 4)) return BAD("%s", damaged);
  const piece names = {bytes(r, number(heap + 24, 8), number(heap + 8, 8)), number(heap + 8, 8)};
  return names.at ? read_tree(r, number(names_of.at, 8), names, path, depth, 0) : BAD("%s", damaged);
}

static unroll_status visit(reader *r, uint64_t address, const char *path, int depth) {
  object o;
  if (depth > DEEPEST || ++r->visits > MOST_VISITS) return BAD("%s", damaged);
  const unroll_status status = read_object(r, address, NULL, &o);
  if (status) return status;
  if (o.table.size) return read_group(r, o.table, path, depth);
  return o.layout.size ? read_array(r, &o, path) : UNROLL_OK;
}

/* --- texts --- */

/* An object of the heap that all groups share; size 0: there is none. */
static piece global_object(const reader *r, uint64_t address, uint64_t index) {
  const piece none = {NULL, 0};
  const unsigned char *p = bytes(r, address, 16);
  if (!p || memcmp(p, "GCOL", 4)) return none;
  const uint64_t size = number(p + 8, 8);
  if (size < 16 || !bytes(r, address, size)) return none;
  for (uint64_t at = 16; size - at >= 16;) {
    const uint64_t own = number(p + at, 2), n = number(p + at + 8, 8);
    if (!own || n > size - at - 16) return none;
    if (own == index) return (piece){p + at + 16, n};
    at += 16 + padded(n);
    if (at > size) return none;
  }
  return none;
}

/* A text of its own length, or of a fixed one. */
static unroll_status read_text(reader *r, uint64_t root, const char *name, char **out) {
  object o;
  piece parts[4];
  const unroll_status status = read_object(r, root, name, &o);
  if (status || !o.attribute.size || !attribute_parts(o.attribute, parts) || parts[1].size < 8) return status;
  piece s = {NULL, 0};
  const int kind = parts[1].at[0] & 15;
  if (kind == 9 && parts[3].size >= 16) {
    s = global_object(r, number(parts[3].at + 4, 8), number(parts[3].at + 12, 4));
    if (number(parts[3].at, 4) < s.size) s.size = number(parts[3].at, 4);
  } else if (kind == 3 && number(parts[1].at + 4, 4) <= parts[3].size)
    s = (piece){parts[3].at, number(parts[1].at + 4, 4)};
  if (!s.at) return UNROLL_OK;
  *out = mem_zero((size_t)s.size + 1, 1);
  if (!*out) return error_memory(r->err);
  memcpy(*out, s.at, (size_t)s.size);
  return UNROLL_OK;
}

unroll_status arrays_of_hdf5(arrays *a, const void *data, size_t size, const char *attribute, char **value, unroll_error *err) {
  reader one = {.data = data, .size = size, .a = a, .err = err}, *r = &one;
  const unsigned char *p = data;
  if (value) *value = NULL;
  if (size < 96) return BAD("%s", damaged);
  const int version = p[8], old = version < 2;
  if (version > 3) return BAD("this HDF5 file is of version %d, which is not read", version);
  if (p[old ? 13 : 9] != 8 || p[old ? 14 : 10] != 8)
    return BAD("this HDF5 file has places of other sizes than 8 bytes, which are not read");
  const int first = version == 0 ? 24 : version == 1 ? 28 : 12; /* where the base address stands */
  r->base = number(p + first, 8);
  const uint64_t root = number(p + first + (old ? 40 : 24), 8);
  unroll_status status = value ? read_text(r, root, attribute, value) : UNROLL_OK;
  if (!status) status = visit(r, root, "", 0);
  if (status && value) {
    mem_free(*value);
    *value = NULL;
  }
  return status;
}
