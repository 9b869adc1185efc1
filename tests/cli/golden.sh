#!/bin/bash
# golden.sh - holds bits and lines of output: small nets are trained for a few steps, and the digests of their weights and of what the commands
# print must be those of tests/golden/digests.txt.
#   UNROLL_GOLDEN=DIR      keeps the outputs in DIR (new or empty), a file a case, so that those of two programs can be compared: diff -r DIR1 DIR2
#   UNROLL_GOLDEN_WRITE=1  writes digests.txt anew
#   UNROLL=PROGRAM tests/cli/golden.sh   runs it by hand
# Of weights the bytes of the tensors count, not the header. Left out of messages and log: times, speeds, threads, instruction set, and how much
# memory is taken.
set -u
SOURCE=$(cd "${SOURCE:-$(dirname "$0")/../..}" && pwd)
UNROLL=$(realpath "${UNROLL:-$SOURCE/build/dev/unroll}")
digests=$SOURCE/tests/golden/digests.txt
golden=${UNROLL_GOLDEN:-}
if [ -n "$golden" ]; then
  mkdir -p "$golden" && golden=$(cd "$golden" && pwd) || exit 1
  [ -z "$(ls -A "$golden")" ] || { echo "UNROLL_GOLDEN: $golden is not empty"; exit 1; }
fi
. "$SOURCE/tests/cli/common.sh"
if [ -n "$isa" ]; then export UNROLL_ISA=$isa; fi # every instruction set gives the same bits
kept=${golden:-$work/golden}
mkdir -p "$kept"
cp "$SOURCE"/examples/{places.txt,airline.csv,airline.net,questions.net,chunking.net} "$SOURCE"/tests/golden/vqa.net .
cp -r "$SOURCE/tests/golden/old" .

# tensors FILE: what follows the header
tensors() { tail -c +$((9 + $(od -An -tu8 -N8 "$1"))) "$1"; }

# without_times: standard input without what differs from run to run and from machine to machine
without_times() {
  sed -E -e '/^products of the training steps/d; /^the machine was not quiet/d; / left$/d' -e 's/, [0-9]+ threads? \([a-z0-9]+\)$//' \
    -e 's/ in [0-9:]+ \([^)]*\): /: /' -e 's/^memory: .*/memory/' \
    -e '/^ +"(seconds|[a-z]+_per_second|gflops|peak_gflops|share_of_peak|processor_time)": /d; s/,$//' \
    -e 's/,? ?"(seconds|[a-z]+_per_second|gflops|peak_gflops|share_of_peak|processor_time)": ?[^,}]*//g'
}

# train NAME NET DATA... OPTIONS: NAME.weights, NAME.train (messages, and with --json the result) and NAME.log
train() {
  local name=$1
  shift
  run train "$@" -o "$name" --seed 1 --threads 1
  expect 0
  cat out err | without_times >"$kept/$name.train"
  tensors "$name/model.safetensors" >"$kept/$name.weights"
  without_times <"$name/log.jsonl" >"$kept/$name.log"
}

# say CASE COMMAND MODEL ...: what is printed; MODEL is the name of a training, or a file
say() {
  local case=$1 command=$2 model=$3
  shift 3
  [ ! -f "$model/model.safetensors" ] || model=$model/model.safetensors
  run "$command" "$model" "$@"
  expect 0
  cat out err >"$kept/$case"
}

# explains NAME
explains() {
  say "$1.explain" explain "$1"
  say "$1.explain_json" explain "$1" --json
}

# evals NAME DATA... OPTIONS: eval and its JSON
evals() {
  local name=$1
  shift
  say "$name.eval" eval "$name" "$@"
  say "$name.eval_json" eval "$name" "$@" --json
}

# predicts NAME DATA... OPTIONS
predicts() {
  local name=$1
  shift
  say "$name.predict" predict "$name" "$@"
  say "$name.predict_json" predict "$name" "$@" --json
}

# scores NAME DATA... OPTIONS
scores() {
  local name=$1
  shift
  say "$name.score" score "$name" "$@"
  say "$name.score_symbols" score "$name" "$@" --per-symbol
  say "$name.score_json" score "$name" "$@" --json
}

tiny="--set hidden=12 --set embedding=6"

