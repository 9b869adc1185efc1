/* events.c - see events.h. */
#include "report/events.h"
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"

/* CRC-32C (Castagnoli), reflected, as RFC 3720 has it. */
static uint32_t crc32c(const void *data, size_t n) {
  const unsigned char *p = data;
  uint32_t c = 0xffffffffu;
  for (size_t i = 0; i < n; i++) {
    c ^= p[i];
    for (int k = 0; k < 8; k++) c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
  }
  return ~c;
}

static void add_masked(text *out, const void *data, size_t n) {
  const uint32_t c = crc32c(data, n), masked = htole32(((c >> 15) | (c << 17)) + 0xa282ead8u);
  text_add(out, (const char *)&masked, sizeof masked);
}

/* --- protobuf: a tag is the number of the field and how its value is written --- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void varint(text *out, uint64_t x) {
  do {
    const char byte = (char)((x & 127) | (x > 127 ? 128 : 0));
    text_add(out, &byte, 1);
    x >>= 7;
  } while (x);
}

static void add_integer(text *out, int field, int64_t x) {
  varint(out, (uint64_t)(field << 3 | VARINT));
  varint(out, (uint64_t)x);
}

static void add_bytes(text *out, int field, const char *s, size_t n) {
  varint(out, (uint64_t)(field << 3 | BYTES));
  varint(out, n);
  text_add(out, s, n);
}

static void add_double(text *out, int field, double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = htole64(bits);
  varint(out, (uint64_t)(field << 3 | FIXED64));
  text_add(out, (const char *)&bits, sizeof bits);
}

static void add_float(text *out, int field, float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = htole32(bits);
  varint(out, (uint64_t)(field << 3 | FIXED32));
  text_add(out, (const char *)&bits, sizeof bits);
}

/* The message becomes a field of `out` and is empty again. */
static void add_message(text *out, int field, text *message) {
  add_bytes(out, field, message->data ? message->data : "", message->length);
  if (message->failed) out->failed = 1;
  text_free(message);
}

/* A record: length, its sum, data, its sum. */
static void add_record(text *out, text *event) {
  const uint64_t n = htole64(event->length);
  text_add(out, (const char *)&n, sizeof n);
  add_masked(out, &n, sizeof n);
  text_add(out, event->data, event->length);
  add_masked(out, event->data, event->length);
  if (event->failed) out->failed = 1;
  text_free(event);
}

/* Event: 1 wall_time, 2 step, 3 file_version, 5 summary. */
static void begin_event(text *event, double time, int64_t step) {
  add_double(event, 1, time);
  if (step) add_integer(event, 2, step);
}

/* Summary.Value: 1 tag, 2 simple_value, 8 tensor, 9 metadata. */
static void add_scalar(text *summary, const char *name, double x) {
  text value = {0};
  add_bytes(&value, 1, name, strlen(name));
  add_float(&value, 2, (float)x);
  add_message(summary, 1, &value);
}

/* TensorProto: 1 dtype (7: string), 2 shape, 8 string_val. SummaryMetadata: 1 plugin_data (1: its name). */
static void add_text(text *out, double time, const char *name, const char *s) {
  text event = {0}, summary = {0}, value = {0}, tensor = {0}, shape = {0}, size = {0}, metadata = {0}, plugin = {0};
  add_integer(&tensor, 1, 7);
  add_integer(&size, 1, 1);
  add_message(&shape, 2, &size);
  add_message(&tensor, 2, &shape);
  add_bytes(&tensor, 8, s, strlen(s));
  add_bytes(&plugin, 1, "text", 4);
  add_message(&metadata, 1, &plugin);
  add_bytes(&value, 1, name, strlen(name));
  add_message(&value, 8, &tensor);
  add_message(&value, 9, &metadata);
  add_message(&summary, 1, &value);
  begin_event(&event, time, 0);
  add_message(&event, 5, &summary);
  add_record(out, &event);
}

static void add_asked(text *out, const run_log *log, double time) {
  text table = {0};
  text_format(&table, "| option | value |\n|---|---|\n");
  for (int i = 0; i < log->n_asked; i++) text_format(&table, "| %s | %s |\n", log->asked[i].name, log->asked[i].value);
  if (table.data && log->n_asked) add_text(out, time, "options", table.data);
  if (table.failed) out->failed = 1;
  text_free(&table);
  if (!log->equations) return;
  text_format(&table, "```\n%s```\n", log->equations);
  if (table.data) add_text(out, time, "equations", table.data);
  if (table.failed) out->failed = 1;
  text_free(&table);
}

static void add_records(text *out, const run_log *log, double start) {
  const log_column *step = run_log_column(log, "step"), *seconds = run_log_column(log, "seconds");
  for (size_t i = 0; i < log->n_records; i++) {
    text event = {0}, summary = {0};
    for (int c = 0; c < log->n_columns; c++) {
      const log_column *column = &log->columns[c];
      if (column != step && column != seconds && !isnan(column->values[i])) add_scalar(&summary, column->name, column->values[i]);
    }
    const double since = seconds && !isnan(seconds->values[i]) ? seconds->values[i] : 0;
    begin_event(&event, start + since, (int64_t)step->values[i]);
    add_message(&event, 5, &summary);
    add_record(out, &event);
  }
}

unroll_status events_write(const run_log *log, const char *folder, unroll_error *err) {
  const double last = run_log_last(log, "seconds", NULL), start = (double)log->written - (isnan(last) ? 0 : last);
  text out = {0}, event = {0}, path = {0};
  begin_event(&event, start, 0);
  add_bytes(&event, 3, "brain.Event:2", 13);
  add_record(&out, &event);
  add_asked(&out, log, start);
  add_records(&out, log, start);
  text_format(&path, "%s/events.out.tfevents.%010" PRId64 ".unroll", folder, log->written);
  unroll_status status = out.failed || path.failed ? error_memory(err) : file_make_folder(folder, err);
  if (!status) status = file_write(path.data, out.data, out.length, err);
  text_free(&out);
  text_free(&path);
  return status;
}
