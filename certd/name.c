/* SPDX-License-Identifier: ISC */
#include "certd/name.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "common/ascii.h"

#define DNS_NAME_MAX 253 /* RFC 1035 2.3.4, as text without the final dot */
#define DNS_LABEL_MAX 63

static bool
label_valid(const char *label, size_t length)
{
	if (length == 0 || length > DNS_LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!ascii_is_alnum(label[i]) && label[i] != '-')
			return false;
	}
	return true;
}

static bool
all_digits(const char *text)
{
	for (; *text != '\0'; text++) {
		if (!ascii_is_digit(*text))
			return false;
	}
	return true;
}

static bool
host_valid(const char *text)
{
	bool wildcard = strncmp(text, "*.", 2) == 0;
	const char *label = wildcard ? text + 2 : text;
	size_t labels = 0;

	if (strlen(text) > DNS_NAME_MAX)
		return false;
	for (;;) {
		size_t length = strcspn(label, ".");

		if (!label_valid(label, length))
			return false;
		labels++;
		if (label[length] == '\0')
			break;
		label += length + 1;
	}
	/* No top-level domain is a number (RFC 1123 2.1): that is a mistyped address. */
	return !all_digits(label) && (!wildcard || labels >= 2);
}

enum san_kind
san_parse(const char *text, uint8_t address[16], size_t *length)
{
	uint8_t local[16];
	size_t local_length;

	if (address == NULL)
		address = local;
	if (length == NULL)
		length = &local_length;
	if (inet_pton(AF_INET, text, address) == 1) {
		*length = 4;
		return SAN_IP;
	}
	if (inet_pton(AF_INET6, text, address) == 1) {
		*length = 16;
		return SAN_IP;
	}
	return host_valid(text) ? SAN_DNS : SAN_INVALID;
}

bool
names_have_host(const char *names, uint32_t count, const char *host)
{
	for (uint32_t i = 0; i < count; i++, names += strlen(names) + 1) {
		if (strncmp(names, "DNS:", 4) == 0 && strcasecmp(names + 4, host) == 0)
			return true;
	}
	return false;
}

bool
names_split(const char *tail, size_t length, uint32_t count, const char **names, size_t max)
{
	const char *end = tail + length;

	if (count == 0 || count > max)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		size_t n = strnlen(tail, (size_t)(end - tail));

		if (n == 0 || tail + n == end)
			return false;
		names[i] = tail;
		tail += n + 1;
	}
	return tail == end;
}
