# predict.sh - what `predict` and `score` print of each row: digits that tell neighbours apart.
. "$(dirname "$0")/common.sh"

# Levels of 1e8 with steps of 1, learnt exactly: neighbours are told apart, and the truth is the one that was read.
awk 'BEGIN { print "x,y"; for (i = 0; i < 40; i++) print i % 20 "," 100000000 + i % 20 }' >levels.csv
printf '%s\n' 'data x : number' 'data y : number' 'y ~ gaussian(mean = M x + b, scale = 0.01)' >levels.net
run train levels.net levels.csv -o levels --standardise --steps 400 --lr 0.05 --valid 0 --quiet
expect 0
run predict levels levels.csv
expect 0
awk '{ printf "%.0f\n", $1 }' out | head -n 20 >got
seq 100000000 100000019 >wanted
same got wanted "predictions of levels of 1e8"
run predict levels levels.csv --json
expect 0
tr -dc '0-9.,\n' <out | tr , '\n' | awk 'NF { printf "%.0f\n", $1 }' | head -n 20 >got
same got wanted "the same in JSON"
run score levels levels.csv --json
expect 0 '"value": "100000007"' '"value": "100000019"'
run score levels levels.csv
head -n 20 out | cut -f2 >got
same got wanted "the truth that score prints"
run train levels.net levels.csv -o plain --steps 1 --valid 0 --quiet
run score plain levels.csv
head -n 20 out | cut -f2 >got
same got wanted "the truth that score prints, of numbers as they are"

# --top and --probabilities: of ten examples alike that have three labels, their shares.
awk 'BEGIN { print "x,label"; for (i = 0; i < 60; i++) print "0," substr("aaaaaabbb", i % 10 + 1, 1) (i % 10 == 9 ? "so so" : "") }' >shares.csv
printf '%s\n' 'data x : number' 'data label : category' 'label ~ softmax(W x + b)' >shares.net
run train shares.net shares.csv -o shares --steps 600 --lr 0.02 --batch 60 --valid 0 --quiet
expect 0
printf 'x\n0\n0\n' >two.csv
t=$(printf '\t')
line="a${t}0.6000"
pairs() { printf '%s\n' "$1" "$1" >wanted; same out wanted "$command_line"; }
run predict shares two.csv
pairs "$line"
run predict shares two.csv --top 1
pairs "$line"
run predict shares two.csv --top 2
pairs "$line${t}b${t}0.3000"
run predict shares two.csv --top 20
pairs "$line${t}b${t}0.3000${t}so so${t}0.1000"
run predict shares two.csv --probabilities
pairs "$line${t}a${t}0.6000${t}b${t}0.3000${t}so so${t}0.1000"
run predict shares two.csv --top 2 --json
expect 0
figures() { sed -E 's/0\.(599|600)[0-9]*/.60/g; s/0\.(299|300)[0-9]*/.30/g; s/0\.(099|100)[0-9]*/.10/g' out >got; }
figures
grep -qF '"top": [{"value": "a", "probability": .60}, {"value": "b", "probability": .30}]' got || fail "the ranks in JSON"
refuse "so so" '"probabilities"'
run predict shares two.csv --probabilities --json
expect 0
figures
grep -qF '"probabilities": [{"value": "a", "probability": .60}, {"value": "b", "probability": .30}, {"value": "so so", "probability": .10}]' \
  got || fail "all probabilities in JSON"
refuse '"top"'
run predict levels levels.csv --top 2
expect 2 "--top is for labels and symbols"

# of each step: four words, of which the last is a verb two times of three
awk 'BEGIN { for (i = 0; i < 60; i++) printf "the D\ndog %s\n\n", i % 3 ? "V" : "N" }' >tags.txt
printf '%s\n' 'data word : words' 'data tag : category' 'tag ~ softmax(W embed(word, 4) + b)' >tags.net
run train tags.net tags.txt --tagged word,tag -o tags --steps 900 --lr 0.02 --batch 60 --valid 0 --quiet
expect 0
printf 'the\ndog\n\n' >words.txt
run predict tags words.txt --tagged word --top 2
cut -f1-2 out >got
printf 'D V\tD\n' >wanted
same got wanted "tags and the likeliest of the first step"
awk -F '\t' '{ printf "%s %.3f %s %.3f\n", $6, $7, $8, $9 }' out >got
echo "V 0.667 N 0.333" >wanted
same got wanted "the second step's ranks"
run predict tags words.txt --tagged word --top 1 --json
expect 0 '"top": [[{"value": "D", "probability": ' '], [{"value": "V", "probability": 0.66'

# Of models of texts each line is a beginning: what may come next has the probability that score gives it.
awk 'BEGIN { for (i = 0; i < 300; i++) print i % 3 ? "abc" : "cab" }' >lines.txt
head -c 400 lines.txt | tr -d '\n' >one.txt
run train names lines.txt -o lines --set hidden=8 --epochs 2 --quiet
run train language lines.txt -o stream --set hidden=8 --epochs 2 --quiet
run train language one.txt -o none --set hidden=8 --epochs 2 --valid 0 --quiet # which has never seen a newline
expect 0
printf '%s\n' 'data token : bpe(300)' 'h = gru(embed(token[t-1], 8), 8)' 'token ~ softmax(W h + b)' >parts.net
run train parts.net lines.txt -o parts --epochs 2 --quiet
expect 0
printf 'a\n\nab\n' >begin.txt
for m in lines stream none parts; do
  printf 'abc' >in
  run score $m - --per-symbol
  expect 0
  awk -F '\t' 'NR > 1 && NR < 5 && NF == 4 { printf "%s\t%.4f\n", $2, $4 }' out >scored
  rm in
  run predict $m begin.txt --top 1000
  expect 0
  [ "$(wc -l <out)" = 3 ] || fail "$command_line: a line for each line"
  awk -F '\t' '{ s = 0; for (i = 2; i <= NF; i += 2) { s += $i; if (i > 2 && $i > $(i - 2)) exit 1 }; if (s < 0.985 || s > 1.015) exit 1 }' out ||
    fail "$command_line: decreasing, and together 1"
  [ $m = parts ] && continue
  # P(a), P(b | a), P(c | ab) in the lines 2, 1, 3
  for pair in 1:2 2:1 3:3; do
    wanted=$(sed -n ${pair%:*}p scored)
    sed -n ${pair#*:}p out | sed 's/$/\t/; s/^/\t/' | grep -qF "${t}$wanted${t}" || fail "$command_line: no '$wanted' in line ${pair#*:}"
  done
done
run predict lines begin.txt --top 4
grep -qF '\n' out || fail "the end of a line is no symbol that may come next"
run predict lines begin.txt --top 1
cp out top.out
run predict lines begin.txt
same out top.out "without --top"
run predict lines begin.txt --json
expect 0 '{"predictions": [{"token": {"value": "' '{"token": {"value": "\n", "probability": [0.'
run predict stream begin.txt --probabilities --json
expect 0 '"probabilities": [{"value": "\n", "probability": 0.' '{"value": "c", "probability": 0.'
printf 'a\nq\n' >begin.txt
run predict stream begin.txt
expect 3 "begin.txt:2:1: error: the model does not know the character 'q'"
run predict stream begin.txt --beam 3
expect 2 "--beam is not for models of texts"
finish
