/* SPDX-License-Identifier: ISC */
#include "common/dkim_fields.h"

#include <string.h>

const struct dkim_field dkim_fields[] = {
    {"from", true, false},
    {"sender", false, false}, /* lists add theirs */
    {"reply-to", true, false},
    {"to", true, true},
    {"cc", true, true},
    {"subject", true, false},
    {"date", true, false},
    {"message-id", true, false},
    {"in-reply-to", true, true},
    {"references", true, true},
    {"mime-version", true, false},
    {"content-type", true, false},
    {"content-transfer-encoding", true, false},
    {"content-disposition", false, false},
    {"auto-submitted", false, false},
    {"list-id", false, false},
    {"list-help", false, false},
    {"list-unsubscribe", false, false},
    {"list-unsubscribe-post", false, false}, /* RFC 8058 4 */
    {"list-subscribe", false, false},
    {"list-post", false, false},
    {"list-owner", false, false},
    {"list-archive", false, false},
    {NULL, false, false},
};

_Static_assert(sizeof(dkim_fields) / sizeof(dkim_fields[0]) - 1 <= DKIM_NAMES_MAX,
	       "a bit for each");

bool
dkim_fields_may_lack(uint32_t without)
{
	for (const struct dkim_field *field = dkim_fields; field->name != NULL; field++) {
		if ((without & 1) != 0 && !field->may_lack)
			return false;
		without >>= 1;
	}
	return without == 0;
}

static bool
is_signed(const char *name, size_t length)
{
	for (const struct dkim_field *field = dkim_fields; field->name != NULL; field++) {
		if (strlen(field->name) == length && memcmp(field->name, name, length) == 0)
			return true;
	}
	return false;
}

/* Unfolded; blanks are single, and none at the ends. */
static bool
is_value(const char *value, size_t length)
{
	if (length > 0 && (value[0] == ' ' || value[length - 1] == ' '))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (value[i] == '\0' || value[i] == '\r' || value[i] == '\n' || value[i] == '\t' ||
		    (value[i] == ' ' && value[i + 1] == ' '))
			return false;
	}
	return true;
}

size_t
dkim_fields_next(const char *fields, size_t length, size_t *at)
{
	const char *begin = fields + *at;
	const char *colon = memchr(begin, ':', length - *at);
	const char *end = memchr(begin, '\n', length - *at);

	*at = (size_t)(end - fields) + 1;
	return (size_t)(colon - begin);
}

bool
dkim_fields_canonical(const char *fields, size_t length)
{
	size_t at = 0, count = 0;
	bool from = false;

	while (at < length) {
		const char *begin = fields + at;
		const char *end = memchr(begin, '\n', length - at);
		const char *colon = end == NULL ? NULL : memchr(begin, ':', (size_t)(end - begin));

		/* At least "x:" before the CRLF. */
		if (colon == NULL || end - begin < 2 || end[-1] != '\r' ||
		    ++count > DKIM_FIELDS_SIGNED_MAX ||
		    !is_signed(begin, (size_t)(colon - begin)) ||
		    !is_value(colon + 1, (size_t)(end - 1 - (colon + 1))))
			return false;
		from = from || (colon - begin == 4 && memcmp(begin, "from", 4) == 0);
		at = (size_t)(end - fields) + 1;
	}
	return from;
}
