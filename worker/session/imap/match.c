/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/match.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/*
 * Goes back to the last wildcard only: to the last "*" when a "%" can't reach over a "/". What an
 * earlier one could take, a later one can take too.
 */
static bool
match(const char *pattern, const char *name)
{
	const char *star = NULL, *star_name = NULL, *percent = NULL, *percent_name = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			star_name = name;
			percent = NULL;
		} else if (*pattern == '%') {
			percent = ++pattern;
			percent_name = name;
		} else if (*pattern == *name && *name != '\0') {
			pattern++;
			name++;
		} else if (*pattern == '\0' && *name == '\0') {
			return true;
		} else if (percent != NULL && *percent_name != '\0' && *percent_name != '/') {
			pattern = percent;
			name = ++percent_name;
		} else if (star != NULL && *star_name != '\0') {
			percent = NULL;
			pattern = star;
			name = ++star_name;
		} else {
			return false;
		}
	}
}

bool
match_name(const char *pattern, const char *name)
{
	if (match(pattern, name))
		return true;
	return strcmp(name, "INBOX") == 0 && strcasecmp(pattern, "INBOX") == 0;
}
