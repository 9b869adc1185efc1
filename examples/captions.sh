#!/bin/sh
# captions.sh FLICKR DARKNET [PICTURE...] - a sentence for a picture. FLICKR has Flickr8k.token.txt, the lists Flickr_8k.trainImages.txt,
# .devImages.txt and .testImages.txt, and images/ with JPEGs of some of them. DARKNET is the folder that tiny_darknet.sh takes: a trained
# convnet. The convnet sees each picture once; its grid of 7 x 7 is kept. A net with attention over the grid learns the captions of the
# training pictures; the best epoch is chosen by the dev pictures. The test pictures are described at the end. Beside it stand the same
# net that is shown other pictures, a caption that is always the same, and that of the nearest training picture.
# A sentence for each PICTURE, a JPEG or PNG, comes last. OUT=DIR keeps everything, so that the next call need not train again.
# EPOCHS=12 and SEED=1 say how it learns, PART=dev describes others. UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
flickr=$(cd "$1" && pwd)
darknet=$(cd "$2" && pwd)
shift 2
folder=${OUT:-$(mktemp -d)}
seed=${SEED:-1}
mkdir -p "$folder"

# JPEG -> grid
if ! [ -f "$folder/features.safetensors" ]; then
  OUT=$folder UNROLL=$unroll sh "$here/tiny_darknet.sh" "$darknet"
  awk 'seen[$0]++ { $0 = $0 " " seen[$0] } { print }' "$darknet/classes.txt" >"$folder/classes.txt"
  sed '/^label/i grid = pool(c14, 2, mean)' "$here/tiny_darknet.net" >"$folder/see.net"
  "$unroll" import -q "$folder/weights.safetensors" --equations "$folder/see.net" --labels "$folder/classes.txt" -o "$folder/see" >/dev/null
  ls "$flickr/images" >"$folder/names.txt"
  { echo picture && sed "s|^|$flickr/images/|" "$folder/names.txt"; } >"$folder/pictures.csv"
  "$unroll" trace "$folder/see" "$folder/pictures.csv" --of grid -o "$folder/features.safetensors"
fi

# grid -> sentence
if ! [ -f "$folder/captions/model.safetensors" ]; then
  python3 "$here/captions.py" tables "$flickr" "$folder"
  "$unroll" train "$here/captions.net" "$folder/train.tsv" --valid "$folder/dev.tsv" --batch 16 --epochs "${EPOCHS:-12}" --lr 0.001 \
    --quiet -o "$folder/captions" --seed "$seed"
  for rows in pictures shuffled; do
    "$unroll" eval "$folder/captions" "$folder/${PART:-test}_$rows.tsv" | sed -n "1s/^/with $rows: /p"
    "$unroll" predict "$folder/captions" "$folder/${PART:-test}_$rows.tsv" --beam 5 >"$folder/$rows.txt"
  done
  python3 "$here/captions.py" score "$folder" "${PART:-test}" "attention over the grid=$folder/pictures.txt" \
    "the same net, shown other pictures=$folder/shuffled.txt"
fi

# JPEG -> grid -> sentence
if [ $# -gt 0 ]; then
  { echo picture && for p in "$@"; do realpath "$p"; done; } >"$folder/new.csv"
  "$unroll" trace "$folder/see" "$folder/new.csv" --of grid -o "$folder/new.safetensors"
  awk 'NR == 1 { print "grid" } NR > 1 { print "new.safetensors#" NR - 2 }' "$folder/new.csv" >"$folder/new.tsv"
  "$unroll" predict "$folder/captions" "$folder/new.tsv" --beam 5
fi
[ -n "${OUT:-}" ] || rm -r "$folder"
