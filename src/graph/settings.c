/* settings.c - see settings.h. */
#include "graph/settings.h"
#include <string.h>
#include "base/error.h"

static bool is_word(const char *s, size_t n) {
  if (n == 0 || n > 63 || !((s[0] >= 'a' && s[0] <= 'z') || s[0] == '_')) return false;
  for (size_t i = 1; i < n; i++)
    if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_')) return false;
  return true;
}

/* "hidden", or "h.2.s" for the setting of a cell. */
static bool is_name(const char *s, size_t n) {
  if (n == 0 || n > 255 || s[0] < 'a' || s[0] > 'z' || s[n - 1] == '.') return false;
  for (size_t i = 0; i < n; i++)
    if (!(s[i] == '_' || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || (s[i] == '.' && s[i + 1] != '.')))
      return false;
  return true;
}

static unroll_status parse_one(setting *out, const char *s, arena *memory, unroll_error *err) {
  const char *equals = strchr(s, '=');
  if (!equals || !(is_word(s, (size_t)(equals - s)) || is_name(s, (size_t)(equals - s))))
    return error_set(err, UNROLL_USAGE, "a setting is NAME=VALUE, as in hidden=512, not '%s'", s);
  const char *value = equals + 1;
  *out = (setting){.name = arena_text(memory, s, (size_t)(equals - s))};
  if (!out->name) return error_memory(err);
  if (text_number(value, strlen(value), &out->number) == 0) return UNROLL_OK;
  if (!is_word(value, strlen(value)))
    return error_set(err, UNROLL_USAGE, "the value of the setting '%s' is neither a number nor a word of small letters: '%s'",
                     out->name, value);
  out->word = arena_text(memory, value, strlen(value));
  return out->word ? UNROLL_OK : error_memory(err);
}

unroll_status settings_parse(setting **out, int *n_out, const char *const *texts, int n, arena *memory, unroll_error *err) {
  setting *list = arena_alloc(memory, (size_t)n + 1, sizeof *list);
  if (!list) return error_memory(err);
  int count = 0;
  for (int i = 0; i < n; i++) {
    setting s;
    const unroll_status status = parse_one(&s, texts[i], memory, err);
    if (status) return status;
    int at = 0;
    while (at < count && strcmp(list[at].name, s.name) != 0) at++;
    list[at] = s;
    if (at == count) count++;
  }
  *out = list;
  *n_out = count;
  return UNROLL_OK;
}
