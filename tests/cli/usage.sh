# usage.sh - what makes no sense is exit code 2, with a message that says what would. A row a case: arguments | text of the message.
. "$SOURCE/tests/cli/common.sh"

while IFS='|' read -r arguments message; do
  [ -n "$arguments" ] || continue
  eval "run $arguments"
  expect 2 "$message"
  [ ! -s out ] || fail "$command_line: something on standard output"
done <<'ROWS'
trian names x -o y|unknown command 'trian'; did you mean 'train'?
frobnicate|unknown command 'frobnicate'; 'unroll help' lists all
help trian|did you mean 'train'?
train|which net? 'unroll list' shows those inside the program
train names|on which data?
train names x|where to? Give a folder with -o DIR
check x y|has no use for the argument 'y'
train names x -o|option '-o' needs a value
train names x --output|option '--output' needs a value
train names x -o y --batch 0|--batch takes a whole number from 1 to 1048576, not '0'
train names x -o y --batch -3|--batch takes a whole number from 1 to 1048576, not '-3'
train names x -o y --batch 3x|not '3x'
train names x -o y --batch 1e3|not '1e3'
train names x -o y --batch ''|not ''
train names x -o y --epochs 99999999999999999999999|--epochs takes a whole number of at least 1
train names x -o y --lr 0|--lr takes a number above 0, not '0'
train names x -o y --lr -1|not '-1'
train names x -o y --lr inf|not 'inf'
train names x -o y --lr nan|not 'nan'
train names x -o y --lr 0,01|not '0,01'
train names x -o y --lr 0.01f|not '0.01f'
train names x -o y --lr 0x10|not '0x10'
train names x -o y --lr 1e999|not '1e999'
train names x -o y --min-lr -1|--min-lr takes a number of at least 0, not '-1'
train names x -o y --lr 0.01 --min-lr 0.02|--min-lr is above the learning rate: 0.02 and 0.01
train names x -o y --transpose 49|--transpose takes a whole number from 0 to 48, not '49'
train names x -o y --stretch 2|--stretch takes a number from 0 to 1, not '2'
train names x -o y --crop -1|--crop takes a whole number from 0 to 1048576, not '-1'
eval x y --crop 0|--crop takes a whole number from 1 to 1048576, not '0'
train names x -o y --weight-decay -2|--weight-decay takes a number of at least 0, not '-2'
train names x -o y --momentum 1|--momentum takes a number from 0 to 0.9999, not '1'
train names x -o y --optimizer adm|--optimizer takes one of adam|adamw|rmsprop|sgd, not 'adm'; did you mean 'adam'?
train names x -o y --valid 1.5|--valid takes a share from 0 to below 1, or a file, not '1.5'
train names x -o y --memory 5MB|--memory takes a size, as in 500M, 2G or a number of bytes, not '5MB'
train names x -o y --learning-rate 0.1|unknown option '--learning-rate'; did you mean '--lr'?
train names x -o y --batch-size=8|unknown option '--batch-size'; did you mean '--batch'?
train names x -o y --hidden 5|unknown option '--hidden'; it is a setting of the net: --set hidden=5
train names x -o y --hidden=5|it is a setting of the net: --set hidden=5
train names x -o y --hidden|it is a setting of the net: --set hidden=VALUE
sample m --hidden 5|unknown option '--hidden'
train names x -o y --precision fp8|--precision takes one of fp32|bf16, not 'fp8'
train names x -o y --optimzer adam|unknown option '--optimzer'; did you mean '--optimizer'?
train names x -o y --c 3|'--c' may mean several options
train names x -o y -z|unknown option '-z'
train names x -o y --quiet=3|--quiet takes no value
train names x -o y --set hidden|a setting is NAME=VALUE, as in hidden=512, not 'hidden'
train names x -o y --set =3|a setting is NAME=VALUE
train names x -o y --set hidden=|the value of the setting 'hidden' is neither a number nor a word
train names x -o y --set hidden=12x|neither a number nor a word
train names x -o y --set h..s=3|a setting is NAME=VALUE
train names x -o y --set h.=3|a setting is NAME=VALUE
train names x -o y --ramp hidden|--ramp takes NAME=FROM:TO or NAME=FROM:TO@SHARE
train names x -o y --decimal .,|--decimal takes one of .|,, not '.,'
train names x -o y --dates american|--dates takes one of iso|day-first|month-first, not 'american'
train names x -o y --max-memory much|--max-memory takes
train --resume x --separator tab|--separator cannot be given with --resume
train --resume x -o y|--output cannot be given with --resume
train --resume x --ramp s=1:2|--ramp cannot be given with --resume
train --resume x --lr 0.1|--lr cannot be given with --resume
train --resume x --min-lr 0.1|--min-lr cannot be given with --resume
train --resume x --transpose 2|--transpose cannot be given with --resume
train --resume x --stretch 0.1|--stretch cannot be given with --resume
train --resume x --crop 2|--crop cannot be given with --resume
train --resume x --set hidden=3|--set cannot be given with --resume
train --resume x a b|--resume takes at most the data
sample|'unroll sample' needs arguments: MODEL
sample a b|has no use for the argument 'b'
sample m -n 0|--number takes a whole number from 1 to 1e+09, not '0'
sample m --temperature -1|--temperature takes a number from 0 to 100, not '-1'
predict m x --horizon 0|--horizon takes a whole number from 1 to 1048576, not '0'
score m|'unroll score' needs more arguments: MODEL DATA
check|give a net, a cell, or --all
check gru --all|give a net, a cell, or --all
check --all --dump x|--dump writes one run
show|'unroll show' needs arguments: NAME
show lsmt|there is no built-in cell or net 'lsmt'; did you mean 'lstm'?
show zzzzzzz|'unroll list' shows all
bench --seconds 0|--seconds takes a number from 0.05 to 3600, not '0'
bench gru|'gru' is a cell
list x|has no use for the argument 'x'
ROWS

run train --help --lr
expect 2
run train names x -o y --lr bad
expect 2 "'unroll train --help' explains the command."
finish
