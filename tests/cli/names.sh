# names.sh - one sequence a line: train, sample, score, eval; the same bits for any number of threads.
. "$SOURCE/tests/cli/common.sh"

small --threads 1
cp -r small one
small --threads 2
same one/model.safetensors small/model.safetensors "1 and 2 threads"
small --threads 3
same one/model.safetensors small/model.safetensors "1 and 3 threads"
m=small/model.safetensors

run train names names.txt -o other --set hidden=24 --set embedding=8 --steps 3 --json --test 0.1
expect 0 '"steps": 3' '"valid_bits"' '"test_bits"' '"model": "other/model.safetensors"'
[ "$(wc -l <out)" = 1 ] || fail "--json: not one line"

run sample $m -n 5 --seed 3
expect 0
[ "$(wc -l <out)" = 5 ] || fail "not five names"
cp out first
run sample $m -n 5 --seed 3 --threads 1
same first out "the same seed, other threads"
run sample $m -n 5 --seed 4
! cmp -s first out || fail "another seed gives the same names"
run sample $m -n 3 --prime Vila
[ "$(grep -c '^Vila' out)" = 3 ] || fail "the names do not begin with the prime"
run sample $m -n 6 --probability --length 40
expect 0
awk -F'\t' 'NF != 2 || !($1 > 0 && $1 <= 1) { exit 1 }' out || fail "no probabilities: $(cat out)"
run sample $m -n 30 --not-in names.txt --length 40
expect 0
[ "$(sort -u out | wc -l)" = 30 ] || fail "--not-in repeats a name"
[ -z "$(LC_ALL=C sort -u names.txt | LC_ALL=C comm -12 - <(LC_ALL=C sort -u out))" ] || fail "--not-in printed a name of the list"
run sample $m -n 2 --json
expect 0 '"samples"' '"log2_p"'
run sample $m -n 20 --top-k 1
[ "$(sort -u out | wc -l)" = 1 ] || fail "--top-k 1 is not the likeliest symbol"

run score $m names.txt
expect 0 "bits per symbol, perplexity"
[ "$(wc -l <out)" = $(($(wc -l <names.txt) + 1)) ] || fail "not one line per name"
head -n -1 out | cut -f2 | cmp -s - names.txt || fail "score changes the names"
bits=$(tail -n 1 out | sed -E 's/total: ([0-9.]+) bits.*/\1/')
run eval $m names.txt
expect 0
eval_bits=$(sed -E 's/total: ([0-9.]+) bits.*/\1/' out)
holds "$bits - $eval_bits < 0.001 && $eval_bits - $bits < 0.001 && $bits < 6"
run eval $m names.txt --json --batch 7
expect 0 '"bits_per_symbol"'
# From standard input, and a probability that --probability and score agree on.
run sample $m --seed 5 --probability
p=$(cut -f1 out)
cut -f2 out >in
run score $m -
l=$(head -n 1 out | cut -f1)
holds "$l - log($p) / log(2) < 0.1 && log($p) / log(2) - $l < 0.1"
rm in

run explain $m
expect 0 "h.Wi" "Gradient" "Plan"
finish
