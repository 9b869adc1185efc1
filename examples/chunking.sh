#!/bin/sh
# chunking.sh TRAIN TEST - phrases in tagged text: trains examples/chunking.net and prints precision, recall and F1 of the phrases.
# Needs the two files of the shared task of CoNLL-2000: a word, its part of speech and its tag (B-NP, I-NP, O ...) a line, an empty line
# between sentences. UNROLL=... names the program, where it is not on the path.
set -eu
[ $# = 2 ] || { echo "usage: $0 TRAIN TEST" >&2; exit 2; }
unroll=${UNROLL:-unroll}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$unroll" train "$(dirname "$0")/chunking.net" "$1" --tagged text,pos,tag --valid 0.05 --test "$2" \
  --epochs "${EPOCHS:-14}" --lr 0.003 --schedule cosine -o "$folder" --seed "${SEED:-1}"
"$unroll" eval "$folder/model.safetensors" "$2" --tagged text,pos,tag
