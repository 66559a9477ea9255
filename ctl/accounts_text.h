/* SPDX-License-Identifier: ISC */
/*
 * accounts_text - changes the text of accounts.conf in place, so that the comments and the layout
 * of whoever edits it by hand stay as they are. Pure functions: text in, text out.
 *
 * The texts given must be valid (accounts_parse()). Whether an edit did what was meant is for the
 * caller to check, by parsing its result.
 */
#ifndef POSTERN_CTL_ACCOUNTS_TEXT_H
#define POSTERN_CTL_ACCOUNTS_TEXT_H

#include <stddef.h>

#include "common/error.h"

/* One setting: `enabled = false;` is {"enabled", "false"}, a string has its quotes. */
struct text_setting {
	const char *name;
	const char *value;
};

/*
 * All return a new NUL-terminated text (caller frees, with freezero(3)) or NULL with ERR filled.
 * LIST: "accounts" or "aliases".
 * INDEX: which one of the list, as accounts_at() and aliases_at() count.
 */

/* Adds a group with these settings (ends with a NULL name) behind the last one. */
char *text_add(const char *text, const char *list, const struct text_setting *, struct error *);
/* Replaces the value of a setting, or adds the setting behind the last one of the group. */
char *text_set(const char *text, const char *list, size_t index, const struct text_setting *,
	       struct error *);
/* Removes the group; a comment beside or above it stays. */
char *text_remove(const char *text, const char *list, size_t index, struct error *);

#endif
