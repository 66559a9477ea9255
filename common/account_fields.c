/* SPDX-License-Identifier: ISC */
/* The values in accounts.conf: an address, a fingerprint, a password hash. */
#include "config.h"

#include <crypt.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/accounts_file.h"
#include "common/address.h"
#include "common/aliases.h"
#include "common/idn.h"
#include "common/proto/types.h"

/* The same with A-labels in its domain; what has none has an error in it anyway. */
static int
with_a_labels(const char *text, char *out, size_t size, struct error *err)
{
	const char *at = strrchr(text, '@');
	char domain[HOST_NAME_SIZE];

	if (at == NULL)
		at = text + strlen(text) - (text[0] != '\0');
	if (idn_to_ascii(*at == '@' ? at + 1 : "", domain, err) == -1)
		return -1;
	if (snprintf(out, size, "%.*s%s", (int)(at - text) + 1, text, domain) >= (int)size)
		return error_set(err, "longer than any address");
	return 0;
}

/* An address that an account can have, or another host's. */
static int
parse_address(const char *text, struct address *address, struct error *err)
{
	char ascii[2 * ADDRESS_SIZE];
	enum address_error result;

	if (with_a_labels(text, ascii, sizeof(ascii), err) == -1)
		return -1;
	result = address_parse(ascii, strlen(ascii), address);
	/* Its domain has A-labels by now. */
	if (result == ADDRESS_NOT_ASCII)
		return error_set(err, "the part before the @ is not ASCII");
	if (result != ADDRESS_OK)
		return error_set(err, "not an address NAME@DOMAIN: %s", address_error_text(result));
	if (ascii[0] == '"')
		return error_set(err, "the part before the @ can't have quotes");
	return 0;
}

int
account_address(const char *text, char *out, struct error *err)
{
	struct address address;

	if (parse_address(text, &address, err) == -1)
		return -1;
	if (strlen(address.local) > LOCAL_PART_MAX)
		return error_set(err, "not an address NAME@DOMAIN: %s",
				 address_error_text(ADDRESS_LOCAL_TOO_LONG));
	if (strchr(address.local, '/') != NULL)
		return error_set(err, "the part before the @ of an account's address can't have "
				      "a \"/\"");
	if (address.domain[0] == '[')
		return error_set(err, "an account needs a domain, not an IP address");
	for (char *p = address.local; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	address_format(&address, out, ADDRESS_SIZE);
	return 0;
}

int
alias_target(const char *text, char *out, struct error *err)
{
	struct address address;

	if (parse_address(text, &address, err) == -1)
		return -1;
	if (address.domain[0] == '[')
		return error_set(err, "an alias leads to a domain, not to an IP address");
	address_format(&address, out, ADDRESS_SIZE);
	return 0;
}

int
account_fingerprint(const char *text, char out[FINGERPRINT_TEXT_SIZE], struct error *err)
{
	const char *equals = strrchr(text, '=');
	size_t used = 0;

	for (const char *p = equals != NULL ? equals + 1 : text; *p != '\0'; p++) {
		if (*p == ':' && used > 0 && used % 2 == 0 && p[1] != '\0' && p[1] != ':')
			continue;
		if (!isxdigit((unsigned char)*p) || used == FINGERPRINT_TEXT_SIZE - 1) {
			used = 0;
			break;
		}
		out[used++] = (char)tolower((unsigned char)*p);
	}
	out[used] = '\0';
	if (used != FINGERPRINT_TEXT_SIZE - 1)
		return error_set(err, "not a SHA-256 fingerprint in hex, as openssl x509 -noout "
				      "-fingerprint -sha256 prints it");
	return 0;
}

/* Other bytes than these are escaped in it (RFC 2253 2.4). */
int
account_subject(const char *text, struct error *err)
{
	size_t length = strlen(text);

	if (length > SUBJECT_MAX)
		return error_set(err, "longer than %d bytes", SUBJECT_MAX);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			length = 0;
	}
	if (length == 0 || strchr(text, '=') == NULL)
		return error_set(err, "not a subject, as openssl x509 -noout -subject -nameopt "
				      "RFC2253 prints it behind \"subject=\"");
	return 0;
}

static int
scram_hash(const char *text, struct error *err)
{
	struct scram_verifier verifier;
	int result = scram_verifier_parse(text, &verifier, err);

	explicit_bzero(&verifier, sizeof(verifier));
	return result;
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

	if (scram_is_verifier(hash))
		return scram_hash(hash, err);
	if (length >= CRYPT_OUTPUT_SIZE)
		return error_set(err, "longer than any password hash");
	verdict = crypt_checksalt(hash);
	if (verdict == CRYPT_SALT_INVALID || verdict == CRYPT_SALT_METHOD_DISABLED ||
	    (hash[0] != '$' && hash[0] != '_' && length != 13) || length < 13)
		return error_set(err, "not a password hash this system's crypt(5) knows; "
				      "posternctl account passwd makes one");
	return 0;
}
