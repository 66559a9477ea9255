/* SPDX-License-Identifier: ISC */
/* BODY[...], BINARY[...] and BODY of FETCH (RFC 9051 6.4.5.1, RFC 3516): what is in the message. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "worker/session/imap/fetch.h"

static const enum mime_section sections[] = {
    [IMAP_SECTION_ALL] = MIME_SECTION_ALL,       [IMAP_SECTION_HEADER] = MIME_SECTION_HEADER,
    [IMAP_SECTION_FIELDS] = MIME_SECTION_HEADER, [IMAP_SECTION_FIELDS_NOT] = MIME_SECTION_HEADER,
    [IMAP_SECTION_TEXT] = MIME_SECTION_TEXT,     [IMAP_SECTION_MIME] = MIME_SECTION_MIME,
};

enum found { FOUND, NOT_FOUND, NO_MEMORY };

/* Which octets a section is: without parsing the message where only its header matters. */
static enum found
find(struct content *content, const struct imap_section *section, struct mime_text *text)
{
	struct mime_text header;

	if (section->part_count == 0 && section->text == IMAP_SECTION_ALL) {
		*text = (struct mime_text){content->bytes, content->length};
		return FOUND;
	}
	if (section->part_count == 0 && section->text != IMAP_SECTION_MIME) {
		header = content_header(content);
		*text = section->text != IMAP_SECTION_TEXT
			    ? header
			    : (struct mime_text){content->bytes + header.length,
						 content->length - header.length};
		return FOUND;
	}
	if (content_parse(content) == -1)
		return NO_MEMORY;
	return mime_find_section(&content->mime, section->part, section->part_count,
				 sections[section->text], text)
		   ? FOUND
		   : NOT_FOUND;
}

static bool
is_fields(const struct imap_section *section)
{
	return section->text == IMAP_SECTION_FIELDS || section->text == IMAP_SECTION_FIELDS_NOT;
}

/* HEADER.FIELDS and its opposite: made, and kept until it has gone out. */
static bool
make_fields(struct octets *octets, const struct imap_section *section, struct mime_text *text)
{
	struct mime_out names = {.at = NULL};
	size_t size = section->fields.count * sizeof(struct mime_text);
	struct mime_text *list = (struct mime_text *)(void *)mime_out_room(&names, size + 1);

	if (list == NULL)
		return false;
	for (size_t i = 0; i < section->fields.count; i++)
		list[i] = (struct mime_text){section->fields.list[i].bytes,
					     section->fields.list[i].length};
	mime_render_fields(*text, list, section->fields.count,
			   section->text == IMAP_SECTION_FIELDS_NOT, &octets->made);
	mime_out_free(&names);
	*text = (struct mime_text){octets->made.at, octets->made.length};
	return !octets->made.failed;
}

static void
say_nil(struct fetch *fetch, const struct imap_section *section)
{
	imap_printf(fetch->imap, "%s%s %s", fetch->space, section->label,
		    section->how == IMAP_SECTION_BINARY_SIZE ? "0" : "NIL");
	fetch->space = " ";
}

/* The part that BINARY names (RFC 3516 4.1): its encoding says how its octets are to be read. */
static enum found
find_part(struct fetch *fetch, const struct imap_section *section, struct mime_text *text,
	  enum mime_encoding *encoding)
{
	struct content *content = &fetch->content;
	uint32_t part;

	if (section->part_count == 0) {
		*text = (struct mime_text){content->bytes, content->length};
		*encoding = MIME_BINARY;
		return FOUND;
	}
	if (content_parse(content) == -1)
		return NO_MEMORY;
	if (!mime_find_part(&content->mime, section->part, section->part_count, &part))
		return NOT_FOUND;
	*encoding = content->mime.parts[part].encoding;
	/* RFC 3516 4.3: a multipart has nothing to be decoded. */
	if (content->mime.parts[part].kind != MIME_LEAF)
		*encoding = MIME_BINARY;
	*text = mime_body_of(&content->mime, part);
	if (*encoding == MIME_OTHER_ENCODING) {
		fetch->unknown_encoding = true;
		return NOT_FOUND;
	}
	return FOUND;
}

static bool
begin_binary(struct fetch *fetch, const struct imap_section *section)
{
	uint64_t offset = section->has_partial ? section->offset : 0;
	uint64_t count = section->has_partial ? section->count : UINT64_MAX;
	enum mime_encoding encoding;
	struct mime_text text;
	uint64_t octets;

	switch (find_part(fetch, section, &text, &encoding)) {
	case NO_MEMORY:
		return false;
	case NOT_FOUND:
		say_nil(fetch, section);
		return true;
	case FOUND:
		break;
	}
	imap_printf(fetch->imap, "%s%s ", fetch->space, section->label);
	fetch->space = " ";
	if (section->how == IMAP_SECTION_BINARY_SIZE) {
		imap_printf(fetch->imap, "%" PRIu64, mime_decoded_size(text, encoding));
		return true;
	}
	octets = octets_decoded(&fetch->octets, text, encoding, offset, count);
	imap_printf(fetch->imap, "~{%" PRIu64 "}\r\n", octets);
	fetch->in_octets = octets > 0;
	return true;
}

static bool
begin_body(struct fetch *fetch, const struct imap_section *section)
{
	uint64_t offset = section->has_partial ? section->offset : 0;
	uint64_t count = section->has_partial ? section->count : UINT64_MAX;
	struct mime_text text;

	switch (find(&fetch->content, section, &text)) {
	case NO_MEMORY:
		return false;
	case NOT_FOUND:
		say_nil(fetch, section);
		return true;
	case FOUND:
		break;
	}
	if (is_fields(section) && !make_fields(&fetch->octets, section, &text))
		return false;
	octets_plain(&fetch->octets, text, offset, count);
	imap_printf(fetch->imap, "%s%s {%" PRIu64 "}\r\n", fetch->space, section->label,
		    octets_left(&fetch->octets));
	fetch->space = " ";
	fetch->in_octets = octets_left(&fetch->octets) > 0;
	return true;
}

/* BODY, without the extension data: it is asked for too seldom to be kept. */
static bool
tell_body(struct fetch *fetch)
{
	struct mime_out out = {.at = NULL};

	fetch->told_body = true;
	if (content_parse(&fetch->content) == -1)
		return false;
	mime_render_body(&fetch->content.mime, false, &out);
	imap_printf(fetch->imap, "%sBODY ", fetch->space);
	fetch->space = " ";
	imap_write(fetch->imap, out.at, out.length);
	mime_out_free(&out);
	return !out.failed;
}

enum fetch_sections
fetch_sections(struct fetch *fetch)
{
	struct evbuffer *out = fetch->imap->stream.out;

	if (!fetch->told_body && !tell_body(fetch))
		return FETCH_BROKEN;
	for (;;) {
		const struct imap_section *section;

		if (fetch->in_octets) {
			int whole = octets_write(&fetch->octets, out, IMAP_OUT_HIGH);

			if (whole == -1)
				return FETCH_BROKEN;
			if (whole == 0)
				return FETCH_MORE;
			fetch->in_octets = false;
			octets_free(&fetch->octets);
		}
		if (evbuffer_get_length(out) >= IMAP_OUT_HIGH || imap_is_late(fetch->imap))
			return FETCH_MORE;
		octets_free(&fetch->octets);
		if (fetch->section == fetch->what->section_count)
			return FETCH_WHOLE;
		section = &fetch->what->sections[fetch->section++];
		if (section->how == IMAP_SECTION_BODY ? !begin_body(fetch, section)
						      : !begin_binary(fetch, section))
			return FETCH_BROKEN;
	}
}
