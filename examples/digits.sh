#!/bin/sh
# digits.sh FOLDER - one picture, one label: the built-in convolutional net on the first 8,000 of MNIST's 10,000 test digits, tested on the
# other 2,000. FOLDER has t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz (28 x 28 pixels, IDX, packed by gzip). A cell of the
# table names a picture within the unpacked file: images#17.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
gunzip -c "$1/t10k-images-idx3-ubyte.gz" >"$folder/images"
gunzip -c "$1/t10k-labels-idx1-ubyte.gz" | od -An -v -t u1 -w1 -j 8 |
  awk -v to="$folder" 'BEGIN { for (i = 0; i < 2; i++) print "picture\tlabel" >(to "/" i ".tsv") }
    { print "images#" (NR - 1) "\t" ($1 + 0) >(to "/" (NR > 8000) ".tsv") }'
"$unroll" train image "$folder/0.tsv" --epochs 8 --schedule cosine --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/1.tsv"
rm -r "$folder"
