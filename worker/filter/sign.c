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
	size_t length, count;
	struct part {
		size_t length, count;
	} parts[DKIM_NAMES_MAX]; /* of them, by name */
	uint32_t request;        /* QF_SIGN, or 0 */
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

/* It would never be signed. */
static void
refuse_long(struct check *check)
{
	static const char why[] = "its header is longer than can be signed";

	log_event(LOG_WARNING, "filter.unsigned", KV_CONN(check->mail.conn), KV_STR("why", why));
	if (check->mail.kind != FILTER_OWN)
		check_verdict(check, FILTER_REJECT, 552, "5.3.4", why,
			      "The message can't be signed: the header fields that are, From, "
			      "Subject and others, are longer than 60000 octets, or more than 64");
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

/* All fields of the Nth name, the last first (5.4.2). */
static void
add_fields(struct signing *signing, size_t n)
{
	const struct message *message = signing->check->message;
	struct message_field *field;

	TAILQ_FOREACH_REVERSE(field, &message->fields, message_fields, entry)
	{
		size_t length;

		if (field->removed || !mime_is(field->text.name, dkim_fields[n].name))
			continue;
		length = dkim_canon_field(DKIM_RELAXED, field->text.whole,
					  signing->fields + signing->length);
		signing->length += length;
		signing->parts[n].length += length;
		signing->parts[n].count++;
		signing->count++;
	}
}

/* The longest that may be missing is not signed. False if there is none any more. */
static bool
leave_out(struct signing *signing)
{
	struct part *longest = NULL, *part = signing->parts;
	size_t at = 0, begin = 0;

	for (const struct dkim_field *field = dkim_fields; field->name != NULL; field++, part++) {
		if (field->may_lack && part->count > 0 &&
		    (longest == NULL || part->length > longest->length)) {
			longest = part;
			begin = at;
		}
		at += part->length;
	}
	if (longest == NULL)
		return false;
	signing->order.without |= UINT32_C(1) << (longest - signing->parts);
	signing->length -= longest->length;
	signing->count -= longest->count;
	memmove(signing->fields + begin, signing->fields + begin + longest->length,
		signing->length - begin);
	*longest = (struct part){.length = 0};
	return true;
}

static void
tell_left_out(const struct signing *signing)
{
	for (size_t n = 0; dkim_fields[n].name != NULL; n++) {
		if ((signing->order.without >> n & 1) != 0)
			log_event(LOG_INFO, "filter.partly_signed",
				  KV_CONN(signing->check->mail.conn),
				  KV_STR("without", dkim_fields[n].name));
	}
}

/* What the canonical forms of all fields take at most. */
static size_t
room_for(const struct message *message)
{
	const struct message_field *field;
	size_t size = 0;

	TAILQ_FOREACH (field, &message->fields, entry)
		size += field->text.whole.length + 2;
	return size;
}

enum gathered { GATHERED, TOO_LONG, NO_MEMORY };

static enum gathered
gather_fields(struct signing *signing)
{
	signing->fields = malloc(room_for(signing->check->message) + 1);
	if (signing->fields == NULL)
		return NO_MEMORY;
	for (size_t n = 0; dkim_fields[n].name != NULL; n++)
		add_fields(signing, n);
	while (signing->length > QF_SIGN_FIELDS_MAX || signing->count > DKIM_FIELDS_SIGNED_MAX) {
		if (!leave_out(signing))
			return TOO_LONG;
	}
	tell_left_out(signing);
	return GATHERED;
}

static void
on_body(bool failed, void *arg)
{
	struct signing *signing = arg;
	struct check *check = signing->check;
	enum gathered gathered = failed ? NO_MEMORY : gather_fields(signing);
	uint64_t size;

	if (gathered == TOO_LONG) {
		refuse_long(check);
		finish(signing);
		return;
	}
	if (gathered != GATHERED) {
		give_up(check,
			failed ? "the message can't be read" : "there is no memory for its header");
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

static void
skip(struct check *check)
{
	give_up(check, "there is no time");
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
    .own = true,
    .skip = skip,
};
