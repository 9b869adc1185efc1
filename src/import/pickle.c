/* pickle.c - a reader of pickles that makes values and calls nothing.
 *
 * A pickle is a program for a stack. This machine knows numbers, texts, lists, dicts, and the few names by which PyTorch describes
 * tensors. Any other name is a P_THING: it can be stored and passed on, and has no content. Values live in one arena, one for each
 * instruction at most, so memory goes with the bytes of the pickle. */
#include "import/pickle.h"
#include <string.h>
#include "base/error.h"
#include "import/zip.h"

enum kind { P_NONE, P_INT, P_FLOAT, P_TEXT, P_LIST, P_DICT, P_GLOBAL, P_STORAGE, P_TENSOR, P_THING, P_MARK };

typedef struct storage {
  const char *key;
  array_form form;
  int64_t count;
  const void *data; /* NULL: not found */
  size_t size;
  struct storage *next;
} storage;

typedef struct value {
  enum kind kind;
  bool seen;            /* by a walk */
  int64_t whole;        /* P_INT; P_TENSOR: its offset */
  const char *text;     /* P_TEXT, P_GLOBAL ("torch.Size"), P_THING */
  struct value **items; /* P_LIST; P_DICT: key, value, key, value */
  int n, room;
  storage *of; /* P_STORAGE, P_TENSOR */
  int rank;
  int64_t shape[ARRAY_RANK], stride[ARRAY_RANK];
} value;

typedef struct machine {
  const unsigned char *data;
  size_t size, at;
  const char *file;
  arena *memory;
  value **stack, **memo;
  int n, room;
  size_t n_memo, next_memo; /* next_memo: what MEMOIZE fills */
  storage *storages;
  const char *thing; /* the first name that is none of tensors and containers */
  unroll_error *err;
  unroll_status status;
} machine;

static value *fail(machine *m, const char *why) {
  if (!m->status) m->status = error_at(m->err, UNROLL_BAD_INPUT, m->file, NULL, 0, 0, "%s, at byte %zu of its pickle", why, m->at);
  return NULL;
}

static value *starve(machine *m) {
  if (!m->status) m->status = error_memory(m->err);
  return NULL;
}

static value *make(machine *m, enum kind kind) {
  value *v = arena_alloc(m->memory, 1, sizeof *v);
  if (!v) return starve(m);
  v->kind = kind;
  return v;
}

static bool push(machine *m, value *v) {
  if (!v) return false;
  if (m->n == m->room) {
    value **stack = mem_resize(m->stack, (size_t)(2 * m->room + 64) * sizeof *stack);
    if (!stack) return starve(m), false;
    m->stack = stack;
    m->room = 2 * m->room + 64;
  }
  m->stack[m->n++] = v;
  return true;
}

static value *pop(machine *m) {
  if (m->n < 1 || m->stack[m->n - 1]->kind == P_MARK) return fail(m, "the stack is empty");
  return m->stack[--m->n];
}

static bool add(machine *m, value *to, value *item) {
  if (to->n == to->room) {
    value **items = arena_alloc(m->memory, (size_t)(2 * to->room + 4), sizeof *items);
    if (!items) return starve(m), false;
    if (to->n) memcpy(items, to->items, (size_t)to->n * sizeof *items);
    to->items = items;
    to->room = 2 * to->room + 4;
  }
  to->items[to->n++] = item;
  return true;
}

/* The place of the last mark; -1: there is none. */
static int find_mark(machine *m) {
  for (int i = m->n - 1; i >= 0; i--)
    if (m->stack[i]->kind == P_MARK) return i;
  fail(m, "a mark is missing");
  return -1;
}

/* All above the last mark goes to the end of `to`, the mark too is gone. */
static bool take(machine *m, value *to) {
  const int mark = find_mark(m);
  bool good = mark >= 0 && to;
  for (int i = mark + 1; good && i < m->n; i++) good = add(m, to, m->stack[i]);
  if (mark >= 0) m->n = mark;
  return good;
}

static const unsigned char *bytes(machine *m, uint64_t n) {
  if (n > m->size - m->at) {
    fail(m, "the pickle is cut off");
    return NULL;
  }
  m->at += (size_t)n;
  return m->data + m->at - n;
}

static uint64_t number(machine *m, int n) {
  uint64_t x = 0;
  const unsigned char *p = bytes(m, (uint64_t)n);
  for (int i = 0; p && i < n; i++) x |= (uint64_t)p[i] << 8 * i;
  return x;
}

