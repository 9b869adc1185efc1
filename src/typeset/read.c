/* read.c - a line of exact notation -> tree. What binds: = and ~, then sums, products, signs, side by side, powers and indices. */
#include <ctype.h>
#include <string.h>
#include "typeset/typeset.h"

enum { MAX_NESTED = 200 };

typedef struct reader {
  const char *at, *end;
  arena *memory;
  int depth;
  bool failed;
} reader;

static const char derivative[] = "\xe2\x88\x82"; /* GRAPH_DERIVATIVE */

static term *sum(reader *r, bool inside);

static term *make(reader *r, enum term_kind kind, const char *s, int n) {
  term *x = arena_alloc(r->memory, 1, sizeof *x);
  if (!x) {
    r->failed = true;
    return NULL;
  }
  *x = (term){.kind = kind, .text = s, .n = n};
  return x;
}

static term *with(reader *r, enum term_kind kind, term *a, term *b) {
  term *x = a ? make(r, kind, NULL, 0) : NULL;
  if (!x) return NULL;
  x->first = a;
  a->next = b;
  return x;
}

static term *fail(reader *r) {
  r->failed = true;
  return NULL;
}

static void blanks(reader *r) {
  while (r->at < r->end && *r->at == ' ') r->at++;
}

/* Takes `s` if it is next, blanks before it left out. */
static bool take(reader *r, const char *s) {
  const char *before = r->at;
  const size_t n = strlen(s);
  blanks(r);
  if ((size_t)(r->end - r->at) >= n && !memcmp(r->at, s, n)) {
    r->at += n;
    return true;
  }
  r->at = before;
  return false;
}

static bool next_is(const reader *r, char c) { return r->at < r->end && *r->at == c; }

