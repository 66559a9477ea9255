/* SPDX-License-Identifier: ISC */
/* What becomes of a mail by what one milter has said of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "worker/filter/milter_envelope.h"
#include "worker/filter/milters_private.h"

#define NAME_SIZE (INET6_ADDRSTRLEN + 8)

static const char no_memory[] = "no memory for its changes";

static void
name_of(const struct mf_milter *milter, char out[NAME_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "";

	if (milter->local == 1) {
		(void)strlcpy(out, "unix", NAME_SIZE);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&milter->address)) {
		(void)inet_ntop(AF_INET, &milter->address.s6_addr[12], text, sizeof(text));
		(void)snprintf(out, NAME_SIZE, "%s:%u", text, milter->port);
		return;
	}
	(void)inet_ntop(AF_INET6, &milter->address, text, sizeof(text));
	(void)snprintf(out, NAME_SIZE, "[%s]:%u", text, milter->port);
}

static void
note_of(const struct check *check, const struct mf_milter *milter, const char *event,
	const char *what)
{
	char name[NAME_SIZE];

	name_of(milter, name);
	log_event(LOG_WARNING, event, KV_CONN(check->mail.conn), KV_STR("milter", name),
		  KV_STR("why", what));
}

static void
note(const struct milters *run, const char *event, const char *what)
{
	note_of(run->check, milters_current(run), event, what);
}

/* rspamd's X-Spam: Yes, SpamAssassin's X-Spam-Flag: YES. */
static bool
is_spam_mark(const struct milter_change *change)
{
	const char *value = change->value;

	if ((change->type != MILTER_ADDHEADER && change->type != MILTER_INSHEADER &&
	     change->type != MILTER_CHGHEADER) ||
	    (strcasecmp(change->name, "X-Spam") != 0 &&
	     strcasecmp(change->name, "X-Spam-Flag") != 0))
		return false;
	while (*value == ' ' || *value == '\t')
		value++;
	return strncasecmp(value, "yes", 3) == 0;
}

static void
hold(struct milters *run, const char *why)
{
	char text[FILTER_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "held by a milter: %.350s", why);
	check_verdict(run->check, FILTER_HOLD, 0, NULL, "a milter holds it", text);
}

/* What is about the mail as a whole. */
static void
look_at_changes(struct milters *run)
{
	const struct milter_change *change;

	STAILQ_FOREACH (change, &run->edit.changes, entry) {
		if (change->type == MILTER_QUARANTINE)
			hold(run, change->name);
		else if (milters_current(run)->junk == 1 && is_spam_mark(change))
			check_junk(run->check, "a milter's mark");
	}
}

void
milters_unheard(struct check *check, const struct mf_milter *milter, const char *why)
{
	note_of(check, milter, "milter.failed", why);
	if (milter->failure == FILTER_FAIL_LATER)
		check_verdict(check, FILTER_LATER, 451, "4.7.1", why,
			      "A filter is not available, try again later");
}

void
milters_failed(struct milters *run, const char *why)
{
	milters_unheard(run->check, milters_current(run), why);
}

/* It would add as much again when the mail comes again: that is final. */
void
milters_too_much(struct milters *run)
{
	static const char why[] = "it adds more to the message than is kept";

	note(run, "milter.failed", why);
	if (milters_current(run)->failure == FILTER_FAIL_LATER)
		check_verdict(run->check, FILTER_REJECT, 552, "5.3.4", why,
			      "A filter adds more to the message than this server keeps");
}

void
milters_busy(const struct milters *run)
{
	note(run, "milter.busy", "its socket takes no more connections for now");
}

/* -- The envelope ---------------------------------------------------------------------------- */

#define NOTES_MAX 20 /* of one mail, and one milter */

static void
note_wish(void *context, bool done, const char *what, const char *address)
{
	struct milters *run = context;
	char name[NAME_SIZE];

	if (++run->notes > NOTES_MAX)
		return;
	name_of(milters_current(run), name);
	log_event(done ? LOG_INFO : LOG_WARNING, done ? "milter.envelope" : "milter.ignored",
		  KV_CONN(run->check->mail.conn), KV_STR("milter", name),
		  KV_STR(done ? "what" : "why", what), KV_STR("address", address));
}

