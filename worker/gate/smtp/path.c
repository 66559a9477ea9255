/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/path.h"

#include <string.h>
#include <strings.h>

struct cursor {
	const char *p;
	const char *end;
};

static size_t
left(const struct cursor *at)
{
	return (size_t)(at->end - at->p);
}

static void
skip_spaces(struct cursor *at)
{
	while (at->p < at->end && *at->p == ' ')
		at->p++;
}

static bool
take_word(struct cursor *at, const char *word)
{
	size_t length = strlen(word);

	if (left(at) < length || strncasecmp(at->p, word, length) != 0)
		return false;
	at->p += length;
	return true;
}

/* The ">" that ends the path which starts at p ("<"); one within quotes is part of it. */
static const char *
path_end(const struct cursor *at)
{
	bool quoted = false;
	const char *p;

	for (p = at->p + 1; p < at->end; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && quoted)
			p++;
		else if (*p == '>' && !quoted)
			return p;
	}
	return NULL;
}

/*
 * RFC 5321 4.1.1.3, appendix C: "@one,@two:mailbox" is accepted, and stripped. Returns false if it
 * begins like one and isn't.
 */
static bool
skip_source_route(struct cursor *at)
{
	char domain[HOST_NAME_SIZE];

	if (at->p == at->end || *at->p != '@')
		return true;
	for (;;) {
		const char *start = ++at->p;

		while (at->p < at->end && *at->p != ',' && *at->p != ':')
			at->p++;
		if (at->p == at->end ||
		    address_parse_domain(start, (size_t)(at->p - start), domain) != ADDRESS_OK)
			return false;
		if (*at->p++ == ':')
			return true;
		if (at->p == at->end || *at->p != '@')
			return false;
	}
}

static int
refuse_path(struct smtp_reply *reply, struct smtp_command *command, enum address_error error,
	    const char *path, size_t length)
{
	/* RFC 3463 3.2 */
	const char *code = command->verb == SMTP_MAIL ? "501 5.1.7" : "501 5.1.3";
	char quoted[SMTP_QUOTE_SIZE];

	command->no_mailbox = true;
	if (error == ADDRESS_NOT_ASCII)
		code = "553 5.6.7"; /* RFC 6531 3.5: in a source route */
	return smtp_reply_set(reply, "%s <%s>: %s", code, smtp_quote(path, length, quoted),
			      address_error_text(error));
}

/* "<...>", up to and with its ">". */
static int
parse_path(struct cursor *at, struct smtp_command *command, struct smtp_reply *reply)
{
	static const char postmaster[] = "postmaster";
	enum smtp_verb verb = command->verb;
	char quoted[SMTP_QUOTE_SIZE];
	struct address address;
	enum address_error error;
	struct cursor path;

	skip_spaces(at); /* RFC 5321 has no space here; many senders do */
	if (at->p == at->end || *at->p != '<')
		return smtp_reply_set(
		    reply, "501 5.5.4 Expected an address in <> after %s, found \"%s\"",
		    verb == SMTP_MAIL ? "FROM:" : "TO:", smtp_quote(at->p, left(at), quoted));
	path = (struct cursor){at->p + 1, path_end(at)};
	if (path.end == NULL)
		return smtp_reply_set(reply, "501 5.5.4 Expected a \">\" at the end of \"%s\"",
				      smtp_quote(at->p, left(at), quoted));
	at->p = path.end + 1;
	command->path[0] = '\0';
	if (path.p == path.end && verb == SMTP_MAIL)
		return 0; /* the null reverse-path, RFC 5321 4.5.5 */
	if (!skip_source_route(&path)) {
		command->no_mailbox = true;
		return smtp_reply_set(
		    reply, "501 5.1.3 Expected @domain,@domain: and a mailbox, found \"%s\"",
		    smtp_quote(path.p, left(&path), quoted));
	}
	/* RFC 5321 4.1.1.3: the one recipient without a domain. */
	if (verb == SMTP_RCPT && left(&path) == sizeof(postmaster) - 1 &&
	    strncasecmp(path.p, postmaster, left(&path)) == 0) {
		memcpy(command->path, postmaster, sizeof(postmaster));
		return 0;
	}
	error = address_parse_utf8(path.p, left(&path), &address);
	if (error != ADDRESS_OK)
		return refuse_path(reply, command, error, path.p, left(&path));
	command->utf8 = !smtp_is_ascii(path.p, left(&path));
	(void)address_format(&address, command->path, sizeof(command->path));
	return 0;
}

/*
 * -- The arguments --------------------------------------------------------------------
 */

static int
parse_path_and_parameters(const char *arg, size_t length, const char *word,
			  struct smtp_command *command, struct smtp_reply *reply)
{
	struct cursor at = {arg, arg + length};
	char quoted[SMTP_QUOTE_SIZE];

	if (!take_word(&at, word))
		return smtp_reply_set(
		    reply, "501 5.5.4 Expected %s<address> after %s, found \"%s\"", word,
		    smtp_verb_name(command->verb), smtp_quote(at.p, left(&at), quoted));
	if (parse_path(&at, command, reply) == -1)
		return -1;
	if (at.p < at.end && *at.p != ' ')
		return smtp_reply_set(
		    reply, "501 5.5.4 Expected a space or nothing after \">\", found \"%s\"",
		    smtp_quote(at.p, left(&at), quoted));
	return smtp_parse_parameters(at.p, left(&at), command, reply);
}

int
smtp_parse_mail(const char *arg, size_t length, struct smtp_command *command,
		struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];

	if (parse_path_and_parameters(arg, length, "FROM:", command, reply) == -1)
		return -1;
	if (!command->utf8 || (command->parameters.flags & MAIL_SMTPUTF8) != 0)
		return 0;
	/* RFC 6531 3.7.4.2, 3.5 */
	command->no_mailbox = true;
	return smtp_reply_set(reply, "553 5.6.7 <%s>: %s",
			      smtp_quote(command->path, strlen(command->path), quoted),
			      address_error_text(ADDRESS_NOT_ASCII));
}

int
smtp_parse_rcpt(const char *arg, size_t length, struct smtp_command *command,
		struct smtp_reply *reply)
{
	return parse_path_and_parameters(arg, length, "TO:", command, reply);
}
