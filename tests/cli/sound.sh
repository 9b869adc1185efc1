# sound.sh - recordings named in a table: features that the data line asks for, parts of files, other rates, texts by ctc; what is wrong
# with a file is told with its row.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/tone.sh"

mkdir tones
printf 'sound\tpitch\n' >tones/train.tsv
for i in 1 2 3 4 5 6 7 8; do
  tone "tones/low $i.wav" 8000 $((300 + 20 * i)) $((800 + 100 * i))
  tone "tones/high $i.wav" 8000 $((1500 + 50 * i)) $((800 + 100 * i))
  printf 'low %d.wav\tlow\nhigh %d.wav\thigh\n' $i $i >>tones/train.tsv
done
cat >pitch.net <<'END'
data sound : audio(8000, mel = 20) level
data pitch : category
pitch ~ softmax(W last(gru(sound, 8)) + b)
END
run train pitch.net tones/train.tsv -o pitch --epochs 20 --lr 0.02 --quiet --valid 0
expect 0
run eval pitch/model.safetensors tones/train.tsv
expect 0 "accuracy 100.00 %"
# a part of a file, and names relative to the table
printf 'sound\nlow 1.wav#0.02-0.08\nhigh 3.wav#0-.05\n' >tones/parts.tsv
run predict pitch/model.safetensors tones/parts.tsv
expect 0 "low	" "high	"
[ "$(cut -f 1 out | tr '\n' ' ')" = "low high " ] || fail "parts of files"
# the same features on any number of threads, and from the file's name or its whole range
printf 'sound\nlow 1.wav\n' >tones/whole.tsv
printf 'sound\nlow 1.wav#0-0.1125\n' >tones/range.tsv
run predict pitch/model.safetensors tones/whole.tsv
cp out whole.out
run predict pitch/model.safetensors tones/range.tsv --threads 2
same whole.out out "the whole range is the file"
# another rate
tone tones/fast.wav 16000 440 3200
printf 'sound\nfast.wav\n' >tones/fast.tsv
run predict pitch/model.safetensors tones/fast.tsv
if [ "$status" = 0 ]; then expect 0 "low	"; else expect 3 "built without libsamplerate"; fi

# bad files
bad() { # bad CELL MESSAGE
  printf 'sound\nlow 1.wav\n%s\n' "$1" >tones/bad.tsv
  run predict pitch/model.safetensors tones/bad.tsv
  expect 3 "bad.tsv:3:1: error: row 3, column 'sound': $2"
}
printf 'this is text\n' >tones/text.wav
head -c 500 "tones/low 1.wav" >tones/cut.wav
: >tones/empty.wav
printf '\377\330\377\340\0\20JFIF' >tones/picture.wav
mkfifo tones/pipe.wav
bad none.wav "'none.wav': cannot open: No such file or directory"
bad text.wav "'text.wav': this is no recording: it is text"
bad cut.wav "'cut.wav': the recording is cut off: 456 of 900 bytes are there"
bad empty.wav "'empty.wav': the file is empty"
bad picture.wav "'picture.wav': this is no recording: it is a JPEG picture"
bad pipe.wav "'pipe.wav': "
bad 'low 1.wav#0-2' "'low 1.wav#0-2': the part 0-2 ends beyond the recording, which has 0.1125 seconds"
bad ' ' "empty: a recording is missing"
printf 'sound\nlow 1.wav\ncut.wav\nhigh 1.wav\n' >tones/bad.tsv
run predict pitch/model.safetensors tones/bad.tsv --skip-bad
expect 0 "bad.tsv:3: left out: row 3, column 'sound': 'cut.wav'" "low	" "high	"
# bad data lines
sed 's/mel = 20/mel = 300/' pitch.net >bad.net
run train bad.net tones/train.tsv -o no
expect 3 "'sound': mel = 300: band 1 is narrower than the spectrum of a window of 25 ms tells apart"
sed 's/level/level even/' pitch.net >bad.net
run train bad.net tones/train.tsv -o no
expect 3 "'level' and 'even' do not go together"

# samples: the next one from those before
cat >samples.net <<'END'
data sound : audio(1000) raw
sound ~ gaussian(mean = W gru([sound[t-1], sound[t-2]], 4) + b, scale = 0.1)
END
tone tones/slow.wav 1000 50 600
printf 'sound\nslow.wav#0-0.2\nslow.wav#0.2-0.4\nslow.wav#0.4-0.6\n' >tones/slow.tsv
run train samples.net tones/slow.tsv -o samples --epochs 3 --quiet --valid 0
expect 0
run eval samples/model.safetensors tones/slow.tsv
expect 0 "600 predictions"

