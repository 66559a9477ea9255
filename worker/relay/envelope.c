/* SPDX-License-Identifier: ISC */
#include "worker/relay/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* UTF-8 only with SMTPUTF8 (RFC 6531 3.3). */
static bool
is_path(const char *text, bool utf8)
{
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f || (c > 0x7f && !utf8))
			return false;
	}
	return strlen(text) < PATH_SIZE && u8_check((const uint8_t *)text, strlen(text)) == NULL;
}

/* The next string of the tail, or NULL. */
static const char *
take(const char **at, const char *end)
{
	const char *text = *at;

	if (text >= end)
		return NULL;
	*at += strlen(text) + 1;
	return text;
}

static bool
take_recipient(struct client_recipient *recipient, const char **at, const char *end, bool utf8)
{
	recipient->path = take(at, end);
	recipient->orcpt = take(at, end);
	return recipient->path != NULL && recipient->path[0] != '\0' &&
	       is_path(recipient->path, utf8) && recipient->orcpt != NULL &&
	       (recipient->orcpt[0] == '\0' ||
		orcpt_is_sound(recipient->orcpt, strlen(recipient->orcpt)));
}

/* The tail: the sender and so many recipients, none of them empty. False if it is something else.
 */
static bool
take_paths(struct envelope *envelope, size_t length)
{
	const char *at = envelope->text, *end = at + length;
	struct client_mail *mail = &envelope->mail;
	bool utf8 = (mail->parameters.flags & MAIL_SMTPUTF8) != 0;

	mail->sender = take(&at, end);
	if (mail->sender == NULL || !is_path(mail->sender, utf8))
		return false;
	mail->utf8 = has_utf8(mail->sender);
	for (size_t i = 0; i < mail->count; i++) {
		if (!take_recipient(&envelope->recipients[i], &at, end, utf8))
			return false;
		mail->utf8 = mail->utf8 || has_utf8(envelope->recipients[i].path);
	}
	return at == end;
}

static bool
has_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	for (; end != NULL && text < end; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return end != NULL;
}

static bool
is_sound(const struct qr_send *send)
{
	static const uint8_t zeros[sizeof(send->zeros)];

	if (send->recipients == 0 || send->recipients > RELAY_RECIPIENTS_MAX || send->zero != 0 ||
	    memchr(send->domain, '\0', sizeof(send->domain)) == NULL || send->domain[0] == '\0' ||
	    !is_path(send->domain, false) || !mail_parameters_sound(&send->parameters) ||
	    !has_text(send->delivered_to, sizeof(send->delivered_to)) ||
	    memcmp(send->zeros, zeros, sizeof(zeros)) != 0)
		return false;
	for (size_t i = 0; i < RELAY_RECIPIENTS_MAX; i++) {
		if (!notify_is_sound(send->notify[i]) ||
		    (i >= send->recipients && send->notify[i] != 0))
			return false;
	}
	return true;
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
	memcpy(envelope->delivered_to, send->delivered_to, sizeof(envelope->delivered_to));
	if (send->delivered_to[0] != '\0') {
		(void)snprintf(envelope->prefix, sizeof(envelope->prefix), "Delivered-To: %s\r\n",
			       send->delivered_to);
		envelope->mail.prefix = envelope->prefix;
	}
	envelope->mail.size = send->size;
	envelope->mail.count = send->recipients;
	envelope->mail.parameters = send->parameters;
	for (size_t i = 0; i < send->recipients; i++)
		envelope->recipients[i].notify = send->notify[i];
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
