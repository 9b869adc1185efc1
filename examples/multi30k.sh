#!/bin/sh
# multi30k.sh FOLDER - English to German with examples/multi30k.net: attention, an encoder in both directions. 29,000 captions of pictures to
# learn from; BLEU of 1,000 others, greedy and with a beam of 5, on the tokens that are there (small letters, Moses).
# FOLDER has train, val and test_2016_flickr, each as NAME.lc.norm.tok.en and .de, of github.com/multi30k/dataset (data/task1/tok).
# UNROLL=... names the program; EPOCHS=... and OPTIONS=... change the training, NET=... the net (of `source` and `target`).
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
unroll=${UNROLL:-unroll}
net=${NET:-$(dirname "$0")/multi30k.net}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for part in train val test_2016_flickr; do
  { printf 'source\ttarget\n'; paste "$1/$part.lc.norm.tok.en" "$1/$part.lc.norm.tok.de"; } >"$folder/$part.tsv"
done
# shellcheck disable=SC2086
"$unroll" train "$net" "$folder/train.tsv" --valid "$folder/val.tsv" -o "$folder/model" --epochs "${EPOCHS:-14}" --batch 64 --lr 0.001 \
  --schedule cosine --clip-norm 1 --precision bf16 --quiet ${OPTIONS:-} --seed "${SEED:-1}"
for way in "" "--beam 5 --length-penalty 1"; do
  echo "${way:-greedy}"
  # shellcheck disable=SC2086
  "$unroll" eval "$folder/model/model.safetensors" "$folder/test_2016_flickr.tsv" --decode $way
done
