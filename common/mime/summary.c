/* SPDX-License-Identifier: ISC */
#include "common/mime/summary.h"

#include <stdlib.h>
#include <string.h>

#include "common/mime/address.h"
#include "common/mime/date.h"
#include "common/mime/kept.h"
#include "common/mime/preview.h"
#include "common/mime/render.h"
#include "common/mime/subject.h"
#include "common/mime/text.h"

/* Octets kept of a mailbox or a display name, of a message-id. */
#define NAME_MAX_OCTETS 500
#define ID_MAX 1000

/* The header fields that are wanted, the first of each. */
enum field { DATE, SUBJECT, FROM, TO, CC, MESSAGE_ID, REFERENCES, IN_REPLY_TO, FIELDS };

static const char *const field_names[FIELDS] = {
    [DATE] = "date",
    [SUBJECT] = "subject",
    [FROM] = "from",
    [TO] = "to",
    [CC] = "cc",
    [MESSAGE_ID] = "message-id",
    [REFERENCES] = "references",
    [IN_REPLY_TO] = "in-reply-to",
};

/* Where in the block each string begins. */
enum string {
	ENVELOPE,
	BODYSTRUCTURE,
	PREVIEW,
	SUBJECT_BASE,
	FROM_MAILBOX,
	TO_MAILBOX,
	CC_MAILBOX,
	FROM_DISPLAY,
	TO_DISPLAY,
	THREAD,
	KEPT,
	STRINGS
};

struct building {
	const struct mime_message *message;
	struct mime_text fields[FIELDS];
	struct mime_out out;
	size_t begins[STRINGS + 1];
};

static void
read_fields(struct building *building)
{
	struct mime_text header = mime_header_of(building->message, 0);
	struct mime_field field;
	size_t at = 0;

	while (mime_next_field(header.at, header.length, &at, &field)) {
		for (size_t i = 0; i < FIELDS; i++) {
			if (building->fields[i].at == NULL && mime_is(field.name, field_names[i]))
				building->fields[i] = field.value;
		}
	}
}

/* Not longer than MAX, and no half character at the end. */
static void
cut(struct mime_out *out, size_t begin, size_t max)
{
	size_t end = begin + max;

	if (out->length - begin <= max)
		return;
	while (end > begin && ((unsigned char)out->at[end] & 0xc0) == 0x80)
		end--;
	out->length = end;
}

/*
 * Of the first address: its mailbox, or (RFC 5957) its name, or what it has of mailbox@host. A
 * group counts as its name, as it stands in the ENVELOPE.
 */
static void
put_first(struct building *building, enum field which, bool display)
{
	struct mime_text value = building->fields[which];
	struct mime_addresses reader;
	struct mime_address address;
	struct mime_out *out = &building->out;
	size_t begin = out->length;
	char *room;

	if (value.at == NULL)
		return;
	/* The first address is what is wanted: none is so long. */
	if (value.length > 4000)
		value.length = 4000;
	room = malloc(MIME_ADDRESS_ROOM(value.length));
	if (room == NULL) {
		out->failed = true;
		return;
	}
	mime_addresses_open(&reader, value, room);
	if (mime_next_address(&reader, &address)) {
		bool group = address.kind == MIME_GROUP_BEGIN;

		if (group || (display && address.name.length > 0)) {
			mime_decode_words(address.name, out);
		} else {
			mime_decode_words(address.local, out);
			if (display && address.domain.length > 0) {
				mime_out_char(out, '@');
				mime_decode_words(address.domain, out);
			}
		}
	}
	cut(out, begin, NAME_MAX_OCTETS);
	free(room);
}

/* Appends a message-id without its quotes (RFC 5256 3: they are normalised). Returns its length. */
static size_t
put_id(struct mime_text id, struct mime_out *out)
{
	size_t begin = out->length;
	bool at_sign = false;

	for (size_t i = 0; i < id.length; i++) {
		char c = id.at[i];

		if (c == '\\' && i + 1 < id.length)
			c = id.at[++i];
		else if (c == '"')
			continue;
		if ((unsigned char)c <= ' ' || c == 0x7f)
			continue;
		at_sign |= c == '@';
		mime_out_char(out, c);
	}
	if (!at_sign)
		out->length = begin;
	return out->length - begin;
}

/* The next "<...>" of a value from *AT on. */
static bool
next_id(struct mime_text value, size_t *at, struct mime_text *id)
{
	const char *open, *close;

	while (*at < value.length) {
		open = memchr(value.at + *at, '<', value.length - *at);
		if (open == NULL)
			break;
		close = memchr(open, '>', value.length - (size_t)(open - value.at));
		if (close == NULL)
			break;
		*at = (size_t)(close + 1 - value.at);
		*id = (struct mime_text){open + 1, (size_t)(close - open - 1)};
		if (id->length > 0 && id->length <= ID_MAX)
			return true;
	}
	return false;
}

