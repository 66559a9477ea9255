/* SPDX-License-Identifier: ISC */
#include "worker/session/tag.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

void
tag_of(const char *mailbox, const char *path, char separator, char out[TAG_SIZE])
{
	const char *domain = strrchr(mailbox, '@'), *at = strrchr(path, '@'), *tag;
	size_t user, length;

	out[0] = '\0';
	if (separator == '\0' || domain == NULL || at == NULL || strcasecmp(domain, at) != 0)
		return;
	user = (size_t)(domain - mailbox);
	/* A shorter path ends before, at its "@": that is no separator. */
	if (strncasecmp(mailbox, path, user) != 0 || path[user] != separator)
		return;
	tag = path + user + 1;
	if (tag >= at)
		return;
	length = (size_t)(at - tag);
	if (length >= TAG_SIZE || memchr(tag, '/', length) != NULL)
		return;
	memcpy(out, tag, length);
	out[length] = '\0';
}
