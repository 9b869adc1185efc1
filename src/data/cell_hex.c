/* cell_hex.c - bytes as pairs of hexadecimal digits, with white space between the pairs where one likes. A table can hold any bytes
 * so. */
#include "data/cell.h"
#include <string.h>
#include "base/text.h"

static int digit_of(const cell *c, size_t at) {
  static const char digits[] = "0123456789abcdefABCDEF";
  const char *found = at < c->size ? memchr(digits, c->text[at], sizeof digits - 1) : NULL;
  return !found ? -1 : found - digits < 16 ? (int)(found - digits) : (int)(found - digits) - 6;
}

static unroll_status add(const cell_place *p) {
  const cell *c = table_cell(p->t, p->row, p->columns[0]);
  unroll_status status = UNROLL_OK;
  for (size_t at = 0; at < c->size && !status; at++) {
    if (white_byte(c->text[at])) continue;
    const int high = digit_of(c, at), low = digit_of(c, at + 1), code = 16 * high + low;
    const char *wrong = high < 0 || low < 0              ? "a byte is two digits of 0 to 9 and a to f"
                        : code == END_CODE && p->v->ends ? "0a, a newline, in a text that ends with an end symbol"
                                                         : NULL;
    if (wrong) return table_bad(p->t, p->row, p->columns[0], at, p->err, "%s", wrong);
    status = cell_add_symbol(p, code);
    at++;
  }
  return status;
}

const cell_reader cell_hex = {.cell = add};
