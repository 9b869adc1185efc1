/* digits.c - numbers as printf's %.*g writes them, in whole numbers.
 *
 * Most numbers come from floats, and are neither small nor large. Their mantissa times 10^12 fits into 64 bits, and eight digits
 * become letters at once. Others take the longer way.
 *
 * A double is m * 2^e. With 10^k = 5^k * 2^k the number m * 5^k has at most 116 bits for k up to 27. So its digits before the
 * point, and what is left for rounding (to even), are exact. Other numbers, very small and very large ones, go to printf. */
#include <math.h>
#include <string.h>
#include "base/text.h"

__extension__ typedef unsigned __int128 wide;

enum { MOST_POWER = 27, MOST_DIGITS = 17, MANTISSA = 52 };

static uint64_t five_to(int n) {
  static const uint64_t small[14] = {1,     5,      25,      125,     625,      3125,      15625,
                                     78125, 390625, 1953125, 9765625, 48828125, 244140625, 1220703125};
  return n < 14 ? small[n] : small[13] * small[n < 27 ? n - 13 : 13] * (n < 27 ? 1 : 5);
}

/* x * 10^power, rounded to even; 0: it is not below 2^63. x is m * 2^e. */
static uint64_t scaled(uint64_t m, int e, int power) {
  const wide product = (wide)m * five_to(power);
  const int shift = -(e + power);
  if (shift <= 0) return shift > -64 && product >> (63 + shift) == 0 ? (uint64_t)(product << -shift) : 0;
  if (shift > 127) return 0;
  const wide whole = product >> shift, rest = product - (whole << shift), half = (wide)1 << (shift - 1);
  if (whole >> 63) return 0;
  return (uint64_t)whole + (rest > half || (rest == half && (whole & 1)));
}

static uint64_t ten_to(int n) { return five_to(n) << n; }

/* In the reverse order. Small numbers are divided as such, which is faster. */
static int decimals(char out[24], uint64_t x) {
  int n = 0;
  for (; x > UINT32_MAX; x /= 10) out[n++] = (char)('0' + x % 10);
  for (uint32_t few = (uint32_t)x; few; few /= 10) out[n++] = (char)('0' + few % 10);
  return n;
}

/* n digits as d.ddd * 10^exponent, without the zeros at their end. */
static void add_form(text *t, const char *reversed, int n, int digits, int exponent) {
  char out[48];
  int at = 0, skipped = 0;
  while (n - skipped > 1 && reversed[skipped] == '0') skipped++;
  const bool fixed = exponent >= -4 && exponent < digits;
  if (fixed && exponent < 0) {
    memcpy(out, "0.0000", 6);
    at = 1 - exponent;
  }
  for (int i = 0; i < n - skipped || (fixed && i <= exponent); i++) {
    if (fixed ? i == exponent + 1 && exponent >= 0 : i == 1) out[at++] = '.';
    out[at++] = reversed[n - 1 - i];
  }
  if (!fixed) {
    const int size = exponent < 0 ? -exponent : exponent; /* below 100, see MOST_POWER */
    out[at++] = 'e';
    out[at++] = exponent < 0 ? '-' : '+';
    out[at++] = (char)('0' + size / 10);
    out[at++] = (char)('0' + size % 10);
  }
  text_add(t, out, (size_t)at);
}

/* Eight digits as letters less '0', the first in the lowest byte: halves, quarters, eighths are divided side by side. */
static uint64_t eight_digits(uint32_t x) {
  const uint64_t four = x / 10000 | (uint64_t)(x % 10000) << 32;
  const uint64_t hundreds = (four * 5243 >> 19) & UINT64_C(0x7f0000007f), two = hundreds | (four - 100 * hundreds) << 16;
  const uint64_t tens = (two * 103 >> 10) & UINT64_C(0x000f000f000f000f);
  return tens | (two - 10 * tens) << 8;
}

enum { QUICK_LEAST = -4, QUICK_DIGITS = 9, QUICK_ROOM = 24 };

/* A number that a float holds, from 1e-4 on, with as many digits before the point as it shows. How many letters; 0: another number.
 * Some letters behind them are written too. */
