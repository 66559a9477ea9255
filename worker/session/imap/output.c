/* SPDX-License-Identifier: ISC */
/* What the client reads: RFC 9051 9's strings, flags, sets and status responses. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

#include "worker/session/imap/imap_private.h"

#define QUOTED_MAX 1000 /* octets of a quoted string; more becomes a literal */

bool
imap_is_enabled(const struct imap *imap, unsigned enabled)
{
	return (imap->enabled & enabled) != 0;
}

void
imap_write(struct imap *imap, const void *bytes, size_t length)
{
	if (evbuffer_add(imap->stream.out, bytes, length) == -1) {
		imap->broken = true;
		imap->why = "no memory for a response";
	}
}

void
imap_text(struct imap *imap, const char *text)
{
	imap_write(imap, text, strlen(text));
}

void
imap_printf(struct imap *imap, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (evbuffer_add_vprintf(imap->stream.out, format, ap) == -1) {
		imap->broken = true;
		imap->why = "no memory for a response";
	}
	va_end(ap);
}

void
imap_tagged(struct imap *imap, const char *status, const char *format, ...)
{
	va_list ap;

	imap_printf(imap, "%s %s ", imap->command->tag, status);
	va_start(ap, format);
	evbuffer_add_vprintf(imap->stream.out, format, ap);
	va_end(ap);
	imap_text(imap, "\r\n");
}

/* RFC 9051 7.5.1, RFC 5256 3: their numbers must not move under them. */
static bool
may_expunge(const struct imap_command *command)
{
	switch (command->verb) {
	case IMAP_FETCH:
	case IMAP_STORE:
	case IMAP_SEARCH:
	case IMAP_SORT:
	case IMAP_THREAD:
		return command->uid;
	default:
		return true;
	}
}

void
imap_ok(struct imap *imap, const char *format, ...)
{
	va_list ap;

	imap_sync(imap, may_expunge(imap->command), NULL);
	imap_printf(imap, "%s OK ", imap->command->tag);
	va_start(ap, format);
	evbuffer_add_vprintf(imap->stream.out, format, ap);
	va_end(ap);
	imap_text(imap, "\r\n");
}

/* RFC 5530 3, RFC 9208 4.3. */
static const char *const codes[] = {
    [STORE_OK] = "OK",
    [STORE_TEMPORARY] = "UNAVAILABLE",
    [STORE_DAMAGED] = "SERVERBUG",
    [STORE_GONE] = "NONEXISTENT",
    [STORE_EXISTS] = "ALREADYEXISTS",
    [STORE_REFUSED] = "CANNOT",
    [STORE_OVERQUOTA] = "OVERQUOTA",
    [STORE_LIMIT] = "LIMIT",
};

static bool
is_ours(enum store_result result)
{
	return result == STORE_TEMPORARY || result == STORE_DAMAGED;
}

void
imap_failed(struct imap *imap, enum store_result result, const struct error *err)
{
	const char *code = codes[result];

	/* What is wrong with the server is for its log; the client learns what it can do. */
	if (is_ours(result))
		log_event(LOG_ERR, "imap.failed", KV_CONN(imap->options.conn),
			  KV_STR("user", imap->options.mailbox), KV_STR("why", err->text));
	if (result == STORE_TEMPORARY)
		imap_tagged(imap, "NO",
			    "[%s] The mailbox can't do this now, please try again later", code);
	else if (result == STORE_DAMAGED)
		imap_tagged(imap, "NO", "[%s] The mailbox is damaged, ask its administrator", code);
	else
		imap_tagged(imap, "NO", "[%s] %s", code, err->text);
}

/*
 * -- Strings ----------------------------------------------------------------------
 */

enum string_form { QUOTED, LITERAL, LITERAL8 };

