#!/bin/sh
# an4.sh FOLDER - letters, digits and words of control by ctc: AN4, github.com/cmusphinx/an4, with its features given.
# FOLDER holds train.tsv and test.tsv (columns utterance, speaker, first_frame, n_frames, n_samples, transcript), {train,test}.fbank32.u8
# (32 bytes a frame, ten times the logarithm of each band: the recipe of docs/data.md, `mel = 32`), and wav/UTTERANCE.wav of some tests.
# Every eighth speaker of the training part says which epoch is kept and how much the language model of words counts.
# Then the same text is found in numbers and in WAV files. UNROLL=... names the program, where it is not on the path; SEED and OPTIONS
# go to `train`; EPOCHS=... is 30; LM and BONUS are --lm-weight and --word-bonus; KEEP=FOLDER keeps tables and models.
# What is heard in training is up to 1.1 times as slow or as fast.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || { echo "usage: an4.sh FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "$1" && pwd)
folder=${KEEP:-$(mktemp -d)}
mkdir -p "$folder"

# table PART: each utterance as `even` and `stack = 3` make it of its frames: minus the mean of the band, over its deviation
table() {
  printf 'speaker\tsound\ttext\n'
  od -An -v -tu1 -w32 "$data/$1.fbank32.u8" | awk -v list="$data/$1.tsv" '
    function next_one() {
      if ((getline line <list) <= 0) return 0
      split(line, u, "\t")
      n = u[4]; kept = n - n % 3; have = 0
      return 1
    }
    BEGIN { getline line <list; next_one() }
    {
      for (j = 1; j <= 32; j++) value[have, j] = $j / 10
      if (++have < n) next
      for (j = 1; j <= 32; j++) {
        sum = square = 0
        for (i = 0; i < kept; i++) sum += value[i, j]
        mean[j] = sum / kept
        for (i = 0; i < kept; i++) square += (value[i, j] - mean[j]) ^ 2
        deviation[j] = sqrt(square / kept) + 0.00001
      }
      printf "%s\t", u[2]
      for (i = 0; i < kept; i++)
        for (j = 1; j <= 32; j++)
          printf "%s%.3f", (j > 1 || i % 3 ? ";" : i ? " " : ""), (value[i, j] - mean[j]) / deviation[j]
      printf "\t%s\n", u[6]
      next_one()
    }'
}
table train >"$folder/all.tsv"
table test >"$folder/test.tsv"
awk -F'\t' -v train="$folder/train.tsv" -v valid="$folder/valid.tsv" '
  NR == 1 { print >train; print >valid; next }
  !($1 in part) { part[$1] = ++people % 8 == 0 }
  { print >(part[$1] ? valid : train) }' "$folder/all.tsv"
# The order of words, from the texts that were trained on.
tail -n +2 "$folder/train.tsv" | cut -f 3 >"$folder/texts"
cat >"$folder/order.net" <<'END'
data text : words lines
text ~ softmax(W dropout(gru(embed(text[t-1], 24), 48), 0.3) + b)
END
"$unroll" train "$folder/order.net" "$folder/texts" -o "$folder/order" --valid 0.1 --epochs 30 --lr 0.005 --threads 1 --seed "${SEED:-1}" --quiet
tr ' ' '\n' <"$folder/texts" | sort -u >"$folder/lexicon"
# shellcheck disable=SC2086
"$unroll" train "$here/an4.net" "$folder/train.tsv" --valid "$folder/valid.tsv" -o "$folder/model" --epochs "${EPOCHS:-30}" --lr 0.004 \
  --schedule cosine --batch 8 --stretch 0.1 --threads 1 --seed "${SEED:-1}" ${OPTIONS:-}
search="--beam 32 --lm $folder/order/model.safetensors --lm-weight ${LM:-1.2} --word-bonus ${BONUS:-1} --lexicon $folder/lexicon"
best="$unroll eval $folder/model/model.safetensors --threads 1"
if [ -n "${VALID:-}" ]; then
  $best "$folder/valid.tsv" | sed 1q
  # shellcheck disable=SC2086
  $best "$folder/valid.tsv" $search | sed 1q
  exit
fi
echo "the likeliest path:"
$best "$folder/test.tsv" | sed 1q
echo "with a search, the words of the training part and their order:"
# shellcheck disable=SC2086
$best "$folder/test.tsv" $search | sed 1q

# The same utterances as numbers of the table and as WAV files.
tail -n +2 "$folder/test.tsv" | cut -f 2 >"$folder/numbers"
tail -n +2 "$data/test.tsv" | cut -f 1 | paste - "$folder/numbers" | while IFS='	' read -r name numbers; do
  wav=$data/wav/$name.wav
  if [ -f "$wav" ]; then printf '%s\t%s\n' "$numbers" "$wav"; fi
done >"$folder/both"
for k in 1 2; do
  { echo sound && cut -f $k "$folder/both"; } >"$folder/$k.tsv"
  "$unroll" predict "$folder/model/model.safetensors" "$folder/$k.tsv" --threads 1 >"$folder/$k.txt"
done
paste -d '|' "$folder/1.txt" "$folder/2.txt" | awk -F'|' '{ same += $1 == $2 } END { print same + 0 " of " NR " WAV files: the same text as from the features given" }'
[ -n "${KEEP:-}" ] || rm -r "$folder"
