/* SPDX-License-Identifier: ISC */
/* The text of a message, for SEARCH and for the index. */
#include <string.h>

#include "common/mime/charset.h"
#include "common/mime/content.h"
#include "common/mime/decode.h"
#include "common/mime/text.h"

/* Octets of an encoded body taken at a time. */
#define STEP ((size_t)48 << 10)
/* Without any ASCII in so much text, it is cut between two characters. */
#define UNCUT_MAX ((size_t)1 << 20)

struct walk {
	const struct mime_message *message;
	mime_piece_fn *each;
	void *arg;
	struct mime_out utf8, folded;
	bool enough;
};

/* Folds the first LENGTH octets of what is in utf8, hands them on, and keeps the rest. */
static void
give(struct walk *walk, size_t length, bool first)
{
	walk->folded.length = 0;
	if (length > 0)
		mime_fold(walk->utf8.at, length, &walk->folded);
	if (walk->folded.failed || walk->utf8.failed) {
		walk->enough = true;
		return;
	}
	if (!walk->each(walk->folded.length > 0 ? walk->folded.at : "", walk->folded.length, first,
			walk->arg))
		walk->enough = true;
	walk->utf8.length -= length;
	if (walk->utf8.length > 0)
		memmove(walk->utf8.at, walk->utf8.at + length, walk->utf8.length);
}

static void
walk_header(struct walk *walk, uint32_t part)
{
	struct mime_text header = mime_header_of(walk->message, part);
	struct mime_field field;
	size_t at = 0;

	while (!walk->enough && mime_next_field(header.at, header.length, &at, &field)) {
		if (field.name.length > 0) {
			mime_out_bytes(&walk->utf8, field.name.at, field.name.length);
			mime_out_text(&walk->utf8, ": ");
		}
		mime_decode_words(field.value, &walk->utf8);
		give(walk, walk->utf8.length, true);
	}
}

int
mime_charset_of(struct mime_text header, struct mime_charset *charset)
{
	struct mime_parameters parameters;
	const struct mime_parameter *named;
	struct mime_text value;
	bool escaped;

	mime_charset_guess(charset);
	if (!mime_find_field(header.at, header.length, "content-type", &value))
		return 0;
	if (mime_read_parameters(value, &parameters) == -1)
		return -1;
	named = mime_parameter(&parameters, "charset", &escaped);
	if (named != NULL && !mime_charset_open(charset, named->value))
		mime_charset_guess(charset);
	mime_parameters_free(&parameters);
	return 0;
}

/* Where the text so far can be cut: behind ASCII, which no character goes together with. */
static size_t
cut(const struct mime_out *utf8)
{
	size_t at = utf8->length;

	while (at > 0 && (unsigned char)utf8->at[at - 1] >= 0x80)
		at--;
	return at > 0 || utf8->length < UNCUT_MAX ? at : utf8->length;
}

static void
walk_body(struct walk *walk, uint32_t part)
{
	struct mime_text body = mime_body_of(walk->message, part);
	struct mime_out octets = {0};
	struct mime_decoder decoder;
	struct mime_charset charset;
	size_t at = 0;
	bool first = true;

	mime_decoder_open(&decoder, walk->message->parts[part].encoding);
	if (mime_charset_of(mime_header_of(walk->message, part), &charset) == -1)
		walk->utf8.failed = walk->enough = true;
	while (!walk->enough && at < body.length) {
		size_t step = body.length - at < STEP ? body.length - at : STEP, taken;
		char *room = mime_out_room(&octets, MIME_DECODED_MAX(step) * 2);
		bool last = at + step == body.length;

		if (room == NULL) {
			walk->utf8.failed = true;
			break;
		}
		octets.length += mime_decode(&decoder, body.at + at, step, room);
		if (last)
			octets.length += mime_decode_end(&decoder, octets.at + octets.length);
		at += step;
		taken = mime_charset_convert(&charset, octets.at, octets.length, last, &walk->utf8);
		octets.length -= taken;
		memmove(octets.at, octets.at + taken, octets.length);
		if (walk->utf8.length > 0) {
			give(walk, last ? walk->utf8.length : cut(&walk->utf8), first);
			first = false;
		}
	}
	mime_out_free(&octets);
	walk->utf8.length = 0;
}

/* Parts that are text: what a part that was not opened holds is text too. */
static bool
is_text(const struct mime_part *part)
{
	return part->kind == MIME_LEAF &&
	       (mime_is(part->type, "text") || part->too_deep || mime_is(part->type, "message"));
}

int
mime_each_text(const struct mime_message *message, unsigned where, mime_piece_fn *each, void *arg)
{
	struct walk walk = {.message = message, .each = each, .arg = arg};
	bool failed;

	for (uint32_t i = 0; i < message->count && !walk.enough; i++) {
		if ((where & MIME_WHERE_HEADER) != 0)
			walk_header(&walk, i);
		if ((where & MIME_WHERE_BODY) != 0 && !walk.enough && is_text(&message->parts[i]))
			walk_body(&walk, i);
	}
	failed = walk.utf8.failed || walk.folded.failed;
	mime_out_free(&walk.utf8);
	mime_out_free(&walk.folded);
	return failed ? -1 : 0;
}

struct looking {
	struct mime_text needle;
	struct mime_out window; /* the end of the piece before, then this one */
	bool found;
};

static bool
look(const char *folded, size_t length, bool first, void *arg)
{
	struct looking *looking = arg;
	struct mime_out *window = &looking->window;
	size_t keep = looking->needle.length > 0 ? looking->needle.length - 1 : 0;

	if (first) {
		window->length = 0;
	} else if (window->length > keep) {
		memmove(window->at, window->at + window->length - keep, keep);
		window->length = keep;
	}
	mime_out_bytes(window, folded, length);
	looking->found =
	    mime_contains(window->at, window->length, looking->needle.at, looking->needle.length);
	return !looking->found && !window->failed;
}

int
mime_text_contains(const struct mime_message *message, unsigned where, struct mime_text needle)
{
	struct looking looking = {.needle = needle};
	int result;

	if (needle.length == 0)
		return 1;
	result = mime_each_text(message, where, look, &looking);
	if (looking.window.failed)
		result = -1;
	mime_out_free(&looking.window);
	return result == -1 ? -1 : looking.found;
}

static bool
same_name(struct mime_text a, struct mime_text b)
{
	return a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
}

int
mime_field_contains(struct mime_text header, struct mime_text name, struct mime_text needle)
{
	struct mime_out utf8 = {0}, folded = {0};
	struct mime_field field;
	bool found = false, failed;
	size_t at = 0;

	while (!found && mime_next_field(header.at, header.length, &at, &field)) {
		if (!same_name(field.name, name))
			continue;
		utf8.length = folded.length = 0;
		mime_decode_words(field.value, &utf8);
		mime_fold(utf8.at, utf8.length, &folded);
		found = mime_contains(folded.at, folded.length, needle.at, needle.length);
	}
	failed = utf8.failed || folded.failed;
	mime_out_free(&utf8);
	mime_out_free(&folded);
	return failed ? -1 : found;
}
