# ends.sh - sequences of numbers that learn where they end, and what a model generates from: end(x), sample --text.
. "$(dirname "$0")/common.sh"

# y counts 0.1, 0.2 ... to what the text says: the end follows from both.
awk 'BEGIN {
  print "text,y"
  for (i = 0; i < 240; i++) { n = 2 + i % 4; s = "0.1"; for (k = 2; k <= n; k++) s = s " 0." k; print substr("abcde", n, 1) "," s }
}' >count.csv
cat >count.net <<'END'
data text : chars
data stop : end(y)
data y : number
c = last(gru(embed(text, 4), 8))
h = gru([y[t-1], c], 16)
y ~ gaussian(mean = W h + b, scale = 0.02)
stop ~ bernoulli(E [h, y] + be)
END
run train count.net count.csv -o count --epochs 60 --lr 0.01 --valid 0 --quiet --seed 1
expect 0
for n in 2 3 4 5; do
  run sample count/model.safetensors --text "$(printf abcde | cut -c $n)" --temperature 0 --json
  expect 0 '"ended": true'
  refuse '"stop"'
  run sample count/model.safetensors --text "$(printf abcde | cut -c $n)" --temperature 0
  expect 0
  [ "$(wc -w <out)" = $n ] || fail "$n numbers: $(cat out)"
done
run sample count/model.safetensors --text e --length 3 --json
expect 0 '"ended": false'
run eval count/model.safetensors count.csv
expect 0 "stop"
printf 'text\ne\nb\n' >ask.csv
run predict count/model.safetensors ask.csv
expect 0
[ "$(wc -w <out)" = 7 ] || fail "predict ends: $(cat out)"

# the same rows as series have the same ends
awk -F, 'NR == 1 { print "s,text,y"; next } { n = split($2, v, " "); for (k = 1; k <= n; k++) print NR "," $1 "," v[k] }' count.csv >rows.csv
sed 's/chars/category/; s/last(gru(embed(text, 4), 8))/embed(text, 8)/; /^data text/s/$/ whole/' count.net >rows.net
run train rows.net rows.csv --series s -o rows --epochs 40 --lr 0.01 --valid 0 --quiet --seed 1
expect 0
run sample rows/model.safetensors --text d --temperature 0
expect 0
[ "$(wc -w <out)" = 4 ] || fail "four rows: $(cat out)"

# what makes no sense
run sample count/model.safetensors
expect 2 "this net generates from data ('text'): --text gives it"
run sample count/model.safetensors --text z
expect 3 "the text" "'z'"
run sample count/model.safetensors --text a -o count.svg
expect 2 "--output is for models of 'pen', 'notes' or 'audio' with 'raw', and this one predicts none of them"
sed 's/^data stop/data more : number whole\ndata stop/; s/, 8))$/, 8)) + M more/' count.net >two.net
awk -F, '{ print $0 (NR == 1 ? ",more" : ",1") }' count.csv >two.csv
run train two.net two.csv -o two --epochs 1 --valid 0 --quiet
expect 0
run sample two/model.safetensors --text a
expect 2 "this model is given several variables: 'predict' takes a table of them"
small
run sample small/model.safetensors --text a
expect 2 "--text is for models that are given something"
sed 's/^data text.*/data when : time hour/; s/c = .*/c = when/' count.net >dates.net
awk -F, 'NR == 1 { print "day,y"; next } NR < 50 { print NR "," (NR % 7) / 10 }' count.csv >dates.csv
run train dates.net dates.csv --time day -o dates
expect 2 "'stop' is an end, and series with dates have none"

# handwriting from a text: as long as the model says, after what the hand began with
printf 'text\tpen\n' >hand.tsv
for i in 1 2 3 4 5 6 7 8; do printf 'a"b\tlines.txt#%d\n' $((i % 2)) >>hand.tsv; done
printf '0,0,0 5,1,0 5,2,0 5,1,0 4,1,0 4,2,0 3,2,0 4,1,1\n0,0,0 2,5,0 1,5,0 1,4,0 2,4,0 1,3,0 2,5,0 1,4,1\n' >lines.txt
sed -i '2,$s/a"b/"a""b"/' hand.tsv
sed 's/hidden = 200/hidden = 8/; s/mixture(20/mixture(2/; s/pen(6)/pen(2)/' "$SOURCE/nets/handwriting_text.net" >hand.net
run train hand.net hand.tsv -o hand --standardise --epochs 2 --quiet --valid 0
expect 0
run sample hand/model.safetensors --text 'a"b' -n 3 --bias 1 --length 9 -o sheet.svg
expect 0
[ "$(grep -c '<path' sheet.svg)" -ge 1 ] || fail "drawings"
run sample hand/model.safetensors --text b --prime 'lines.txt#1' --length 1 --output begun.svg
expect 0
grep -q 'L' begun.svg || fail "what it begins with"
run sample hand/model.safetensors --prime 'lines.txt#1'
expect 2 "this model generates from 'text': --text gives it"
run sample hand/model.safetensors --text q
expect 3 "'q'"
finish
