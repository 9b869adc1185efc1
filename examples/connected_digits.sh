#!/bin/sh
# connected_digits.sh FOLDER - rows of 1 to 5 digits by ctc, from the Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset:
# recordings/DIGIT_SPEAKER_TAKE.wav. A cell of the tables joins takes of one speaker (FILE + FILE). Takes 0 to 4 are the test (the official
# split), takes 5 and 6 say which epoch is kept, the others are trained on. The net hears in one direction: the last command lets it
# listen to joined recordings as a stream of samples. It must find the same text as in the whole files.
# UNROLL=... names the program, where it is not on the path; SEED and OPTIONS go to `train`; KEEP=FOLDER keeps tables and model.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || { echo "usage: connected_digits.sh FOLDER" >&2; exit 2; }
here=$(dirname "$0")
data=$(cd "$1" && pwd)
folder=${KEEP:-$(mktemp -d)}
mkdir -p "$folder"

# table NAME FIRST LAST ROWS: rows of digits from takes FIRST to LAST, made up by a small generator of random numbers, the same everywhere
table() {
  printf '%s\n' "$data"/recordings/*.wav | awk -F'[/_.]' -v OFS='\t' -v first="$2" -v last="$3" -v rows="$4" '
    function draw(k) { x = (x * 16807) % 2147483647; return int(x / 2147483647 * k) }
    BEGIN { x = 1 + first }
    $(NF - 1) + 0 >= first && $(NF - 1) + 0 <= last {
      who = $(NF - 2)
      if (!(who in n)) speaker[people++] = who
      file[who, n[who] + 0] = $0
      digit[who, n[who]++] = $(NF - 3)
    }
    END {
      print "sound", "text"
      for (i = 0; i < rows; i++) {
        who = speaker[draw(people)]
        sound = text = ""
        for (k = draw(5); k >= 0; k--) {
          j = draw(n[who])
          sound = sound (sound == "" ? "" : " + ") file[who, j]
          text = text (text == "" ? "" : " ") digit[who, j]
        }
        print sound, text
      }
    }' >"$folder/$1.tsv"
}
table train 7 49 "${ROWS:-3000}"
table valid 5 6 300
table test 0 4 500
# shellcheck disable=SC2086
"$unroll" train "$here/connected_digits.net" "$folder/train.tsv" --valid "$folder/valid.tsv" -o "$folder/model" --cache "$folder/features" \
  --standardise --epochs "${EPOCHS:-12}" --lr 0.003 --schedule cosine --batch 16 --threads 1 --seed "${SEED:-1}" ${OPTIONS:-}
"$unroll" eval "$folder/model/model.safetensors" "$folder/test.tsv" --threads 1

# The first 20 rows of the test as samples, the heads of the WAV files cut off: one row after the other through the microphone's door.
head -n 21 "$folder/test.tsv" | "$unroll" predict "$folder/model/model.safetensors" - --threads 1 >"$folder/whole"
sed -n '2,21p' "$folder/test.tsv" | cut -f 1 | while IFS= read -r row; do
  printf '%s\n' "$row" | sed 's/ + /\n/g' | while IFS= read -r f; do tail -c +45 "$f"; done |
    "$unroll" predict "$folder/model/model.safetensors" -
done >"$folder/stream"
if cmp "$folder/whole" "$folder/stream"; then echo "20 streams of samples: the same text as the whole recordings"; fi
[ -n "${KEEP:-}" ] || rm -r "$folder"
