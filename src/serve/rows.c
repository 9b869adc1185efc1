/* rows.c - see rows.h. */
#include "serve/rows.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "serve/form.h"

enum { MOST_COLUMNS = 4096 };

/* Cells of a table, a row after the other. */
typedef struct cells {
  text all;
  size_t *ends; /* [n] */
  size_t n, room;
} cells;

static bool cells_end(cells *c) {
  if (c->n == c->room) {
    const size_t room = c->room ? 2 * c->room : 64;
    size_t *ends = mem_resize(c->ends, room * sizeof *ends);
    if (!ends) return false;
    c->ends = ends;
    c->room = room;
  }
  c->ends[c->n++] = c->all.length;
  return !c->all.failed;
}

static void cells_free(cells *c) {
  text_free(&c->all);
  mem_free(c->ends);
}

static void no_memory(http_reply *out) { reply_error(out, 500, NULL, "out of memory"); }

/* --- what may stand where --- */

static bool variable_of(const served *model, const char *column, unroll_variable *v) {
  unroll_variable_init(v);
  for (int i = 0; unroll_model_variable(model->m, i, v, NULL) == UNROLL_OK; i++)
    if (!strcmp(v->name, column)) return true;
  return false;
}

/* Might a text in this column be taken as the name of a file? In a model that reads files, only the column of a variable that
 * is no file is safe. The model says what else is read, and from where. */
static const char *file_in(const served *model, const char *column) {
  unroll_variable v;
  if (variable_of(model, column, &v)) return v.file;
  for (int i = 0; unroll_model_variable(model->m, i, &v, NULL) == UNROLL_OK; i++)
    if (v.file) return v.file;
  return NULL;
}

static bool refuse_name(http_reply *out, const char *column, const char *file) {
  reply_error(out, 400, column,
              "column '%.100s': a %s comes as {\"base64\": \"...\"}, the bytes of the file; names of files are not read", column,
              file);
  return false;
}

/* The table from cells[row * n + column]. */
static bool make_table(request_rows *x, const served *model, const char *const *names, int n, const cells *c, http_reply *out) {
  const size_t rows = n ? c->n / (size_t)n : 0;
  if (!rows) return reply_error(out, 400, "rows", "there are no rows"), false;
  const char **texts = mem_zero(rows, sizeof *texts);
  size_t *lengths = mem_zero(rows, sizeof *lengths);
  unroll_error err = {0};
  x->t = unroll_table_new();
  x->n = (int64_t)rows;
  unroll_status status = texts && lengths && x->t ? UNROLL_OK : error_memory(&err);
  for (int k = 0; k < n && !status; k++) {
    for (size_t i = 0; i < rows; i++) {
      const size_t at = i * (size_t)n + (size_t)k, from = at ? c->ends[at - 1] : 0;
      texts[i] = c->all.data ? c->all.data + from : "";
      lengths[i] = c->ends[at] - from;
    }
    if (!file_in(model, names[k])) {
      status = unroll_table_add_texts(x->t, names[k], texts, lengths, (int64_t)rows, &err);
      continue;
    }
    for (size_t i = 0; i < rows; i++)
      if (!lengths[i]) texts[i] = NULL;
    status = unroll_table_add_files(x->t, names[k], (const void *const *)texts, lengths, (int64_t)rows, &err);
  }
  mem_free(texts);
  mem_free(lengths);
  if (status) reply_error(out, status == UNROLL_FAILED ? 500 : 400, NULL, "%s", err.message);
  return !status;
}

/* --- files --- */

static int digit64(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

/* RFC 4648; white space is passed over. */
static bool read_base64(const char *s, size_t size, text *out) {
  unsigned bits = 0;
  int n = 0;
  while (size && (s[size - 1] == '=' || white_byte(s[size - 1]))) size--;
  for (size_t i = 0; i < size; i++) {
    if (white_byte(s[i])) continue;
    const int digit = digit64(s[i]);
    if (digit < 0) return false;
    bits = bits << 6 | (unsigned)digit;
    if (++n % 4 == 1) continue;
    const char byte = (char)(bits >> (6 - 2 * ((n - 1) % 4)));
    text_add(out, &byte, 1);
  }
  return n % 4 != 1;
}

/* The bytes of a file. */
static bool file_cell(const char *column, const json_t *value, text *cell, http_reply *out) {
  const json_t *given = json_object_get(value, "base64");
  const size_t before = cell->length;
  if (json_is_string(given) && read_base64(json_string_value(given), json_string_length(given), cell) && cell->length > before)
    return true;
  return reply_error(out, 400, column, "column '%.100s': an object has a member \"base64\", the bytes of a file", column), false;
}

void rows_free(request_rows *x) {
  unroll_table_free(x->t);
  *x = (request_rows){0};
}

/* --- JSON --- */

typedef struct place {       /* a column whose cells are read */
  const char *column, *file; /* file: what a text would name one of */
  char between;              /* the entries of a list */
  http_reply *out;
} place;

static place place_of(const served *model, const char *column, http_reply *out) {
  unroll_variable v;
  const bool known = variable_of(model, column, &v);
  return (place){
      .column = column, .file = file_in(model, column), .between = known && v.width && !v.has_steps ? ';' : ' ', .out = out};
}

static bool add_scalar(const place *p, const json_t *value, text *cell) {
  if (json_is_string(value))
    text_add(cell, json_string_value(value), json_string_length(value));
  else if (json_is_integer(value))
    text_format(cell, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value))
    text_format(cell, "%.17g", json_real_value(value));
  else if (json_is_boolean(value))
    text_format(cell, json_is_true(value) ? "true" : "false");
  else
    return reply_error(p->out, 400, p->column, "column '%.100s': a value is a text, a number or a list of them", p->column), false;
  return true;
}

