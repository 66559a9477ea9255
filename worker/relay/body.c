/* SPDX-License-Identifier: ISC */
#include "worker/relay/body.h"

#include <event2/buffer.h>
#include <unistd.h>

#include "worker/relay/hops.h"

#define CHUNK 32768     /* octets of the message that are read at once */
#define BUFFERED 131072 /* and that wait for the other side */

void
body_start(struct body *body, int fd, uint64_t size)
{
	*body = (struct body){.fd = fd, .size = size};
	dot_stuff_start(&body->stuffer);
}

int
body_fill(struct body *body, struct evbuffer *out)
{
	char in[CHUNK], stuffed[2 * CHUNK], end[DOT_STUFF_END_MAX];
	bool enough;
	ssize_t n;

	while (!body->whole && evbuffer_get_length(out) < BUFFERED) {
		n = pread(body->fd, in, sizeof(in), (off_t)body->offset);
		if (n < 0 || (n == 0 && body->offset < body->size))
			return -1;
		if (n == 0) {
			(void)evbuffer_add(out, end, dot_stuff_end(&body->stuffer, end));
			body->whole = true;
			break;
		}
		body->offset += (uint64_t)n;
		(void)evbuffer_add(out, stuffed,
				   dot_stuff(&body->stuffer, in, (size_t)n, stuffed, &enough));
	}
	return 0;
}

bool
body_has_eight_bit(int fd)
{
	unsigned char data[CHUNK];
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(fd, data, sizeof(data), offset)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (data[i] > 127)
				return true;
		}
		offset += n;
	}
	return false;
}

bool
body_goes_in_circles(int fd)
{
	char header[2 * CHUNK];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	return n > 0 && hops_count(header, (size_t)n) > HOPS_MAX;
}
