/* test_table_bad.c - tables that must be refused, with line, column, and the row and column named. */
#include "tables.h"

#define COUNTS "data x : number\ndata y : number\ny ~ negative_binomial(mean = exp(W x + b), shape = 0.5)\n"
#define BITS "data x : number\ndata y : numbers(2)\ny ~ bernoulli(W x + b)\n"
#define PEN "data x : number\ndata y : numbers(3)\ny ~ mixture(1, W x + b)\n"
#define WEIGHED "data x : number\ndata y : number\ndata w : number\ny ~ gaussian(W x + b, 1, weight = w)\n"

static const struct {
  const char *net, *series, *csv;
  int line, column;
  const char *message;
} rows[] = {
    /* the file */
    {CLASSIFY, NULL, "", 0, 0, "the file is empty"},
    {CLASSIFY, NULL, "\xef\xbb\xbf", 0, 0, "the file is empty"},
    {CLASSIFY, NULL, "text,label\n", 0, 0, "no rows"},
    {CLASSIFY, NULL, "text,label\n\n\n", 0, 0, "no rows"},
    {CLASSIFY, NULL, "text,label\na,x\nb\n", 3, 1, "row 3 has 1 field, but there are 2 columns"},
    {CLASSIFY, NULL, "text,label\na,x\nb,y,z\n", 3, 5, "row 3 has 3 fields, but there are 2 columns"},
    {CLASSIFY, NULL, "text,label\na,x\n\nb,y\n", 3, 1, "row 3 has 1 field"},
    {CLASSIFY, NULL, "text,label\n\"a\nb\",x\nc,y,\n", 4, 5, "row 3 has 3 fields"},
    {CLASSIFY, NULL, "text,label\na,\"x\nb,y\n", 2, 3, "never closed"},
    {CLASSIFY, NULL, "text,label\na,\"x\"y\n", 2, 6, "text after the closing quote"},
    {CLASSIFY, NULL, "text,label\n\"so\" he said,x\n", 2, 5, "text after the closing quote"},
    {CLASSIFY, NULL, "text,label\n\"a\nb\" ,x\n", 3, 3, "text after the closing quote"},
    {CLASSIFY, NULL, "\"text,label\n", 1, 1, "never closed"},
    /* columns */
    {CLASSIFY, NULL, "text,tag\na,x\n", 1, 1, "there is no column 'label'; the columns are: text, tag"},
    {CLASSIFY, NULL, "text,Label\na,x\n", 1, 1, "there is no column 'label'"},
    {CLASSIFY, NULL, "text,label,text\na,x,b\n", 1, 12, "row 1, column 'text': two columns have this name"},
    {CLASSIFY, "id", "text,label\na,x\n", 1, 1, "there is no column 'id'"},
    {REGRESS, NULL, "y,x2\n1,2\n", 1, 1, "there is no column 'x'"},
    {REGRESS, NULL, "x1,x2,x1,y\n1,2,3,4\n", 1, 7, "two columns have this name"},
    {"data v : numbers(3)\ndata k : category\nk ~ softmax(W v + b)\n", NULL, "v1,v2,k\n1,2,a\n", 1, 1,
     "'v' has 3 entries, but there are 2"},
    /* texts and labels */
    {CLASSIFY, NULL, "text,label\na,x\nb,\n", 3, 3, "row 3, column 'label': empty: a label is missing"},
    {CLASSIFY, NULL, "text,label\na\xff,x\n", 2, 2, "row 2, column 'text': invalid UTF-8"},
    {CLASSIFY, NULL, "text,label\n\xc3\xa9t\xc3\xa9,\xc3\n", 2, 5, "row 2, column 'label': invalid UTF-8"},
    {CLASSIFY, "id", "id,text,label\n1,a,\n1,b,\n2,c,x\n", 2, 5, "row 2, column 'label': empty"},
    {CLASSIFY, "id", "id,text,label\n1,a,x\n1,,\n", 3, 3, "row 3, column 'text': empty: a word is missing"},
    {TAG, NULL, "word,tag\na b,X\n", 2, 5, "row 2, column 'tag': 1 steps, but 'word' has 2"},
    {TAG, NULL, "word,tag\na,X\nU.S.,X\n", 3, 6, "row 3, column 'tag': 1 steps, but 'word' has 4"},
    {TAG, "s", "s,word,tag\n1,a,X\n1,b,\n", 3, 5, "row 3, column 'tag': empty: a label is missing"},
    {TRANSLATE, NULL, "from,to\na,\"b\nc\"\n", 2, 5, "row 2, column 'to': a newline in a text that ends with an end symbol"},
    {TRANSLATE, "s", "s,from,to\n1,a,b\n1,ab,c\n", 3, 3, "row 3, column 'from': 2 symbols where the net takes one at each step"},
    {"data a : category(2)\ndata y : number\ny ~ gaussian(mean = W embed(a, 2) + b, scale = 1)\n", NULL, "a,y\np,1\nq,1\nr,1\n", 0,
     0, "'a': more than 2 labels: 'r'"},
    {"data a : hex\ndata label : category\nlabel ~ softmax(W last(rnn(embed(a, 2), 3)) + b)\n", NULL, "a,label\n61 6,x\n", 2, 4,
     "row 2, column 'a': a byte is two digits of 0 to 9 and a to f"},
    {"data a : hex\nh = rnn(embed(a[t-1], 2), 3)\ndata b : number\na ~ softmax(W h + V b)\n", NULL, "a,b\n610a,1\n", 2, 3,
     "row 2, column 'a': 0a, a newline, in a text that ends with an end symbol"},
    /* tagged text */
    {TAG, "tagged word,tag", "a X\n\nb Y Z\n", 3, 1, "3 fields, but there are 2 columns"},
    {TAG, "tagged word,tag", "a X\nb\n", 2, 1, "1 field, but there are 2 columns"},
    {TAG, "tagged word,tag", " \n\n", 0, 0, "no rows"},
    {TAG, "tagged word,tag", "", 0, 0, "the file is empty"},
    {TAG, "tagged word,tag", "a X\n\n b\xff Y\n", 3, 3, "row 3, column 'word': invalid UTF-8"},
    {REGRESS, "tagged x,y", "1 2\n\n3 4\n5 z\n", 4, 3, "row 4, column 'y': 'z' is no number"},
    /* numbers */
    {REGRESS, NULL, "x,y\n1 2,3\n1 two,3\n", 3, 3, "row 3, column 'x': 'two' is no number"},
    {REGRESS, NULL, "x,y\n1 2,3\n1,\n", 3, 3, "row 3, column 'y': empty: a number is missing"},
    {REGRESS, NULL, "x,y\n1 2,3 4\n", 2, 5, "row 2, column 'y': 2 numbers where the net takes one for each example"},
    {REGRESS, NULL, "x,y\n1 2,nan\n", 2, 5, "'nan' is no number"},
    {REGRESS, NULL, "x,y\n1 2,inf\n", 2, 5, "'inf' is no number"},
    {REGRESS, NULL, "x,y\n1 1e39,3\n", 2, 3, "'1e39' is no number"},
    {COUNTS, NULL, "x,y\n1,3\n1,2.5\n", 3, 3, "row 3, column 'y': '2.5' is no count"},
    {COUNTS, NULL, "x,y\n1,-1\n", 2, 3, "'-1' is no count"},
    {BITS, NULL, "x,y\n1,0;1\n1,1;2\n", 3, 5, "row 3, column 'y': '2' is neither 0 nor 1"},
    {BITS, NULL, "x,y\n1,-1;1\n", 2, 3, "row 2, column 'y': '-1' is neither 0 nor 1"},
    {BITS, NULL, "x,y1,y2\n1,1,0\n2,1,255\n", 3, 5, "row 3, column 'y2': '255' is neither 0 nor 1"},
    {PEN, NULL, "x,y\n1,2;-3;1\n2,1;1;0.5\n", 3, 7, "row 3, column 'y': '0.5' is neither 0 nor 1"},
    {WEIGHED, NULL, "x,y,w\n1,2,0\n2,1,-0.5\n", 3, 5, "row 3, column 'w': '-0.5' is negative, and weights cannot be"},
    {WEIGHED, NULL, "x,y,w\n1,2,0\n2,1,0\n", 0, 0, "column 'w': all weights are 0, so nothing would be learned"},
    {REGRESS, NULL, "x,y\n1 0x10,3\n", 2, 3, "'0x10' is no number"},
    {REGRESS, NULL, "x,y\n1 2,\"1,5\"\n", 2, 6, "'1,5' is no number"},
    {REGRESS, NULL, "x,y\n1;2 3,3\n", 2, 5, "row 2, column 'x': '3' has less than 2 numbers"},
    {REGRESS, NULL, "x,y\n1;2 3;4;5,3\n", 2, 5, "'3;4;5' has more than 2 numbers"},
    {REGRESS, NULL, "x,y\n1;2 3;,3\n", 2, 7, "row 2, column 'x': a number is missing"},
    {REGRESS, NULL, "x1,x2,y\n1 2,3,4\n", 2, 5, "row 2, column 'x2': less numbers than in the column 'x1'"},
    {REGRESS, NULL, "x1,x2,y\n1,2 3,4\n", 2, 3, "row 2, column 'x2': more numbers than in the column 'x1'"},
    {REGRESS, "id", "id,x,y\n1,1,2\n1,1 2,2\n", 3, 3, "row 3, column 'x': 2 numbers where the net takes one at each step"},
    {REGRESS, "id", "id,x,y\n1,1,2\n1,,2\n", 3, 3, "row 3, column 'x': empty: a number is missing"},
    {REGRESS, "id", "id,x,y\n1,1,\n1,2,\n", 2, 5, "row 2, column 'y': empty"},
};

