/* SPDX-License-Identifier: ISC */
#include "common/mime/seven_bit.h"

#include <stdlib.h>
#include <string.h>

#include "common/mime/structure.h"

#define LINE_MAX_OCTETS 998 /* RFC 5322 2.1.1 */

struct planner {
	struct seven_bit *plan;
	const struct mime_message *message;
	size_t at;      /* up to here the message is in the plan */
	bool needs;     /* 7 bits don't carry it as it is */
	bool mime;      /* it says that it is MIME */
	bool no_memory; /* for a piece */
};

static const char mime_version[] = "MIME-Version: 1.0\r\n";
static const char unknown_type[] =
    "Content-Type: text/plain; charset=unknown-8bit\r\n"; /* RFC 1428 3 */
static const char is_base64[] = "Content-Transfer-Encoding: base64\r\n";
static const char is_quoted[] = "Content-Transfer-Encoding: quoted-printable\r\n";

const char *
seven_bit_why(enum seven_bit_verdict verdict)
{
	static const char *const texts[SEVEN_BIT_VERDICTS] = {
	    [SEVEN_BIT_OK] = "it can be converted",
	    [SEVEN_BIT_HEADER] = "its header has octets above 127, which no encoding is for",
	    [SEVEN_BIT_SIGNED] = "it is signed or encrypted, and conversion would break that",
	    [SEVEN_BIT_DKIM] = "it has a DKIM signature, which conversion would break",
	    [SEVEN_BIT_ENCODED] = "a part of it is not encoded as it says",
	    [SEVEN_BIT_COMPOSITE] = "a part that may not be encoded has octets above 127",
	    [SEVEN_BIT_NO_MEMORY] = "there is no memory to convert it",
	};

	return texts[verdict];
}

/* -- What octets are like ---------------------------------------------------------------------- */

struct octets {
	bool high; /* above 127 */
	bool nul;
	bool bare;      /* a CR or LF by itself */
	bool wide;      /* a line that is too long */
	size_t escaped; /* that quoted-printable would write as three */
};

static struct octets
look(const char *at, size_t length)
{
	struct octets octets = {.escaped = 0};
	size_t line = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)at[i];

		if (c == '\r' && i + 1 < length && at[i + 1] == '\n') {
			i++;
			line = 0;
			continue;
		}
		octets.high = octets.high || c > 127;
		octets.nul = octets.nul || c == '\0';
		octets.bare = octets.bare || c == '\r' || c == '\n';
		octets.wide = octets.wide || ++line > LINE_MAX_OCTETS;
		octets.escaped += (c < ' ' && c != '\t') || c > '~' || c == '=';
	}
	return octets;
}

static bool
is_plain(const struct octets *octets)
{
	return !octets->high && !octets->nul && !octets->bare && !octets->wide;
}

static struct octets
look_between(const struct planner *planner, size_t from, size_t to)
{
	return look(planner->message->bytes + from, to - from);
}

/* Some octet above 127; eight of them at a time. */
static bool
has_high(const char *at, size_t length)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	uint64_t eight;
	size_t i = 0;

	for (; length - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, at + i, sizeof(eight));
		if ((eight & high) != 0)
			return true;
	}
	for (; i < length; i++) {
		if ((unsigned char)at[i] > 127)
			return true;
	}
	return false;
}

/* From line end to line end; CR: one stands before the first octet. */
static bool
has_bare(const char *at, size_t length, bool cr)
{
	const char *end = at + length;

	for (;;) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf == NULL ? end : lf;
		const char *found = memchr(at, '\r', (size_t)(stop - at));

		/* The last octet of the piece may be half of a CRLF. */
		if ((cr && lf != at) || (found != NULL && found + 1 != stop) ||
		    (lf != NULL && !cr && found == NULL))
			return true;
		if (lf == NULL || lf + 1 == end)
			return false;
		at = lf + 1;
		cr = false;
	}
}

void
seven_bit_look(struct seven_bit_look *look, const char *piece, size_t length)
{
	if (length == 0 || look->needs)
		return;
	look->needs = has_high(piece, length) || memchr(piece, '\0', length) != NULL ||
		      has_bare(piece, length, look->cr);
	look->cr = piece[length - 1] == '\r';
}

bool
seven_bit_is_needed(const struct seven_bit_look *look)
{
	return look->needs || look->cr;
}

/* -- Pieces ------------------------------------------------------------------------------------ */

static void
add(struct planner *planner, enum seven_bit_kind kind, const char *at, size_t length)
{
	struct seven_bit *plan = planner->plan;

	if (length == 0 || planner->no_memory)
		return;
	if (plan->count == plan->room) {
		size_t room = plan->room == 0 ? 16 : plan->room * 2;
		struct seven_bit_piece *pieces = reallocarray(plan->pieces, room, sizeof(*pieces));

		planner->no_memory = pieces == NULL;
		if (pieces == NULL)
			return;
		plan->pieces = pieces;
		plan->room = room;
	}
	plan->pieces[plan->count++] = (struct seven_bit_piece){kind, at, length};
}