/* A list of steps, each a value or a list of numbers. */
static bool add_list(const place *p, const json_t *list, text *cell) {
  bool fine = true;
  for (size_t i = 0; i < json_array_size(list) && fine; i++) {
    const json_t *step = json_array_get(list, i);
    const bool inner = json_is_array(step);
    if (i) text_add(cell, inner ? " " : &p->between, 1);
    for (size_t k = 0; inner && k < json_array_size(step) && fine; k++) {
      if (k) text_add(cell, ";", 1);
      fine = add_scalar(p, json_array_get(step, k), cell);
    }
    if (!inner) fine = add_scalar(p, step, cell);
  }
  return fine;
}

static bool add_cell(const place *p, const json_t *value, text *cell) {
  if (!value || json_is_null(value)) return true;
  if (p->file && json_is_object(value)) return file_cell(p->column, value, cell, p->out);
  if (p->file && !(json_is_string(value) && !json_string_length(value))) return refuse_name(p->out, p->column, p->file);
  return json_is_array(value) ? add_list(p, value, cell) : add_scalar(p, value, cell);
}

/* The names of all columns, in the order in which they occur; they belong to the rows. -1: the reply says why. */
static int column_names(const json_t *rows, const char **names, http_reply *out) {
  json_t *seen = json_object();
  int n = 0;
  for (size_t i = 0; i < json_array_size(rows) && n >= 0; i++) {
    json_t *row = json_array_get(rows, i), *value;
    const char *key;
    if (!json_is_object(row)) {
      reply_error(out, 400, "rows", "row %zu is no object", i + 1);
      n = -1;
      break;
    }
    json_object_foreach(row, key, value) {
      if (json_object_get(seen, key)) continue;
      if (n == MOST_COLUMNS || json_object_set_new(seen, key, json_true())) {
        reply_error(out, 400, "rows", "there are more than %d columns", MOST_COLUMNS);
        n = -1;
        break;
      }
      names[n++] = key;
    }
  }
  json_decref(seen);
  return n;
}

bool rows_of_json(request_rows *x, const served *model, const json_t *rows, http_reply *out) {
  cells c = {0};
  if (!json_is_array(rows)) return reply_error(out, 400, "rows", "\"rows\" is a list of objects, a row each"), false;
  const char **names = mem_zero(MOST_COLUMNS, sizeof *names);
  if (!names) return no_memory(out), false;
  const int n = column_names(rows, names, out);
  place *places = mem_zero(n > 0 ? (size_t)n : 1, sizeof *places); /* [n] */
  bool fine = n >= 0;
  if (fine && !places) fine = false, no_memory(out);
  for (int k = 0; k < n && fine; k++) places[k] = place_of(model, names[k], out);
  for (size_t i = 0; i < json_array_size(rows) && fine; i++)
    for (int k = 0; k < n && fine; k++) {
      fine = add_cell(&places[k], json_object_get(json_array_get(rows, i), names[k]), &c.all);
      if (fine && !cells_end(&c)) fine = false, no_memory(out);
    }
  if (fine) fine = make_table(x, model, names, n, &c, out);
  mem_free(places);
  mem_free(names);
  cells_free(&c);
  return fine;
}

/* --- CSV --- */

/* The field from *at on, by RFC 4180; *at behind it. False: a quotation that does not end. */
static bool add_field(const char *s, size_t size, size_t *at, char separator, text *out) {
  size_t i = *at;
  bool quoted = i < size && s[i] == '"', closed = !quoted;
  if (quoted) i++;
  for (; i < size; i++) {
    if (quoted && s[i] == '"') {
      if (i + 1 < size && s[i + 1] == '"')
        i++;
      else {
        quoted = false, closed = true;
        continue;
      }
    } else if (!quoted && (s[i] == separator || s[i] == '\n' || s[i] == '\r')) {
      break;
    }
    text_add(out, s + i, 1);
  }
  *at = i;
  return closed;
}

