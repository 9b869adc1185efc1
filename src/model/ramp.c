/* ramp.c - see ramp.h. */
#include "model/ramp.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"

static bool read_ramp(ramp *r, const char *s, size_t name) {
  if (name == 0 || !s[name]) return false;
  const char *from = s + name + 1;
  const size_t n = strcspn(from, ":");
  if (!from[n]) return false;
  const char *to = from + n + 1;
  const size_t m = strcspn(to, "@");
  if (text_number(from, n, &r->from) || text_number(to, m, &r->to) || !isfinite(r->from) || !isfinite(r->to)) return false;
  r->share = 1;
  return !to[m] || (!text_number(to + m + 1, strlen(to + m + 1), &r->share) && r->share > 0 && r->share <= 1);
}

static unroll_status parse_one(ramp *r, const char *s, arena *memory, unroll_error *err) {
  const size_t name = strcspn(s, "=");
  *r = (ramp){.text = arena_text(memory, s, strlen(s)), .name = arena_text(memory, s, name)};
  if (!r->text || !r->name) return error_memory(err);
  if (read_ramp(r, s, name)) return UNROLL_OK;
  return error_set(
      err, UNROLL_USAGE,
      "option 'ramp' takes NAME=FROM:TO or NAME=FROM:TO@SHARE, a share of training above 0 and at most 1, as in h.s=1:4@0.5, "
      "not '%s'",
      s);
}

unroll_status ramps_parse(ramp **out, const char *const *texts, int n, arena *memory, unroll_error *err) {
  ramp *list = arena_alloc(memory, (size_t)n + 1, sizeof *list);
  if (!list) return error_memory(err);
  for (int i = 0; i < n; i++) {
    const unroll_status status = parse_one(&list[i], texts[i], memory, err);
    if (status) return status;
    for (int k = 0; k < i; k++)
      if (!strcmp(list[k].name, list[i].name)) return error_set(err, UNROLL_USAGE, "two ramps for the setting '%s'", list[i].name);
  }
  *out = list;
  return UNROLL_OK;
}

double ramp_value(const ramp *r, int64_t step, int64_t total) {
  const double end = r->share * (double)total, along = end > 0 ? (double)step / end : 1;
  return along >= 1 ? r->to : r->from + (r->to - r->from) * along;
}
