/* test_table.c - tables: cells, words, vocabularies, what variables read, batches against what a hand says they are. */
#include "plain.h"
#include <math.h>
#include "tables.h"
#include "symbols/words.h"

/* --- cells --- */

static const struct {
  const char *name, *text;
  int columns, rows;
  const char *cells; /* of all rows, each ending with | */
} files[] = {
    {"a.csv", "a,b\n1,2\n", 2, 1, "a|b|1|2|"},
    {"a.csv", "a,b\r\n1,2\r\n3,4", 2, 2, "a|b|1|2|3|4|"},
    {"a.csv",
     "\xef\xbb\xbf"
     "a,b\n1,2\n",
     2, 1, "a|b|1|2|"},
    {"a.csv", "a,b\n\"x,y\",\"say \"\"no\"\"\"\n", 2, 1, "a|b|x,y|say \"no\"|"},
    {"a.csv", "a,b\n\"two\nlines\",z\n,\n", 2, 2, "a|b|two\nlines|z|||"},
    {"a.csv", "a,b\n\"\",\"\"\"\"\n", 2, 1, "a|b||\"|"},
    {"a.csv", "a,b\n5\" pipe,it's \"so\"\n", 2, 1, "a|b|5\" pipe|it's \"so\"|"},
    {"a.csv", "a\tc,b\n1,2\n", 2, 1, "a\tc|b|1|2|"},
    {"a.tsv", "a,c\tb\n1\t2,3\n", 2, 1, "a,c|b|1|2,3|"},
    {"standard input", "a,c\tb\n1\t2,3\n", 2, 1, "a,c|b|1|2,3|"},
    {"standard input", "a,b\n1\t,2\n", 2, 1, "a|b|1\t|2|"},
    {"a.csv", "a\nx\n\n\ny\n\n\r\n", 1, 4, "a|x|||y|"},
    {"a.csv", "a\r\n\"x\r\ny\"\r\n", 1, 1, "a|x\r\ny|"},
    {"a.csv", "a,b\nx\ry,z\n", 2, 1, "a|b|x\ry|z|"},
    {"a.csv", "a,\n1,2\n", 2, 1, "a||1|2|"},
};

static void test_cells(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    table t;
    text all = {0};
    unroll_error err = {0};
    if (table_parse(&t, files[i].name, mem_text(files[i].text), strlen(files[i].text), &err)) fail_msg("%zu: %s", i, err.message);
    assert_int_equal(t.n_columns, files[i].columns);
    assert_int_equal(t.n_rows, files[i].rows);
    for (int64_t row = 0; row <= t.n_rows; row++)
      for (int k = 0; k < t.n_columns; k++)
        text_format(&all, "%.*s|", (int)table_cell(&t, row, k)->size, table_cell(&t, row, k)->text);
    if (strcmp(all.data, files[i].cells)) fail_msg("%zu: %s", i, all.data);
    text_free(&all);
    table_free(&t);
  }
  table t;
  const char *lines = "a,b\n\"x\n\n\",1\n2,\"\n\"\n3,4\n";
  assert_int_equal(table_parse(&t, "a.csv", mem_text(lines), strlen(lines), NULL), UNROLL_OK);
  assert_int_equal(t.lines[0], 1);
  assert_int_equal(t.lines[1], 2);
  assert_int_equal(t.lines[2], 5);
  assert_int_equal(t.lines[3], 7);
  table_free(&t);
  assert_int_equal(mem_live(), 0);
}

/* --- words --- */

