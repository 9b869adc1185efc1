# said.sh PROGRAM FOLDER COMMAND... - completion and manual pages, as the program writes them, for the build to install.
set -eu
program=$1 folder=$2
shift 2
for shell in bash zsh fish; do "$program" completion $shell >"$folder/$shell"; done
"$program" man >"$folder/unroll.1"
for command; do "$program" man "$command" >"$folder/unroll-$command.1"; done
