#!/bin/sh
# hello.sh - the smallest example there is: a vocabulary of four letters, one word, and the question what comes after `hell`.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
printf hello | "$unroll" train language - -o "$folder"
printf hello | "$unroll" score "$folder/model.safetensors" - --per-symbol
"$unroll" sample "$folder/model.safetensors" --prime hell --length 1 --probability
rm -r "$folder"
