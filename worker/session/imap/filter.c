/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/filter.h"

#include <string.h>

/* As far down as KIND says. */
static bool
is_below(enum imap_filter_kind kind, const char *top, const char *name)
{
	size_t length = strlen(top);

	if (strncmp(name, top, length) != 0)
		return false;
	if (name[length] == '\0')
		return true;
	if (kind == IMAP_FILTER_MAILBOXES || name[length] != '/')
		return false;
	return kind == IMAP_FILTER_SUBTREE || strchr(name + length + 1, '/') == NULL;
}

bool
filter_has(const struct imap_filter *filter, const char *name, const struct store_folder *folder)
{
	switch (filter->kind) {
	case IMAP_FILTER_SELECTED:
	case IMAP_FILTER_SELECTED_DELAYED:
		return false;
	case IMAP_FILTER_INBOXES: /* nothing is delivered anywhere else */
		return strcmp(name, "INBOX") == 0;
	case IMAP_FILTER_PERSONAL:
		return folder->id != 0;
	case IMAP_FILTER_SUBSCRIBED:
		return folder->subscribed;
	case IMAP_FILTER_SUBTREE:
	case IMAP_FILTER_SUBTREE_ONE:
	case IMAP_FILTER_MAILBOXES:
		break;
	}
	for (size_t i = 0; i < filter->mailbox_count; i++) {
		if (is_below(filter->kind, filter->mailboxes[i], name))
			return true;
	}
	return false;
}
