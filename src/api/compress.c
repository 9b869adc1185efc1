/* compress.c - behind unroll.h: texts as short as the model's predictions make them, and back.
 *
 * Head: 8 letters; 8 bytes each, the low one first: which model, length of the text, hash of the text. Then what a range coder
 * (io/range.h) makes of it. A symbol costs what the model says it costs. What the model has no symbol for costs a mark, of little
 * probability, and a byte as it is. Prices are whole numbers, made from the model's logits by additions, products and quotients of
 * doubles alone: they are the same on every machine. */
#include "api/options.h"
#include "api/session.h"
#include "base/hash.h"
#include "base/memory.h"
#include "io/range.h"
#include "symbols/bpe.h"
#include "symbols/words.h"

enum { HEAD = 32, MARK = 256 /* of RANGE_TOTAL, at least */, BYTE_SHIFT = 22 /* 256 bytes make RANGE_TOTAL */, LOOK = 1024 };
static const char magic[8] = "unrollz1";

typedef struct press {
  const unroll_model *m;
  unroll_session *s;
  const vocabulary *v;
  uint32_t *parts; /* [n + 1] of each symbol, and of the mark */
  double *shares;  /* [n] */
  bool begins;     /* bpe: a line begins, whose first symbol has a space that is not in the text */
  volatile sig_atomic_t *stop;
  int64_t steps;
} press;

static void press_free(press *p) {
  unroll_session_free(p->s);
  mem_free(p->parts);
  mem_free(p->shares);
}

static unroll_status press_make(press *p, const unroll_model *m, const unroll_options *o, uint32_t command, unroll_error *err) {
  call_options given;
  *p = (press){.m = m, .stop = o ? o->stop : NULL};
  unroll_status status = call_take(&given, o, command, err);
  if (status) return status;
  p->v = &m->m.schema.list[0].words;
  p->begins = p->v->unit == UNIT_BPE;
  const bool fits = schema_is_text(&m->m.schema) && p->v->unit != UNIT_WORDS;
  if (fits) status = unroll_session_new(&p->s, m, err);
  if (status) return status;
  if (!fits || !session_is_text(p->s))
    return error_set(err, UNROLL_USAGE, "only a model that predicts one text, of chars, bytes or bpe, can compress");
  p->parts = mem_zero((size_t)p->v->n + 1, sizeof *p->parts);
  p->shares = mem_zero((size_t)p->v->n, sizeof *p->shares);
  return p->parts && p->shares ? UNROLL_OK : error_memory(err);
}

/* 2^x for x <= 0, to 1e-11 of it, by IEEE additions and products alone: library functions differ between machines. */
static double power_of_two(double x) {
  static const double c[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                             1.0 / 120,       1.0 / 24,       1.0 / 6,       1.0 / 2,      1,           1};
  if (!(x > -60)) return 0;
  int whole = (int)x;
  const double f = (x - whole) * 0.6931471805599453;
  double y = 0;
  for (size_t i = 0; i < sizeof c / sizeof *c; i++) y = y * f + c[i]; /* the series of e^f */
  for (; whole < 0; whole++) y *= 0.5;
  return y;
}

