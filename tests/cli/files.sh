# files.sh - what cells name can be given itself: a row for each file, and its folder is the label.
. "$SOURCE/tests/cli/common.sh"
cat >strokes.net <<'END'
data pen : pen
data label : category
label ~ softmax(W max(gru(pen, 6)) + b)
END
draw() { printf '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0 L %s"/></svg>\n' "$1"; }
for i in 1 2 3 4 5 6 7 8; do
  mkdir -p drawn/flat drawn/steep
  draw "$((10 + i)) 1 L $((20 + i)) 2" >drawn/flat/$i.svg
  draw "1 $((10 + i)) L 2 $((20 + i))" >drawn/steep/$i.svg
done
run train strokes.net drawn -o model --valid 0 --epochs 60 --lr 0.05 --quiet
expect 0
{ printf 'pen\tlabel\n' && for f in drawn/*/*.svg; do printf '%s\t%s\n' "$f" "$(basename "$(dirname "$f")")"; done; } >drawn.tsv
run train strokes.net drawn.tsv -o table --valid 0 --epochs 60 --lr 0.05 --quiet
expect 0
run eval model drawn
expect 0 "accuracy 100.00 %"
cp out one
run eval table drawn.tsv
same one out "files are the rows of a table"
run predict model drawn/steep/3.svg drawn/flat/2.svg
expect 0
[ "$(cut -f 1 out | tr '\n' ' ')" = "steep flat " ] || fail "files one by one: $(cat out)"
run predict model drawn/steep --labels-from-folders
expect 0
[ "$(cut -f 1 out | sort -u)" = steep ] || fail "a folder"
# A text is said of a file as well as a label is: ctc.
cat >read.net <<'END'
data pen : pen
data text : chars
text ~ ctc(W gru(pen, 6) + b)
END
{ printf 'pen\ttext\n' && for f in drawn/*/*.svg; do printf '%s\t%s\n' "$f" f; done; } >read.tsv
run train read.net read.tsv -o read --valid 0 --steps 60 --lr 0.05 --quiet
expect 0
run predict read read.tsv
cp out one
run predict read drawn
expect 0
same one out "texts of files"
# Other files are no rows, and one that cannot be read has its name in the message.
printf '%s' '%PDF-1.4' >paper.pdf
run predict model paper.pdf
expect 3 "paper.pdf: error: this is a PDF document"
printf '<svg>' >drawn/steep/9.svg
run predict model drawn/steep
expect 3 "9.svg"
run predict model drawn/steep --skip-bad
expect 0
[ "$(grep -c "^steep" out)" = 8 ] || fail "all but the broken one"
rm drawn/steep/9.svg
finish
