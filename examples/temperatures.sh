#!/bin/sh
# temperatures.sh DATA - daily minimum temperatures: what to do about missing days, and a season of a year (--season 365).
# DATA: Melbourne, 1981 to 1990, a table with the columns "Date","Temp". It lacks the last days of the leap years 1984 and 1988;
# they get the value of the day before, since a series must have every step.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
sed '1s/.*/day,y/; s/["?]//g' "$1" |
  awk -F, '{ print } $1 == "1984-12-30" || $1 == "1988-12-30" { sub("30$", "31", $1); print $1 "," $2 }' >"$folder/data.csv"
"$unroll" train forecast "$folder/data.csv" --time day --scale series --context 28 --horizon 7 --valid 0.1 --test 0.2 \
  --set hidden=24 --set layers=1 --steps 500 --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/data.csv" --backtest 104 --season 365
rm -r "$folder"
