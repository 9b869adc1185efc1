/* task.c - made-up sequences, each a pure function of (seed, its number).
 *
 * adding      Hochreiter & Schmidhuber 1997, as in Le et al. 2015: at each step a number in [0, 1) and a mark; two steps are
 * marked, one in each half; y is the sum of their numbers. Always saying 1 has the squared error 1/6. copy        Hochreiter &
 * Schmidhuber 1997, as in Arjovsky et al. 2016: 10 symbols of 8, a wait, a signal, the 10 symbols again. arithmetic  Zaremba &
 * Sutskever 2014, Jozefowicz et al. 2015: a sum or difference with distracting letters, and its value. xml         Jozefowicz et
 * al. 2015: nested tags with random names. Numbers are written from integers, so they are exact and no locale matters. */
#include "data/task.h"
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include "data/dice.h"

enum { COPIED = 10, MAX_DIGITS = 8, XML_ITERATIONS = 50, XML_NAME = 10, PARTS = 1000000 };

static bool coin(dice *d) { return dice_below(d, 2) != 0; }
static void add_letter(dice *d, text *out) { text_add(out, &"abcdefghijklmnopqrstuvwxyz"[dice_below(d, 26)], 1); }

/* A line a step: id, x1, x2, y. */
static void adding(uint64_t seed, int64_t number, int length, text *out) {
  dice d = {seed, number, 0};
  const int half = length / 2;
  const int mark[2] = {(int)dice_below(&d, (uint32_t)half), half + (int)dice_below(&d, (uint32_t)(length - half))};
  const dice start = d;
  uint32_t sum = 0;
  for (int t = 0; t < length; t++) {
    const uint32_t x = dice_below(&d, PARTS);
    if (t == mark[0] || t == mark[1]) sum += x;
  }
  d = start;
  for (int t = 0; t < length; t++)
    text_format(out, "%" PRId64 ",0.%06" PRIu32 ",%d,%" PRIu32 ".%06" PRIu32 "\n", number, dice_below(&d, PARTS),
                t == mark[0] || t == mark[1], sum / PARTS, sum % PARTS);
}

/* A line: 10 letters of a to h, length - 1 dots, a bar, the same 10 letters. */
static void copy(uint64_t seed, int64_t number, int length, text *out) {
  dice d = {seed, number, 0};
  char symbols[COPIED];
  for (int i = 0; i < COPIED; i++) symbols[i] = (char)('a' + dice_below(&d, 8));
  text_add(out, symbols, COPIED);
  for (int t = 1; t < length; t++) text_add(out, ".", 1);
  text_add(out, "|", 1);
  text_add(out, symbols, COPIED);
  text_add(out, "\n", 1);
}

/* Of 1 to 8 digits, without a zero in front, and with either sign. */
static int64_t signed_number(dice *d) {
  const int digits = 1 + (int)dice_below(d, MAX_DIGITS);
  int64_t n = digits == 1 ? dice_below(d, 10) : 1 + dice_below(d, 9);
  for (int i = 1; i < digits; i++) n = 10 * n + dice_below(d, 10);
  return n > 0 && coin(d) ? -n : n;
}

/* a+b= or a-b=, with letters after each character: none with probability 1/2, one with 1/4 ... The answer and a full stop. */
static void arithmetic(uint64_t seed, int64_t number, int length, text *out) {
  dice d = {seed, number, 0};
  text plain = {0};
  (void)length;
  const int64_t a = signed_number(&d), b = signed_number(&d);
  const bool minus = coin(&d);
  text_format(&plain, "%" PRId64 "%c%" PRId64, a, minus ? '-' : '+', b);
  for (size_t i = 0; i < plain.length; i++) {
    text_add(out, plain.data + i, 1);
    while (coin(&d)) add_letter(&d, out);
  }
  text_format(out, "=%" PRId64 ".", minus ? a - b : a + b);
  out->failed |= plain.failed;
  text_free(&plain);
}

/* With probability one half, or after 50 iterations, closes the last tag, or stops if none is open. Else opens a tag of 2 to 10
 * letters. A text that stops at once is drawn again: it has no characters. */
static void xml(uint64_t seed, int64_t number, int length, text *out) {
  dice d = {seed, number, 0};
  char names[XML_ITERATIONS][XML_NAME + 1];
  int open = 0;
  bool begun = false;
  (void)length;
  for (int i = 0;; i++) {
    if (i >= XML_ITERATIONS || coin(&d)) {
      if (!open && begun) return;
      if (open) text_format(out, "</%s>", names[--open]);
      if (!begun) i = -1;
      continue;
    }
    const int letters = 2 + (int)dice_below(&d, XML_NAME - 1);
    for (int k = 0; k < letters; k++) names[open][k] = (char)('a' + dice_below(&d, 26));
    names[open][letters] = 0;
    text_format(out, "<%s>", names[open++]);
    begun = true;
  }
}

const task tasks[] = {
    {"adding", "a table id,x1,x2,y: which two numbers are marked, and what is their sum?", 200, 2, "id,x1,x2,y\n", adding},
    {"copy", "a line each: 10 symbols, a wait of option 'length', a signal, the same symbols", 100, 1, "", copy},
    {"arithmetic", "a stream: sums and differences between distracting letters, and their values", 0, 0, "", arithmetic},
    {"xml", "a stream: nested tags with random names", 0, 0, "", xml},
    {"track", "a table film, shown, box: films of option 'length' frames, and where what the first box shows is", 16, 2,
     "film\tshown\tbox\n", task_track},
    {0},
};

const task *task_find(const char *name) {
  for (const task *t = tasks; t->name; t++)
    if (!strcmp(t->name, name)) return t;
  return NULL;
}

void task_sequence(const task *t, uint64_t seed, int64_t number, int length, text *out) { t->sequence(seed, number, length, out); }
