#!/bin/sh
# zaremba.sh TRAIN VALID TEST - the small word-level model of Zaremba, Sutskever & Vinyals (2014): 2 x 200 LSTM, 13 epochs; there its
# test perplexity is 114.5. Needs the Penn Treebank as Mikolov prepared it: a sentence a line, 10,000 words. EPOCHS=... for less.
# The paper adds the loss over the 20 steps of a pass where Unroll takes the mean: its rate 1 and norm 5 are 20 and 0.25 here.
set -eu
[ $# = 3 ] || { echo "usage: $0 TRAIN VALID TEST" >&2; exit 2; }
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$unroll" show words | sed 's/words(10000)/words(10000) spaced/' >"$folder/words.net" # the text is cut already
"$unroll" train "$folder/words.net" "$1" --valid "$2" --test "$3" --batch 20 --unroll 20 --epochs "${EPOCHS:-13}" \
  --optimizer sgd --momentum 0 --lr 20 --clip-norm 0.25 --schedule decay:0.5:4 --init '*=uniform(0.1)' -o "$folder/model"
"$unroll" eval "$folder/model/model.safetensors" "$3" --batch 1 --unroll 256
