/* SPDX-License-Identifier: ISC */
/* The values in accounts.conf: an address, a size, a password hash. */
#include "config.h"

#include <crypt.h>
#include <ctype.h>
#include <string.h>

#include "common/accounts_file.h"
#include "common/proto/types.h"

/* atext (RFC 5322 3.2.3) but for "/": the local part is the name of a directory. */
static bool
is_local_char(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || (c != '\0' && strchr("!#$%&'*+-=?^_`{|}~", c) != NULL));
}

/* Dot-string: atoms of one character or more, separated by single dots (RFC 5321 4.1.2). */
static int
check_local_part(const char *local, size_t length, struct error *err)
{
	if (length == 0)
		return error_set(err, "the part before the @ is missing");
	if (length >= LOCAL_PART_SIZE)
		return error_set(err, "the part before the @ is longer than %d bytes",
				 LOCAL_PART_SIZE - 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)local[i];

		if (c == '.' && (i == 0 || i + 1 == length || local[i - 1] == '.'))
			return error_set(err, "a misplaced dot in the part before the @");
		if (c != '.' && !is_local_char(c))
			return error_set(err, "a character in the part before the @ that the "
					      "address of an account can't have");
	}
	return 0;
}

/* Domain: LDH labels of 1..63 bytes (RFC 5321 4.1.2, RFC 1035 2.3.4). No address literals. */
static int
check_domain(const char *domain, struct error *err)
{
	size_t length = strlen(domain);
	size_t label = 0;

	if (length == 0)
		return error_set(err, "the domain is missing");
	if (length >= HOST_NAME_SIZE)
		return error_set(err, "the domain is longer than %d bytes", HOST_NAME_SIZE - 1);
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = (unsigned char)domain[i];

		if (c == '.' || c == '\0') {
			if (label == 0 || label > 63 || domain[i - 1] == '-')
				return error_set(err, "'%s' is not a domain", domain);
			label = 0;
		} else if (c < 0x80 && (isalnum(c) || (c == '-' && label > 0))) {
			label++;
		} else {
			return error_set(err, "'%s' is not a domain", domain);
		}
	}
	return 0;
}

int
account_address(const char *text, char *out, struct error *err)
{
	const char *at = strrchr(text, '@');
	size_t i;

	if (at == NULL)
		return error_set(err, "an address is needed, NAME@DOMAIN");
	if (check_local_part(text, (size_t)(at - text), err) == -1 ||
	    check_domain(at + 1, err) == -1)
		return -1;
	for (i = 0; text[i] != '\0'; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[i] = '\0';
	return 0;
}

int
account_quota(const char *text, uint64_t *bytes, struct error *err)
{
	static const char units[] = "KMGT";
	const char *p = text, *unit;
	uint64_t number = 0;
	unsigned shift = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (number > (UINT64_MAX >> 4))
			return error_set(err, "'%s' is too large", text);
		number = number * 10 + (uint64_t)(*p - '0');
	}
	if (p != text && *p != '\0' && (unit = strchr(units, toupper((unsigned char)*p))) != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		p++;
	}
	if (p == text || *p != '\0' || number == 0)
		return error_set(err, "'%s' is not a size like \"500M\" or \"2G\"", text);
	if (number > ((uint64_t)INT64_MAX >> shift))
		return error_set(err, "'%s' is too large", text);
	*bytes = number << shift;
	return 0;
}

/*
 * A plaintext password put in the place of a hash must not pass for one: to crypt(3), almost any
 * text is a salt of the traditional DES method. Those have exactly 13 characters.
 */
int
account_hash(const char *hash, struct error *err)
{
	size_t length = strlen(hash);
	int verdict;

	if (length >= CRYPT_OUTPUT_SIZE)
		return error_set(err, "longer than any password hash");
	verdict = crypt_checksalt(hash);
	if (verdict == CRYPT_SALT_INVALID || verdict == CRYPT_SALT_METHOD_DISABLED ||
	    (hash[0] != '$' && hash[0] != '_' && length != 13) || length < 13)
		return error_set(err, "not a password hash this system's crypt(5) knows; "
				      "posternctl account passwd makes one");
	return 0;
}
