# decode.sh - nets that feed back what they predict: predict, its searches and draws, and what is refused.
. "$(dirname "$0")/common.sh"

# numbers as words: the source has digits, the target their names
awk 'BEGIN { split("one two three four", w, " ")
  print "source,target"
  for (i = 0; i < 240; i++) { s = ""; t = ""; n = 1 + i % 3
    for (k = 0; k < n; k++) { d = 1 + int(i * 7 / 4 ^ k) % 4; s = s d; t = t (k ? " " : "") w[d] }
    print s "," t } }' >digits.csv
cat >digits.net <<'END'
data source : chars
data target : words(20)
hidden = 24
s = gru(embed(source, 8), hidden, backward)
d = gru(embed(target[t-1], 8), hidden, start = s)
target ~ softmax(W d + b)
END
run train digits.net digits.csv -o digits --epochs 40 --lr 0.02 --quiet
expect 0
printf 'source\n2\n14\n331\n' >questions.csv
run predict digits/model.safetensors questions.csv
expect 0
printf 'two\none four\nthree three one\n' >wanted
same out wanted "greedy"
run predict digits/model.safetensors questions.csv --beam 4 --threads 2 --batch 1
same out wanted "beam"
run predict digits/model.safetensors questions.csv --beam 3 --n-best 2 --probability --length-penalty 0.5
expect 0 "1	0.9" "two" "3	0.9"
[ "$(wc -l <out)" = 6 ] || fail "not two lines for each example"
run predict digits/model.safetensors questions.csv --samples 3 --temperature 0.2 --top-k 3 --top-p 0.9 --seed 5
expect 0 "2	one four"
[ "$(wc -l <out)" = 9 ] || fail "not three lines for each example"
mv out before
run predict digits/model.safetensors questions.csv --samples 3 --temperature 0.2 --top-k 3 --top-p 0.9 --seed 5 --batch 2 --threads 3
same out before "draws depend on what runs side by side"
# the k best texts with log2 P: those of a beam search, and where the beam is as wide as there are texts the likeliest of all
run predict digits/model.safetensors questions.csv --top 3
expect 0 "1	-0." "	two" "3	-0."
[ "$(wc -l <out)" = 9 ] || fail "--top 3: not three lines for each example"
awk -F'\t' '$1 == last && $2 > p { exit 1 } { last = $1; p = $2 }' out || fail "--top 3: not in order"
cut -f 1,3 out >ranked
awk -F'\t' '{ print 2 ^ $2 }' out >shares
run predict digits/model.safetensors questions.csv --beam 3 --n-best 3 --probability
cut -f 1,3 out >best
same ranked best "--top 3 and --beam 3 --n-best 3"
cut -f 2 out | paste - shares | awk '{ if (($1 - $2) ^ 2 > 1e-4) exit 1 }' || fail "--top: log2 P is not that of --probability"
run predict digits/model.safetensors questions.csv --top 2 --beam 8 --json
expect 0 '"example": 3' '"log2_p": -'
run predict digits/model.safetensors questions.csv --top 3 --beam 2
expect 2 "--top is at most --beam, which is 2"
run predict digits/model.safetensors questions.csv --top 2 --n-best 2 --beam 4
expect 2 "--top says how many come out, and so does --n-best: one of them"
run predict digits/model.safetensors questions.csv --top 2 --samples 2
expect 2 "--samples draws, --top searches: one of them"
run predict digits/model.safetensors questions.csv --top 2000
expect 2 "--top of a net that generates is at most 1024"
run predict digits/model.safetensors questions.csv --probabilities
expect 2 "--probabilities is for what is not generated, and this net predicts from its own earlier values: --top shows the likeliest texts"
run predict digits/model.safetensors questions.csv --length 2
expect 0 "three three"
refuse "three three one"
run predict digits/model.safetensors questions.csv --json
expect 0 '"value": "one four"' '"log2_p": -0' '"ended": true' '"example": 3'
run eval digits/model.safetensors digits.csv
expect 0 "target: accuracy"

run eval digits/model.safetensors digits.csv --decode --beam 2
expect 0 "target: accuracy" "generated: BLEU" "chrF 100.00, ROUGE-1 100.00, ROUGE-L 100.00, 100.00 % of 240 exact"
printf 'source,target\n2,two\n14,one five\n1,six\n' >odd.csv # words that the model does not know are never right
run eval digits/model.safetensors odd.csv --decode --json
expect 0 '"exact": 0.3333' '"bleu": 0.0' '"bleu_1": ' '"bleu_3": 0.0' '"rouge_1": 0.5'
run eval digits/model.safetensors digits.csv --beam 2
expect 2 "--beam goes with --decode"

