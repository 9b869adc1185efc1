#!/bin/sh
# tunes.sh FOLDER [KINDS] - what a tune is, and how well tunes are foretold. FOLDER has mid/ and labels.tsv, whose columns file and kind
# (or composer) follow a row of names:
# - the Nottingham tunes, github.com/jukedeck/nottingham-dataset: melody and chords; KINDS may be "jig reel", only these two;
# - pieces of composers, as of github.com/azrapamuk/Music-Generator-App: NET=composers, and pieces are also heard higher and lower.
# The last fifth of each kind, in the order of the names, is the test: movements of a work stay together. TUNES=1 also learns to
# foretell tunes, in eighths. UNROLL=... names the program; SEED and OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || [ $# = 2 ] || { echo "usage: tunes.sh FOLDER [KINDS]" >&2; exit 2; }
here=$(dirname "$0")
data=$(cd "$1" && pwd)
folder=$(mktemp -d)
sed 1d "$data/labels.tsv" | sort | awk -F '\t' -v OFS='\t' -v data="$data/mid/" -v folder="$folder" -v kinds="${2:-}" '
  kinds == "" || index(" " kinds " ", " " $2 " ") { file[++n] = $1; kind[n] = $2; all[$2]++ }
  END {
    print "notes", "label" >(folder "/train.tsv"); print "notes", "label" >(folder "/test.tsv")
    for (i = 1; i <= n; i++) print data file[i], kind[i] >(folder (++seen[kind[i]] > 0.8 * all[kind[i]] ? "/test.tsv" : "/train.tsv"))
  }'
# train NET OPTIONS
train() {
  net=$1
  shift
  # shellcheck disable=SC2086
  "$unroll" train "$here/$net.net" "$folder/train.tsv" -o "$folder/$net" --threads 1 --seed "${SEED:-1}" --lr 0.003 --schedule cosine \
    --batch 16 "$@" ${OPTIONS:-}
  "$unroll" eval "$folder/$net/model.safetensors" "$folder/test.tsv"
}
case ${NET:-tune_kinds} in
  composers) train composers --valid 0 --epochs "${EPOCHS:-60}" --optimizer adamw --weight-decay 0.3 --transpose 2 ;;
  *) train "${NET:-tune_kinds}" --valid 0 --epochs "${EPOCHS:-12}" ;;
esac
[ "${TUNES:-0}" = 0 ] || train tunes --valid 0.1 --epochs 100 --crop 48
rm -r "$folder"
