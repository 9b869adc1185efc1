# `unroll export c`: what is written compiles without a warning, and gives the numbers of the reference and of the program.
. "$SOURCE/tests/cli/common.sh"
strict="-Wall -Wextra -Wconversion -pedantic -Werror"
command -v "${CC:-cc}" >/dev/null || { echo "no compiler"; exit 0; }

# compiled MODEL NAME: the self-test says 0, in C and in C++; with one number changed it does not.
compiled() {
  run export c "$1" -o "$2.c" --name "$2"
  expect 0
  ${CC:-cc} -std=c99 $strict -c "$2.c" -o part.o 2>errors || fail "$2: $(head -n 3 errors)"
  ${CC:-cc} -std=c99 $strict -DSELFTEST "$2.c" -lm -o self 2>errors || fail "$2: $(head -n 3 errors)"
  ./self || fail "$2: the self-test says no"
  if [ -n "${3:-}" ] && command -v g++ >/dev/null; then
    g++ -x c++ $strict -DSELFTEST "$2.c" -lm -o self 2>errors || fail "$2 as C++: $(head -n 3 errors)"
    ./self || fail "$2 as C++: the self-test says no"
  fi
}

awk 'NR % 40 == 1' "$SOURCE/examples/places.txt" >names.txt
run train names names.txt -o m_lstm --set hidden=6 --set embedding=6 --epochs 1 --quiet --threads 1
expect 0
compiled m_lstm lstm both

# A changed weight is seen.
sed '/float W_w/{n;s/{[^,]*,/{9.5f,/}' lstm.c >changed.c
cmp -s lstm.c changed.c && fail "nothing was changed"
${CC:-cc} -std=c99 -DSELFTEST changed.c -lm -o self && ./self && fail "a wrong weight passes the self-test"

# Numbers in, tags and numbers out, in the units of the data; beside what the program says.
cat >tagger.net <<'end'
data x : numbers
data tag : category
data y : numbers
h = gru(x, 5)
g = lstm([h, h[t-2], y[t-1]], 4, layers = 2)
tag ~ softmax(W g + b)
y ~ gaussian(mean = V g + bv, scale = 0.1 + softplus(U g + bu))
end
awk 'BEGIN { print "id,x1,x2,tag,y"; for (i = 1; i <= 20; i++) for (t = 1; t <= 6; t++)
  printf "%d,%d,%.2f,%s,%d\n", i, 1000 + (i * t * 7) % 40, (i + t) % 5 / 10, (i * t) % 3 ? "a" : "b", 500 + (t * i) % 30 }' >table.csv
run train tagger.net table.csv --series id -o tagger --epochs 2 --quiet --threads 1 --standardise
expect 0
compiled tagger tagger both
head -n 7 table.csv >one.csv
run predict tagger one.csv --series id
expect 0
cut -f 2 out | tr ' ' '\n' >program
cat >main.c <<'end'
#include <stdio.h>
#include "tagger.h"
int main(void) {
  static const float x[6][2] = {TABLE};
  static tagger_state s;
  float tag[2], mean[1], scale[1];
  tagger_reset(&s);
  for (int t = 0; t < 6; t++) {
    tagger_step(&s, x[t], t ? mean : 0, tag, mean, scale);
    printf("%.9g\n", (double)mean[0]);
  }
  return 0;
}
end
sed -i "s/TABLE/$(awk -F, 'NR > 1 { printf "{%s.0f, %sf},", $2, $3 }' one.csv)/" main.c
${CC:-cc} -std=c99 $strict main.c tagger.c -lm -o use 2>errors || fail "$(head -n 3 errors)"
./use >ours
[ "$(wc -l <ours)" = 6 ] || fail "not six steps"
paste program ours | awk '{ d = $1 - $2; if (d * d > 0.0001) exit 1 }' || fail "C and predict differ: $(paste program ours)"

# What looks at all steps.
cat >whole.net <<'end'
data text : chars
data label : category
h = gru(embed(text, 4), 6)
s = mean(h)
expf = max(h)
square_of = square(s)
label ~ softmax(W [square_of, exp(expf), square(last(h))] + b)
end
awk 'BEGIN { print "text,label"; for (i = 0; i < 30; i++) print (i % 2 ? "abca" : "cab") (i % 5) "," (i % 2 ? "yes" : "no") }' >labels.csv
run train whole.net labels.csv -o whole --epochs 2 --quiet --threads 1
expect 0
compiled whole whole both
head -n 2 labels.csv >one.csv
run predict whole one.csv
expect 0
program=$(cut -f 2 out)
cat >main.c <<'end'
#include <stdio.h>
#include "whole.h"
int main(void) {
  static whole_state s;
  float p[2];
  whole_reset(&s);
  int text[8];
  const int n = whole_text_symbols("cab0", text, 8);
  for (int t = 0; t < n; t++) whole_step(&s, text[t]);
  whole_end(&s, p);
  printf("%.9g\n", (double)(p[0] > p[1] ? p[0] : p[1]));
  return 0;
}
end
${CC:-cc} -std=c99 $strict main.c whole.c -lm -o use 2>errors || fail "$(head -n 3 errors)"
holds "$(./use) - $program < 6e-5 && $program - $(./use) < 6e-5"

