#!/bin/sh
# digit_rows.sh FOLDER - the same digits as in digits.sh read row by row: 28 steps of 28 numbers, and a label at the end.
# FOLDER has t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz. UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
gunzip -c "$1/t10k-labels-idx1-ubyte.gz" | od -An -v -t u1 -w1 -j 8 >"$folder/labels"
gunzip -c "$1/t10k-images-idx3-ubyte.gz" | od -An -v -t u1 -w28 -j 16 |
  awk -v to="$folder" 'BEGIN { for (i = 0; i < 2; i++) print "x\tlabel" >(to "/" i ".tsv") }
    { for (i = 1; i <= NF; i++) line = line (i > 1 ? ";" : NR % 28 == 1 ? "" : " ") sprintf("%.3g", $i / 255) }
    NR % 28 == 0 { getline label <(to "/labels"); print line "\t" (label + 0) >(to "/" (NR > 28 * 8000) ".tsv"); line = "" }'
"$unroll" train classify "$folder/0.tsv" --epochs 12 --schedule cosine --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/1.tsv"
rm -r "$folder"
