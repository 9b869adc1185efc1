#!/bin/sh
# yesno.sh FOLDER - eight times yes or no in each recording, by ctc: openslr.org/1, 60 recordings 1_0_1_1_1_0_1_0.wav (1 is yes).
# Of the files in the order of their names every second one is the test. SPLIT=first is the split of Kaldi: the first 31 train, the other
# 29 are the test. All 31 begin with no and all 29 with yes, so a net that remembers where it is fails there.
# So that no word has its place, 60 rows more are joined of two recordings each (FILE + FILE). With VALID=1 the test stays unseen: half
# of the training part is trained on, and the other half looked at.
# UNROLL=... names the program, where it is not on the path; SEED and OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || { echo "usage: yesno.sh FOLDER" >&2; exit 2; }
here=$(dirname "$0")
data=$(cd "$1" && pwd)
folder=$(mktemp -d)
printf '%s\n' "$data"/[01]_*.wav | awk -v OFS='\t' -v split_by="${SPLIT:-second}" -v valid="${VALID:-}" -v folder="$folder" '
  function draw(k) { x = (x * 16807) % 2147483647; return int(x / 2147483647 * k) }
  BEGIN { x = 1; rows = 0; print "sound", "text" >(folder "/train.tsv"); print "sound", "text" >(folder "/test.tsv") }
  {
    n = split($0, path, "/")
    text = path[n]
    sub(/\.wav$/, "", text); gsub(/_/, " ", text); gsub(/1/, "yes", text); gsub(/0/, "no", text)
    test = split_by == "first" ? NR > 31 : NR % 2 == 0
    if (valid && test) next
    if (valid && ++seen % 2 == 0) test = 1
    print $0, text >(folder (test ? "/test.tsv" : "/train.tsv"))
    if (!test) { file[rows] = $0; said[rows++] = text }
  }
  END {
    for (k = 0; k < 60; k++) {
      a = draw(rows); b = draw(rows)
      print file[a] " + " file[b], said[a] " " said[b] >(folder "/train.tsv")
    }
  }'
# Some starts find no alignment and stay there. Of three the one whose loss of training ends lowest is kept.
for k in 0 1 2; do
  # shellcheck disable=SC2086
  "$unroll" train "$here/yesno.net" "$folder/train.tsv" -o "$folder/start$k" --valid 0 --epochs "${EPOCHS:-80}" --lr 0.005 --quiet \
    --schedule cosine:100 --batch 4 --threads 1 --seed $((3 * ${SEED:-1} + k)) --cache "$folder/features" ${OPTIONS:-}
  sed -n '$s/.*"loss":\([0-9.e-]*\).*/\1/p' "$folder/start$k/log.jsonl" | awk -v k=$k '{ printf "%.6f %s\n", $1, k }' >>"$folder/losses"
done
best=$(sort -g "$folder/losses" | awk 'NR == 1 { print $2 }')
"$unroll" eval "$folder/start$best/model.safetensors" "$folder/test.tsv" --threads 1
"$unroll" predict "$folder/start$best/model.safetensors" "$folder/test.tsv" --threads 1 --times | head -n 2
rm -r "$folder"
