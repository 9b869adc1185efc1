# metrics.sh - what eval says of labels, tags, sequences and symbols, as text and as JSON.
. "$(dirname "$0")/common.sh"

cat >tag.net <<'END'
data word : words
data tag : category
tag ~ softmax(W gru(embed(word, 8), 12, backward) + b)
END
printf 'the B-NP\ndog I-NP\nbarks B-VP\n\nit B-NP\nis B-VP\nred O\n' >tags.txt
run train tag.net tags.txt --tagged word,tag -o tag --epochs 300 --lr 0.02 --quiet --valid 0
expect 0
run eval tag/model.safetensors tags.txt --tagged word,tag
cp out said
run eval tag/model.safetensors tags.txt
same out said "the columns of tagged text are remembered"
printf 'word,tag\nthe,B-NP\n' >one.csv
run eval tag/model.safetensors one.csv --tagged ''
expect 0 "1 prediction, 1 example"
run eval tag/model.safetensors tags.txt --tagged word,tag
sed -i 's/  */ /g' out
expect 0 "accuracy 100.00 %, span F1 100.00 %, macro F1 100.00 %, weighted F1 100.00 %, 100.00 % of 2 sequences exact" \
  "B-NP 100.00 100.00 100.00 2" "all spans 100.00 100.00 100.00 4"
# the same answers held against another truth: 4 spans said, 6 there, 3 of them alike
printf 'the B-NP\ndog B-NP\nbarks B-VP\n\nit B-NP\nis B-VP\nred B-VP\n' >other.txt
run eval tag/model.safetensors other.txt --tagged word,tag --confusion
sed -i 's/  */ /g' out
expect 0 "accuracy 66.67 %, span F1 60.00 %" "0.00 % of 2 sequences exact" "true\\predicted	B-NP	B-VP	I-NP	O" "B-NP	2	0	1	0" \
  "B-VP	0	2	0	1" " VP 100.00 66.67 80.00 3" "O 0.00 - 0.00 0"
# 4 of the 6 truths are the likeliest label, and there are no more than 4 labels
run eval tag/model.safetensors other.txt --hits 1,4
expect 0 "  hits@1 66.67 %, hits@4 100.00 %, MRR 0."
run eval tag/model.safetensors tags.txt --hits 1,2 --json
expect 0 '"hits": {"1": 1.0, "2": 1.0}, "mrr": 1.0'
run eval tag/model.safetensors tags.txt --hits 5,1
expect 2 "--hits takes at most 16 whole numbers above 0, increasing, with commas between them, not '5,1'"
run eval tag/model.safetensors other.txt --tagged word,tag --confusion --json
expect 0 '"exact": 0.0' '"spans": {"precision": 0.75, "recall": 0.5' '"support": 6, "predicted": 4, "correct": 3' '"type": "VP"' \
  '"recall": null' '"confusion": {"labels": ["B-NP", "B-VP", "I-NP", "O"], "rows": [[2, 0, 1, 0], [0, 2, 0, 1],' '"perplexity"'

cat >copy.net <<'END'
data from : chars
data to : chars
to ~ softmax(W gru(embed(to[t-1], 8), 24, start = gru(embed(from, 8), 24)) + b)
END
printf 'from,to\na,xx\nb,y\n' >copy.csv
run train copy.net copy.csv -o copy --epochs 300 --lr 0.02 --quiet
expect 0
run eval copy/model.safetensors copy.csv
expect 0 "to: accuracy 100.00 %, 100.00 % of 2 sequences exact, perplexity 1.0"
refuse "macro" "support"

# of a text: symbols, of lines with their end; all of them are counted, also those of a stream
printf 'anna\nbob\nanna\n' >lines.txt
run train names lines.txt -o lines --set hidden=8 --epochs 400 --lr 0.02 --quiet --valid 0
expect 0
run eval lines/model.safetensors lines.txt
cp out plain
run eval lines/model.safetensors lines.txt --confusion
expect 0 "true\\predicted	a	b	n	o	\\n" "  n	0	0	4	0	0" "  \\n	0	0	0	0	3"
[ "$(tail -n 1 out)" = "$(cat plain)" ] || fail "the table changes the line"
run eval lines/model.safetensors lines.txt --hits 1,5
grep -q "hits@5 100.00 %, MRR" out || fail "a text has no hits" # of 5 symbols
[ "$(head -n 1 out)" = "$(cat plain)" ] || fail "hits change the line"
run eval lines/model.safetensors lines.txt --confusion --json
expect 0 '"confusion": {"labels": ["a", "b", "n", "o", "\\n"], "rows": [[4, 0, 0, 0, 0]'
awk 'BEGIN { for (i = 0; i < 60; i++) print "ab" }' >stream.txt
run train language stream.txt -o stream --set hidden=8 --steps 10 --quiet --valid 0
expect 0
run eval stream/model.safetensors stream.txt --confusion
sed 1d out | grep '^  ' | cut -f2- >table
holds "$(tr '\t' '\n' <table | awk '{ n += $1 } END { print n }') == 180"
# bits: of five, three are 1 and three are said to be, two of them rightly
printf 'x,y\n1,1\n1,0\n0,1\n0,0\n1,1\n' >bits.csv
printf 'data x : number\ndata y : number\ny ~ bernoulli(10 * x - 5 + 0 * (W x))\n' >bits.net
run train bits.net bits.csv -o bits --epochs 1 --valid 0 --quiet
expect 0
run eval bits/model.safetensors bits.csv
expect 0 "accuracy 60.00 %, F1 of ones 66.67 %"
run eval bits/model.safetensors bits.csv --json
expect 0 '"support": 3' '"predicted": 3' '"correct": 2'
finish