static struct milter_rights
rights_of(const struct milters *run)
{
	const struct qf_mail *mail = &run->check->mail;
	unsigned reach = milters_current(run)->envelope;

	/* What queue does not know of yet, after a reload, it would not take. */
	if (reach > mail->envelope)
		reach = mail->envelope;
	return (struct milter_rights){
	    .recipients = reach >= FILTER_ENVELOPE_HERE,
	    .anywhere = reach == FILTER_ENVELOPE_ANYWHERE,
	    .sender = reach == FILTER_ENVELOPE_ANYWHERE ||
		      (reach == FILTER_ENVELOPE_HERE && mail->kind == FILTER_STRANGER),
	    .utf8 = mail->utf8 == 1,
	};
}

static bool
fits(const struct milter_envelope *envelope)
{
	struct qf_envelope fixed;
	char tail[QF_ENVELOPE_MAX];
	size_t length;

	return milter_envelope_write(envelope, &fixed, tail, &length) != -1;
}

static bool
wants_another(const struct milter_edit *edit)
{
	const struct milter_change *change;

	STAILQ_FOREACH (change, &edit->changes, entry) {
		if (change->type >= MILTER_ADDRCPT && change->type <= MILTER_CHGFROM)
			return true;
	}
	return false;
}

/* Some of it is done if it is not NULL that comes back: why not. */
static const char *
change(struct milters *run, struct milter_envelope *envelope)
{
	static const char too_much[] = "it changes too much of the envelope";
	const struct milter_rights rights = rights_of(run);

	if (milter_envelope_apply(envelope, &run->edit.changes, &rights, note_wish, run) == -1)
		return errno == EMSGSIZE ? too_much : no_memory;
	return fits(envelope) ? NULL : too_much;
}

/* All that it wants of the envelope, or nothing. Returns why not, or NULL. */
static const char *
change_envelope(struct milters *run)
{
	struct check *check = run->check;
	struct milter_envelope *new;
	const char *why;

	if (!wants_another(&run->edit))
		return NULL;
	new = check->envelope != NULL
		  ? milter_envelope_copy(check->envelope)
		  : milter_envelope_new(check->recipients, check->recipient_count);
	run->notes = 0;
	why = new == NULL ? no_memory : change(run, new);
	if (why != NULL) {
		milter_envelope_free(new);
		return why;
	}
	milter_envelope_free(check->envelope);
	check->envelope = new;
	return NULL;
}

/* -- What comes of it ------------------------------------------------------------------------ */

/* Signatures come yet, and have room of their own. False without memory. */
static bool
has_room(const struct milters *run, bool *room)
{
	uint64_t size;

	if (!milter_edit_size(&run->edit, &size))
		return false;
	*room = size <= run->check->private->came + QF_WISHES_MAX;
	return true;
}

static void
accepted(struct milters *run)
{
	const char *why = NULL;
	bool room = false;
	unsigned bad = 0;

	if (!has_room(run, &room)) {
		why = no_memory;
	} else if (!room) {
		milters_too_much(run);
		return;
	} else {
		why = change_envelope(run);
	}
	if (why != NULL) {
		milters_failed(run, why);
		return;
	}
	if (run->check->envelope != NULL && milter_envelope_count(run->check->envelope) == 0) {
		check_verdict(run->check, FILTER_DISCARD, 0, NULL,
			      "milters have removed all recipients", NULL);
		return;
	}
	look_at_changes(run);
	if (milter_edit_apply(&run->edit, &bad) == -1)
		milters_failed(run, no_memory);
	else if (bad > 0)
		note(run, "milter.ignored", "it adds what is no header field");
}

void
milters_carry_out(struct milters *run, const struct milter_session *session)
{
	const struct milter_code *code = &session->code;

	switch (session->outcome) {
	case MILTER_REJECT:
		check_refuse(run->check, code->code, code->status, "a milter refuses it",
			     code->text);
		break;
	case MILTER_TEMPFAIL:
		check_refuse(run->check, code->code, code->status, "a milter refuses it for now",
			     code->text);
		break;
	case MILTER_DISCARD:
		check_verdict(run->check, FILTER_DISCARD, 0, NULL, "a milter discards it", NULL);
		break;
	default:
		accepted(run);
		break;
	}
}
