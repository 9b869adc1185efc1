/* video.c - which reader moving pictures need, and which of their frames are wanted.
 *
 * With fps, frame k of what is wanted is what a screen shows at k / fps seconds: the last frame that began until then. */
#include "read/video.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/folder.h"
#include "base/memory.h"
#include "read/video_source.h"

struct video {
  video_source source;
  video_form form;
  int64_t frames, next; /* wanted ones; the next of them */
  int64_t shown;        /* the source's frame in `now`, or -1 */
  picture now;
};

/* A wanted frame's number in the source. They are asked for in order, so `from` is where to begin to look. */
static int64_t number_of(const video_source *s, double fps, int64_t wanted, int64_t from) {
  if (!s->starts || !(fps > 0)) return wanted;
  const double time = (double)wanted / fps + 1e-6; /* times are rounded in the files */
  while (from + 1 < s->frames && s->starts[from + 1] <= time) from++;
  return from;
}

static unroll_status count(video *v, unroll_error *err) {
  const video_source *s = &v->source;
  double all = (double)s->frames;
  if (s->starts && v->form.fps > 0) all = fmax(1, ceil(s->end * v->form.fps - 1e-6));
  if (!(all <= VIDEO_MAX_FRAMES))
    return error_set(err, UNROLL_BAD_INPUT, "%.0f frames are too many: at most %d are read", all, VIDEO_MAX_FRAMES);
  if (all < 1) return error_set(err, UNROLL_BAD_INPUT, "there is no frame in it");
  const int64_t to = v->form.to < 0 ? (int64_t)all : v->form.to;
  if (v->form.from < 0 || v->form.from >= to || to > (int64_t)all)
    return error_set(err, UNROLL_BAD_INPUT, "there are no frames %" PRId64 " to %" PRId64 ": it has %.0f (0 is the first)",
                     v->form.from, to - 1, all);
  v->frames = to;
  v->next = v->form.from;
  return UNROLL_OK;
}

static unroll_status open_file(video_source *s, const char *path, const picture_shape *shape, unroll_error *err) {
  static const struct {
    int at;
    const char *bytes;
    size_t n;
  } films[] = {{4, "ftyp", 4},  {4, "moov", 4}, {0, "\x1A\x45\xDF\xA3", 4}, {0, "OggS", 4},       {0, "RIFF", 4},
               {0, "FLV\1", 4}, {4, "mdat", 4}, {0, "\0\0\1\xBA", 4},       {0, "\0\0\1\xB3", 4}, {0, "YUV4MPEG2", 9}};
  unsigned char head[16] = {0};
  file_source f;
  unroll_status status = file_open(&f, path, err);
  if (status) return status;
  if (!f.size) status = error_set(err, UNROLL_BAD_INPUT, "the file is empty");
  if (!status) status = file_get(&f, 0, head, f.size < sizeof head ? (size_t)f.size : sizeof head, err);
  if (status) {
    file_close(&f);
    return status;
  }
  if (!memcmp(head, "GIF8", 4)) return video_gif(s, &f, err);
  for (size_t i = 0; i < sizeof films / sizeof *films; i++)
    if (!memcmp(head + films[i].at, films[i].bytes, films[i].n)) return video_film(s, &f, err);
  return video_block(s, &f, shape, err);
}

unroll_status video_open(video **out, const char *path, const video_form *form, int64_t *frames, unroll_error *err) {
  video *v = mem_zero(1, sizeof *v);
  *out = NULL;
  *frames = 0;
  if (!v) return error_memory(err);
  v->form = *form;
  v->shown = -1;
  unroll_status status = folder_is(path) ? video_folder(&v->source, path, err) : open_file(&v->source, path, &form->shape, err);
  if (!status) status = count(v, err);
  if (status) {
    video_close(v);
    return status;
  }
  *frames = v->frames - v->next;
  *out = v;
  return UNROLL_OK;
}

unroll_status video_next(video *v, float *out, unroll_error *err) {
  if (v->next >= v->frames) return error_set(err, UNROLL_BAD_INPUT, "there are no more frames");
  const int64_t number = number_of(&v->source, v->form.fps, v->next, v->shown < 0 ? 0 : v->shown);
  unroll_status status = UNROLL_OK;
  if (number != v->shown) status = v->source.read(v->source.own, number, &v->now, err);
  if (status) return status;
  v->shown = number;
  v->next++;
  return picture_fit(out, &v->now, &v->form.shape, err);
}

void video_close(video *v) {
  if (!v) return;
  if (v->source.close) v->source.close(v->source.own);
  mem_free(v->source.starts);
  picture_free(&v->now);
  mem_free(v);
}