static value *whole(machine *m, int64_t x) {
  value *v = make(m, P_INT);
  if (v) v->whole = x;
  return v;
}

static value *text_of(machine *m, uint64_t n) {
  const unsigned char *p = bytes(m, n);
  value *v = p ? make(m, P_TEXT) : NULL;
  if (v && !(v->text = arena_text(m->memory, (const char *)p, (size_t)n))) return starve(m);
  return v;
}

/* Two's complement of n bytes. */
static value *long_of(machine *m, uint64_t n) {
  const unsigned char *p = bytes(m, n);
  uint64_t x = 0;
  if (!p) return NULL;
  for (uint64_t i = 0; i < n && i < 8; i++) x |= (uint64_t)p[i] << 8 * i;
  if (n && n < 8 && p[n - 1] & 0x80) x |= ~(uint64_t)0 << 8 * n;
  return whole(m, (int64_t)x);
}

static value *global(machine *m, const char *module, size_t a, const char *name, size_t b) {
  value *v = make(m, P_GLOBAL);
  char *s = arena_alloc(m->memory, a + b + 2, 1);
  if (!v || !s) return starve(m);
  memcpy(s, module, a);
  s[a] = '.';
  memcpy(s + a + 1, name, b);
  v->text = s;
  return v;
}

static value *global_line(machine *m) {
  const char *s = (const char *)m->data + m->at;
  const char *end = memchr(s, '\n', m->size - m->at);
  const char *last = end ? memchr(end + 1, '\n', m->size - m->at - (size_t)(end + 1 - s)) : NULL;
  if (!last) return fail(m, "a name is cut off");
  m->at += (size_t)(last + 1 - s);
  return global(m, s, (size_t)(end - s), end + 1, (size_t)(last - end - 1));
}

/* --- what is called --- */

static value *thing(machine *m, const char *name) {
  value *v = make(m, P_THING);
  if (v) v->text = name;
  if (!m->thing) m->thing = name;
  return v;
}

static bool sizes(const value *list, int64_t *out, int *rank) {
  if (list->kind != P_LIST || list->n > ARRAY_RANK) return false;
  for (int i = 0; i < list->n; i++) {
    if (list->items[i]->kind != P_INT) return false;
    out[i] = list->items[i]->whole;
  }
  *rank = list->n;
  return true;
}

static value *tensor_of(machine *m, const value *args) {
  int strides = 0;
  value *v = make(m, P_TENSOR);
  if (!v) return NULL;
  if (args->n < 4 || args->items[0]->kind != P_STORAGE || args->items[1]->kind != P_INT || args->items[1]->whole < 0 ||
      !sizes(args->items[2], v->shape, &v->rank) || !sizes(args->items[3], v->stride, &strides) || strides != v->rank)
    return fail(m, "a tensor is damaged");
  v->of = args->items[0]->of;
  v->whole = args->items[1]->whole;
  return v;
}

static value *call(machine *m, const value *what, value *args) {
  if (what->kind == P_THING) return thing(m, what->text);
  if (what->kind != P_GLOBAL || args->kind != P_LIST) return fail(m, "a call of what is no name");
  const char *name = what->text;
  if (!strcmp(name, "collections.OrderedDict")) return make(m, P_DICT);
  if (!strcmp(name, "torch._utils._rebuild_tensor_v2") || !strcmp(name, "torch._utils._rebuild_tensor")) return tensor_of(m, args);
  if ((!strcmp(name, "torch._utils._rebuild_parameter") || !strcmp(name, "torch.Size")) && args->n > 0) return args->items[0];
  if (!strcmp(name, "torch._tensor._rebuild_from_type_v2") && args->n > 2 && args->items[0]->kind == P_GLOBAL &&
      strcmp(args->items[0]->text, name) != 0)
    return call(m, args->items[0], args->items[2]);
  return thing(m, name);
}

static bool storage_form(const char *name, array_form *form) {
  static const struct {
    const char *name;
    char kind;
    int bytes;
  } rows[] = {{"Float", 'f', 4}, {"Double", 'f', 8}, {"Half", 'f', 2}, {"BFloat16", 'h', 2}, {"Long", 'i', 8},
              {"Int", 'i', 4},   {"Short", 'i', 2},  {"Char", 'i', 1}, {"Byte", 'u', 1},     {"Bool", 'b', 1}};
  const char *last = strrchr(name, '.');
  for (size_t i = 0; last && i < sizeof rows / sizeof *rows; i++) {
    const size_t n = strlen(rows[i].name);
    if (strncmp(last + 1, rows[i].name, n) || strcmp(last + 1 + n, "Storage")) continue;
    *form = (array_form){{rows[i].kind, rows[i].bytes, false}, NULL};
    return true;
  }
  return false;
}

