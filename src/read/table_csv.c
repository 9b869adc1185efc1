/* table_csv.c - tables with a separator between fields. Each file is scanned twice: the first time everything is checked and
 * counted, so that the second one can take memory once and cannot fail. Cells point into the file's bytes, except those with
 * doubled quotes. libcsv would read the same but does not say where in the file a field or an error is. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "read/table_form.h"

typedef struct scanner {
  const input_file *f;
  char separator;
  bool returns; /* lines end with \r alone, as on old Macs */
  bool mend;    /* and become ones that end with \n, for messages */
  size_t at;
  int64_t line;
} scanner;

typedef struct field {
  size_t begin, end; /* without the quotes around it */
  size_t doubled;    /* quotes in it that are written twice */
  bool last;         /* of its row */
} field;

typedef struct row_info {
  size_t begin;
  int32_t fields, problem; /* TABLE_AFTER_QUOTE or 0 */
  size_t place;            /* of the problem, or of the first field too many */
  size_t unquoted;         /* bytes of fields with doubled quotes */
} row_info;

static unroll_status bad(const input_file *f, size_t at, unroll_error *err, const char *what) {
  return input_bad_at(f->name, f->data, f->size, at, err, "%s", what);
}

static bool ends_line(const scanner *s, size_t at) {
  const input_file *f = s->f;
  if (at == f->size || f->data[at] == '\n') return true;
  return f->data[at] == '\r' && (at + 1 == f->size || f->data[at + 1] == '\n' || s->returns);
}

/* Nothing but empty lines from here on? */
static bool at_end(const scanner *s) {
  size_t i = s->at;
  while (i < s->f->size && (s->f->data[i] == '\n' || s->f->data[i] == '\r')) i++;
  return i == s->f->size;
}

static void end_field(scanner *s, field *f) {
  f->last = ends_line(s, s->at);
  if (s->at < s->f->size && s->f->data[s->at] == '\r' && f->last) {
    if (s->mend) s->f->data[s->at] = '\n';
    s->at += s->at + 1 < s->f->size && s->f->data[s->at + 1] == '\n' && !s->mend;
  }
  if (s->at < s->f->size) s->at++; /* separator or newline */
  s->line += f->last;
}

/* *closed = false: text follows behind the quote that closes the field. */
static unroll_status quoted_field(scanner *s, field *f, bool *closed, unroll_error *err) {
  const size_t opened = s->at++;
  f->begin = s->at;
  for (;; s->at++) {
    if (s->at == s->f->size) return bad(s->f, opened, err, "a quote is opened here and never closed");
    s->line += s->f->data[s->at] == '\n';
    if (s->f->data[s->at] != '"') continue;
    if (s->at + 1 == s->f->size || s->f->data[s->at + 1] != '"') break;
    f->doubled++;
    s->at++;
  }
  f->end = s->at++;
  *closed = ends_line(s, s->at) || s->f->data[s->at] == s->separator;
  if (*closed) end_field(s, f);
  return UNROLL_OK;
}

static unroll_status next_field(scanner *s, field *f, bool *closed, unroll_error *err) {
  *f = (field){.begin = s->at};
  *closed = true;
  if (s->at < s->f->size && s->f->data[s->at] == '"') return quoted_field(s, f, closed, err);
  while (!ends_line(s, s->at) && s->f->data[s->at] != s->separator) s->at++;
  f->end = s->at;
  end_field(s, f);
  return UNROLL_OK;
}

static const char *unquote(const input_file *file, const field *f, char **at) {
  const char *begin = *at;
  for (size_t i = f->begin; i < f->end; i++) {
    *(*at)++ = file->data[i];
    i += file->data[i] == '"';
  }
  return begin;
}

/* A row: what there is to say about it, and its first `most` fields into `out`, if that is not NULL. */
static unroll_status next_row(scanner *s, int most, cell *out, char **unquoted, row_info *r, unroll_error *err) {
  field f;
  *r = (row_info){.begin = s->at, .place = s->at};
  do {
    const size_t at = s->at;
    bool closed;
    const unroll_status status = next_field(s, &f, &closed, err);
    if (status) return status;
    if (!closed) { /* the row ends where its line does */
      r->problem = TABLE_AFTER_QUOTE;
      r->place = s->at;
      while (!ends_line(s, s->at)) s->at++;
      end_field(s, &f);
      return UNROLL_OK;
    }
    if (most && r->fields == most) r->place = at;
    if (f.doubled) r->unquoted += f.end - f.begin - f.doubled;
    if (out && r->fields < most) {
      out[r->fields] = (cell){.text = s->f->data + f.begin, .size = f.end - f.begin - f.doubled, .at = f.begin};
      if (f.doubled) out[r->fields].text = unquote(s->f, &f, unquoted);
    }
    if (r->fields++ == TABLE_MAX_COLUMNS) return bad(s->f, at, err, "too many columns");
  } while (!f.last);
  return UNROLL_OK;
}

/* --- what the file looks like --- */

static bool ends_in(const input_file *f, const char *ending) {
  const size_t n = unpack_name(f->name), k = strlen(ending);
  return n >= k && !memcmp(f->name + n - k, ending, k);
}

