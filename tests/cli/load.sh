# load.sh - eight clients ask everything at once for two seconds, some of them rudely; then the server ends well. With sanitizers it is
# this test that looks for races and for memory that is used wrongly.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/served.sh"
command -v python3 >/dev/null || { echo "skipped: no python3"; finish; }

small
printf 'pen\n"0;0;0 1;-3;0 0;-2;0 1;-4;1"\n"0;0;0 1;3;0 0;2;0 1;4;1"\n' >pens.csv
printf 'data pen : pen\nh = gru(pen[t-1], 6)\npen ~ mixture(2, W h + b)\n' >hand.net
run train hand.net pens.csv -o hand --standardise --steps 5 --quiet --valid 0
expect 0
start small hand --time-limit 100
timeout 300 python3 "$SOURCE/tests/cli/load.py" "$base" 2 >out 2>&1 || fail "$(cat out)"
cat out
stop
! grep -q Sanitizer log || fail "$(head -n 60 log)"
finish