/* The part of each symbol that may come next: at least 1, for whatever the model says, it may come. */
static unroll_status find_parts(press *p, unroll_error *err) {
  const int n = p->v->n;
  const float *x = session_prediction(p->s, 0, 0).args[0];
  double largest = (double)x[0], sum = 0;
  for (int i = 0; i < n; i++) {
    if (!(x[i] - x[i] == 0)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
    largest = (double)x[i] > largest ? (double)x[i] : largest;
  }
  for (int i = 0; i < n; i++) sum += p->shares[i] = power_of_two(((double)x[i] - largest) * 1.4426950408889634);
  const double left = RANGE_TOTAL - MARK - (double)n;
  uint32_t rest = RANGE_TOTAL;
  for (int i = 0; i < n; i++) rest -= p->parts[i] = 1 + (uint32_t)(p->shares[i] / sum * left);
  p->parts[n] = rest;
  return UNROLL_OK;
}

static unroll_status take_step(press *p, int symbol, unroll_error *err) {
  if (p->stop && p->steps++ % LOOK == 0 && *p->stop) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
  if (symbol == p->v->end) {
    unroll_session_reset(p->s); /* the next line begins as each does */
    return UNROLL_OK;
  }
  return unroll_session_feed(p->s, symbol, err);
}

/* The symbol of which the text that follows is made, byte for byte, and how many bytes it is; n, the mark: there is none. */
static int next_symbol(const press *p, const char *at, size_t left, size_t *taken) {
  if (p->v->end >= 0 && *at == '\n') {
    *taken = 1;
    return p->v->end;
  }
  const int found = unroll_model_find(p->m, at, left, taken);
  const symbol_texts *texts = p->m->symbols;
  if (found >= 0 && texts->lengths[found] == *taken && !memcmp(texts->texts[found], at, *taken)) return found;
  *taken = 1;
  return p->v->n;
}

/* A symbol, at its price. */
static unroll_status put_symbol(press *p, range_encoder *e, int symbol, unroll_error *err) {
  uint32_t start = 0;
  const unroll_status status = find_parts(p, err);
  if (status) return status;
  for (int i = 0; i < symbol; i++) start += p->parts[i];
  range_put(e, start, p->parts[symbol]);
  return e->out->failed ? error_memory(err) : UNROLL_OK;
}

typedef struct chunks { /* of bpe, on their way into the encoder */
  press *p;
  range_encoder *e;
  unroll_error *err;
  unroll_status status;
} chunks;

static bool put_chunk(void *context, const char *s, size_t size) {
  chunks *c = context;
  int32_t out[BPE_CHUNK];
  const bool ends = size == 1 && *s == '\n' && c->p->v->end >= 0;
  const int n = ends ? 1 : bpe_encode(c->p->v, s, size, out);
  if (ends) *out = c->p->v->end;
  for (int i = 0; i < n && !c->status; i++) {
    c->status = put_symbol(c->p, c->e, out[i], c->err);
    if (!c->status) c->status = take_step(c->p, out[i], c->err);
  }
  return !c->status;
}

static unroll_status press_text(press *p, range_encoder *e, const char *bytes, size_t size, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  if (p->v->unit == UNIT_BPE) { /* as it is: `lower` and `nfc` would lose something */
    chunks c = {p, e, err, UNROLL_OK};
    data_form form = p->m->m.schema.list[0].form;
    form.lower = form.nfc = false;
    if (!words_each(&form, bytes, size, put_chunk, &c) && !c.status) return error_memory(err);
    return c.status;
  }
  for (size_t at = 0, taken; at < size && !status; at += taken) {
    const int symbol = next_symbol(p, bytes + at, size - at, &taken);
    status = put_symbol(p, e, symbol, err);
    if (!status && symbol == p->v->n)
      range_put(e, (uint32_t)(unsigned char)bytes[at] << BYTE_SHIFT, (uint32_t)1 << BYTE_SHIFT);
    else if (!status)
      status = take_step(p, symbol, err);
  }
  return status || !e->out->failed ? status : error_memory(err);
}

static void put_word(char *to, uint64_t x) {
  x = htole64(x);
  memcpy(to, &x, sizeof x);
}

static uint64_t get_word(const char *from) {
  uint64_t x;
  memcpy(&x, from, sizeof x);
  return le64toh(x);
}

unroll_status unroll_compress(const unroll_model *m, const void *bytes, size_t size, const unroll_options *o, void **out,
                              size_t *out_size, unroll_error *err) {
  press p;
  text t = {0};
  range_encoder e;
  char head[HEAD];
  if (!out || !out_size) return api_null(err);
  *out = NULL;
  if (!m || (!bytes && size)) return api_null(err);
  unroll_status status = press_make(&p, m, o, IN(compress), err);
  memcpy(head, magic, sizeof magic);
  put_word(head + 8, session_model_hash(&m->m));
  put_word(head + 16, size);
  put_word(head + 24, hash_bytes(0, size ? bytes : "", size));
  text_add(&t, head, sizeof head);
  range_begin(&e, &t);
  if (!status) status = press_text(&p, &e, bytes, size, err);
  if (!status) range_end(&e);
  if (!status && t.failed) status = error_memory(err);
  press_free(&p);
  if (status) {
    text_free(&t);
    return status;
  }
  *out = t.data;
  *out_size = t.length;
  return UNROLL_OK;
}

/* What a symbol stands for. */
static void add_symbol(press *p, int symbol, text *t) {
  const symbol_texts *texts = p->m->symbols;
  const bool ends = symbol == p->v->end;
  const char *s = ends ? "\n" : texts->texts[symbol];
  const size_t size = ends ? 1 : texts->lengths[symbol], skip = p->begins && *s == ' ';
  text_add(t, s + skip, size - skip);
  if (p->v->unit == UNIT_BPE) p->begins = s[size - 1] == '\n';
}

static unroll_status expand_text(press *p, range_decoder *d, text *t, uint64_t size, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  while (t->length < size && !status && !d->damaged && !t->failed) {
    uint32_t start = 0;
    int symbol = 0;
    status = find_parts(p, err);
    if (status) return status;
    const uint32_t at = range_get(d);
    while (symbol < p->v->n && at - start >= p->parts[symbol]) start += p->parts[symbol++];
    range_take(d, start, p->parts[symbol]);
    if (symbol == p->v->n) {
      const uint32_t code = range_get(d) >> BYTE_SHIFT;
      const char byte = (char)(unsigned char)code;
      range_take(d, code << BYTE_SHIFT, (uint32_t)1 << BYTE_SHIFT);
      text_add(t, &byte, 1);
      continue;
    }
    add_symbol(p, symbol, t);
    status = take_step(p, symbol, err);
  }
  return status || !t->failed ? status : error_memory(err);
}

unroll_status unroll_expand(const unroll_model *m, const void *bytes, size_t size, const unroll_options *o, void **out,
                            size_t *out_size, unroll_error *err) {
  press p;
  text t = {0};
  range_decoder d;
  if (!out || !out_size) return api_null(err);
  *out = NULL;
  if (!m || !bytes) return api_null(err);
  const char *head = bytes;
  if (size < HEAD || memcmp(head, magic, sizeof magic) != 0)
    return error_set(err, UNROLL_BAD_INPUT, "this was not written by 'unroll compress'");
  if (get_word(head + 8) != session_model_hash(&m->m))
    return error_set(err, UNROLL_BAD_INPUT, "this was compressed with another model");
  unroll_status status = press_make(&p, m, o, IN(expand), err);
  const uint64_t length = get_word(head + 16);
  text_add(&t, "", 0);
  range_open(&d, head + HEAD, size - HEAD);
  if (!status) status = expand_text(&p, &d, &t, length, err);
  press_free(&p);
  if (!status && t.failed) status = error_memory(err);
  if (!status && (!range_all(&d) || t.length != length || hash_bytes(0, t.data, t.length) != get_word(head + 24)))
    status = error_set(err, UNROLL_BAD_INPUT, "damaged: byte %zu of the text or before it is not what was compressed", t.length);
  if (status) {
    text_free(&t);
    return status;
  }
  *out = t.data;
  *out_size = t.length;
  return UNROLL_OK;
}
