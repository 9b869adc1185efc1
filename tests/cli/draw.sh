# draw.sh - draws of numbers: temperature and bias do what they say, and what makes no sense is refused.
. "$(dirname "$0")/common.sh"

awk 'BEGIN { print "s,y"; for (i = 0; i < 40; i++) for (k = 0; k < 8; k++) print i "," ((i * 7 + k * 3) % 10) / 10 }' >walk.csv
# net NAME DISTRIBUTION
net() {
  printf 'data y : number\nh = rnn(y[t-1], 4)\ny ~ %s\n' "$2" >"$1.net"
  run train "$1.net" walk.csv --series s -o "$1" --epochs 3 --quiet
  expect 0
}
spread() { tr -s ' ;' '\n\n' <out | awk '{ s += $1; q += $1 * $1; n++ } END { print sqrt(q / n - s * s / n / n) }'; }

net normal 'gaussian(0 * (W h), 0.3)'
for t in 0.5 1 2; do
  run sample normal/model.safetensors -n 200 --length 20 --temperature $t --seed 4
  expect 0
  holds "$(spread) > 0.3 * $t * 0.95 && $(spread) < 0.3 * $t * 1.05"
done
run sample normal/model.safetensors --length 3 --temperature 0
expect 0 "0 0 0"
run sample normal/model.safetensors --length 3 --top-k 2
expect 2 "top-k and top-p are for symbols"
run sample normal/model.safetensors --length 3 --top-p 0.5
expect 2 "top-k and top-p are for symbols"
run sample normal/model.safetensors --length 3 --bias 1
expect 2 "a bias is for mixture(), and this model draws from gaussian()"

net levels 'quantile(0.1, 0.9, W h + b)'
run sample levels/model.safetensors --length 3 --temperature 0.5
expect 2 "draws from quantile() have no temperature"
run sample levels/model.safetensors --length 3
expect 0

# One normal with deviation e^-1: a bias of 1 makes it e^-2, and is a temperature of 1/2.
net mixed 'mixture(1, 0 * (W h) + [0, 0, -1])'
run sample mixed/model.safetensors -n 200 --length 20 --bias 1 --seed 4
expect 0
holds "$(spread) > 0.1353 * 0.95 && $(spread) < 0.1353 * 1.05"
mv out biased
run sample mixed/model.safetensors -n 200 --length 20 --temperature 0.5 --seed 4
same out biased "a bias of 1 and a temperature of 1/2"
run sample mixed/model.safetensors --bias 1 --temperature 0.5
expect 2 "one of --temperature and --bias"
small
run sample small/model.safetensors --bias 1
expect 2 "a bias is for mixture(), and this model draws from softmax()"
finish
