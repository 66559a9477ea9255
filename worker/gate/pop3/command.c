/* SPDX-License-Identifier: ISC */
#include "worker/gate/pop3/command.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

static const struct {
	const char *keyword;
	enum pop3_verb verb;
} keywords[] = {
    {"CAPA", POP3_CAPA},    {"USER", POP3_USER},    {"PASS", POP3_PASS},    {"AUTH", POP3_AUTH},
    {"STLS", POP3_STLS},    {"QUIT", POP3_QUIT},    {"APOP", POP3_APOP},    {"STAT", POP3_NOT_NOW},
    {"LIST", POP3_NOT_NOW}, {"RETR", POP3_NOT_NOW}, {"DELE", POP3_NOT_NOW}, {"NOOP", POP3_NOT_NOW},
    {"RSET", POP3_NOT_NOW}, {"TOP", POP3_NOT_NOW},  {"UIDL", POP3_NOT_NOW}, {"UTF8", POP3_UTF8},
    {"LANG", POP3_LANG},
};

size_t
pop3_line(const char *bytes, size_t length, size_t *text)
{
	size_t reach = length < POP3_LINE_MAX ? length : POP3_LINE_MAX;
	const char *end = memchr(bytes, '\n', reach);

	if (end == NULL)
		return 0;
	*text = (size_t)(end - bytes);
	if (*text > 0 && bytes[*text - 1] == '\r')
		--*text;
	return (size_t)(end - bytes) + 1;
}

/* Keywords are 3 or 4 letters, in either case (RFC 1939 3). */
static enum pop3_verb
find_verb(const char *keyword, size_t length)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strlen(keywords[i].keyword) == length &&
		    strncasecmp(keywords[i].keyword, keyword, length) == 0)
			return keywords[i].verb;
	}
	return POP3_UNKNOWN;
}

static size_t
until_space(const char *bytes, size_t length)
{
	const char *space = memchr(bytes, ' ', length);

	return space == NULL ? length : (size_t)(space - bytes);
}

static void
split_response(struct pop3_command *command)
{
	size_t n = until_space(command->argument, command->argument_length);

	if (n == command->argument_length)
		return;
	command->response = command->argument + n + 1;
	command->response_length = command->argument_length - n - 1;
	command->argument_length = n;
}

void
pop3_parse(const char *line, size_t length, struct pop3_command *command)
{
	size_t n = until_space(line, length);

	memset(command, 0, sizeof(*command));
	command->argument = "";
	if (n == 0 || memchr(line, '\0', length) != NULL || memchr(line, '\r', length) != NULL) {
		command->verb = POP3_MALFORMED;
		return;
	}
	command->verb = find_verb(line, n);
	if (n == length)
		return;
	command->argument = line + n + 1;
	command->argument_length = length - n - 1;
	/* Spaces may end a password, but nothing else. */
	while (command->verb != POP3_PASS && command->argument_length > 0 &&
	       command->argument[command->argument_length - 1] == ' ')
		command->argument_length--;
	if (command->verb == POP3_AUTH)
		split_response(command);
	if ((command->verb == POP3_USER || command->verb == POP3_PASS) &&
	    u8_check((const uint8_t *)command->argument, command->argument_length) != NULL)
		command->verb = POP3_NOT_UTF8;
}
