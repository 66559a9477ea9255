/* SPDX-License-Identifier: ISC */
/* What a server keeps of a password (RFC 5803), and the names of the hashes. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/scram.h"

static const struct hash_kind {
	const char *name;
	size_t size;
} kinds[SCRAM_HASH_COUNT] = {
    [SCRAM_SHA_256] = {"SCRAM-SHA-256", 32},
    [SCRAM_SHA_1] = {"SCRAM-SHA-1", 20},
};

const char *
scram_name(enum scram_hash hash)
{
	return kinds[hash].name;
}

size_t
scram_key_size(enum scram_hash hash)
{
	return kinds[hash].size;
}

bool
scram_is_verifier(const char *text)
{
	return strncmp(text, "SCRAM-", 6) == 0;
}

/* The text up to the next END, or to its end where END is NUL: *AT moves behind it. NULL: none. */
static const char *
next_part(const char **at, char end, size_t *length)
{
	const char *part = *at, *stop = strchr(part, end);

	if (stop == NULL)
		return NULL;
	*length = (size_t)(stop - part);
	*at = end == '\0' ? stop : stop + 1;
	return part;
}

static int
parse_hash(const char **at, enum scram_hash *hash)
{
	size_t length;
	const char *name = next_part(at, '$', &length);

	for (size_t i = 0; name != NULL && i < SCRAM_HASH_COUNT; i++) {
		if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0) {
			*hash = (enum scram_hash)i;
			return 0;
		}
	}
	return -1;
}

/* posit-number: no sign, no zero in front. */
static int
parse_iterations(const char **at, uint32_t *iterations)
{
	size_t length;
	const char *digits = next_part(at, ':', &length);
	uint32_t value = 0;

	if (digits == NULL || length == 0 || length > 8 || digits[0] == '0')
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		value = value * 10 + (uint32_t)(digits[i] - '0');
	}
	*iterations = value;
	return 0;
}

/* Of exactly SIZE bytes. */
static int
parse_key(const char **at, char end, uint8_t *key, size_t size)
{
	size_t length, decoded;
	const char *text = next_part(at, end, &length);

	return text != NULL && base64_decode(text, length, key, size, &decoded) == 0 &&
		       decoded == size
		   ? 0
		   : -1;
}

static const char *
parse(const char *at, struct scram_verifier *verifier)
{
	const char *salt;
	size_t length;

	if (parse_hash(&at, &verifier->hash) == -1)
		return "the mechanism is neither SCRAM-SHA-256 nor SCRAM-SHA-1";
	if (parse_iterations(&at, &verifier->iterations) == -1 ||
	    verifier->iterations < SCRAM_ITERATIONS_MIN ||
	    verifier->iterations > SCRAM_ITERATIONS_MAX)
		return "the number of iterations must be 4096 to 10000000";
	salt = next_part(&at, '$', &length);
	if (salt == NULL || length == 0 ||
	    base64_decode(salt, length, verifier->salt, SCRAM_SALT_MAX, &verifier->salt_length) ==
		-1)
		return "the salt must be 1 to 64 bytes in base64";
	if (parse_key(&at, ':', verifier->stored_key, kinds[verifier->hash].size) == -1 ||
	    parse_key(&at, '\0', verifier->server_key, kinds[verifier->hash].size) == -1)
		return "the keys must be two in base64, as long as the hash, with \":\" between";
	return NULL;
}

int
scram_verifier_parse(const char *text, struct scram_verifier *verifier, struct error *err)
{
	const char *why;

	memset(verifier, 0, sizeof(*verifier));
	why = parse(text, verifier);
	if (why == NULL)
		return 0;
	explicit_bzero(verifier, sizeof(*verifier));
	return error_set(err, "not a SCRAM verifier (RFC 5803): %s", why);
}

void
scram_verifier_format(const struct scram_verifier *verifier, char out[SCRAM_VERIFIER_SIZE])
{
	char salt[BASE64_ENCODED(SCRAM_SALT_MAX) + 1];
	char stored[BASE64_ENCODED(SCRAM_KEY_MAX) + 1], server[sizeof(stored)];
	size_t size = kinds[verifier->hash].size;

	base64_encode(verifier->salt, verifier->salt_length, salt);
	base64_encode(verifier->stored_key, size, stored);
	base64_encode(verifier->server_key, size, server);
	snprintf(out, SCRAM_VERIFIER_SIZE, "%s$%u:%s$%s:%s", kinds[verifier->hash].name,
		 verifier->iterations, salt, stored, server);
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
}