static const struct {
  const char *text, *words;
} texts[] = {
    {"", ""},
    {" \t\n", ""},
    {"The cat, sat.", "The|cat|,|sat|.|"},
    {"don't well-known l\xe2\x80\x99\xc3\xa9t\xc3\xa9", "don't|well-known|l\xe2\x80\x99\xc3\xa9t\xc3\xa9|"},
    {"'quoted' - it's", "'|quoted|'|-|it's|"},
    {"3.14 1,000 9:30 2020-05-17 10. x1 20th", "3.14|1,000|9:30|2020-05-17|10|.|x1|20th|"},
    {"a.b a,b 1.b", "a|.|b|a|,|b|1|.|b|"},
    {"wait... no--yes!!", "wait|...|no|--|yes|!|!|"},
    {"<unk> of <b 2<3", "<unk>|of|<|b|2|<|3|"},
    {"snake_case @user #tag", "snake_case|@|user|#|tag|"},
    {"\xce\xb1\xce\xb2\xce\xb3 \xd0\xbc\xd0\xb8\xd1\x80 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
     "\xce\xb1\xce\xb2\xce\xb3|\xd0\xbc\xd0\xb8\xd1\x80|\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d|"},
    {"\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82", "\xe4\xbd\xa0|\xe5\xa5\xbd|\xe3\x80\x82|"},
    {"\xc2\xbf"
     "d\xc3\xb3nde?\xc2\xa0"
     "aqu\xc3\xad",
     "\xc2\xbf|d\xc3\xb3nde|?|aqu\xc3\xad|"},
    {"e\xcc\x81t\xc3\xa9 \xf0\x9f\x98\x80", "e\xcc\x81t\xc3\xa9|\xf0\x9f\x98\x80|"},
};

static void test_words(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    text all = {0};
    size_t at = 0, size;
    for (const char *s; (s = word_next(texts[i].text, strlen(texts[i].text), &at, &size));)
      text_format(&all, "%.*s|", (int)size, s);
    if (strcmp(all.data ? all.data : "", texts[i].words)) fail_msg("%s: %s", texts[i].text, all.data);
    text_free(&all);
  }
}

/* --- plain texts of words --- */

static const struct {
  const char *text;
  data_form form;
  const char *words; /* \n for the end of a line, | at the end of a sequence */
} plain[] = {
    {"The cat.\nIt sat", {.name = "t", .of = &data_kinds[KIND_words], .unit = UNIT_WORDS}, "The cat . \n It sat |"},
    {"The cat.\n\nIt",
     {.name = "t", .of = &data_kinds[KIND_words], .unit = UNIT_WORDS, .lower = true, .spaced = true},
     "the cat. \n \n it |"},
    {"The cat.\r\n\r\nIt",
     {.name = "t", .of = &data_kinds[KIND_words], .unit = UNIT_WORDS, .lines = true},
     "The cat . \n |\n |It \n |"},
    {"\xef\xbb\xbf"
     "a <unk>\n",
     {.name = "t", .of = &data_kinds[KIND_words], .unit = UNIT_WORDS, .lines = true},
     "a <unk> \n |"},
};

static void test_plain(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
    dataset d;
    lexicon l = {0};
    vocabulary v;
    text all = {0};
    unroll_error err = {0};
    if (dataset_parse(&d, &plain[i].form, "text", plain[i].text, strlen(plain[i].text), &err)) fail_msg("%zu: %s", i, err.message);
    assert_true(vocabulary_count_words(&l, &d.columns[0].words, !d.stream));
    assert_int_equal(vocabulary_of_words(&v, UNIT_WORDS, !d.stream, &l, 0, NULL), UNROLL_OK);
    assert_int_equal(plain_encode(&d, &plain[i].form, &v, NULL), UNROLL_OK);
    for (int64_t n = 0; n < d.n_sequences; n++) {
      for (int64_t k = d.first[n]; k < d.first[n + 1]; k++) {
        vocabulary_add_text(&v, d.columns[0].symbols[k], &all);
        text_add(&all, " ", 1);
      }
      text_add(&all, "|", 1);
    }
    if (strcmp(all.data, plain[i].words)) fail_msg("%zu: %s", i, all.data);
    text_free(&all);
    lexicon_free(&l);
    vocabulary_free(&v);
    dataset_free(&d);
  }
  dataset d;
  unroll_error err = {0};
  assert_int_equal(dataset_parse(&d, &plain[0].form, "text", "  ", 2, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "the file has no words");
  assert_int_equal(dataset_parse(&d, &plain[0].form, "text", "a\nb\xff", 4, &err), UNROLL_BAD_INPUT);
  assert_int_equal(err.line, 2);
  assert_int_equal(err.column, 2);
  assert_int_equal(mem_live(), 0);
}

