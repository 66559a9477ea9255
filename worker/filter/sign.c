/* SPDX-License-Identifier: ISC */
/*
 * The last stage: what this host's users send is signed (RFC 6376), as it is now, whatever other
 * stages made of it. Here is what is signed; who signs it, and the field itself, is certd's
 * business, which queue asks (QF_SIGN): there is no key in this process.
 */
#include <stdlib.h>
#include <string.h>

#include "common/dkim_fields.h"
#include "common/log.h"
#include "worker/filter/dkim_bodies.h"
#include "worker/filter/dmarc.h"
#include "worker/filter/filter.h"

#define SIGN_SECONDS 20

struct signing {
	struct check *check;
	struct dkim_bodies *bodies;
	int form;
	struct qf_sign order;
	char *fields; /* canonical */
	size_t length;
	uint32_t request; /* QF_SIGN, or 0 */
};

static void
signing_free(struct signing *signing)
{
	if (signing == NULL)
		return;
	if (signing->request != 0 && signing->check->filter->queue != NULL)
		ipc_cancel(signing->check->filter->queue, signing->request);
	dkim_bodies_free(signing->bodies);
	free(signing->fields);
	free(signing);
}

static void
finish(struct signing *signing)
{
	struct check *check = signing->check;

	check->stage = NULL;
	signing_free(signing);
	check_next(check);
}

/* A mail without its signature may be refused where it goes: it comes again. Our own goes on. */
static void
give_up(struct check *check, const char *why)
{
	log_event(LOG_WARNING, "filter.unsigned", KV_CONN(check->mail.conn), KV_STR("why", why));
	if (check->mail.kind != FILTER_OWN)
		check_verdict(check, FILTER_LATER, 451, "4.7.1", why,
			      "The message can't be signed now, try again later");
}

/* -- The answer --------------------------------------------------------------------------- */

/* Fields are put in front, the first of the list first. */
static bool
prepend_all(struct message *message, const char *text, size_t length)
{
	struct message_field *last = NULL;
	struct mime_field field;
	size_t at = 0;

	while (mime_next_field(text, length, &at, &field)) {
		char *value = strndup(field.value.at, field.value.length);

		if (value == NULL || !mime_is(field.name, "DKIM-Signature"))
			last = NULL;
		else if (last == NULL)
			last = message_prepend(message, "DKIM-Signature", value);
		else
			last = message_insert(message, last, "DKIM-Signature", value);
		free(value);
		if (last == NULL)
			return false;
	}
	return true;
}

static int
on_signed(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct signing *signing = arg;
	struct check *check = signing->check;

	(void)channel;
	signing->request = 0;
	if (message == NULL || message->type != QF_SIGNED)
		give_up(check, "there is no signature to be had");
	else if (!prepend_all(check->message, message->tail, message->tail_length))
		give_up(check, "no field of it can be made");
	finish(signing);
	return message == NULL || message->type == QF_SIGNED || message->type == QF_UNSIGNED ? 0
											     : -1;
}

/* -- The question ------------------------------------------------------------------------- */

/* All fields called NAME, the last first (5.4.2). False if there is no room. */
static bool
add_fields(struct signing *signing, const char *name, size_t *count)
{
	const struct message *message = signing->check->message;
	struct message_field *field;

	TAILQ_FOREACH_REVERSE(field, &message->fields, message_fields, entry)
	{
		if (field->removed || !mime_is(field->text.name, name))
			continue;
		if (++*count > DKIM_FIELDS_SIGNED_MAX ||
		    signing->length + field->text.whole.length + 2 > QF_SIGN_FIELDS_MAX)
			return false;
		signing->length += dkim_canon_field(DKIM_RELAXED, field->text.whole,
						    signing->fields + signing->length);
	}
	return true;
}

static bool
gather_fields(struct signing *signing)
{
	size_t count = 0;

	signing->fields = malloc(QF_SIGN_FIELDS_MAX);
	if (signing->fields == NULL)
		return false;
	for (const struct dkim_field *field = dkim_fields; field->name != NULL; field++) {
		if (!add_fields(signing, field->name, &count))
			return false;
	}
	return true;
}

static void
on_body(bool failed, void *arg)
{
	struct signing *signing = arg;
	struct check *check = signing->check;
	uint64_t size;

	if (failed || !gather_fields(signing)) {
		give_up(check, failed ? "the message can't be read"
				      : "its header is longer than can be signed");
		finish(signing);
		return;
	}
	memcpy(signing->order.body_hash, dkim_bodies_hash(signing->bodies, signing->form, &size),
	       DKIM_HASH_SIZE);
	signing->request =
	    ipc_request(check->filter->queue, QF_SIGN, &signing->order, signing->fields,
			signing->length, -1, SIGN_SECONDS, on_signed, signing);
	if (signing->request != 0)
		return;
	give_up(check, "queue does not answer");
	finish(signing);
}

/* The one domain that it is from; false if there are more, or none. */
static bool
take_domain(const struct check *check, char out[HOST_NAME_SIZE])
{
	struct dmarc_domains domains = {.count = 0};
	const struct message_field *field = message_is(check->message, "From", NULL);

	if (field == NULL || message_is(check->message, "From", field) != NULL ||
	    dmarc_add_from(&domains, field->text.value) == -1 || domains.count != 1 ||
	    domains.unusable)
		return false;
	strlcpy(out, domains.list[0], HOST_NAME_SIZE);
	return true;
}

static void
start(struct check *check)
{
	struct signing *signing = calloc(1, sizeof(*signing));

	if (signing != NULL)
		signing->bodies = dkim_bodies_new(check->filter->base, check->message);
	if (signing == NULL || signing->bodies == NULL) {
		give_up(check, "there is no memory");
		signing_free(signing);
		check_next(check);
		return;
	}
	signing->check = check;
	signing->order.check = check->mail.check;
	if (!take_domain(check, signing->order.domain)) {
		log_event(LOG_INFO, "filter.unsigned", KV_CONN(check->mail.conn),
			  KV_STR("why", "its From: has not one domain"));
		signing_free(signing);
		check_next(check);
		return;
	}
	check->stage = signing;
	signing->form = dkim_bodies_want(signing->bodies, DKIM_RELAXED, false, 0);
	if (signing->form == -1 || dkim_bodies_start(signing->bodies, on_body, signing) == -1)
		on_body(true, signing);
}

static void
cancel(struct check *check)
{
	signing_free(check->stage);
	check->stage = NULL;
}

static bool
wanted(const struct check *check)
{
	return check->filter->settings.sign == 1;
}

const struct stage stage_sign = {
    .name = "sign",
    .kinds = FILTER_SUBMITTER | FILTER_OWN,
    .wanted = wanted,
    .start = start,
    .cancel = cancel,
};