# ---- made-up data of the program
"$UNROLL" task adding --count 60 --length 6 --seed 3 >adding.csv
"$UNROLL" task copy --count 40 --length 4 --seed 3 >copy.txt
"$UNROLL" task arithmetic --count 150 --seed 3 >arithmetic.txt
"$UNROLL" task xml --count 60 --seed 3 >xml.txt
for data in adding.csv copy.txt arithmetic.txt xml.txt; do cp $data "$kept/task.$data"; done

# ---- lines: names
awk 'NR % 16 == 1' places.txt >names.txt
awk 'NR % 160 == 3' places.txt >few.txt
train names names names.txt $tiny --epochs 3 --valid 0.1 --test 0.1 --batch 16 --lr 0.01
explains names
evals names names.txt
scores names few.txt --skip-bad
say names.eval_bf16 eval names names.txt --precision bf16
say names.eval_int8 eval names names.txt --precision int8 --json
say names.score_bf16 score names names.txt --precision bf16
say names.sample sample names -n 5 --length 20
say names.sample_prime sample names -n 4 --prime Ca --temperature 0.6 --top-k 5 --probability --length 20
say names.sample_likeliest sample names --temperature 0 --prime B --length 20
say names.sample_top_p sample names -n 3 --top-p 0.8 --seed 7 --json --length 20
say names.sample_new sample names -n 3 --not-in names.txt --length 12 --precision int8

# ---- cells
for cell in gru rnn mut1 sru lstm_layernorm qrnn lstm_projection lstm_peephole mingru rhn indrnn gru_reset_after cornn; do
  train cell_$cell names names.txt --set hidden=12 --set embedding=12 --set cell=$cell --steps 5 --batch 16
  say cell_$cell.eval eval cell_$cell names.txt --json
  say cell_$cell.explain explain cell_$cell
done
for cell in lstm gru mut1 sru; do say show.$cell explain $cell; done

# ---- streams: characters, bytes, words, parts of words
train stream language xml.txt $tiny --set layers=2 --set drop=0.2 --steps 12 --batch 4 --unroll 16 --valid 0.1 --test 0.1
evals stream xml.txt --unroll 20 --batch 3
scores stream xml.txt
say stream.sample sample stream -n 2 --length 60 --prime '<'
say stream.explain explain stream
train sums language arithmetic.txt $tiny --set cell=gru --steps 8 --batch 4 --unroll 16
evals sums arithmetic.txt
printf 'data token : bytes\nh = rnn(embed(token[t-1], 6), 12)\ntoken ~ softmax(W h + b)\n' >bytes.net
head -c 3000 places.txt >bytes.txt
printf 'na\303\257ve \342\202\254 5\n\377\376 end\n' >>bytes.txt
train bytes bytes.net bytes.txt --steps 8 --batch 4 --unroll 16
evals bytes bytes.txt
scores bytes few.txt
say bytes.sample sample bytes -n 2 --length 30
awk 'BEGIN { n = split("the a small old red cat dog bird tree house sees likes and , on It'"'"'s 3.14 well-known Under", w, " ")
  for (i = 0; i < 90; i++) { s = ""
    for (k = 0; k < 4 + i % 5; k++) { x = (x * 1103 + 12345 + i) % 65536; s = s (k ? " " : "") w[1 + int(x / 64) % n] }
    print s "." } }' >words.txt
train words words words.txt --set hidden=10 --set embedding=8 --set drop=0.2 --steps 10 --batch 4 --unroll 10 --valid 0.1
evals words words.txt
scores words words.txt
say words.sample sample words -n 3 --length 12 --prime 'the cat'
train tied words_tied words.txt --set hidden=10 --set layers=1 --set cell=mut1 --steps 6 --batch 4 --unroll 10
evals tied words.txt
printf 'data token : words(12) lower lines\nh = gru(embed(token[t-1], 6), 12)\ntoken ~ softmax(W h + b)\n' >lower.net
train lower lower.net words.txt --steps 6 --batch 8 --valid 0.1
evals lower words.txt
scores lower words.txt
say lower.sample sample lower -n 3 --length 12
printf 'data token : bpe(290)\nh = sru(embed(token[t-1], 12), 12)\ntoken ~ softmax(W h + b)\n' >bpe.net
train bpe bpe.net words.txt --steps 6 --batch 4 --unroll 12
evals bpe words.txt
scores bpe few.txt
say bpe.sample sample bpe -n 2 --length 20 --prime 'the '
train clicks clicks copy.txt --set hidden=10 --steps 5 --batch 8
evals clicks copy.txt
train copy names copy.txt $tiny --set cell=rnn --steps 6 --batch 8 --optimizer rmsprop --momentum 0.5
scores copy copy.txt

