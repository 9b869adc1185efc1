/* video.h - moving pictures: a folder of pictures, an animated GIF, an IDX file or a block of bytes, and films through libavformat.
 *
 * The number of frames is known before the first one is read, and one frame at a time is in memory. What a file is follows from its
 * first bytes, never from its name. Everything is untrusted. */
#ifndef READ_VIDEO_H
#define READ_VIDEO_H
#include "read/picture.h"

enum { VIDEO_MAX_FRAMES = 1 << 20, VIDEO_MAX_GIF = 256 << 20 };

typedef struct video_form {
  picture_shape shape;
  double fps;       /* frames a second; 0: each frame as it comes. Only GIFs and films know time: of others each frame is taken */
  int64_t from, to; /* of these frames number from .. to - 1; to < 0: all the others */
} video_form;

typedef struct video video;
/* *frames: how often video_next can be called. UNROLL_BAD_INPUT with a message that does not name the file. */
unroll_status video_open(video **out, const char *path, const video_form *form, int64_t *frames, unroll_error *err);
/* The next frame as numbers from 0 to 1 [rows][columns][channels], as picture_fit makes them. */
unroll_status video_next(video *v, float *out, unroll_error *err);
void video_close(video *v); /* NULL is fine */
#endif
