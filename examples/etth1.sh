#!/bin/sh
# etth1.sh DATA - the oil temperature of a transformer, 24 hours ahead, in the usual split: 12 months of training, 4 of validation, 4 of
# test, every hour of which is an origin. Figures "in deviations of the training part" are those that papers give (Zhou et al. 2021,
# Informer).
# DATA: ETTh1.csv with the columns date and OT, hourly from 2016-07-01 (17,420 rows; the first 14,400 are used).
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "OT") column = i; print "date,y"; next }
  NR <= 14401 { print $1 "," $column }' "$1" >"$folder/data.csv"
"$unroll" train forecast "$folder/data.csv" --time date --scale series --context 72 --horizon 24 --valid 0.2 --test 0.2 \
  --steps 600 --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/data.csv" --backtest 2857 --stride 1 --samples 100
rm -r "$folder"