# ---- the loop of training: optimizers, schedules, beginnings, precision, memory, several files, resumed
awk 'NR <= 120' names.txt >first.txt
awk 'NR > 120' names.txt >second.txt
train adamw names first.txt second.txt $tiny --epochs 2 --batch 32 --optimizer adamw --schedule cosine:5 --lr 0.01 --clip-value 0.1 --valid few.txt \
  --skip-bad --init 'h.U*=orthogonal' --log-steps 3
train sgd names names.txt $tiny --epochs 4 --batch 64 --optimizer sgd --lr 0.5 --momentum 0.8 --schedule plateau:0.5:1 --patience 3 --valid 0.2 \
  --init 'uniform(0.1)' --weight-decay 0.001
train decay names names.txt $tiny --epochs 3 --batch 64 --optimizer sgd --lr 1 --schedule decay:0.5:1 --clip-norm 1 --set layers=2 --set drop=0.3
train ramp names names.txt $tiny --set cell=lstm_steep --ramp h.s=1:4@0.5 --steps 6 --batch 16
evals ramp names.txt
train bf16 names names.txt $tiny --steps 6 --batch 16 --precision bf16
evals bf16 names.txt
awk 'BEGIN { for (i = 0; i < 3000; i++) { x = (x * 75 + 74) % 65537; printf "%c", 97 + x % 9 } }' >long.txt
train memory language long.txt --set hidden=24 --set embedding=8 --unroll 2500 --batch 1 --steps 2 --valid 0.1 --memory 800K
expect 0 "windows of"
evals memory long.txt
options="$tiny --set drop=0.1 --batch 16 --test 0.1"
train whole names names.txt $options --steps 9
train cut names names.txt $options --steps 4
run train --resume cut --steps 9
expect 0
without_times <err >"$kept/cut.resume"
tensors cut/model.safetensors >"$kept/cut.resumed"
cmp -s "$kept/cut.resumed" "$kept/whole.weights" || fail "resumed: other weights than of a training that was not interrupted"

# ---- tables: several variables, labels, class weights, standardised numbers
awk 'BEGIN { print "x,name,colour,size,n,label,y"; split("red green blue", c, " "); split("anna bob cyd dora", w, " ")
  for (i = 0; i < 90; i++) { x = (x * 75 + 74 + i) % 65537
    printf "%.2f,%s %s,%s,%d,%d,%s,%.3f\n", x / 900, w[1 + x % 4], w[1 + int(x / 7) % 4], c[1 + x % 3], x % 40 * 100, int(x / 5) % 6,
      x % 9 == 0 ? "yes" : "no", x / 5000 - 3 } }' >table.csv
cat >table.net <<'END'
data x : number
data name : words
data colour : category
data size : number
data n : number
data label : category
data y : number
h = [last(gru(embed(name, 4), 6)), embed(colour, 3), x, size]
v = tanh(V h + bv)
label ~ softmax(W v + b)
y ~ laplace(mean = Y v + by, scale = 0.1 + softplus(S v + bs))
n ~ negative_binomial(mean = softplus(N v + bn), shape = 0.1 + softplus(R v + br))
width v = 8
END
train table table.net table.csv --epochs 4 --batch 16 --valid 0.1 --test 0.1 --standardise --class-weights label=balanced --lr 0.01 --json
explains table
evals table table.csv --confusion
predicts table table.csv
say table.predict_quantiles predict table table.csv --quantiles 0.1,0.5,0.9
say table.eval_int8 eval table table.csv --precision int8 --json
(head -n 20 table.csv; echo 'bad,row'; tail -n 5 table.csv) >bad.csv
say table.predict_bad predict table bad.csv --skip-bad
printf 'no\t0.5\nyes\t3\n' >weights.tsv
sed -e '/^y ~/d; /^n ~/d; /^data [yn] /d' table.net >label.net
train label label.net table.csv --steps 6 --class-weights weights.tsv --valid 0.1 --optimizer adamw
evals label table.csv
predicts label table.csv
printf '%s\n' 'data x : number' 'data y : number' 'width v = 6' 'v = tanh(V x + bv)' 'y ~ quantile(0.1, 0.5, 0.9, W v + b)' >levels.net
train levels levels.net table.csv --steps 8 --standardise --valid 0.1
evals levels table.csv
predicts levels table.csv
printf '%s\n' 'data x : number' 'data y : number' 'width v = 6' 'v = relu(V x + bv)' \
  'y ~ student_t(mean = M v + bm, scale = 0.1 + softplus(S v + bs), dof = 2 + softplus(D v + bd))' >dof.net
