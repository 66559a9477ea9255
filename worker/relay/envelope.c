/* SPDX-License-Identifier: ISC */
#include "worker/relay/envelope.h"

#include <stdlib.h>
#include <string.h>

static bool
is_path(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

/* The tail: the sender and so many paths, none of them empty. False if it is something else. */
static bool
take_paths(struct envelope *envelope, size_t length)
{
	const char *p = envelope->text, *end = p + length;

	for (size_t i = 0; i <= envelope->mail.count; i++, p += strlen(p) + 1) {
		if (p >= end || strlen(p) >= PATH_SIZE || !is_path(p) || (i > 0 && *p == '\0'))
			return false;
		if (i == 0)
			envelope->mail.sender = p;
		else
			envelope->recipients[i - 1].path = p;
	}
	return p == end;
}

static bool
is_sound(const struct qr_send *send)
{
	return send->recipients > 0 && send->recipients <= RELAY_RECIPIENTS_MAX &&
	       send->zero == 0 && memchr(send->domain, '\0', sizeof(send->domain)) != NULL &&
	       send->domain[0] != '\0' && is_path(send->domain);
}

struct envelope *
envelope_new(const struct qr_send *send, const char *tail, size_t length)
{
	struct envelope *envelope;

	if (!is_sound(send))
		return NULL;
	envelope =
	    calloc(1, sizeof(*envelope) + send->recipients * sizeof(envelope->recipients[0]));
	if (envelope == NULL)
		return NULL;
	memcpy(envelope->domain, send->domain, sizeof(envelope->domain));
	envelope->mail.size = send->size;
	envelope->mail.count = send->recipients;
	envelope->mail.recipients = envelope->recipients;
	envelope->text = malloc(length + 1);
	if (envelope->text != NULL) {
		memcpy(envelope->text, tail, length);
		envelope->text[length] = '\0';
		if (take_paths(envelope, length))
			return envelope;
	}
	envelope_free(envelope);
	return NULL;
}

void
envelope_free(struct envelope *envelope)
{
	if (envelope == NULL)
		return;
	free(envelope->text);
	free(envelope);
}
