/* video_film.c - films through libavformat and libavcodec, where they were found.
 *
 * The file is opened here and handed over as bytes, so that no film can name another file or an address. A first walk over its
 * packets counts the frames and their times; a second one unpacks them, on one thread. A film that is damaged or ends early is
 * refused. */
#include "base/error.h"
#include "base/memory.h"
#include "read/video_source.h"

#ifdef UNROLL_FILM
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "read/film_calls.h"

enum { PIECE = 1 << 16 };

typedef struct reader {
  file_source f;
  int64_t at; /* byte that is read next */
  AVFormatContext *format;
  AVIOContext *bytes;
  int stream;
  AVCodecContext *codec;
  AVPacket *packet;
  AVFrame *frame;
  struct SwsContext *scaler;
  unsigned char *lines; /* a frame as red, green, blue, or grey */
  size_t room;
  int64_t done, frames; /* frames unpacked; in all */
  bool loaded;          /* the libraries */
  bool ended;           /* no more packets */
} reader;

/* --- the bytes --- */

static int give(void *own, unsigned char *out, int size) {
  reader *v = own;
  const uint64_t left = v->f.size - (uint64_t)v->at;
  if (!left) return AVERROR_EOF;
  const size_t n = left < (uint64_t)size ? (size_t)left : (size_t)size;
  if (file_get(&v->f, (uint64_t)v->at, out, n, NULL)) return AVERROR(EIO);
  v->at += (int64_t)n;
  return (int)n;
}

static int64_t go_to(void *own, int64_t to, int from) {
  reader *v = own;
  const int64_t size = (int64_t)v->f.size;
  if (from == AVSEEK_SIZE) return size;
  if (from == SEEK_CUR) to += v->at;
  if (from == SEEK_END) to += size;
  if (to < 0 || to > size) return AVERROR(EINVAL);
  return v->at = to;
}

static unroll_status refuse(int code, const char *what, unroll_error *err) {
  char why[AV_ERROR_MAX_STRING_SIZE] = "";
  if (code == AVERROR(ENOMEM)) return error_memory(err);
  if (!code) return error_set(err, UNROLL_BAD_INPUT, "%s", what);
  film.av_strerror(code, why, sizeof why);
  return error_set(err, UNROLL_BAD_INPUT, "%s: %s", what, why);
}

static void shut(reader *v) {
  film.avcodec_free_context(&v->codec);
  film.avformat_close_input(&v->format);
  if (v->bytes) film.av_freep(&v->bytes->buffer);
  film.avio_context_free(&v->bytes);
}

