/* SPDX-License-Identifier: ISC */
#include "worker/relay/body.h"

#include <event2/buffer.h>
#include <string.h>
#include <unistd.h>

#include "common/hop_limit.h"
#include "worker/relay/hops.h"
#include "worker/relay/tls_optional.h"

#define CHUNK 32768     /* octets of the message that are read at once */
#define BUFFERED 131072 /* and that wait for the other side */

void
body_start(struct body *body, int fd, uint64_t size, bool plain)
{
	*body = (struct body){.fd = fd, .size = size, .plain = plain};
	dot_stuff_start(&body->stuffer);
}

void
body_start_converted(struct body *body, int fd, struct seven_bit *converted)
{
	body_start(body, fd, 0, false);
	body->converted = converted;
	seven_bit_rewind(converted);
}

void
body_put_before(struct body *body, const char *prefix)
{
	body->prefix = prefix;
}

static void
add_prefix(struct body *body, struct evbuffer *out)
{
	const char *prefix = body->prefix;
	char stuffed[2 * CHUNK];
	bool enough;

	body->prefix = NULL;
	if (prefix == NULL)
		return;
	if (body->plain)
		(void)evbuffer_add(out, prefix, strlen(prefix));
	else
		(void)evbuffer_add(
		    out, stuffed,
		    dot_stuff(&body->stuffer, prefix, strlen(prefix), stuffed, &enough));
}

static ssize_t
read_some(struct body *body, char *in, size_t room)
{
	if (body->converted != NULL)
		return (ssize_t)seven_bit_read(body->converted, in, room);
	return pread(body->fd, in, room, (off_t)body->offset);
}

int
body_fill(struct body *body, struct evbuffer *out)
{
	char in[CHUNK], stuffed[2 * CHUNK], end[DOT_STUFF_END_MAX];
	bool enough;
	ssize_t n;

	add_prefix(body, out);
	while (!body->whole && evbuffer_get_length(out) < BUFFERED) {
		n = read_some(body, in, sizeof(in));
		/* It was announced with that size, and a chunk has no other. */
		if (n < 0 || (n == 0 && body->offset < body->size) ||
		    (body->plain && (uint64_t)n > body->size - body->offset))
			return -1;
		if (n == 0) {
			if (!body->plain)
				(void)evbuffer_add(out, end, dot_stuff_end(&body->stuffer, end));
			body->whole = true;
			break;
		}
		body->offset += (uint64_t)n;
		if (body->plain) {
			(void)evbuffer_add(out, in, (size_t)n);
			continue;
		}
		(void)evbuffer_add(out, stuffed,
				   dot_stuff(&body->stuffer, in, (size_t)n, stuffed, &enough));
	}
	return 0;
}

/* Between two pieces of a message. */
struct looking {
	bool cr;         /* the octet before was one */
	bool line_start; /* nothing of this line has come */
	bool in_body;
};

static void
look_at(struct looking *at, unsigned char c, struct body_facts *facts)
{
	if ((c == '\n') != at->cr || c == '\0')
		facts->binary = true;
	if (c > 127) {
		facts->eight_bit = true;
		facts->wide_header = facts->wide_header || !at->in_body;
	}
	if (c == '\n' && at->line_start)
		at->in_body = true;
	if (c != '\r')
		at->line_start = c == '\n';
	at->cr = c == '\r';
}

void
body_look(int fd, struct body_facts *facts)
{
	struct looking at = {.line_start = true};
	unsigned char data[CHUNK];
	off_t offset = 0;
	ssize_t n;

	*facts = (struct body_facts){false, false, false};
	while ((n = pread(fd, data, sizeof(data), offset)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			look_at(&at, data[i], facts);
		offset += n;
	}
	facts->binary = facts->binary || at.cr;
}

bool
body_goes_in_circles(int fd)
{
	char header[2 * CHUNK];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	return n > 0 && hops_count(header, (size_t)n) > HOP_LIMIT;
}

bool
body_tls_is_optional(int fd)
{
	char header[2 * CHUNK];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	return n > 0 && tls_optional(header, (size_t)n);
}

bool
body_has_been(int fd, const char *address)
{
	char header[2 * CHUNK];
	ssize_t n = pread(fd, header, sizeof(header), 0);

	return n > 0 && hops_has_been(header, (size_t)n, address);
}
