/* html.h - markup. What comes from outside (texts, names, labels, messages) goes through html_text, html_symbol or html_json,
 * and through nothing else. They leave no character that ends a text, an attribute or a script. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H
#include "base/text.h"

void html_add(text *out, const char *markup); /* as it is: our own */
/* As text or as a value in double quotes. Bytes that are no UTF-8, and control characters but newline and tab, become U+FFFD. */
void html_text(text *out, const char *s, size_t n);
void html_string(text *out, const char *s);
/* At most so many characters of it; … says that there were more. */
void html_short(text *out, const char *s, size_t n, size_t most);
/* The same of one symbol that is to be seen: newline as ↵, tab as ⇥, blank as ␣, nothing as ∅. */
void html_symbol(text *out, const char *s, size_t n);
/* A fragment for id and href: letters, digits, - and ., others as _XX. */
void html_id(text *out, const char *name);
/* A number to be read: four digits; – where it is not finite. */
void html_number(text *out, double x);
/* A JSON string that may stand in a script element. */
void html_json(text *out, const char *s, size_t n);
void html_base64(text *out, const void *bytes, size_t n);
/* 0 .. 63 as a letter of base64: 64 levels, a letter a value. */
char html_level(int level);
#endif