train dof dof.net table.csv --steps 8 --standardise
evals dof table.csv
say dof.predict predict dof table.csv --quantiles 0.05,0.95

# ---- tables whose successive rows are an example
train adding regress adding.csv --series id --steps 6 --batch 8 --valid 0.1
evals adding adding.csv --series id
predicts adding adding.csv --series id
awk 'BEGIN { print "id,x1,x2,label"; for (i = 0; i < 40; i++) for (k = 0; k < 4 + i % 3; k++)
  printf "%d,%.2f,%.2f,%s\n", i, (i % 3) * k / 4, (i * k) % 7, "c" i % 3 }' >curves.csv
for over in last mean max; do
  train classify_$over classify curves.csv --series id --set hidden=8 --set over=$over --steps 5 --batch 8
  evals classify_$over curves.csv --series id
done
say classify.predict predict classify_mean curves.csv --series id --precision bf16

# ---- texts with a label: sentiment, folders, words with their parts
awk 'BEGIN { print "text\tlabel"; split("good fine great bad poor sad film plot is was very not", w, " ")
  for (i = 0; i < 80; i++) { s = w[1 + (i % 2 ? 3 : 0) + i % 3]
    for (k = 0; k < 3 + i % 6; k++) { x = (x * 75 + 74 + i) % 65537; s = s " " w[7 + x % 6] }
    print s "\t" (i % 2 ? "bad" : "good") } }' >reviews.tsv
train sentiment sentiment reviews.tsv --set hidden=8 --set embedding=6 --epochs 3 --valid 0.1 --test 0.1 --class-weights balanced
explains sentiment
evals sentiment reviews.tsv --confusion
predicts sentiment reviews.tsv
train pooled sentiment reviews.tsv --set hidden=8 --set embedding=6 --set past=mean --set future=max --steps 4
evals pooled reviews.tsv
train bag bag reviews.tsv --set embedding=6 --steps 4
evals bag reviews.tsv
awk -F'\t' 'NR > 1 { system("mkdir -p folder/" $2); file = "folder/" $2 "/" NR ".txt"; print $1 >file; close(file) }' reviews.tsv
train folders sentiment folder --set hidden=8 --set embedding=6 --steps 4 --batch 16
evals folders folder
say folders.predict predict folders folder
train questions questions.net reviews.tsv --set hidden=6 --steps 4
evals questions reviews.tsv

# ---- tags: spans, parts of words, tags that are fed back
awk 'BEGIN { split("Anna Bob Rome Oslo likes sees in and the big 1996", w, " "); split("B-P B-P B-L B-L O O O O O O B-N", g, " ")
  for (i = 0; i < 50; i++) {
    for (k = 0; k < 3 + i % 5; k++) { x = (x * 75 + 74 + i) % 65537; n = 1 + x % 11; print w[n], "P" n % 3, g[n]
      if (x % 13 == 0) print "x-" i % 4, "P0", "I" substr(g[n] == "O" ? "B-P" : g[n], 2) }
    print "" } }' >tags.txt
train chunks chunking.net tags.txt --tagged text,pos,tag --set hidden=6 --epochs 4 --batch 8 --lr 0.01 --valid 0.1 --class-weights balanced
evals chunks tags.txt --tagged text,pos,tag --confusion
predicts chunks tags.txt --tagged text,pos,tag
say chunks.explain explain chunks
cat >fed.net <<'END'
data text : words lower
data beginning : prefix(text, 2)
data pos : category
data tag : category
h = gru([embed(text, 6), embed(beginning, 3), embed(tag[t-1], 3)], 8)
tag ~ softmax(W h + b)
END
train fed fed.net tags.txt --tagged text,pos,tag --epochs 4 --batch 8 --lr 0.01
evals fed tags.txt --tagged text,pos,tag
say fed.predict predict fed tags.txt --tagged text,pos,tag
say fed.predict_beam predict fed tags.txt --tagged text,pos,tag --beam 3 --n-best 2 --probability
say fed.decode eval fed tags.txt --tagged text,pos,tag --decode --beam 2 --json

