# report.sh - `unroll report`: pages of every kind of net. A page must be well-formed, must need no network, must hold nothing of the
# data that a browser takes for markup, and says why a part is left out.
. "$(dirname "$0")/common.sh"

# page NAME TEXT...: a page that has these texts.
page() {
  local file=$1 t
  shift
  [ -s "$file" ] || { fail "no $file"; return; }
  for t in "$@"; do
    grep -qF -e "$t" "$file" || fail "$file has no '$t'"
  done
  python3 - "$file" <<'PY' || fail "$file is not well-formed"
import sys
from html.parser import HTMLParser
void = {'meta', 'img', 'br', 'input', 'link', 'hr'}
class check(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.bad = [], set(), [], []
    def handle_startendtag(self, tag, attrs):
        self.look(tag, attrs)
    def handle_starttag(self, tag, attrs):
        self.look(tag, attrs)
        if tag not in void:
            self.open.append(tag)
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append('</%s> at %s' % (tag, self.getpos()))
    def look(self, tag, attrs):
        a = dict(attrs)
        if len(a) != len(attrs):
            self.bad.append('attribute twice: %s' % tag)
        if 'id' in a:
            if a['id'] in self.ids:
                self.bad.append('id twice: ' + a['id'])
            self.ids.add(a['id'])
        for name, value in attrs:
            if name.startswith('on') or 'javascript:' in (value or ''):
                self.bad.append('script in an attribute: %s' % name)
        if tag == 'a':
            self.links.append(a.get('href', ''))
        if tag in ('script', 'img') and 'src' in a and not a['src'].startswith('data:image/png;base64,'):
            self.bad.append('from elsewhere: ' + a['src'][:60])
        if tag in ('link', 'iframe', 'object', 'base', 'form'):
            self.bad.append(tag)
text = open(sys.argv[1], encoding='utf-8').read()
c = check()
c.feed(text)
c.close()
c.bad += ['open: ' + t for t in c.open]
c.bad += ['leads nowhere: ' + l for l in c.links if not l.startswith('#') or l[1:] not in c.ids]
import json, re
for data in re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S):
    d = json.loads(data)
    for s in d['states']:
        if len(s['units']) != s['width'] or len(s['most']) != s['width']:
            c.bad.append('units of ' + s['name'])
    if max(d['shown'] + d['guesses'] + [0]) >= len(d['symbols']):
        c.bad.append('a symbol without a name')
if c.bad: print('\n'.join(c.bad[:10]))
sys.exit(len(c.bad) > 0)
PY
}
python3 -c '' 2>/dev/null || { echo "skipped: no python3"; exit 0; }

# made NAME NET DATA OPTIONS...: a small model of a net.
made() {
  local name=$1 net=$2 data=$3
  shift 3
  run train "$net" "$data" -o "$name" --steps 3 --valid 0 --quiet --threads 1 "$@"
  expect 0
}

# --- a text, with what a browser would take for markup ---
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'He said "so & so" (</script><script>alert(1)</script>) <b>%s</b>\n' "$i"; done >lm.txt
made lm language lm.txt --set hidden=6 --set embedding=3 --set cell=lstm --batch 2
run report lm lm.txt -o lm.html
expect 0 'wrote lm.html'
page lm.html 'id="figures"' 'id="equations"' 'id="gradient"' 'id="training"' 'id="flow"' 'id="tokens"' 'href="#v-h.c"' 'id="v-h.i"' \
  'id="gates"' 'What it guessed' 'id="errors"' 'id="samples"' 'inside quotes' 'attention: the net has none' 'forecasts: ' \
  'data:image/png;base64,iVBOR' 'bits per symbol'
! grep -q '<script>alert' lm.html || fail "markup of the data is in the page"
[ "$(grep -c '<script' lm.html)" = 2 ] || fail "scripts: $(grep -c '<script' lm.html)"
run report lm lm.txt -o again.html --threads 2
expect 0
same lm.html again.html "the same page whatever the threads"
# Without data: what there is without it.
run report lm -o bare.html
expect 0
page bare.html 'id="equations"' 'id="training"' 'on made-up data' 'id="samples"' 'the report was asked for without data'