/* Opens the container at its beginning and finds the film in it. */
static unroll_status begin(reader *v, unroll_error *err) {
  const char *const known = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,flv,mpeg,mpegvideo,yuv4mpegpipe";
  AVDictionary *options = NULL;
  shut(v);
  v->at = 0;
  v->ended = false;
  unsigned char *piece = film.av_malloc(PIECE);
  if (piece) v->bytes = film.avio_alloc_context(piece, PIECE, 0, v, give, NULL, go_to);
  if (!v->bytes) film.av_free(piece);
  v->format = v->bytes ? film.avformat_alloc_context() : NULL;
  if (!v->format) return error_memory(err);
  v->format->pb = v->bytes;
  int code = film.av_dict_set(&options, "format_whitelist", known, 0);
  if (code >= 0) code = film.av_dict_set(&options, "protocol_whitelist", "none", 0);
  if (code >= 0) code = film.avformat_open_input(&v->format, NULL, NULL, &options);
  film.av_dict_free(&options);
  if (code < 0) return refuse(code, "the film cannot be read", err);
  code = film.avformat_find_stream_info(v->format, NULL);
  if (code < 0) return refuse(code, "the film cannot be read", err);
  v->stream = film.av_find_best_stream(v->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
  return v->stream < 0 ? refuse(0, "there are no pictures in this film", err) : UNROLL_OK;
}

/* --- counting --- */

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Reads packets up to the next one of the film's. False at the end, or *code says why not. `reached` grows to the time of all that
 * goes by, sound too. */
static bool next_packet(reader *v, double *reached, int *code) {
  for (;;) {
    film.av_packet_unref(v->packet);
    *code = film.av_read_frame(v->format, v->packet);
    if (*code < 0) {
      const bool end = *code == AVERROR_EOF && !(v->format->pb && v->format->pb->error);
      if (end) *code = 0;
      return false;
    }
    const AVPacket *p = v->packet;
    const AVStream *of = v->format->streams[p->stream_index];
    if (p->pts != AV_NOPTS_VALUE) *reached = fmax(*reached, (double)(p->pts + p->duration) * av_q2d(of->time_base));
    if (p->stream_index == v->stream) return true;
  }
}

/* Does the file say that it is longer than what was reached? Its word is rounded, and some of the last packets may say nothing. */
static bool ends_early(const AVFormatContext *c, double reached) {
  if (c->duration_estimation_method != AVFMT_DURATION_FROM_STREAM || c->duration <= 0) return false;
  const double start = c->start_time == AV_NOPTS_VALUE ? 0 : (double)c->start_time / AV_TIME_BASE,
               length = (double)c->duration / AV_TIME_BASE;
  return reached - start < 0.98 * length - 0.5;
}

static unroll_status count(reader *v, video_source *s, unroll_error *err) {
  const AVStream *stream = v->format->streams[v->stream];
  const double unit = av_q2d(stream->time_base), rate = av_q2d(stream->avg_frame_rate);
  const int64_t promised = stream->nb_frames;
  double gap = rate > 0 ? 1 / rate : 0.04;
  double reached = -HUGE_VAL;
  int64_t room = 0, discarded = 0;
  int code;
  while (next_packet(v, &reached, &code)) {
    const AVPacket *p = v->packet;
    if (p->flags & AV_PKT_FLAG_CORRUPT) return refuse(0, "the film is damaged or ends early", err);
    if (p->flags & AV_PKT_FLAG_DISCARD) {
      discarded++;
      continue;
    }
    if (s->frames == VIDEO_MAX_FRAMES) return refuse(0, "the film has too many frames", err);
    if (s->frames == room) {
      double *larger = mem_resize(s->starts, (size_t)(room = room ? 2 * room : 256) * sizeof *larger);
      if (!larger) return error_memory(err);
      s->starts = larger;
    }
    const int64_t time = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    const double start = time != AV_NOPTS_VALUE ? (double)time * unit : (double)s->frames * gap;
    if (p->duration > 0) gap = (double)p->duration * unit;
    s->starts[s->frames++] = start;
  }
  if (code) return refuse(code, "the film is damaged or ends early", err);
  if (!s->frames) return refuse(0, "there are no frames in this film", err);
  if (promised > s->frames + discarded)
    return error_set(err, UNROLL_BAD_INPUT, "the film ends early: it has %" PRId64 " of %" PRId64 " frames", s->frames + discarded,
                     promised);
  if (ends_early(v->format, reached)) return refuse(0, "the film ends early: it is shorter than it says", err);
  qsort(s->starts, (size_t)s->frames, sizeof *s->starts, by_size);
  const double zero = s->starts[0];
  for (int64_t i = 0; i < s->frames; i++) s->starts[i] -= zero;
  s->end = s->starts[s->frames - 1] + gap;
  return isfinite(s->end) ? UNROLL_OK : refuse(0, "the times of this film are wrong", err);
}

/* --- frames --- */

static unroll_status open_codec(reader *v, unroll_error *err) {
  const AVCodecParameters *p = v->format->streams[v->stream]->codecpar;
  const AVCodec *codec = film.avcodec_find_decoder(p->codec_id);
  if (!codec) return refuse(0, "nothing here can unpack the frames of this film", err);
  v->codec = film.avcodec_alloc_context3(codec);
  if (!v->codec) return error_memory(err);
  int code = film.avcodec_parameters_to_context(v->codec, p);
  v->codec->thread_count = 1;
  v->codec->max_pixels = PICTURE_MAX_PIXELS / 3;
  v->codec->flags |= AV_CODEC_FLAG_BITEXACT;
  if (code >= 0) code = film.avcodec_open2(v->codec, codec, NULL);
  return code < 0 ? refuse(code, "the frames of this film cannot be unpacked", err) : UNROLL_OK;
}

/* The next frame in the order of time, into v->frame. */
static unroll_status unpack(reader *v, unroll_error *err) {
  for (;;) {
    int code = film.avcodec_receive_frame(v->codec, v->frame);
    if (!code) {
      if (v->frame->flags & AV_FRAME_FLAG_DISCARD) continue;
      if (v->frame->flags & AV_FRAME_FLAG_CORRUPT || v->frame->decode_error_flags)
        return error_set(err, UNROLL_BAD_INPUT, "frame %" PRId64 " of the film is damaged", v->done);
      v->done++;
      return UNROLL_OK;
    }
    if (code != AVERROR(EAGAIN) || v->ended)
      return error_set(err, UNROLL_BAD_INPUT, "the film ends early: frame %" PRId64 " of %" PRId64 " is not there", v->done,
                       v->frames);
    double reached = 0;
    const bool more = next_packet(v, &reached, &code);
    if (!more && code) return refuse(code, "the film is damaged or ends early", err);
    v->ended = !more;
    code = film.avcodec_send_packet(v->codec, more ? v->packet : NULL);
    if (code < 0) {
      if (code == AVERROR(ENOMEM)) return error_memory(err);
      return error_set(err, UNROLL_BAD_INPUT, "frame %" PRId64 " of the film is damaged", v->done);
    }
  }
}

/* v->frame as a picture: grey films stay grey, all others become red, green, blue. */
static unroll_status convert(reader *v, picture *p, unroll_error *err) {
  const AVFrame *f = v->frame;
  const bool grey = f->format == AV_PIX_FMT_GRAY8;
  const int channels = grey ? 1 : 3;
  unroll_status status = UNROLL_OK;
  if (!p->pixels || p->rows != f->height || p->columns != f->width || p->channels != channels) {
    picture_free(p);
    status = picture_room(p, f->height, f->width, channels, 255, err);
    if (status) return status;
  }
  /* swscale writes whole vectors: a line of its own length, with room behind it */
  const size_t line = ((size_t)f->width * (size_t)channels + 63) / 64 * 64, all = line * (size_t)f->height + 64;
  if (all > v->room) {
    mem_free(v->lines);
    v->room = 0;
    if (!(v->lines = mem_alloc(all))) return error_memory(err);
    v->room = all;
  }
  v->scaler = film.sws_getCachedContext(v->scaler, f->width, f->height, f->format, f->width, f->height,
                                        grey ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24,
                                        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
  unsigned char *const out[4] = {v->lines};
  const int strides[4] = {(int)line};
  if (!v->scaler ||
      film.sws_scale(v->scaler, (const unsigned char *const *)f->data, f->linesize, 0, f->height, out, strides) != f->height)
    return refuse(0, "the colours of this film are not known", err);
  for (int r = 0; r < p->rows; r++)
    for (int i = 0; i < p->columns * channels; i++)
      p->pixels[(size_t)r * (size_t)(p->columns * channels) + (size_t)i] = v->lines[(size_t)r * line + (size_t)i];
  return UNROLL_OK;
}

static unroll_status film_read(void *own, int64_t number, picture *p, unroll_error *err) {
  reader *v = own;
  unroll_status status = UNROLL_OK;
  while (v->done <= number && !status) status = unpack(v, err);
  return status ? status : convert(v, p, err);
}

static void film_close(void *own) {
  reader *v = own;
  if (v->loaded) {
    shut(v);
    film.av_packet_free(&v->packet);
    film.av_frame_free(&v->frame);
    film.sws_freeContext(v->scaler);
  }
  mem_free(v->lines);
  file_close(&v->f);
  mem_free(v);
}

unroll_status video_film(video_source *s, file_source *f, unroll_error *err) {
  reader *v = mem_zero(1, sizeof *v);
  if (!v) {
    file_close(f);
    return error_memory(err);
  }
  v->f = *f;
  *s = (video_source){.own = v, .read = film_read, .close = film_close};
  unroll_status status = film_load(err);
  if (status) return status;
  v->loaded = true;
  v->packet = film.av_packet_alloc();
  v->frame = film.av_frame_alloc();
  if (!v->packet || !v->frame) status = error_memory(err);
  if (!status) status = begin(v, err);
  if (!status) status = count(v, s, err);
  if (!status) status = begin(v, err);
  if (!status) status = open_codec(v, err);
  v->frames = s->frames;
  return status; /* video_close frees what is there */
}
#else
unroll_status video_film(video_source *s, file_source *f, unroll_error *err) {
  (void)s;
  file_close(f);
  return error_set(
      err, UNROLL_BAD_INPUT,
      "a film, and this program was built without libavformat; GIFs, folders of pictures and blocks of bytes can be read");
}
#endif
