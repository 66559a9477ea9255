/* SPDX-License-Identifier: ISC */
/* What a client may send before its IMAP login: arguments stay inside the command. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/imap/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(const char *bytes, size_t length, const char *part, size_t part_length)
{
	if (part_length > 0 && (part < bytes || part + part_length > bytes + length))
		abort();
}

static void
parse(const char *bytes, size_t length)
{
	struct imap_login_command command;

	imap_login_parse(bytes, length, &command);
	if (command.verb >= IMAP_LOGIN_VERB_COUNT || command.tag[0] == '\0' ||
	    strlen(command.tag) >= sizeof(command.tag) ||
	    command.user_length >= sizeof(command.user) ||
	    command.password_length >= sizeof(command.password) ||
	    (command.verb == IMAP_LOGIN_MALFORMED) != (command.why != NULL))
		abort();
	if (memchr(command.user, '\0', command.user_length) != NULL)
		abort();
	check_inside(bytes, length, command.mechanism, command.mechanism_length);
	check_inside(bytes, length, command.response, command.response_length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	enum imap_login_step step;
	unsigned literals;
	size_t used, text;

	while (size > 0) {
		size_t length = size < IMAP_LOGIN_MAX ? size : IMAP_LOGIN_MAX;

		used = 0;
		step = imap_login_read(bytes, length, &used, &literals);
		if (length == IMAP_LOGIN_MAX && step == IMAP_LOGIN_MORE)
			abort(); /* it would wait forever */
		if (step != IMAP_LOGIN_WHOLE && step != IMAP_LOGIN_REFUSED)
			break;
		if (used == 0 || used > length)
			abort();
		parse(bytes, used);
		bytes += used;
		size -= used;
	}
	used = imap_login_line(bytes, size, &text);
	if (used > size || (used > 0 && text >= used))
		abort();
	return 0;
}
