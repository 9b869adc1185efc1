# table.sh - tables through the program: train, eval, predict, resume; what is refused, with its place.
. "$(dirname "$0")/common.sh"

cat >adding.net <<'END'
data x : numbers
data y : number
hidden = 16
y ~ gaussian(mean = W last(lstm(x, hidden)) + b, scale = 1)
END
"$UNROLL" task adding --length 8 -n 600 >adding.csv
"$UNROLL" task adding --length 8 -n 40 --seed 9 >more.csv
run train adding.net adding.csv --series id -o add --epochs 20 --lr 0.01 --quiet
expect 0
run eval add/model.safetensors more.csv --series id
expect 0 "y: mean squared error" "40 predictions, 40 examples"
run eval add/model.safetensors more.csv --series id --json
expect 0 '"mse"'
holds "$(sed 's/.*"mse": *\([0-9.e-]*\).*/\1/' out | tr -d '\n') < 0.1"
# What is counted has a name, and the last record says what share of the machine was used.
# the model remembers the column; without it in training, and a number a step, somebody is told
run eval add/model.safetensors more.csv --series id
expect 0 "40 predictions, 40 examples"
cp out with
run eval add/model.safetensors more.csv
same with out "eval without --series is not that of the model's column"
run eval add/model.safetensors more.csv --series ''
expect 0 "320 predictions, 320 examples"
run train adding.net adding.csv -o apart --steps 2
expect 0 "every example has one step, but successive rows have the same 'id'" "--series"
run train adding.net adding.csv -o apart --series id --steps 2
grep -q 'every example' err && fail "warned of a column that is the series"
(echo 'x,id,y'; for i in 1 2 3 4 5 6; do echo "$i,$((i % 2)),$i"; done) >mixed.csv
printf '%s\n' 'data x : number' 'data y : number' 'y ~ gaussian(mean = W last(rnn(x, 4)) + b, scale = 1)' >mixed.net
run train mixed.net mixed.csv -o apart --steps 2
grep -q 'every example' err && fail "warned of a column whose values come again"
run train adding.net adding.csv --series id -o counted --steps 3
expect 0 " numbers to train on" "bits per number" "GFLOP/s"
tail -n 1 counted/log.jsonl | grep -q '"share_of_peak":' || fail "the last record has no share of the peak"
[ "$(grep -c share_of_peak counted/log.jsonl)" = 1 ] || fail "more than one record has a share of the peak"
run predict add/model.safetensors more.csv --series id
expect 0
[ "$(wc -l <out)" = 40 ] || fail "predict: not a line for each example"
cut -d, -f1-3 more.csv >questions.csv # without y
mv out with
run predict add/model.safetensors questions.csv --series id --batch 3
expect 0
same with out "the truth must not matter"
cp more.csv in
run predict add/model.safetensors - --series id --threads 1
expect 0
same with out "standard input"
rm in

cat >label.net <<'END'
data text : words(50)
data label : category
hidden = 12
h = gru(embed(text, 8), hidden)
label ~ softmax(W last(h) + b)
END
printf 'label\ttext\ngood film\tI like it.\nbad film\tI hate it!\ngood film\tlike, "like"\nbad film\t"hate ""it"""\n' >films.tsv
run train label.net films.tsv -o label --steps 2
expect 0 " labels to train on" "bits per label"
run train label.net films.tsv -o label --quiet --json
expect 0 '"share_of_peak"'
run predict label/model.safetensors films.tsv
expect 0 "good film	0.9" "bad film	0.9"
run predict label/model.safetensors films.tsv --json
expect 0 '"probability"' '"value": "bad film"'
run eval label/model.safetensors films.tsv
expect 0 "label: accuracy 100.00 %"

