/* SPDX-License-Identifier: ISC */
#include "ctl/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAR_WIDTH 40

/*
 * -- What a person sees -----------------------------------------------------------------
 */

void
import_progress(struct import *import, uint64_t octets)
{
	unsigned before, now;

	before = import->total == 0 ? 0 : (unsigned)(import->done * 1000 / import->total);
	import->done += octets;
	now = import->total == 0 ? 0 : (unsigned)(import->done * 1000 / import->total);
	if (!import->bar || before == now)
		return;
	if (now > 1000)
		now = 1000;
	fprintf(stderr, "\r[%-*.*s] %3u%%", BAR_WIDTH, (int)(now * BAR_WIDTH / 1000),
		"########################################", now / 10);
	if (now == 1000)
		fputc('\n', stderr);
}

void
import_leave_out(struct import *import, const char *what, const char *why)
{
	char shown[256];
	size_t used = 0;

	/* It is a name that somebody else has chosen. */
	for (; *what != '\0' && used + 1 < sizeof(shown); what++)
		shown[used++] = *what >= ' ' && *what < 0x7f ? *what : '?';
	shown[used] = '\0';
	import->refused++;
	fprintf(stderr, "%sposternctl: %s is left out: %s\n", import->bar ? "\n" : "", shown, why);
}

/*
 * -- The folder -------------------------------------------------------------------------
 */

static int
on_present(char *response, size_t length, void *arg, struct error *err)
{
	const unsigned needed = FETCHED_SIZE | FETCHED_INTERNALDATE | FETCHED_BODY;
	struct import *import = arg;
	struct fetched message;
	struct message_key key;
	int found = read_fetch(response, length, &message);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 0 || (message.has & needed) != needed)
		return 0;
	key =
	    message_key_make(message.body, message.body_length, message.size, message.internaldate);
	return message_keys_add(&import->present, &key, err);
}

static int
on_status(char *response, size_t length, void *arg, struct error *err)
{
	struct statused status;
	int found = read_status(response, length, &status);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 1)
		*(struct statused *)arg = status;
	return 0;
}

/* Makes it if it is missing. */
static int
ask_status(struct import *import, const char *quoted, struct statused *status, struct error *err)
{
	static const char format[] = "STATUS %s (MESSAGES UIDNEXT UIDVALIDITY)";

	*status = (struct statused){.has = 0};
	if (imap_command(import->imap, on_status, status, err, format, quoted) == 0)
		return 0;
	if (!imap_refused(import->imap) ||
	    imap_command(import->imap, NULL, NULL, err, "CREATE %s", quoted) == -1)
		return -1;
	return imap_command(import->imap, on_status, status, err, format, quoted);
}

static int
tell_uids(struct import *import, const char *word, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];

	return imap_command(import->imap, NULL, NULL, err, "XUIDS %s %" PRIu32 " %" PRIu32 "%s",
			    imap_quote(import->folder, quoted), import->uidvalidity,
			    import->uidnext, word);
}

/* If the folder can have that UIDVALIDITY; else clients have to fetch all again. */
static int
keep_uids(struct import *import, uint32_t uidvalidity, uint32_t uidnext, struct error *err)
{
	import->uidvalidity = uidvalidity;
	import->uidnext = uidnext;
	import->keeps_uids = false;
	if (uidvalidity == 0 || uidnext == 0)
		return 0;
	if (tell_uids(import, "", err) == 0) {
		import->keeps_uids = true;
		return 0;
	}
	if (!imap_refused(import->imap))
		return -1;
	fprintf(stderr, "posternctl: folder %s: the messages get new UIDs: %s\n", import->folder,
		err->text);
	return 0;
}

int
import_begin(struct import *import, const char *folder, uint32_t uidvalidity, uint32_t uidnext,
	     struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];
	struct statused status;

	message_keys_free(&import->present);
	strlcpy(import->folder, folder, sizeof(import->folder));
	imap_quote(folder, quoted);
	if (ask_status(import, quoted, &status, err) == -1)
		return -1;
	if (keep_uids(import, uidvalidity, uidnext, err) == -1)
		return -1;
	if (status.messages == 0)
		return 0;
	if (imap_command(import->imap, NULL, NULL, err, "EXAMINE %s", quoted) == -1 ||
	    imap_command(import->imap, on_present, import, err,
			 "FETCH 1:* (RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID "
			 "DATE SUBJECT)])") == -1)
		return -1;
	return imap_command(import->imap, NULL, NULL, err, "UNSELECT");
}

/*
 * -- Messages ---------------------------------------------------------------------------
 */