static inline int quick(char out[QUICK_ROOM], double x, int digits) {
  static const double tens[] = {1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
  static const uint32_t fives[] = {1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625};
  static const uint32_t whole_tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
  const double size = fabs(x);
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (digits > QUICK_DIGITS || !(size >= tens[0] && size < tens[digits - QUICK_LEAST]) || bits & ((1u << 29) - 1)) return 0;
  const int two = (int)(bits >> MANTISSA & 0x7ff) - 1023; /* of 24 bits */
  const uint64_t m = (bits >> 29 & 0x7fffff) | 0x800000;
  int exponent = two * 315653 >> 20; /* as below, at most one too small */
  exponent += size >= tens[exponent + 1 - QUICK_LEAST];
  const int power = digits - 1 - exponent, shift = 23 - two - power;
  /* Half of what is left over is added without a branch, which would be foreseen half of the time. */
  const int right = shift > 0 ? shift : 0, left = right - shift;
  const uint64_t product = (m * fives[power]) << left, half = (UINT64_C(1) << right) >> 1;
  uint64_t number = product >> right;
  const uint64_t rest = product - (number << right);
  number += (uint64_t)(rest > half) | ((uint64_t)(rest == half) & number & (uint64_t)(right > 0));
  if (number >= whole_tens[digits]) return 0; /* rounded up to one digit more */
  const uint32_t nine = (uint32_t)number * whole_tens[QUICK_DIGITS - digits], first = nine / 100000000;
  const uint64_t eight = eight_digits(nine % 100000000);
  const uint64_t letters = eight + UINT64_C(0x3030303030303030);
  const int n = QUICK_DIGITS - (__builtin_clzll(eight | 1) + !eight) / 8; /* without the zeros at their end */
  const int sign = (int)(bits >> 63);
  out[0] = '-';
  out += sign;
  if (exponent < 0) {
    memcpy(out, "0.000", 5);
    out[1 - exponent] = (char)('0' + first);
    memcpy(out + 2 - exponent, &letters, 8);
    return sign + 1 - exponent + n;
  }
  char all[17] = {(char)('0' + first)};
  memcpy(all + 1, &letters, 8);
  memcpy(out, all, QUICK_DIGITS);
  if (n <= exponent + 1) return sign + exponent + 1;
  out[exponent + 1] = '.';
  memcpy(out + exponent + 2, all + exponent + 1, 8);
  return sign + n + 1;
}

void text_add_numbers(text *t, const double *x, size_t n, int digits, const char *between, const char *other) {
  const size_t gap = strlen(between);
  for (size_t i = 0; i < n; i++) {
    if (t->failed || (t->capacity - t->length <= gap + QUICK_ROOM && !text_room(t, gap + QUICK_ROOM))) return;
    char *to = t->data + t->length;
    memcpy(to, between, i ? gap : 0);
    to += i ? gap : 0;
    const int size = quick(to, x[i], digits);
    to += size;
    *to = 0;
    t->length = (size_t)(to - t->data);
    if (size) continue;
    if (other && !isfinite(x[i]))
      text_add(t, other, strlen(other));
    else
      text_add_digits(t, x[i], digits);
  }
}

void text_add_digits(text *t, double x, int digits) {
  char short_form[QUICK_ROOM];
  uint64_t bits;
  const int size = digits > 0 ? quick(short_form, x, digits) : 0;
  if (size) {
    text_add(t, short_form, (size_t)size);
    return;
  }
  memcpy(&bits, &x, sizeof bits);
  const int stored = (int)(bits >> MANTISSA & 0x7ff), e = stored - 1023 - MANTISSA;
  const uint64_t m = (bits & ((UINT64_C(1) << MANTISSA) - 1)) | UINT64_C(1) << MANTISSA;
  if (digits < 1 || digits > MOST_DIGITS || stored == 0 || stored == 0x7ff) {
    if (x == 0 && digits > 0)
      text_add(t, signbit(x) ? "-0" : "0", signbit(x) ? 2 : 1);
    else
      text_format(t, "%.*g", digits, x);
    return;
  }
  /* The exponent of ten is found from that of two, at most one too small. */
  int exponent = (stored - 1023) * 315653 >> 20; /* 2^20 times log10(2), a little more */
  uint64_t number = 0;
  for (int tries = 0; tries < 2 && !number; tries++) {
    const int power = digits - 1 - exponent;
    if (power < 0 || power > MOST_POWER) break;
    number = scaled(m, e, power);
    if (number >= ten_to(digits)) number = 0, exponent++; /* too small, or rounded up to one digit more */
  }
  if (!number) {
    text_format(t, "%.*g", digits, x);
    return;
  }
  char reversed[24];
  const int n = decimals(reversed, number);
  if (x < 0) text_add(t, "-", 1);
  add_form(t, reversed, n, digits, exponent);
}

void text_add_whole(text *t, int64_t x) {
  char reversed[24], out[24];
  const int n = decimals(reversed, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
  int at = 0;
  if (x < 0) out[at++] = '-';
  if (!n) out[at++] = '0';
  for (int i = n; i-- > 0;) out[at++] = reversed[i];
  text_add(t, out, (size_t)at);
}
