/* SPDX-License-Identifier: ISC */
#include "ctl/secret_line.h"

#include <errno.h>
#include <unistd.h>

ssize_t
secret_line(int fd, char *out, size_t size)
{
	size_t used = 0;
	char c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);

		out[used] = '\0';
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0 || c == '\n')
			break;
		if (used + 1 >= size) {
			errno = EMSGSIZE;
			return -1;
		}
		out[used++] = c;
	}
	if (used > 0 && out[used - 1] == '\r')
		out[--used] = '\0';
	return (ssize_t)used;
}