enum { BLANK = 6 }; /* its line is empty */

static void test_bad(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loaded x;
    unroll_error err = {0};
    unroll_status status = load(&x, rows[i].net, rows[i].csv, rows[i].series, &err);
    if (status != UNROLL_BAD_INPUT || err.code != status || err.line != rows[i].line || err.column != rows[i].column ||
        !strstr(err.message, rows[i].message) || strcmp(err.file, "test.csv") || (err.line > 0 && !err.source[0] && i != BLANK))
      fail_msg("%zu: expected %d:%d: %s\nfound %d %s:%d:%d: %s", i, rows[i].line, rows[i].column, rows[i].message, (int)status,
               err.file, err.line, err.column, err.message);
    loaded_free(&x);
    status = load(&x, rows[i].net, rows[i].csv, rows[i].series, NULL);
    assert_int_equal(status, UNROLL_BAD_INPUT);
    loaded_free(&x);
    assert_int_equal(mem_live(), 0);
  }
}

static void test_nul(void **state) {
  (void)state;
  loaded x;
  unroll_error err = {0};
  assert_int_equal(load_codes(&x, CLASSIFY, "test.csv", "text,label\na\0b,x\n", 17, NULL, &err), UNROLL_BAD_INPUT);
  assert_int_equal(err.line, 2);
  assert_int_equal(err.column, 2);
  loaded_free(&x);
}

