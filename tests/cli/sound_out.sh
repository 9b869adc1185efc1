# sound_out.sh - nets that predict samples: a filter that is learned from a recording and what came out of it, sound that is generated,
# WAV files of both, and the error beside the signal.
. "$(dirname "$0")/common.sh"

# filtered FOLDER SEED: four pairs of noise and what y = 0.5 x + 0.25 x[t-1] + 0.3 y[t-1] makes of it; 16 bits
filtered() {
  mkdir "$1"
  printf 'x\ty\n' >"$1/pairs.tsv"
  for i in 1 2 3 4; do
    for what in x y; do
      LC_ALL=C awk -v seed=$(($2 + i)) -v what=$what 'function le(x, k) { while (k-- > 0) { printf "%c", x % 256; x = int(x / 256) } }
        BEGIN { n = 250; printf "RIFF"; le(36 + 2 * n, 4); printf "WAVEfmt "; le(16, 4); le(1, 2); le(1, 2); le(8000, 4); le(16000, 4); le(2, 2)
          le(16, 2); printf "data"; le(2 * n, 4)
          for (i = 0; i < n; i++) { seed = (seed * 16807) % 2147483647; x = seed / 2147483647 - 0.5
            y = 0.5 * x + 0.25 * before + 0.3 * y; before = x; s = int(32768 * (what == "x" ? x : y) + 32768.5) - 32768; le((s + 65536) % 65536, 2) } }' >"$1/$what$i.wav"
    done
    printf 'x%d.wav\ty%d.wav\n' $i $i >>"$1/pairs.tsv"
  done
}
filtered known 1000
filtered new 2000
cat >filter.net <<'END'
data x : audio(8000) raw
data y : audio(8000) raw
f = A x + B x[t-1] + C f[t-1]
width f = 1
init C = 0.1
y ~ gaussian(f, 0.05)
END
run train filter.net known/pairs.tsv -o filter --steps 500 --batch 4 --lr 0.02 --quiet --valid 0
expect 0
run eval filter new/pairs.tsv
expect 0 "y: error to signal "
run eval filter new/pairs.tsv --json
expect 0 '"error_to_signal": '
LC_ALL=C awk '{ if (match($0, /"error_to_signal": [0-9.e-]+/)) n = substr($0, RSTART + 19, RLENGTH - 19) } END { exit !(n + 0 > 0 && n + 0 < 0.001) }' out ||
  fail "the filter is not learned: $(cat out)"
# what it makes of new noise, as a file: what is read of it again is what was predicted
run predict filter new/pairs.tsv -o made.wav
expect 0
[ ! -s out ] || fail "with --output nothing is printed"
[ "$(wc -c <made.wav)" = 2044 ] || fail "four recordings of 250 samples of 16 bits: $(wc -c <made.wav)"
printf 'x\ty\n' >again.tsv
for i in 0 1 2 3; do
  printf 'new/x%d.wav\tmade.wav#%s-%s\n' $((i + 1)) "$(awk "BEGIN { print $i * 0.03125 }")" "$(awk "BEGIN { print ($i + 1) * 0.03125 }")" >>again.tsv
done
run eval filter again.tsv --json
LC_ALL=C awk '{ if (match($0, /"error_to_signal": [0-9.e-]+/)) n = substr($0, RSTART + 19, RLENGTH - 19) } END { exit !(n != "" && n + 0 < 1e-7) }' out ||
  fail "the file is not what was predicted: $(cat out)"

# generated from nothing
printf 'data y : audio(8000) raw\nh = gru(y[t-1], 4)\ny ~ gaussian(V h + c, 0.02)\ninit c = 0\nparam c\n' >noise.net
cut -f 2 known/pairs.tsv >known/alone.tsv
run train noise.net known/alone.tsv -o noise --steps 3 --quiet --valid 0
expect 0
run sample noise -n 2 --length 100 -o drawn.wav
expect 0
[ "$(wc -c <drawn.wav)" = 444 ] || fail "two recordings of 100 samples: $(wc -c <drawn.wav)"
cp drawn.wav once.wav
run sample noise -n 2 --length 100 -o drawn.wav
same once.wav drawn.wav "the same seed, the same sound"

# of features there is no recording
printf 'data x : audio(8000) raw level\ndata y : audio(8000) raw level\ny ~ gaussian(A x, 0.1)\n' >level.net
run train level.net known/pairs.tsv -o level --steps 1 --quiet --valid 0
expect 0
run predict level new/pairs.tsv -o level.wav
expect 2 "--output is for models of 'pen', 'notes' or 'audio' with 'raw', and this one predicts none of them"
[ ! -e level.wav ] || fail "a file of nothing"
finish
