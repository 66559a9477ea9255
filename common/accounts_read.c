/* SPDX-License-Identifier: ISC */
/* accounts.conf as a descriptor (accounts_file.h). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/accounts_file.h"

#define READ_FIRST 65536

/*
 * Reads all of FD. Without fstat(2), which glibc makes a newfstatat(2): a process that has no files
 * needs no system call that takes a path. Returns a NUL-terminated text of *LENGTH bytes in a block
 * of *SIZE, or NULL with ERR filled.
 */
static char *
read_whole(int fd, size_t *length, size_t *size, struct error *err)
{
	char *text = NULL;
	ssize_t n = 1;

	*length = *size = 0;
	while (n > 0 && *length <= ACCOUNTS_FILE_MAX) {
		if (*length + 1 >= *size) {
			size_t more = *size == 0 ? READ_FIRST : *size * 2;
			char *grown = recallocarray(text, *size, more, 1);

			if (grown == NULL)
				break;
			text = grown;
			*size = more;
		}
		do
			n = pread(fd, text + *length, *size - *length - 1, (off_t)*length);
		while (n == -1 && errno == EINTR);
		*length += n > 0 ? (size_t)n : 0;
	}
	if (n == 0)
		return text; /* the block is zeroed where nothing was read */
	if (n > 0 && *length > ACCOUNTS_FILE_MAX)
		error_set(err, "longer than %u bytes", ACCOUNTS_FILE_MAX);
	else
		error_errno(err, "reading");
	freezero(text, *size);
	return NULL;
}

struct accounts *
accounts_read(int fd, unsigned *line, struct error *err)
{
	struct accounts *accounts;
	size_t length, size;
	char *text = read_whole(fd, &length, &size, err);

	*line = 0;
	if (text == NULL)
		return NULL;
	accounts = accounts_parse(text, length, line, err);
	freezero(text, size);
	return accounts;
}