# --- labels, sentences, words that are not known; one step; nothing ---
printf 'text,label\n"good <i>&</i> fine",<yes>\nbad,no\n"so good",<yes>\n"so ""bad""",no\n' >label.csv
made label sentiment label.csv --set hidden=4 --set embedding=3
printf 'text,label\nunheard words,no\nbad,<yes>\n' >other.csv
run report label other.csv -o label.html
expect 0
page label.html 'Confusion of label' '&lt;yes&gt;' 'id="examples"' 'the model says' 'id="text"' 'support'
! grep -q '<yes>' label.html || fail "a label is markup"
# Names of other letters stay whole. Of many labels the first are shown, and all are counted.
awk 'BEGIN { print "x,größe,art"; for (i = 0; i < 140; i++) print i % 7 ",l" i % 70 "," i % 2 }' >many.csv
printf 'data x : number\ndata größe : category\ndata art : category\ngröße ~ softmax(W x + b)\nart ~ softmax(V x)\n' >many.net
made many many.net many.csv
run report many many.csv -o many.html
expect 0
page many.html 'The first 60 of 70.' '>größe<'
! grep -q '�' many.html || fail "a name is cut within a letter"
printf 'text,label\nso,no\n' >one.csv
run report label one.csv -o one.html
expect 0
page one.html 'id="examples"'
printf 'text,label\n' >none.csv
run report label none.csv -o none.html
[ "$status" != 0 ] || page none.html 'id="equations"'
rm -f kept.html
echo "as it was" >kept.html
run report label nothing.csv -o kept.html
expect 3 'nothing.csv'
[ "$(cat kept.html)" = "as it was" ] || fail "a page was written although the data cannot be read"
run report label other.csv -o no/such/folder.html
[ "$status" != 0 ] || fail "written into no folder"
run report label
expect 2 '--output'

# --- attention, and a net that generates ---
printf 'source,target\n"a b c",c b a\nb a,a b\nc,c\n"<b>&",b\n' >pairs.csv
made pairs translate pairs.csv --set hidden=4 --set embedding=3
run report pairs pairs.csv -o pairs.html
expect 0
page pairs.html 'id="attention"' 'class="attention"' 'a.weights' 'the model says'
# What only begins as the truth is not right: this model always says "aa".
printf 'x,text\n1,aa\n1,aa\n1,aa\n1,aa\n' >longer.csv
printf 'data x : number\ndata text : chars\ntext ~ softmax(W rnn(embed(text[t-1], 4), 8) + V x + b)\n' >longer.net
run train longer.net longer.csv -o longer --steps 150 --lr 0.05 --valid 0 --quiet --threads 1
expect 0
printf 'x,text\n1,a\n1,aa\n' >shorter.csv
run report longer shorter.csv -o longer.html
expect 0
[ "$(grep -o '<td class="text right">' longer.html | wc -l)" = 1 ] || fail "right: $(grep -c 'text right' longer.html)"

# --- numbers at each step; values that are not finite ---
printf 'x,y\n1 2 3 4,0.5\n2 3,1\n4 4 4 4 4 4,2\n' >numbers.csv
made numbers regress numbers.csv --set hidden=3
run report numbers numbers.csv -o numbers.html
expect 0
page numbers.html 'mse' '<figure class="chart">' 'id="v-h.f"'
printf 'data x : numbers\ndata y : numbers\nh = x * x * x * x * x * h[t-1] + x * x * x\ny ~ gaussian(mean = W h, scale = 1)\n' >far.net
printf 'x,y\n1 1,1 1\n' >far.csv
made far far.net far.csv
printf 'x,y\n1e12 1e12 1e12,1 1 1\n' >huge.csv
run report far huge.csv -o far.html
expect 0
page far.html 'id="equations"'

# --- series with dates ---
printf 'data y : number\ny ~ gaussian(mean = W rnn(y[t-1], 3) + b, scale = 1)\n' >series.net
awk 'BEGIN { print "day,y"; for (i = 1; i <= 28; i++) printf "2024-02-%02d,%d\n", i, i % 7 }' >series.csv
made series series.net series.csv --time day --horizon 2 --context 4
run report series series.csv -o series.html --season 7 --trained
expect 0
page series.html 'id="forecasts"' 'naive' 'class="band"' 'held back' '2024-0' 'a season ago'

printf 'data y : numbers(2)\ny ~ gaussian(mean = W rnn(y[t-1], 3) + b, scale = 1)\n' >two.net
awk 'BEGIN { print "day,y1,y2"; for (i = 1; i <= 28; i++) printf "2024-02-%02d,%d,%d\n", i, i % 7, i % 3 }' >two.csv
made two two.net two.csv --time day --horizon 2 --context 4
run report two two.csv -o two.html
expect 0
page two.html 'y, entry 1: the last steps, held back' 'y, entry 2: the last steps, held back'

