/* What files of other kinds are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/known.h"

#define BYTES(s) s, sizeof(s) - 1
#define ZIP(name) "PK\3\4\24\0\0\0\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\23\0\0\0[Content_Types].xml.." name

static const struct {
  const char *data;
  size_t size;
  const char *is; /* NULL: not known */
} files[] = {
    {BYTES("\xFF\xD8\xFF\xE0\0\20JFIF"), "a JPEG picture"},
    {BYTES("\x89PNG\r\n\x1A\n\0"), "a PNG picture"},
    {BYTES("GIF89a\1\0"), "a GIF picture"},
    {BYTES("P5\n2 2\n255\n\1\2\3\4"), "a PGM picture"},
    {BYTES("P3\n1 1 255 1 2 3"), "a PPM picture"},
    {BYTES("P5,P6\n1,2\n"), NULL},
    {BYTES("RIFF\44\0\0\0WAVEfmt "), "a WAV sound"},
    {BYTES("RIFF\44\0\0\0WEBPVP8 "), "a WebP picture"},
    {BYTES("RIFF\44\0\0\0????"), NULL},
    {BYTES("ID3\3\0"), "an MP3 sound"},
    {BYTES("ID3,name\n1,2\n"), NULL},
    {BYTES("OggS\0\2"), "an Ogg sound"},
    {BYTES("MThd\0\0\0\6\0\1"), "a MIDI file"},
    {BYTES("%PDF-1.7\n"), "a PDF document"},
    {BYTES(ZIP("xl/workbook.xml")), "an Excel workbook (XLSX)"},
    {BYTES(ZIP("word/document.xml")), "a Word document (DOCX)"},
    {BYTES(ZIP("archive/data.pkl")), "a PyTorch file (ZIP with a pickle)"},
    {BYTES(ZIP("x.txt")), "a ZIP archive"},
    {BYTES("PAR1\x15\4\x15"), "a Parquet file"},
    {BYTES("PAR1,PAR2\n1,2\n"), NULL},
    {BYTES("\x89HDF\r\n\x1A\n\0"), "an HDF5 file"},
    {BYTES("SQLite format 3\0\20"), "an SQLite database"},
    {BYTES("\x80\4\x95"), "a Python pickle, which is a program"},
    {BYTES("\30\0\0\0\0\0\0\0{\"a\":{}}"), "a safetensors file"},
    {BYTES("\100\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"unroll 1\"}}"), "a model of Unroll"},
    {BYTES("\100\0\0\0\0\0\0\0{\"__metadata__\":{\"unroll\":\"model 1\"}}"), "a model of Unroll"},
    {BYTES("\x1F\x8B\10\0"), "a file packed by gzip"},
    {BYTES("\x7F"
           "ELF\2"),
     "a program (ELF)"},
    {BYTES("\xFF\xFEt\0e\0"), "a text in UTF-16"},
    {BYTES("<!DOCTYPE html>"), "a page of HTML"},
    {BYTES("[{\"a\": 1}]"), "a JSON array"},
    {BYTES("text,label\na,b\n"), NULL},
    {BYTES("\xEF\xBB\xBFtext"), NULL},
    {BYTES("B"), NULL},
    {BYTES(""), NULL},
};

static void test_files(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const known_file *k = known_find(files[i].data, files[i].size);
    if (!k != !files[i].is || (k && strcmp(k->is, files[i].is))) fail_msg("%zu: %s", i, k ? k->is : "not known");
  }
}

static void test_refuse(void **state) {
  (void)state;
  unroll_error err = {0};
  const known_file *jpeg = known_find(BYTES("\xFF\xD8\xFF")), *pickle = known_find(BYTES("\x80\2"));
  assert_int_equal(known_refuse(jpeg, "photo.jpg", "a table", 0, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.file, "photo.jpg");
  assert_string_equal(err.message,
                      "this is a JPEG picture, not a table; the cells of a table name pictures, each by the name of a file");
  assert_int_equal(known_refuse(jpeg, "photo.jpg", "a model", KNOWN_TENSORS, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "this is a JPEG picture, not a model");
  known_refuse(pickle, NULL, "a model", KNOWN_TENSORS, &err);
  assert_string_equal(err.message, "this is a Python pickle, which is a program, not a model; save its tensors as safetensors");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_refuse)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
