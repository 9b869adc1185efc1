/* commands.h - the commands: one file each, with its table of options. main.c holds the list. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
#include "cli/options.h"

extern const command command_bench, command_check, command_eval, command_explain, command_list, command_predict, command_run,
    command_sample, command_score, command_show, command_task, command_train;
#endif
