/* SPDX-License-Identifier: ISC */
#include "common/mail_parameters.h"

#include <string.h>
#include <unistr.h>

#include "common/ascii.h"

bool
mail_parameters_sound(const struct mail_parameters *parameters)
{
	static const uint8_t zero[sizeof(parameters->zero)];
	const char *end = memchr(parameters->envid, '\0', sizeof(parameters->envid));

	if (parameters->body >= BODY_TYPES || (parameters->flags & ~MAIL_FLAGS) != 0 ||
	    parameters->ret >= DSN_RETURNS || end == NULL ||
	    memcmp(parameters->zero, zero, sizeof(zero)) != 0)
		return false;
	for (const char *p = parameters->envid; p < end; p++) {
		if (*p < 32 || *p > 126)
			return false;
	}
	return true;
}

bool
notify_is_sound(uint32_t notify)
{
	return (notify & DSN_NOTIFY_NEVER) != 0 ? notify == DSN_NOTIFY_NEVER
						: notify <= DSN_NOTIFY_ALL;
}

/* RFC 3461 4.2: atom, here in lower case. */
static size_t
type_length(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && (ascii_is_lower(text[n]) || ascii_is_digit(text[n]) ||
			      (text[n] != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", text[n]) != NULL)))
		n++;
	return n;
}

bool
orcpt_is_sound(const char *text, size_t length)
{
	static const char utf8[] = "utf-8";
	size_t type = type_length(text, length);
	bool wide;

	if (length >= ORCPT_SIZE || type == 0 || type + 1 >= length || text[type] != ';')
		return false;
	wide = type == sizeof(utf8) - 1 && memcmp(text, utf8, type) == 0;
	for (size_t i = type + 1; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 32 || c == 127 || (c > 127 && !wide))
			return false;
	}
	return u8_check((const uint8_t *)text, length) == NULL;
}

bool
notify_wants(uint32_t notify, uint32_t kind)
{
	if (notify == 0)
		return kind == DSN_NOTIFY_FAILURE || kind == DSN_NOTIFY_DELAY;
	return (notify & kind) != 0;
}

uint32_t
notify_both(uint32_t one, uint32_t other)
{
	uint32_t both = one | other;

	if (one == other)
		return one;
	if (one == 0 || other == 0)
		both |= DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY;
	return both & ~DSN_NOTIFY_NEVER;
}

bool
has_utf8(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text > 127)
			return true;
	}
	return false;
}