# ---- texts from texts: attention and decoding
awk 'BEGIN { split("one two three four", w, " "); print "source,target"
  for (i = 0; i < 60; i++) { s = t = ""
    for (k = 0; k < 1 + i % 4; k++) { d = 1 + int(i * 7 / 4 ^ k) % 4; s = s (k ? " " : "") w[d]; t = w[d] (k ? " " : "") t }
    print s "," t } }' >pairs.csv
head -n 9 pairs.csv | cut -d, -f1 >asked.csv
for net in translate translate_plain translate_align; do
  settings="--set hidden=8 --set embedding=6"
  [ $net != translate_plain ] || settings="$settings --set layers=2"
  train $net $net pairs.csv $settings --epochs 4 --batch 16 --lr 0.02 --valid 0.1
  evals $net pairs.csv
  say $net.decode eval $net pairs.csv --decode --length 6
  say $net.predict predict $net asked.csv --length 6
done
explains translate
say translate.decode_json eval translate pairs.csv --decode --beam 3 --length-penalty 0.6 --length 6 --json
say translate.beam predict translate asked.csv --beam 4 --n-best 3 --probability --length-penalty 0.5 --length 6
say translate.draws predict translate asked.csv --samples 3 --temperature 0.8 --top-k 4 --top-p 0.9 --seed 5 --length 6
say translate.predict_json predict translate asked.csv --json --length 6
say translate.int8 predict translate asked.csv --precision int8 --beam 2 --length 6
sed '1s/.*/text,summary/' pairs.csv >stories.csv
train summarise summarise stories.csv --set vocabulary=20 --set hidden=8 --set embedding=6 --steps 6 --batch 16
evals summarise stories.csv
say summarise.decode eval summarise stories.csv --decode --length 6
awk -F, 'NR == 1 { print "story,question,answer"; next }
  { n = split($1, w, " "); print $1 ",which is " (NR % 2 ? "first" : "last") "," (NR % 2 ? w[1] : w[n]) }' pairs.csv >babi.csv
train answer answer babi.csv --set hidden=8 --set embedding=6 --steps 6 --batch 16
evals answer babi.csv
predicts answer babi.csv
printf '%s\n' 'data source : chars' 'data target : bpe(270)' 's = gru(embed(source, 4), 8, backward)' \
  'd = gru(embed(target[t-1], 4), 8, start = s)' 'target ~ softmax(W d + b)' >pieces.net
train pieces pieces.net pairs.csv --epochs 3 --batch 16 --lr 0.02
evals pieces pairs.csv
say pieces.decode eval pieces pairs.csv --decode --length 8 --json
say pieces.predict predict pieces asked.csv --length 8

# ---- pictures
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
  awk -v i=$i 'BEGIN { print "P2 8 8 255"; for (k = 0; k < 64; k++) print (k * (i + 3) + i * 11) % 256 }' >p$i.pgm
  awk -v i=$i 'BEGIN { print "P3 10 8 255"; for (k = 0; k < 240; k++) print (k * (i + 5) + (k % 3 == i % 3) * 90) % 256 }' >p$i.ppm
done
awk 'BEGIN { print "picture,label"; for (i = 0; i < 12; i++) print "p" i ".pgm,l" i % 3 }' >pictures.csv
sed 's/1, 28, 28/1, 8, 8/; s/16, 5/4, 3/; s/v = .*/v = relu(V u + bv)\nwidth v = 6/' "$SOURCE/nets/image.net" >image.net
train image image.net pictures.csv --steps 5 --batch 4
evals image pictures.csv
predicts image pictures.csv
explains image
awk 'BEGIN { print "picture,question,answer"; for (i = 0; i < 12; i++)
  print "p" i ".ppm,what colour " (i % 2 ? "is it" : "") "," substr("rgb", 1 + i % 3, 1) }' >vqa.csv
train vqa vqa.net vqa.csv --set hidden=8 --steps 3 --batch 4
evals vqa vqa.csv
say vqa.predict predict vqa vqa.csv
awk 'BEGIN { print "picture,word"; for (i = 0; i < 12; i++)
  print "p" i ".ppm,a " (i % 2 ? "red" : "green") " " (i % 3 ? "cat" : "dog") }' >captions.csv
