# help.sh - help texts, version, lists, completion.
. "$SOURCE/tests/cli/common.sh"

commands="train sample score eval predict explain check run bench task list show"
run
expect 2 "usage: unroll COMMAND"
run help
expect 0 $commands completion
run --help
expect 0 $commands
run -h
expect 0 "Exit codes: 0 done, 1 failed, 2 usage, 3 bad input file, 130 interrupted."
run --version
expect 0 "unroll 0."
for c in $commands; do
  run "$c" --help
  expect 0 "usage: unroll $c" "--help"
  [ ! -s err ] || fail "$c --help writes to standard error"
  ! grep -q '(null)' out || fail "$c --help has a heading without a name"
  awk 'length($0) > 160 { exit 1 }' out || fail "$c --help has overlong lines"
  cp out one
  run help "$c"
  expect 0
  same one out "help $c"
done
run help completion
expect 0 "usage: unroll completion bash"
run predict --help
expect 0 "Texts that are generated:" "Series with dates:"
run train --help
expect 0 "-o, --output DIR" "--optimizer adam|adamw|rmsprop|sgd" "--resume DIR" "--clip-norm X" "--patience N"

run list
expect 0 "language" "names" "lstm" "gru" "rnn" "Gated recurrent unit"
run list --json
expect 0 '"nets"' '"cells"'
for cell in "$SOURCE"/cells/*.cell; do
  name=$(basename "$cell" .cell)
  run show "$name"
  expect 0
  tail -n +2 out | cmp -s - "$cell" || fail "show $name does not print the file"
done

run completion bash
expect 0 "complete -o filenames -F _unroll unroll"
complete_line() { # complete_line WORDS...: what bash would offer for the last word
  bash -c '. ./out
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _unroll; printf "%s\n" "${COMPREPLY[@]}"' - "$@" >offered
}
bash -n out || fail "the completion is no bash"
complete_line unroll tr
grep -qx train offered || fail "completion of 'unroll tr'"
complete_line unroll comp
grep -qx completion offered || fail "completion of 'unroll comp'"
complete_line unroll train --opti
grep -qx -e --optimizer offered || fail "completion of 'unroll train --opti'"
complete_line unroll train --optimizer ada
[ "$(sort offered | tr '\n' ' ')" = "adam adamw " ] || fail "completion of 'unroll train --optimizer ada'"
complete_line unroll train lang
grep -qx language offered || fail "completion of 'unroll train lang'"
run completion fish
expect 2 "unroll completion bash"
finish
