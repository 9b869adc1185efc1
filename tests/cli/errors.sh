# errors.sh - files that are not what they should be: exit code 3, the place, the line and a caret.
. "$SOURCE/tests/cli/common.sh"

seq 1 400 | sed 's/.*/name&/' >names.txt

run train langauge names.txt -o x
expect 3 "did you mean 'language'?"
run train ./nowhere.net names.txt -o x
expect 3 "nowhere.net"
run train names nowhere.txt -o x
expect 3 "nowhere.txt"
run train names . -o x
expect 3
run explain grru
expect 3 "there is no built-in net or cell and no file 'grru'; did you mean 'gru'?"

run train names names.txt -o x --set cell=lstn
expect 3 "lstm"
run train names names.txt -o x --set hiden=12
expect 2 "there is no setting 'hiden'; did you mean 'hidden'?"

printf 'data token : chars\nh = lstm(embed(token[t-1], 8), 8)\ntoken ~ softmax(W tahn(h) + b)\n' >bad.net
run explain ./bad.net
expect 3 "bad.net:3:19: error:" "did you mean 'tanh'?"
# The caret is under the place.
awk '/~ softmax/ { line = $0; getline; exit !(index($0, "^") == index(line, "tahn")) }' err || fail "the caret is not under the place: $(cat err)"

printf 'data token : chars\n# é\n\th = lstm(embed(token[t-1], 8), 8) )\ntoken ~ softmax(W h + b)\n' >tab.net
run explain ./tab.net
expect 3 "tab.net:3:"

# Nothing in a file steers the terminal.
printf 'data token : chars\nh = \033[31m(\ntoken ~ softmax(W h + b)\n' >escape.net
run explain ./escape.net
expect 3 "escape.net:2:"
! grep -q "$(printf '\033')" err || fail "an escape sequence of the file reached the terminal"

printf 'ab\xff\xfe\n' >latin.txt
run train names latin.txt -o x
expect 3 "latin.txt:1:3"
: >empty.txt
run train names empty.txt -o x
[ "$status" = 2 ] || [ "$status" = 3 ] || fail "an empty file: exit code $status"
[ ! -e x/model.safetensors ] || fail "a failed training left a model"

run sample nowhere.safetensors
expect 3 "nowhere.safetensors"
head -c 4096 /dev/zero >zero.safetensors
run sample zero.safetensors
expect 3 "zero.safetensors"
small
head -c 1000 small/model.safetensors >cut.safetensors
run sample cut.safetensors
expect 3 "cut.safetensors"
printf 'abc\nd\xe2\x82\xacf\n' >foreign.txt
run score small/model.safetensors foreign.txt
expect 3 "foreign.txt:2:2"
mkdir bare
for command in "sample bare" "predict bare names.txt" "trace bare names.txt" "export c bare -o x.c" "eval bare names.txt"; do
  run $command
  expect 3 "bare: error: the folder has no model.safetensors, so it is none that a training has finished in"
done
run train --resume nowhere
expect 3 "nowhere"
# Weights that training cannot move are named.
printf '%s\n' 'data token : chars lines' 'hidden = 8' 'h = gru(embed(token[t-1], 8), 8)' 'g = tanh(A h + ba)' \
  'token ~ softmax(W (h * step(G h + bg)) + b)' >idle.net
run train ./idle.net names.txt -o idle --steps 1
expect 0 "'A' stays as it starts: no prediction depends on it" "'G' stays as it starts: its gradient is always 0, as behind step()"
finish
