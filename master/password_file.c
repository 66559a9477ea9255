/* SPDX-License-Identifier: ISC */
#include "master/password_file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/saslprep.h"
#include "master/trusted_file.h"

#define TEXT_SIZE 1024

/* Its first line without its end; the length of all, or -1. */
static ssize_t
read_line(int fd, char text[TEXT_SIZE])
{
	ssize_t n = read(fd, text, TEXT_SIZE - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return n;
}

int
password_file_read(const char *path, char *out, size_t size, struct error *err)
{
	int fd = trusted_file_open(path, TRUST_NOBODY_ELSE, err), result = 0;
	char text[TEXT_SIZE];
	struct stat st;

	out[0] = '\0';
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || read_line(fd, text) == -1)
		result = error_errno(err, "%s", path);
	else if ((st.st_mode & 077) != 0)
		result = error_set(err, "%s can be read by others: chmod 600 %s", path, path);
	else if (saslprep(text, out, size) == -1)
		result =
		    error_set(err, "%s holds no password in its first line, or one too long", path);
	close(fd);
	explicit_bzero(text, sizeof(text));
	return result;
}
