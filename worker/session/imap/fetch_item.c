/* SPDX-License-Identifier: ISC */
/* The data items of FETCH that the index knows (RFC 9051 7.5.2, RFC 8474, 8514, 8970). */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/session/imap/fetch.h"

#define DATE_SIZE 32

/* " 7-Feb-1994 21:52:25 +0000" (RFC 9051 9, date-time). */
static void
write_date(struct imap *imap, int64_t seconds)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t time = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&time, &tm) == NULL || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
		imap_text(imap, "\" 1-Jan-1970 00:00:00 +0000\"");
		return;
	}
	imap_printf(imap, "\"%2d-%s-%04d %02d:%02d:%02d +0000\"", tm.tm_mday, months[tm.tm_mon],
		    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The quoted string at TEXT: its length with both quotes; *EIGHT_BIT if it is not all ASCII. */
static size_t
quoted_length(const char *text, size_t length, bool *eight_bit)
{
	size_t i = 1;

	*eight_bit = false;
	while (i < length && text[i] != '"') {
		if ((unsigned char)text[i] > 0x7e)
			*eight_bit = true;
		i += text[i] == '\\' ? 2 : 1;
	}
	return i < length ? i + 1 : length;
}

/* "{12}\r\n" and what follows. */
static size_t
literal_length(const char *text, size_t length)
{
	char *end;
	unsigned long long octets = strtoull(text + 1, &end, 10);
	size_t head = (size_t)(end - text) + 3;

	return head <= length && octets <= length - head ? head + (size_t)octets : length;
}

static void
write_literal(struct imap *imap, const char *quoted, size_t length)
{
	size_t octets = 0;

	for (size_t i = 1; i + 1 < length; i++, octets++)
		i += quoted[i] == '\\';
	imap_printf(imap, "{%zu}\r\n", octets);
	for (size_t i = 1; i + 1 < length; i++) {
		i += quoted[i] == '\\';
		imap_write(imap, quoted + i, 1);
	}
}

/*
 * Text of the index, in which quoted strings may have UTF-8 in them: a client of RFC 3501 that has
 * not enabled UTF-8 gets these as literals.
 */
static void
write_kept(struct imap *imap, const char *text, size_t length)
{
	size_t done = 0;
	bool eight_bit;

	for (size_t i = 0;
	     i < length && !imap_is_enabled(imap, IMAP_ENABLE_UTF8 | IMAP_ENABLE_REV2);) {
		size_t n = 1;

		if (text[i] == '{') {
			n = literal_length(text + i, length - i);
		} else if (text[i] == '"') {
			n = quoted_length(text + i, length - i, &eight_bit);
			if (eight_bit) {
				imap_write(imap, text + done, i - done);
				write_literal(imap, text + i, n);
				done = i + n;
			}
		}
		i += n;
	}
	imap_write(imap, text + done, length - done);
}

/*
 * -- The items ----------------------------------------------------------------------
 */

static void
name(struct fetch *fetch, const char *item)
{
	imap_printf(fetch->imap, "%s%s ", fetch->space, item);
	fetch->space = " ";
}

static void
write_preview(struct fetch *fetch, const struct store_message *message)
{
	name(fetch, "PREVIEW");
	imap_nstring(fetch->imap, message->summary->preview, strlen(message->summary->preview));
}

static void
write_summary(struct fetch *fetch, const struct store_message *message)
{
	const struct store_summary *summary = message->summary;
	unsigned items = fetch->what->items;

	if ((items & IMAP_FETCH_ENVELOPE) != 0) {
		name(fetch, "ENVELOPE");
		write_kept(fetch->imap, summary->envelope, summary->envelope_length);
	}
	if ((items & IMAP_FETCH_BODYSTRUCTURE) != 0) {
		name(fetch, "BODYSTRUCTURE");
		write_kept(fetch->imap, summary->bodystructure, summary->bodystructure_length);
	}
	if ((items & IMAP_FETCH_PREVIEW) != 0)
		write_preview(fetch, message);
}

static void
write_flags(struct fetch *fetch, const struct store_message *message)
{
	const struct view *view = &fetch->imap->view;

	name(fetch, "FLAGS");
	imap_flags(fetch->imap, message->flags, message->keywords,
		   message->uid >= view->recent_from && message->uid < view->recent_to &&
		       !imap_is_enabled(fetch->imap, IMAP_ENABLE_REV2));
}

static void
write_ids(struct fetch *fetch, const struct store_message *message)
{
	struct imap *imap = fetch->imap;
	unsigned items = fetch->what->items;

	if (fetch->modseq) {
		name(fetch, "MODSEQ");
		imap_printf(imap, "(%" PRIu64 ")", message->modseq);
	}
	if ((items & IMAP_FETCH_EMAILID) != 0) {
		name(fetch, "EMAILID");
		imap_printf(imap, "(%s)", message->object);
	}
	/* RFC 8474 5.2: NIL where threads have no ids. */
	if ((items & IMAP_FETCH_THREADID) != 0) {
		name(fetch, "THREADID");
		imap_text(imap, "NIL");
	}
	if ((items & IMAP_FETCH_SAVEDATE) != 0) {
		name(fetch, "SAVEDATE");
		if (message->savedate == 0)
			imap_text(imap, "NIL");
		else
			write_date(imap, message->savedate);
	}
}

void
fetch_items(struct fetch *fetch, const struct store_message *message)
{
	struct imap *imap = fetch->imap;
	unsigned items = fetch->what->items;

	fetch->space = "";
	fetch->told_body = (items & IMAP_FETCH_BODY) == 0;
	if ((fetch->uid || (items & IMAP_FETCH_UID) != 0) &&
	    !imap_is_enabled(imap, IMAP_ENABLE_UIDONLY)) {
		name(fetch, "UID");
		imap_printf(imap, "%" PRIu32, message->uid);
	}
	if ((items & IMAP_FETCH_FLAGS) != 0)
		write_flags(fetch, message);
	if ((items & IMAP_FETCH_INTERNALDATE) != 0) {
		name(fetch, "INTERNALDATE");
		write_date(imap, message->internaldate);
	}
	if ((items & IMAP_FETCH_RFC822_SIZE) != 0) {
		name(fetch, "RFC822.SIZE");
		imap_printf(imap, "%" PRIu64, message->size);
	}
	write_ids(fetch, message);
	if (message->summary != NULL)
		write_summary(fetch, message);
}
