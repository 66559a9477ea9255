/* SPDX-License-Identifier: ISC */
/*
 * stream - the bytes of an IMAP session: what is read and what waits to be written, compressed or
 * not (RFC 4978).
 */
#ifndef POSTERN_WORKER_SESSION_IMAP_STREAM_H
#define POSTERN_WORKER_SESSION_IMAP_STREAM_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct imap_deflate;

struct imap_stream {
	int fd;
	struct evbuffer *out;    /* what the engine writes: plain */
	struct evbuffer *packed; /* with compression: what goes to fd */
	struct imap_deflate *deflate;
	uint64_t sent, received; /* octets on fd */
};

/* FD must be non-blocking. -1 without memory. */
int stream_open(struct imap_stream *, int fd);
/* Frees all but FD, which stays open. */
void stream_close(struct imap_stream *);

/*
 * Reads plain octets. Returns how many, 0 at the end of the stream, or -1 with errno: EAGAIN,
 * EBADMSG (this is no deflated data), or read(2)'s.
 */
ssize_t stream_read(struct imap_stream *, char *buffer, size_t size);
/* More can be read without waiting for FD to be readable: it is in the decompressor. */
bool stream_has_more(const struct imap_stream *);

/*
 * Writes what it can. Returns 1: all is written; 0: FD takes no more now; -1: the client is gone.
 * *WRITTEN grows by the octets written.
 */
int stream_flush(struct imap_stream *, size_t *written);
/* Octets that wait. */
size_t stream_waiting(const struct imap_stream *);

/*
 * From here on both directions are compressed: what is in `out` already is not. ALREADY, of LENGTH
 * octets, has been read and is compressed. -1 without memory.
 */
int stream_compress(struct imap_stream *, const char *already, size_t length);

#endif
