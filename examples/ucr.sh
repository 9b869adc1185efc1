#!/bin/sh
# ucr.sh FOLDER NAME... - labels for whole series: data sets of the UCR and UEA archives, in their own split, three seeds each.
# FOLDER has NAME_TRAIN.ts and NAME_TEST.ts (a series a line: values with commas, variables with colons between them, the label last).
# The net is labels.net. UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
data=$1
shift
folder=$(mktemp -d)
for name; do
  for part in TRAIN TEST; do
    awk '/^[#@]/ || !NF { next }
      !rows++ { print "x\tlabel" }
      { sub(/\r$/, "")
        n = split($0, variable, ":") - 1
        steps = split(variable[1], cell, ",")
        for (i = 2; i <= n; i++) { split(variable[i], more, ","); for (t = 1; t <= steps; t++) cell[t] = cell[t] ";" more[t] }
        line = cell[1]
        for (t = 2; t <= steps; t++) line = line " " cell[t]
        print line "\t" variable[n + 1] }' "$data/${name}_$part.ts" >"$folder/$part.tsv"
  done
  for seed in 1 2 3; do
    "$unroll" train "$here/labels.net" "$folder/TRAIN.tsv" --valid 0 --steps 300 --batch 16 --standardise --schedule cosine \
      --seed "$seed" --quiet -o "$folder/model"
    printf '%s, seed %s, ' "$name" "$seed"
    "$unroll" eval "$folder/model/model.safetensors" "$folder/TEST.tsv" | sed -n 1p
    rm -r "$folder/model"
  done
done
rm -r "$folder"
