/* SPDX-License-Identifier: ISC */
#include "common/mime/subject.h"

#include <string.h>
#include <strings.h>

#include "common/mime/summary.h"
#include "common/mime/text.h"

static bool
starts(struct mime_text text, const char *word)
{
	size_t length = strlen(word);

	return text.length >= length && strncasecmp(text.at, word, length) == 0;
}

static bool
ends(struct mime_text text, const char *word)
{
	size_t length = strlen(word);

	return text.length >= length &&
	       strncasecmp(text.at + text.length - length, word, length) == 0;
}

static void
skip(struct mime_text *text, size_t count)
{
	text->at += count;
	text->length -= count;
}

static void
skip_blanks(struct mime_text *text)
{
	while (text->length > 0 && *text->at == ' ')
		skip(text, 1);
}

/* subj-trailer: "(fwd)" and blanks. */
static void
drop_trailers(struct mime_text *text, bool *reply)
{
	for (;;) {
		if (text->length > 0 && text->at[text->length - 1] == ' ') {
			text->length--;
		} else if (ends(*text, "(fwd)")) {
			text->length -= 5;
			*reply = true;
		} else {
			return;
		}
	}
}

/* subj-blob: "[" without brackets within "]", and blanks. */
static bool
take_blob(struct mime_text *text)
{
	size_t i = 1;

	if (text->length == 0 || *text->at != '[')
		return false;
	while (i < text->length && text->at[i] != '[' && text->at[i] != ']')
		i++;
	if (i == text->length || text->at[i] != ']')
		return false;
	skip(text, i + 1);
	skip_blanks(text);
	return true;
}

/* subj-refwd: "re", "fw" or "fwd", a blob maybe, ":". */
static bool
take_refwd(struct mime_text *text)
{
	struct mime_text rest = *text;

	if (starts(rest, "fwd"))
		skip(&rest, 3);
	else if (starts(rest, "re") || starts(rest, "fw"))
		skip(&rest, 2);
	else
		return false;
	skip_blanks(&rest);
	(void)take_blob(&rest);
	if (rest.length == 0 || *rest.at != ':')
		return false;
	skip(&rest, 1);
	*text = rest;
	return true;
}

/* subj-leader: blobs and a subj-refwd, or a blank. */
static bool
take_leader(struct mime_text *text, bool *reply)
{
	struct mime_text rest = *text;

	if (rest.length > 0 && *rest.at == ' ') {
		skip(text, 1);
		return true;
	}
	while (take_blob(&rest))
		;
	if (!take_refwd(&rest))
		return false;
	*text = rest;
	*reply = true;
	return true;
}

/* Steps 3 to 5. */
static void
drop_leaders(struct mime_text *text, bool *reply)
{
	bool again;

	do {
		struct mime_text rest = *text;

		again = false;
		while (take_leader(text, reply))
			again = true;
		rest = *text;
		if (take_blob(&rest) && rest.length > 0) {
			*text = rest;
			again = true;
		}
	} while (again);
}

/* Step 1: decoded, and one blank for each run of blanks. */
static void
decode(struct mime_text value, struct mime_out *out)
{
	size_t used = 0;

	mime_decode_words(value, out);
	for (size_t i = 0; i < out->length; i++) {
		char c = out->at[i];

		if ((unsigned char)c <= ' ' || c == 0x7f)
			c = ' ';
		if (c != ' ' || used == 0 || out->at[used - 1] != ' ')
			out->at[used++] = c;
	}
	out->length = used;
}

void
mime_base_subject(struct mime_text value, struct mime_out *out, bool *reply)
{
	struct mime_out decoded = {0};
	struct mime_text text;
	bool any = false;

	decode(value, &decoded);
	text = (struct mime_text){decoded.at, decoded.length};
	/* What is left in front is looked at again for each "[x]" that is taken away: it is
	 * bounded. */
	if (text.length > MIME_SUBJECT_MAX) {
		text.length = MIME_SUBJECT_MAX;
		while (text.length > 0 && ((unsigned char)text.at[text.length] & 0xc0) == 0x80)
			text.length--;
	}
	for (;;) {
		drop_trailers(&text, &any);
		drop_leaders(&text, &any);
		if (!starts(text, "[fwd:") || !ends(text, "]")) /* step 6 */
			break;
		skip(&text, 5);
		text.length--;
		any = true;
	}
	mime_out_bytes(out, text.at, text.length);
	out->failed |= decoded.failed;
	mime_out_free(&decoded);
	if (reply != NULL)
		*reply = any;
}
