/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/command.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"
#include "worker/gate/smtp/path.h"

typedef int parse_fn(const char *arg, size_t length, struct smtp_command *, struct smtp_reply *);

/* What many who have no name say: an IPv6 address in brackets, without its tag (RFC 5321 4.1.3). */
static enum address_error
parse_untagged(const char *text, size_t length, char out[HOST_NAME_SIZE])
{
	char tagged[INET6_ADDRSTRLEN + sizeof("[IPv6:]")];

	if (memchr(text, ':', length) == NULL || length > INET6_ADDRSTRLEN + 1)
		return ADDRESS_BAD_DOMAIN;
	(void)snprintf(tagged, sizeof(tagged), "[IPv6:%.*s", (int)length - 1, text + 1);
	return address_parse_literal(tagged, strlen(tagged), out);
}

static enum address_error
parse_host(const char *text, size_t length, char out[HOST_NAME_SIZE])
{
	enum address_error error;

	if (length > 0 && text[0] == '[') {
		error = address_parse_literal(text, length, out);
		return error == ADDRESS_OK ? error : parse_untagged(text, length, out);
	}
	/* A dot at the end says in DNS that there is no more (RFC 1034 3.1), and means the same
	 * host. */
	if (length > 1 && text[length - 1] == '.')
		length--;
	return address_parse_domain(text, length, out);
}

/* RFC 5321 4.1.1.1. HELO has a Domain only there, but a literal is what a host without name has. */
static int
parse_hello(const char *arg, size_t length, struct smtp_command *command, struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];
	enum address_error error;

	command->argument = arg;
	command->argument_length = length;
	error = parse_host(arg, length, command->domain);
	if (error == ADDRESS_OK)
		return 0;
	if (error == ADDRESS_EMPTY)
		return smtp_reply_set(reply,
				      "501 5.5.4 Expected a domain or an address in [] after %s",
				      smtp_verb_name(command->verb));
	return smtp_reply_set(
	    reply, "501 5.5.4 Expected a domain or an address in [] after %s, found \"%s\"",
	    smtp_verb_name(command->verb), smtp_quote(arg, length, quoted));
}

static int
parse_nothing(const char *arg, size_t length, struct smtp_command *command,
	      struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];

	if (length == 0)
		return 0;
	return smtp_reply_set(reply, "501 5.5.4 Expected nothing after %s, found \"%s\"",
			      smtp_verb_name(command->verb), smtp_quote(arg, length, quoted));
}

static int
parse_text(const char *arg, size_t length, struct smtp_command *command, struct smtp_reply *reply)
{
	(void)reply;
	command->argument = arg;
	command->argument_length = length;
	return 0;
}

/* VRFY, EXPN: RFC 5321 4.1.1.6, 4.1.1.7. */
static int
parse_string(const char *arg, size_t length, struct smtp_command *command, struct smtp_reply *reply)
{
	if (length == 0)
		return smtp_reply_set(reply, "501 5.5.4 Expected a name after %s",
				      smtp_verb_name(command->verb));
	return parse_text(arg, length, command, reply);
}

