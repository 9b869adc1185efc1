#!/bin/sh
# zaremba.sh TRAIN VALID TEST - the small word-level model of Zaremba, Sutskever & Vinyals (2014): 2 x 200 LSTM, 13 epochs; there its
# test perplexity is 114.5. SIZE=medium: 2 x 650, dropout 0.5, 39 epochs; 82.7 there.
# Needs the Penn Treebank as Mikolov prepared it: a sentence a line, 10,000 words. EPOCHS=... for less, OPTIONS=... for other options.
# The paper adds the loss over the steps of a pass (20, or 35) where Unroll takes the mean: its rate 1 and norm 5 are 20 and 0.25 here, or 35
# and 0.142857.
set -eu
[ $# = 3 ] || { echo "usage: $0 TRAIN VALID TEST" >&2; exit 2; }
unroll=${UNROLL:-unroll}
case ${SIZE:-small} in
small) size="--epochs ${EPOCHS:-13} --unroll 20 --lr 20 --clip-norm 0.25 --schedule decay:0.5:4 --init *=uniform(0.1)" ;;
medium)
  size="--epochs ${EPOCHS:-39} --unroll 35 --lr 35 --clip-norm 0.142857 --schedule decay:0.8333333:6 --init *=uniform(0.05)"
  size="$size --set hidden=650 --set embedding=650 --set drop=0.5"
  ;;
*) echo "$0: SIZE is small or medium" >&2 && exit 2 ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$unroll" show words | sed 's/words(10000)/words(10000) spaced/' >"$folder/words.net" # the text is cut already
set -f # the * of --init is no pattern
# shellcheck disable=SC2086
"$unroll" train "$folder/words.net" "$1" --valid "$2" --test "$3" --batch 20 --optimizer sgd --momentum 0 $size -o "$folder/model" \
  --seed "${SEED:-1}" ${OPTIONS:-}
"$unroll" eval "$folder/model/model.safetensors" "$3" --batch 1 --unroll 256
