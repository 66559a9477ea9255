/* SPDX-License-Identifier: ISC */
#include "ctl/password.h"

#include <errno.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/saslprep.h"
#include "common/scram_keys.h"
#include "ctl/secret_line.h"

/* From standard input. */
static int
read_line(char *out, size_t size, struct error *err)
{
	ssize_t length = secret_line(STDIN_FILENO, out, size);

	if (length == -1 && errno == EMSGSIZE)
		return error_set(err, "the password is longer than %zu bytes", size - 1);
	if (length == -1)
		return error_errno(err, "reading the password from standard input");
	if (memchr(out, '\0', (size_t)length) != NULL)
		return error_set(err, "a password can't have NUL bytes");
	return 0;
}

static int
prompt(const char *address, char *out, size_t size, struct error *err)
{
	char text[400], again[CRYPT_MAX_PASSPHRASE_SIZE];
	int result = 0;

	snprintf(text, sizeof(text), "New password for %s: ", address);
	if (readpassphrase(text, out, size, RPP_ECHO_OFF | RPP_REQUIRE_TTY) == NULL)
		return error_errno(err, "reading the password");
	if (readpassphrase("Again: ", again, sizeof(again), RPP_ECHO_OFF | RPP_REQUIRE_TTY) == NULL)
		result = error_errno(err, "reading the password");
	else if (strcmp(out, again) != 0)
		result = error_set(err, "the two passwords are not the same");
	explicit_bzero(again, sizeof(again));
	return result;
}

int
password_read(const char *address, char *out, size_t size, struct error *err)
{
	if (isatty(STDIN_FILENO)) {
		if (prompt(address, out, size, err) == -1)
			return -1;
	} else if (read_line(out, size, err) == -1) {
		return -1;
	}
	if (out[0] == '\0')
		return error_set(err, "the password is empty");
	return 0;
}

static const struct {
	const char *word;
	unsigned kinds;
} choices[] = {
    {"sha-256", PASSWORD_KINDS},
    {"all", PASSWORD_KINDS | PASSWORD_SCRAM_OF(SCRAM_SHA_1)},
    {"only", PASSWORD_SCRAM_OF(SCRAM_SHA_256)},
    {"none", PASSWORD_CRYPT},
};

int
password_kinds(const char *word, unsigned *kinds, struct error *err)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (strcmp(choices[i].word, word) != 0)
			continue;
		*kinds = choices[i].kinds;
		return 0;
	}
	return error_set(err, "--scram is sha-256, all, only or none, not '%s'", word);
}

unsigned
password_kinds_of(const struct account *account)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (account->scram[i] != NULL)
			kinds |= PASSWORD_SCRAM_OF(i);
	}
	if (kinds == 0)
		return PASSWORD_KINDS;
	return scram_is_verifier(account->hash) ? kinds : kinds | PASSWORD_CRYPT;
}

static int
hash_crypt(const char *password, char out[CRYPT_OUTPUT_SIZE], struct error *err)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash = NULL;

	if (data != NULL && crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) != NULL)
		hash = crypt_rn(password, setting, data, (int)sizeof(*data));
	if (hash != NULL)
		strlcpy(out, hash, CRYPT_OUTPUT_SIZE);
	else
		error_errno(err, "hashing the password");
	freezero(data, sizeof(*data));
	return hash == NULL ? -1 : 0;
}

/* PREPARED: by saslprep(). */
static void
hash_scram(const char *prepared, enum scram_hash hash, char out[SCRAM_VERIFIER_SIZE])
{
	struct scram_verifier verifier = {
	    .hash = hash, .iterations = SCRAM_ITERATIONS, .salt_length = SCRAM_SALT};

	arc4random_buf(verifier.salt, SCRAM_SALT);
	scram_verifier_make(&verifier, prepared);
	scram_verifier_format(&verifier, out);
	explicit_bzero(&verifier, sizeof(verifier));
}

/* One string, or an array of them; nothing in a hash needs escaping. */
static void
make_value(struct password_hashes *hashes)
{
	const char *one[1 + SCRAM_HASH_COUNT];
	size_t count = 0;

	if (hashes->crypt[0] != '\0')
		one[count++] = hashes->crypt;
	for (size_t i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (hashes->scram[i][0] != '\0')
			one[count++] = hashes->scram[i];
	}
	strlcpy(hashes->value, count > 1 ? "[ " : "", sizeof(hashes->value));
	for (size_t i = 0; i < count; i++) {
		strlcat(hashes->value, i > 0 ? ", \"" : "\"", sizeof(hashes->value));
		strlcat(hashes->value, one[i], sizeof(hashes->value));
		strlcat(hashes->value, "\"", sizeof(hashes->value));
	}
	strlcat(hashes->value, count > 1 ? " ]" : "", sizeof(hashes->value));
}

int
password_hash(const char *password, unsigned kinds, struct password_hashes *hashes,
	      struct error *err)
{
	char prepared[CRYPT_MAX_PASSPHRASE_SIZE];

	memset(hashes, 0, sizeof(*hashes));
	if ((kinds & ~(unsigned)PASSWORD_CRYPT) != 0 &&
	    saslprep(password, prepared, sizeof(prepared)) == -1)
		return error_set(err, "this password can't be used with SCRAM: it is not UTF-8, or "
				      "has control or other characters that RFC 4013 prohibits; "
				      "choose another, or --scram none");
	for (unsigned i = 0; i < SCRAM_HASH_COUNT; i++) {
		if ((kinds & PASSWORD_SCRAM_OF(i)) != 0)
			hash_scram(prepared, (enum scram_hash)i, hashes->scram[i]);
	}
	explicit_bzero(prepared, sizeof(prepared));
	if ((kinds & PASSWORD_CRYPT) != 0 && hash_crypt(password, hashes->crypt, err) == -1)
		return -1;
	make_value(hashes);
	return 0;
}

bool
password_is(const struct account *account, const struct password_hashes *hashes)
{
	if (hashes->crypt[0] != '\0' ? strcmp(account->hash, hashes->crypt) != 0
				     : !scram_is_verifier(account->hash))
		return false;
	for (size_t i = 0; i < SCRAM_HASH_COUNT; i++) {
		const char *is = account->scram[i] != NULL ? account->scram[i] : "";

		if (strcmp(is, hashes->scram[i]) != 0)
			return false;
	}
	return true;
}