static bool of_name(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

static int name_length(const reader *r) {
  const char *s = r->at;
  if (s >= r->end || isdigit((unsigned char)*s) || !of_name(*s)) return 0;
  while (s < r->end && (of_name(*s) || (*s == '.' && s + 1 < r->end && of_name(s[1])))) s++;
  return (int)(s - r->at);
}

static term *range(reader *r) {
  term *from = NULL;
  blanks(r);
  if (!next_is(r, ':')) from = sum(r, false);
  if (r->failed) return NULL;
  if (!take(r, ":")) return from;
  term *x = make(r, TERM_RANGE, NULL, 0);
  if (!x || !from) return x;
  x->first = from;
  from->next = sum(r, false);
  return x;
}

/* What stands between commas up to `closing`: of a call, a list, an index. An argument may have a name. */
static void arguments(reader *r, term *parent, term *last, const char *closing) {
  if (take(r, closing)) return;
  do {
    term *x = range(r);
    if (x && take(r, "=")) x = with(r, TERM_EQUAL, x, sum(r, false));
    if (!x || r->failed) {
      r->failed = true;
      return;
    }
    if (last)
      last->next = x;
    else
      parent->first = x;
    last = x;
  } while (take(r, ","));
  if (!take(r, closing)) r->failed = true;
}

static term *number(reader *r) {
  const char *s = r->at;
  while (s < r->end && (isdigit((unsigned char)*s) || *s == '.' ||
                        (*s == 'e' && s + 1 < r->end && (isdigit((unsigned char)s[1]) || s[1] == '-' || s[1] == '+')) ||
                        ((*s == '-' || *s == '+') && s > r->at && s[-1] == 'e')))
    s++;
  term *x = make(r, TERM_NUMBER, r->at, (int)(s - r->at));
  r->at = s;
  return x;
}

static term *name(reader *r, int n) {
  const char *s = r->at;
  const int sign = (int)sizeof derivative - 1;
  if (n > sign && !memcmp(s, derivative, (size_t)sign)) {
    r->at += n;
    term *of = make(r, TERM_NAME, s + sign, n - sign);
    return with(r, TERM_DERIVATIVE, of, NULL);
  }
  r->at += n;
  if (!next_is(r, '(')) return make(r, TERM_NAME, s, n);
  term *x = make(r, TERM_CALL, s, n);
  r->at++;
  if (x) arguments(r, x, NULL, ")");
  return x;
}

static term *primary(reader *r) {
  blanks(r);
  if (r->at >= r->end || ++r->depth > MAX_NESTED) return fail(r);
  term *x = NULL;
  const int n = name_length(r);
  if (n) {
    x = name(r, n);
  } else if (take(r, "...")) {
    x = make(r, TERM_DOTS, NULL, 0);
  } else if (take(r, "(")) {
    x = with(r, TERM_GROUP, sum(r, false), NULL);
    if (!take(r, ")")) return fail(r);
  } else if (take(r, "[")) {
    x = make(r, TERM_LIST, NULL, 0);
    if (x) arguments(r, x, NULL, "]");
  } else if (isdigit((unsigned char)*r->at)) {
    x = number(r);
  }
  r->depth--;
  return x ? x : fail(r);
}

/* What binds to the right of a thing without a blank between. */
static term *postfix(reader *r) {
  term *x = primary(r);
  while (x && !r->failed) {
    if (next_is(r, '\'')) {
      r->at++;
      x = with(r, TERM_TRANSPOSE, x, NULL);
    } else if (next_is(r, '^')) {
      r->at++;
      const bool sign = take(r, "-");
      term *power = primary(r);
      x = with(r, TERM_POWER, x, sign ? with(r, TERM_NEGATE, power, NULL) : power);
    } else if (next_is(r, '[')) {
      r->at++;
      x = with(r, TERM_INDEX, x, NULL);
      if (x) arguments(r, x, x->first, "]");
    } else {
      break;
    }
  }
  return x;
}

/* W x: what follows a blank and begins a thing. */
static term *side_by_side(reader *r) {
  term *x = postfix(r);
  while (x && !r->failed && next_is(r, ' ')) {
    const char *s = r->at;
    while (s < r->end && *s == ' ') s++;
    if (s >= r->end || (!of_name(*s) && *s != '(' && *s != '[')) break;
    x = with(r, TERM_APPLY, x, postfix(r));
  }
  return x;
}

static term *sign(reader *r) {
  if (!take(r, "-")) return side_by_side(r);
  if (++r->depth > MAX_NESTED) return fail(r);
  term *x = with(r, TERM_NEGATE, sign(r), NULL);
  r->depth--;
  return x;
}

static term *product(reader *r) {
  term *x = sign(r);
  while (x && !r->failed) {
    if (take(r, "*")) {
      term *by = sign(r);
      if (by && by->kind == TERM_NUMBER && take(r, "/")) by = with(r, TERM_DIV, by, sign(r)); /* ... * 1/n */
      x = with(r, TERM_MUL, x, by);
    } else if (take(r, "/")) {
      x = with(r, TERM_DIV, x, sign(r));
    } else {
      break;
    }
  }
  return x;
}

/* "sum over t and positions of": what it goes over becomes the text. */
static const char *sum_over(reader *r, int *n) {
  const char *before = r->at;
  if (take(r, "sum over ")) {
    for (const char *s = r->at; s + 4 <= r->end && (isalpha((unsigned char)*s) || *s == ' '); s++) {
      if (memcmp(s, " of ", 4) != 0) continue;
      const char *over = r->at;
      *n = (int)(s - over);
      r->at = s + 4;
      return over;
    }
  }
  r->at = before;
  return NULL;
}

/* Inside a sum over something, a second such sum does not belong to it. */
static term *sum(reader *r, bool inside) {
  int n = 0;
  if (++r->depth > MAX_NESTED) return fail(r);
  const char *over = sum_over(r, &n);
  term *x = NULL;
  if (over) {
    x = make(r, TERM_SUM, over, n);
    if (x) x->first = sum(r, true);
  } else {
    x = product(r);
  }
  while (x && !r->failed) {
    const char *before = r->at;
    const bool plus = take(r, "+");
    if (!plus && !take(r, "-")) break;
    int length = 0;
    const char *here = r->at, *second = sum_over(r, &length);
    if (second && inside) {
      r->at = before;
      break;
    }
    r->at = here;
    x = with(r, plus ? TERM_ADD : TERM_SUB, x, second ? sum(r, true) : product(r));
  }
  r->depth--;
  return x;
}

term *typeset_read(const char *line, size_t length, arena *memory) {
  reader r = {.at = line, .end = line + length, .memory = memory};
  term *x = sum(&r, false);
  if (x && take(&r, "="))
    x = with(&r, TERM_EQUAL, x, sum(&r, false));
  else if (x && take(&r, "~"))
    x = with(&r, TERM_DRAWN, x, sum(&r, false));
  blanks(&r);
  return r.failed || r.at < r.end ? NULL : x;
}