cat >tag.net <<'END'
data word : words
data tag : category
tag ~ softmax(W gru(embed(word, 6), 8, backward) + b)
END
printf 'the DET x\ndog N x\n\ndogs N x\nrun V x\n' >tags.txt
run train tag.net tags.txt --tagged word,tag,more -o tag --quiet
expect 0
run predict tag/model.safetensors tags.txt --tagged word,tag,more
expect 0 "DET N" "N V"
[ "$(wc -l <out)" = 2 ] || fail "predict: not a line for each sentence"
cut -d' ' -f1 tags.txt >words.txt
run predict tag/model.safetensors words.txt --tagged word
expect 0 "DET N" "N V"
run eval tag/model.safetensors tags.txt --tagged word,tag
expect 3 "tags.txt:1:1: error: 3 fields, but there are 2 columns"
run eval tag/model.safetensors tags.txt --tagged word,,tag
expect 2 "one is missing"
awk -F, 'NR == 1 { print; next } { print $1 "," 1000 * $2 "," $3 "," 1000 * $4 + 5000 }' OFS=, adding.csv >large.csv
run train adding.net large.csv --series id --standardise -o large --epochs 20 --lr 0.01 --quiet
expect 0
run eval large/model.safetensors large.csv --series id --json
expect 0
holds "$(sed 's/.*"mse": *\([0-9.e-]*\).*/\1/' out | tr -d '\n') < 100000"

printf 'label,text\nx,"a\nb"\n\xff,c\n' >bad.csv
run train label.net bad.csv -o bad
expect 3 "bad.csv:4:1: error: row 3, column 'label': invalid UTF-8"
printf 'label,text\nx,a\nmaybe,c\n' >other.csv
run eval label/model.safetensors other.csv
expect 3 "other.csv:2" "row 2, column 'label': the model does not know the label 'x'"
run predict label/model.safetensors other.csv
expect 0
printf 'lable,txt\nx,a\n' >names.csv
run predict label/model.safetensors names.csv
expect 3 "there is no column 'text'; the columns are: lable, txt"
run sample label/model.safetensors
expect 2 "this net generates nothing"
run score label/model.safetensors films.tsv
expect 0 "	good film" "bits per prediction, perplexity 1.0" "4 predictions, 4 sequences"
run train label.net films.tsv -o label --series id
expect 3 "there is no column 'id'"
run train names films.tsv -o other --series id
expect 2 "--series is for tables"
run train --resume label --series id
expect 2 "--series cannot be given with --resume"
# a text column of a table is scored symbol by symbol, a number by its density in the units of the data
printf 'word,up,size\nab,ba,100\nba,ab,300\nabb,bba,200\n' >both.csv
printf '%s\n' 'data word : chars' 'data up : chars' 'data size : number' 's = last(rnn(embed(word, 4), 8))' \
  'h = rnn([embed(up[t-1], 4), s], 8)' 'up ~ softmax(W h + b)' 'size ~ gaussian(mean = S s + bs, scale = 1)' >both.net
run train both.net both.csv -o both --standardise --steps 2 --quiet
expect 0
run score both/model.safetensors both.csv --per-symbol
expect 0 "	ba	100" "	up	b	-" "	up	\\n	-" "	size	100	-" "13 predictions, 3 sequences"
awk -F'\t' 'NF == 3 { if (seen) check(); sum = $1; seen = 1; parts = 0 } NF == 5 { parts += $4 }
  function check() { if ((sum - parts) ^ 2 > 1e-6) exit 1 } END { check() }' out || fail "score: parts do not add up to the whole"
bits=$(awk -F'\t' '$2 == "size" { sum -= $4 } END { print sum / 3 }' out)
run score both/model.safetensors both.csv --json --per-symbol
expect 0 '"log2_p_per_symbol": [-'
run eval both/model.safetensors both.csv --json
expect 0
nats=$(sed 's/.*"size": {"predictions": 3, "loss": //; s/,.*//' out)
awk -v a="$nats" -v b="$bits" 'BEGIN { exit (a / log(2) - b) ^ 2 > 1e-6 }' || fail "score: $bits bits, eval: $nats nats"
# words as plain text: a stream, and lines
awk 'BEGIN { for (i = 0; i < 300; i++) print (i % 3 ? "the dog runs ." : "a cat sits !") }' >running.txt
run train words running.txt -o words --set hidden=16 --set embedding=8 --set layers=1 --epochs 30 --lr 0.01 --batch 4 --unroll 20 --quiet
expect 0
run sample words/model.safetensors --length 15 --temperature 0 --prime "the dog"
expect 0 "the dog runs ."
run score words/model.safetensors running.txt
expect 0 "bits per symbol" "cat sits"
run train clicks running.txt -o clicks --set hidden=16 --epochs 20 --lr 0.01 --quiet
expect 0
run sample clicks/model.safetensors -n 3
expect 0
run score clicks/model.safetensors running.txt --per-symbol
expect 0 "	dog	"
rm -f running.txt

