#!/bin/sh
# clicks.sh DATA - the next page of a visit (built-in net `clicks`): 50,000 visits to train on, 10,000 to predict, 17 kinds of pages. The end of
# a visit is one of the things to predict, and so is its first page. Beside the net, by counting on the same visits: what came most often
# after the page before, and after the two pages before.
# DATA: a folder with first60000.seq, the first 60,000 visits of the UCI data set "MSNBC.com Anonymous Web Data", a visit a line, numbers
# of pages with spaces between them. Of 16 visits of more than 200 pages the first 200 are taken.
# `unroll train clicks` without options on 49,000 of them, three seeds: 2.237, 2.246, 2.224 bits per symbol, accuracy 50.65, 50.81,
# 51.11 % on the visits to predict. Counts after one page 2.443 and 47.73 %, after two 2.307 and 50.37 %.
# UNROLL=... names the program, where it is not on the path; OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
awk -v folder="$folder" '{ line = $1; for (i = 2; i <= NF && i <= 200; i++) line = line " " $i
  print line >(folder (NR > 50000 ? "/test.txt" : "/train.txt")) }' "$1/first60000.seq"
for before in 1 2; do
  awk -v before="$before" '
    function next_page(i) { now = i > NF ? "end" : $i; key = before == 1 ? last : last2 " " last; last2 = last; last = now }
    FNR == 1 { part++ }
    { last2 = ""; last = "begin" }
    part == 1 { for (i = 1; i <= NF + 1; i++) {
      next_page(i); all[key]++
      if (++count[key, now] > count[key, best[key]]) best[key] = now } }
    part == 2 { for (i = 1; i <= NF + 1; i++) { next_page(i); n++; right += best[key] == now
      bits -= log((count[key, now] + 0.5) / (all[key] + 9)) / log(2) } }
    END { printf "counting after %d page%s: %.4f bits per symbol, accuracy %.2f %%\n",
      before, (before > 1 ? "s" : ""), bits / n, 100 * right / n }' \
    "$folder/train.txt" "$folder/test.txt"
done
# shellcheck disable=SC2086
"$unroll" train clicks "$folder/train.txt" --epochs 10 --batch 64 --lr 0.003 --schedule cosine --set hidden=200 ${OPTIONS:-} \
  --quiet -o "$folder/model" --seed "${SEED:-1}"
"$unroll" eval "$folder/model/model.safetensors" "$folder/test.txt"
rm -r "$folder"
