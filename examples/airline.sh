#!/bin/sh
# airline.sh - a forecast with honest intervals from 144 numbers: airline passengers a month, 1949 to 1960, which are beside this
# file. The net (airline.net) is trained until 1956, chosen by 1957 and tested on the three years after, from every month.
# Then the year 1961. UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
folder=$(mktemp -d)
"$unroll" train "$here/airline.net" "$here/airline.csv" --time month --scale level --context 36 --horizon 12 \
  --valid 0.12 --test 0.25 --steps 200 --lr 0.005 --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$here/airline.csv" --backtest 25 --stride 1
"$unroll" predict "$folder/model.safetensors" "$here/airline.csv" --horizon 12 --samples 200 --quantiles 0.1,0.5,0.9
rm -r "$folder"