/* --- vocabularies --- */

static void check_words(const vocabulary *v, const char *wanted) {
  text all = {0};
  for (int i = 0; i < v->n; i++) {
    vocabulary_add_text(v, i, &all);
    text_add(&all, "|", 1);
    size_t size;
    const char *s = lexicon_text(&v->words, i, &size);
    assert_int_equal(vocabulary_find_word(v, s, size), i);
  }
  assert_string_equal(all.data, wanted);
  text_free(&all);
}

static void test_vocabularies(void **state) {
  (void)state;
  static const char *const said[] = {"b", "a", "b", "\xc3\xa9", "c", "a", "z", "b", "d"};
  lexicon l = {0};
  vocabulary v;
  unroll_error err = {0};
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) assert_true(lexicon_add(&l, said[i], strlen(said[i])) >= 0);
  assert_int_equal(vocabulary_of_words(&v, UNIT_WORDS, false, &l, 0, NULL), UNROLL_OK);
  check_words(&v, "<unk>|b|a|c|d|z|\xc3\xa9|");
  assert_int_equal(vocabulary_find_word(&v, "q", 1), 0);
  vocabulary_free(&v);
  assert_int_equal(vocabulary_of_words(&v, UNIT_WORDS, false, &l, 4, NULL), UNROLL_OK);
  check_words(&v, "<unk>|b|a|c|");
  vocabulary_free(&v);
  assert_int_equal(vocabulary_of_words(&v, UNIT_WORDS, true, &l, 4, NULL), UNROLL_OK);
  check_words(&v, "<unk>|b|a|\n|");
  assert_int_equal(v.end, 3);
  vocabulary_free(&v);
  assert_int_equal(vocabulary_of_words(&v, UNIT_LABELS, false, &l, 0, NULL), UNROLL_OK);
  check_words(&v, "a|b|c|d|z|\xc3\xa9|");
  assert_int_equal(vocabulary_find_word(&v, "q", 1), -1);
  vocabulary_free(&v);
  assert_int_equal(vocabulary_of_words(&v, UNIT_LABELS, false, &l, 3, &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "'d'"));
  lexicon_free(&l);
  for (int i = 0; i < 5000; i++) { /* many, through several sizes of the table */
    char s[16];
    snprintf(s, sizeof s, "%d", i * 7919 % 5000);
    assert_int_equal(lexicon_add(&l, s, strlen(s)), i);
  }
  for (int i = 0; i < 5000; i++) {
    char s[16];
    snprintf(s, sizeof s, "%d", i * 7919 % 5000);
    assert_int_equal(lexicon_find(&l, s, strlen(s)), i);
  }
  lexicon_free(&l);
  assert_int_equal(mem_live(), 0);
}

/* --- what variables read --- */

/* "0: [1 2] 5; 1: ..." - for each example the values of each variable. */
static void describe(const loaded *x, text *out) {
  for (int64_t n = 0; n < x->d.n_sequences; n++) {
    const int64_t row = x->d.row_of[n];
    text_format(out, "%s%d:", n ? "; " : "", (int)(x->d.by_line ? x->d.line_of[row] : row));
    for (int i = 0; i < x->s.n; i++) {
      const column_values *c = &x->d.columns[i];
      const variable *v = &x->s.list[i];
      text_add(out, " [", 2);
      for (int64_t k = c->first[n]; k < c->first[n + 1]; k++) {
        if (k > c->first[n]) text_add(out, " ", 1);
        if (v->form.unit != UNIT_NUMBERS)
          vocabulary_add_text(&v->words, c->symbols[k], out);
        else
          for (int j = 0; j < v->width; j++) text_format(out, "%s%g", j ? ";" : "", (double)c->numbers[k * v->width + j]);
      }
      text_add(out, "]", 1);
    }
  }
}

