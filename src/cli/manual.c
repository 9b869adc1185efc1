/* manual.c - `unroll man` and `unroll completion`: what the rows of options.h say, in the forms of other programs. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"

static unroll_status print(text *out, unroll_error *err) {
  if (!out->failed && out->data) fputs(out->data, stdout);
  const bool failed = out->failed != 0;
  text_free(out);
  return failed ? error_memory(err) : UNROLL_OK;
}

unroll_status command_completion(const options *o, unroll_error *err) {
  text out = {0};
  if (!options_completion(o->arguments[0], &out))
    return error_set(err, UNROLL_USAGE, "there is completion for bash, zsh and fish, not for '%s'", o->arguments[0]);
  return print(&out, err);
}

unroll_status command_man(const options *o, unroll_error *err) {
  text out = {0};
  const command *c = o->n_arguments ? command_find(o->arguments[0]) : NULL;
  if (o->n_arguments && !c)
    return error_set(err, UNROLL_USAGE, "there is no command '%s'; 'unroll help' lists all", o->arguments[0]);
  if (o->markdown && c) return error_set(err, UNROLL_USAGE, "option 'markdown' writes one page of all commands");
  if (o->markdown)
    options_page(&out);
  else
    options_manual(c, &out);
  return print(&out, err);
}
