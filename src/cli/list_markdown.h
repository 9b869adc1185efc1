/* list_markdown.h - the page docs/cells.md, on standard output. */
#ifndef CLI_LIST_MARKDOWN_H
#define CLI_LIST_MARKDOWN_H
#include <unroll.h>

unroll_status list_markdown(unroll_error *err);
#endif
