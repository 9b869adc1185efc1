/* sound_cell.h - recordings that the cells of a table name: FILE, relative to the table's folder, or FILE#start-end in seconds.
 *
 * FILE + FILE is one recording, the files one after the other, each at the wanted rate.
 * A cell says how many steps it has before its features are made. The last file stays in memory, for cells that name parts of it.
 */
#ifndef READ_SOUND_CELL_H
#define READ_SOUND_CELL_H
#include "read/sound.h"
#include "read/sound_features.h"

typedef struct sound_reader sound_reader;
unroll_status sound_reader_new(sound_reader **out, const sound_form *f, unroll_error *err);
void sound_reader_free(sound_reader *r);

typedef struct sound_cell {
  sound of;          /* valid until the reader opens another file */
  int64_t from, n;   /* samples of the file */
  int64_t resampled; /* these at the form's rate */
  bool joined;       /* of several files: the reader has these already, and `of`, `from` and `n` are those of the last */
  int64_t steps;
} sound_cell;

/* `beside`: a file in whose folder relative names are. UNROLL_BAD_INPUT with what is wrong; the caller adds name and place. */
unroll_status sound_cell_open(sound_reader *r, sound_cell *c, const char *beside, const char *name, size_t size, unroll_error *err);
/* Goes on with two hashes of the last cell that was opened: of its file, of its part of it, of the recipe. */
void sound_cell_hash(sound_reader *r, const sound_cell *c, uint64_t hash[2]);
/* out[steps][width]; of the last cell that was opened. */
unroll_status sound_cell_read(sound_reader *r, const sound_cell *c, float *out, unroll_error *err);
#endif
