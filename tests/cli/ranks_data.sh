# ranks_data.sh - data that only rank 0 has, and a rank that hangs, left out where there is no MPI; threads that stay where they are (--pin).
. "$SOURCE/tests/cli/common.sh"
. "$SOURCE/tests/cli/sixnets.sh"

# Each thread has one processor, and another one where there are two.
"$UNROLL" train $(six lines) --steps 1000000 --patience 0 --threads 2 --pin -o pinned >/dev/null 2>&1 &
pid=$!
allowed=
for i in $(seq 300); do
  allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/$pid/task/*/status 2>/dev/null)
  [ "$(echo "$allowed" | wc -l)" = 2 ] && ! echo "$allowed" | grep -q '[-,]' && break
  sleep 0.1
done
kill -INT $pid
wait $pid
[ "$(echo "$allowed" | wc -l)" = 2 ] || fail "not two threads: $allowed"
! echo "$allowed" | grep -q '[-,]' || fail "--pin: a thread has several processors: $allowed"
[ "$(nproc)" = 1 ] || [ "$(echo "$allowed" | sort -u | wc -l)" = 2 ] || fail "--pin: both threads have one processor: $allowed"

if ! command -v mpirun >/dev/null || [ ! -f "$BUILD/libunroll_mpi.so" ] || [ -n "${SANITIZE:-}" ]; then
  echo "note: no MPI, or a sanitizer: ranks are left out"
  finish
fi
. "$SOURCE/tests/cli/mpirun.sh"

# first ARGUMENTS...: two ranks, of which the second has none of the files
mkdir nothing
first() {
  command_line="mpirun, rank 1 elsewhere: unroll $*"
  timeout 120 $mpirun $root -n 1 "$UNROLL" "$@" --threads 1 : -wdir "$PWD/nothing" -n 1 "$UNROLL" "$@" --threads 1 <"${input:-/dev/null}" >out 2>err
  status=$?
}
for net in lines pictures attention; do
  run train $(six $net) --threads 1 -o $net.one
  expect 0
  first train $(six $net | sed "s,image.net,$PWD/image.net,") --data-from-rank-0 -o $net.two
  expect 0
  same $net.one/model.safetensors $net.two/model.safetensors "data from rank 0"
done
first train $(six lines) -o missing
[ $status != 0 ] || fail "rank 1 has no data: no error"
grep -q "rank 1: .*cannot open" err && grep -q "names.txt" err || { fail "rank 1 has no data: not said"; sed 's/^/    /' err; }
model=$PWD/lines.one/model.safetensors
run eval "$model" names.txt --json --threads 1
expect 0
cp out one
first eval "$model" names.txt --json --data-from-rank-0
expect 0
same one out "eval of data from rank 0"
input=names.txt
first eval "$model" - --json
expect 0
same one out "eval of standard input"
input=
first eval "$model" nowhere.txt --data-from-rank-0
expect 3 "nowhere.txt"
[ "$(grep -c "cannot open" err)" = 1 ] || fail "said more than once"

run eval attention.one pairs.csv --decode --references target --json --threads 1
expect 0
cp out one
first eval "$PWD/attention.one" pairs.csv --decode --references target --json --data-from-rank-0
expect 0
same one out "further true texts of rank 0"

# A cell of two recordings, and one whose file has the sign between them in its name. Features may be kept elsewhere on each rank.
. "$SOURCE/tests/cli/tone.sh"
for i in 1 2 3 4; do
  tone low$i.wav 8000 $((300 + 20 * i)) 800
  tone "low$i.wav + high.wav" 8000 $((1500 + 50 * i)) 900
done
tone high.wav 8000 1700 1000
cat >pitch.net <<'END'
data sound : audio(8000, mel = 20) level
data pitch : category
pitch ~ softmax(W max(gru(sound, 8)) + b)
END
printf 'sound\tpitch\nlow1.wav\tlow\nlow1.wav + high.wav\thigh\nhigh.wav + low2.wav\tboth\nlow2.wav\tlow\n' >pitch.tsv
pitch="pitch.tsv --steps 4 --batch 4 --seed 2 --quiet"
run train pitch.net $pitch --threads 1 -o pitch.one
expect 0
first train "$PWD/pitch.net" $pitch --data-from-rank-0 --cache kept -o pitch.two
expect 0
same pitch.one/model.safetensors pitch.two/model.safetensors "recordings of rank 0"
two "train pitch.net $pitch --cache kept -o pitch.kept" "train pitch.net $pitch --cache kept.1 -o pitch.kept"
expect 0
same pitch.one/model.safetensors pitch.kept/model.safetensors "two caches"
two "eval pitch.kept pitch.tsv --cache kept" "eval pitch.kept pitch.tsv --cache kept.1"
expect 0

# A rank that hangs.
UNROLL_SILENT_SECONDS=6 lost STOP hangs $(six stream)
grep -q "rank 1 has been silent for 6 seconds" err || { fail "a rank that hangs: not said"; sed 's/^/    /' err; }
finish
