/* SPDX-License-Identifier: ISC */
#include "ctl/password.h"

#include <errno.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int
password_hash(const char *password, char out[CRYPT_OUTPUT_SIZE], struct error *err)
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