# Both ways, without math.h: all at once, from the text; beside what the program says.
cat >back.net <<'end'
data text : words lower
data label : category
e = embed(text, 16)
label ~ softmax(W [last(gru(e, 20)), first(gru(e, 20, backward))] + b)
end
awk 'BEGIN { print "text\tlabel"; for (i = 0; i < 30; i++) print "Well-known \303\204pfel cost 3.50, " (i % 2 ? "don\47t they?" : "<unk> ...") "\t" (i % 2 ? "yes" : "no") }' >labels.tsv
run train back.net labels.tsv -o back --epochs 2 --quiet --threads 1
expect 0
run export c back -o back.c --no-libm
expect 0
grep -q "math.h" back.c && fail "--no-libm needs math.h"
${CC:-cc} -std=c99 $strict -DSELFTEST back.c -o self 2>errors || fail "back: $(head -n 3 errors)"
./self || fail "back: the self-test says no"
printf 'text\n\303\204PFEL well-known 3.50 new; <unk>... x\n' >one.tsv
run predict back one.tsv
expect 0
program=$(cut -f 2 out)
cat >main.c <<'end'
#include <stdio.h>
#include "back.h"
int main(void) {
  int text[32];
  float p[2];
  const int n = back_text_symbols("\303\204PFEL well-known 3.50 new; <unk>... x", text, 32);
  if (n != 8 || back_text_symbols("a b c", text + 20, 2) != -2) return 1;
  back_run(n, text, p);
  printf("%.9g\n", (double)(p[0] > p[1] ? p[0] : p[1]));
  return 0;
}
end
${CC:-cc} -std=c99 $strict main.c back.c -o use 2>errors || fail "$(head -n 3 errors)"
holds "$(./use) - $program < 6e-5 && $program - $(./use) < 6e-5"

# Products of bytes: what the program says with them.
run export c back -o back.c --precision int8
expect 0
grep -q "signed char .*_bytes" back.c || fail "there are no bytes"
run predict back one.tsv --precision int8
expect 0
program=$(cut -f 2 out)
${CC:-cc} -std=c99 $strict main.c back.c -lm -o use 2>errors || fail "$(head -n 3 errors)"
holds "$(./use) - $program < 6e-5 && $program - $(./use) < 6e-5"
run export c back -o back.c --precision bf16
expect 2

# Byte-pair encoding: texts become the symbols that the program makes of them.
printf 'data text : bpe(330)\ndata label : category\nlabel ~ softmax(W last(gru(embed(text, 5), 6)) + b)\n' >pairs.net
awk 'BEGIN { print "text\tlabel"; split("the water under an old bridge goes there and other waters were here before 1999 or 2024", w, " ")
  srand(4); for (n = 0; n < 60; n++) { s = ""; for (k = 0; k < 8; k++) s = s (k ? " " : "") w[1 + int(16 * rand())]; print s "\t" n % 3 } }' >pairs.tsv
run train pairs.net pairs.tsv -o pairs --epochs 4 --lr 0.02 --quiet --valid 0
expect 0
compiled pairs pairs both
printf 'text\nthe   water under\n  there, 20241999 \303\204h: \346\227\245\346\234\254 other--waters  \n%s\n' \
  "$(awk 'BEGIN { for (i = 0; i < 70; i++) printf "waters"; printf " !!" }')" >texts.tsv
run predict pairs texts.tsv --probabilities
expect 0
cut -f 1,2 out >program
cat >main.c <<'end'
#include <stdio.h>
#include <string.h>
#include "pairs.h"
int main(void) {
  static pairs_state s;
  static char line[4096];
  static int symbols[4096];
  float p[3];
  if (pairs_text_symbols("the water", symbols, 1) != -2) return 1;
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    const int n = pairs_text_symbols(line, symbols, 4096);
    int best = 0;
    pairs_run(&s, n, symbols, p);
    for (int i = 1; i < 3; i++)
      if (p[i] > p[best]) best = i;
    printf("%s\t%.9g\n", pairs_label_text[best], (double)p[best]);
  }
  return 0;
}
end
${CC:-cc} -std=c99 $strict main.c pairs.c -lm -o use 2>errors || fail "$(head -n 3 errors)"
tail -n +2 texts.tsv | ./use >ours
[ "$(wc -l <ours)" = 3 ] || fail "not three texts"
paste program ours | awk -F '\t' '$1 != $3 || ($2 - $4) ^ 2 > 4e-9 { exit 1 }' || fail "$(paste program ours)"

