#!/bin/sh
# vqa.sh FOLDER - questions about a picture of one coloured shape (easy-VQA). FOLDER has train/questions.json and test/questions.json,
# lists of [question, answer, number of the picture], and beside it lie blocks of bytes, a picture of 16 x 16 x 3 after the other:
# FOLDER/../../train_images_16x16_rgb.u8 and test_images_16x16_rgb.u8, or what PICTURES names.
# EPOCHS: 8. With 600 pictures of the training part set aside, 8 epochs over the others name 99.57 % of the answers to these.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
pictures=$(cd "${PICTURES:-$1/../..}" && pwd)
folder=$(mktemp -d)
for part in train test; do
  sed 's/\], \[/\n/g; s/^\[\[//; s/\]\]$//' "$1/$part/questions.json" |
    awk -F '"' -v block="$pictures/${part}_images_16x16_rgb.u8" 'BEGIN { print "picture\tquestion\tanswer" }
      { number = $5; gsub(/[^0-9]/, "", number); print block "#" number "\t" $2 "\t" $4 }' >"$folder/$part.tsv"
done
"$unroll" train "$here/vqa.net" "$folder/train.tsv" --epochs "${EPOCHS:-8}" --schedule cosine --quiet -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$folder/test.tsv"
rm -r "$folder"
