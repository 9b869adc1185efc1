# texts.sh - labels and texts come out as they went in; spans of tags that are generated.
. "$(dirname "$0")/common.sh"

# Labels with a backslash, a space, a tab and a newline, which alone is escaped, and as text only.
awk 'BEGIN { split("a\\b|c\\nd|e f|\"g\th\"|\"i\nj\"", label, "|"); print "x,y"; for (i = 0; i < 50; i++) print i % 5 "," label[1 + i % 5] }' >labels.csv
printf 'data x : category\ndata y : category\ny ~ softmax(W embed(x, 8) + b)\n' >labels.net
run train labels.net labels.csv -o labels --epochs 60 --lr 0.1 --quiet
expect 0
printf 'x\n0\n1\n2\n3\n4\n' >questions.csv
run predict labels/model.safetensors questions.csv
expect 0
sed 's/\t[0-9.]*$//' out >got
printf 'a\\b\nc\\nd\ne f\ng\th\ni\\nj\n' >wanted
same got wanted "labels as they went in"
run predict labels/model.safetensors questions.csv --json
expect 0 '"value": "a\\b"' '"value": "c\\nd"' '"value": "e f"' '"value": "g\th"' '"value": "i\nj"'

# Generated texts.
awk 'BEGIN { print "x,y"; for (i = 0; i < 60; i++) print i % 2 "," (i % 2 ? "p\\q" : "r\\\\s") }' >texts.csv
printf 'data x : category\ndata y : bytes\nh = rnn(embed(y[t-1], 6), 12, start = embed(x, 12))\ny ~ softmax(W h + b)\n' >texts.net
run train texts.net texts.csv -o texts --epochs 80 --lr 0.03 --quiet
expect 0
printf 'x\n0\n1\n' >questions.csv
run predict texts/model.safetensors questions.csv
printf 'r\\\\s\np\\q\n' >wanted
same out wanted "generated text as it went in"
run predict texts/model.safetensors questions.csv --json
expect 0 '"value": "r\\\\s"' '"value": "p\\q"'

# Tags: with spaces between them as text, an array as JSON. The first tag is drawn by lot, the others follow from it: who sees the true
# tags is right, who sees his own is not.
awk 'BEGIN { split("B-X I-X O B-Y", tag, " "); print "s,word,tag"
  for (i = 0; i < 60; i++) { first = i % 5 < 3 ? 0 : i % 5 - 2
    for (k = 0; k < 6; k++) print i ",w," tag[1 + (first + k) % 4] } }' >tags.csv
printf 'data word : words(5)\ndata tag : category\nh = rnn([embed(tag[t-1], 6), embed(word, 2)], 8)\ntag ~ softmax(W h + b)\n' >tags.net
run train tags.net tags.csv --series s -o tags --epochs 60 --lr 0.05 --quiet
expect 0
run predict tags/model.safetensors tags.csv --series s
expect 0 "B-X I-X O B-Y B-X I-X"
[ "$(sort -u out)" = "B-X I-X O B-Y B-X I-X" ] || fail "not the likeliest tags everywhere"
run predict tags/model.safetensors tags.csv --series s --json
[ "$(tr -d ' \n' <out | grep -o '"value":\["B-X","I-X","O","B-Y","B-X","I-X"\]' | wc -l)" = 60 ] || fail "tags are no array"
# Of the 60 sequences, of three spans each, 36 are generated right; of the others no span is. The true tags tell all but the first one.
run eval tags/model.safetensors tags.csv --series s --decode --json
expect 0
tr -d ' \n' <out >flat
forced=$(sed 's/.*"spans":{"precision":[0-9.]*,"recall":[0-9.]*,"f1":\([0-9.]*\).*"generated":.*/\1/' flat)
drawn=$(sed 's/.*"generated":.*"spans":{"precision":[0-9.]*,"recall":[0-9.]*,"f1":\([0-9.]*\).*/\1/' flat)
holds "$forced > 0.9 && $drawn == 0.6"
run eval tags/model.safetensors tags.csv --series s --decode
expect 0 "given the true tags" "span F1 60.00 %, 60.00 % of 60 exact" "all spans" "60.00     60.00     60.00       180"

run eval tags/model.safetensors tags.csv --series s --decode --references word
expect 2 "--references is for nets that generate one text"

# Characters that the model has not met: an error, or with `unknown` a symbol of their own, in plain texts and tables, in training too.
awk 'BEGIN { for (i = 0; i < 60; i++) print (i % 3 ? "abba" : "baba") (i == 7 ? "c" : "") }' >known.txt
printf 'abza\n\303\251b\n' >new.txt
printf 'data token : chars lines unknown\nh = rnn(embed(token[t-1], 4), 6)\ntoken ~ softmax(W h + b)\n' >open.net
sed 's/ unknown//' open.net >closed.net
run train closed.net known.txt -o closed --steps 5 --quiet
expect 0
run score closed new.txt
expect 3 "the model does not know the character 'z'"
run train open.net known.txt --valid new.txt -o open --steps 5
expect 0 "5 symbols known" "<unk> of 'token': 0.0 % in training, 33.3 % in validation" "33 % of 'token' in what is for validation is <unk>: symbols that"
for text in abza abya; do
  echo "$text" >one.txt
  run score open one.txt --per-symbol
  expect 0
  mv out "$text.out"
done
cut -f3- abza.out | tail -n +2 >one
cut -f3- abya.out | tail -n +2 >two
[ "$(wc -l <one)" -ge 5 ] || fail "no line for each symbol"
same one two "two unknown characters are the same symbol"
run sample open --prime zq -n 1 --length 4
expect 0
{ echo 'text,label'; awk 'BEGIN { for (i = 0; i < 20; i++) print (i % 2 ? "abba,x" : "bab,y") }'; } >cells.csv
printf 'data text : chars unknown\ndata label : category\nlabel ~ softmax(W mean(embed(text, 3)) + b)\n' >cells.net
run train cells.net cells.csv -o cells --steps 5 --quiet
expect 0
printf 'text\nabz\n' >unseen.csv
run predict cells unseen.csv
expect 0
sed 's/chars/bytes/' open.net >bytes.net
run train bytes.net known.txt -o none --steps 2
expect 3 "unknown word 'unknown' after 'data token : bytes'"
finish
