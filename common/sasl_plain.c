/* SPDX-License-Identifier: ISC */
#include "common/sasl_plain.h"

#include <string.h>

int
sasl_plain_parse(const char *message, size_t message_length, struct sasl_plain *plain)
{
	const char *end = message + message_length;
	const char *first = memchr(message, '\0', message_length);
	const char *second;
	size_t password_length;

	if (first == NULL || first - message >= ADDRESS_SIZE)
		return -1;
	first++;
	second = memchr(first, '\0', (size_t)(end - first));
	if (second == NULL || second == first || second - first >= ADDRESS_SIZE)
		return -1;
	second++;
	password_length = (size_t)(end - second);
	if (password_length == 0 || password_length >= PASSWORD_SIZE)
		return -1;
	if (memchr(second, '\0', password_length) != NULL)
		return -1;
	plain->authzid = message;
	plain->authcid = first;
	plain->password = second;
	plain->password_length = password_length;
	return 0;
}

int
sasl_plain_decode(const char *text, size_t text_length, char message[LOGIN_TAIL_MAX],
		  size_t *message_length)
{
	struct sasl_plain plain;

	if (base64_decode(text, text_length, message, LOGIN_TAIL_MAX, message_length) == 0 &&
	    *message_length > 0 && sasl_plain_parse(message, *message_length, &plain) == 0)
		return 0;
	explicit_bzero(message, LOGIN_TAIL_MAX);
	return -1;
}

size_t
sasl_plain_compose(char message[LOGIN_TAIL_MAX], const char *user, size_t user_length,
		   const char *password, size_t password_length)
{
	struct sasl_plain plain;
	size_t length = 1 + user_length + 1 + password_length;

	if (user_length < ADDRESS_SIZE && password_length < PASSWORD_SIZE) {
		message[0] = '\0';
		memcpy(message + 1, user, user_length);
		message[1 + user_length] = '\0';
		memcpy(message + 2 + user_length, password, password_length);
		if (sasl_plain_parse(message, length, &plain) == 0)
			return length;
	}
	explicit_bzero(message, LOGIN_TAIL_MAX);
	return 0;
}
