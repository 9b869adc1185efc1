# help.sh - help texts, version, lists, completion.
. "$SOURCE/tests/cli/common.sh"

commands="train search sample score eval predict log trace flow report explain export card compress expand import check run bench serve task list show completion man"
run
expect 2 "usage: unroll COMMAND"
run help
expect 0 $commands
run --help
expect 0 $commands
run -h
expect 0 "Exit codes: 0 done, 1 failed, 2 usage, 3 bad input file, 130 interrupted."
run --version
expect 0 "unroll 0."
grep -qE '^with(out)? [a-z0-9, ]+(; without [a-z0-9, ]+)?$' out || fail "--version does not say which parts there are"
for c in $commands; do
  run "$c" --help
  expect 0 "usage: unroll $c" "--help"
  [ ! -s err ] || fail "$c --help writes to standard error"
  ! grep -q '(null)' out || fail "$c --help has a heading without a name"
  awk 'length($0) > 80 { exit 1 }' out || fail "$c --help has lines of more than 80 columns"
  cp out one
  run help "$c"
  expect 0
  same one out "help $c"
done
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

# The other shells: what they make of it, where they are here; all commands and options in any case.
for shell in zsh fish; do
  run completion $shell
  expect 0 train sample "adam adamw rmsprop sgd" optimizer checkpoint-seconds language lstm
  ! command -v $shell >/dev/null || $shell -n out || fail "the completion is no $shell"
done
run completion tcsh
expect 2 "completion for bash, zsh and fish"

# Manual pages: groff and mandoc have no complaints, where they are here.
check_page() {
  ! command -v groff >/dev/null || groff -man -ww -Tutf8 -z out 2>complaints || fail "man $*: groff fails"
  ! command -v mandoc >/dev/null || mandoc -Tlint -W warning out >complaints || fail "man $*: mandoc complains"
  [ ! -s complaints ] || { fail "man $*"; head -n 5 complaints; }
  : >complaints
}
: >complaints
run man
expect 0 ".TH unroll 1" ".B train" "interrupted"
check_page
for c in $commands; do
  run man "$c"
  expect 0 ".TH unroll-$c 1" ".SH SYNOPSIS"
  check_page "$c"
done
run man nothing
expect 2 "there is no command 'nothing'"

# The page of options is what the rows say.
run man --markdown
expect 0
cmp -s out "$SOURCE/docs/options.md" || {
  diff out "$SOURCE/docs/options.md" | head -n 10
  fail "docs/options.md is not current: unroll man --markdown >docs/options.md"
}
finish
