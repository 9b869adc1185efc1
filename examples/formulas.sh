#!/bin/sh
# formulas.sh FORMULAS - LaTeX of handwritten formulas, with attention and without. FORMULAS has train.u4 and test2014.u4, pictures of 48 x 160
# pixels of 4 bits, and tables of the same names with the used columns and the LaTeX of each. Every tenth training picture is for
# validation. Needs python3. EPOCHS=80, SEED=1 and PART=test (or valid) say how it learns and what it is judged by.
# UNROLL=... names the program, where it is not on the path.
set -eu
unroll=${UNROLL:-unroll}
here=$(dirname "$0")
folder=$(mktemp -d)
python3 "$here/formulas.py" tables "$1" "$folder"
for net in formulas formulas_blind; do
  "$unroll" train "$here/$net.net" "$folder/train.tsv" --valid "$folder/valid.tsv" --epochs "${EPOCHS:-80}" --schedule cosine --lr 0.002 \
    --batch 16 --warp 0.2 --quiet -o "$folder/$net" --seed "${SEED:-1}"
  echo "$net"
  "$unroll" eval "$folder/$net" "$folder/${PART:-test}.tsv" --decode | sed -n '/^latex/p; /generated/p'
  "$unroll" predict "$folder/$net" "$folder/${PART:-test}.tsv" --beam 5 >"$folder/$net.txt"
  python3 "$here/formulas.py" score "$folder/${PART:-test}.tsv" "$folder/$net.txt"
done
rm -r "$folder"
