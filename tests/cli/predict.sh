# predict.sh - what `predict` and `score` print of each row: digits that tell neighbours apart.
. "$(dirname "$0")/common.sh"

# Levels of 1e8 with steps of 1, learnt exactly: neighbours are told apart, and the truth is the one that was read.
awk 'BEGIN { print "x,y"; for (i = 0; i < 40; i++) print i % 20 "," 100000000 + i % 20 }' >levels.csv
printf '%s\n' 'data x : number' 'data y : number' 'y ~ gaussian(mean = M x + b, scale = 0.01)' >levels.net
run train levels.net levels.csv -o levels --standardise --steps 400 --lr 0.05 --valid 0 --quiet
expect 0
run predict levels levels.csv
expect 0
awk '{ printf "%.0f\n", $1 }' out | head -n 20 >got
seq 100000000 100000019 >wanted
same got wanted "predictions of levels of 1e8"
run predict levels levels.csv --json
expect 0
tr -dc '0-9.,\n' <out | tr , '\n' | awk 'NF { printf "%.0f\n", $1 }' | head -n 20 >got
same got wanted "the same in JSON"
run score levels levels.csv --json
expect 0 '"value": "100000007"' '"value": "100000019"'
run score levels levels.csv
head -n 20 out | cut -f2 >got
same got wanted "the truth that score prints"
run train levels.net levels.csv -o plain --steps 1 --valid 0 --quiet
run score plain levels.csv
head -n 20 out | cut -f2 >got
same got wanted "the truth that score prints, of numbers as they are"
finish
