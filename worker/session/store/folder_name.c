/* SPDX-License-Identifier: ISC */
#include "worker/session/store/folder_name.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "worker/session/store.h"

/*
 * The code point at *TEXT, which goes behind it; UINT32_MAX: not UTF-8 (RFC 3629: no overlong
 * forms, no surrogates, nothing beyond U+10FFFF).
 */
static uint32_t
next_code_point(const unsigned char **text)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *p = *text;
	uint32_t code = *p;
	unsigned more;

	if (code < 0x80)
		more = 0;
	else if (code >= 0xc2 && code <= 0xdf)
		more = 1;
	else if ((code & 0xf0) == 0xe0)
		more = 2;
	else if (code >= 0xf0 && code <= 0xf4)
		more = 3;
	else
		return UINT32_MAX;
	if (more > 0)
		code &= 0x3fu >> more;
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return UINT32_MAX;
		code = code << 6 | (p[i] & 0x3f);
	}
	*text = p + 1 + more;
	if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return UINT32_MAX;
	return code;
}

static int
check_characters(const char *name, struct error *err)
{
	const unsigned char *p = (const unsigned char *)name;

	while (*p != '\0') {
		uint32_t code = next_code_point(&p);

		if (code == UINT32_MAX)
			return error_set(err, "a folder's name must be UTF-8");
		if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
		    code == 0x2029)
			return error_set(err, "a folder's name can't have control characters");
	}
	return 0;
}

size_t
folder_name_levels(const char *name)
{
	size_t levels = 1;

	for (; *name != '\0'; name++)
		if (*name == '/')
			levels++;
	return levels;
}

int
folder_name_check(const char *name, struct error *err)
{
	size_t length = strnlen(name, STORE_NAME_MAX + 1), first = strcspn(name, "/");

	if (length == 0)
		return error_set(err, "a folder's name can't be empty");
	if (length > STORE_NAME_MAX)
		return error_set(err, "a folder's name can't be longer than %d octets",
				 STORE_NAME_MAX);
	if (name[0] == '/' || name[length - 1] == '/' || strstr(name, "//") != NULL)
		return error_set(err, "a folder's name can't have an empty level");
	if (folder_name_levels(name) > STORE_LEVELS_MAX)
		return error_set(err, "folders can't be nested deeper than %d levels",
				 STORE_LEVELS_MAX);
	if (first == 5 && strncasecmp(name, "INBOX", 5) == 0 && strncmp(name, "INBOX", 5) != 0)
		return error_set(err, "INBOX is written in capitals");
	return check_characters(name, err);
}
