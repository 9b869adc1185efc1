/* picture_png.c - PNG through libpng, where it was found: 8 bits a channel, grey or colours; what is transparent is mixed with
 * black. */
#include "base/error.h"
#include "base/memory.h"
#include "read/picture.h"

#ifdef UNROLL_PNG
#include <png.h>
#include <string.h>

static unroll_status refuse(png_image *image, unroll_error *err) {
  error_set(err, UNROLL_BAD_INPUT, "a damaged PNG picture: %.60s", image->message[0] ? image->message : "it cannot be read");
  png_image_free(image);
  return UNROLL_BAD_INPUT;
}

unroll_status picture_png(picture *p, const unsigned char *data, size_t size, unroll_error *err) {
  png_image image;
  /* libpng does not look at the end of the file */
  if (!memmem(data, size, "IEND\xAE\x42\x60\x82", 8)) return error_set(err, UNROLL_BAD_INPUT, "a PNG picture that is cut off");
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, data, size)) return refuse(&image, err);
  const bool colours = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  image.format = colours ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const unroll_status status = picture_room(p, image.height, image.width, colours ? 3 : 1, 255, err);
  if (status) {
    png_image_free(&image);
    return status;
  }
  const size_t count = (size_t)p->rows * (size_t)p->columns * (size_t)p->channels;
  unsigned char *bytes = mem_zero(count, 1);
  const png_color black = {0, 0, 0};
  if (!bytes) {
    png_image_free(&image);
    return error_memory(err);
  }
  const int read = png_image_finish_read(&image, &black, bytes, 0, NULL);
  for (size_t i = 0; read && i < count; i++) p->pixels[i] = bytes[i];
  mem_free(bytes);
  if (!read || PNG_IMAGE_FAILED(image)) return refuse(&image, err);
  png_image_free(&image);
  return UNROLL_OK;
}
#else
unroll_status picture_png(picture *p, const unsigned char *data, size_t size, unroll_error *err) {
  (void)p, (void)data, (void)size;
  return error_set(err, UNROLL_BAD_INPUT, "a PNG picture, and this program was built without libpng; PGM and PPM can be read");
}
#endif
