# output.sh - where the output goes: broken pipes, full disks, terminals and colours, locales.
. "$SOURCE/tests/cli/common.sh"

small
m=small/model.safetensors

# A full disk is an exit code and a message, for every command that prints.
if [ -w /dev/full ]; then
  for arguments in "help" "list" "show lstm" "explain gru" "sample $m -n 3" "score $m names.txt" "eval $m names.txt" "train --help"; do
    # shellcheck disable=SC2086
    "$UNROLL" $arguments >/dev/full 2>err </dev/null
    status=$?
    [ "$status" = 1 ] || fail "unroll $arguments >/dev/full: exit code $status"
    grep -q "standard output" err || fail "unroll $arguments >/dev/full: no message"
  done
fi
# So is a file that may not be so large.
command_line="ulimit -f 8; unroll train"
(ulimit -f 8; exec "$UNROLL" train names names.txt -o limited --steps 2 --set hidden=64 --quiet >out 2>err)
status=$?
expect 1 "File too large"
[ -z "$(find limited -name '.*.tmp-*')" ] || fail "a temporary file was left"
# A pipe that nobody reads any more ends a command quietly, by the signal, whatever the caller made of it.
{ "$UNROLL" sample $m -n 200000 2>err; echo $? >code; } | head -n 1 >/dev/null
[ "$(cat code)" = 141 ] || fail "a broken pipe: exit code $(cat code)"
[ ! -s err ] || fail "a broken pipe: a message"
{ (trap "" PIPE; "$UNROLL" sample $m -n 200000 2>err); echo $? >code; } | head -n 1 >/dev/null
[ "$(cat code)" = 141 ] || fail "a broken pipe, ignored by the shell: exit code $(cat code)"
# A training whose progress nobody reads any more goes on.
"$UNROLL" train names names.txt -o piped --steps 20 --set hidden=8 2>&1 | true
sleep 0.1
[ -s piped/model.safetensors ] || fail "a training ends with its pipe"
# A folder stands for the model in it.
run sample small -n 3
expect 0
cp out one
run sample $m -n 3
same one out "sample of a folder"
run eval small/ names.txt
expect 0 "bits per symbol"
run explain small
expect 0 "Parameters"
# A hang-up of the terminal is an interrupt: the checkpoint is written.
"$UNROLL" train names names.txt -o hung --steps 1000000 --patience 0 --quiet 2>err &
training=$!
while [ ! -s hung/checkpoint.safetensors ]; do sleep 0.05; done
sleep 0.3
kill -HUP $training
wait $training
status=$?
[ $status = 130 ] || fail "SIGHUP: exit code $status"
grep -q "the checkpoint is written" err || fail "SIGHUP: no message"
# A folder that cannot be written to.
: >file
run train names names.txt -o file/x --steps 1 --quiet
[ "$status" = 1 ] || [ "$status" = 3 ] || fail "a folder below a file: exit code $status"

# Elsewhere than on a terminal: no escape sequences, no carriage returns.
run train names names.txt -o x --steps 20 --set hidden=8
expect 0
! grep -q "$(printf '[\033\r]')" err || fail "control characters in a file"
[ ! -s out ] || fail "train writes to standard output without --json"

# On a terminal: colours, unless NO_COLOR says no, and a line that is redrawn.
if command -v script >/dev/null 2>&1; then
  terminal() { script -qec "$1" /dev/null </dev/null >seen 2>&1; }
  export TERM=xterm
  terminal "'$UNROLL' show lsmt"
  grep -q "$(printf '\033\\[1;31merror:')" seen || fail "no colour on a terminal"
  terminal "NO_COLOR=1 '$UNROLL' show lsmt"
  grep -q "unroll: error: there is no built-in" seen || fail "NO_COLOR: no message"
  ! grep -q "$(printf '\033\\[1')" seen || fail "NO_COLOR: colour all the same"
  terminal "TERM=dumb '$UNROLL' show lsmt"
  ! grep -q "$(printf '\033')" seen || fail "escape sequences on a dumb terminal"
  terminal "'$UNROLL' train names names.txt -o y --epochs 60 --set hidden=64"
  grep -q "$(printf '\r\033\\[K')epoch" seen || fail "no redrawn line on a terminal"
  grep -q "left" seen || fail "no remaining time on a terminal"
  terminal "stty cols 40; '$UNROLL' train names names.txt -o y --epochs 60 --set hidden=64"
  tr '\r' '\n' <seen | sed 's/\x1b\[K//' >lines
  grep -q "^epoch [0-9]*, step" lines || fail "no progress on a narrow terminal"
  awk '/^epoch .* of / && length($0) > 39 { bad = 1 } END { exit bad }' lines || fail "progress is wider than the terminal"
  terminal "stty cols 50; '$UNROLL' train --help"
  awk '/^ *(--|usage)/ || /^ {30}/ { sub(/\r$/, ""); if (length($0) > 50) bad = 1 } END { exit bad }' seen || fail "help is wider than the terminal"
fi

# Numbers do not depend on the locale.
# A library below the HTTP library opens a locale when it is loaded, in which the C library loses the parts of LOCPATH.
export LOCPATH=$work/locales
echo 'leak:argz_add_sep' >lost
export LSAN_OPTIONS=suppressions=$work/lost:print_suppressions=0
mkdir -p "$LOCPATH"
if localedef -f UTF-8 -i de_DE "$LOCPATH/de_DE.UTF-8" >/dev/null 2>&1; then
  run eval $m names.txt
  cp out plain
  LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 "$UNROLL" eval $m names.txt >german 2>&1
  same plain german "another locale"
  LC_ALL=de_DE.UTF-8 "$UNROLL" train names names.txt -o z --steps 2 --lr 0.01 --json --quiet >german 2>err || fail "de_DE: $(cat err)"
  ! grep -q '[0-9],[0-9]' german || fail "a decimal comma in JSON"
fi
finish
