/* main.c - the program `unroll`: finds the command, reads its options, runs it, reports its failure.
 * Data goes to standard output, everything else to standard error. The exit code is the unroll_status. */
#include <stdio.h>
#include <string.h>
#include "base/cpu.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "lang/lang.h"

static const command *const commands[] = {&command_train,   &command_sample,  &command_score, &command_eval,
                                          &command_predict, &command_explain, &command_check, &command_run,
                                          &command_bench,   &command_task,    &command_list,  &command_show};
enum { N_COMMANDS = sizeof commands / sizeof *commands, MAX_NAMES = 256 };

static void print_usage(FILE *out) {
  fprintf(out, "usage: unroll COMMAND ...\n\nTrains and runs recurrent networks from their equations.\n\nCommands:\n");
  for (int i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fprintf(out, "  %-10s %s\n\n", "completion", "completion for the shell: eval \"$(unroll completion bash)\"");
  fprintf(out, "'unroll COMMAND --help' explains a command. A first step:\n"
               "    printf hello | unroll train language - -o hello\n\n"
               "Exit codes: 0 done, 1 failed, 2 usage, 3 bad input file, 130 interrupted.\n");
}

static const command *find_command(const char *name) {
  for (int i = 0; i < N_COMMANDS; i++)
    if (!strcmp(commands[i]->name, name)) return commands[i];
  return NULL;
}

static unroll_status print_help(const command *c, unroll_error *err) {
  text out = {0};
  options_help(c, &out);
  if (!out.failed && out.data) fputs(out.data, stdout);
  const bool failed = out.failed != 0;
  text_free(&out);
  return failed ? error_memory(err) : UNROLL_OK;
}

static void print_completion_help(void) {
  puts("usage: unroll completion bash\n\nPrints completion for bash: eval \"$(unroll completion bash)\"");
}

static unroll_status print_completion(int argc, char **argv, unroll_error *err) {
  if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    print_completion_help();
    return UNROLL_OK;
  }
  if (argc != 2 || strcmp(argv[1], "bash"))
    return error_set(err, UNROLL_USAGE, "'unroll completion' knows one shell: unroll completion bash");
  const char *names[MAX_NAMES];
  command all[N_COMMANDS];
  int n = 0;
  for (const builtin *b = lang_nets; b->name && n < MAX_NAMES; b++) names[n++] = b->name;
  for (const builtin *b = lang_cells; b->name && n < MAX_NAMES; b++) names[n++] = b->name;
  for (int i = 0; i < N_COMMANDS; i++) all[i] = *commands[i];
  text out = {0};
  options_completion(all, N_COMMANDS, names, n, &out);
  if (!out.failed && out.data) fputs(out.data, stdout);
  const bool failed = out.failed != 0;
  text_free(&out);
  return failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status unknown_command(const char *name, unroll_error *err) {
  const char *names[N_COMMANDS + 2];
  for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i]->name;
  names[N_COMMANDS] = "completion";
  names[N_COMMANDS + 1] = "help";
  const char *near = text_nearest(name, names, N_COMMANDS + 2);
  if (near) return error_set(err, UNROLL_USAGE, "unknown command '%s'; did you mean '%s'?", name, near);
  return error_set(err, UNROLL_USAGE, "unknown command '%s'; 'unroll help' lists all", name);
}

static unroll_status run_command(const command *c, int argc, char **argv, unroll_error *err) {
  options o;
  unroll_status status = options_read(&o, c, argc, argv, err);
  if (!status && o.help) {
    status = print_help(c, err);
  } else if (!status) {
    status = options_check_arguments(&o, c, err);
    if (!status && cpu_isa_problem()) terminal_warn("%s", cpu_isa_problem());
    if (!status) status = c->run(&o, err);
  }
  if (status == UNROLL_USAGE) {
    terminal_error(err);
    fprintf(stderr, "'unroll %s --help' explains the command.\n", c->name);
    *err = (unroll_error){0}; /* said */
  }
  options_free(&o);
  return status;
}

static unroll_status dispatch(int argc, char **argv, unroll_error *err) {
  const char *name = argc > 1 ? argv[1] : NULL;
  if (!name) {
    print_usage(stderr);
    return UNROLL_USAGE;
  }
  if (!strcmp(name, "--version")) {
    printf("unroll %s\n", unroll_version());
    return UNROLL_OK;
  }
  if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h")) {
    if (argc == 2) {
      print_usage(stdout);
      return UNROLL_OK;
    }
    if (!strcmp(argv[2], "completion")) {
      print_completion_help();
      return UNROLL_OK;
    }
    const command *c = find_command(argv[2]);
    return c ? print_help(c, err) : unknown_command(argv[2], err);
  }
  if (!strcmp(name, "completion")) return print_completion(argc - 1, argv + 1, err);
  const command *c = find_command(name);
  return c ? run_command(c, argc - 1, argv + 1, err) : unknown_command(name, err);
}

int main(int argc, char **argv) {
  unroll_error err = {0};
  terminal_init();
  signals_init();
  unroll_status status = dispatch(argc, argv, &err);
  progress_end();
  if (status && *err.message) terminal_error(&err);
  unroll_error closing = {0};
  if (output_close(&closing) && !status) {
    status = closing.code;
    terminal_error(&closing);
  }
  return (int)status;
}
