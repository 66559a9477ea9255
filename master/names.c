/* SPDX-License-Identifier: ISC */
#include "master/names.h"

#include <string.h>

#include "common/ascii.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */
#define DOMAIN_MAX 253

static const char *
label_problem(const char *label, size_t length)
{
	if (length == 0)
		return "it has an empty label";
	if (length > LABEL_MAX)
		return "it has a label of more than 63 characters";
	if (label[0] == '-' || label[length - 1] == '-')
		return "a label begins or ends with a hyphen";
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)label[i] >= 0x80)
			return "it is not ASCII: write it with its A-labels (xn--...)";
		if (!ascii_is_digit(label[i]) && !ascii_is_lower(label[i]) && label[i] != '-')
			return "it may have letters, digits, hyphens and dots only";
	}
	return NULL;
}

const char *
domain_name_parse(const char *text, char out[HOST_NAME_SIZE])
{
	size_t length = strlen(text);
	const char *problem;

	if (length == 0)
		return "it is empty";
	if (length > DOMAIN_MAX)
		return "it is longer than 253 characters";
	for (size_t i = 0; i <= length; i++)
		out[i] = ascii_lower(text[i]);
	for (const char *label = out; label != NULL;) {
		const char *dot = strchr(label, '.');

		problem = label_problem(label, dot ? (size_t)(dot - label) : strlen(label));
		if (problem != NULL)
			return problem;
		label = dot ? dot + 1 : NULL;
	}
	return NULL;
}

/* atext of RFC 5322 3.2.3, without upper case and without '/'. */
static bool
is_local_byte(char c)
{
	return ascii_is_digit(c) || ascii_is_lower(c) ||
	       (c != '\0' && strchr("!#$%&'*+-=?^_`{|}~", c) != NULL);
}

static bool
local_part_valid(const char *bytes, size_t length)
{
	if (length == 0 || length > LOCAL_PART_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '.') {
			if (i == 0 || i == length - 1 || bytes[i - 1] == '.')
				return false;
		} else if (!is_local_byte(bytes[i])) {
			return false;
		}
	}
	return true;
}

bool
mailbox_name_parse(const char *bytes, size_t length, struct mailbox_name *out)
{
	const char *at = length > 0 ? memchr(bytes, '@', length) : NULL;
	char domain[HOST_NAME_SIZE];
	size_t local_length, domain_length;

	if (at == NULL)
		return false;
	local_length = (size_t)(at - bytes);
	domain_length = length - local_length - 1;
	if (domain_length >= sizeof(domain) || memchr(at + 1, '\0', domain_length) != NULL)
		return false;
	if (!local_part_valid(bytes, local_length))
		return false;
	memcpy(domain, at + 1, domain_length);
	domain[domain_length] = '\0';
	if (domain_name_parse(domain, out->domain) != NULL || strcmp(domain, out->domain) != 0)
		return false;
	memcpy(out->local, bytes, local_length);
	out->local[local_length] = '\0';
	return true;
}
