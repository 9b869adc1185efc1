#!/bin/sh
# stocks.sh DATA - five series in one model, and a hard case: little is known to beat the last value for prices. Whether the model does
# depends on the seed here (docs/data.md); what it can say is how wide the future is.
# DATA: monthly prices of five stocks, 2000 to 2010, a table with the columns symbol,date,price and dates such as Jan 1 2000, which are
# turned into ISO 8601 first. UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
awk -F, 'BEGIN { split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names, " "); for (i in names) month[names[i]] = i }
  NR == 1 { print "symbol,month,y"; next } { split($2, d, " "); printf "%s,%04d-%02d,%s\n", $1, d[3], month[d[1]], $3 }' "$1" \
  >"$folder/data.csv"
"$unroll" train forecast "$folder/data.csv" --series symbol --time month --scale level --context 24 --horizon 6 --valid 0.1 --test 0.2 \
  --set hidden=16 --set layers=1 --steps 300 --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/data.csv" --season 1
rm -r "$folder"