static const struct {
  const char *net, *series, *csv, *values;
} reads[] = {
    {CLASSIFY, NULL, "label,id,text\npos,1,Good film.\nvery bad,2,\"Bad, bad\"\n",
     "2: [Good film .] [pos]; 3: [Bad , bad] [very bad]"},
    {CLASSIFY, NULL, "text,label\n,a\nx,a\n", "2: [] [a]; 3: [x] [a]"},
    {CLASSIFY, "id", "id,text,label\n1,Good,\n1,!,a\n1,a.b,\n2,x,b\n1,y,c\n", "2: [Good ! a.b] [a]; 5: [x] [b]; 6: [y] [c]"},
    {REGRESS, NULL, "x,y\n1 2.5 -3,7\n4e1,.5\n", "2: [1 2.5 -3] [7]; 3: [40] [0.5]"},
    {REGRESS, NULL, "x,y\n1;2 3;4,7\n5;6,8\n", "2: [1;2 3;4] [7]; 3: [5;6] [8]"},
    {REGRESS, NULL, "x1,x2,y\n1 3,2 4,7\n,,8\n", "2: [1;2 3;4] [7]; 3: [] [8]"},
    {REGRESS, NULL, "x,y\n   ,7\n1;2;3,8\n", "2: [] [7]; 3: [1;2;3] [8]"},
    {REGRESS, "id", "id,x1,x2,y\n0,1,2,\n0,3,4,7\n0,5,6,\n1,7,8,9\n", "2: [1;2 3;4 5;6] [7]; 5: [7;8] [9]"},
    {REGRESS, "id", "id,x0,x1,x3,y\n0,1,2,9,5\n", "2: [1;2] [5]"},
    {REGRESS, "id", "id,x,y\n0,1;2,5\n0,3;4,6\n", "2: [1;2 3;4] [6]"},
    {"data a : hex\ndata label : category\nlabel ~ softmax(W last(rnn(embed(a, 2), 3)) + b)\n", NULL, "a,label\n61 6A0a,x\n,y\n",
     "2: [a j \n] [x]; 3: [] [y]"},
    {TAG, NULL, "word,tag\nthe dog,DET N\n", "2: [the dog] [DET N]"},
    {TAG, "s", "s,word,tag\n1,U.S.,N\n1,it is,V\n2,x,N\n", "2: [U.S. it is] [N V]; 4: [x] [N]"},
    {TAG, NULL, "word,tag\nx y,\xc3\xa0 b\xc2\x85\n", "2: [x y] [\xc3\xa0 b\xc2\x85]"},
    {"data word : words spaced\ndata tag : category\ntag ~ softmax(W rnn(embed(word, 3), 4) + b)\n", NULL,
     "word,tag\n\xc3\xa0 la. U.S.,A B C\n", "2: [\xc3\xa0 la. U.S.] [A B C]"},
    {TAG, "tagged word,tag", "\xc3\xa0 N\xc3\x85\n", "1: [\xc3\xa0] [N\xc3\x85]"},
    {TAG, "tagged word,tag", "the DET\ndog\tN\n\n \nU.S. N", "1: [the dog] [DET N]; 5: [U.S.] [N]"},
    {TAG, "tagged tag,pos,word", "\n\nN NN dog\r\n\r\nV VBZ is\r\n", "3: [dog] [N]; 5: [is] [V]"},
    {CLASSIFY, "tagged text,label", "a -\nb x\n\nc y\n", "1: [a b] [x]; 4: [c] [y]"},
    {TRANSLATE, NULL, "from,to\nab,\xc3\xa9\nc,\n", "2: [a b] [\xc3\xa9 \n]; 3: [c] [\n]"},
    {"data text : words lower\ndata y : number\ny ~ gaussian(mean = W last(rnn(embed(text, 3), 4)) + b, scale = 1)\n", NULL,
     "text,y\nThe DOG \xc3\x89T\xc3\x89 \xce\x91\xce\xa9 \xd0\x9c\xd0\x98\xd0\xa0 \xc5\xb9\xc5\xbb \xc4\xb0 \xc5\xb8 I'm,1\n",
     "2: [the dog \xc3\xa9t\xc3\xa9 \xce\xb1\xcf\x89 \xd0\xbc\xd0\xb8\xd1\x80 \xc5\xba\xc5\xbc i \xc3\xbf i'm] [1]"},
    {SERIES, NULL, "y\n1 2 3\n4 5\n", "2: [1 2 3]; 3: [4 5]"},
    {VECTOR, NULL, "v,label\n1;2;3,a\n4;5;6,b\n", "2: [1;2;3] [a]; 3: [4;5;6] [b]"},
    {VECTOR, NULL, "v1,v2,label\n1,2,a\n3,4,b\n", "2: [1;2] [a]; 3: [3;4] [b]"},
};

