/* SPDX-License-Identifier: ISC */
/*
 * What a header says of itself that this server alone may. The first byte says how the rest is cut
 * into pieces: that must change nothing. What came out has nothing of it any more, as the one who
 * reads messages in filter sees it, and all else, in order.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/authserv_id.h"
#include "worker/filter/message.h"
#include "worker/gate/smtp/claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct output {
	char *text;
	size_t length;
};

static void
collect(void *arg, const char *bytes, size_t length)
{
	struct output *out = arg;

	memcpy(out->text + out->length, bytes, length);
	out->length += length;
}

/* What goes before it, as ever. */
static const char received[] = "Received: by me\r\n";

static struct output
run(const char *in, size_t length, size_t piece)
{
	struct output out = {malloc(length + sizeof(received)), 0};
	struct claims claims;

	collect(&out, received, strlen(received));
	claims_init(&claims, "me", collect, &out);
	for (size_t at = 0; at < length; at += piece)
		claims_next(&claims, in + at, length - at < piece ? length - at : piece);
	claims_end(&claims);
	claims_clear(&claims);
	return out;
}

/* Line ends are CRLF where this comes from, and there is no NUL. */
static int
is_text(const char *in, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (in[i] == '\0' || (in[i] == '\n' && (i == 0 || in[i - 1] != '\r')) ||
		    (in[i] == '\r' && (i + 1 == length || in[i + 1] != '\n')))
			return 0;
	}
	return 1;
}

static void
check(const struct output *out)
{
	struct message *message = message_new(out->text, -1, out->length);
	struct message_field *field = NULL;

	if (message == NULL)
		return;
	if (message_came(message, "Return-Path", NULL) != NULL)
		abort();
	while ((field = message_came(message, "Authentication-Results", field)) != NULL) {
		/* Of a longer one its beginning decides. */
		if (field->text.whole.length < CLAIMS_FIELD_MAX &&
		    authserv_id_may_be(field->text.value, "me"))
			abort();
	}
	message_free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *in = (const char *)data + 1;
	struct output one, two;

	if (size < 2)
		return 0;
	one = run(in, size - 1, size);
	two = run(in, size - 1, data[0] == 0 ? size : data[0]);
	if (one.length != two.length || memcmp(one.text, two.text, one.length) != 0)
		abort();
	if (is_text(in, size - 1))
		check(&one);
	free(one.text);
	free(two.text);
	return 0;
}
