#!/bin/sh
# handwriting.sh FILE [PICTURES] - reads and writes by hand: handwriting to text by ctc, text to handwriting by a window that slides over the
# letters (Graves 2013), and the one reads what the other has written. FILE is bigbank_3500.json.zip of github.com/greydanus/
# cursivetransformer: a list of {"metadata": {"asciiSequence": WORD, "aspectRatio": ...}, "points": [[x, y, pen down], ...]}. Of the words
# that come once every tenth, 300 in all, is the test, and 163 others choose the epoch and the bias, 2. Every fourth training word is also
# written after another one, with a space between them. With the folder PICTURES drawings are left there as SVG.
# UNROLL=... names the program; SEED and OPTIONS go to `train`. 20 minutes on one core.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 1 ] || [ $# = 2 ] || { echo "usage: handwriting.sh FILE [PICTURES]" >&2; exit 2; }
folder=$(mktemp -d)
unzip -p "$1" bigbank_3500.json | awk -v folder="$folder" -v gap=150 '
  function plain(s) { gsub(/\\"/, "\"", s); gsub(/\\\\/, "\\", s); return s }
  function put(part, word, points) {
    if (!(part in rows)) { rows[part] = 0; print "text\tpen" >(folder "/" part ".tsv") }
    if (word ~ /^"/) { gsub(/"/, "\"\"", word); word = "\"" word "\"" }
    print word "\t" part ".strokes#" rows[part]++ >(folder "/" part ".tsv")
    print points >(folder "/" part ".strokes")
  }
  BEGIN { RS = "[{]\"metadata\"" }
  match($0, /"asciiSequence":"([^"\\]|\\.)*"/) {
    word[++n] = plain(substr($0, RSTART + 17, RLENGTH - 18)); seen[word[n]]++
    match($0, /"aspectRatio":[0-9.]+/); wide = substr($0, RSTART + 14, RLENGTH - 14)
    s = substr($0, index($0, "\"points\":[[") + 11); sub(/\]\].*/, "", s)
    low[n] = 1e9; high[n] = -1e9
    k = split(s, point, /\],\[/)
    for (i = 1; i <= k; i++) {
      split(point[i], v, ","); x = 1000 * wide * v[1]; y = 1000 * v[2]
      if (x < low[n]) low[n] = x
      if (x > high[n]) high[n] = x
      if (i == 1) { x0[n] = x; y0[n] = y } else path[n] = path[n] sprintf(" %.1f,%.1f,%d", x - a, y - b, i == k || !v[3])
      a = x; b = y
    }
    x1[n] = a; y1[n] = b
  }
  END {
    for (i = 1; i <= n; i++) {
      part = "train"
      if (seen[word[i]] == 1) { u++; if (u % 10 == 0 && tests < 300) { part = "test"; tests++ } else if (u % 20 == 5) part = "valid" }
      put(part, word[i], "0,0,0" path[i])
      if (part == "train") put("words", word[i], "0,0,0" path[i])
      if (part != "train") continue
      if (last && ++pairs % 4 == 1)
        put("train", word[last] " " word[i], "0,0,0" path[last] sprintf(" %.1f,%.1f,0", high[last] + gap - low[i] + x0[i] - x1[last], \
            y0[i] - y1[last]) path[i])
      last = i
    }
  }'
# train NAME NET DATA OPTIONS
train() {
  name=$1 net=$2 data=$3
  shift 3
  # shellcheck disable=SC2086
  "$unroll" train "$net" "$folder/$data.tsv" -o "$folder/$name" --valid "$folder/valid.tsv" --standardise --lr 0.003 --schedule cosine \
    --batch 32 --threads 1 --seed "${SEED:-1}" "$@" ${OPTIONS:-}
}
train read handwriting_read words --epochs 30
echo "unseen words:"
"$unroll" eval "$folder/read/model.safetensors" "$folder/test.tsv" --beam 10
train write handwriting_text train --epochs 12
"$unroll" eval "$folder/write/model.safetensors" "$folder/test.tsv"
# The test's words, each written once.
cut -f 1 "$folder/test.tsv" >"$folder/texts.tsv"
for bias in 1 2; do
  "$unroll" predict "$folder/write/model.safetensors" "$folder/texts.tsv" --samples 1 --length 400 --bias $bias | cut -f 2 >"$folder/drawn"
  { printf 'text\tpen\n'; sed 1d "$folder/texts.tsv" | paste - "$folder/drawn"; } >"$folder/drawn.tsv"
  echo "the same words, written with bias $bias and read:"
  "$unroll" eval "$folder/read/model.safetensors" "$folder/drawn.tsv" --beam 10 --skip-bad
done
if [ $# = 2 ]; then
  mkdir -p "$2"
  for text in "any words" "the defence" "hello" "recurrent" "Graves 2013"; do
    "$unroll" sample "$folder/write/model.safetensors" --text "$text" -n 6 --bias 2 --length 600 -o "$2/$text.svg"
  done
fi
rm -r "$folder"
