#!/bin/sh
# temperatures.sh DATA - daily minimum temperatures: days that are missing, and a season of a year (--season 365).
# DATA: Melbourne, 1981 to 1990, a table with the columns "Date","Temp". It lacks the last days of the leap years 1984 and 1988,
# which are steps that were not observed.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
sed '1s/.*/day,y/; s/["?]//g' "$1" >"$folder/data.csv"
"$unroll" train forecast "$folder/data.csv" --time day --scale series --context 28 --horizon 7 --valid 0.1 --test 0.2 \
  --set hidden=24 --set layers=1 --steps 500 --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/data.csv" --backtest 104 --season 365
rm -r "$folder"
