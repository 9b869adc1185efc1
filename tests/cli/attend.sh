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
finish
