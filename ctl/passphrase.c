/* SPDX-License-Identifier: ISC */
#include "ctl/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <readpassphrase.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/secret_line.h"

static int
too_long(struct error *err)
{
	return error_set(err, "the pass phrase is longer than %d bytes", CERT_PASSPHRASE_SIZE - 1);
}

static int
read_line(int fd, const char *file, char *out, struct error *err)
{
	ssize_t length = secret_line(fd, out, CERT_PASSPHRASE_SIZE);
	bool whole = length != -1;

	if (!whole && errno != EMSGSIZE)
		return error_errno(err, "reading the pass phrase from %s", file);
	if (memchr(out, '\0', whole ? (size_t)length : CERT_PASSPHRASE_SIZE - 1) != NULL)
		return error_set(err, "%s: a pass phrase can't have NUL bytes", file);
	if (!whole)
		return too_long(err);
	if (strchr(out, '\r') != NULL)
		return error_set(err, "%s: a pass phrase is one line", file);
	return 0;
}

static int
from_file(const char *file, char *out, struct error *err)
{
	int fd, result;

	if (strcmp(file, "-") == 0)
		return read_line(STDIN_FILENO, "standard input", out, err);
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return error_errno(err, "%s", file);
	result = read_line(fd, file, out, err);
	close(fd);
	return result;
}

static int
from_terminal(const char *what, char *out, struct error *err)
{
	const int flags = RPP_ECHO_OFF | RPP_REQUIRE_TTY;
	char question[400], typed[CERT_PASSPHRASE_SIZE + 1], again[CERT_PASSPHRASE_SIZE + 1];
	int result = 0;

	snprintf(question, sizeof(question), "New pass phrase for %s: ", what);
	if (readpassphrase(question, typed, sizeof(typed), flags) == NULL ||
	    readpassphrase("Again: ", again, sizeof(again), flags) == NULL)
		result = error_errno(err, "there is no terminal to ask for a pass phrase "
					  "(--passphrase-file FILE reads one)");
	else if (strcmp(typed, again) != 0)
		result = error_set(err, "the two pass phrases are not the same");
	else if (strlen(typed) >= CERT_PASSPHRASE_SIZE)
		result = too_long(err);
	else
		strlcpy(out, typed, CERT_PASSPHRASE_SIZE);
	explicit_bzero(typed, sizeof(typed));
	explicit_bzero(again, sizeof(again));
	return result;
}

int
passphrase_new(const char *what, const char *file, enum passphrase_letters letters,
	       char out[CERT_PASSPHRASE_SIZE], struct error *err)
{
	memset(out, 0, CERT_PASSPHRASE_SIZE);
	if ((file != NULL ? from_file(file, out, err) : from_terminal(what, out, err)) == -1)
		return -1;
	if (strlen(out) < CERT_PASSPHRASE_MIN)
		return error_set(err,
				 "the pass phrase is shorter than %d bytes: whoever finds the file "
				 "can try all of that length",
				 CERT_PASSPHRASE_MIN);
	for (const char *p = out; letters == PASSPHRASE_ASCII && *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			return error_set(err, "a pass phrase for PKCS#12 is of ASCII characters: "
					      "programs do not agree on others");
	}
	return 0;
}
