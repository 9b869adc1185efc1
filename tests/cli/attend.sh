# attend.sh - words read backwards: what attention learns within seconds, and the same bits with any number of threads and instruction set.
. "$SOURCE/tests/cli/common.sh"

awk 'BEGIN {
  print "word,back"
  x = 7
  for (i = 0; i < 600; i++) {
    word = back = ""
    x = (x * 1103 + 12345) % 65536
    n = 1 + int(x / 64) % 7
    for (k = 0; k < n; k++) {
      x = (x * 1103 + 12345) % 65536
      c = substr("abcdefgh", 1 + int(x / 64) % 8, 1)
      word = word c
      back = c back
    }
    print word "," back
  }
}' >words.csv
cat >back.net <<'NET'
data word : chars
data back : chars
s = gru(embed(word, 8), 24)
d = gru(embed(back[t-1], 8), 24, start = last(s))
a = attend(Wa d, s)
back ~ softmax(W [d, a] + b)
NET
options="--steps 150 --batch 32 --lr 0.01 --seed 3 --test 0.1 --quiet"
run train back.net words.csv -o one $options --threads 1
expect 0
run train back.net words.csv -o two $options --threads 2
expect 0
cmp one/model.safetensors two/model.safetensors || fail "other bits with two threads"
UNROLL_ISA=portable run train back.net words.csv -o plain --steps 3 --batch 32 --seed 3 --quiet
expect 0
run train back.net words.csv -o fast --steps 3 --batch 32 --seed 3 --quiet
expect 0
cmp plain/model.safetensors fast/model.safetensors || fail "other bits with other instructions"
awk -F'"test_loss": ' '/test_loss/ {exit !($2 + 0 < 0.5)}' one/log.jsonl || fail "nothing learned: $(tail -1 one/log.jsonl)"
# What is learned is generated: the decoder asks all steps of the encoder, in its loop too.
sed 's/^d = .*/d = gru([embed(back[t-1], 8), attend(Wf d[t-1], s)], 24, start = last(s))/' back.net >fed.net
cut -d, -f1 words.csv >questions.csv
for net in back fed; do
  run train $net.net words.csv -o $net --steps 600 --batch 32 --lr 0.01 --seed 3 --quiet
  expect 0
  run predict $net/model.safetensors questions.csv
  expect 0
  wrong=$(tail -n +2 words.csv | cut -d, -f2 | paste -d, - out | awk -F, '$1 != $2' | wc -l)
  [ "$wrong" -le 12 ] || fail "$net: $wrong of 600 words are not read backwards"
done
# A tag that is fed back and depends on all words: what asks them is known before, so that each step has its answer.
awk 'BEGIN { print "word,tag"; x = 7
  for (i = 0; i < 400; i++) { w = t = ""; x = (x * 1103 + 12345) % 65536; n = 2 + int(x / 64) % 5; at = int(x / 2048) % (2 * n)
    for (k = 0; k < n; k++) { x = (x * 1103 + 12345) % 65536
      w = w " " (k == at ? "key" : substr("abcdefgh", 1 + int(x / 64) % 8, 1)); t = t " " (at < n ? "yes" : "no") }
    print substr(w, 2) "," substr(t, 2) } }' >keys.csv
cat >keys.net <<'NET'
data word : words(20)
data tag : category
hidden = 8
e = embed(word, 8)
h = rnn([attend(Wq e, Wk e, Wv e), e, embed(tag[t-1], 4)], 8)
tag ~ softmax(W h + b)
NET
run train keys.net keys.csv -o keys --steps 200 --batch 32 --lr 0.02 --quiet
expect 0
run predict keys/model.safetensors keys.csv
tail -n +2 keys.csv | cut -d, -f2 >wanted
same out wanted "tags that depend on all words"
# And where it asks only once a step is there.
sed 's/Wq e/Wq h[t-1]/' keys.net >asks.net
run train asks.net keys.csv -o asks --steps 200 --batch 32 --lr 0.02 --quiet
expect 0
run predict asks/model.safetensors keys.csv
same out wanted "tags that depend on all words, asked from the loop"
finish
