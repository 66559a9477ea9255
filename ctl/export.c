/* SPDX-License-Identifier: ISC */
#include "ctl/export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FROM "From "
#define FROM_LENGTH 5

static int
on_entry(char *response, size_t length, void *arg, struct error *err)
{
	const unsigned needed = FETCHED_UID | FETCHED_FLAGS | FETCHED_SIZE | FETCHED_INTERNALDATE;
	struct export *export = arg;
	struct export_entry *entry;
	struct fetched message;
	int found = read_fetch(response, length, &message);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 0 || (message.has & needed) != needed)
		return 0;
	if (export->count == export->room) {
		size_t room = export->room == 0 ? 256 : 2 * export->room;

		entry = reallocarray(export->list, room, sizeof(*entry));
		if (entry == NULL)
			return error_errno(err, "a list of messages");
		export->list = entry;
		export->room = room;
	}
	entry = &export->list[export->count];
	*entry = (struct export_entry){.uid = message.uid,
				       .flags = message.flags,
				       .keywords = strdup(message.keywords),
				       .size = message.size,
				       .date = message.internaldate};
	if (entry->keywords == NULL)
		return error_errno(err, "a list of messages");
	export->count++;
	return 0;
}

int
export_begin(struct export *export, const struct folder *folder, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];

	export->folder = folder;
	if (imap_command(export->imap, NULL, NULL, err, "EXAMINE %s",
			 imap_quote(folder->name, quoted)) == -1)
		return -1;
	return imap_command(export->imap, on_entry, export, err,
			    "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)");
}

void
export_end(struct export *export)
{
	for (size_t i = 0; i < export->count; i++)
		free(export->list[i].keywords);
	free(export->list);
	export->list = NULL;
	export->count = export->room = 0;
}

/*
 * -- Octets ---------------------------------------------------------------------------
 */

static void
put(struct export *export, char c)
{
	putc_unlocked(c, export->out);
	export->last = c;
}

/*
 * A line of ">" and "From " gets one ">" more; where among them does not matter, so those that come
 * are written at once.
 */
static void
put_quoted(struct export *export, char c)
{
	if (export->start && export->matched < FROM_LENGTH && c == FROM[export->matched]) {
		if (++export->matched == FROM_LENGTH) {
			put(export, '>');
			fputs(FROM, export->out);
			export->matched = 0;
			export->start = false;
			export->last = ' ';
		}
		return;
	}
	for (size_t i = 0; i < export->matched; i++)
		put(export, FROM[i]);
	if (export->matched > 0 || c != '>')
		export->start = false;
	export->matched = 0;
	put(export, c);
	if (c == '\n')
		export->start = true;
}

static void
put_any(struct export *export, char c)
{
	if (export->quote)
		put_quoted(export, c);
	else
		put(export, c);
}

static int
on_body(const char *octets, size_t length, void *arg, struct error *err)
{
	struct export *export = arg;

	export->octets += length;
	for (size_t i = 0; i < length; i++) {
		if (export->crs > 0 && (octets[i] != '\n' || export->crlf))
			put_any(export, '\r');
		if (octets[i] == '\r') {
			export->crs++;
			continue;
		}
		if (octets[i] == '\n' && export->crs > 1)
			export->ambiguous = true;
		export->crs = 0;
		put_any(export, octets[i]);
	}
	return ferror(export->out) ? error_errno(err, "writing the message") : 0;
}

static int
on_answer(char *response, size_t length, void *arg, struct error *err)
{
	struct export *export = arg;
	struct fetched message;
	int found = read_fetch(response, length, &message);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 1 && (message.has & FETCHED_BODY) != 0)
		export->answers++;
	return 0;
}

static int
write_body(struct export *export, const struct export_entry *entry, bool crlf, struct error *err)
{
	int result;

	export->crlf = crlf;
	export->ambiguous = false;
	export->start = true;
	export->crs = 0;
	export->matched = 0;
	export->octets = 0;
	export->last = '\n';
	export->answers = 0;
	imap_set_body(export->imap, on_body, export);
	result = imap_command(export->imap, on_answer, export, err,
			      "UID FETCH %" PRIu32 " (UID BODY.PEEK[])", entry->uid);
	imap_set_body(export->imap, NULL, NULL);
	if (result == -1)
		return -1;
	if (export->answers == 0)
		return 0;
	if (export->answers != 1 || export->octets != entry->size)
		return error_set(
		    err, "UID %" PRIu32 ": %" PRIu64 " octets came, it should have %" PRIu64,
		    entry->uid, export->octets, entry->size);
	if (export->crs > 0)
		put_any(export, '\r');
	for (size_t i = 0; i < export->matched; i++)
		put(export, FROM[i]);
	export->matched = 0;
	return 1;
}

/*
 * A line that ends with CR CR LF would end with CR LF in the file, which means LF to all who read
 * it: such a message is written again, as it is.
 */
int
export_write(struct export *export, const struct export_entry *entry, FILE *file, bool quote,
	     struct error *err)
{
	off_t begin = ftello(file);
	int result;

	export->out = file;
	export->quote = quote;
	result = write_body(export, entry, false, err);
	if (result == 1 && export->ambiguous) {
		if (begin == -1 || fflush(file) == EOF || ftruncate(fileno(file), begin) == -1 ||
		    fseeko(file, begin, SEEK_SET) == -1)
			return error_errno(err, "writing the message");
		result = write_body(export, entry, true, err);
	}
	if (result != 1)
		return result;
	if (quote)
		fputs(export->last == '\n' ? "\n" : "\n\n", file);
	return ferror(file) ? error_errno(err, "writing the message") : 1;
}
