/* SPDX-License-Identifier: ISC */
#include "common/dkim_fields.h"

#include <string.h>

const struct dkim_field dkim_fields[] = {
    {"from", true},
    {"sender", false}, /* lists add theirs */
    {"reply-to", true},
    {"to", true},
    {"cc", true},
    {"subject", true},
    {"date", true},
    {"message-id", true},
    {"in-reply-to", true},
    {"references", true},
    {"mime-version", true},
    {"content-type", true},
    {"content-transfer-encoding", true},
    {"content-disposition", false},
    {"auto-submitted", false},
    {"list-id", false},
    {"list-help", false},
    {"list-unsubscribe", false},
    {"list-unsubscribe-post", false}, /* RFC 8058 4 */
    {"list-subscribe", false},
    {"list-post", false},
    {"list-owner", false},
    {"list-archive", false},
    {NULL, false},
};

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
