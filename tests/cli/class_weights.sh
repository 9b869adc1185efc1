# class_weights.sh - --class-weights: rare labels count as much as frequent ones in training, and nowhere else.
. "$SOURCE/tests/cli/common.sh"

cat >flat.net <<'NET'
data x : number
data label : category
label ~ softmax(W x + b)
NET
# 180 "no" from 0 to 10; 20 "yes" among the last fifth of them, where they are still the rarer ones
awk 'BEGIN { print "x,label"; for (i = 0; i < 180; i++) print i / 18 ",no"; for (i = 0; i < 20; i++) print 8 + i / 10 ",yes" }' >data.csv
options="--epochs 40 --lr 0.1 --valid 0 --seed 3 --quiet"

# value NAME: of the figure in the JSON that eval printed
value() { sed -n "s/.*\"$1\": *\(-\{0,1\}[0-9.e-]*\).*/\1/p" out | head -n 1; }

# --- balanced weights raise macro F1; the loss that is printed is the likelihood, which is best without weights
run train flat.net data.csv -o plain $options
expect 0
run train flat.net data.csv -o even $options --class-weights balanced
expect 0
run eval plain/model.safetensors data.csv --json
expect 0
plain_f1=$(value macro_f1) plain_loss=$(value loss)
run eval even/model.safetensors data.csv --json
expect 0
even_f1=$(value macro_f1) even_loss=$(value loss)
command_line="eval of plain and balanced models"
holds "$plain_f1 < 0.5 && $even_f1 > 0.6"
holds "$plain_loss < $even_loss"
grep -q '"class_weights":{"label":{"no":0.555555582,"yes":5.0}}' even/log.jsonl || fail "the log does not say the weights"
[ "$(grep -c class_weights even/log.jsonl)" = 1 ] || fail "the weights are in more than one record"
! grep -q class_weights plain/log.jsonl || fail "weights that nobody asked for"
run train flat.net data.csv -o even2 --steps 3 --valid 0 --class-weights label=balanced
expect 0 "class weights of label: no 0.5556, yes 5"
# The trained model explains what was minimised.
run explain even/model.safetensors
expect 0 "class_weight(label)"
run explain plain/model.safetensors
expect 0
refuse "class_weight"
# A checkpoint used as a model is plain too.
run eval even/checkpoint.safetensors data.csv --json
expect 0
holds "$(value loss) == $even_loss"

# --- a file: weights of 1 change no bit, those that balanced would count give its bits
printf 'no\t1\r\nyes\t1.0\r\n' >ones.tsv
run train flat.net data.csv -o ones $options --class-weights ones.tsv
expect 0
run eval ones/model.safetensors data.csv --json
expect 0
holds "$(value loss) == $plain_loss && $(value macro_f1) == $plain_f1"
printf '\nyes\t5\n\nno\t0.555555582' >counted.tsv
run train flat.net data.csv -o counted $options --class-weights label=counted.tsv
expect 0
same even/model.safetensors counted/model.safetensors "weights counted, weights from a file"

# --- only the training part is counted: of validation and test files nothing
awk 'NR == 1 || /yes/' data.csv >yes.csv
run train flat.net data.csv --valid yes.csv --test yes.csv -o part --steps 3 --class-weights balanced
expect 0 "class weights of label: no 0.5556, yes 5"
# ... and a label that is only there weighs 1.
printf 'x,label\n1,maybe\n' >maybe.csv
run train flat.net data.csv --valid maybe.csv -o part --steps 3 --class-weights balanced
expect 0 "class weights of label: maybe 1, no 0.5556, yes 5"

# --- resumed: the same bits, even without the file
run train flat.net data.csv -o whole --steps 60 --lr 0.1 --valid 0 --class-weights counted.tsv --quiet
expect 0
run train flat.net data.csv -o cut --steps 20 --lr 0.1 --valid 0 --class-weights counted.tsv --quiet
expect 0
rm counted.tsv
run train --resume cut --steps 60 --class-weights balanced
expect 2 "--class-weights cannot be given with --resume"
run train --resume cut --steps 60
expect 0 "class weights of label: no 0.5556, yes 5"
same whole/model.safetensors cut/model.safetensors "a file, whole and resumed"
run train flat.net data.csv -o whole2 --steps 60 --lr 0.1 --valid 0.2 --class-weights balanced --quiet
expect 0
run train flat.net data.csv -o cut2 --steps 20 --lr 0.1 --valid 0.2 --class-weights balanced --quiet
expect 0
run train --resume cut2 --steps 60 --quiet --threads 2
expect 0
run eval whole2/checkpoint.safetensors data.csv --json
cp out whole.json
run eval cut2/checkpoint.safetensors data.csv --json
same whole.json out "balanced, whole and resumed"

# --- tags: steps are counted
cat >tag.net <<'NET'
data word : words
data tag : category
tag ~ softmax(W gru(embed(word, 4), 6) + b)
NET
printf 'a O\nb O\nc N\n\na O\nb O\nd O\n' >tags.txt
run train tag.net tags.txt --tagged word,tag -o tag --steps 4 --valid 0 --class-weights balanced
expect 0 "class weights of tag: N 3, O 0.6"
awk 'BEGIN { for (i = 0; i < 12; i++) print "w" i, "T" i; print "w", "T0" }' >many.txt
run train tag.net many.txt --tagged word,tag -o many --steps 2 --valid 0 --class-weights balanced
expect 0 "class weights of tag: from 0.5417 (T0) to 1.083 (T1), 12 labels"

