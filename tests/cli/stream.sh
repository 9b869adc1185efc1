# stream.sh - texts that have a label and are streamed: read in passes of some steps, with the states carried on to the end of each.
. "$SOURCE/tests/cli/common.sh"

# Two authors of the same letters: one goes forth, the other back.
for author in forth back; do
  mkdir -p "texts/$author"
  for k in 1 2 3; do
    awk -v a=$author -v k=$k 'BEGIN { srand(k); c = k
      for (i = 0; i < 200 + 50 * k; i++) {
        c = rand() < 0.9 ? (c + (a == "forth" ? 1 : 4)) % 5 : int(5 * rand())
        printf "%s%s", substr("abcde", c + 1, 1), i % 30 == 29 ? "\n" : "" } }' >"texts/$author/$k.txt"
  done
done
cat >author.net <<'END'
data text : chars stream
data author : category whole
h = gru([embed(text[t-1], 6), embed(author, 4)], 12)
text ~ softmax(W h + b)
END

# In one row no text is cut: what it costs to read each in passes of 7 steps is what it costs to read it whole.
run train author.net texts -o still --batch 1 --unroll 7 --epochs 1 --lr 1e-30 --valid 0 --log-steps 100000 --quiet
expect 0
read_loss() { sed -nE 's/.*"loss": ?([0-9.]+).*/\1/p' "$1" | head -1; }
trained=$(read_loss still/log.jsonl)
run eval still/model.safetensors texts --json
expect 0 '"sequences": 6,'
awk -v a="$trained" -v b="$(read_loss out)" 'BEGIN { exit !(a > 1 && a - b < 2e-8 && b - a < 2e-8) }' ||
  fail "streamed $trained, whole $(read_loss out)"

# The same from a column, and the same bits whatever the threads, and in two parts.
options="--batch 4 --unroll 20 --lr 0.02 --seed 2 --quiet"
run train author.net texts -o whole $options --steps 60
expect 0
for author in back forth; do
  for k in 1 2 3; do
    printf '"%s",%s\n' "$(cat "texts/$author/$k.txt")" "$author"
  done
done >rows
{ echo text,author; cat rows; } >texts.csv
run train author.net texts.csv -o column $options --steps 60
expect 0
run train author.net texts -o parts $options --steps 25 --threads 1
run train --resume parts --steps 60 --quiet
expect 0
same whole/model.safetensors parts/model.safetensors "in two parts"
run eval whole/model.safetensors texts.csv --json
expect 0
cp out of_files
run eval column/model.safetensors texts.csv --json
awk -v a="$(read_loss of_files)" -v b="$(read_loss out)" 'BEGIN { exit !(a < 1 && b < 1) }' || fail "not learned: $(cat out)"

# The label says which way the next letters go.
printf 'author\nforth\nback\n' >given.csv
run predict whole/model.safetensors given.csv --length 24
expect 0
sed -n 1p out | grep -q abcdeabcde || fail "forth: $(cat out)"
sed -n 2p out | grep -q edcbaedcba || fail "back: $(cat out)"

# A label that is predicted: at the end of each pass, of what was read so far.
printf 'data text : chars stream\ndata author : category\nauthor ~ softmax(W last(gru(embed(text, 6), 12)) + b)\n' >who.net
run train who.net texts -o who --batch 4 --unroll 20 --steps 80 --lr 0.02 --quiet
expect 0
run predict who/model.safetensors texts.csv
expect 0
cut -f 1 out | tr '\n' ' ' >got
[ "$(cat got)" = "back back back forth forth forth " ] || fail "labels: $(cat got)"

# What a stream cannot have.
refused() { # refused MESSAGE LINE...
  local message=$1
  shift
  printf '%s\n' "$@" >bad.net
  run train bad.net texts -o bad --steps 1
  expect 3 "$message"
}
refused "is a stream or 'lines', not both" 'data text : chars lines stream' 'data author : category' 'author ~ softmax(W last(rnn(text, 3)))'
refused "a stream has no end to start from: 'mean' needs sequences" 'data text : chars stream' 'data author : category' \
  'author ~ softmax(W mean(rnn(text, 3)))'
refused "goes on from pass to pass" 'data text : chars stream' 'data author : category' 'param p' 'h[0] = p' \
  'width h = 3' 'h = tanh(A text + U h[t-1])' 'author ~ softmax(W last(h))'
refused "no recurrence has a start of its own" 'data text : chars stream' 'data author : category' \
  'author ~ softmax(W last(rnn(text, 3, start = embed(author, 3))))'
refused "'whole' in its data line takes one for all" 'data text : chars stream' 'data author : category' \
  'text ~ softmax(W rnn([embed(text[t-1], 3), embed(author, 2)], 3))'
finish
