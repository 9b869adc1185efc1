#!/bin/sh
# kanji.sh FOLDER [SHEET.svg] - draws characters that nobody has written. FOLDER has short_kanji.train.txt, .valid.txt and .test.txt of
# github.com/hardmaru/sketch-rnn-datasets: a drawing a line, points as dx,dy,end. The loss of a drawing's point is in nats, in the units of the
# data; a character also learns where it ends. With SHEET.svg 36 of them are drawn there. UNROLL=... names the program; SEED and OPTIONS go
# to `train`.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || [ $# = 2 ] || { echo "usage: kanji.sh FOLDER [SHEET.svg]" >&2; exit 2; }
here=$(dirname "$0")
folder=$(mktemp -d)
for part in train valid test; do
  cp "$1/short_kanji.$part.txt" "$folder/$part.txt"
  awk -v part=$part 'BEGIN { print "pen" } NF { print part ".txt#" n++ }' "$folder/$part.txt" >"$folder/$part.csv"
done
# shellcheck disable=SC2086
"$unroll" train "$here/kanji.net" "$folder/train.csv" -o "$folder/model" --valid "$folder/valid.csv" --standardise --epochs "${EPOCHS:-10}" \
  --lr 0.003 --schedule cosine --batch 64 --threads 1 --seed "${SEED:-1}" ${OPTIONS:-}
"$unroll" eval "$folder/model/model.safetensors" "$folder/test.csv"
[ $# = 1 ] || "$unroll" sample "$folder/model/model.safetensors" -n 36 --length 150 --bias 0.5 -o "$2"
rm -r "$folder"
