/* SPDX-License-Identifier: ISC */
/* BODY[...]<...> and BINARY[...]<...> (RFC 9051 6.4.5 and 9: section, section-binary, partial). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "worker/session/imap/lex.h"
#include "worker/session/imap/parse.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct imap_word texts[] = {
    {"HEADER", IMAP_SECTION_HEADER},
    {"HEADER.FIELDS", IMAP_SECTION_FIELDS},
    {"HEADER.FIELDS.NOT", IMAP_SECTION_FIELDS_NOT},
    {"TEXT", IMAP_SECTION_TEXT},
    {"MIME", IMAP_SECTION_MIME},
};

/* 1.2.3, and the dot before a text behind it. */
static bool
part_numbers(struct imap_lexer *lex, struct imap_section *section, bool *dot)
{
	uint32_t *part = NULL;
	size_t count = 0;

	*dot = false;
	while (lex->at < lex->end && ascii_is_digit(*lex->at)) {
		if (count == IMAP_PART_DEPTH_MAX)
			return lex_fail(lex, "A part's number after %s with more than %d levels",
					lex->after, IMAP_PART_DEPTH_MAX);
		if ((part = lex_grow(lex, part, count, sizeof(*part))) == NULL ||
		    !lex_number32(lex, 1, &part[count], "a part's number"))
			return false;
		count++;
		*dot = lex_take(lex, '.');
		if (!*dot)
			break;
	}
	section->part = part;
	section->part_count = count;
	return true;
}

/* What a header field's name can be (RFC 5322 3.6.8). */
static bool
field_name(struct imap_lexer *lex, struct imap_string *name)
{
	size_t i;

	if (!lex_astring(lex, name, "a header field's name"))
		return false;
	for (i = 0; i < name->length; i++) {
		if (name->bytes[i] <= ' ' || name->bytes[i] >= 0x7f || name->bytes[i] == ':')
			break;
	}
	if (i < name->length || name->length == 0)
		return lex_fail(lex, "After %s stands what is no header field's name", lex->after);
	return true;
}

static bool
field_names(struct imap_lexer *lex, struct imap_strings *fields)
{
	bool more = true;

	if (!lex_space(lex, "header field names") || !lex_open(lex, "header field names"))
		return false;
	while (more) {
		struct imap_string *list =
		    lex_grow(lex, fields->list, fields->count, sizeof(*list));

		if (list == NULL)
			return false;
		fields->list = list;
		if (!field_name(lex, &list[fields->count]) || !lex_more(lex, &more))
			return false;
		fields->count++;
	}
	return true;
}

static bool
section_text(struct imap_lexer *lex, struct imap_section *section)
{
	unsigned text;

	if (!lex_lookup(lex, texts, COUNT(texts), &text,
			"HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, MIME or a part's number"))
		return false;
	section->text = (enum imap_section_text)text;
	if (section->text == IMAP_SECTION_MIME && section->part_count == 0)
		return lex_fail(lex, "MIME needs a part's number before it, like BODY[1.MIME]");
	if (section->text == IMAP_SECTION_FIELDS || section->text == IMAP_SECTION_FIELDS_NOT)
		return field_names(lex, &section->fields);
	return true;
}

/* "<" number64 "." nz-number64 ">" */
static bool
partial(struct imap_lexer *lex, struct imap_section *section)
{
	if (!lex_take(lex, '<'))
		return true;
	if (section->how == IMAP_SECTION_BINARY_SIZE)
		return lex_fail(lex, "BINARY.SIZE takes no <...> (RFC 3516 4.2)");
	section->has_partial = true;
	if (!lex_number(lex, 0, INT64_MAX, &section->offset, "an octet's number"))
		return false;
	if (!lex_take(lex, '.'))
		return lex_expected(lex, "a dot and a number of octets");
	if (!lex_number(lex, 1, INT64_MAX, &section->count, "a number of octets"))
		return false;
	return lex_take(lex, '>') || lex_expected(lex, "\">\"");
}

/* An astring for the label; returns where it ends. */
static char *
put_name(char *at, const struct imap_string *name)
{
	size_t i;
	bool plain = strncasecmp(name->bytes, "NIL", 4) != 0;

	for (i = 0; i < name->length; i++)
		plain = plain && strchr("(){%*\"\\", name->bytes[i]) == NULL;
	if (!plain)
		*at++ = '"';
	for (i = 0; i < name->length; i++) {
		if (name->bytes[i] == '"' || name->bytes[i] == '\\')
			*at++ = '\\';
		*at++ = name->bytes[i];
	}
	if (!plain)
		*at++ = '"';
	return at;
}

static const char *
text_name(enum imap_section_text text)
{
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		if (texts[i].value == text)
			return texts[i].name;
	}
	return "";
}

static char *
put_text(char *at, const struct imap_section *section)
{
	const char *name = text_name(section->text);
	size_t i;

	if (section->part_count > 0 && *name != '\0')
		*at++ = '.';
	at = stpcpy(at, name);
	for (i = 0; i < section->fields.count; i++) {
		at = stpcpy(at, i == 0 ? " (" : " ");
		at = put_name(at, &section->fields.list[i]);
	}
	if (section->fields.count > 0)
		*at++ = ')';
	return at;
}

static bool
make_label(struct imap_lexer *lex, struct imap_section *section)
{
	static const char *const names[] = {"BODY[", "BINARY[", "BINARY.SIZE["};
	size_t size = sizeof("BINARY.SIZE[.HEADER.FIELDS.NOT ()]<>") + 20, i;
	char *label, *at;

	size += section->part_count * sizeof("4294967295.");
	for (i = 0; i < section->fields.count; i++)
		size += section->fields.list[i].length * 2 + sizeof("\"\" ");
	if ((label = lex_alloc(lex, size)) == NULL)
		return false;
	at = stpcpy(label, names[section->how]);
	for (i = 0; i < section->part_count; i++)
		at += snprintf(at, sizeof(".4294967295"), i == 0 ? "%u" : ".%u", section->part[i]);
	at = put_text(at, section);
	at = stpcpy(at, "]");
	if (section->has_partial)
		snprintf(at, sizeof("<9223372036854775807>"), "<%llu>",
			 (unsigned long long)section->offset);
	section->label = label;
	return true;
}

bool
lex_section(struct imap_lexer *lex, struct imap_section *section)
{
	bool dot;

	if (!lex_take(lex, '['))
		return lex_expected(lex, "\"[\"");
	if (!part_numbers(lex, section, &dot))
		return false;
	if (dot || !lex_is(lex, ']')) {
		if (section->how != IMAP_SECTION_BODY)
			return lex_expected(lex, "a part's number or \"]\"");
		if (!dot && section->part_count > 0)
			return lex_expected(lex, "a dot or \"]\"");
		if (!section_text(lex, section))
			return false;
	}
	if (!lex_take(lex, ']'))
		return lex_expected(lex, "\"]\"");
	return partial(lex, section) && make_label(lex, section);
}
