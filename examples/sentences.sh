#!/bin/sh
# sentences.sh TRAIN [TEST] - labels of sentences with the built-in net `sentiment`: accuracy, and F1 of each label.
# Needs files with a label, a space and a sentence a line (as SST-2, TREC and MR often come), in UTF-8 or ISO 8859-1. Without TEST it takes
# each tenth of TRAIN in turn as the test and prints the mean accuracy.
# UNROLL=... names the program, NET=... the net. EPOCHS=... (8), VALID=... (the share that chooses the best epoch, 0.1; 0: the last one is
# taken), SEED=... and OPTIONS=... change the training.
set -eu
[ $# = 1 ] || [ $# = 2 ] || { echo "usage: $0 TRAIN [TEST]" >&2; exit 2; }
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
table() { # a table with quoted sentences; bytes that are no UTF-8 are taken as ISO 8859-1
  iconv -f utf-8 -t utf-8 "$1" >"$folder/text" 2>/dev/null || iconv -f iso-8859-1 -t utf-8 "$1" >"$folder/text"
  LC_ALL=C awk '{ at = index($0, " "); text = substr($0, at + 1); gsub(/"/, "\"\"", text); print substr($0, 1, at - 1) ",\"" text "\"" }' "$folder/text"
}
{ echo label,text; table "$1"; } >"$folder/all.csv"
learn() { # learn DATA
  # shellcheck disable=SC2086
  "$unroll" train "${NET:-sentiment}" "$1" --valid "${VALID:-0.1}" --epochs "${EPOCHS:-8}" --seed "${SEED:-1}" ${OPTIONS:-} --quiet \
    -o "$folder/model"
}
if [ $# = 2 ]; then
  { echo label,text; table "$2"; } >"$folder/test.csv"
  learn "$folder/all.csv"
  "$unroll" eval "$folder/model/model.safetensors" "$folder/test.csv"
  exit
fi
for k in 0 1 2 3 4 5 6 7 8 9; do
  awk -v k=$k 'NR == 1 || NR % 10 != k' "$folder/all.csv" >"$folder/train.csv"
  awk -v k=$k 'NR == 1 || NR % 10 == k' "$folder/all.csv" >"$folder/test.csv"
  learn "$folder/train.csv"
  "$unroll" eval "$folder/model/model.safetensors" "$folder/test.csv" | grep accuracy
done | awk '{ print; gsub(/.*accuracy /, ""); sum += $1; n++ } END { printf "mean accuracy of %d parts: %.2f %%\n", n, sum / n }'
