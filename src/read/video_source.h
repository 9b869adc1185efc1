/* video_source.h - what each reader of moving pictures gives to video.c. */
#ifndef READ_VIDEO_SOURCE_H
#define READ_VIDEO_SOURCE_H
#include "base/file.h"
#include "read/video.h"

typedef struct video_source {
  int64_t frames;
  double *starts; /* [frames] seconds, not decreasing, a block for mem_free; NULL: without time */
  double end;     /* when the last one ends */
  void *own;      /* the reader's */
  /* Frame `number` into p, which holds a frame before or nothing; the numbers asked for increase. */
  unroll_status (*read)(void *own, int64_t number, picture *p, unroll_error *err);
  void (*close)(void *own);
} video_source;

/* Each fills `s`, which needs its close also where they fail if it has one. They take over the open file in any case. */
unroll_status video_folder(video_source *s, const char *path, unroll_error *err);
unroll_status video_block(video_source *s, file_source *f, const picture_shape *shape, unroll_error *err);
unroll_status video_gif(video_source *s, file_source *f, unroll_error *err);
unroll_status video_film(video_source *s, file_source *f, unroll_error *err);
#endif
