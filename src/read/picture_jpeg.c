/* picture_jpeg.c - JPEG through libjpeg, where it was found: grey or colours. A file that is damaged in part is refused. */
#include "base/error.h"
#include "base/memory.h"
#include "read/picture.h"

#ifdef UNROLL_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

typedef struct reader {
  struct jpeg_error_mgr errors; /* first: libjpeg hands its address back */
  struct jpeg_decompress_struct in;
  jmp_buf out;
  char message[JMSG_LENGTH_MAX];
  unsigned char *line;
  unroll_status status; /* an error of ours */
} reader;

static void leave(j_common_ptr in) {
  reader *r = (reader *)in->err;
  in->err->format_message(in, r->message);
  longjmp(r->out, 1);
}
/* A warning is an error too; traces are not looked at. */
static void hear(j_common_ptr in, int level) {
  if (level < 0) leave(in);
}

static void read_lines(reader *r, picture *p, unroll_error *err) {
  jpeg_read_header(&r->in, TRUE);
  const int channels = r->in.num_components == 1 ? 1 : 3;
  r->in.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  r->in.dct_method = JDCT_ISLOW;
  r->status = picture_room(p, r->in.image_height, r->in.image_width, channels, 255, err);
  if (r->status) return;
  const size_t line = (size_t)p->columns * (size_t)channels;
  r->line = mem_zero(line, 1);
  if (!r->line) {
    r->status = error_memory(err);
    return;
  }
  jpeg_start_decompress(&r->in);
  for (int row = 0; row < p->rows; row++) {
    JSAMPROW at = r->line;
    jpeg_read_scanlines(&r->in, &at, 1);
    for (size_t i = 0; i < line; i++) p->pixels[(size_t)row * line + i] = r->line[i];
  }
  jpeg_finish_decompress(&r->in);
}

unroll_status picture_jpeg(picture *p, const unsigned char *data, size_t size, unroll_error *err) {
  reader *r = mem_zero(1, sizeof *r);
  if (!r) return error_memory(err);
  r->in.err = jpeg_std_error(&r->errors);
  r->errors.error_exit = leave;
  r->errors.emit_message = hear;
  if (setjmp(r->out)) {
    r->status = error_set(err, UNROLL_BAD_INPUT, "a damaged JPEG picture: %.100s", r->message);
  } else {
    jpeg_create_decompress(&r->in);
    jpeg_mem_src(&r->in, data, size);
    read_lines(r, p, err);
  }
  const unroll_status status = r->status;
  jpeg_destroy_decompress(&r->in);
  mem_free(r->line);
  mem_free(r);
  return status;
}
#else
unroll_status picture_jpeg(picture *p, const unsigned char *data, size_t size, unroll_error *err) {
  (void)p, (void)data, (void)size;
  return error_set(err, UNROLL_BAD_INPUT, "a JPEG picture, and this program was built without libjpeg; PGM and PPM can be read");
}
#endif
