/* figures.c - see figures.h. */
#include "metrics/figures.h"
#include <math.h>
#include <string.h>

void figures_free(figures *f) {
  mem_free(f->list);
  mem_free(f->subjects);
  arena_free(&f->memory);
  *f = (figures){0};
}

/* Room for one more of n elements. */
static bool grow(figures *f, void **items, int n, int *room, size_t size) {
  if (f->failed || n < *room) return !f->failed;
  const int more = *room ? 2 * *room : 32;
  void *bigger = mem_resize(*items, (size_t)more * size);
  f->failed = !bigger;
  if (f->failed) return false;
  *items = bigger;
  *room = more;
  return true;
}

static int add_subject(figures *f, subject s) {
  s.at = f->n;
  if (!f->n_subjects && s.parent >= 0) add_subject(f, (subject){.kind = SUBJECT_PART, .parent = -1});
  if (!grow(f, (void **)&f->subjects, f->n_subjects, &f->subject_room, sizeof *f->subjects)) return 0;
  f->subjects[f->n_subjects] = s;
  return f->n_subjects++;
}

int figures_part(figures *f, int of, const char *name) {
  return add_subject(f, (subject){.kind = SUBJECT_PART, .parent = of, .name = name});
}

int figures_list(figures *f, int of, const char *name) {
  return add_subject(f, (subject){.kind = SUBJECT_LIST, .parent = of, .name = name});
}

int figures_element(figures *f, int list, const char *name, const char *label, size_t size) {
  const char *copy = f->failed ? NULL : arena_text(&f->memory, label, size);
  f->failed |= !copy;
  return add_subject(f, (subject){.kind = SUBJECT_ELEMENT, .parent = list, .name = name, .label = copy, .size = size});
}

void figures_add(figures *f, int of, const char *name, enum figure_unit unit, double value) {
  if (!f->n_subjects) add_subject(f, (subject){.kind = SUBJECT_PART, .parent = -1});
  if (!grow(f, (void **)&f->list, f->n, &f->room, sizeof *f->list)) return;
  f->list[f->n++] = (figure){.name = name, .unit = unit, .value = value, .of = of};
}

const char *figures_name(figures *f, const char *name) {
  const char *copy = f->failed ? NULL : arena_text(&f->memory, name, strlen(name));
  f->failed |= !copy;
  return copy ? copy : "";
}

void figures_add_word(figures *f, int of, const char *name, const char *word) {
  const char *copy = figures_name(f, word);
  figures_add(f, of, name, FIGURE_WORD, (double)NAN);
  if (!f->failed) f->list[f->n - 1].word = copy;
}

const figure *figures_find(const figures *f, int of, const char *name) {
  for (int i = 0; i < f->n; i++)
    if (f->list[i].of == of && !strcmp(f->list[i].name, name)) return &f->list[i];
  return NULL;
}

int figures_find_part(const figures *f, int of, const char *name) {
  for (int i = 0; i < f->n_subjects; i++) {
    const subject *s = &f->subjects[i];
    if (s->parent == of && s->kind != SUBJECT_ELEMENT && !strcmp(s->name, name)) return i;
  }
  return -1;
}

double figures_value(const figures *f, int of, const char *name) {
  const figure *x = figures_find(f, of, name);
  return x ? x->value : (double)NAN;
}