# texts from sound: the built-in net
printf 'sound\ttext\n' >tones/texts.tsv
for i in 1 2 3 4; do printf 'low %d.wav\ta\nhigh %d.wav\tb\n' $i $i >>tones/texts.tsv; done
run train speech tones/texts.tsv -o speech --set hidden=8 --set drop=0 --epochs 60 --lr 0.02 --quiet --valid 0
if [ "$status" = 0 ]; then
  run eval speech/model.safetensors tones/texts.tsv
  expect 0
  run predict speech/model.safetensors tones/parts.tsv
  expect 0
  [ "$(tr '\n' ' ' <out)" = "a b " ] || fail "texts: $(cat out)"
  run predict speech/model.safetensors tones/parts.tsv --times --beam 4
  expect 0
  awk -F'\t' '$2 !~ /^0\.0[0-9]0$/ { bad = 1 } END { exit bad || NR != 2 }' out || fail "times: $(cat out)"
  run predict speech/model.safetensors tones/parts.tsv --times --json
  expect 0 '"times": [0.0'
else
  expect 3 "built without libsamplerate"
fi

# a recording that still goes on: raw samples, or a WAV file, by a net in one direction; the same text as of the whole file
say() { # say FILE HERTZ...: a tone of 0.1 s each and a pause, 16 bits
  local file=$1
  shift
  LC_ALL=C awk -v list="$*" 'function le(x, k) { if (x < 0) x += 65536; while (k-- > 0) { printf "%c", x % 256; x = int(x / 256) } }
    BEGIN { n = split(list, hertz, " "); all = n * 1200
      printf "RIFF"; le(36 + 2 * all, 4); printf "WAVEfmt "; le(16, 4); le(1, 2); le(1, 2); le(8000, 4); le(16000, 4); le(2, 2); le(16, 2)
      printf "data"; le(2 * all, 4)
      for (k = 1; k <= n; k++) for (i = 0; i < 1200; i++) le(i < 800 ? int(9000 * sin(6.2831853 * hertz[k] * i / 8000)) : i % 7 - 3, 2) }' >"$file"
}
printf 'sound\ttext\n' >tones/said.tsv
for i in 1 2 3 4 5 6 7 8; do
  say "tones/ab$i.wav" $((300 + 10 * i)) $((1500 + 20 * i))
  say "tones/ba$i.wav" $((1500 + 20 * i)) $((300 + 10 * i)) $((350 + 10 * i))
  printf 'ab%d.wav\tab\nba%d.wav\tbaa\n' $i $i >>tones/said.tsv
done
cat >forward.net <<'END'
data sound : audio(8000, mel = 12, stack = 2)
data text : chars
text ~ ctc(W gru([0.1 * sound, 0.1 * sound[t-1]], 16) + b)
END
run train forward.net tones/said.tsv -o forward --epochs 60 --lr 0.02 --quiet --valid 0 --seed 3
expect 0
printf 'sound\nab3.wav\nba5.wav\n' >tones/two.tsv
run predict forward/model.safetensors tones/two.tsv
expect 0
cp out whole.out
[ "$(tr '\n' ' ' <whole.out)" = "ab baa " ] || fail "a net in one direction: $(cat whole.out)"
for f in ab3 ba5; do
  cp "tones/$f.wav" in
  run predict forward/model.safetensors -
  expect 0
  cat out >>stream.out
  tail -c +45 "tones/$f.wav" >pipe.raw
  (head -c 501 pipe.raw; sleep 0.2; tail -c +502 pipe.raw) | "$UNROLL" predict forward/model.safetensors - >raw.out || fail "raw samples"
  same raw.out out "raw samples and a WAV file"
done
same stream.out whole.out "a recording that goes on, and the whole"
# a table on standard input is still one
(cd tones && "$UNROLL" predict ../forward/model.safetensors - <two.tsv) >table.out
same table.out whole.out "a table on standard input"
cp tones/ab3.wav in
run predict forward/model.safetensors - --beam 4
expect 2 "--beam needs the whole recording"
cp "tones/low 1.wav" in
run predict forward/model.safetensors -
expect 3 "these are of 8 bits, 1 channel and 8000 a second"
head -c 40 tones/ab3.wav >in
run predict forward/model.safetensors -
expect 3 "the head of this WAV file is cut off"
sed 's/stack = 2)/stack = 2) even/' forward.net >even.net
run train even.net tones/said.tsv -o even --epochs 1 --quiet --valid 0
expect 0
cp tones/ab3.wav in
run predict even/model.safetensors -
expect 2 "'even' scales by all of a recording"
sed 's/16) + b/16, backward) + b/' forward.net >backward.net
run train backward.net tones/said.tsv -o backward --epochs 1 --quiet --valid 0
expect 0
run predict backward/model.safetensors -
expect 2 "nets in one direction"
finish
