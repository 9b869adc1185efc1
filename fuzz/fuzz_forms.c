/* fuzz_forms.c - libFuzzer target: any bytes, packed or not, become a table of some form, or are refused with a message. Each cell
 * lies in memory that is there, and can be named in a message. The first byte says by which name the file goes, and what options
 * say. */
#include <stdlib.h>
#include <string.h>
#include "base/budget.h"
#include "base/memory.h"
#include "read/table.h"
#include "read/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

static const char *const names[] = {"x", "x.csv", "x.jsonl", "x.conllu", "x.npy", "x.safetensors", "x.tsv", "a/b.csv.gz"};

static void look(const table *t) {
  unsigned sum = 0;
  check(t->n_columns > 0 && t->n_rows > 0 && table_file(t, 1) == 0);
  for (int64_t row = 0; row <= t->n_rows; row++)
    for (int k = 0; k < t->n_columns; k++) {
      const cell *c = table_cell(t, row, k);
      for (size_t i = 0; i < c->size; i++) sum += (unsigned char)c->text[i];
      check(c->at <= t->files.files[table_file(t, row)].size);
      check(row == 0 || table_row(t, row) > 0);
    }
  unroll_error err = {0};
  table_bad(t, t->n_rows, t->n_columns - 1, table_cell(t, t->n_rows, t->n_columns - 1)->size, &err, "%u", sum);
  for (int64_t row = 1; row <= t->n_rows && row < 100; row++) {
    err = (unroll_error){0};
    const unroll_status status = table_check(t, row, &err);
    check(!status == !t->broken[row] && (!status || err.message[0]));
  }
}

static unroll_status parse(table *t, uint8_t how, char *data, size_t size, unroll_error *err) {
  input_files in = {.files = mem_zero(1, sizeof *in.files), .n = 1};
  table_options o = {.separator = how & 8 ? ';' : 0};
  if (how & 16) o.columns = "y=a\na=b";
  if (how & 32) o.time = "a", o.dates = how & 64 ? DATES_DAY_FIRST : DATES_MONTH_FIRST;
  check(in.files != NULL);
  in.files[0] = (input_file){.name = mem_text(names[how % (sizeof names / sizeof *names)]), .data = data, .size = size};
  return table_parse_files(t, &in, &o, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  unroll_error err = {0};
  table t = {0};
  size_t n = size - 1;
  char *copy = mem_alloc(size);
  check(copy != NULL);
  memcpy(copy, data + 1, n);
  copy[n] = 0;
  budget_set(1 << 22);
  unroll_status status = unpack("x", &copy, &n, 1 << 16, &err);
  if (status)
    mem_free(copy);
  else
    status = parse(&t, data[0], copy, n, &err);
  if (!status) look(&t);
  check(!status || (status == UNROLL_BAD_INPUT && err.code == status && err.message[0]));
  table_free(&t);
  budget_set(0);
  check(mem_live() == 0);
  return 0;
}
