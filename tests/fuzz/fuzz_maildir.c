/* SPDX-License-Identifier: ISC */
/* Files a user gives `posternctl mailbox import`: mbox, dovecot-uidlist, dovecot-keywords, names.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/maildir_name.h"
#include "ctl/mbox_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_mbox(const char *text, size_t size)
{
	char *out = malloc(2 * size + 1);
	struct mbox_message message;

	if (out == NULL)
		abort();
	if (mbox_is_from_line(text, size)) {
		mbox_read(text, size, &message, out);
		if (message.length > 2 * size ||
		    message.keywords[sizeof(message.keywords) - 1] != '\0')
			abort();
	}
	if (text_to_crlf(text, size, out) > 2 * size)
		abort();
	free(out);
}

static void
try_uidlist(const char *text, size_t size)
{
	struct maildir_uidlist list;
	const char *base;
	size_t length;
	uint32_t uid;

	maildir_uidlist_begin(text, size, &list);
	while (maildir_uidlist_next(text, size, &list, &uid, &base, &length))
		if (base < text || base + length > text + size)
			abort();
}

/* What is read from a folder's name is written as a name again, and read the same. */
static void
try_folder(const char *text, size_t size)
{
	char folder[FOLDER_NAME_MAX + 1], dir[MAILDIR_DIR_SIZE], again[FOLDER_NAME_MAX + 1];

	if (maildir_folder_read(text, size, folder) == -1 ||
	    maildir_folder_write(folder, dir) == -1 || strcmp(folder, "INBOX") == 0)
		return;
	if (maildir_folder_read(dir, strlen(dir), again) == -1 || strcmp(folder, again) != 0)
		abort();
}

static void
try_flags(const char *name, const struct maildir_keywords *known)
{
	char keywords[MAILDIR_FLAGS_SIZE], letters[MAILDIR_LETTERS_SIZE];
	struct maildir_keywords given = {.name = {""}};
	unsigned flags = maildir_flags_read(name, known, keywords);

	if (maildir_base_length(name) > strlen(name) ||
	    memchr(keywords, '\0', sizeof(keywords)) == NULL)
		abort();
	(void)maildir_flags_write(flags, keywords, &given, letters);
	if (memchr(letters, '\0', sizeof(letters)) == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct maildir_keywords known;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	try_mbox(text, size);
	try_uidlist(text, size);
	try_folder(text, size);
	memset(&known, 0, sizeof(known));
	maildir_keywords_read(text, size, &known);
	try_flags(text, &known);
	free(text);
	return 0;
}
