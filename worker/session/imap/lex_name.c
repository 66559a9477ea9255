/* SPDX-License-Identifier: ISC */
/* Folders' names (RFC 9051 5.1, RFC 3501 5.1.3, RFC 6855 3), entries' names (RFC 5464 3.2). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uninorm.h>

#include "common/ascii.h"
#include "worker/session/imap/lex.h"
#include "worker/session/imap/parse.h"
#include "worker/session/imap/utf7.h"

static bool
has_eighth_bit(const struct imap_string *text)
{
	size_t i;

	for (i = 0; i < text->length; i++) {
		if ((text->bytes[i] & 0x80) != 0)
			return true;
	}
	return false;
}

/* What has octets of UTF-8 is that also for who hasn't enabled it (RFC 6855 3). */
static const char *
to_utf8(struct imap_lexer *lex, const struct imap_string *text)
{
	char *name;

	if (lex->utf8 || has_eighth_bit(text)) {
		if (imap_is_utf8(text->bytes, text->length))
			return text->bytes;
		lex_fail(lex, "The mailbox name after %s is not UTF-8", lex->after);
		return NULL;
	}
	if (memchr(text->bytes, '&', text->length) == NULL)
		return text->bytes;
	/* Four octets, "&..-", are three of UTF-8 at most. */
	if ((name = lex_alloc(lex, text->length + 1)) == NULL)
		return NULL;
	if (imap_utf7_decode(text->bytes, text->length, name, text->length + 1) == 0)
		return name;
	lex_fail(lex, "The mailbox name after %s is not valid modified UTF-7 (RFC 3501 5.1.3)",
		 lex->after);
	return NULL;
}

/* INBOX in any case is one folder, and the first level of what is below it. */
static const char *
inbox_in_capitals(struct imap_lexer *lex, const char *name)
{
	static const char inbox[] = "INBOX";
	size_t length = strlen(name), i;
	char *copy;

	if (strncasecmp(name, "INBOX", 5) != 0 || (name[5] != '\0' && name[5] != '/') ||
	    strncmp(name, "INBOX", 5) == 0)
		return name;
	if ((copy = lex_alloc(lex, length + 1)) == NULL)
		return NULL;
	for (i = 0; i < length; i++)
		copy[i] = i < sizeof(inbox) - 1 ? inbox[i] : name[i];
	return copy;
}

/* One name of those that look the same (RFC 9051 5.1, RFC 5198 2): NFC, which is what the store
 * has. */
static const char *
to_nfc(struct imap_lexer *lex, const char *name)
{
	size_t length = strlen(name), normal_length = 0;
	struct imap_string text = {name, length};
	uint8_t *normal;
	char *copy;

	/* What is far too long the store refuses. */
	if (length > 4 * STORE_NAME_MAX || !has_eighth_bit(&text))
		return name;
	normal = u8_normalize(UNINORM_NFC, (const uint8_t *)name, length, NULL, &normal_length);
	copy = normal == NULL ? NULL : lex_alloc(lex, normal_length + 1);
	if (copy != NULL)
		memcpy(copy, normal, normal_length);
	else
		lex_fail(lex, "Out of memory");
	free(normal);
	return copy;
}

static bool
finish_name(struct imap_lexer *lex, const struct imap_string *text, const char **out)
{
	const char *name = to_utf8(lex, text);

	if (name == NULL || (name = to_nfc(lex, name)) == NULL)
		return false;
	*out = inbox_in_capitals(lex, name);
	return *out != NULL;
}

bool
lex_mailbox(struct imap_lexer *lex, const char **out, const char *what)
{
	struct imap_string text;

	return lex_astring(lex, &text, what) && finish_name(lex, &text, out);
}

bool
lex_mailbox_pattern(struct imap_lexer *lex, const char **out)
{
	struct imap_string text;

	return lex_pattern(lex, &text, "a mailbox name or pattern") && finish_name(lex, &text, out);
}

bool
lex_mailboxes(struct imap_lexer *lex, const char ***out, size_t *count)
{
	bool list = lex_take(lex, '('), more = false;

	*out = NULL;
	*count = 0;
	do {
		const char **names = lex_grow(lex, *out, *count, sizeof(**out));

		if (names == NULL)
			return false;
		*out = names;
		if (!lex_mailbox(lex, &names[*count], "a mailbox name") ||
		    (list && !lex_more(lex, &more)))
			return false;
		++*count;
	} while (more);
	return true;
}

bool
lex_entry(struct imap_lexer *lex, struct imap_string *out)
{
	size_t i;
	char *copy;

	if (!lex_astring(lex, out, "a metadata entry like /private/comment"))
		return false;
	if ((copy = lex_alloc(lex, out->length + 1)) == NULL)
		return false;
	for (i = 0; i < out->length; i++) {
		char c = out->bytes[i];

		if (c <= ' ' || c >= 0x7f || c == '*' || c == '%' ||
		    (c == '/' && (i + 1 == out->length || out->bytes[i + 1] == '/')))
			return lex_fail(lex,
					"A metadata entry after %s with a character in it "
					"that can't be there, or an empty level (RFC 5464 3.2)",
					lex->after);
		copy[i] = ascii_lower(c);
	}
	out->bytes = copy;
	if (strncmp(copy, "/private/", 9) == 0 || strncmp(copy, "/shared/", 8) == 0)
		return true;
	return lex_fail(lex, "A metadata entry after %s begins with neither /private/ nor /shared/",
			lex->after);
}

bool
lex_entries(struct imap_lexer *lex, struct imap_strings *out)
{
	bool list = lex_take(lex, '('), more = false;

	*out = (struct imap_strings){0};
	do {
		struct imap_string *entries =
		    lex_grow(lex, out->list, out->count, sizeof(*out->list));

		if (entries == NULL)
			return false;
		out->list = entries;
		if (!lex_entry(lex, &entries[out->count]) || (list && !lex_more(lex, &more)))
			return false;
		out->count++;
	} while (more);
	return true;
}
