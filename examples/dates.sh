#!/bin/sh
# dates.sh - dates as people write them become 1994-09-27: an encoder and a decoder with attention, letter by letter.
# Needs date.txt of "Deep Learning from Scratch 2" (github.com/oreilly-japan/deep-learning-from-scratch-2, dataset/date.txt): 50,000 lines,
# the date, spaces, "_", the answer. 45,000 are learned from, 5,000 tell how often the whole answer is right. One minute.
# UNROLL=... names the program, where it is not on the path.
set -eu
[ $# = 1 ] || { echo "usage: dates.sh date.txt" >&2; exit 2; }
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
cat >"$folder/dates.net" <<'END'
# Dates: the decoder looks at the letter that it writes next.
data source : chars
data target : chars
hidden = 64
s = lstm(embed(source, 16), hidden, backward)
d = lstm(embed(target[t-1], 16), hidden, start = s)
a = attend(d, s)
target ~ softmax(W tanh(V [d, a] + b) + bw)
END
# every tenth line is for the test; the lines of the file are in no order
awk -v folder="$folder" 'BEGIN { OFS = "\t"; for (i = 0; i < 2; i++) print "source", "target" >(folder "/" i ".tsv") }
  { split($0, a, "_"); sub(/ +$/, "", a[1]); sub(/ +$/, "", a[2]); print a[1], a[2] >(folder "/" (NR % 10 == 0) ".tsv") }' "$1"
"$unroll" train "$folder/dates.net" "$folder/0.tsv" -o "$folder/dates" --epochs 3 --lr 0.003 --batch 64 --valid 0.02 --seed "${SEED:-1}"
"$unroll" eval "$folder/dates/model.safetensors" "$folder/1.tsv" --decode
printf 'source\n"march 3, 2001"\n12/31/99\n' | "$unroll" predict "$folder/dates/model.safetensors" - --probability
rm -r "$folder"