/* A line of fields. The number of fields; -1: a quotation that does not end, or no memory. */
static int add_record(const char *s, size_t size, size_t *at, char separator, cells *c) {
  for (int n = 1;; n++) {
    if (!add_field(s, size, at, separator, &c->all) || !cells_end(c)) return -1;
    if (*at < size && s[*at] == separator) {
      ++*at;
      continue;
    }
    if (*at < size && s[*at] == '\r') ++*at;
    if (*at < size && s[*at] == '\n') ++*at;
    return n;
  }
}

static bool check_cells(const served *model, const char *const *names, int n, const cells *c, http_reply *out) {
  for (int k = 0; k < n; k++) {
    const char *file = file_in(model, names[k]);
    for (size_t i = (size_t)k; file && i < c->n; i += (size_t)n)
      if (c->ends[i] > (i ? c->ends[i - 1] : 0)) return refuse_name(out, names[k], file);
  }
  return true;
}

bool rows_of_csv(request_rows *x, const served *model, const char *s, size_t size, char separator, http_reply *out) {
  cells head = {0}, c = {0};
  arena memory = {0};
  size_t at = size >= 3 && !memcmp(s, "\xEF\xBB\xBF", 3) ? 3 : 0;
  const int n = add_record(s, size, &at, separator, &head);
  const char **names = n > 0 ? arena_alloc(&memory, (size_t)n, sizeof *names) : NULL;
  bool fine = names && n <= MOST_COLUMNS;
  if (!fine) reply_error(out, 400, NULL, "the first line has no names of at most %d columns", MOST_COLUMNS);
  for (int k = 0; k < n && fine; k++) {
    const size_t from = k ? head.ends[k - 1] : 0;
    names[k] = arena_text(&memory, head.all.data ? head.all.data + from : "", head.ends[k] - from);
    if (!names[k]) fine = false, no_memory(out);
  }
  for (int64_t row = 1; at < size && fine; row++) {
    if (s[at] == '\n' || s[at] == '\r') {
      at++;
      continue;
    }
    const int fields = add_record(s, size, &at, separator, &c);
    fine = fields == n;
    if (fields < 0)
      reply_error(out, 400, NULL, "row %lld: a quotation does not end", (long long)row);
    else if (!fine)
      reply_error(out, 400, NULL, "row %lld has %d fields, and the first line names %d", (long long)row, fields, n);
  }
  if (fine) fine = check_cells(model, names, n, &c, out);
  if (fine) fine = make_table(x, model, names, n, &c, out);
  cells_free(&head);
  cells_free(&c);
  arena_free(&memory);
  return fine;
}

/* --- a form --- */

/* The column of a part: "file" where no variable is called so is the only one that is a file. */
static const char *column_of(const served *model, const char *name) {
  unroll_variable v, only;
  int files = 0;
  if (strcmp(name, "file") != 0 || variable_of(model, name, &v)) return name;
  unroll_variable_init(&v);
  for (int i = 0; unroll_model_variable(model->m, i, &v, NULL) == UNROLL_OK; i++)
    if (v.file && !v.predicted) only = v, files++;
  return files == 1 ? only.name : name;
}

static bool part_cell(const served *model, const char *column, const form_part *p, cells *c, http_reply *out) {
  const char *file = file_in(model, column);
  if (file && !p->is_file && p->size) return refuse_name(out, column, file);
  if (!file && utf8_valid(p->bytes, p->size) < p->size)
    return reply_error(out, 400, column, "part '%.100s' is no UTF-8", column), false;
  text_add(&c->all, p->bytes, p->size);
  return cells_end(c) ? true : (no_memory(out), false);
}

bool rows_of_form(request_rows *x, const served *model, const char *type, const char *s, size_t size,
                  bool (*option)(void *context, const char *name, const char *value, bool *is_one, http_reply *out), void *context,
                  http_reply *out) {
  const char *names[64];
  enum { MOST = sizeof names / sizeof *names };
  form f;
  form_part p;
  cells c = {0};
  arena memory = {0};
  int n = 0, more = form_begin(&f, type, s, size) ? 1 : -1;
  bool fine = true;
  while (fine && more > 0 && (more = form_next(&f, &p)) > 0) {
    bool is_option = !strcmp(p.name, "model");
    char *value = is_option ? NULL : arena_text(&memory, p.bytes, p.size < 200 ? p.size : 200);
    if (value && !variable_of(model, p.name, &(unroll_variable){0})) fine = option(context, p.name, value, &is_option, out);
    if (is_option || !fine) continue;
    const char *column = column_of(model, p.name);
    fine = n < MOST && (names[n] = arena_text(&memory, column, strlen(column))) != NULL;
    if (!fine) reply_error(out, 400, NULL, "a form has at most %d parts", MOST);
    if (fine) fine = part_cell(model, names[n++], &p, &c, out);
  }
  if (fine && more < 0) fine = false, reply_error(out, 400, NULL, "the body is no form, or it is cut off");
  if (fine) fine = make_table(x, model, names, n, &c, out);
  cells_free(&c);
  arena_free(&memory);
  return fine;
}
