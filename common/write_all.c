/* SPDX-License-Identifier: ISC */
#include "common/write_all.h"

#include <errno.h>
#include <unistd.h>

int
write_all(int fd, const void *bytes, size_t length)
{
	const char *next = bytes;

	while (length > 0) {
		ssize_t n = write(fd, next, length);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		next += n;
		length -= (size_t)n;
	}
	return 0;
}
