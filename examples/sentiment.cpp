// sentiment.cpp - a classifier in C++: trains on a table with the columns text and label, and says what it makes of sentences.
// c++ sentiment.cpp $(pkg-config --cflags --libs unroll) && ./a.out reviews.csv model-folder "a fine film" "what a bore"
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <unroll.h>
#include <vector>

struct Free {
  void operator()(unroll_options *o) const { unroll_options_free(o); }
  void operator()(unroll_table *t) const { unroll_table_free(t); }
  void operator()(unroll_model *m) const { unroll_model_free(m); }
  void operator()(unroll_result *r) const { unroll_result_free(r); }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

static unroll_error err;
static void check(unroll_status status) {
  if (status != UNROLL_OK) throw std::runtime_error(std::string(err.file) + ": " + err.message);
}

static Owned<unroll_model> train(const char *file, const char *folder) {
  const std::vector<std::pair<const char *, const char *>> given = {
      {"net", "sentiment"},    {"output", folder},  {"steps", "60"},       {"lr", "0.01"},
      {"set", "embedding=16"}, {"set", "hidden=16"}, {"set", "drop=0"}};
  Owned<unroll_options> options(unroll_options_new("train"));
  Owned<unroll_table> data(unroll_table_new());
  unroll_model *model = nullptr;
  for (const auto &one : given) check(unroll_options_set(options.get(), one.first, one.second, &err));
  check(unroll_table_read(data.get(), file, &err));
  check(unroll_train_table(options.get(), data.get(), nullptr, nullptr, &model, &err));
  return Owned<unroll_model>(model);
}

int main(int argc, char **argv) try {
  if (argc < 4) throw std::runtime_error("usage: sentiment DATA.csv FOLDER SENTENCE...");
  const Owned<unroll_model> model = train(argv[1], argv[2]);
  Owned<unroll_table> sentences(unroll_table_new());
  check(unroll_table_add_texts(sentences.get(), "text", argv + 3, nullptr, argc - 3, &err));
  Owned<unroll_options> options(unroll_options_new("predict"));
  check(unroll_options_set(options.get(), "probabilities", "yes", &err));
  unroll_result *made = nullptr;
  check(unroll_predict(model.get(), sentences.get(), options.get(), &made, &err));
  const Owned<unroll_result> result(made);
  for (int64_t i = 0; i < unroll_result_rows(made); i++) {
    unroll_value label;
    unroll_value_init(&label);
    check(unroll_result_value(made, i, "label", &label, &err));
    std::printf("%s: %s", argv[3 + i], label.text);
    for (int k = 0; k < label.n_probabilities; k++)
      std::printf(" %s=%.2f", unroll_model_label(model.get(), "label", k, nullptr), static_cast<double>(label.probabilities[k]));
    std::printf("\n");
  }
} catch (const std::exception &e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
