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
refuse_path(struct smtp_reply *reply, enum smtp_verb verb, enum address_error error,
	    const char *path, size_t length)
{
	const char *code = verb == SMTP_MAIL ? "501 5.1.7" : "501 5.1.3"; /* RFC 3463 3.2 */
	char quoted[SMTP_QUOTE_SIZE];

	if (error == ADDRESS_NOT_ASCII)
		code = "553 5.6.7"; /* RFC 6531 3.5 */
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
	if (!skip_source_route(&path))
		return smtp_reply_set(
		    reply, "501 5.1.3 Expected @domain,@domain: and a mailbox, found \"%s\"",
		    smtp_quote(path.p, left(&path), quoted));
	/* RFC 5321 4.1.1.3: the one recipient without a domain. */
	if (verb == SMTP_RCPT && left(&path) == sizeof(postmaster) - 1 &&
	    strncasecmp(path.p, postmaster, left(&path)) == 0) {
		memcpy(command->path, postmaster, sizeof(postmaster));
		return 0;
	}
	error = address_parse(path.p, left(&path), &address);
	if (error != ADDRESS_OK)
		return refuse_path(reply, verb, error, path.p, left(&path));
	(void)address_format(&address, command->path, sizeof(command->path));
	return 0;
}

/*
 * -- Parameters: esmtp-keyword ["=" esmtp-value] --------------------------------------
 */

struct parameter {
	const char *name;
	size_t name_length;
	const char *value; /* NULL: no "=" */
	size_t value_length;
};

/* 1: there is one; 0: no more. */
static int
next_parameter(struct cursor *at, struct parameter *parameter)
{
	const char *word, *equals;
	size_t length;

	skip_spaces(at);
	word = at->p;
	while (at->p < at->end && *at->p != ' ')
		at->p++;
	length = (size_t)(at->p - word);
	if (length == 0)
		return 0;
	equals = memchr(word, '=', length);
	*parameter = (struct parameter){.name = word, .name_length = length};
	if (equals != NULL) {
		parameter->name_length = (size_t)(equals - word);
		parameter->value = equals + 1;
		parameter->value_length = length - parameter->name_length - 1;
	}
	return 1;
}

/* RFC 1870 4: 1*20DIGIT. A number too big for 64 bits is as good as the biggest. */
static int
parameter_size(const struct parameter *parameter, struct smtp_command *command)
{
	uint64_t value = 0;
	size_t i;

	if (parameter->value_length < 1 || parameter->value_length > 20)
		return -1;
	for (i = 0; i < parameter->value_length; i++) {
		char c = parameter->value[i];

		if (c < '0' || c > '9')
			return -1;
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			value = UINT64_MAX;
	}
	command->size = value;
	return 0;
}

static bool
value_is(const struct parameter *parameter, const char *word)
{
	return parameter->value_length == strlen(word) &&
	       strncasecmp(parameter->value, word, parameter->value_length) == 0;
}

/* RFC 6152 2 */
static int
parameter_body(const struct parameter *parameter, struct smtp_command *command)
{
	if (value_is(parameter, "8BITMIME"))
		command->body = SMTP_BODY_8BITMIME;
	else if (value_is(parameter, "7BIT"))
		command->body = SMTP_BODY_7BIT;
	else
		return -1;
	return 0;
}

/*
 * RFC 4954 5: xtext (RFC 3461 4) or <>. Nobody is trusted to say who wrote a mail, so a value that
 * is well formed is taken and forgotten.
 */
static int
parameter_auth(const struct parameter *parameter, struct smtp_command *command)
{
	size_t i;

	(void)command;
	if (parameter->value_length == 0)
		return -1;
	for (i = 0; i < parameter->value_length; i++)
		if (parameter->value[i] < 33 || parameter->value[i] > 126)
			return -1;
	return 0;
}

static const struct known_parameter {
	const char *name;
	int (*parse)(const struct parameter *, struct smtp_command *);
	const char *expected;
} mail_parameters[] = {
    {"SIZE", parameter_size, "a number of 1 to 20 digits"},
    {"BODY", parameter_body, "7BIT or 8BITMIME"},
    {"AUTH", parameter_auth, "xtext or <>"},
    {NULL, NULL, NULL},
};

static const struct known_parameter no_parameters[] = {{NULL, NULL, NULL}};

static int
parse_parameter(const struct parameter *parameter, const struct known_parameter *known,
		unsigned *seen, struct smtp_command *command, struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];
	unsigned bit = 1;

	for (; known->name != NULL; known++, bit <<= 1) {
		if (parameter->name_length != strlen(known->name) ||
		    strncasecmp(parameter->name, known->name, parameter->name_length) != 0)
			continue;
		if ((*seen & bit) != 0)
			return smtp_reply_set(reply, "501 5.5.4 Parameter %s is there twice",
					      known->name);
		*seen |= bit;
		if (known->parse(parameter, command) == 0)
			return 0;
		return smtp_reply_set(
		    reply, "501 5.5.4 Expected %s after %s=, found \"%s\"", known->expected,
		    known->name, smtp_quote(parameter->value, parameter->value_length, quoted));
	}
	/* RFC 5321 4.1.1.11 */
	return smtp_reply_set(reply, "555 5.5.4 Parameter \"%s\" is not known to %s here",
			      smtp_quote(parameter->name, parameter->name_length, quoted),
			      smtp_verb_name(command->verb));
}

static int
parse_path_and_parameters(const char *arg, size_t length, const char *word,
			  const struct known_parameter *known, struct smtp_command *command,
			  struct smtp_reply *reply)
{
	struct cursor at = {arg, arg + length};
	char quoted[SMTP_QUOTE_SIZE];
	struct parameter parameter;
	unsigned seen = 0;

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
	while (next_parameter(&at, &parameter) == 1)
		if (parse_parameter(&parameter, known, &seen, command, reply) == -1)
			return -1;
	return 0;
}

int
smtp_parse_mail(const char *arg, size_t length, struct smtp_command *command,
		struct smtp_reply *reply)
{
	return parse_path_and_parameters(arg, length, "FROM:", mail_parameters, command, reply);
}

int
smtp_parse_rcpt(const char *arg, size_t length, struct smtp_command *command,
		struct smtp_reply *reply)
{
	return parse_path_and_parameters(arg, length, "TO:", no_parameters, command, reply);
}
