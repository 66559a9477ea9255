/* SPDX-License-Identifier: ISC */
#include "master/srs_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/write_all.h"
#include "master/trusted_file.h"

#define FILE_MAX 4096
#define LINE (2 * SRS_SECRET_SIZE)

/* -- Its text -------------------------------------------------------------------------------- */

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static bool
read_secret(const char *line, size_t length, uint8_t out[SRS_SECRET_SIZE])
{
	if (length != LINE)
		return false;
	for (size_t i = 0; i < SRS_SECRET_SIZE; i++) {
		int high = digit(line[2 * i]), low = digit(line[2 * i + 1]);

		if (high == -1 || low == -1)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int
srs_file_parse(const char *text, size_t length, struct ma_srs *srs, struct error *err)
{
	const char *end = text + length;
	unsigned line = 1;

	srs->count = 0;
	for (; text < end; line++) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((lf == NULL ? end : lf) - text);

		if (size > 0 && text[0] != '#') {
			if (srs->count == SRS_SECRETS_MAX)
				return error_set(err, "line %u: more than %d secrets", line,
						 SRS_SECRETS_MAX);
			if (!read_secret(text, size, srs->secrets[srs->count]))
				return error_set(err,
						 "line %u: a secret is %d hex digits in lower case",
						 line, LINE);
			srs->count++;
		}
		text = lf == NULL ? end : lf + 1;
	}
	return srs->count > 0 ? 0 : error_set(err, "no secret is in it");
}

/* -- The file -------------------------------------------------------------------------------- */

static int
write_new(int fd, const char *path, struct error *err)
{
	uint8_t secret[SRS_SECRET_SIZE];
	char text[LINE + 2];

	arc4random_buf(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(text + 2 * i, 3, "%02x", secret[i]);
	text[LINE] = '\n';
	explicit_bzero(secret, sizeof(secret));
	if (write_all(fd, text, LINE + 1) == -1 || fsync(fd) == -1)
		error_errno(err, "%s", path);
	else
		err->text[0] = '\0';
	explicit_bzero(text, sizeof(text));
	return err->text[0] == '\0' ? 0 : -1;
}

/* Whole, or not at all: under its name only when it is on disk. */
static int
make(int folder, const char *path, struct error *err)
{
	static const char fresh[] = SRS_FILE_NAME ".new";
	int fd, result;

	(void)unlinkat(folder, fresh, 0);
	fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return error_errno(err, "making %s", path);
	result = write_new(fd, path, err);
	close(fd);
	if (result == 0 &&
	    (renameat(folder, fresh, folder, SRS_FILE_NAME) == -1 || fsync(folder) == -1))
		result = error_errno(err, "making %s", path);
	return result;
}

static int
read_file(const char *path, struct ma_srs *srs, struct error *err)
{
	char text[FILE_MAX];
	struct stat st;
	ssize_t n = -1;
	int fd = trusted_file_open(path, TRUST_NOBODY_ELSE, err);
	int result;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || (n = read(fd, text, sizeof(text))) == -1)
		result = error_errno(err, "%s", path);
	else if ((st.st_mode & 077) != 0)
		result = error_set(err, "%s can be read by others: chmod 0600 %s", path, path);
	else if (n == (ssize_t)sizeof(text))
		result = error_set(err, "%s has more than %d bytes", path, FILE_MAX - 1);
	else if (srs_file_parse(text, (size_t)n, srs, err) == -1)
		result = error_prefix(err, "%s", path);
	else
		result = 0;
	explicit_bzero(text, sizeof(text));
	close(fd);
	return result;
}

int
srs_file_read(const char *state, struct ma_srs *srs, struct error *err)
{
	char path[PATH_MAX];
	int folder, result = 0;

	(void)snprintf(path, sizeof(path), "%s/" SRS_FILE_NAME, state);
	folder = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder == -1)
		return error_errno(err, "%s", state);
	if (faccessat(folder, SRS_FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
		result = make(folder, path, err);
	close(folder);
	if (result == 0)
		result = read_file(path, srs, err);
	if (result == -1) {
		explicit_bzero(srs->secrets, sizeof(srs->secrets));
		srs->count = 0;
	}
	return result;
}