# --- several variables
cat >two.net <<'NET'
data x : number
data a : category
data b : category
data z : number
a ~ softmax(A x + ba)
b ~ softmax(B x + bb)
z ~ gaussian(mean = Z x + bz, scale = 1)
NET
printf 'x,a,b,z\n1,p,q,1\n2,p,r,2\n3,s,q,3\n4,p,q,4\n' >two.csv
run train two.net two.csv -o two --steps 3 --class-weights balanced
expect 0 "class weights of a: p 0.6667, s 2" "class weights of b: q 0.6667, r 2"
printf 'q\t2\nr\t0\n' >b.tsv
run train two.net two.csv -o two --steps 3 --class-weights a=balanced --class-weights b=b.tsv
expect 0 "class weights of a: p 0.6667, s 2" "class weights of b: q 2, r 0"
run train two.net two.csv -o bad --class-weights b.tsv
expect 2 "this net predicts 'a', 'b'; say whose weights these are, as in NAME=b.tsv"
run train two.net two.csv -o bad --class-weights balanced --class-weights b=b.tsv
expect 2 "--class-weights is given twice for 'b'"
run train two.net two.csv -o bad --class-weights z=balanced
expect 2 "--class-weights is for labels and symbols with softmax, and 'z' is 'number'"
run train two.net two.csv -o bad --class-weights x=balanced
expect 2 "'x' is not predicted"
run train flat.net data.csv -o bad --class-weights labels=balanced
expect 2 "there is no variable 'labels'; did you mean 'label'?"
run train flat.net data.csv -o bad --class-weights label=
expect 2 "--class-weights takes balanced, FILE or NAME=FILE, not 'label='"

# --- symbols of texts, by their places
printf 'ab\nab\nabb\n' >lines.txt # 3 a, 4 b, 3 ends
run train names lines.txt -o lines --steps 2 --valid 0 --class-weights balanced
expect 0 "class weights of token: 'a' 1.111, 'b' 0.8333, end 1.111"
grep -q '"class_weights":{"token":\[1.1' lines/log.jsonl || fail "the log does not say the weights of a text"
run eval lines/model.safetensors lines.txt
expect 0 "10 symbols"
run train --resume lines --steps 4
expect 0 "class weights of token: 'a' 1.111, 'b' 0.8333, end 1.111"
for i in 1 2 3 4; do printf 'abb\n'; done >book.txt # 4 a, 8 b, 4 ends, which are symbols of the stream
run train language book.txt -o book --steps 2 --valid 0 --class-weights balanced
expect 0 "class weights of token: U+000A 1.333, 'a' 1.333, 'b' 0.6667"
cat >copy.net <<'NET'
data from : chars
data to : chars
data label : category
to ~ softmax(W gru(embed(to[t-1], 4), 6, start = gru(embed(from, 4), 6)) + b)
label ~ softmax(V last(gru(embed(from, 4), 6)) + bl)
NET
printf 'from,to,label\na,x,p\nb,xy,q\n' >copy.csv
printf 'x\t2\n0.5\nthe end\t3\n' >places.tsv
run train copy.net copy.csv -o copy --steps 2 --valid 0 --class-weights to=places.tsv
expect 0 "class weights of to: 'x' 2, 'y' 0.5, end 3"
run eval copy/model.safetensors copy.csv
expect 0
run train copy.net copy.csv -o copy --steps 2 --valid 0 --class-weights balanced
expect 0 "class weights of label: p 1, q 1"
grep -q "weights of to" err && fail "symbols beside labels, which nobody named"
printf '2\n1\n' >places.tsv
run train copy.net copy.csv -o bad --class-weights to=places.tsv
expect 3 "'to' has 3 symbols, and the file has weights for 2"
printf '2\n1\n1\n1\n' >places.tsv
run train copy.net copy.csv -o bad --class-weights to=places.tsv
expect 3 "places.tsv:4:1: error: 'to' has 3 symbols, and here is one more"

# --- bad files: with place
# bad CONTENT PLACE TEXT
bad() {
  printf "$1" >w.tsv
  run train flat.net data.csv -o bad --class-weights w.tsv
  expect 3 "w.tsv:$2: error: $3"
}
bad 'no\t1\n' 2:1 "the file ends without a weight for the label 'yes' of 'label'"
bad '' 1:1 "the file ends without a weight for the label 'no' of 'label' and 1 more"
bad 'no\t1\nmaybe\t2\n' 2:1 "'label' has no label 'maybe' in the data"
bad 'no\t1\nyes 2\n' 2:1 "no tab: a line is a label, a tab and its weight"
bad 'no\t1\nyes\t2\nno\t1\n' 3:1 "a second weight for the label 'no'"
bad 'no\t1\nyes\t-2\n' 2:5 "the weight of 'yes' must be a number of at least 0"
bad 'no\tnan\n' 1:4 "the weight of 'no' must be a number of at least 0"
bad 'no\t1e99\n' 1:4 "the weight of 'no' must be a number of at least 0"
bad 'no\t\n' 1:4 "the weight of 'no' must be a number of at least 0"
bad '\t1\n' 1:1 "'label' has no label '' in the data"
bad 'no\t0\nyes\t0\n' 3:1 "all of 'label' weigh 0"
bad 'no\t1\ny\377s\t0\n' 2:2 "invalid UTF-8"
run train flat.net data.csv -o bad --class-weights nowhere.tsv
expect 3 "nowhere.tsv"
[ ! -e bad ] || fail "a folder although nothing was trained"
run train --help
expect 0 "--class-weights"
run completion bash
expect 0 "--class-weights"
finish
