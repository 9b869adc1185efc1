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

static void walk_place(unroll_session *s, walk *w) {
  const size_t rows = (size_t)s->rows;
  part_of(w, s->made, rows * sizeof *s->made);
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    track *t = &s->tracks[i];
    const size_t cells = t->used ? rows * (size_t)(t->lags + 1) : 0;
    part_of(w, t->set, rows * sizeof *t->set);
    if (t->symbols) part_of(w, t->symbols, cells * sizeof *t->symbols);
    if (t->numbers) part_of(w, t->numbers, cells * (size_t)s->m->m.g.data[i].width * sizeof *t->numbers);
  }
  for (int i = 0; i < s->c.n_boundary; i++) {
    const int slot = s->c.boundary[i].slot;
    part_of(w, s->number[slot], rows * (size_t)s->c.decoder.inputs[slot].width * sizeof **s->number);
  }
  if (s->again) part_of(w, s->carry, s->states * sizeof *s->carry);
  part_of(w, s->args, s->args_size * sizeof *s->args);
  if (w->way == WRITE) run_carry_get(s->stepper, s->states_now);
  part_of(w, s->states_now, s->states * sizeof *s->states_now);
  if (w->way == READ) run_carry_set(s->stepper, s->states_now);
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

unroll_status unroll_session_restore(unroll_session *s, const void *bytes, size_t size, unroll_error *err) {
  place_head head;
  walk w = {.way = COUNT};
  if (!s || !bytes) return api_null(err);
  walk_place(s, &w);
  if (size < sizeof head) return error_set(err, UNROLL_BAD_INPUT, "these bytes are no place of a session");
  memcpy(&head, bytes, sizeof head);
  if (memcmp(head.magic, magic, sizeof magic) != 0)
    return error_set(err, UNROLL_BAD_INPUT, "these bytes are no place of a session");
  if (head.model != session_model_hash(&s->m->m))
    return error_set(err, UNROLL_BAD_INPUT, "these bytes are the place of a session of another model");
  if (head.rows != (uint64_t)s->rows)
    return error_set(err, UNROLL_BAD_INPUT, "these bytes are the place of a session of %llu rows, not %d",
                     (unsigned long long)head.rows, s->rows);
  if (head.size != size || size != sizeof head + w.size || head.hash != hash_bytes(0, (const char *)bytes + sizeof head, w.size))
    return error_set(err, UNROLL_BAD_INPUT, "the place of the session is damaged");
  char *copy = mem_alloc(w.size + 1);
  if (!copy) return error_memory(err);
  memcpy(copy, (const char *)bytes + sizeof head, w.size);
  w = (walk){.way = READ, .at = copy};
  walk_place(s, &w);
  mem_free(copy);
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
