/* schedule.c - see schedule.h. */
#include "train/schedule.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"

static const struct {
  const char *name;
  enum schedule_kind kind;
  const char *args; /* what follows it, for messages */
  int least, most;
} kinds[] = {{"constant", SCHEDULE_CONSTANT, "", 0, 0},
             {"cosine", SCHEDULE_COSINE, "[:WARMUP_STEPS]", 0, 1},
             {"plateau", SCHEDULE_PLATEAU, "[:FACTOR:PATIENCE]", 0, 2},
             {"decay", SCHEDULE_DECAY, ":FACTOR:AFTER_EPOCH", 2, 2}};
enum { N_KINDS = sizeof kinds / sizeof *kinds, MAX_ARGS = 3 };

static unroll_status unknown(const char *name, unroll_error *err) {
  const char *names[N_KINDS];
  for (int i = 0; i < N_KINDS; i++) names[i] = kinds[i].name;
  const char *near = text_nearest(name, names, N_KINDS);
  return error_set(err, UNROLL_USAGE, "unknown schedule '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "; expected constant, cosine, plateau or decay");
}

static int is_count(double x) { return x >= 0 && x <= 1e15 && x == floor(x); }

static unroll_status set_args(schedule *s, int which, const double *args, int n, unroll_error *err) {
  bool good = n >= kinds[which].least && n <= kinds[which].most;
  switch (s->kind) {
  case SCHEDULE_CONSTANT:
    break;
  case SCHEDULE_COSINE:
    if (good && n > 0) {
      good = is_count(args[0]);
      s->warmup = good ? (int64_t)args[0] : 0;
    }
    break;
  case SCHEDULE_PLATEAU:
  case SCHEDULE_DECAY:
    if (good && n > 0) good = (s->factor = args[0]) > 0 && args[0] < 1;
    if (good && n > 1) {
      good = is_count(args[1]) && (s->kind == SCHEDULE_DECAY || args[1] >= 1);
      *(s->kind == SCHEDULE_DECAY ? &s->after : &s->patience) = good ? (int64_t)args[1] : 0;
    }
    break;
  }
  if (good) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "the schedule must be '%s%s', with factors between 0 and 1 and whole numbers",
                   kinds[which].name, kinds[which].args);
}

unroll_status schedule_parse(schedule *s, const char *source, unroll_error *err) {
  char name[32];
  double args[MAX_ARGS];
  int which = -1, n = 0;
  const char *rest = source + strcspn(source, ":");
  snprintf(name, sizeof name, "%.*s", (int)(rest - source < 31 ? rest - source : 31), source);
  for (int i = 0; i < N_KINDS; i++)
    if (!strcmp(kinds[i].name, name)) which = i;
  if (which < 0) return unknown(name, err);
  *s = (schedule){.kind = kinds[which].kind, .factor = 0.5, .warmup = -1, .patience = 1};
  while (*rest == ':' && n < MAX_ARGS) {
    const size_t length = strcspn(++rest, ":");
    if (text_number(rest, length, &args[n++])) return set_args(s, which, args, -1, err);
    rest += length;
  }
  return set_args(s, which, args, *rest ? -1 : n, err);
}

double schedule_rate(const schedule *s, double rate, int64_t step, int64_t total, int64_t epoch, int64_t lowered) {
  if (s->kind == SCHEDULE_COSINE) {
    const int64_t most = total / 20 < 1000 ? total / 20 : 1000, warmup = s->warmup >= 0 ? s->warmup : most;
    if (step < warmup) return rate * (double)(step + 1) / (double)(warmup + 1);
    const double along = total > warmup ? (double)(step - warmup) / (double)(total - warmup) : 1;
    return rate * 0.5 * (1 + cos(3.14159265358979323846 * (along < 1 ? along : 1)));
  }
  int64_t times = 0;
  if (s->kind == SCHEDULE_PLATEAU) times = lowered;
  if (s->kind == SCHEDULE_DECAY) times = epoch + 1 - s->after;
  for (; times > 0 && rate > 1e-300; times--) rate *= s->factor;
  return rate;
}
