# listen.sh - /v1/listen: a recording that goes on, piece by piece: the text of the whole, sessions of several, and what is refused.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/served.sh"
command -v curl >/dev/null && command -v python3 >/dev/null || { echo "skipped: no curl or no python3"; finish; }

# Tones of two heights; the text names them.
python3 - <<'P'
import math, struct, wave
def write(name, pitches):
    w = wave.open(name + ".wav", "w")
    w.setparams((1, 2, 8000, 0, "NONE", ""))
    for pitch in pitches:
        w.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * pitch * i / 8000) * math.sin(math.pi * i / 1600))) for i in range(1600)))
rows = ["sound,text"]
for i, tones in enumerate(("l", "h", "lh", "hl", "lhl", "hlh")):
    write("t%d" % i, [{"l": 250, "h": 1500}[c] for c in tones])
    rows.append("t%d.wav,%s" % (i, tones))
open("tones.csv", "w").write("\n".join(rows) + "\n")
write("long", [250, 1500, 250, 1500, 1500])
open("long.csv", "w").write("sound\nlong.wav\n")
P
printf 'data sound : audio(8000, mel = 8)\ndata text : chars\nh = gru(sound, 12)\ntext ~ ctc(W h + b)\n' >ear.net
run train ear.net tones.csv -o ear --steps 150 --lr 0.03 --valid 0 --quiet --threads 1 --seed 2
expect 0
sed 's/gru(sound, 12)/[gru(sound, 4), gru(sound, 4, backward)]/' ear.net >both.net
run train both.net tones.csv -o both --steps 1 --valid 0 --quiet --threads 1
expect 0
run predict ear long.csv
expect 0
wanted=$(cat out)
[ -n "$wanted" ] || fail "the model says nothing, so nothing is tested"

start ear both --time-limit 20
# send QUERY FILE: leaves the status in $code, the reply in body.
send() {
  code=$(curl -s -m 60 -o body -w '%{http_code}' "$base/v1/listen?$1" --data-binary "@$2" -H 'Content-Type: application/octet-stream')
}
member() { python3 -c 'import json, sys; print(json.load(open("body"))[sys.argv[1]], end="")' "$1"; }
is() { [ "$code" = "$1" ] && grep -qF -e "$2" body || fail "$3: $code $(head -c 300 body)"; }

# The file itself, as curl and browsers send forms.
form() { code=$(curl -s -m 60 -o body -w '%{http_code}' "$base/v1/predict" "$@"); }
form -F model=ear -F sound=@long.wav
is 200 '"value": "'"$wanted"'"' "a form"
form -F model=ear -F file=@long.wav -F beam=4
is 200 '"predictions"' "a part that is called file, and an option"
form -F model=ear -F "sound=@long.wav;filename=$(printf 'long%.0s' $(seq 100)).wav"
is 200 '"value": "'"$wanted"'"' "a file with a long name"
# raw HEAD: the file in a form whose part for it begins so.
raw() {
  { printf -- '--x\r\nContent-Disposition: form-data; name=model\r\n\r\near\r\n--x\r\nContent-Disposition: form-data; %s\r\n\r\n' "$1" && cat long.wav && printf '\r\n--x--\r\n'; } >raw
  form -H 'Content-Type: multipart/form-data; boundary=x' --data-binary @raw
}
raw 'name=sound; filename=long.wav'
is 200 '"value": "'"$wanted"'"' "names without quotation marks"
raw "filename*=UTF-8''l%C3%B6ng.wav; name=sound"
is 200 '"value": "'"$wanted"'"' "the name of a file in percents"
raw 'name="sound; filename=long.wav'
is 400 "no form" "a name without an end"
raw 'filename=long.wav; name='
is 400 "no form" "an empty name"
form -F model=ear -F sound=/etc/passwd
is 400 "names of files are not read" "a name in a form"
form -F model=ear -F sound=@tones.csv
is 400 '"error"' "a form with a file that is no sound"
form -F model=ear -F sound=@long.wav -F threads=9
is 400 '"error"' "a part that is nothing"
form -F model=ear -F sound=@long.wav -F beam=1000
is 400 "at most 64" "an option that is too large"
form -F model=nothing -F sound=@long.wav
is 404 "there is no model" "a model that there is not"
form -H 'Content-Type: multipart/form-data; boundary=x' --data-binary $'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\near\r\n--x'
is 400 "no form" "a form that is cut off"

# In pieces of odd sizes, two recordings side by side: each text is that of the whole.
split -b 2777 long.wav piece.
first='' second='' heard='' again=''
n=$(ls piece.* | wc -l)
i=0
for piece in piece.*; do
  i=$((i + 1))
  last=$([ $i = "$n" ] && echo 1 || echo 0)
  send "model=ear&last=$last${first:+&session=$first}" "$piece"
  is 200 '"ended": '"$([ "$last" = 1 ] && echo true || echo false)" "piece $i"
  first=$(member session)
  heard=$heard$(member text)
  send "model=ear&last=$last${second:+&session=$second}" "$piece"
  second=$(member session)
  again=$again$(member text)
done
[ "$first" != "$second" ] || fail "two recordings have one name"
[ "$heard" = "$wanted" ] || fail "heard '$heard' in pieces, '$wanted' in the whole"
[ "$again" = "$wanted" ] || fail "heard '$again' beside another, '$wanted' alone"
send "model=ear&session=$first" piece.aa
is 404 "no such session" "a session that has ended"
send "model=ear&session=$(printf 'a%.0s' $(seq 400))" piece.aa
is 404 "no such session" "a name that nobody gave"
send "model=both" piece.aa
is 400 "in one direction" "a net in two directions"
send "model=ear&last=maybe" piece.aa
is 400 "'last' is 0 or 1" "last"
head -c 44 long.wav | sed 's/RIFF/RIFX/' >bad.wav
printf 'RIFF\044\0\0\0WAVEfmt \020\0\0\0\1\0\2\0\100\037\0\0\200\076\0\0\4\0\020\0data\0\0\0\0' >two.wav
send "model=ear" two.wav
is 400 "channel" "two channels"
# Never more than there is room for; those that nobody asks make room.
for i in $(seq 70); do
  send "model=ear" /dev/null
  [ "$code" = 200 ] || break
done
is 503 "try again later" "too many"
[ "$i" = 65 ] || fail "$((i - 1)) recordings at a time"
curl -s -m 20 "$base/v1/models" >body
code=200
is 200 '"listens": true' "what models say"
stop
start ear --time-limit 1
send "model=ear" piece.aa
first=$(member session)
sleep 1.3
send "model=ear&session=$first" piece.ab
is 404 "because nobody asked" "a session that nobody asked"
stop
finish