/* ('storage', torch.FloatStorage, key, location, count ...) */
static value *storage_of(machine *m, const value *id) {
  array_form form;
  if (id->kind != P_LIST || id->n < 5 || id->items[1]->kind != P_GLOBAL || id->items[2]->kind != P_TEXT ||
      id->items[4]->kind != P_INT || id->items[4]->whole < 0)
    return fail(m, "a reference to numbers is damaged");
  if (!storage_form(id->items[1]->text, &form)) return thing(m, id->items[1]->text);
  value *v = make(m, P_STORAGE);
  if (!v) return NULL;
  for (v->of = m->storages; v->of && strcmp(v->of->key, id->items[2]->text); v->of = v->of->next) continue;
  if (v->of) return v;
  if (!(v->of = arena_alloc(m->memory, 1, sizeof *v->of))) return starve(m);
  *v->of = (storage){.key = id->items[2]->text, .form = form, .count = id->items[4]->whole, .next = m->storages};
  m->storages = v->of;
  return v;
}

/* --- instructions --- */

static bool put_memo(machine *m, uint64_t at) {
  if (m->n < 1 || at > m->size) return fail(m, "a reference is wrong"), false;
  if (at >= m->n_memo) {
    const size_t n = (size_t)at + 1 + m->n_memo;
    value **memo = mem_resize(m->memo, n * sizeof *memo);
    if (!memo) return starve(m), false;
    memset(memo + m->n_memo, 0, (n - m->n_memo) * sizeof *memo);
    m->memo = memo;
    m->n_memo = n;
  }
  m->next_memo += !m->memo[at]; /* Python counts the entries */
  m->memo[at] = m->stack[m->n - 1];
  return true;
}

static bool get_memo(machine *m, uint64_t at) {
  if (at >= m->n_memo || !m->memo[at]) return fail(m, "a reference is wrong"), false;
  return push(m, m->memo[at]);
}

static bool tuple(machine *m, int n) {
  value *v = make(m, P_LIST);
  if (!v || m->n < n) return fail(m, "the stack is empty"), false;
  for (int i = m->n - n; i < m->n; i++)
    if (m->stack[i]->kind == P_MARK || !add(m, v, m->stack[i])) return fail(m, "the stack is empty"), false;
  m->n -= n;
  return push(m, v);
}

static bool marked(machine *m, enum kind kind) {
  value *v = make(m, kind);
  return take(m, v) && push(m, v);
}

/* Items above the mark go into the container below it. */
static bool put_items(machine *m) {
  const int mark = find_mark(m);
  if (mark < 1) return fail(m, "the stack is empty"), false;
  return take(m, m->stack[mark - 1]);
}

static bool put_item(machine *m, int n) {
  if (m->n < n + 1) return fail(m, "the stack is empty"), false;
  value *to = m->stack[m->n - n - 1];
  for (int i = m->n - n; i < m->n; i++)
    if (!add(m, to, m->stack[i])) return false;
  m->n -= n;
  return true;
}

static bool reduce(machine *m) {
  value *args = pop(m), *what = args ? pop(m) : NULL;
  return what && push(m, call(m, what, args));
}

static bool build(machine *m) { /* what an object would take over: of a dict there is nothing that matters */
  return pop(m) != NULL;
}

static bool named(machine *m) {
  const value *name = pop(m), *module = name ? pop(m) : NULL;
  if (!module || name->kind != P_TEXT || module->kind != P_TEXT) return fail(m, "a name is no text"), false;
  return push(m, global(m, module->text, strlen(module->text), name->text, strlen(name->text)));
}

static bool persistent(machine *m) {
  const value *id = pop(m);
  return id && push(m, storage_of(m, id));
}

static bool put_constant(machine *m, enum kind kind, int64_t x) {
  value *v = make(m, kind);
  if (v) v->whole = x;
  return push(m, v);
}

