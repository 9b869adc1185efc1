#!/bin/sh
# addition.sh - sums of numbers up to 999, digit by digit, by an encoder and a decoder that share nothing but a state
# (Sutskever, Vinyals & Le 2014; the task after Zaremba & Sutskever 2014). Reading the sum backwards puts the last digits first.
# Needs addition.txt of "Deep Learning from Scratch 2" (github.com/oreilly-japan/deep-learning-from-scratch-2,
# dataset/addition.txt): 50,000 lines, the sum, spaces, "_", the answer. UNROLL=... names the program; EPOCHS=... how long it learns.
set -eu
[ $# = 1 ] || { echo "usage: addition.sh addition.txt" >&2; exit 2; }
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
cat >"$folder/addition.net" <<'END'
# Addition: the sum is read, then the answer is written.
data source : chars
data target : chars
hidden = 128
reverse = 1
s = lstm(embed(source, 16), hidden, backward = reverse)
d = lstm(embed(target[t-1], 16), hidden, start = s)
target ~ softmax(W d + b)
END
awk -v folder="$folder" 'BEGIN { OFS = "\t"; for (i = 0; i < 2; i++) print "source", "target" >(folder "/" i ".tsv") }
  { split($0, a, "_"); sub(/ +$/, "", a[1]); sub(/ +$/, "", a[2]); print a[1], a[2] >(folder "/" (NR % 10 == 0) ".tsv") }' "$1"
"$unroll" train "$folder/addition.net" "$folder/0.tsv" -o "$folder/addition" --epochs "${EPOCHS:-16}" --lr 0.005 --batch 64 \
  --schedule cosine --valid 0.02 --seed "${SEED:-1}"
"$unroll" eval "$folder/addition/model.safetensors" "$folder/1.tsv" --decode
"$unroll" eval "$folder/addition/model.safetensors" "$folder/1.tsv" --decode --beam 5
rm -r "$folder"
