# `unroll flow` and `unroll trace`.
. "$SOURCE/tests/cli/common.sh"

# A linear recurrence: the gradient k steps back is 0.5^k of what it is.
cat >half.net <<'E2'
data x : numbers
data y : numbers
h = 0.5 * h[t-1] + x
y ~ gaussian(mean = h, scale = 1)
E2
run flow half.net
expect 0 'gradient of one loss by each state' 'steps back' 'fades: times 0.5 a step'
run flow half.net --json --lags 4
expect 0 '"norms"' '"exponent": -0.693147'
run flow names --set hidden=8
expect 0 'h.c' 'spectral radius' 'h.Uf'
run flow nothing_here
expect 3 'nothing_here'
run flow bag
expect 2 'no state'

for i in 1 2 3 4 5 6 7 8 9 10; do printf 'anna\nberta\ncarla\ndora\nemma\nfrida\ngerda\nhanna\n'; done >names.txt
run train names names.txt -o model --set hidden=4 --epochs 1 --valid 0 -q
expect 0
run flow model names.txt --lags 3
expect 0 'k=0' 'h.c'
run flow names names.txt --set hidden=4 --lags 3
expect 0 'k=0'

printf 'anna\nbob,"\n' >two.txt
run trace model two.txt --of token,h,c
expect 3 # a letter that the model does not know
printf 'anna\nda\n' >two.txt
run trace model two.txt --of token,h,c
expect 0 'example,step,token,h1,h2,h3,h4,c1,c2,c3,c4' '1,1,a,' '1,2,n,' '2,2,a,'
[ "$(wc -l <out)" = 9 ] || fail "a row for each step and each end: $(wc -l <out)"
run trace model two.txt
expect 0 'example,step,token,h1'
run trace model two.txt --json --of h.i
expect 0 '{"example": 1, "h.i": [['
[ "$(wc -l <out)" = 2 ] || fail "a line of JSON for each example"
run trace model two.txt --of h -o h.safetensors
expect 0
grep -q '"h":{"dtype":"F32","shape":\[8,4\]' h.safetensors || fail "a tensor of all steps"
grep -q '"h.first":{"dtype":"I64","shape":\[3\]' h.safetensors || fail "where examples begin"
run trace model two.txt --of token,h --top 2 --first 1
expect 0 'example,step,token,token.top1,token.p1,token.top2,token.p2,h1' '1,4,a,'
refuse '2,1,'
[ "$(sed -n 2p out | tr ',' '\n' | wc -l)" = 11 ] || fail "cells of a row: $(sed -n 2p out)"
[ "$(awk -F, '{ print NF }' out | sort -u)" = 11 ] || fail "rows of one length"
run trace model two.txt --of token --top 2 --json
expect 0 '"token": "anna", "token.top": [[{"value": "' '"probability": 0.'
run trace model two.txt --of h --top 2
expect 2 '--top'
run trace model two.txt --of token,h --most 32
expect 0 'example,step'
run trace model two.txt --of token,h --most 31
expect 2 'these are 32 numbers, and at most 31 are computed'
run trace model two.txt --of hh
expect 2 "'hh'"
run trace model two.txt --of ''
expect 2
finish