static void
message_free(struct import_message *message)
{
	free(message->octets);
	free(message->keywords);
	*message = (struct import_message){.octets = NULL};
}

static int
send_message(struct import *import, const struct import_message *message, struct error *err)
{
	static const struct {
		unsigned bit;
		const char *name;
	} flags[] = {{MESSAGE_SEEN, "\\Seen"},
		     {MESSAGE_ANSWERED, "\\Answered"},
		     {MESSAGE_FLAGGED, "\\Flagged"},
		     {MESSAGE_DELETED, "\\Deleted"},
		     {MESSAGE_DRAFT, "\\Draft"}};
	char text[128] = "", date[DATE_TIME_SIZE], uid[24] = "", *head;
	const char *keywords = message->keywords == NULL ? "" : message->keywords;
	/* RFC 3516: only a literal8 may have a NUL. */
	bool binary = memchr(message->octets, '\0', message->length) != NULL;
	int length, result;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if ((message->flags & flags[i].bit) == 0)
			continue;
		if (text[0] != '\0')
			strlcat(text, " ", sizeof(text));
		strlcat(text, flags[i].name, sizeof(text));
	}
	if (import->keeps_uids && message->uid != 0)
		snprintf(uid, sizeof(uid), "UID %" PRIu32 " ", message->uid);
	length =
	    asprintf(&head, " (%s%s%s) %s %s%s{%zu+}\r\n", text,
		     text[0] != '\0' && keywords[0] != '\0' ? " " : "", keywords,
		     write_date_time(message->date, date), uid, binary ? "~" : "", message->length);
	if (length == -1)
		return error_errno(err, "a message");
	result = imap_send(import->imap, head, (size_t)length, err);
	free(head);
	if (result == 0)
		result = imap_send(import->imap, message->octets, message->length, err);
	return result;
}

static int
send_lot(struct import *import, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];

	if (imap_begin(import->imap, err, "APPEND %s", imap_quote(import->folder, quoted)) == -1)
		return -1;
	for (size_t i = 0; i < import->lot_count; i++) {
		if (send_message(import, &import->lot[i], err) == -1)
			return -1;
	}
	return imap_finish(import->imap, NULL, NULL, err);
}

static void
drop_lot(struct import *import)
{
	for (size_t i = 0; i < import->lot_count; i++)
		message_free(&import->lot[i]);
	import->lot_count = import->lot_octets = 0;
}

static int
flush_lot(struct import *import, struct error *err)
{
	int result = 0;

	if (import->lot_count > 0)
		result = send_lot(import, err);
	if (result == 0)
		import->added += import->lot_count;
	else
		(void)error_prefix(err, "folder %.100s", import->folder);
	drop_lot(import);
	return result;
}

int
import_end(struct import *import, struct error *err)
{
	if (flush_lot(import, err) == -1)
		return -1;
	return import->keeps_uids ? tell_uids(import, " DONE", err) : 0;
}

int
import_add(struct import *import, struct import_message *message, struct error *err)
{
	struct message_key key =
	    message_key_make(message->octets, message->length, message->length, message->date);

	if (message_keys_take(&import->present, &key)) {
		import->known++;
		message_free(message);
		return 0;
	}
	if (import->lot_count > 0 &&
	    (import->lot_count == IMPORT_LOT_MESSAGES ||
	     import->lot_octets + message->length > IMPORT_LOT_OCTETS) &&
	    flush_lot(import, err) == -1) {
		message_free(message);
		return -1;
	}
	import->lot_octets += message->length;
	import->lot[import->lot_count++] = *message;
	return 0;
}

void
import_free(struct import *import)
{
	drop_lot(import);
	message_keys_free(&import->present);
}

int
import_read_file(int fd, char **text, size_t *length, struct error *err)
{
	struct stat st;
	size_t used = 0;
	ssize_t n;

	*text = NULL;
	if (fstat(fd, &st) == -1)
		return error_errno(err, "fstat");
	if (!S_ISREG(st.st_mode))
		return error_set(err, "it is not a regular file");
	if ((uint64_t)st.st_size > IMPORT_MESSAGE_MAX)
		return error_set(err, "it has more than %" PRIu64 " octets", IMPORT_MESSAGE_MAX);
	*text = malloc((size_t)st.st_size + 1);
	if (*text == NULL)
		return error_errno(err, "no memory");
	while (used < (size_t)st.st_size &&
	       (n = read(fd, *text + used, (size_t)st.st_size - used)) > 0)
		used += (size_t)n;
	(*text)[used] = '\0';
	*length = used;
	if (used == (size_t)st.st_size)
		return 0;
	free(*text);
	*text = NULL;
	return error_set(err, "it can't be read as a whole");
}
