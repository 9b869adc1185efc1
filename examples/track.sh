#!/bin/sh
# track.sh FOLDER [TEST...] - where is what a box shows in the first frame of a film? FOLDER has NAME.u8, grey frames of 60 rows and 80
# columns one after the other, and NAME.tsv with the columns x, y, w, h: a box in pixels for each frame. The built-in net `track` learns
# from made-up films first, then from clips of all films but TEST. Each TEST (Car4 and Crossing) is followed from its first frame to its
# last. UNROLL=... names the program, where it is not on the path; FILMS=1500 and EPOCHS=8 say how much is made up, CLIPS=12 how often
# the clips are seen.
set -eu
unroll=${UNROLL:-unroll}
data=$1
shift
tests=${*:-Car4 Crossing}
folder=$(mktemp -d)
for film in "$data"/*.tsv; do
  name=$(basename "$film" .tsv)
  frames=$(($(wc -c <"$data/$name.u8") / 4800))
  # an IDX head, so that frames can become smaller
  {
    printf '\0\0\10\3\0\0'
    printf "\\$(printf %o $((frames / 256)))\\$(printf %o $((frames % 256)))"
    printf '\0\0\0\74\0\0\0\120'
    cat "$data/$name.u8"
  } >"$folder/$name.idx"
  length=32 part=train
  case " $tests " in *" $name "*) length=$frames part=$name ;; esac
  awk -v name="$name" -v length_of="$length" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { box[n++] = sprintf("%.5f;%.5f;%.5f;%.5f", $column["x"] / 80, $column["y"] / 60, $column["w"] / 80, $column["h"] / 60) }
    END { for (from = 0; from + length_of <= n; from += 6) {
        printf "%s.idx#%d-%d\t%s\t", name, from, from + length_of - 1, box[from]
        for (t = from; t < from + length_of; t++) printf "%s%s", box[t], t + 1 < from + length_of ? " " : "\n" } }' \
    "$film" >>"$folder/$part.tsv"
done
for table in "$folder"/*.tsv; do
  { printf 'film\tshown\tbox\n'; cat "$table"; } >"$folder/whole" && mv "$folder/whole" "$table"
done
"$unroll" task track --count "${FILMS:-1500}" >"$folder/made.txt"
"$unroll" train track "$folder/made.txt" --epochs "${EPOCHS:-8}" --batch 8 --lr 0.003 --schedule cosine --valid 0.05 --quiet -o "$folder/made" \
  --seed "${SEED:-1}"
sed -n 2,150p "$folder/made.txt" >>"$folder/train.tsv" # what it can do stays
"$unroll" train track "$folder/train.tsv" --from "$folder/made" --epochs "${CLIPS:-12}" --batch 8 --lr 0.001 --valid 0.1 --quiet \
  -o "$folder/clips" --seed "${SEED:-1}"
"$unroll" task track --count 150 --seed 2 | "$unroll" eval "$folder/made" - | sed -n '1s/^/made up, /p'
for name in $tests; do
  "$unroll" eval "$folder/clips" "$folder/$name.tsv" | sed -n "1s/^/$name, /p"
done
rm -r "$folder"