sed 's/3, 64, 64/3, 8, 8/; s/32, 3)), 4/4, 3)), 2/; s/128/6/; s/256/10/' "$SOURCE/nets/caption.net" >caption.net
train caption caption.net captions.csv --epochs 6 --batch 4 --lr 0.02
evals caption captions.csv
say caption.predict predict caption captions.csv --beam 2 --length 5
say caption.decode eval caption captions.csv --decode --length 5
awk 'BEGIN { print "frame,action"; for (i = 0; i < 8; i++)
  print "p" i ".ppm p" i + 1 ".ppm p" (i * 5) % 12 ".ppm," (i % 2 ? "up" : "down") " " (i % 3 ? "up" : "down") " down" }' >films.csv
sed 's/3, 64, 64/3, 8, 8/; s/32, 3)), 4/4, 3)), 2/; s/256/8/' "$SOURCE/nets/video.net" >video.net
train video video.net films.csv --steps 4 --batch 4
evals video films.csv
say video.predict predict video films.csv

# ---- notes, pens and numbers that are fed back
awk 'BEGIN { print "piece,notes1,notes2,notes3,notes4,notes5"; for (i = 0; i < 20; i++) for (k = 0; k < 6 + i % 4; k++)
  print i "," (k % 2) "," (k % 3 == 0) "," ((i + k) % 4 == 0) "," (i % 2) "," (k % 5 == i % 5) }' >notes.csv
sed 's/: notes$/: numbers(5)/; s/128/10/' "$SOURCE/nets/music.net" >music.net
train music music.net notes.csv --series piece --epochs 3 --batch 4 --lr 0.01 --valid 0.1
evals music notes.csv --series piece
say music.sample sample music -n 2 --length 5 --seed 3
awk 'BEGIN { print "line,pen1,pen2,pen3"; for (i = 0; i < 20; i++) for (k = 0; k < 6 + i % 4; k++)
  printf "%d,%.2f,%.2f,%d\n", i, (k * (i + 2)) % 7 / 3 - 1, (k + i) % 5 / 2 - 1, k % 5 == 4 }' >pen.csv
sed 's/hidden = 400/hidden = 10/; s/layers = 3/layers = 2/; s/mixture(20/mixture(3/' "$SOURCE/nets/handwriting.net" >handwriting.net
train handwriting handwriting.net pen.csv --series line --epochs 3 --batch 4 --lr 0.01
evals handwriting pen.csv --series line
say handwriting.sample sample handwriting -n 2 --length 5 --seed 3 --temperature 0.7
awk 'BEGIN { print "x,up"; for (i = 0; i < 40; i++) { x = u = ""
  for (k = 0; k < 6; k++) { x = x (k ? " " : "") k % 2 + i / 100; u = u (k ? " " : "") k % 2 }
  print x "," u } }' >steps.csv
printf '%s\n' 'data x : number' 'data up : number' 'h = gru([x[t-1], up[t-1]], 10)' \
  'x ~ gaussian(mean = W h + b, scale = 0.05)' 'up ~ bernoulli(V [h, x] + bv)' >steps.net
train steps steps.net steps.csv --epochs 4 --lr 0.02
evals steps steps.csv
say steps.sample sample steps -n 2 --length 6 --seed 9

# ---- series with dates
train airline airline.net airline.csv --time month --scale level --context 24 --horizon 6 --valid 0.12 --test 0.25 --steps 12 --lr 0.005
explains airline
say airline.predict predict airline airline.csv --samples 40
say airline.predict_quantiles predict airline airline.csv --samples 40 --quantiles 0.25,0.5,0.75 --horizon 4 --seed 2 --json
evals airline airline.csv --samples 30
say airline.backtest eval airline airline.csv --backtest 8 --stride 2 --samples 30
say airline.trained eval airline airline.csv --backtest 14 --trained --season 6 --samples 20 --quantiles 0.05,0.5,0.95 --json
awk 'BEGIN { print "shop,at,y,x"; for (s = 0; s < 3; s++) for (i = 0; i < 90; i++) { x = (i * 7 + s) % 5 == 0
  printf "\"shop, %d\",2024-01-%02d %02d:00,%s,%d\n", s, 1 + int(i / 24), i % 24, i < 84 ? (s + 1) * (10 + (i % 24 > 11) * 4 + x * 5) : "", x } }' >shops.csv
train shops forecast_given shops.csv --series shop --time at --scale series --context 12 --horizon 6 --test 0.1 --valid 0.1 --steps 6 \
  --set hidden=8 --set layers=1 --standardise