/* The message from where the plan is, up to TO. */
static void
add_up_to(struct planner *planner, enum seven_bit_kind kind, size_t to)
{
	if (to > planner->at) {
		add(planner, kind, planner->message->bytes + planner->at, to - planner->at);
		planner->at = to;
	}
}

static void
add_text(struct planner *planner, const char *text)
{
	add(planner, SEVEN_BIT_TEXT, text, strlen(text));
}

/* -- Headers -------------------------------------------------------------------------------------
 */

/* RFC 2045 4: it has no encodings without that. */
static bool
lacks_version(const struct planner *planner, const struct mime_part *part)
{
	return part->depth == 0 && planner->needs && !planner->mime;
}

/* A part's header, with ENCODING in place of what it says; "": with nothing. */
static void
add_header(struct planner *planner, const struct mime_part *part, const char *encoding)
{
	struct mime_text header = {planner->message->bytes + part->header,
				   part->body - part->header};
	bool typed = false;
	struct mime_field field;
	size_t at = 0, end = 0;

	while (mime_next_field(header.at, header.length, &at, &field)) {
		end = at;
		typed = typed || mime_is(field.name, "content-type");
		if (!mime_is(field.name, "content-transfer-encoding"))
			continue;
		add_up_to(planner, SEVEN_BIT_COPY, part->header + end - field.whole.length);
		planner->at = part->header + end;
	}
	add_up_to(planner, SEVEN_BIT_COPY, part->header + end);
	if (encoding[0] != '\0') {
		if (!typed)
			add_text(planner, unknown_type);
		add_text(planner, encoding);
	}
	if (lacks_version(planner, part))
		add_text(planner, mime_version);
	/* The empty line. */
	add_up_to(planner, SEVEN_BIT_COPY, part->body);
}

static bool
has_label(const struct mime_part *part)
{
	return part->encoding == MIME_8BIT || part->encoding == MIME_BINARY;
}

/* -- Parts ---------------------------------------------------------------------------------------
 */

static bool
is_composite(const struct mime_part *part)
{
	return mime_is(part->type, "multipart") ||
	       (mime_is(part->type, "message") &&
		!(part->subtype.length >= 6 &&
		  mime_is((struct mime_text){part->subtype.at, 6}, "global")));
}

/* A part without parts, or one that is taken as a whole. */
static enum seven_bit_verdict
plan_leaf(struct planner *planner, const struct mime_part *part)
{
	struct octets octets = look_between(planner, part->body, part->end);
	size_t length = part->end - part->body;
	bool text = mime_is(part->type, "text");
	/* Quoted-printable is read by people too: also if it is a little longer. */
	bool quoted = text && octets.escaped * 2 < length / 2;

	if (is_plain(&octets)) {
		if (has_label(part))
			add_header(planner, part, "");
		return SEVEN_BIT_OK;
	}
	/* Lines of what is encoded already may be anything: only what can't be sent is looked at.
	 */
	if (part->encoding > MIME_BINARY)
		return octets.high || octets.nul || octets.bare ? SEVEN_BIT_ENCODED : SEVEN_BIT_OK;
	if (is_composite(part))
		return octets.high || octets.nul ? SEVEN_BIT_COMPOSITE : SEVEN_BIT_OK;
	add_header(planner, part, quoted ? is_quoted : is_base64);
	add(planner, quoted ? SEVEN_BIT_QUOTED_PRINTABLE : SEVEN_BIT_BASE64,
	    planner->message->bytes + part->body, length);
	planner->at = part->end;
	return SEVEN_BIT_OK;
}

/* Behind all that is in the part at INDEX. */
static uint32_t
behind(const struct mime_message *message, uint32_t index)
{
	uint32_t next = index + 1;

	while (next < message->count && message->parts[next].depth > message->parts[index].depth)
		next++;
	return next;
}

/* What nobody would read between parts, a program shows where there are none. */
static bool
is_taken_whole(const struct mime_part *part)
{
	return part->kind == MIME_LEAF || mime_is_type(part, "message", "global") ||
	       (part->kind == MIME_MULTIPART && part->child == 0);
}

