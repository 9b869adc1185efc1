# inside.sh - explain and check.
. "$SOURCE/tests/cli/common.sh"

for net in language names rnn lstm gru; do
  run explain "$net"
  expect 0 "Parameters" "Equations" "Gradient" "Plan"
done
run explain language --json --set cell=gru --set hidden=32
expect 0 '"parameters"' '"h.Wz"' '"hidden": 32' '"operations_per_step"'
# A student recognises the lecture's line.
run explain rnn
expect 0 "dh = " "Whh'" "(1 - h^2)" "dWhh = "
# A net of one's own, with a cell beside it.
mkdir own
printf '# mine\nh = tanh(Wx x + Wh h[t-1] + b)\n' >own/mine.cell
printf 'data token : chars\nh = mine(embed(token[t-1], 4), 6)\ntoken ~ softmax(W h + b)\n' >own/mine.net
run explain own/mine.net
expect 0 "h.Wx" "h.Wh"
run check own/mine.net --dump dump.safetensors
expect 0 "right"
[ -s dump.safetensors ] || fail "no dump"
for cell in rnn rnn_relu lstm gru gru_reset_after; do
  run check $cell --quiet
  expect 0 "$cell: right"
done
# The mean or the largest of all steps instead of the last one.
for over in mean max; do
  run check classify --set over=$over --quiet
  expect 0 "classify: right"
  run explain classify --set over=$over
  expect 0 "softmax(W $over(h) + b)"
done
run check sentiment --set past=mean --set future=max --quiet
expect 0 "sentiment: right"
# Attention: built in, in a cell of one's own, whose keys are an input of their own length, and with all its arguments.
for net in answer translate translate_align summarise; do
  run check $net --quiet
  expect 0 "$net: right"
done
run explain translate
expect 0 "a = attend(d, s)" "a.weights = softmax(dots(d, s))" "attention collection, width 512"
cat >own/look.cell <<'CELL'
a = attend(Wq h[t-1], Wk s, s)
z = sigmoid(Wz x + Uz h[t-1] + Cz a + bz)
h = (1 - z) * h[t-1] + z * tanh(Wc x + Cc a + bc)
CELL
cat >own/look.net <<'NET'
data source : words(9)
data target : words(8)
s = rnn(embed(source, 3), 5)
u = look(embed(source, 3), [s, s], 4, backward)
d = look(embed(target[t-1], 3), u, 5, layers = 2, start = last(s))
target ~ softmax(W [d, attend(d, V u, u, scaled)] + b)
NET
for net in own/look.cell own/look.net; do
  run check $net --quiet
  expect 0 "$net: right"
done
# Functions that are equations of others.
printf 'h = tanh(rmsnorm(Wx x + Wh h[t-1]) + selu(Sx x) * silu(Zx x) + mish(Mx x) * softsign(Nx x) + elu(Ex x) * dot(Ax x, h[t-1]) + l2norm(Lx x))\n' >own/functions.cell
run check own/functions.cell --quiet
expect 0 "own/functions.cell: right"
printf 'h = elu(Wx x, y) + Wh h[t-1]\n' >own/functions.cell
run check own/functions.cell
expect 3 "functions.cell:1:15: error: argument 2 of 'elu' must be a number"
# Their values: of 3, 4; of 0, 0; of what is shorter than the 10^-6 that keeps the gradient finite; of large numbers.
printf 'data x : numbers(2)\ndata y : number\nn = l2norm(x)\nm = rmsnorm(x)\ny ~ gaussian(W [n, m] + U rnn(x, 2), 1)\n' >own/length.net
printf 'x,y\n3;4 0;0 -1e-7;0 1e15;1e15,1 2 3 4\n' >length.csv
run train own/length.net length.csv -o length --steps 1 -q
expect 0
run trace length length.csv --of n,m
expect 0
cat >wanted <<'VALUES'
1,1,0.6,0.8,0.8485278,1.1313704
1,2,0,0,0,0
1,3,-0.0995037,0,-3.1622777e-05,0
1,4,0.7071068,0.7071068,1,1
VALUES
tail -n +2 out | paste -d, - wanted | awk -F, '{ for (i = 3; i <= 6; i++) if (($i - $(i + 6)) ^ 2 > 1e-12 * $(i + 6) ^ 2) exit 1; n++ } END { exit n != 4 }' ||
  fail "values of functions: $(tr '\n' ' ' <out)"
run check rnn --json
expect 0 '"passed": true' '"worst_difference"'
finish
