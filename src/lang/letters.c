/* letters.c - which characters a name may have, and which of them are capitals.
 *
 * Fixed ranges of living alphabets, so that a program means the same whatever the locale and the C library. No combining marks, no
 * digits other than 0 to 9, no signs: two names that look alike are then nearly always equal. */
#include "lang/lex.h"

typedef struct range {
  uint32_t first, last;
} range;

static const range letters[] = {
    {'A', 'Z'},       {'a', 'z'},       {0x00C0, 0x00D6}, {0x00D8, 0x00F6}, {0x00F8, 0x024F}, /* Latin */
    {0x0386, 0x0386}, {0x0388, 0x03CE}, {0x03D0, 0x03FF},                                     /* Greek */
    {0x0400, 0x0481}, {0x048A, 0x052F}, {0x0561, 0x0587},                                     /* Cyrillic, Armenian */
    {0x05D0, 0x05EA}, {0x0620, 0x064A}, {0x0905, 0x0939},                                     /* Hebrew, Arabic, Devanagari */
    {0x0E01, 0x0E2E}, {0x10D0, 0x10FA}, {0x1E00, 0x1EFF},                                     /* Thai, Georgian, Latin with marks */
    {0x2113, 0x2113}, {0x3041, 0x3096}, {0x30A1, 0x30FA}, {0x4E00, 0x9FFF},                   /* script l, kana, Han */
    {0xAC00, 0xD7A3},                                                                         /* Hangul */
};

/* Alphabets whose capitals are a run ... */
static const range capitals[] = {
    {'A', 'Z'}, {0x00C0, 0x00DE}, {0x0386, 0x0386}, {0x0388, 0x038F}, {0x0391, 0x03AB}, {0x0400, 0x042F},
};

/* ... and those where capital and small letter alternate; the capitals are as the first one, even or odd. */
static const range alternating[] = {
    {0x0100, 0x0136}, {0x0139, 0x0147}, {0x014A, 0x0176}, {0x0179, 0x017D}, {0x01CD, 0x01DB}, {0x01DE, 0x01EE}, {0x01F8, 0x021E},
    {0x0222, 0x0232}, {0x0460, 0x0480}, {0x048A, 0x04BE}, {0x04D0, 0x052E}, {0x1E00, 0x1E94}, {0x1EA0, 0x1EFE},
};

static const range *find(const range *table, size_t n, uint32_t code) {
  for (size_t i = 0; i < n; i++)
    if (code >= table[i].first && code <= table[i].last) return &table[i];
  return NULL;
}

bool letter(uint32_t code) { return find(letters, sizeof letters / sizeof *letters, code) != NULL; }

bool letter_capital(uint32_t code) {
  if (!letter(code)) return false;
  if (find(capitals, sizeof capitals / sizeof *capitals, code)) return true;
  if (code == 0x0178) return true; /* Y with dots, whose small letter is far away */
  const range *pairs = find(alternating, sizeof alternating / sizeof *alternating, code);
  return pairs && (code - pairs->first) % 2 == 0;
}

bool digit(uint32_t code) { return code >= '0' && code <= '9'; }