/* RFC 4422 3.1: 1*20mech-char */
static bool
parse_mechanism(const char *arg, size_t length, char out[SMTP_MECHANISM_SIZE])
{
	size_t i;

	if (length < 1 || length >= SMTP_MECHANISM_SIZE)
		return false;
	for (i = 0; i < length; i++) {
		char c = arg[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
		out[i] = c;
	}
	out[length] = '\0';
	return true;
}

/* RFC 4954 4: mechanism [initial-response]. What follows is never said back: it may be a password.
 */
static int
parse_auth(const char *arg, size_t length, struct smtp_command *command, struct smtp_reply *reply)
{
	const char *space = memchr(arg, ' ', length);
	size_t name = space != NULL ? (size_t)(space - arg) : length;

	if (!parse_mechanism(arg, name, command->mechanism))
		return smtp_reply_set(reply, "501 5.5.4 Expected a mechanism's name after AUTH");
	if (space == NULL)
		return 0;
	command->initial_response = space + 1;
	command->initial_response_length = length - name - 1;
	if (memchr(space + 1, ' ', command->initial_response_length) != NULL)
		return smtp_reply_set(reply,
				      "501 5.5.4 Expected one initial response after AUTH %s",
				      command->mechanism);
	if (command->initial_response_length == 1 && space[1] == '=')
		command->initial_response_length = 0;
	return 0;
}

/* chunk-size = 1*DIGIT; the line's number ends at a space or its end. */
static bool
parse_chunk_size(const char *arg, size_t length, uint64_t *size)
{
	size_t i;

	*size = 0;
	for (i = 0; i < length; i++)
		if (!ascii_is_digit(arg[i]) || __builtin_mul_overflow(*size, 10U, size) ||
		    __builtin_add_overflow(*size, (uint64_t)(arg[i] - '0'), size))
			return false;
	return length > 0;
}

/* RFC 3030 2: chunk-size [SP "LAST"]. */
static int
parse_bdat(const char *arg, size_t length, struct smtp_command *command, struct smtp_reply *reply)
{
	static const char last[] = "LAST";
	const char *space = memchr(arg, ' ', length);
	size_t digits = space != NULL ? (size_t)(space - arg) : length;
	char quoted[SMTP_QUOTE_SIZE];

	command->last = space != NULL;
	if (parse_chunk_size(arg, digits, &command->chunk) &&
	    (space == NULL || (length - digits - 1 == sizeof(last) - 1 &&
			       strncasecmp(space + 1, last, sizeof(last) - 1) == 0)))
		return 0;
	return smtp_reply_set(reply,
			      "501 5.5.4 Expected a number of octets and LAST or nothing after "
			      "BDAT, found \"%s\": what follows can't be told from commands",
			      smtp_quote(arg, length, quoted));
}

static const struct {
	const char *name;
	parse_fn *parse;
} verbs[] = {
    [SMTP_EHLO] = {"EHLO", parse_hello},
    [SMTP_HELO] = {"HELO", parse_hello},
    [SMTP_MAIL] = {"MAIL", smtp_parse_mail},
    [SMTP_RCPT] = {"RCPT", smtp_parse_rcpt},
    [SMTP_DATA] = {"DATA", parse_nothing},
    [SMTP_BDAT] = {"BDAT", parse_bdat},
    [SMTP_RSET] = {"RSET", parse_nothing},
    [SMTP_NOOP] = {"NOOP", parse_text},
    [SMTP_VRFY] = {"VRFY", parse_string},
    [SMTP_EXPN] = {"EXPN", parse_string},
    [SMTP_HELP] = {"HELP", parse_text},
    [SMTP_QUIT] = {"QUIT", parse_nothing},
    [SMTP_STARTTLS] = {"STARTTLS", parse_nothing},
    [SMTP_AUTH] = {"AUTH", parse_auth},
    [SMTP_HTTP] = {"HTTP", NULL},
};

const char *
smtp_verb_name(enum smtp_verb verb)
{
	return verbs[verb].name;
}

static size_t
verb_length(const char *line, size_t length)
{
	const char *space = memchr(line, ' ', length);

	return space != NULL ? (size_t)(space - line) : length;
}

static bool
verb_is(const char *line, size_t length, const char *name)
{
	return length == strlen(name) && strncasecmp(line, name, length) == 0;
}

bool
smtp_command_is(const char *line, size_t length, enum smtp_verb verb)
{
	return verb_is(line, verb_length(line, length), verbs[verb].name);
}

/* The request line of a form that a web page posts, and of a proxy request. */
static bool
is_http(const char *line, size_t length)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"};
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (verb_is(line, length, methods[i]))
			return true;
	return false;
}

static enum smtp_verb
find_verb(const char *line, size_t length)
{
	enum smtp_verb verb;

	for (verb = 0; verb < SMTP_HTTP; verb++)
		if (verb_is(line, length, verbs[verb].name))
			return verb;
	return is_http(line, length) ? SMTP_HTTP : SMTP_VERB_COUNT;
}

/* White space at the end of a line is tolerated: RFC 5321 4.1.1. */
static size_t
without_trailing_space(const char *line, size_t length)
{
	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	return length;
}

int
smtp_command_parse(const char *line, size_t length, struct smtp_command *command,
		   struct smtp_reply *reply)
{
	char quoted[SMTP_QUOTE_SIZE];
	size_t name;

	*command = (struct smtp_command){.verb = SMTP_VERB_COUNT};
	length = without_trailing_space(line, length);
	name = verb_length(line, length);
	command->verb = find_verb(line, name);
	if (command->verb == SMTP_VERB_COUNT)
		return smtp_reply_set(reply, "500 5.5.2 Command \"%s\" is not known here",
				      smtp_quote(line, name, quoted));
	if (verbs[command->verb].parse == NULL)
		return 0;
	while (name < length && line[name] == ' ')
		name++;
	return verbs[command->verb].parse(line + name, length - name, command, reply);
}