say shops.predict predict shops shops.csv --samples 20 --quantiles 0.5
evals shops shops.csv --samples 20
cut -d, -f1-4 shops.csv | sed '1s/,x$//' | grep -v ',$' >plain.csv
for kind in 'negative_binomial(mean = softplus(M h + bm), shape = 0.1 + softplus(S h + bs))' \
  'laplace(mean = M h + bm, scale = 0.05 + softplus(S h + bs))'; do
  name=dates_${kind%%(*}
  printf '%s\n' 'data y : number' 'data when : time hour weekday' 'h = gru([y[t-1], when], 8)' "y ~ $kind" >$name.net
  train $name $name.net plain.csv --series shop --time at --context 12 --horizon 6 --valid 0.1 --test 0.1 --steps 6
  say $name.predict predict $name plain.csv --samples 20
  evals $name plain.csv --samples 20
done

# ---- run: cells and nets on given tensors
# write_tensors FILE NAME DTYPE SHAPE BYTES ...: safetensors; BYTES in hexadecimal
write_tensors() {
  local file=$1 header= data= at=0 n
  shift
  while [ $# -gt 0 ]; do
    n=$((${#4} / 2))
    header="$header${header:+,}\"$1\":{\"dtype\":\"$2\",\"shape\":[$3],\"data_offsets\":[$at,$((at + n))]}"
    data=$data$4
    at=$((at + n))
    shift 4
  done
  header="{$header}"
  n=${#header}
  {
    printf "\\x$(printf %02x $((n % 256)))\\x$(printf %02x $((n / 256)))\\0\\0\\0\\0\\0\\0%s" "$header"
    printf "$(sed 's/../\\x&/g' <<<"$data")"
  } >"$file"
}
half=0000003f one=0000803f two=00000040 three=00004040
write_tensors none
write_tensors x x F32 3,1,1 $one$two$three 'h[0]' F32 1,1 $half 'd.h' F32 3,1,1 $one$two$three
echo 'h = tanh(x) + 0.5 * h[t-1]' >sum.cell
say run.sum run sum.cell -w none -i x -o y --grad --set hidden=1
cp y "$kept/run.sum_tensors"
say run.reference run sum.cell -w none -i x -o y --grad --reference
cp y "$kept/run.reference_tensors"
write_tensors x token I32 4,1 00000000010000000300000007000000
printf '%s\n' 'data token : chars lines' 'h = lstm(embed(token[t-1], 6), 12)' 'token ~ softmax(W h + b)' >mine.net
say run.names run mine.net -w names/model.safetensors -i x -o y --grad
cp y "$kept/run.names_tensors"

# ---- models and a checkpoint that the program of commit 8906ca7 wrote: of names.txt, table.csv, shops.csv and names.txt again
say old_text.score score old/text.safetensors few.txt --per-symbol
say old_text.eval eval old/text.safetensors names.txt --json
say old_text.sample sample old/text.safetensors -n 3 --length 15
say old_text.explain explain old/text.safetensors
say old_table.predict predict old/table.safetensors table.csv --json
say old_table.eval eval old/table.safetensors table.csv --confusion --json
say old_series.predict predict old/series.safetensors shops.csv --samples 20
say old_series.eval eval old/series.safetensors shops.csv --samples 20 --json
run train --resume old/checkpoint names.txt --steps 8
expect 0
tensors old/checkpoint/model.safetensors >"$kept/old_checkpoint.weights"
without_times <err >"$kept/old_checkpoint.train"

# ---- the verdict
(cd "$kept" && sha256sum -- *) >now.txt
if [ -n "${UNROLL_GOLDEN_WRITE:-}" ] && [ $failures = 0 ]; then
  cp now.txt "$digests"
  echo "wrote $(wc -l <"$digests") digests"
fi
[ -s "$digests" ] && [ -s now.txt ] || fail "no digests in $digests"
differ=$(awk 'NR == FNR { old[$2] = $1; next } { if (!($2 in old)) print $2 " (new)"; else if (old[$2] != $1) print $2; seen[$2] = 1 }
  END { for (n in old) if (!(n in seen)) print n " (not there any more)" }' "$digests" now.txt | sort)
while read -r case; do
  [ -z "$case" ] || fail "golden: $case differs"
done <<<"$differ"
[ -z "$differ" ] || echo "To see how: UNROLL=PROGRAM UNROLL_GOLDEN=DIR tests/cli/golden.sh with the program of before and with this one, then diff -r."
finish
