# hello.sh - the lecture's smallest example, as typed: after `hell` comes `o`.
. "$SOURCE/tests/cli/common.sh"

printf hello >in
run train language - -o DIR --quiet
expect 0
for f in model.safetensors log.jsonl; do [ -s DIR/$f ] || fail "DIR/$f is not there"; done
run score DIR/model.safetensors - --per-symbol
expect 0 "total:" "bits per symbol" "perplexity"
p=$(awk -F'\t' '$2 == "o" { print $4 }' out)
holds "${p:-0} > 0.99"
[ "$(awk -F'\t' 'NF == 4' out | wc -l)" = 5 ] || fail "not five symbols"
# The chain rule: the terms add up to the sequence's log2 P.
awk -F'\t' 'NF == 2 { whole = $1 } NF == 4 { sum += $3 } END { d = whole - sum; exit !(d < 0.001 && d > -0.001) }' out || fail "the terms do not add up"

run score DIR/model.safetensors - --json --per-symbol
expect 0 '"bits_per_symbol"' '"log2_p_per_symbol"'
run eval DIR/model.safetensors -
expect 0 "accuracy 100.00 %, 5 symbols"
printf holle >in
run eval DIR/model.safetensors - --json
expect 0 '"perplexity"' '"accuracy": 0.'
rm in
run sample DIR/model.safetensors --prime hell --length 1 --temperature 0
expect 0
[ "$(cat out)" = hello ] || fail "after hell comes: $(cat out)"
run sample DIR/model.safetensors --prime xyz
[ "$status" != 0 ] || fail "a prime of unknown letters was taken"
finish