/* RFC 9051 4.3; 8-bit octets are in order in a quoted string for those who take UTF-8. */
static enum string_form
form_of(const struct imap *imap, const char *bytes, size_t length)
{
	bool eight_bit = false;
	enum string_form form = length > QUOTED_MAX ? LITERAL : QUOTED;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\0')
			return LITERAL8;
		if (bytes[i] == '\r' || bytes[i] == '\n')
			form = LITERAL;
		if ((unsigned char)bytes[i] > 0x7e)
			eight_bit = true;
	}
	if (!eight_bit || form == LITERAL)
		return form;
	if (!imap_is_enabled(imap, IMAP_ENABLE_UTF8 | IMAP_ENABLE_REV2) ||
	    u8_check((const uint8_t *)bytes, length) != NULL)
		return LITERAL;
	return QUOTED;
}

static void
write_quoted(struct imap *imap, const char *bytes, size_t length)
{
	size_t done = 0;

	imap_write(imap, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '"' && bytes[i] != '\\')
			continue;
		imap_write(imap, bytes + done, i - done);
		imap_write(imap, "\\", 1);
		done = i;
	}
	imap_write(imap, bytes + done, length - done);
	imap_write(imap, "\"", 1);
}

void
imap_nstring(struct imap *imap, const char *bytes, size_t length)
{
	enum string_form form;

	if (bytes == NULL) {
		imap_text(imap, "NIL");
		return;
	}
	form = form_of(imap, bytes, length);
	if (form == QUOTED) {
		write_quoted(imap, bytes, length);
		return;
	}
	imap_printf(imap, "%s{%zu}\r\n", form == LITERAL8 ? "~" : "", length);
	imap_write(imap, bytes, length);
}

void
imap_astring(struct imap *imap, const char *text)
{
	/* RFC 9051 9, ASTRING-CHAR: not atom-specials, but "]". */
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f ||
		    strchr("(){%*\"\\", text[i]) != NULL) {
			imap_nstring(imap, text, length);
			return;
		}
	}
	if (length == 0 || strcasecmp(text, "NIL") == 0)
		imap_nstring(imap, text, length);
	else
		imap_write(imap, text, length);
}

void
imap_mailbox(struct imap *imap, const char *name)
{
	char encoded[IMAP_UTF7_SIZE(STORE_NAME_MAX)];

	if (imap_is_enabled(imap, IMAP_ENABLE_UTF8 | IMAP_ENABLE_REV2)) {
		imap_nstring(imap, name, strlen(name));
		return;
	}
	/* It was checked when it was made: only a damaged index has one that is not UTF-8. */
	if (imap_utf7_encode(name, strlen(name), encoded, sizeof(encoded)) == -1)
		imap_nstring(imap, "?", 1);
	else
		imap_nstring(imap, encoded, strlen(encoded));
}

/*
 * -- Flags and sets -----------------------------------------------------------------
 */

static const struct {
	uint8_t bit;
	const char *name;
} system_flags[] = {
    {STORE_ANSWERED, "\\Answered"}, {STORE_FLAGGED, "\\Flagged"}, {STORE_DELETED, "\\Deleted"},
    {STORE_SEEN, "\\Seen"},         {STORE_DRAFT, "\\Draft"},
};

void
imap_flags(struct imap *imap, uint8_t flags, const char *keywords, bool recent)
{
	const char *space = "";

	imap_text(imap, "(");
	for (size_t i = 0; i < sizeof(system_flags) / sizeof(system_flags[0]); i++) {
		if ((flags & system_flags[i].bit) == 0)
			continue;
		imap_printf(imap, "%s%s", space, system_flags[i].name);
		space = " ";
	}
	if (recent) {
		imap_printf(imap, "%s\\Recent", space);
		space = " ";
	}
	if (keywords != NULL && keywords[0] != '\0')
		imap_printf(imap, "%s%s", space, keywords);
	imap_text(imap, ")");
}

void
imap_set(struct imap *imap, const struct store_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		imap_printf(imap, "%s%" PRIu32, i > 0 ? "," : "", ranges[i].first);
		if (ranges[i].last != ranges[i].first)
			imap_printf(imap, ":%" PRIu32, ranges[i].last);
	}
}
