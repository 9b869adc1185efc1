# task.sh - made-up data on standard output.
. "$SOURCE/tests/cli/common.sh"

for t in adding copy arithmetic xml track; do
  run task "$t" --count 20
  expect 0
  [ -s out ] || fail "task $t writes nothing"
  [ ! -s err ] || fail "task $t writes to standard error"
  cp out one
  run task "$t" --count 20 --seed 1
  same one out "task $t is not the same every time"
  run task "$t" --count 20 --seed 2
  ! cmp -s one out || fail "task $t has the same data with another seed"
  run task "$t" --count 21
  head -c "$(wc -c <one)" out | cmp -s - one || fail "task $t: more sequences do not begin with the same ones"
done

run task adding --count 3 --length 7
expect 0 "id,x1,x2,y"
[ "$(wc -l <out)" = 22 ] || fail "adding: a header and 3 x 7 rows"
run task copy --count 4 --length 30
expect 0
awk 'length($0) != 50 { exit 1 }' out || fail "copy: lines of 30 + 20 symbols"
run task track --count 5 --length 3
expect 0 "film	shown	box"
awk -F'\t' 'NR > 1 && (split($1, frame, " ") != 3 || split(frame[3], grey, ";") != 1200 || split($3, box, " ") != 3 || box[1] != $2) { exit 1 }' out ||
  fail "track: 3 frames of 30 x 40 greys, a box for each, of which the first is given"
run task arithmetic --count 3000
[ "$(fold -w1 out | sort -u | wc -l)" = 40 ] || fail "arithmetic has 40 symbols"
[ "$(tr -cd = <out | wc -c)" = 3000 ] || fail "arithmetic: an answer for each of 3000"

# A reader that stops early ends it.
"$UNROLL" task xml --count 100000000 2>err | head -c 1000 >out
[ "$(wc -c <out)" = 1000 ] || fail "task into a pipe that closes"

# Text tasks train as they are.
"$UNROLL" task copy --count 60 --length 5 | "$UNROLL" train names - -o copy --set hidden=8 --set embedding=4 --epochs 1 --quiet 2>err ||
  fail "task copy | train names: $(cat err)"
"$UNROLL" task xml --count 200 | "$UNROLL" train language - -o xml --set hidden=8 --set embedding=4 --steps 3 --quiet 2>err ||
  fail "task xml | train language: $(cat err)"

while IFS='|' read -r arguments message; do
  [ -n "$arguments" ] || continue
  eval "run $arguments"
  expect 2 "$message"
  [ ! -s out ] || fail "$command_line: something on standard output"
done <<'ROWS'
task|'unroll task' needs arguments
task addng|there is no task 'addng'; did you mean 'adding'?
task zzzzzz|there are adding, copy, arithmetic, xml and track
task adding copy|has no use for the argument 'copy'
task adding --length 1|--length of the task 'adding' is at least 2, not 1
task xml --length 5|the task 'xml' has no length to choose
task arithmetic --length 5|the task 'arithmetic' has no length to choose
task copy --count 0|--count takes a whole number
task copy --seed -1|--seed takes a whole number
task copy --lenght 3|did you mean '--length'?
ROWS
finish