# A convolution takes in the batch normalization behind it; one that is read elsewhere, too, does not.
cat >see.net <<'end'
data p : image(2, 6, 6)
data label : category
u = pool(relu(batchnorm(conv(p, 4, 3))), 2)
v = conv(u, 3, 2)
label ~ softmax(W relu(batchnorm(v, epsilon = 0.01)) + V v + b)
end
awk 'BEGIN { srand(5); print "p,label"; for (n = 0; n < 30; n++) { s = ""; for (k = 0; k < 72; k++) s = s (k ? ";" : "") int(100 * rand()) / 100 + (k % 12 == n % 2)
  print s "," (n % 2 ? "one" : "two") } }' >see.csv
run train see.net see.csv -o see --epochs 20 --lr 0.01 --batch 5 --quiet --valid 0
expect 0
compiled see see both
[ "$(grep -c sqrtf see.c)" = 1 ] || fail "not one batch normalization is left: $(grep sqrtf see.c)"
sed -n '1p; 7p' see.csv >one.csv
run predict see one.csv
expect 0
program=$(cut -f 2 out)
printf '#include <stdio.h>\n#include "see.h"\nint main(void) {\n  static const float p[72] = {%s};\n  float q[2];\n  see_run(p, q);\n' \
  "$(tail -n 1 one.csv | sed 's/,.*//; s/;/, /g; s/[0-9.][0-9.]*/(float)&/g')" >main.c
printf '  printf("%%.9g\\n", (double)(q[0] > q[1] ? q[0] : q[1]));\n  return 0;\n}\n' >>main.c
${CC:-cc} -std=c99 $strict main.c see.c -lm -o use 2>errors || fail "$(head -n 3 errors)"
holds "$(./use) - $program < 6e-5 && $program - $(./use) < 6e-5"

# Recordings: the file makes the features itself, at once and sample by sample.
. "$SOURCE/tests/cli/tone.sh"
for i in 1 2 3 4; do
  tone low$i.wav 8000 $((300 + 20 * i)) $((1200 + 100 * i))
  tone high$i.wav 8000 $((1500 + 50 * i)) $((1200 + 100 * i))
  printf 'low%d.wav\tlow\nhigh%d.wav\thigh\n' $i $i
done | sed '1i sound\tpitch' >tones.tsv
number=0
for form in 'audio(8000, mel = 20)' 'audio(8000, mel = 20, mfcc = 9, delta = 2) even' 'audio(8000, mel = 12, window = 20, step = 30, stack = 2)' \
  'audio(8000, mel = 12, stack = 3) level'; do
  number=$((number + 1))
  printf 'data sound : %s\ndata pitch : category\npitch ~ softmax(W last(gru(sound, 4)) + b)\n' "$form" >hear.net
  run train hear.net tones.tsv -o hear$number --epochs 3 --quiet --valid 0
  expect 0
  compiled hear$number hear$number both
done
run export c hear1 -o own.c --name own --no-libm
expect 0
${CC:-cc} -std=c99 $strict -DSELFTEST own.c -o self 2>errors && ./self || fail "without math.h: $(head -n 3 errors)"
printf 'sound\nhigh2.wav\n' >one.tsv
run predict hear1 one.tsv
expect 0
program=$(cut -f 2 out)
cat >main.c <<'end'
#include <stdio.h>
#include "hear1.h"
int main(void) {
  static hear1_sound_ear ear;
  static hear1_state s;
  static float x[1400], all[400][20], step[20], p[2], q[2];
  if (fseek(stdin, 44, SEEK_SET)) return 1;
  for (int i = 0; i < 1400; i++) x[i] = (float)(getchar() - 128) / 128.0f; /* 8 bits */
  const long steps = hear1_sound_features(&ear, x, 1400, all[0], 400);
  if (steps != hear1_sound_steps(1400) || hear1_sound_features(&ear, x, 1400, all[0], 3) != -2) return 2;
  hear1_run(&s, (int)steps, all[0], p);
  hear1_reset(&s);
  hear1_sound_begin(&ear);
  for (int i = 0; i < 1400; i++)
    if (hear1_sound_listen(&ear, x[i], step)) hear1_step(&s, step);
  hear1_end(&s, q);
  printf("%.9g %.9g\n", (double)(p[0] > p[1] ? p[0] : p[1]), (double)(q[0] > q[1] ? q[0] : q[1]));
  return 0;
}
end
${CC:-cc} -std=c99 $strict main.c hear1.c -lm -o use 2>errors || fail "$(head -n 3 errors)"
./use <high2.wav >ours || fail "the steps are not as many"
for ours in $(cat ours); do holds "$ours - $program < 6e-5 && $program - $ours < 6e-5"; done
sed '/_weights/{n;s/0\.[0-9]*/0.123/}' hear1.c >changed.c
cmp -s hear1.c changed.c && fail "nothing was changed"
${CC:-cc} -std=c99 -DSELFTEST changed.c -lm -o self && ./self && fail "a wrong table passes the self-test"

# What cannot be written is refused with its place.
run export onnx m_lstm -o x.onnx --precision int8
expect 2 "are for the form c"
run export tflite m_lstm -o x.tflite
expect 2 "there is no form 'tflite'"
run export c m_lstm
expect 2
finish