static size_t
count_ids(struct mime_text value)
{
	struct mime_text id;
	size_t at = 0, count = 0;

	while (next_id(value, &at, &id))
		count++;
	return count;
}

/* Of too many, the first (whose thread it is) and the last (whom it answers). */
static bool
put_ids(struct building *building, struct mime_text value, size_t max)
{
	struct mime_out *out = &building->out;
	struct mime_text id;
	size_t at = 0, index = 0, count = count_ids(value);
	bool any = false;

	for (; next_id(value, &at, &id); index++) {
		size_t before = out->length;

		if (count > max && index > 0 && index < count - max + 1)
			continue;
		mime_out_char(out, '\n');
		if (put_id(id, out) == 0)
			out->length = before;
		else
			any = true;
		if (max == 1)
			break;
	}
	return any;
}

static void
put_thread(struct building *building)
{
	struct mime_text id;
	size_t at = 0;

	while (next_id(building->fields[MESSAGE_ID], &at, &id)) {
		if (put_id(id, &building->out) > 0)
			break;
	}
	if (!put_ids(building, building->fields[REFERENCES], MIME_THREAD_MAX - 1))
		(void)put_ids(building, building->fields[IN_REPLY_TO], 1);
}

static void
put_dates(const struct building *building, int64_t internaldate, struct mime_summary *summary)
{
	struct mime_date date;

	if (building->fields[DATE].at != NULL && mime_read_date(building->fields[DATE], &date)) {
		summary->sent = date.seconds;
		summary->sent_day = date.day;
		return;
	}
	summary->sent = internaldate;
	summary->sent_day = internaldate / 86400 - (internaldate % 86400 < 0);
}

static void
put_string(struct building *building, enum string which, struct mime_summary *summary)
{
	struct mime_out *out = &building->out;

	switch (which) {
	case ENVELOPE:
		mime_render_envelope(building->message, 0, out);
		break;
	case BODYSTRUCTURE:
		mime_render_body(building->message, true, out);
		break;
	case PREVIEW:
		mime_preview(building->message, out);
		break;
	case SUBJECT_BASE:
		if (building->fields[SUBJECT].at != NULL)
			mime_base_subject(building->fields[SUBJECT], out, &summary->reply);
		break;
	case FROM_MAILBOX:
	case FROM_DISPLAY:
		put_first(building, FROM, which == FROM_DISPLAY);
		break;
	case TO_MAILBOX:
	case TO_DISPLAY:
		put_first(building, TO, which == TO_DISPLAY);
		break;
	case CC_MAILBOX:
		put_first(building, CC, false);
		break;
	case THREAD:
		put_thread(building);
		break;
	case KEPT:
	case STRINGS:
		mime_keep_header(mime_header_of(building->message, 0), out);
		break;
	}
}

static void
point(struct mime_summary *summary, const struct building *building)
{
	const char **pointers[STRINGS] = {
	    [ENVELOPE] = &summary->envelope,
	    [BODYSTRUCTURE] = &summary->bodystructure,
	    [PREVIEW] = &summary->preview,
	    [SUBJECT_BASE] = &summary->subject,
	    [FROM_MAILBOX] = &summary->from,
	    [TO_MAILBOX] = &summary->to,
	    [CC_MAILBOX] = &summary->cc,
	    [FROM_DISPLAY] = &summary->from_display,
	    [TO_DISPLAY] = &summary->to_display,
	    [THREAD] = &summary->thread,
	    [KEPT] = &summary->kept,
	};

	for (size_t i = 0; i < STRINGS; i++)
		*pointers[i] = building->out.at + building->begins[i];
	summary->envelope_length = building->begins[ENVELOPE + 1] - 1;
	summary->bodystructure_length =
	    building->begins[BODYSTRUCTURE + 1] - building->begins[BODYSTRUCTURE] - 1;
	summary->block = building->out.at;
}

int
mime_summarize(const struct mime_message *message, int64_t internaldate,
	       struct mime_summary *summary)
{
	struct building building = {.message = message};

	*summary = (struct mime_summary){0};
	read_fields(&building);
	put_dates(&building, internaldate, summary);
	/*
	 * BODYSTRUCTURE's bound counts from the beginning of what it writes into: it is shorter
	 * than that by what the envelope took.
	 */
	for (unsigned i = 0; i < STRINGS; i++) {
		building.begins[i] = building.out.length;
		put_string(&building, (enum string)i, summary);
		mime_out_char(&building.out, '\0');
	}
	building.begins[STRINGS] = building.out.length;
	if (building.out.failed) {
		mime_out_free(&building.out);
		return -1;
	}
	point(summary, &building);
	return 0;
}

void
mime_summary_free(struct mime_summary *summary)
{
	free(summary->block);
	*summary = (struct mime_summary){0};
}
