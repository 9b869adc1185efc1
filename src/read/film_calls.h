/* film_calls.h - libavformat and its family, loaded when the first film is opened.
 *
 * Linked, their hundred libraries would cost each command a tenth of a second and 25 MB. Headers are needed to build, the libraries
 * of the same major versions to run. */
#ifndef READ_FILM_CALLS_H
#define READ_FILM_CALLS_H
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <unroll.h>

#define FILM_AVUTIL(X)                                                                                                             \
  X(av_dict_free)                                                                                                                  \
  X(av_dict_set) X(av_frame_alloc) X(av_frame_free) X(av_free) X(av_freep) X(av_log_set_level) X(av_malloc) X(av_strerror)
#define FILM_AVCODEC(X)                                                                                                            \
  X(av_packet_alloc)                                                                                                               \
  X(av_packet_free)                                                                                                                \
  X(av_packet_unref)                                                                                                               \
  X(avcodec_alloc_context3)                                                                                                        \
  X(avcodec_find_decoder)                                                                                                          \
  X(avcodec_free_context) X(avcodec_open2) X(avcodec_parameters_to_context) X(avcodec_receive_frame) X(avcodec_send_packet)
#define FILM_AVFORMAT(X)                                                                                                           \
  X(av_find_best_stream)                                                                                                           \
  X(av_read_frame)                                                                                                                 \
  X(avformat_alloc_context)                                                                                                        \
  X(avformat_close_input) X(avformat_find_stream_info) X(avformat_open_input) X(avio_alloc_context) X(avio_context_free)
#define FILM_SWSCALE(X) X(sws_freeContext) X(sws_getCachedContext) X(sws_scale)

typedef struct film_calls {
#define POINTER(name) __typeof__(&name) name;
  FILM_AVUTIL(POINTER) FILM_AVCODEC(POINTER) FILM_AVFORMAT(POINTER) FILM_SWSCALE(POINTER)
#undef POINTER
} film_calls;
extern film_calls film; /* after film_load */

/* UNROLL_BAD_INPUT where a library is not there. Threads may call it. */
unroll_status film_load(unroll_error *err);
#endif
