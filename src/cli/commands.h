/* commands.h - the functions of the commands, one file each. option/commands.def has the rows. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
#include "cli/options.h"

#define COMMAND(name, ...) unroll_status command_##name(const options *o, unroll_error *err);
#include "option/commands.def"
#endif
