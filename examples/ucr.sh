#!/bin/sh
# ucr.sh FOLDER NAME... - labels for whole series: data sets of the UCR and UEA archives, in their own split, three seeds each.
# FOLDER has NAME_TRAIN.ts and NAME_TEST.ts (a series a line: values with commas, variables with colons between them, the label last);
# series may differ in length. The net is labels.net; for the outlines of ArrowHead places.net, since where something is matters there, which
# cross-validation within the 36 series of its training set showed; for the currents of PLAID currents.net, where a step is 32 successive
# values and the next begins 7 later (their ripple has a period of 5), chosen with the net by four-fold cross-validation within its training set.
# UNROLL=... names the program; SEEDS="1 2 3" and OPTIONS=... change the training.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
data=$1
shift
folder=$(mktemp -d)
for name; do
  window=1 hop=1
  [ "$name" != PLAID ] || { window=32 hop=7; }
  for part in TRAIN TEST; do
    awk -v window=$window -v hop=$hop '/^[#@]/ || !NF { next }
      !rows++ { print "x\tlabel" }
      { sub(/\r$/, "")
        n = split($0, variable, ":") - 1
        steps = split(variable[1], cell, ",")
        for (i = 2; i <= n; i++) { split(variable[i], more, ","); for (t = 1; t <= steps; t++) cell[t] = cell[t] ";" more[t] }
        line = ""
        for (t = 1; t + window - 1 <= steps; t += hop) {
          line = line (t > 1 ? " " : "") cell[t]
          for (i = 1; i < window; i++) line = line ";" cell[t + i]
        }
        print line "\t" variable[n + 1] }' "$data/${name}_$part.ts" >"$folder/$part.tsv"
  done
  case $name in
  ArrowHead) how="places.net --standardise --steps 300 --batch 12 --lr 0.01 --optimizer adamw --weight-decay 0.1" ;;
  PLAID) how="currents.net --steps 4000 --batch 16 --lr 0.004 --optimizer adamw --weight-decay 0.1" ;;
  *) how="labels.net --standardise --steps 300 --batch 16" ;;
  esac
  for seed in ${SEEDS:-1 2 3}; do
    # shellcheck disable=SC2086
    "$unroll" train "$here/"${how%% *} "$folder/TRAIN.tsv" --valid 0 ${how#* } --schedule cosine --seed "$seed" ${OPTIONS:-} \
      --quiet -o "$folder/model"
    printf '%s, seed %s, ' "$name" "$seed"
    "$unroll" eval "$folder/model/model.safetensors" "$folder/TEST.tsv" | sed -n 1p | tee -a "$folder/seeds"
    rm -r "$folder/model"
  done
  sed 's/.*accuracy \([0-9.]*\).*/\1/' "$folder/seeds" | sort -n |
    awk -v name="$name" '{ x[NR] = $1 } END { printf "%s, median of %d: %.2f %%\n", name, NR, (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'
  rm "$folder/seeds"
done
rm -r "$folder"
