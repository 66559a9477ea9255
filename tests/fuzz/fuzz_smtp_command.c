/* SPDX-License-Identifier: ISC */
/*
 * A line becomes a command whose parts are within their bounds, or a reply that is one printable
 * line of at most 510 octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/smtp/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_reply(const struct smtp_reply *reply)
{
	size_t length = strnlen(reply->text, sizeof(reply->text)), i;

	if (length == sizeof(reply->text) || length < 9 || reply->text[0] != '5')
		abort();
	for (i = 0; i < length; i++)
		if (reply->text[i] < 32 || reply->text[i] > 126)
			abort();
}

static void
check_path(const char *path)
{
	struct address address;
	size_t length = strnlen(path, ADDRESS_TEXT_SIZE);

	if (length == ADDRESS_TEXT_SIZE)
		abort();
	if (length != 0 && strcmp(path, "postmaster") != 0 &&
	    address_parse_utf8(path, length, &address) != ADDRESS_OK)
		abort();
}

/* What goes on to queue is what queue takes. */
static void
check_parameters(const struct smtp_command *command)
{
	size_t length = strnlen(command->orcpt, ORCPT_SIZE);

	if (!mail_parameters_sound(&command->parameters) || !notify_is_sound(command->notify))
		abort();
	if (length != 0 && !orcpt_is_sound(command->orcpt, length))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_command command;
	struct smtp_reply reply;
	char *line = malloc(size + 1);

	/* Of its exact size, so that reading past its end is seen. */
	line = realloc(line, size > 0 ? size : 1);
	memcpy(line, data, size);
	if (smtp_command_parse(line, size, &command, &reply) == -1) {
		check_reply(&reply);
	} else {
		if (command.verb >= SMTP_VERB_COUNT)
			abort();
		if (command.verb == SMTP_RCPT && command.path[0] == '\0')
			abort();
		check_path(command.path);
		check_parameters(&command);
		if (command.initial_response != NULL &&
		    (command.initial_response < line ||
		     command.initial_response + command.initial_response_length > line + size))
			abort();
	}
	free(line);
	return 0;
}
