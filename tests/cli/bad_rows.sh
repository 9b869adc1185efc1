# bad_rows.sh - rows and lines that cannot be read: how many, and left out with --skip-bad; several files and folders as data.
. "$(dirname "$0")/common.sh"

cat >label.net <<'END'
data text : words(50)
data label : category
hidden = 12
label ~ softmax(W last(gru(embed(text, 8), hidden)) + b)
END
printf 'label,text\ngood,I like it\nbad,I hate it\ngood,one,two\nbad,x\xffy\n,no label\ngood,"so" it is\nbad,hate\ngood,like\n' >films.csv
run train label.net films.csv -o label
expect 3 "films.csv:4:10: error: row 4 has 3 fields, but there are 2 columns; 3 more rows cannot be read (--skip-bad leaves them out)"
run train label.net films.csv -o label --skip-bad --quiet --json --valid 0
expect 0 '"bad_rows": 4' "films.csv:4: left out: row 4 has 3 fields" "films.csv:5: left out: row 5, column 'text': invalid UTF-8" \
  "films.csv:6: left out: row 6, column 'label': empty" "films.csv:7: left out: text after the closing quote"
grep -q '"bad_rows":4' label/log.jsonl || fail "the log does not say how many rows were left out"
! grep -qa '"label",' label/model.safetensors || fail "a word of a row that was left out is in the vocabulary"
run train --resume label --epochs 12 --quiet --json
expect 0 '"bad_rows": 4'
# the same model as without them
printf 'label,text\ngood,I like it\nbad,I hate it\nbad,hate\ngood,like\n' >clean.csv
run train label.net clean.csv -o clean --quiet --valid 0
expect 0
run predict clean/model.safetensors clean.csv
cp out clean.out
run train label.net films.csv -o label --skip-bad --quiet --valid 0
run predict label/model.safetensors clean.csv
same clean.out out "rows left out leave no trace"
# labels that the model does not know
printf 'label,text\ngood,like\nmaybe,like\nbad,hate\nso,so\n' >new.csv
run eval label/model.safetensors new.csv
expect 3 "new.csv:3" "row 3, column 'label': the model does not know the label 'maybe'; 1 more"
run eval label/model.safetensors new.csv --skip-bad --json
expect 0 '"bad_rows": 2' '"accuracy": 1.0' "new.csv:5: left out: row 5, column 'label'"
run eval label/model.safetensors new.csv --skip-bad
expect 0 "2 predictions, 2 examples"
awk 'BEGIN { print "label,text"; for (i = 0; i < 25; i++) print "x,y,z"; print "good,like" }' >many.csv
run predict label/model.safetensors many.csv --skip-bad
expect 0 "many.csv:11: left out" "many.csv: 15 more left out" "good"
refuse "many.csv:12"
[ "$(wc -l <out)" = 26 ] || fail "predict: a line for every row"
[ -z "$(head -n 25 out | tr -d '\n')" ] || fail "predict: a row that was left out is an empty line"
tail -n 1 out | grep -q '^good' || fail "predict: the last line is that of the last row"
printf 'text\nlike\nx,y\nhate\n"so" it\n' >mixed.csv
run predict label/model.safetensors mixed.csv --skip-bad --json
expect 0 '{"predictions": [{"label": {"value": "good"' '}, {"error": "row 3 has 2 fields' '}, {"label": {"value": "bad"' \
  '}, {"error": "text after the closing quote' '"bad_rows": 2'
# what concerns the whole file is an error all the same
printf 'label,txt\ngood,like\n' >column.csv
run predict label/model.safetensors column.csv --skip-bad
expect 3 "there is no column 'text'"
printf 'label,text\ngood,"like\n' >open.csv
run predict label/model.safetensors open.csv --skip-bad
expect 3 "never closed"
printf 'label,text\ngood\n' >none.csv
run predict label/model.safetensors none.csv --skip-bad
expect 3 "not one row can be read"

# an example of several rows is left out as a whole
cat >tag.net <<'END'
data word : words
data tag : category
tag ~ softmax(W gru(embed(word, 6), 8, backward) + b)
END
printf 'the D\ndog N\n\nit D\nbarks V x\n\ndog N\n' >tags.txt
run train tag.net tags.txt --tagged word,tag -o tag
expect 3 "tags.txt:5:1: error: 3 fields, but there are 2 columns"
run train tag.net tags.txt --tagged word,tag -o tag --skip-bad --quiet --json
expect 0 '"bad_rows": 1' "tags.txt:5: left out: 3 fields"
run eval tag/model.safetensors tags.txt --tagged word,tag --skip-bad
expect 0 "3 predictions, 2 examples"
printf 'id\tword\ttag\n1\tthe\tD\n1\tdog\n1\truns\tN\n2\tdog\tN\n' >series.tsv
run eval tag/model.safetensors series.tsv --series id --skip-bad
expect 0 "1 prediction, 1 example" "series.tsv:3: left out: row 3 has 2 fields"

# lines
awk 'BEGIN { for (i = 0; i < 300; i++) print (i % 3 ? "abc" : "cab") }' >lines.txt
run train names lines.txt -o lines --set hidden=8 --epochs 1 --quiet
expect 0
printf 'abc\nab\xff\nca\nb\0c\nxyz\ncab' >some.txt
run score lines/model.safetensors some.txt
expect 3 "some.txt:2:3: error: invalid UTF-8" "1 more line cannot be read"
run score lines/model.safetensors some.txt --skip-bad
expect 0 "some.txt:2: left out: invalid UTF-8" "some.txt:4: left out: a NUL" "some.txt:5: left out: the model does not know the character 'x'" \
  "3 sequences"
