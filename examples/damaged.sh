#!/bin/sh
# damaged.sh FOLDER TEXT [PICTURE.svg] - letters that nobody can read alone are read in their words. FOLDER has pendigits.tra and
# pendigits.tes (UCI, Pen-Based Recognition of Handwritten Digits: 8 points and a digit a row, the test by other writers). The ten digits
# stand for the letters e t a o i n s r h d, and the 400 words of TEXT made of these that come most often (four letters at least) are written
# with them. One letter of each word is scribbled over. One net sees each letter alone, the other one all letters of the word. Of 2,000 words by
# writers who were never seen the table says how many letters are read. UNROLL=... names the program; SEED and OPTIONS go to `train`.
set -eu
unroll=${UNROLL:-unroll}
[ $# = 2 ] || [ $# = 3 ] || { echo "usage: damaged.sh FOLDER TEXT [PICTURE.svg]" >&2; exit 2; }
here=$(dirname "$0")
folder=$(mktemp -d)
tr -s '[:space:]' '\n' <"$2" | grep -E '^[etaoinsrhd]{4,}$' | sort | uniq -c | sort -k 1,1nr -k 2 | awk 'NR <= 400 { print $2 }' >"$folder/words"
# write PART FILE WORDS: a table of words; the last column says which letter is damaged
write() {
  awk -v n="$3" -v seed="$1" -v words="$folder/words" '
    function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand()) }
    BEGIN { srand(length(seed)); FS = "[ ,]+"; while ((getline w <words) > 0) list[++many] = w; letters = "etaoinsrhd" }
    { sub(/^ +/, "") }
    $1 ~ /^[0-9]+$/ && NF >= 17 {
      s = ""
      for (i = 1; i <= 16; i++) s = s " " $i / 50 - 1
      digit = $17 + 0; shape[digit, count[digit]++] = s
    }
    END {
      print "x\tlabel\tdamaged"
      for (k = 0; k < n; k++) {
        w = list[1 + int(rand() * many)]; bad = 1 + int(rand() * length(w)); cell = label = ""
        for (i = 1; i <= length(w); i++) {
          c = substr(w, i, 1); digit = index(letters, c) - 1
          split(substr(shape[digit, int(rand() * count[digit])], 2), v, " "); one = ""
          for (j = 1; j <= 16; j++) one = one (j > 1 ? ";" : "") sprintf("%.2f", i == bad ? 0.3 * v[j] + normal() : v[j])
          cell = cell (i > 1 ? " " : "") one; label = label (i > 1 ? " " : "") c
        }
        print cell "\t" label "\t" bad
      }
    }' "$2" >"$folder/$1.tsv"
}
write train "$1/pendigits.tra" 8000
write test "$1/pendigits.tes" 2000
for net in alone context; do
  # shellcheck disable=SC2086
  "$unroll" train "$here/letters_$net.net" "$folder/train.tsv" -o "$folder/$net" --epochs 8 --lr 0.003 --schedule cosine --batch 32 --threads 1 \
    --seed "${SEED:-1}" ${OPTIONS:-}
  "$unroll" predict "$folder/$net/model.safetensors" "$folder/test.tsv" >"$folder/$net.out"
done
sed 1d "$folder/test.tsv" | paste - "$folder/alone.out" "$folder/context.out" | awk -F '\t' -v picture="${3:-}" '
  function draw(x, y, cell, color, v, k) {
    split(cell, v, ";")
    printf "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"M", color >picture
    for (k = 1; k < 16; k += 2) printf("%s%.1f %.1f", k == 1 ? "" : "L", x + 22 * v[k], y - 22 * v[k + 1]) >picture
    print "\"/>" >picture
  }
  function say(x, y, s, color) { printf "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", x, y, color, s >picture }
  {
    n = split($2, truth, " "); split($4, alone, " "); split($5, context, " ")
    for (i = 1; i <= n; i++) { bad = i == $3; all[bad]++; a[bad] += alone[i] == truth[i]; c[bad] += context[i] == truth[i] }
    if (picture && shown < 8 && n > 4 && alone[$3] != truth[$3] && context[$3] == truth[$3]) {
      if (!shown) print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"1140\" font-family=\"sans-serif\" font-size=\"15\"><rect width=\"800\" height=\"1140\" fill=\"white\"/>" >picture
      split($1, cells, " "); y = 60 + 140 * shown++
      say(10, y + 45, "true", "black"); say(10, y + 62, "alone", "black"); say(10, y + 79, "in context", "black")
      for (i = 1; i <= n; i++) {
        x = 140 + 66 * (i - 1)
        draw(x, y, cells[i], i == $3 ? "red" : "black")
        say(x - 5, y + 45, truth[i], "black")
        say(x - 5, y + 62, alone[i], alone[i] == truth[i] ? "black" : "red")
        say(x - 5, y + 79, context[i], context[i] == truth[i] ? "black" : "red")
      }
    }
  }
  END {
    if (shown) print "</svg>" >picture
    print "letters read         alone   in context"
    printf "damaged (%5d)    %6.2f %%   %6.2f %%\n", all[1], 100 * a[1] / all[1], 100 * c[1] / all[1]
    printf "others  (%5d)    %6.2f %%   %6.2f %%\n", all[0], 100 * a[0] / all[0], 100 * c[0] / all[0]
  }'
rm -r "$folder"
