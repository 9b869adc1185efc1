#!/bin/sh
# sunspots.sh DATA - the built-in net on one long series whose cycle of about eleven years no calendar knows: tested on the last 15 %.
# DATA: monthly sunspot numbers, 1749 to 1983, a table with the columns "Month","Sunspots" (2,820 rows).
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
sed '1s/.*/month,y/; s/"//g' "$1" >"$folder/data.csv"
"$unroll" train forecast "$folder/data.csv" --time month --standardise --context 132 --horizon 12 --valid 0.1 --test 0.15 \
  --set hidden=24 --set layers=1 --steps 500 --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/data.csv" --backtest 35
rm -r "$folder"
