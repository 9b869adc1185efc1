/* tagger.c - tags sentences word by word, as somebody types them: trains on a file of tagged text, then reads standard input.
 * cc tagger.c $(pkg-config --cflags --libs unroll) && ./a.out stepwise.net train.txt model-folder <sentences.txt */
#include <stdio.h>
#include <string.h>
#include <unroll.h>

static int fail(const unroll_error *err) {
  fprintf(stderr, "%s: %s\n", err->file, err->message);
  return 1;
}

/* The sequence so far decides; the likeliest tag is what the next step sees. */
static unroll_status tag_line(unroll_session *s, char *line, unroll_error *err) {
  unroll_sample_options likeliest;
  unroll_value tag;
  unroll_sample_options_init(&likeliest);
  likeliest.temperature = 0;
  unroll_value_init(&tag);
  unroll_session_reset(s);
  for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
    unroll_status status = unroll_session_set_text(s, 0, "text", word, strlen(word), err);
    if (!status) status = unroll_session_step(s, err);
    if (!status) status = unroll_session_draw(s, 0, "tag", &likeliest, &tag, err);
    if (status) return status;
    printf("%s/%s ", word, tag.text);
    fflush(stdout);
  }
  printf("\n");
  return UNROLL_OK;
}

int main(int argc, char **argv) {
  unroll_error err = {0};
  unroll_options *train = unroll_options_new("train");
  unroll_table *data = unroll_table_new();
  unroll_model *model = NULL;
  unroll_session *session = NULL;
  char line[1000];
  int failed = 1;

  if (argc != 4 || !train || !data) {
    fprintf(stderr, "usage: tagger NET TAGGED.txt FOLDER <SENTENCES\n");
  } else if (unroll_options_set(train, "net", argv[1], &err) || unroll_options_set(train, "tagged", "text,tag", &err) ||
             unroll_options_set(train, "output", argv[3], &err) || unroll_options_set(train, "epochs", "20", &err) ||
             unroll_options_set(train, "lr", "0.01", &err) || unroll_table_read(data, argv[2], &err) ||
             unroll_train_table(train, data, NULL, NULL, &model, &err) || unroll_session_new(&session, model, &err)) {
    fail(&err);
  } else {
    failed = 0;
    while (!failed && fgets(line, sizeof line, stdin))
      if (tag_line(session, line, &err)) failed = fail(&err);
  }
  unroll_session_free(session);
  unroll_model_free(model);
  unroll_table_free(data);
  unroll_options_free(train);
  return failed;
}