/* One part, all of it or its header; *NEXT is which one comes then. */
static enum seven_bit_verdict
plan_part(struct planner *planner, uint32_t index, uint32_t *next)
{
	const struct mime_message *message = planner->message;
	const struct mime_part *part = &message->parts[index];
	struct octets header = look_between(planner, part->header, part->body);
	bool sealed = mime_is_type(part, "multipart", "signed") ||
		      mime_is_type(part, "multipart", "encrypted");

	*next = index + 1;
	/* Between parts there is what nobody reads. */
	add_up_to(planner, SEVEN_BIT_ASCII, part->header);
	if (header.high || header.nul)
		return SEVEN_BIT_HEADER;
	if (sealed) {
		struct octets all = look_between(planner, part->body, part->end);

		*next = behind(message, index);
		if (all.high || all.nul || all.bare)
			return SEVEN_BIT_SIGNED;
		add_up_to(planner, SEVEN_BIT_COPY, part->end);
		return SEVEN_BIT_OK;
	}
	if (is_taken_whole(part)) {
		enum seven_bit_verdict verdict = plan_leaf(planner, part);

		*next = behind(message, index);
		add_up_to(planner, SEVEN_BIT_COPY, part->end);
		return verdict;
	}
	if (has_label(part) || part->encoding > MIME_BINARY || lacks_version(planner, part))
		add_header(planner, part, "");
	else
		add_up_to(planner, SEVEN_BIT_COPY, part->body);
	return SEVEN_BIT_OK;
}

/* -- The whole ------------------------------------------------------------------------------------
 */

/* The value of a tag of DKIM-Signature (RFC 6376 3.2); false: it has none. */
static bool
find_tag(struct mime_text value, char name, struct mime_text *found)
{
	for (size_t at = 0; at < value.length;) {
		const char *begin = value.at + at;
		const char *end = memchr(begin, ';', value.length - at);
		size_t length = end == NULL ? value.length - at : (size_t)(end - begin);
		size_t skip = 0;

		while (skip < length && strchr(" \t\r\n", begin[skip]) != NULL)
			skip++;
		if (skip < length && begin[skip] == name) {
			do
				skip++;
			while (skip < length && strchr(" \t\r\n", begin[skip]) != NULL);
			if (skip < length && begin[skip] == '=') {
				*found = (struct mime_text){begin + skip + 1, length - skip - 1};
				return true;
			}
		}
		at += length + 1;
	}
	return false;
}

static bool
contains_word(struct mime_text text, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= text.length; i++) {
		if (mime_is((struct mime_text){text.at + i, length}, word))
			return true;
	}
	return false;
}

/* All it signs of the body is nothing ("l=0"), and it signs no field that a conversion touches. */
static bool
covers_nothing(struct mime_text signature)
{
	struct mime_text length, fields;
	bool zero = false;

	if (!find_tag(signature, 'l', &length) || !find_tag(signature, 'h', &fields))
		return false;
	for (size_t i = 0; i < length.length; i++) {
		if (length.at[i] >= '1' && length.at[i] <= '9')
			return false;
		zero = zero || length.at[i] == '0';
	}
	return zero && !contains_word(fields, "content-t") &&
	       !contains_word(fields, "mime-version");
}

static bool
is_dkim_signed(const struct mime_message *message)
{
	struct mime_text header = mime_header_of(message, 0);
	struct mime_field field;
	size_t at = 0;

	while (mime_next_field(header.at, header.length, &at, &field)) {
		if (mime_is(field.name, "dkim-signature") && !covers_nothing(field.value))
			return true;
	}
	return false;
}

static enum seven_bit_verdict
plan_all(struct planner *planner)
{
	const struct mime_message *message = planner->message;
	struct octets octets = look(message->bytes, message->length);
	struct mime_text value, header = mime_header_of(message, 0);
	enum seven_bit_verdict verdict = SEVEN_BIT_OK;

	planner->mime = mime_find_field(header.at, header.length, "mime-version", &value);
	planner->needs = !is_plain(&octets);
	for (uint32_t i = 0; i < message->count && verdict == SEVEN_BIT_OK;)
		verdict = plan_part(planner, i, &i);
	/* Last: what can't be converted anyhow is not to be blamed on a signature, perhaps ours. */
	if (verdict == SEVEN_BIT_OK && planner->needs && is_dkim_signed(message))
		verdict = SEVEN_BIT_DKIM;
	add_up_to(planner, SEVEN_BIT_ASCII, message->length);
	return planner->no_memory ? SEVEN_BIT_NO_MEMORY : verdict;
}

enum seven_bit_verdict
seven_bit_plan(struct seven_bit *plan, const char *bytes, size_t length)
{
	struct mime_message message;
	struct planner planner = {.plan = plan, .message = &message};
	enum seven_bit_verdict verdict;

	*plan = (struct seven_bit){.pieces = NULL};
	if (mime_parse(bytes, length, &message) == -1)
		return SEVEN_BIT_NO_MEMORY;
	verdict = plan_all(&planner);
	mime_free(&message);
	if (verdict != SEVEN_BIT_OK)
		seven_bit_free(plan);
	return verdict;
}

void
seven_bit_free(struct seven_bit *plan)
{
	free(plan->pieces);
	*plan = (struct seven_bit){.pieces = NULL};
}