# several true texts a row: any of them is right, an empty one is none
printf 'source,target,other,third\n2,six,two,\n14,one four,,four\n1,two,,three one\n331,three,three one,three three one\n' >several.csv
run eval digits/model.safetensors several.csv --decode --json
expect 0 '"exact": 0.25,' '"rouge_1": 0.375'
run eval digits/model.safetensors several.csv --decode --references other --json
expect 0 '"exact": 0.5,' '"rouge_1": 0.7'
run eval digits/model.safetensors several.csv --decode --references other,third --json --threads 2 --beam 2
expect 0 '"exact": 0.75,' '"rouge_1": 0.9166'
run eval digits/model.safetensors several.csv --decode --references target,other --column target=third --json
expect 0 '"exact": 0.75,' '"rouge_1": 0.9166'
run eval digits/model.safetensors several.csv --decode --references other,fourth
expect 3 "there is no column 'fourth'"
run eval digits/model.safetensors several.csv --decode --references other,
expect 2 "--references takes names of columns"
run eval digits/model.safetensors several.csv --references other
expect 2 "--references goes with --decode"
run eval digits/model.safetensors - --decode --references other <several.csv
expect 2 "standard input is there only once"

# of bpe what the symbols join to is compared
sed 's/words(20)/bpe(280)/' digits.net >pieces.net
run train pieces.net digits.csv -o untrained --steps 1 --quiet
expect 0
run eval untrained/model.safetensors digits.csv --decode --length 3
expect 0 "generated: BLEU 0.00," "0.00 % of 240 exact"
run train pieces.net digits.csv -o pieces --epochs 40 --lr 0.02 --quiet
expect 0
run eval pieces/model.safetensors digits.csv --decode
expect 0 "chrF 100.00, ROUGE-1 100.00, ROUGE-L 100.00, 100.00 % of 240 exact"
run eval pieces/model.safetensors several.csv --decode --references other,third --json
expect 0 '"exact": 0.75,' '"rouge_1": 0.9166'
printf 'source,target\n2,two\n14,one five\n1,six\n' >odd.csv
run eval pieces/model.safetensors odd.csv --decode --json
expect 0 '"exact": 0.3333' '"bleu": 0.0' '"bleu_1": ' '"bleu_3": 0.0' '"rouge_1": 0.5'

run predict digits/model.safetensors questions.csv --samples 3 --beam 2
expect 2 "one of them"
run predict digits/model.safetensors questions.csv --seed 2
expect 2 "--samples says how many"
run predict digits/model.safetensors questions.csv --beam 2 --n-best 3
expect 2 "--n-best is at most --beam"
run sample digits/model.safetensors
expect 2 "generates from data ('source')"
printf 'source\n2x\n' >bad.csv
run predict digits/model.safetensors bad.csv
expect 3 "bad.csv:2" "the model does not know the character 'x'"

# from nothing: numbers and bits that follow each other
awk 'BEGIN { print "x,up"; for (i = 0; i < 60; i++) { x = u = ""; for (k = 0; k < 8; k++) {
  x = x (k ? " " : "") k % 2 + i / 100; u = u (k ? " " : "") k % 2 } print x "," u } }' >steps.csv
cat >steps.net <<'END'
data x : number
data up : number
h = gru([x[t-1], up[t-1]], 12)
x ~ gaussian(mean = W h + b, scale = 0.05)
up ~ bernoulli(V [h, x] + bv)
END
run train steps.net steps.csv -o steps --epochs 60 --lr 0.02 --quiet
expect 0
run sample steps/model.safetensors -n 5 --length 6 --seed 3
expect 0 "0 1 0 1 0 1"
[ "$(wc -l <out)" = 5 ] || fail "not five lines"
mv out before
run sample steps/model.safetensors -n 5 --length 6 --seed 3 --threads 2
same out before "samples depend on threads"
run sample steps/model.safetensors --json
expect 0 '"samples"' '"up": ['
sort -u before | head -n 1 >one
run sample steps/model.safetensors -n 3 --length 6 --seed 3 --not-in one
expect 0
[ "$(wc -l <out)" = 3 ] && [ "$(sort -u out | wc -l)" = 3 ] || fail "--not-in: not three different lines"
! grep -qxFf one out || fail "--not-in: a line of the list"
run sample steps/model.safetensors --prime 1
expect 2 "--prime is for models of one text"

# no net that generates
printf 'label,text\nyes,good\nno,bad\n' >label.csv
printf 'data text : chars\ndata label : category\nlabel ~ softmax(W last(gru(embed(text, 4), 6)) + b)\n' >label.net
run train label.net label.csv -o label --epochs 1 --quiet
run predict label/model.safetensors label.csv --beam 2
expect 2 "--beam is for nets that generate"
run eval label/model.safetensors label.csv --decode
expect 2 "--decode is for nets that generate"
finish