small
run predict small/model.safetensors films.tsv
expect 3 "the model does not know the character U+0009"
run eval small/model.safetensors names.txt --series id
expect 2 "--series is for tables"

# A column of weights is for training alone; one that the distribution reads too is asked for.
cat >weighted.net <<'END'
data x : number
data w : number
data y : number
y ~ gaussian(mean = A x + ba, scale = 1, weight = w)
END
awk 'BEGIN { print "x,w,y"; for (i = 0; i < 60; i++) print i / 60 "," (i % 3 == 0) "," (i % 3 ? 9 : i / 30) }' >weighted.csv
run train weighted.net weighted.csv -o weighted --epochs 200 --lr 0.05 --quiet
expect 0
cut -d, -f1,3 weighted.csv >unweighted.csv
cut -d, -f1 weighted.csv >alone.csv
run eval weighted/model.safetensors weighted.csv
expect 0 "60 predictions"
mv out with
run eval weighted/model.safetensors unweighted.csv
expect 0
same with out "weights in the file must not matter"
run predict weighted/model.safetensors alone.csv
expect 0
awk 'NR == 31 && ($1 < 0.9 || $1 > 1.1) { exit 1 }' out || fail "predict: the weights were not looked at in training"
run train weighted.net unweighted.csv -o weighted
expect 3 "there is no column 'w'"
sed 's/scale = 1/scale = 1 + 0 * w + exp(C w)/' weighted.net >both.net
run train both.net weighted.csv -o both --steps 3 --quiet
expect 0
run eval both/model.safetensors unweighted.csv
expect 3 "there is no column 'w'"

# Quantiles of numbers: those of a net with quantile(), those that are asked for, and none of labels.
cat >spread.net <<'END'
data x : number
data y : number
y ~ quantile(0.1, 0.5, 0.9, W x + b)
END
awk 'BEGIN { print "x,y"; for (i = 0; i < 400; i++) print i % 2 "," (i % 2 ? 10 : 0) + i % 11 }' >spread.csv # 0 to 10, or 10 to 20
run train spread.net spread.csv -o spread --epochs 100 --lr 0.1 --schedule cosine --quiet
expect 0
printf 'x\n0\n1\n' >two.csv
run predict spread/model.safetensors two.csv
expect 0
awk -F';' 'NF != 3 || !($1 < 2.2 && $2 > 4 && $2 < 6 && $3 > 8) && NR == 1 || NR == 2 && !($1 > 10 && $3 < 20.1) { exit 1 }' out ||
  fail "predict: the quantiles are not those of the data"
run predict spread/model.safetensors two.csv --quantiles 0.5
expect 0
[ "$(sed -n 1p out | tr -cd ';' | wc -c)" = 0 ] || fail "predict: one quantile is one number"
run predict spread/model.safetensors two.csv --json
expect 0 '"quantiles"' '"0.1"'
run predict spread/model.safetensors two.csv --json --quantiles 0.1,0.12345678,0.12345679
expect 0 '"0.1"' '"0.12345678"' '"0.12345679"'
# of a normal distribution they are mean and mean +- 1.2816 deviations
printf 'x\n1\n' >one.csv
sed 's/y ~ .*/y ~ gaussian(mean = W x + b, scale = 2)/' spread.net >normal.net
run train normal.net spread.csv -o normal --steps 30 --quiet
expect 0
run predict normal/model.safetensors one.csv
mean=$(cat out)
run predict normal/model.safetensors one.csv --quantiles 0.1,0.9
expect 0
holds "$(awk -F';' -v m="$mean" '{ print ($1 - m + 2.5631) ^ 2 + ($2 - m - 2.5631) ^ 2 }' out) < 0.00001"
run predict label/model.safetensors films.tsv --quantiles 0.5
expect 2 "--quantiles is for numbers that are predicted, and here there are none"
run predict clicks/model.safetensors running.txt --quantiles 0.5
expect 2 "--quantiles is not for models of texts"
run eval spread/model.safetensors spread.csv --quantiles 0.5
expect 2 "--quantiles is for models of series with dates"
finish
