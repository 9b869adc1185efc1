/* main.c - the program `unroll`: finds the command, reads its options, runs it, reports its failure.
 * Data goes to standard output, everything else to standard error. The exit code is the unroll_status. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/budget.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/pin.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "io/json.h"
#include "ranks/ranks.h"

enum { WIDTH = 80 };

static int width_of(int file) {
  const int columns = terminal_columns(file);
  return columns > 0 && columns < WIDTH ? columns : WIDTH;
}

static unroll_status print_overview(FILE *file, unroll_error *err) {
  text out = {0};
  options_overview(width_of(fileno(file)), &out);
  if (!out.failed && out.data) fputs(out.data, file);
  const bool failed = out.failed != 0;
  text_free(&out);
  return failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status print_help(const command *c, unroll_error *err) {
  text out = {0};
  options_help(c, width_of(STDOUT_FILENO), &out);
  if (!out.failed && out.data) fputs(out.data, stdout);
  const bool failed = out.failed != 0;
  text_free(&out);
  return failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status unknown_command(const char *name, unroll_error *err) {
  const char *names[N_COMMANDS + 1];
  for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
  names[N_COMMANDS] = "help";
  const char *near = text_nearest(name, names, N_COMMANDS + 1);
  if (near) return error_set(err, UNROLL_USAGE, "unknown command '%s'; did you mean '%s'?", name, near);
  return error_set(err, UNROLL_USAGE, "unknown command '%s'; 'unroll help' lists all", name);
}

/* Of several ranks number 0 speaks for all. */
static bool silent(void) {
  int own;
  return ranks_started(&own) > 1 && own > 0;
}

/* The others must not wait for a rank that cannot go on. What happens to all of them rank 0 says, and ends the others. */
static void end_ranks(unroll_status status, const unroll_error *err) {
  const ranks *r = ranks_here();
  if (!r) return;
  if (!status || status == UNROLL_INTERRUPTED) {
    ranks_end();
    return;
  }
  if (r->own) {
    sleep(3);
    fprintf(stderr, "rank %d: ", r->own);
    terminal_error(err);
  }
  ranks_fail((int)status);
}

/* Commands whose work ranks share. The others rank 0 does alone. */
enum { SHARED = IN(train) | IN(search) | IN(eval) | IN(predict) | IN(score) };

/* Program and options; which data and model is found out where they are read. */
static unroll_status same_command(const options *o, const ranks *r, unroll_error *err) {
  static const char *const free_ones[] = {"threads", "memory", "max-memory", "output", "quiet", "jobs", "pin", "cache"};
  uint64_t hash = 0;
  for (int i = 0; i < o->n_typed; i++) {
    bool may_differ = false;
    for (size_t k = 0; k < sizeof free_ones / sizeof *free_ones; k++) may_differ |= !strcmp(o->typed[i].name, free_ones[k]);
    if (may_differ) continue;
    hash = hash_bytes(hash, o->typed[i].name, strlen(o->typed[i].name));
    if (o->typed[i].value) hash = hash_bytes(hash, o->typed[i].value, strlen(o->typed[i].value));
  }
  const ranks_trait traits[] = {{"another program", ranks_program()}, {"other options", hash}};
  return ranks_same(r, UNROLL_OK, traits, sizeof traits / sizeof *traits, err);
}

/* How ranks read data, and where threads are. */
static void settle(const options *o) {
  int own, near;
  bool first = o->data_from_rank_0;
  for (int i = 0; i < o->n_arguments; i++) first |= !strcmp(o->arguments[i], "-"); /* only rank 0 has a standard input */
  ranks_set_data_first(first);
  near = ranks_near(&own);
  if (o->pin) pin_threads(own, near);
}

/* What a rank other than 0 prints and writes goes nowhere. */
static void be_silent(options *o, const command *c) {
  o->quiet = true;
  o->json = false;
  if (!ranks_here() || c->bit == IN(train)) return; /* training knows by itself what it writes */
  terminal_mute();
  if (c->bit != IN(search)) o->output = NULL;
  if (!freopen("/dev/null", "w", stdout)) fclose(stdout);
}

static unroll_status run_command(const command *c, int argc, char **argv, unroll_error *err) {
  options o;
  unroll_status status = options_read(&o, c, argc, argv, err);
  if (!status && o.help) {
    status = print_help(c, err);
  } else if (!status) {
    status = options_check_arguments(&o, c, err);
    if (!status && cpu_isa_problem()) terminal_warn("%s", cpu_isa_problem());
    if (o.max_memory > 0) budget_set((uint64_t)o.max_memory);
    if (o.max_operations > 0) budget_set_operations((int)o.max_operations);
    if (!status && c->bit & SHARED) status = ranks_begin(err);
    if (!status && ranks_here() && c->bit != IN(train)) status = same_command(&o, ranks_here(), err);
    settle(&o);
    if (silent()) be_silent(&o, c);
    if (!status && (!silent() || ranks_here())) status = c->run(&o, err); /* the others rank 0 does alone */
    if (!status && o.json && mem_failures()) status = error_memory(err);  /* without its list a command prints text */
  }
  if (status == UNROLL_USAGE && !silent()) {
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
    const unroll_status status = print_overview(stderr, err);
    return status ? status : UNROLL_USAGE;
  }
  if (!strcmp(name, "--version")) {
    printf("unroll %s\n%s\n", unroll_version(), unroll_parts());
    return UNROLL_OK;
  }
  const bool help = !strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h");
  if (help && argc == 2) return print_overview(stdout, err);
  if (help) name = argv[2];
  const command *c = command_find(name);
  if (!c) return unknown_command(name, err);
  return help ? print_help(c, err) : run_command(c, argc - 1, argv + 1, err);
}

int main(int argc, char **argv) {
  unroll_error err = {0};
  terminal_init();
  signals_init();
  json_setup();
  unroll_status status = dispatch(argc, argv, &err);
  progress_end();
  if (status && *err.message && !silent()) terminal_error(&err);
  unroll_error closing = {0};
  if (output_close(&closing) && !status) {
    status = closing.code;
    terminal_error(&closing);
  }
  const bool said = silent() && !ranks_here(); /* by rank 0, whose exit code is that of all */
  end_ranks(status, &err);
  return said ? 0 : (int)status;
}
