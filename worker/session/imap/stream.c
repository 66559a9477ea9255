/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PACKED_SIZE \
	16384       /* compressed octets read at a time; as much as the engine may have read */
#define PIECE 16384 /* plain octets compressed at a time */

/* RFC 4978 4: raw deflate; smaller windows than 32 KiB save memory in thousands of sessions. */
#define OUT_WINDOW_BITS (-13)
#define OUT_MEMORY_LEVEL 5
#define IN_WINDOW_BITS (-15)

struct imap_deflate {
	z_stream in, out;
	bool more; /* the last inflate() filled all its room */
	Bytef packed[PACKED_SIZE];
};

int
stream_open(struct imap_stream *stream, int fd)
{
	memset(stream, 0, sizeof(*stream));
	stream->fd = fd;
	stream->out = evbuffer_new();
	return stream->out == NULL ? -1 : 0;
}

static void
free_deflate(struct imap_deflate *deflate)
{
	inflateEnd(&deflate->in);
	deflateEnd(&deflate->out);
	free(deflate);
}

void
stream_close(struct imap_stream *stream)
{
	if (stream->out != NULL)
		evbuffer_free(stream->out);
	if (stream->packed != NULL)
		evbuffer_free(stream->packed);
	if (stream->deflate != NULL)
		free_deflate(stream->deflate);
	stream->out = stream->packed = NULL;
	stream->deflate = NULL;
}

/*
 * -- Reading --------------------------------------------------------------------
 */

static ssize_t
read_fd(struct imap_stream *stream, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(stream->fd, buffer, size);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		stream->received += (uint64_t)n;
	return n;
}

/* Returns plain octets; 0: none came out of what there was; -1: EBADMSG. */
static ssize_t
inflate_some(struct imap_deflate *d, char *buffer, size_t size)
{
	int code;

	d->in.next_out = (Bytef *)buffer;
	d->in.avail_out = (uInt)size;
	code = inflate(&d->in, Z_SYNC_FLUSH);
	if (code != Z_OK && code != Z_BUF_ERROR) {
		errno = EBADMSG;
		return -1;
	}
	d->more = d->in.avail_out == 0;
	return (ssize_t)(size - d->in.avail_out);
}

ssize_t
stream_read(struct imap_stream *stream, char *buffer, size_t size)
{
	struct imap_deflate *d = stream->deflate;
	ssize_t n;

	if (d == NULL)
		return read_fd(stream, buffer, size);
	for (;;) {
		n = inflate_some(d, buffer, size);
		if (n != 0)
			return n;
		n = read_fd(stream, d->packed, sizeof(d->packed));
		if (n <= 0)
			return n;
		d->in.next_in = d->packed;
		d->in.avail_in = (uInt)n;
	}
}

bool
stream_has_more(const struct imap_stream *stream)
{
	return stream->deflate != NULL &&
	       (stream->deflate->more || stream->deflate->in.avail_in > 0);
}

/*
 * -- Writing --------------------------------------------------------------------
 */

/* One piece of `out` into `packed`; the last one is flushed, so that the client can read it all. */
static int
pack_piece(struct imap_stream *stream)
{
	z_stream *z = &stream->deflate->out;
	size_t all = evbuffer_get_length(stream->out), length = all < PIECE ? all : PIECE;
	int flush = length == all ? Z_SYNC_FLUSH : Z_NO_FLUSH;
	Bytef room[PIECE];

	z->next_in = evbuffer_pullup(stream->out, (ev_ssize_t)length);
	if (z->next_in == NULL)
		return -1;
	z->avail_in = (uInt)length;
	do {
		z->next_out = room;
		z->avail_out = sizeof(room);
		if (deflate(z, flush) == Z_STREAM_ERROR ||
		    evbuffer_add(stream->packed, room, sizeof(room) - z->avail_out) == -1)
			return -1;
	} while (z->avail_out == 0);
	return evbuffer_drain(stream->out, length);
}

/* Returns as stream_flush(). */
static int
write_buffer(struct imap_stream *stream, struct evbuffer *buffer, size_t *written)
{
	while (evbuffer_get_length(buffer) > 0) {
		int n = evbuffer_write(buffer, stream->fd);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n <= 0)
			return -1;
		*written += (size_t)n;
		stream->sent += (uint64_t)n;
	}
	return 1;
}

int
stream_flush(struct imap_stream *stream, size_t *written)
{
	int result;

	if (stream->deflate == NULL)
		return write_buffer(stream, stream->out, written);
	for (;;) {
		result = write_buffer(stream, stream->packed, written);
		if (result != 1 || evbuffer_get_length(stream->out) == 0)
			return result;
		if (pack_piece(stream) == -1)
			return -1;
	}
}

size_t
stream_waiting(const struct imap_stream *stream)
{
	size_t packed = stream->packed != NULL ? evbuffer_get_length(stream->packed) : 0;

	return evbuffer_get_length(stream->out) + packed;
}

/*
 * -- Compression ------------------------------------------------------------------
 */

int
stream_compress(struct imap_stream *stream, const char *already, size_t length)
{
	struct imap_deflate *d;

	if (length > PACKED_SIZE)
		return -1;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return -1;
	stream->packed = evbuffer_new();
	if (stream->packed == NULL || inflateInit2(&d->in, IN_WINDOW_BITS) != Z_OK ||
	    deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, OUT_WINDOW_BITS,
			 OUT_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		free_deflate(d);
		return -1;
	}
	/* What the client was told in plain goes out first, as it is. */
	evbuffer_add_buffer(stream->packed, stream->out);
	memcpy(d->packed, already, length);
	d->in.next_in = d->packed;
	d->in.avail_in = (uInt)length;
	stream->deflate = d;
	return 0;
}
