/* SPDX-License-Identifier: ISC */
/* ENVELOPE (RFC 9051 7.5.2). */
#include <string.h>

#include "common/mime/address.h"
#include "common/mime/render.h"

enum field {
	DATE,
	SUBJECT,
	IN_REPLY_TO,
	MESSAGE_ID,
	STRINGS, /* those before are strings, those behind addresses */
	FROM = STRINGS,
	SENDER,
	REPLY_TO,
	TO,
	CC,
	BCC,
	FIELDS
};

static const char *const field_names[FIELDS] = {
    [DATE] = "date", [SUBJECT] = "subject",   [IN_REPLY_TO] = "in-reply-to",
    [FROM] = "from", [SENDER] = "sender",     [MESSAGE_ID] = "message-id",
    [TO] = "to",     [REPLY_TO] = "reply-to", [CC] = "cc",
    [BCC] = "bcc",
};

struct envelope {
	struct mime_text strings[STRINGS]; /* values; at NULL: no such field */
	struct mime_out addresses[FIELDS];
	struct mime_out room;
};

static struct mime_text
known(struct mime_text text, const char *else_this)
{
	return text.length > 0 ? text : (struct mime_text){else_this, strlen(else_this)};
}

static struct mime_text
or_nil(struct mime_text text)
{
	return text.length > 0 ? text : (struct mime_text){NULL, 0};
}

/*
 * A group begins with a mailbox and no host, and ends with neither (RFC 9051 7.5.2): an address
 * that lacks its domain must not look so. The words are Dovecot's.
 */
static void
put_address(const struct mime_address *address, struct mime_out *out)
{
	static const struct mime_text nil = {NULL, 0};
	struct mime_text parts[4] = {nil, nil, nil, nil};

	if (address->kind == MIME_GROUP_BEGIN) {
		parts[2] = (struct mime_text){address->name.at, address->name.length};
		if (parts[2].at == NULL)
			parts[2] = known(nil, "");
	} else if (address->kind == MIME_ADDRESS) {
		parts[0] = or_nil(address->name);
		parts[1] = or_nil(address->route);
		parts[2] = known(address->local, "MISSING_MAILBOX");
		parts[3] = known(address->domain, "MISSING_DOMAIN");
	}
	mime_out_char(out, '(');
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			mime_out_char(out, ' ');
		mime_out_nstring(out, parts[i]);
	}
	mime_out_char(out, ')');
}

/*
 * Fields that are there twice are taken together, as if there were a comma: who sees another From
 * than was checked is a fraud's dream.
 */
static void
put_addresses(struct mime_text value, struct mime_out *scratch, struct mime_out *out)
{
	struct mime_addresses reader;
	struct mime_address address;
	char *room = mime_out_room(scratch, MIME_ADDRESS_ROOM(value.length));

	out->failed |= room == NULL;
	if (room == NULL)
		return;
	mime_addresses_open(&reader, value, room);
	while (mime_next_address(&reader, &address)) {
		/* Here a group that began must end. */
		if (out->length > MIME_RENDER_MAX && address.kind != MIME_GROUP_END)
			continue;
		put_address(&address, out);
	}
}

static void
read_fields(struct mime_text header, struct envelope *envelope)
{
	struct mime_field field;
	size_t at = 0;

	while (mime_next_field(header.at, header.length, &at, &field)) {
		for (size_t i = 0; i < FIELDS; i++) {
			if (!mime_is(field.name, field_names[i]))
				continue;
			if (i >= STRINGS)
				put_addresses(field.value, &envelope->room,
					      &envelope->addresses[i]);
			else if (envelope->strings[i].at == NULL)
				envelope->strings[i] = field.value;
		}
	}
}

/* Unfolded. */
static void
put_string(struct envelope *envelope, enum field which, struct mime_out *out)
{
	struct mime_text value = envelope->strings[which];

	if (value.at == NULL || out->length + value.length > MIME_RENDER_MAX) {
		mime_out_text(out, "NIL");
		return;
	}
	/* One octet more, so that an empty value has a place too. */
	if (mime_out_room(&envelope->room, value.length + 1) == NULL) {
		out->failed = true;
		return;
	}
	value.length = mime_unfold(value, envelope->room.at);
	value.at = envelope->room.at;
	mime_out_nstring(out, value);
}

static void
put_list(const struct mime_out *addresses, struct mime_out *out)
{
	if (addresses->length == 0 || out->length > MIME_RENDER_MAX) {
		mime_out_text(out, "NIL");
		return;
	}
	mime_out_char(out, '(');
	mime_out_bytes(out, addresses->at, addresses->length);
	mime_out_char(out, ')');
}

void
mime_render_envelope(const struct mime_message *message, uint32_t part, struct mime_out *out)
{
	static const enum field order[] = {DATE, SUBJECT, FROM, SENDER,      REPLY_TO,
					   TO,   CC,      BCC,  IN_REPLY_TO, MESSAGE_ID};
	struct envelope envelope = {0};

	read_fields(mime_header_of(message, part), &envelope);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		const struct mime_out *addresses = &envelope.addresses[order[i]];

		mime_out_char(out, i == 0 ? '(' : ' ');
		if (order[i] < STRINGS) {
			put_string(&envelope, order[i], out);
			continue;
		}
		/* Who sends, and who gets answers, is the author if nobody is named. */
		if ((order[i] == SENDER || order[i] == REPLY_TO) && addresses->length == 0)
			addresses = &envelope.addresses[FROM];
		put_list(addresses, out);
	}
	mime_out_char(out, ')');
	for (size_t i = STRINGS; i < FIELDS; i++) {
		out->failed |= envelope.addresses[i].failed;
		mime_out_free(&envelope.addresses[i]);
	}
	mime_out_free(&envelope.room);
}
