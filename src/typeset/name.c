/* name.c - a name of a net in the parts that a page sets it in. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "typeset/typeset.h"

static const struct {
  const char *name, *letter;
} greek[] = {{"alpha", "α"}, {"beta", "β"},  {"gamma", "γ"},  {"delta", "δ"},  {"epsilon", "ϵ"}, {"zeta", "ζ"}, {"eta", "η"},
             {"theta", "θ"}, {"kappa", "κ"}, {"lambda", "λ"}, {"mu", "μ"},     {"nu", "ν"},      {"xi", "ξ"},   {"pi", "π"},
             {"rho", "ρ"},   {"sigma", "σ"}, {"tau", "τ"},    {"phi", "ϕ"},    {"chi", "χ"},     {"psi", "ψ"},  {"omega", "ω"},
             {"Gamma", "Γ"}, {"Delta", "Δ"}, {"Theta", "Θ"},  {"Lambda", "Λ"}, {"Phi", "Φ"},     {"Psi", "Ψ"},  {"Omega", "Ω"}};

const char *typeset_letter(const char *name) {
  for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
    if (!strcmp(greek[i].name, name)) return greek[i].letter;
  return name;
}

static void copy(char to[64], const char *s, int n) { snprintf(to, 64, "%.*s", n < 0 ? 0 : n, s); }

/* Wi, Whh, bf, bhh: a matrix or a bias with the names of what it joins. */
static bool is_indexed(const char *s, int n) {
  if (n < 2 || n > 3 || !islower((unsigned char)s[n - 1])) return false;
  return isupper((unsigned char)*s) || (*s == 'b' && (n == 2 || s[1] == s[2]));
}

void typeset_name(const char *name, int n, name_parts *out) {
  *out = (name_parts){{0}, {0}, {0}, NULL};
  const char *s = name, *end = name + n;
  for (const char *c = name; c < end; c++)
    if (*c == '.') s = c + 1;
  if (s > name) copy(out->above, name, (int)(s - name) - 1);
  const int length = (int)(end - s);
  const char *bar = memchr(s, '_', (size_t)length);
  int base = length, skip = 0;
  if (bar && bar > s && bar + 1 < end) {
    base = (int)(bar - s);
    skip = 1;
  } else if (is_indexed(s, length)) {
    base = 1;
  } else {
    while (base > 1 && isdigit((unsigned char)s[base - 1])) base--;
  }
  copy(out->base, s, base);
  copy(out->below, s + base + skip, length - base - skip);
  for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
    if (!strcmp(greek[i].name, out->base)) out->greek = greek[i].name;
}