static bool step(machine *m, int op) {
  switch (op) {
  case 0x80:
    return bytes(m, 1) != NULL;
  case 0x95:
    return bytes(m, 8) != NULL;
  case '(':
    return put_constant(m, P_MARK, 0);
  case ')':
    return put_constant(m, P_LIST, 0);
  case ']':
    return put_constant(m, P_LIST, 0);
  case 0x8f:
    return put_constant(m, P_LIST, 0);
  case '}':
    return put_constant(m, P_DICT, 0);
  case 'N':
    return put_constant(m, P_NONE, 0);
  case 0x88:
    return put_constant(m, P_INT, 1);
  case 0x89:
    return put_constant(m, P_INT, 0);
  case 'K':
    return push(m, whole(m, (int64_t)number(m, 1)));
  case 'M':
    return push(m, whole(m, (int64_t)number(m, 2)));
  case 'J':
    return push(m, whole(m, (int32_t)number(m, 4)));
  case 0x8a:
    return push(m, long_of(m, number(m, 1)));
  case 0x8b:
    return push(m, long_of(m, number(m, 4)));
  case 'G':
    return bytes(m, 8) && put_constant(m, P_FLOAT, 0);
  case 'X':
  case 'T':
  case 'B':
    return push(m, text_of(m, number(m, 4)));
  case 'U':
  case 'C':
  case 0x8c:
    return push(m, text_of(m, number(m, 1)));
  case 0x8d:
  case 0x8e:
    return push(m, text_of(m, number(m, 8)));
  case 'q':
    return put_memo(m, number(m, 1));
  case 'r':
    return put_memo(m, number(m, 4));
  case 0x94:
    return put_memo(m, m->next_memo);
  case 'h':
    return get_memo(m, number(m, 1));
  case 'j':
    return get_memo(m, number(m, 4));
  case 't':
  case 'l':
  case 0x91:
    return marked(m, P_LIST);
  case 'd':
    return marked(m, P_DICT);
  case 0x85:
    return tuple(m, 1);
  case 0x86:
    return tuple(m, 2);
  case 0x87:
    return tuple(m, 3);
  case 'a':
    return put_item(m, 1);
  case 's':
    return put_item(m, 2);
  case 'e':
  case 'u':
  case 0x90:
    return put_items(m);
  case 'c':
    return push(m, global_line(m));
  case 0x93:
    return named(m);
  case 'R':
  case 0x81:
    return reduce(m);
  case 'b':
    return build(m);
  case 'Q':
    return persistent(m);
  case '0':
    return pop(m) != NULL;
  case '2':
    return m->n > 0 ? push(m, m->stack[m->n - 1]) : (fail(m, "the stack is empty"), false);
  default:
    return fail(m, "an instruction that is not known"), false;
  }
}

/* One pickle from m->at on. NULL: m->status says why. */
static value *run(machine *m) {
  m->n = 0;
  m->n_memo = m->next_memo = 0;
  while (m->at < m->size && !m->status) {
    const int op = m->data[m->at++];
    if (op == '.') return pop(m);
    if (!step(m, op) && !m->status) fail(m, "the pickle is damaged");
  }
  return fail(m, "the pickle is cut off");
}

static void end(machine *m) {
  mem_free(m->stack);
  mem_free(m->memo);
}

/* --- tensors of it --- */

enum { DEEPEST = 32 };

static int count_tensors(const value *dict) {
  int n = 0;
  for (int i = 0; i + 1 < dict->n; i += 2) n += dict->items[i]->kind == P_TEXT && dict->items[i + 1]->kind == P_TENSOR;
  return n;
}

/* The dict with most tensors; of as many the first. The state of an optimizer is none. */
static void find_dict(value *v, int depth, const value **best) {
  if (!v || v->seen || depth > DEEPEST || (v->kind != P_DICT && v->kind != P_LIST)) return;
  v->seen = true;
  if (v->kind == P_DICT && count_tensors(v) > (*best ? count_tensors(*best) : 0)) *best = v;
  for (int i = 0; i < v->n; i++) {
    const bool skipped = v->kind == P_DICT && i % 2 && v->items[i - 1]->kind == P_TEXT && strstr(v->items[i - 1]->text, "optim");
    if (!skipped) find_dict(v->items[i], depth + 1, best);
  }
}

