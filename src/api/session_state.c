/* session_state.c - the place of a session as bytes, and back: the values of the last steps, the states, and what was predicted.
 *
 * A head says whose bytes these are: a hash of the model's equations and weights, and the rows. What follows is the memory of this
 * machine, so the bytes are for the same build. */
#include "api/session.h"
#include "base/hash.h"
#include "base/memory.h"

typedef struct place_head {
  char magic[8];
  uint64_t model, rows, size, hash; /* size: of all; hash: of what follows */
} place_head;
static const char magic[8] = "unroll\x01";

uint64_t session_model_hash(const model *m) {
  const uint64_t h = hash_bytes((uint64_t)m->precision, m->net_text, strlen(m->net_text));
  return hash_bytes(h, m->weights, (size_t)m->g.n_weights * sizeof *m->weights);
}

/* One walk for size, writing and reading: each part of the place in turn. */
enum way { COUNT, WRITE, READ };
typedef struct walk {
  enum way way;
  char *at;
  size_t size;
} walk;

static void part_of(walk *w, void *data, size_t size) {
  if (w->way == WRITE) memcpy(w->at, data, size);
  if (w->way == READ) memcpy(data, w->at, size);
  if (w->way != COUNT) w->at += size;
  w->size += size;
}

static size_t size_of_step(const unroll_session *s, int i) {
  return s->tracks[i].v->form.unit == UNIT_NUMBERS ? (size_t)s->m->m.g.data[i].width * sizeof(float) : sizeof(int32_t);
}

/* What is read whole: first how long it is, then the rest. */
static void walk_lengths(unroll_session *s, walk *w) {
  for (int i = 0; i < s->m->m.g.n_data; i++)
    if (s->tracks[i].whole) part_of(w, s->given.columns[i].first, ((size_t)s->rows + 1) * sizeof *s->given.columns[i].first);
}

static void walk_whole(unroll_session *s, walk *w) {
  const size_t rows = (size_t)s->rows;
  walk_lengths(s, w);
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    const column_values *c = &s->given.columns[i];
    if (s->tracks[i].whole && c->first[rows])
      part_of(w, c->symbols ? (void *)c->symbols : (void *)c->numbers, (size_t)c->first[rows] * size_of_step(s, i));
  }
}

static void walk_place(unroll_session *s, walk *w) {
  const size_t rows = (size_t)s->rows;
  walk_whole(s, w);
  part_of(w, s->made, rows * sizeof *s->made);
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    track *t = &s->tracks[i];
    const size_t cells = t->used && !t->whole ? rows * (size_t)(t->lags + 1) : 0;
    part_of(w, t->set, rows * sizeof *t->set);
    if (t->symbols) part_of(w, t->symbols, cells * sizeof *t->symbols);
    if (t->numbers) part_of(w, t->numbers, cells * (size_t)s->m->m.g.data[i].width * sizeof *t->numbers);
  }
  for (int i = 0; i < s->c.n_boundary && !s->reads; i++) { /* of what is read whole it is made anew */
    const int slot = s->c.boundary[i].slot;
    part_of(w, s->p.number[slot], rows * (size_t)s->c.decoder.inputs[slot].width * sizeof **s->p.number);
  }
  if (s->again) part_of(w, s->carry, s->states * sizeof *s->carry);
  part_of(w, s->args, s->args_size * sizeof *s->args);
  if (w->way == WRITE) run_carry_get(s->p.stepper, s->states_now);
  part_of(w, s->states_now, s->states * sizeof *s->states_now);
  if (w->way == READ) run_carry_set(s->p.stepper, s->states_now);
}

unroll_status unroll_session_save(const unroll_session *given, void **bytes, size_t *size, unroll_error *err) {
  if (!given || !bytes || !size) return api_null(err);
  unroll_session *s = (unroll_session *)given; /* its scratch is written, and what it would say is made now */
  walk w = {.way = COUNT};
  *bytes = NULL;
  walk_place(s, &w);
  place_head head = {.model = session_model_hash(&s->m->m), .rows = (uint64_t)s->rows, .size = sizeof head + w.size};
  char *block = mem_alloc(sizeof head + w.size);
  if (!block) return error_memory(err);
  memcpy(head.magic, magic, sizeof magic);
  session_refresh(s);
  if (!s->brought) {
    float *args = s->args;
    session_arguments(s, args);
  }
  w = (walk){.way = WRITE, .at = block + sizeof head};
  walk_place(s, &w);
  head.hash = hash_bytes(0, block + sizeof head, w.size);
  memcpy(block, &head, sizeof head);
  *bytes = block;
  *size = sizeof head + w.size;
  return UNROLL_OK;
}

/* Blocks for as long sequences as the bytes have, in the place of those that s has; the same again brings these back. */
typedef struct lengths {
  column_values *columns; /* [n_data] */
} lengths;

static void exchange(unroll_session *s, lengths *l) {
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    if (!s->tracks[i].whole) continue;
    const column_values kept = s->given.columns[i];
    s->given.columns[i] = l->columns[i];
    l->columns[i] = kept;
  }
}

