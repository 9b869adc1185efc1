#!/bin/sh
# pendigits.sh FOLDER - a digit from eight points of a pen, of writers who were never seen. FOLDER has pendigits.tra and pendigits.tes (UCI,
# Pen-Based Recognition of Handwritten Digits): x1,y1 ... x8,y8 from 0 to 100, then the digit; 30 writers, and 14 others for the test.
# Each training digit is also written COPIES times more, a little wider, higher, slanted and turned. VALID=1 trains
# on the first four fifths of the training file and tests on the last one. UNROLL=... names the program; SEED and OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || { echo "usage: pendigits.sh FOLDER" >&2; exit 2; }
here=$(dirname "$0")
folder=$(mktemp -d)
if [ "${VALID:-0}" = 1 ]; then
  grep -c '' "$1/pendigits.tra" | { read -r n; split -l $((n * 4 / 5)) "$1/pendigits.tra" "$folder/part."; }
  mv "$folder/part.aa" "$folder/train" && mv "$folder/part.ab" "$folder/test"
else
  cp "$1/pendigits.tra" "$folder/train" && cp "$1/pendigits.tes" "$folder/test"
fi
for part in train test; do
  copies=0
  [ $part = test ] || copies=${COPIES:-3}
  awk -F '[ ,]+' -v copies="$copies" '
    function near(by) { return (2 * rand() - 1) * by }
    BEGIN { srand(1); print "x\tlabel" }
    { sub(/^ +/, "") }
    $1 ~ /^[0-9]+$/ && NF >= 17 {
      for (c = 0; c <= copies; c++) {
        a = d = 1; b = e = 0
        if (c) { a = 1 + near(0.15); d = 1 + near(0.15); b = near(0.2); e = near(0.2) }
        cell = ""
        for (i = 1; i < 16; i += 2) {
          x = $i / 50 - 1; y = $(i + 1) / 50 - 1
          cell = cell (i > 1 ? " " : "") sprintf("%.3f;%.3f", a * x + b * y, e * x + d * y)
        }
        print cell "\t" $17 + 0
      }
    }' "$folder/$part" >"$folder/$part.tsv"
done
# shellcheck disable=SC2086
"$unroll" train "$here/pendigits.net" "$folder/train.tsv" -o "$folder/model" --valid 0 --epochs "${EPOCHS:-6}" --lr 0.003 --schedule cosine \
  --batch 64 --threads 1 --seed "${SEED:-1}" ${OPTIONS:-}
"$unroll" eval "$folder/model/model.safetensors" "$folder/test.tsv"
rm -r "$folder"
