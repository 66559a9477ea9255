/* SPDX-License-Identifier: ISC */
/* Messages out of an mbox file, which may be larger than memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/import.h"
#include "ctl/mbox_text.h"

struct mbox {
	struct import *import;
	const char *path;
	int64_t mtime; /* for a From_ line without a date */
	char *text;    /* the message that is being read */
	size_t length, size;
	bool too_large;
	uint64_t number;
};

static int
keep(struct mbox *mbox, const char *bytes, size_t length, struct error *err)
{
	if (mbox->length + length > IMPORT_MESSAGE_MAX) {
		mbox->too_large = true;
		return 0;
	}
	if (mbox->length + length > mbox->size) {
		size_t size = 2 * (mbox->length + length);
		char *grown = realloc(mbox->text, size);

		if (grown == NULL)
			return error_errno(err, "a message");
		mbox->text = grown;
		mbox->size = size;
	}
	memcpy(mbox->text + mbox->length, bytes, length);
	mbox->length += length;
	return 0;
}

/* What has been kept is a whole message. */
static int
take(struct mbox *mbox, struct error *err)
{
	struct import_message message = {.uid = 0};
	static struct mbox_message read;
	char what[256];
	int result = 0;

	if (mbox->length == 0)
		return 0;
	mbox->number++;
	snprintf(what, sizeof(what), "%.200s: message %" PRIu64, mbox->path, mbox->number);
	message.octets = malloc(2 * mbox->length);
	if (message.octets == NULL)
		return error_errno(err, "a message");
	mbox_read(mbox->text, mbox->length, &read, message.octets);
	message.length = read.length;
	message.flags = read.flags;
	message.date = read.has_date ? read.date : mbox->mtime;
	message.keywords = strdup(read.keywords);
	if (mbox->too_large || message.length > IMPORT_MESSAGE_MAX)
		import_leave_out(mbox->import, what, "it is too large");
	else if (message.length == 0 && !read.is_internal)
		import_leave_out(mbox->import, what, "it is empty");
	else if (!read.is_internal)
		result = import_add(mbox->import, &message, err);
	if (message.octets != NULL && (mbox->too_large || message.length > IMPORT_MESSAGE_MAX ||
				       message.length == 0 || read.is_internal)) {
		free(message.octets);
		free(message.keywords);
	}
	import_progress(mbox->import, mbox->length);
	mbox->length = 0;
	mbox->too_large = false;
	return result;
}

static bool
is_empty_line(const char *line, size_t length)
{
	return length == 0 || (length == 1 && line[0] == '\n') ||
	       (length == 2 && memcmp(line, "\r\n", 2) == 0);
}

/* Lines, or pieces of long ones. */
static int
read_all(struct mbox *mbox, FILE *file, struct error *err)
{
	char line[8192];
	bool begins = true, after_empty = true, first = true;

	for (;;) {
		size_t length = 0;
		int c = EOF;

		while (length < sizeof(line) && (c = getc_unlocked(file)) != EOF) {
			line[length++] = (char)c;
			if (c == '\n')
				break;
		}
		if (length == 0)
			break;
		if (begins && after_empty && mbox_is_from_line(line, length)) {
			if (take(mbox, err) == -1)
				return -1;
		} else if (first && !is_empty_line(line, length)) {
			return error_set(err,
					 "%s: it does not begin with a line \"From \": no mbox, "
					 "nor is it a Maildir",
					 mbox->path);
		}
		if (!is_empty_line(line, length))
			first = false;
		if (!first && keep(mbox, line, length, err) == -1)
			return -1;
		after_empty = begins && is_empty_line(line, length);
		begins = line[length - 1] == '\n';
	}
	if (ferror(file))
		return error_errno(err, "%s", mbox->path);
	return take(mbox, err);
}

int
import_mbox(struct import *import, int fd, const char *path, const char *folder, struct error *err)
{
	struct mbox mbox = {.import = import, .path = path};
	struct stat st;
	FILE *file;
	int result;

	if (fstat(fd, &st) == -1)
		return error_errno(err, "%s", path);
	mbox.mtime = st.st_mtime;
	import->total = (uint64_t)st.st_size;
	file = fdopen(dup(fd), "r");
	if (file == NULL)
		return error_errno(err, "%s", path);
	result = import_begin(import, folder == NULL ? "INBOX" : folder, 0, 0, err);
	if (result == 0)
		result = read_all(&mbox, file, err);
	if (result == 0)
		result = import_end(import, err);
	free(mbox.text);
	fclose(file);
	return result;
}