static void test_reads(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    loaded x;
    text all = {0};
    unroll_error err = {0};
    if (load(&x, reads[i].net, reads[i].csv, reads[i].series, &err))
      fail_msg("%zu: %d:%d: %s", i, err.line, err.column, err.message);
    describe(&x, &all);
    if (strcmp(all.data, reads[i].values)) fail_msg("%zu:\n%s\n%s", i, all.data, reads[i].values);
    text_free(&all);
    loaded_free(&x);
  }
  assert_int_equal(mem_live(), 0);
}

/* Mean 0 and deviation 1 per entry; one that never changes stays where its mean is 0. */
static void test_standardised(void **state) {
  (void)state;
  static const char csv[] = "x,y\n1;7;0 3;7;0,10\n5;7;0,30\n7;7;0,50\n";
  loaded x;
  unroll_error err = {0};
  if (load_codes(&x, REGRESS, "test.csv", csv, strlen(csv), NULL, &err)) fail_msg("%s", err.message);
  x.s.standardise = true;
  assert_int_equal(schema_collect(&x.s, &x.d, 1, NULL), UNROLL_OK);
  assert_int_equal(dataset_encode(&x.d, &x.s, NULL), UNROLL_OK);
  static const double first[] = {-3, -1, 1, 3}, y[] = {-1, 0, 1};
  for (int i = 0; i < 4; i++) {
    const float *v = x.d.columns[0].numbers + 3 * i;
    assert_true(v[0] == (float)(first[i] / 2.23606797749979) && v[1] == 0 && v[2] == 0);
  }
  for (int i = 0; i < 3; i++) assert_true(x.d.columns[1].numbers[i] == (float)(20 * y[i] / 16.32993161855452));
  assert_true(x.s.list[0].mean[0] == 4 && x.s.list[0].mean[1] == 7 && x.s.list[0].deviation[1] == 1);
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* Levels of 1e8 and steps of 1: as floats they would be one number. What is predicted stays as exact as it was. */
static void test_levels(void **state) {
  (void)state;
  static const char csv[] = "x,y\n100000000,100000002\n100000001,100000001\n100000002,100000000\n";
  loaded x;
  unroll_error err = {0};
  if (load_codes(&x, "data x : number\ndata y : number\ny ~ gaussian(mean = W x + b, scale = 1)\n", "test.csv", csv, strlen(csv),
                 NULL, &err))
    fail_msg("%s", err.message);
  x.s.standardise = true;
  assert_int_equal(schema_collect(&x.s, &x.d, 1, NULL), UNROLL_OK);
  assert_int_equal(dataset_encode(&x.d, &x.s, NULL), UNROLL_OK);
  for (int i = 0; i < 2; i++) {
    assert_true(x.s.list[i].mean[0] == 100000001);
    assert_true(fabs(x.s.list[i].deviation[0] - sqrt(2.0 / 3)) < 1e-15);
    for (int k = 0; k < 3; k++) assert_true(x.d.columns[i].numbers[k] == (float)((i ? 1 - k : k - 1) * sqrt(1.5)));
  }
  assert_null(x.d.columns[0].exact);
  for (int k = 0; k < 3; k++) assert_true(column_unscaled(&x.d.columns[1], &x.s.list[1], k, 0) == 100000002 - k);
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* Means, deviations and words are those of the training part: what validation and test hold changes nothing. */
static void test_held_out(void **state) {
  (void)state;
  enum { ROWS = 80 };
  static const char net[] =
      "data x : number\ndata w : words\ndata y : number\ny ~ gaussian(mean = W last(rnn(embed(w, 2), 2)) + V x, scale = 1)\n";
  loaded x;
  unroll_error err = {0};
  text csv = {0};
  part parts[3];
  double sum = 0, squares = 0;
  bool none;
  text_format(&csv, "x,w,y\n");
  for (int i = 0; i < ROWS; i++) text_format(&csv, "%d,all word%d,%d\n", i * i, i, i % 7);
  if (load_codes(&x, net, "test.csv", csv.data, csv.length, NULL, &err)) fail_msg("%s", err.message);
  x.s.standardise = true;
  assert_int_equal(dataset_hold_out(&x.d, 0.2, 0.3, 5, &none, &err), UNROLL_OK);
  assert_false(none);
  for (int64_t i = 0; i < ROWS; i++)
    if (x.d.held[i]) x.d.columns[0].exact[i] = 1e9; /* rows that nobody may look at */
  assert_int_equal(schema_collect(&x.s, &x.d, 1, &err), UNROLL_OK);
  x.d.n_symbols = ROWS;
  for (int64_t i = 0; i < ROWS; i++) x.d.first[i + 1] = i + 1;
  assert_int_equal(part_split(&parts[0], &parts[1], &parts[2], &x.d, 0.2, 0.3, 5, &err), UNROLL_OK);
  assert_true(parts[0].n > 20 && parts[0].n < 60);
  for (int64_t i = 0; i < parts[0].n; i++) sum += (double)(parts[0].list[i] * parts[0].list[i]);
  const double mean = sum / (double)parts[0].n;
  for (int64_t i = 0; i < parts[0].n; i++) {
    const double away = (double)(parts[0].list[i] * parts[0].list[i]) - mean;
    squares += away * away;
    assert_false(x.d.held[parts[0].list[i]]);
  }
  assert_true(x.s.list[0].mean[0] == mean && x.s.list[0].deviation[0] == sqrt(squares / (double)parts[0].n));
  for (int i = 0; i < ROWS; i++) {
    char word[16];
    const int size = snprintf(word, sizeof word, "word%d", i);
    assert_true((vocabulary_find_word(&x.s.list[1].words, word, (size_t)size) == 0) == x.d.held[i]); /* 0: <unk> */
  }
  assert_int_equal(x.d.columns[1].words.count[lexicon_find(&x.d.columns[1].words, "all", 3)], ROWS); /* put back */
  for (int i = 0; i < 3; i++) part_free(&parts[i]);
  text_free(&csv);
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* The bit of a pen stays one. */
static void test_pen(void **state) {
  (void)state;
  static const char csv[] = "x,y\n1,1;4;0\n2,3;8;1\n";
  loaded x;
  unroll_error err = {0};
  if (load_codes(&x, "data x : number\ndata y : numbers\ny ~ mixture(2, W x + b)\n", "test.csv", csv, strlen(csv), NULL, &err))
    fail_msg("%s", err.message);
  x.s.standardise = true;
  assert_int_equal(schema_collect(&x.s, &x.d, 1, NULL), UNROLL_OK);
  assert_int_equal(dataset_encode(&x.d, &x.s, NULL), UNROLL_OK);
  static const float want[] = {-1, -1, 0, 1, 1, 1};
  assert_memory_equal(x.d.columns[1].numbers, want, sizeof want);
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* end(y), declared before y: a bit for each of its steps, however they are written. */
static void test_ends(void **state) {
  (void)state;
  static const char net[] = "data stop : end(y)\ndata y : number\nh = rnn(y[t-1], 4)\ny ~ gaussian(mean = W h, scale = 1)\n"
                            "stop ~ bernoulli(E [h, y])\n";
  static const struct {
    const char *csv, *series;
  } tables[] = {{"y\n1 2 3\n4\n5 6\n", NULL}, {"s,y\na,1\na,2\na,3\nb,4\nc,5\nc,6\n", "s"}};
  static const float want[] = {0, 0, 1, 1, 0, 1};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    loaded x;
    unroll_error err = {0};
    if (load(&x, net, tables[i].csv, tables[i].series, &err)) fail_msg("%s", err.message);
    assert_int_equal(x.d.columns[0].n, 6);
    assert_memory_equal(x.d.columns[0].numbers, want, sizeof want);
    assert_int_equal(x.d.n_symbols, 12);
    loaded_free(&x);
  }
  assert_int_equal(mem_live(), 0);
}

/* --- batches --- */

static void check_axis(const batch *b, int a, int steps, const int *active, const int *order) {
  const batch_axis *x = &b->axes[a];
  assert_int_equal(x->steps, steps);
  for (int t = 0; t < steps; t++) {
    assert_int_equal(x->active[t], active[t]);
    assert_int_equal(x->first[t + 1] - x->first[t], active[t]);
  }
  for (int i = 0; i < b->rows; i++) assert_int_equal(x->order ? x->order[i] : i, order[i]);
}

static int find_input(const graph *g, const char *name, int lag) {
  for (int i = 0; i < g->n_inputs; i++)
    if (!strcmp(g->data[g->inputs[i].data].name, name) && g->inputs[i].lag == lag) return i;
  fail_msg("no input %s %d", name, lag);
  return -1;
}

/* Two axes with different orders, lags, static values; sequences without steps. */
static void test_batch(void **state) {
  (void)state;
  loaded x;
  part p;
  batcher *b;
  unroll_error err = {0};
  static const char net[] = "data a : chars\ndata b : numbers(2)\ndata k : category\ndata z : number\n"
                            "h = rnn(embed(a, 2), 3)\ng = rnn([b[t-2], b], 3, start = h)\n"
                            "k ~ softmax(W last(g) + bk)\nz ~ gaussian(mean = V h + bz, scale = 1)\n";
  static const char csv[] = "a,b,k,z\npq,,X,1 -1\n,1;2,Y,\npqr,3;4 5;6 7;8,X,1 2 3\n";
  if (load(&x, net, csv, NULL, &err)) fail_msg("%d:%d: %s", err.line, err.column, err.message);
  assert_int_equal(x.g.n_axes, 2);
  assert_int_equal(part_whole(&p, &x.d, NULL), UNROLL_OK);
  assert_int_equal(p.n_symbols, 2 + 1 + 0 + 1 + 3 + 1);
  if (batcher_new(&b, &x.g, &p, &(batch_options){.rows = 8, .steps = 1, .schema = &x.s}, &err)) fail_msg("%s", err.message);
  assert_int_equal(batcher_count(b), 1);
  assert_int_equal(batcher_rows(b), 3);
  assert_int_equal(batcher_steps(b), 3);
  const batch *y = batcher_get(b, 0, 0); /* examples 2, 0, 1 */
  assert_int_equal(y->rows, 3);
  const int axis_a = x.g.data[0].axis;
  check_axis(y, axis_a, 3, (int[]){2, 2, 1}, (int[]){0, 1, 2});     /* pqr, pq, - */
  check_axis(y, 1 - axis_a, 3, (int[]){2, 1, 1}, (int[]){0, 2, 1}); /* three, one (row 2), none */
  const int32_t *a = y->index[find_input(&x.g, "a", 0)], wanted_a[] = {0, 0, 1, 1, 2};
  for (int i = 0; i < 5; i++) assert_int_equal(a[i], wanted_a[i]);
  const float *v = y->number[find_input(&x.g, "b", 0)], wanted_b[] = {3, 4, 1, 2, 5, 6, 7, 8};
  for (int i = 0; i < 8; i++) assert_true(v[i] == wanted_b[i]);
  const float *lagged = y->number[find_input(&x.g, "b", 2)], wanted_lag[] = {0, 0, 0, 0, 0, 0, 3, 4};
  for (int i = 0; i < 8; i++) assert_true(lagged[i] == wanted_lag[i]);
  const int32_t *k = y->index[find_input(&x.g, "k", 0)], wanted_k[] = {0, 0, 1};
  for (int i = 0; i < 3; i++) assert_int_equal(k[i], wanted_k[i]);
  const float *z = y->number[find_input(&x.g, "z", 0)], wanted_z[] = {1, 1, 2, -1, 3};
  for (int i = 0; i < 5; i++) assert_true(z[i] == wanted_z[i]);
  assert_int_equal(batcher_symbols(b), 8);
  assert_true(y->loss_scale == 1.0 / 8);
  int64_t example, step;
  char place[100];
  batcher_where(b, 0, 2, &example, &step); /* the loss of k: row 2 of the batch is example 1 */
  assert_int_equal(example, 1);
  assert_int_equal(step, 0);
  dataset_tell(&x.d, example, step, place, sizeof place);
  assert_string_equal(place, "row 3, step 1 of the data");
  batcher_where(b, 1, 3, &example, &step); /* of z: step 1 of example 0 */
  assert_int_equal(example, 0);
  assert_int_equal(step, 1);
  dataset_tell(&x.d, example, step, place, sizeof place);
  assert_string_equal(place, "row 2, step 2 of the data");
  batcher_free(b);
  part_free(&p);
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* Every example is there once in every epoch, whatever the order; rows are by length. */
static void test_epochs(void **state) {
  (void)state;
  text csv = {0};
  loaded x;
  part p[3];
  batcher *b;
  unroll_error err = {0};
  text_add(&csv, "text,label\n", 11);
  for (int i = 0; i < 300; i++) {
    for (int k = 0; k < i * 37 % 11; k++) text_format(&csv, "w%d ", i);
    text_format(&csv, ",%d\n", i);
  }
  if (load(&x, CLASSIFY, csv.data, NULL, &err)) fail_msg("%s", err.message);
  if (part_split(&p[0], &p[1], &p[2], &x.d, 0.2, 0.1, 3, &err)) fail_msg("%s", err.message);
  assert_int_equal(p[0].n + p[1].n + p[2].n, 300);
  assert_true(p[0].n > 150 && p[1].n > 30 && p[2].n > 10);
  if (batcher_new(&b, &x.g, &p[0], &(batch_options){.rows = 7, .steps = 1, .seed = 2, .shuffle = true, .schema = &x.s}, &err))
    fail_msg("%s", err.message);
  for (int epoch = 0; epoch < 2; epoch++) {
    int seen[300] = {0};
    for (int64_t i = 0; i < batcher_count(b); i++) {
      const batch *y = batcher_get(b, epoch, i);
      assert_true(y->axes[0].first[y->axes[0].steps] <= batcher_cells(b) && y->axes[0].steps <= batcher_steps(b));
      for (int k = 0; k < y->rows; k++) seen[batcher_examples(b)->list[k]]++;
    }
    for (int64_t i = 0; i < p[0].n; i++) assert_int_equal(seen[p[0].list[i]], 1);
  }
  batcher_free(b);
  for (int i = 0; i < 3; i++) part_free(&p[i]);
  loaded_free(&x);
  text_free(&csv);
  assert_int_equal(mem_live(), 0);
}

/* The n-th allocation fails: an error, and nothing is left behind. */
static void test_memory(void **state) {
  (void)state;
  int failures = 0;
  static const char csv[] = "from,to\nab,\"x\"\"y\"\nc,\xc3\xa9z\nabc,\n";
  for (long n = 1;; n++) {
    loaded x;
    part p = {0};
    batcher *b = NULL;
    unroll_error err = {0};
    mem_fail_after(n, 0);
    unroll_status status = load(&x, TRANSLATE, csv, NULL, &err);
    if (!status) status = part_whole(&p, &x.d, &err);
    if (!status) status = batcher_new(&b, &x.g, &p, &(batch_options){.rows = 2, .steps = 1, .schema = &x.s}, &err);
    if (!status) batcher_get(b, 0, 0);
    mem_fail_after(0, 0);
    batcher_free(b);
    part_free(&p);
    loaded_free(&x);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
    failures++;
  }
  assert_true(failures > 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cells),        cmocka_unit_test(test_words),    cmocka_unit_test(test_plain),
      cmocka_unit_test(test_vocabularies), cmocka_unit_test(test_reads),    cmocka_unit_test(test_standardised),
      cmocka_unit_test(test_levels),       cmocka_unit_test(test_held_out), cmocka_unit_test(test_pen),
      cmocka_unit_test(test_ends),         cmocka_unit_test(test_batch),    cmocka_unit_test(test_epochs),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
