/* SPDX-License-Identifier: ISC */
#include "certd/dkim_compose.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base64.h"
#include "common/dkim_fields.h"

#define LINE 76 /* RFC 5322 2.1.1 wants 78 at most */

/* What is written, word by word: with one blank between them it is canonical. */
struct writer {
	struct dkim_composed *composed;
	size_t column;
	bool full;
};

static void
append(struct writer *writer, char *out, size_t *length, const char *text)
{
	size_t size = strlen(text);

	if (*length + size >= DKIM_COMPOSED_MAX) {
		writer->full = true;
		return;
	}
	memcpy(out + *length, text, size + 1);
	*length += size;
}

static void
word(struct writer *writer, const char *text)
{
	struct dkim_composed *composed = writer->composed;
	bool fold = writer->column + 1 + strlen(text) > LINE;

	append(writer, composed->canonical, &composed->canonical_length, " ");
	append(writer, composed->canonical, &composed->canonical_length, text);
	append(writer, composed->text, &composed->length, fold ? "\r\n\t" : " ");
	append(writer, composed->text, &composed->length, text);
	writer->column = (fold ? 8 : writer->column + 1) + strlen(text);
}

static void
tag(struct writer *writer, const char *name, const char *value)
{
	char text[HOST_NAME_SIZE + 16];

	if (snprintf(text, sizeof(text), "%s=%s;", name, value) >= (int)sizeof(text))
		writer->full = true;
	else
		word(writer, text);
}

/* h=: the fields as they are, then each that may not be added once more. */
static void
names(struct writer *writer, const struct dkim_order *order)
{
	const char *lead = "h=";
	char text[80];
	size_t at = 0;

	while (at < order->length) {
		const char *name = order->fields + at;
		size_t length = dkim_fields_next(order->fields, order->length, &at);

		(void)snprintf(text, sizeof(text), "%s%.*s:", lead, (int)length, name);
		word(writer, text);
		lead = "";
	}
	for (const struct dkim_field *field = dkim_fields; field->name != NULL; field++) {
		if (!field->once_more || strcmp(field->name, "from") == 0 ||
		    (order->without >> (field - dkim_fields) & 1) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%s:", field->name);
		word(writer, text);
	}
	word(writer, "from;");
}

bool
dkim_compose(const struct dkim_order *order, struct dkim_composed *composed)
{
	struct writer writer = {.composed = composed};
	char hash[BASE64_ENCODED(DKIM_HASH_SIZE) + 1], now[32];

	if (!dkim_fields_canonical(order->fields, order->length))
		return false;
	composed->length = composed->canonical_length = 0;
	append(&writer, composed->canonical, &composed->canonical_length, "dkim-signature:v=1;");
	append(&writer, composed->text, &composed->length, "DKIM-Signature: v=1;");
	writer.column = composed->length;
	(void)base64_encode(order->body_hash, DKIM_HASH_SIZE, hash);
	(void)snprintf(now, sizeof(now), "%" PRId64, order->now);
	tag(&writer, "a", order->ed25519 ? "ed25519-sha256" : "rsa-sha256");
	tag(&writer, "c", "relaxed/relaxed");
	tag(&writer, "d", order->domain);
	tag(&writer, "s", order->selector);
	tag(&writer, "t", now);
	names(&writer, order);
	tag(&writer, "bh", hash);
	word(&writer, "b=");
	return !writer.full;
}

size_t
dkim_finish(const struct dkim_composed *composed, const uint8_t *signature, size_t length,
	    char *out, size_t size)
{
	char text[BASE64_ENCODED(SIGNATURE_OCTETS_MAX) + 1];
	size_t encoded, used = composed->length;

	if (length > SIGNATURE_OCTETS_MAX)
		return 0;
	encoded = base64_encode(signature, length, text);
	if (used + encoded + encoded / 64 * 3 + 16 > size)
		return 0;
	memcpy(out, composed->text, used);
	for (size_t at = 0; at < encoded; at += 64) {
		size_t piece = encoded - at < 64 ? encoded - at : 64;

		out[used++] = '\r';
		out[used++] = '\n';
		out[used++] = '\t';
		memcpy(out + used, text + at, piece);
		used += piece;
	}
	out[used++] = '\r';
	out[used++] = '\n';
	return used;
}
