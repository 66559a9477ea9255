/* SPDX-License-Identifier: ISC */
/* A milter that answers anything. */
#include <event2/buffer.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/filter/milter_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
field(void *context, size_t index, struct milter_field *out)
{
	(void)context;
	*out = (struct milter_field){"Subject", 7, " x\r\n\ty", 6};
	return index < 2;
}

static ssize_t
body(void *context, uint64_t offset, void *buffer, size_t room)
{
	(void)context;
	if (offset > 0 || room < 4)
		return 0;
	memcpy(buffer, "abc\n", 4);
	return 4;
}

/* Strings end where they must. */
static int
change(void *context, const struct milter_reply *reply)
{
	size_t *sum = context;

	*sum += reply->length;
	if (reply->name != NULL)
		*sum += strlen(reply->name);
	if (reply->value != NULL)
		*sum += strlen(reply->value);
	return milter_is_change(reply->type) ? 0 : -1;
}

/* Packets as long as there are any. */
static int
talk(struct milter_session *session, const char *bytes, size_t size, struct evbuffer *out)
{
	struct error err;
	int32_t length;

	for (;;) {
		while (milter_session_speak(session, out, &err) == 1)
			evbuffer_drain(out, evbuffer_get_length(out));
		length = milter_packet(bytes, size);
		if (length <= 0)
			return 0;
		if (milter_session_hear(session, bytes + 4, (size_t)length, &err) == -1)
			return -1;
		bytes += 4 + length;
		size -= 4 + (size_t)length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t sum = 0;
	const struct milter_mail mail = {.hostname = "mx.test",
					 .queue_id = "1",
					 .helo = "h",
					 .sender = "",
					 .recipients = "b@test\0c@test",
					 .recipient_count = 2,
					 .field = field,
					 .body = body,
					 .change = change,
					 .context = &sum};
	struct evbuffer *out = evbuffer_new();
	struct milter_session session;
	char *copy = malloc(size);

	/* Exactly as long, so that a read behind its end is seen. */
	if (out != NULL && (copy != NULL || size == 0)) {
		if (size > 0)
			memcpy(copy, data, size);
		milter_session_start(&session, &mail);
		(void)talk(&session, copy, size, out);
		if (session.state == MILTER_OVER && session.code.code != 0 &&
		    (session.code.code < 400 || session.code.code > 599))
			abort();
	}
	free(copy);
	evbuffer_free(out);
	return 0;
}
