/* SPDX-License-Identifier: ISC */
/*
 * What a milter wishes of an envelope, as it writes it, becomes typed: by the parsers of MAIL and
 * RCPT, for that is what it is.
 */
#include <stdio.h>
#include <string.h>

#include "worker/filter/milter_envelope.h"
#include "worker/gate/smtp/path.h"

#define LINE_SIZE 1024 /* "FROM:<" and the longest path that is one, with all in quotes escaped */
#define ARGUMENTS_MAX 1024

struct wishes {
	struct milter_envelope *envelope;
	const struct milter_rights *rights;
	milter_note_fn *note;
	void *context;
};

static void
note(const struct wishes *wishes, bool done, const char *what, const struct milter_change *change)
{
	wishes->note(wishes->context, done, what, change->name);
}

/* The address, with brackets around it or without. False if it is none. */
static bool
parse_path(const struct milter_change *change, bool utf8, struct smtp_command *command)
{
	const char *name = change->name;
	size_t length = strlen(name);
	bool bare = length == 0 || name[0] != '<';
	struct smtp_reply reply;
	char line[LINE_SIZE];
	int n;

	/* Nothing may stand behind the path. */
	if (!bare && name[length - 1] != '>')
		return false;
	memset(command, 0, sizeof(*command));
	command->verb = change->type == MILTER_CHGFROM ? SMTP_MAIL : SMTP_RCPT;
	n = snprintf(line, sizeof(line), "%s%s%s%s",
		     command->verb == SMTP_MAIL ? "FROM:" : "TO:", bare ? "<" : "", name,
		     bare ? ">" : "");
	if (n < 0 || (size_t)n >= sizeof(line))
		return false;
	if (command->verb == SMTP_RCPT)
		return smtp_parse_rcpt(line, (size_t)n, command, &reply) == 0 &&
		       (utf8 || !command->utf8) && strlen(command->path) < PATH_SIZE;
	if (utf8)
		command->parameters.flags = MAIL_SMTPUTF8;
	return smtp_parse_mail(line, (size_t)n, command, &reply) == 0 &&
	       strlen(command->path) < PATH_SIZE;
}

/* Into PARAMETERS, which else stay as they are. False: there are none, or no good ones. */
static bool
parse_parameters(const struct wishes *wishes, const struct milter_change *change,
		 struct smtp_command *command)
{
	struct smtp_command parsed = {.verb = command->verb};
	size_t length = change->value == NULL ? 0 : strlen(change->value);
	struct smtp_reply reply;

	if (length == 0)
		return false;
	if (length > ARGUMENTS_MAX ||
	    smtp_parse_parameters(change->value, length, &parsed, &reply) == -1 ||
	    (parsed.utf8 && !wishes->rights->utf8)) {
		note(wishes, false, "its parameters are none", change);
		return false;
	}
	command->parameters = parsed.parameters;
	command->notify = parsed.notify;
	memcpy(command->orcpt, parsed.orcpt, sizeof(command->orcpt));
	return true;
}

/* RET and ENVID count (RFC 3461); what else a mail is, it is. */
static int
change_sender(const struct wishes *wishes, const struct milter_change *change)
{
	struct smtp_command command;
	bool parameters;

	if (!wishes->rights->sender) {
		note(wishes, false, "it may not change the sender", change);
		return 0;
	}
	if (!parse_path(change, wishes->rights->utf8, &command)) {
		note(wishes, false, "a sender that is no address", change);
		return 0;
	}
	parameters = parse_parameters(wishes, change, &command);
	note(wishes, true, "the sender", change);
	return milter_envelope_set_sender(wishes->envelope, command.path,
					  parameters ? &command.parameters : NULL);
}

static int
change_recipient(const struct wishes *wishes, const struct milter_change *change)
{
	struct smtp_command command;

	if (!wishes->rights->recipients) {
		note(wishes, false, "it may not change recipients", change);
		return 0;
	}
	if (!parse_path(change, wishes->rights->utf8, &command)) {
		note(wishes, false, "a recipient that is no address", change);
		return 0;
	}
	if (change->type == MILTER_DELRCPT) {
		bool done = milter_envelope_remove(wishes->envelope, command.path) > 0;

		note(wishes, done, done ? "removed" : "it removes who is no recipient", change);
		return 0;
	}
	(void)parse_parameters(wishes, change, &command);
	note(wishes, true, "added", change);
	return milter_envelope_add(wishes->envelope, command.path, command.notify,
				   wishes->rights->anywhere, command.orcpt);
}

int
milter_envelope_apply(struct milter_envelope *envelope, const struct milter_changes *changes,
		      const struct milter_rights *rights, milter_note_fn *note_fn, void *context)
{
	const struct wishes wishes = {envelope, rights, note_fn, context};
	const struct milter_change *change;
	int result = 0;

	STAILQ_FOREACH (change, changes, entry) {
		if (change->type == MILTER_CHGFROM)
			result = change_sender(&wishes, change);
		else if (change->type == MILTER_ADDRCPT || change->type == MILTER_DELRCPT)
			result = change_recipient(&wishes, change);
		if (result == -1)
			return -1;
	}
	return 0;
}