static unroll_status take_tensors(machine *m, arrays *a, value *root, unroll_error *err) {
  const value *dict = NULL;
  unroll_status status = UNROLL_OK;
  find_dict(root, 0, &dict);
  if (!dict && m->thing)
    return error_at(
        err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0,
        "it holds '%.100s', which only its own program can make; in Python, torch.save(model.state_dict(), FILE) writes "
        "the tensors alone",
        m->thing);
  if (!dict) return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "there are no tensors with names in it");
  for (int i = 0; i + 1 < dict->n && !status; i += 2) {
    const value *key = dict->items[i], *t = dict->items[i + 1];
    if (key->kind != P_TEXT || t->kind != P_TENSOR) continue;
    array_form form = t->of->form;
    form.stride = t->stride;
    const uint64_t skip = (uint64_t)t->whole * (uint64_t)form.number.bytes;
    if (!t->of->data || (uint64_t)t->whole > t->of->size || skip > t->of->size)
      return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "the numbers of '%.60s' are missing", key->text);
    status = arrays_add(a, key->text, t->rank, t->shape, &form, (const char *)t->of->data + skip, t->of->size - (size_t)skip, err);
  }
  return status;
}

static unroll_status read_zip(arrays *a, const void *data, size_t size, unroll_error *err) {
  zip z;
  const void *pickle = NULL, *order;
  size_t n = 0, m_size;
  bool swap = false;
  unroll_status status = zip_open(&z, a->file, data, size, err);
  const zip_entry *e = status ? NULL : zip_find(&z, "data.pkl");
  if (!status && !e)
    status = error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "this zip archive has no data.pkl: torch.save did not write it");
  if (!status) status = zip_get(&z, e, &pickle, &n, err);
  const zip_entry *byteorder = status ? NULL : zip_find(&z, "byteorder");
  if (byteorder && !zip_get(&z, byteorder, &order, &m_size, NULL)) swap = m_size >= 3 && !memcmp(order, "big", 3);
  machine m = {.data = pickle, .size = n, .file = a->file, .memory = &z.memory, .err = err, .status = status};
  value *root = status ? NULL : run(&m);
  const size_t folder = e ? strlen(e->name) - strlen("data.pkl") : 0;
  for (storage *s = m.storages; s && !m.status; s = s->next) {
    s->form.number.swap = swap;
    for (int i = 0; i < z.n; i++) {
      const char *name = z.list[i].name;
      if (strncmp(name, e->name, folder) || strncmp(name + folder, "data/", 5) || strcmp(name + folder + 5, s->key)) continue;
      m.status = zip_get(&z, &z.list[i], &s->data, &s->size, err);
      break;
    }
  }
  status = m.status;
  if (!status) status = take_tensors(&m, a, root, err);
  end(&m);
  zip_close(&z);
  return status;
}

static const char old_magic[] = "\x80\x02\x8a\x0al\xfc\x9c"
                                "F\xf9 j\xa8P\x19.";

bool pickle_is_old(const void *data, size_t size) {
  return size > sizeof old_magic && !memcmp(data, old_magic, sizeof old_magic - 1);
}

/* A number, a version, a dict about the machine; what was saved; the keys of its storages; these, each with its length. */
static unroll_status read_old(arrays *a, const void *data, size_t size, unroll_error *err) {
  arena memory = {0};
  machine m = {.data = data, .size = size, .file = a->file, .memory = &memory, .err = err};
  value *root = NULL, *keys = NULL;
  for (int i = 0; i < 5 && !m.status; i++) {
    value *v = run(&m);
    if (i == 3) root = v;
    if (i == 4) keys = v;
  }
  if (!m.status && keys->kind != P_LIST) fail(&m, "the list of numbers is damaged");
  for (int i = 0; !m.status && i < keys->n; i++) {
    storage *s = m.storages;
    while (s && (keys->items[i]->kind != P_TEXT || strcmp(s->key, keys->items[i]->text))) s = s->next;
    const uint64_t count = number(&m, 8);
    if (!m.status && (!s || count > m.size / (uint64_t)s->form.number.bytes)) fail(&m, "the list of numbers is damaged");
    if (m.status) break;
    s->size = (size_t)count * (size_t)s->form.number.bytes;
    s->data = bytes(&m, s->size);
  }
  unroll_status status = m.status;
  if (!status) status = take_tensors(&m, a, root, err);
  end(&m);
  arena_free(&memory);
  return status;
}

unroll_status arrays_of_torch(arrays *a, const void *data, size_t size, unroll_error *err) {
  return zip_is(data, size) ? read_zip(a, data, size, err) : read_old(a, data, size, err);
}