# --- pictures, drawings, music ---
printf 'P2\n4 4\n9\n0 9 0 9\n9 0 9 0\n0 9 0 9\n9 0 9 0\n' >a.pgm
printf 'P2\n4 4\n9\n0 0 0 0\n9 9 9 9\n0 0 0 0\n9 9 9 9\n' >b.pgm
printf 'data picture : image(1, 4, 4)\ndata label : category\nlabel ~ softmax(W picture + b)\n' >image.net
printf 'picture,label\na.pgm,"<chess & co>"\nb.pgm,bars\n' >image.csv
made image image.net image.csv
run report image image.csv -o image.html
expect 0
page image.html '<img alt="picture" width="4" height="4"' '&lt;chess &amp; co&gt;' 'class="pictures' 'says: ' 'gradient flow: '
# Attention over a picture: the picture is there once an example, and below a shade for each word. Over a recording: its spectrum.
printf '%s\n' 'data picture : image(1, 4, 4) whole' 'data word : words' 'v = relu(conv(picture, 3, 3))' 'u = pool(v, 2)' 'width look = 3' \
  'look = blend(softmax(match(Q h[t-1], u)), u)' 'h = gru([embed(word[t-1], 3), look], 4)' 'word ~ softmax(W h + b)' >look.net
printf 'picture,word\na.pgm,light above\nb.pgm,light\n' >look.csv
made look look.net look.csv
run report look look.csv -o look.html
expect 0
page look.html 'id="attention"' 'look.weights' 'What is looked at is light' 'class="looks" style="--P:url(data:image/png;base64,' \
  'aspect-ratio:2/2' 'href="#v-look.weights"'
[ "$(grep -o '<div class="look">' look.html | wc -l)" = 5 ] || fail "a look for each word and each end: $(grep -c 'class="look"' look.html)"
python3 - <<'P'
import math, struct, wave
for i in range(2):
    w = wave.open("tone%d.wav" % i, "w")
    w.setparams((1, 2, 8000, 0, "NONE", ""))
    w.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(k * (i + 1) / 4))) for k in range(1600)))
P
printf '%s\n' 'data sound : audio(8000, mel = 8)' 'data text : chars' 's = gru(sound, 3)' 'h = gru(embed(text[t-1], 3), 3)' 'a = attend(h, s)' \
  'text ~ softmax(W h + V a + b)' >ear.net
printf 'sound,text\ntone0.wav,lo\ntone1.wav,hi\n' >ear.csv
made ear ear.net ear.csv
run report ear ear.csv -o ear.html
expect 0
page ear.html 'id="attention"' 'a.weights' 'Above what is heard or seen' '<div class="heard">' '<span>l</span><span>o</span>' 'where it looked'
printf '0,0,0 1,2,0 3,1,1\n1,1,0 2,0,1\n' >drawn.txt
printf 'pen\ndrawn.txt#0\ndrawn.txt#1\n' >pen.csv
made pen handwriting pen.csv --set hidden=4 --set layers=1
run report pen pen.csv -o pen.html
expect 0
page pen.html 'aria-label="drawing"' 'id="samples"'
# --- boxes in films: true ones beside those that the model says; without what is true only these ---
run task track --count 4
expect 0
cp out films.tsv
run train track films.tsv -o follow --steps 2 --quiet --valid 0 --threads 1
expect 0
run report follow films.tsv -o boxes.html
expect 0
page boxes.html 'id="boxes"' 'Example 3: 16 frames, mean IoU 0.' '<rect class="true" x="' '<rect class="said" x="' ': IoU 0.' 'image width="40" height="30"'
[ "$(grep -o 'class="said" x' boxes.html | wc -l)" = 48 ] || fail "not 16 frames of three films"
cut -f 1,2 films.tsv >unknown.tsv
run report follow unknown.tsv -o boxes.html
expect 0
page boxes.html 'id="boxes"' '<rect class="said" x="'
grep -q 'rect class="true"\|box true' boxes.html && fail "something is said to be true"
# --- attention over a film: its frames above the weights ---
cat >watch.net <<'end'
data film : video(1, 3, 3)
data word : words
a = attend(Q h[t-1], K film, film)
h = gru([embed(word[t-1], 3), a], 4)
word ~ softmax(W h + b)
hidden = 4
end
head -c 180 "$SOURCE/examples/places.txt" >frames.u8
printf 'film\tword\nframes.u8#0-4\ta b\nframes.u8#5-12\tb a b\n' >watch.tsv
run train watch.net watch.tsv -o watch --steps 2 --quiet --valid 0 --threads 1
expect 0
run report watch watch.tsv -o watch.html
expect 0
page watch.html 'id="attention"' 'Above what is heard or seen' '<div class="frames"><img alt="" src="data:image/png;base64,'
[ "$(grep -o '<div class="frames">' watch.html | wc -l)" = 2 ] || fail "not two films"

finish
