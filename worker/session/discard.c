/* SPDX-License-Identifier: ISC */
#include "worker/session/discard.h"

#include <sys/socket.h>
#include <unistd.h>

#define DISCARD_MAX 65536 /* octets */

void
discard_input(int fd)
{
	char rest[1024];
	size_t total = 0;
	ssize_t n;

	shutdown(fd, SHUT_WR);
	while (total < DISCARD_MAX && (n = read(fd, rest, sizeof(rest))) > 0)
		total += (size_t)n;
}