run score lines/model.safetensors some.txt --skip-bad --json
expect 0 '"bad_rows": 3' '"sequences": 3'
printf 'ab\xff\nabc\nxyz\nb\xff\n\nq' >some2.txt # bad bytes and unknown characters: an empty line each
run predict lines/model.safetensors some2.txt --skip-bad
expect 0
awk '{ printf "%d", (length($0) > 0) }' out >got
printf 010010 >wanted
same got wanted "a line for every line"
run eval lines/model.safetensors some.txt --skip-bad
expect 0 "3 sequences"
run train language some.txt -o stream --skip-bad --set hidden=8 --epochs 1 --quiet
expect 0 "some.txt:2: left out" "some.txt:4: left out"
printf 'abz\ncab\n?\nxy\xff' >more.txt
run score stream/model.safetensors more.txt --skip-bad
expect 0 "more.txt:3: left out: the model does not know the character '?'" "more.txt:4: left out: invalid UTF-8"

# several files
mkdir -p parts/b
head -n 100 lines.txt >parts/a.txt
tail -n 200 lines.txt | head -c -1 >parts/b/c.txt
echo hidden >parts/.hidden
run train names parts -o parts.model --set hidden=8 --epochs 1 --quiet
expect 0
run score parts.model/model.safetensors parts/a.txt parts/b/c.txt
mv out one
run score parts.model/model.safetensors lines.txt
same one out "several files are one"
run train names lines.txt -o lines --set hidden=8 --epochs 1 --quiet
run score lines/model.safetensors lines.txt
same one out "a folder is its files in the order of their names"
printf 'abc\nq\n' >parts/d.txt
run score lines/model.safetensors parts
expect 3 "parts/d.txt:2:1: error: the model does not know the character 'q'"
run train language parts/a.txt parts/b/c.txt parts/a.txt -o joined --set hidden=8 --epochs 1 --json --quiet
run train --resume joined --epochs 2 --quiet
expect 0
run train --resume joined names lines.txt
expect 2 "--resume takes at most the data"
mkdir tables
head -n 3 clean.csv >tables/1.csv
(head -n 1 clean.csv; tail -n 2 clean.csv) >tables/2.csv
run train label.net tables -o tables.model --quiet --valid 0
expect 0
run predict tables.model/model.safetensors tables/1.csv tables/2.csv
same clean.out out "a table in two files"
printf 'text,label\nlike,good\n' >tables/3.csv
run predict tables.model/model.safetensors tables
expect 3 "tables/3.csv:1:1: error: the names of the columns are not those of the first file"
printf 'label,text\ngood,like\nbad\n' >tables/3.csv
run predict tables.model/model.safetensors tables
expect 3 "tables/3.csv:3:1: error: row 3 has 1 field"
printf 'label,text\ngood,like\nso,hate\n' >tables/3.csv
run eval tables.model/model.safetensors tables
expect 3 "tables/3.csv:3" "row 3, column 'label': the model does not know the label 'so'"
printf 'the D\n' >t1.txt
printf 'the D\ndog N' >t2.txt
run eval tag/model.safetensors t1.txt --tagged form,tag
expect 3 "there is no column 'word'; the columns are: form, tag"
grep -q 'form, tag$' err || fail "a column without a name is listed"
run eval tag/model.safetensors t1.txt t2.txt --tagged word,tag
expect 0 "3 predictions, 2 examples"
mkdir empty
run predict tables.model/model.safetensors empty
expect 3 "there are no files in the folder"

# folders of texts
for i in 1 2 3 4 5 6; do
  mkdir -p reviews/good reviews/bad
  printf 'I like it,\nall "%d"\n' $i >reviews/good/$i.txt
  printf 'I hate it\n' >reviews/bad/$i.txt
done
run train label.net reviews -o reviews.model --quiet --epochs 30 --valid 0
expect 0
run eval reviews.model/model.safetensors reviews
expect 0 "accuracy 100.00 %" "12 predictions, 12 examples" "bad" "good"
run predict reviews.model/model.safetensors reviews/good --labels-from-folders
expect 0 "good	0."
# the names are those of tables, but the model remembers what it learnt from
mkdir -p csv/good csv/bad
cp reviews/good/1.txt csv/good/1.csv
cp reviews/bad/1.txt csv/bad/1.csv
run eval reviews.model/model.safetensors csv
expect 3 "csv/bad/1.csv: error: the table has names of columns but no rows"
run train label.net csv -o csv.model --quiet --epochs 30 --valid 0 --labels-from-folders
expect 0
run eval csv.model/model.safetensors csv
expect 0 "accuracy 100.00 %" "2 predictions, 2 examples"
printf 'label,text\ngood,like it\n' >film.csv
run eval csv.model/model.safetensors film.csv
expect 0 "1 prediction, 1 example"
mkdir reviews/odd
printf 'x\xff' >reviews/odd/1
run eval reviews.model/model.safetensors reviews
expect 3 "reviews/odd/1:1:2: error: row 1, column 'text': invalid UTF-8"
run eval reviews.model/model.safetensors reviews --skip-bad
expect 0 "reviews/odd/1:1: left out" "12 examples"
run eval reviews.model/model.safetensors films.csv --labels-from-folders
expect 2 "takes folders, and this is a file"
run train tag.net reviews -o x --labels-from-folders --tagged word,tag
expect 2 "do not go together"
run train names reviews -o x --labels-from-folders
expect 2 "--labels-from-folders is for tables"
run train regress reviews -o x --labels-from-folders
expect 2 "a category and one text, or one variable of files"
run eval lines/model.safetensors - -
expect 2 "standard input can be read once only"
finish