/* What the vocabulary of another table lacks. */
static const struct {
  const char *net, *series, *known, *csv;
  int line;
  const char *message;
} unknown[] = {
    {CLASSIFY, NULL, "text,label\na,x\n", "text,label\n\"q\n\",x\nb,y\n", 4,
     "row 3, column 'label': the model does not know the label 'y'"},
    {TAG, "s", "s,word,tag\n1,a,x\n", "s,word,tag\n1,a,x\n2,b,x\n2,c,q\n", 4,
     "row 4, column 'tag': the model does not know the label 'q'"},
    {CLASSIFY, "s", "s,text,label\n1,a,x\n", "s,text,label\n1,a,x\n2,b,q\n2,c,\n", 3,
     "row 3, column 'label': the model does not know the label 'q'"},
    {TAG, "tagged word,tag", "a x\n", "a x\n\nb x\nc q\n", 4, "row 4, column 'tag': the model does not know the label 'q'"},
    {TRANSLATE, NULL, "from,to\na,b\n", "from,to\na,b\naq,b\n", 3,
     "row 3, column 'from', symbol 2: the model does not know the character 'q'"},
};

static void test_unknown(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    loaded x, y;
    unroll_error err = {0};
    assert_int_equal(load(&x, unknown[i].net, unknown[i].known, unknown[i].series, &err), UNROLL_OK);
    const bool tagged = unknown[i].series && !strncmp(unknown[i].series, "tagged ", 7);
    if (load_codes(&y, unknown[i].net, tagged ? unknown[i].series : "test.csv", unknown[i].csv, strlen(unknown[i].csv),
                   tagged ? NULL : unknown[i].series, &err))
      fail_msg("%s", err.message);
    assert_int_equal(dataset_encode(&y.d, &x.s, &err), UNROLL_BAD_INPUT);
    if (err.line != unknown[i].line || !strstr(err.message, unknown[i].message)) fail_msg("%zu: %d: %s", i, err.line, err.message);
    loaded_free(&x);
    loaded_free(&y);
  }
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad), cmocka_unit_test(test_nul), cmocka_unit_test(test_unknown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
