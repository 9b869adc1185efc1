# common.sh - sourced by the tests of the program. $UNROLL is the program, $SOURCE the source folder; the test runs in a folder
# of its own, which is removed. A test calls `finish` at its end: the exit code is the verdict.
set -u
isa=${UNROLL_ISA:-} # golden.sh takes it
unset NO_COLOR UNROLL_ISA
export LC_ALL=C.UTF-8
[ -x "$UNROLL" ] || { echo "no program $UNROLL"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run ARGUMENTS...: runs the program; leaves $status, and the files out and err. Input comes from the file `in` where it exists.
run() {
  command_line="unroll $*"
  if [ -f in ]; then "$UNROLL" "$@" <in >out 2>err; else "$UNROLL" "$@" </dev/null >out 2>err; fi
  status=$?
}

# expect STATUS [TEXT...]: the exit code; each text must be in out or err.
expect() {
  local wanted=$1 t
  shift
  if [ "$status" != "$wanted" ]; then
    fail "$command_line: exit code $status instead of $wanted"
    sed 's/^/    /' err
  fi
  for t in "$@"; do
    grep -qF -e "$t" out err || { fail "$command_line: '$t' is not in the output"; sed 's/^/    /' out err | head -n 20; }
  done
}

# refuse TEXT...: must not be there.
refuse() {
  local t
  for t in "$@"; do
    ! grep -qF -e "$t" out err || fail "$command_line: '$t' should not be in the output"
  done
}

same() { cmp -s "$1" "$2" || fail "$1 and $2 differ ($3)"; }

# holds EXPRESSION: of awk, on numbers.
holds() { awk "BEGIN { exit !($1) }" || fail "$command_line: does not hold: $1"; }

# small: a quick model in small/model.safetensors, of lines.
small() {
  awk 'NR % 16 == 1' "$SOURCE/examples/places.txt" >names.txt
  run train names names.txt -o small --set hidden=24 --set embedding=8 --epochs 2 --quiet "$@"
  expect 0
}

finish() {
  [ "$failures" = 0 ] || echo "$failures failures"
  [ "$failures" = 0 ]
  exit
}