static void lengths_free(const unroll_session *s, lengths *l) {
  for (int i = 0; l->columns && i < s->m->m.g.n_data; i++) {
    mem_free(l->columns[i].first);
    mem_free(l->columns[i].symbols);
    mem_free(l->columns[i].numbers);
  }
  mem_free(l->columns);
}

static unroll_status damaged(unroll_error *err) { return error_set(err, UNROLL_BAD_INPUT, "the place of the session is damaged"); }

static unroll_status read_lengths(const unroll_session *s, lengths *l, const char *bytes, size_t size, unroll_error *err) {
  const size_t n = (size_t)s->rows + 1;
  l->columns = mem_zero((size_t)s->m->m.g.n_data + 1, sizeof *l->columns);
  if (!l->columns) return error_memory(err);
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    column_values *c = &l->columns[i];
    if (!s->tracks[i].whole) continue;
    if (size < n * sizeof *c->first) return damaged(err);
    if (!(c->first = mem_zero(n, sizeof *c->first))) return error_memory(err);
    memcpy(c->first, bytes, n * sizeof *c->first);
    bytes += n * sizeof *c->first;
    size -= n * sizeof *c->first;
    for (size_t r = 1; r < n; r++)
      if (c->first[0] || c->first[r] < c->first[r - 1] || c->first[r] - c->first[r - 1] >= MAX_LINE) return damaged(err);
    if ((uint64_t)c->first[n - 1] > size) return damaged(err);
    c->there = true;
    void *block = mem_alloc((size_t)c->first[n - 1] * size_of_step(s, i) + 1);
    if (s->tracks[i].v->form.unit == UNIT_NUMBERS)
      c->numbers = block;
    else
      c->symbols = block;
    if (!block) return error_memory(err);
  }
  return UNROLL_OK;
}

/* Whether as many steps were made as there may be; s has the lengths of the bytes. */
static bool steps_fit(unroll_session *s, const char *bytes) {
  walk w = {.way = COUNT};
  walk_whole(s, &w);
  for (int r = 0; r < s->rows; r++) {
    int64_t made;
    memcpy(&made, bytes + w.size + (size_t)r * sizeof made, sizeof made);
    if (made < 0 || made > session_most_steps(s, r, NULL)) return false;
  }
  return true;
}

/* The bytes become the place. */
static unroll_status take_place(unroll_session *s, const char *bytes, size_t size, unroll_error *err) {
  lengths l = {0};
  session_refresh(s); /* while the values are still those that it is due for */
  char *copy = mem_alloc(size + 1);
  unroll_status status = copy ? read_lengths(s, &l, bytes, size, err) : error_memory(err);
  if (!status) {
    walk w = {.way = COUNT};
    exchange(s, &l);
    walk_place(s, &w);
    status = w.size != size || !steps_fit(s, bytes) ? damaged(err) : session_reach(s, err);
    if (status) exchange(s, &l);
  }
  if (!status) {
    bool any = false;
    memcpy(copy, bytes, size);
    walk w = {.way = READ, .at = copy};
    walk_place(s, &w);
    for (int r = 0; r < s->rows; r++) any |= s->made[r] > 0;
    if (any && s->reads) session_encode(s);
  }
  lengths_free(s, &l);
  mem_free(copy);
  return status;
}

unroll_status unroll_session_restore(unroll_session *s, const void *bytes, size_t size, unroll_error *err) {
  place_head head;
  if (!s || !bytes) return api_null(err);
  if (size < sizeof head) return error_set(err, UNROLL_BAD_INPUT, "these bytes are no place of a session");
  memcpy(&head, bytes, sizeof head);
  if (memcmp(head.magic, magic, sizeof magic) != 0)
    return error_set(err, UNROLL_BAD_INPUT, "these bytes are no place of a session");
  if (head.model != session_model_hash(&s->m->m))
    return error_set(err, UNROLL_BAD_INPUT, "these bytes are the place of a session of another model");
  if (head.rows != (uint64_t)s->rows)
    return error_set(err, UNROLL_BAD_INPUT, "these bytes are the place of a session of %llu rows, not %d",
                     (unsigned long long)head.rows, s->rows);
  const char *place = (const char *)bytes + sizeof head;
  if (head.size != size || head.hash != hash_bytes(0, place, size - sizeof head)) return damaged(err);
  const unroll_status status = take_place(s, place, size - sizeof head, err);
  if (status) return status;
  s->stale = s->looked = false;
  s->brought = true;
  return UNROLL_OK;
}

unroll_status unroll_session_clone(unroll_session **out, const unroll_session *s, unroll_error *err) {
  void *bytes = NULL;
  size_t size;
  if (!out) return api_null(err);
  *out = NULL;
  unroll_session *copy = NULL;
  unroll_status status = unroll_session_save(s, &bytes, &size, err);
  if (!status) status = unroll_session_new_rows(&copy, s->m, s->rows, err);
  if (!status) status = unroll_session_restore(copy, bytes, size, err);
  mem_free(bytes);
  if (status)
    unroll_session_free(copy);
  else
    *out = copy;
  return status;
}