/* How many fields the first two rows have. */
static void look(scanner s, char separator, int fields[2]) {
  row_info r;
  s.separator = separator;
  for (int i = 0; i < 2; i++) fields[i] = !at_end(&s) && !next_row(&s, 0, NULL, NULL, &r, NULL) && !r.problem ? r.fields : 0;
}

/* By the name of the file. Else the first separator by which the names are several and as many as the fields of the next row.
 * Else the first that is between names at all. */
static char separator_of(const scanner *s) {
  const char *order = ends_in(s->f, ".csv") ? ",;\t|" : "\t,;|";
  char found = 0;
  if (ends_in(s->f, ".tsv") || ends_in(s->f, ".tab")) return '\t';
  for (const char *c = order; *c; c++) {
    int fields[2];
    look(*s, *c, fields);
    if (fields[0] > 1 && fields[0] == fields[1]) return *c;
    if (fields[0] > 1 && !found) found = *c;
  }
  return found ? found : ',';
}

/* A first line "sep=;", which Excel writes and reads. */
static bool names_separator(scanner *s) {
  const char *at = s->f->data + s->at;
  const size_t left = s->f->size - s->at;
  if (left < 6 || memcmp(at, "sep=", 4) || !ends_line(s, s->at + 5)) return false;
  s->separator = at[4];
  s->at += 5 + (at[5] == '\r') + (left > 6 && at[5] == '\r' && at[6] == '\n') + (at[5] == '\n');
  s->line = 2;
  return true;
}

static scanner begin(const input_file *f, const table_options *o) {
  scanner s = {.f = f, .at = text_begin(f), .line = 1};
  row_info r;
  scanner first = s;
  first.returns = true;
  first.separator = o->separator ? o->separator : ',';
  const bool closed = !next_row(&first, 0, NULL, NULL, &r, NULL);
  s.returns = s.mend = closed && first.at < f->size && f->data[first.at - 1] == '\r';
  if (!names_separator(&s) || o->separator) s.separator = o->separator ? o->separator : separator_of(&s);
  return s;
}

/* Counts rows, columns and bytes of fields with doubled quotes. */
static unroll_status measure(table *t, int i, const table_options *o, size_t *unquoted, unroll_error *err) {
  const input_file *f = &t->files.files[i];
  scanner s = begin(f, o);
  row_info r;
  unroll_status status = text_of_table(f, s.at, err);
  if (status) return status;
  status = next_row(&s, 0, NULL, NULL, &r, err);
  if (!status && r.problem) status = bad(f, r.place, err, table_problem(r.problem));
  if (status) return status;
  if (i == 0) t->n_columns = r.fields;
  *unquoted += r.unquoted;
  t->first_row[i] = t->n_rows + 1;
  for (; !at_end(&s); t->n_rows++) {
    if ((status = next_row(&s, t->n_columns, NULL, NULL, &r, err))) return status;
    *unquoted += r.unquoted;
  }
  t->first_row[i + 1] = t->n_rows + 1;
  if (t->first_row[i] > t->n_rows)
    return error_at(err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "the table has names of columns but no rows");
  return UNROLL_OK;
}

static bool same_cell(const cell *a, const cell *b) { return a->size == b->size && !memcmp(a->text, b->text, a->size); }

/* The names of a further file go where its first row will be. */
static unroll_status check_names(const table *t, const input_file *f, const cell *names, const row_info *r, unroll_error *err) {
  bool same = r->fields == t->n_columns;
  for (int k = 0; k < t->n_columns && same; k++) same = same_cell(&names[k], &t->cells[k]);
  if (same) return UNROLL_OK;
  return bad(f, r->begin, err, "the names of the columns are not those of the first file");
}

static unroll_status fill(table *t, int i, const table_options *o, char **unquoted, unroll_error *err) {
  const input_file *f = &t->files.files[i];
  scanner s = begin(f, o);
  row_info r;
  cell *out = t->cells + (i ? t->first_row[i] * t->n_columns : 0);
  next_row(&s, t->n_columns, out, unquoted, &r, NULL); /* measure() has seen that it is good */
  const unroll_status status = i ? check_names(t, f, out, &r, err) : UNROLL_OK;
  for (int64_t row = t->first_row[i]; row < t->first_row[i + 1] && !status; row++) {
    out = t->cells + row * t->n_columns;
    t->lines[row] = s.line;
    next_row(&s, t->n_columns, out, unquoted, &r, NULL);
    if (!r.problem && r.fields == t->n_columns) continue;
    t->broken[row] = r.problem ? r.problem : r.fields;
    for (int k = 0; k < t->n_columns; k++) out[k] = (cell){.text = "", .at = r.place};
  }
  return status;
}

unroll_status csv_parse(table *t, const table_options *o, unroll_error *err) {
  size_t unquoted = 0;
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < t->files.n && !status; i++) status = measure(t, i, o, &unquoted, err);
  if (status) return status;
  if ((status = table_room(t, unquoted, err))) return status;
  char *at = t->unquoted;
  t->lines[0] = 1;
  for (int i = 0; i < t->files.n && !status; i++) status = fill(t, i, o, &at, err);
  return status;
}
