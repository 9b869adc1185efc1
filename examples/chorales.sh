#!/bin/sh
# chorales.sh FILE - Bach's chorales in steps of a quarter note: every key for itself, then voice after voice. FILE is
# jsb-chorales-quarter.json of github.com/czhuang/JSB-Chorales-dataset, with the split of Boulanger-Lewandowski et al. (2012): {"train":
# [piece, ...], "valid": ..., "test": ...}, a piece a list of steps, a step a list of MIDI pitches.
# Voices are also trained on higher and lower, by up to SHIFT half tones (0: none). A step of four voices is soprano (the highest key),
# bass (the lowest), alto and tenor; one that does not sound is "-". As a step's keys and its voices are the same, so are their likelihoods:
# of voices the loss of a step is four times the "total". UNROLL=... names the program; SEED and OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || { echo "usage: chorales.sh FILE" >&2; exit 2; }
here=$(dirname "$0")
folder=$(mktemp -d)
tr -d ' \n' <"$1" | sed 's/"\(train\|valid\|test\)":\[/\n\1 /g' | awk -v folder="$folder" -v shift="${SHIFT:-5}" '
  function put(step, by, n, v, i, k, keys) { # one step, `by` half tones higher: a cell of keys, and four of voices
    n = split(step, v, ",")
    for (i = 2; i <= n; i++) for (k = i; k > 1 && v[k] + 0 < v[k - 1] + 0; k--) { keys = v[k]; v[k] = v[k - 1]; v[k - 1] = keys }
    for (i = 1; i <= n; i++) v[i] += by
    split("", on)
    for (i = 1; i <= n; i++) on[v[i] - 21] = 1
    keys = 0 in on ? 1 : 0
    for (k = 1; k < 88; k++) keys = keys ";" (k in on ? 1 : 0)
    cell = cell (cell ? " " : "") keys
    soprano = soprano " " (n ? v[n] : "-"); bass = bass " " (n > 1 ? v[1] : "-")
    alto = alto " " (n > 3 ? v[n - 1] : n > 2 ? v[2] : "-"); tenor = tenor " " (n > 3 ? v[2] : "-")
  }
  $1 ~ /^(train|valid|test)$/ {
    keyfile = folder "/keys." $1 ".tsv"; voicefile = folder "/voices." $1 ".tsv"
    print "notes" >keyfile; print "soprano\tbass\talto\ttenor" >voicefile
    most = $1 == "train" ? shift : 0
    gsub(/^\[|\]\]+[,}]*$/, "", $2)
    n = split($2, piece, /\]\],\[/)
    for (i = 1; i <= n; i++) for (by = -most; by <= most; by++) {
      cell = soprano = bass = alto = tenor = ""
      m = split(piece[i], steps, /\],\[/)
      for (j = 1; j <= m; j++) { gsub(/[^0-9,]/, "", steps[j]); put(steps[j], by) }
      if (!by) print cell >keyfile
      print soprano "\t" bass "\t" alto "\t" tenor >voicefile
    }
  }'
# train NAME NET OPTIONS
train() {
  name=$1 net=$2
  shift 2
  # shellcheck disable=SC2086
  "$unroll" train "$net" "$folder/$name.train.tsv" -o "$folder/$name" --valid "$folder/$name.valid.tsv" --threads 1 --seed "${SEED:-1}" "$@" \
    ${OPTIONS:-}
  "$unroll" eval "$folder/$name/model.safetensors" "$folder/$name.test.tsv" | grep 'nats per'
}
echo "every key for itself:"
train keys "$here/keys.net" --epochs 40 --lr 0.003 --schedule cosine --batch 4
echo "voice after voice:"
train voices "$here/voices.net" --epochs 4 --lr 0.003 --schedule cosine --batch 16
rm -r "$folder"
