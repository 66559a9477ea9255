/* SPDX-License-Identifier: ISC */
#include "ctl/imap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ascii.h"
#include "ctl/mailbox_stream.h"

#define IN_SIZE 65536

struct imap {
	int fd;
	char address[ADDRESS_SIZE];
	bool broken;
	bool refused;
	unsigned tag;

	char in[IN_SIZE]; /* what has come and was not taken yet */
	size_t begin, end;

	char *response; /* the one that is read; a NUL behind it */
	size_t length, size;

	imap_body_fn *body;
	void *body_arg;
};

/*
 * -- Octets -------------------------------------------------------------------------
 */

static int
fail(struct imap *imap, struct error *err)
{
	imap->broken = true;
	return error_prefix(err, "the mailbox of %s", imap->address);
}

/* Waits until the stream can be read or, if that is asked for, written. 0, or -1 with ERR. */
static int
await(struct imap *imap, short events, short *ready, struct error *err)
{
	struct pollfd poll_fd = {.fd = imap->fd, .events = events};
	int count;

	do
		count = poll(&poll_fd, 1, IMAP_TIMEOUT * 1000);
	while (count == -1 && errno == EINTR);
	if (count == -1)
		return error_errno(err, "poll");
	if (count == 0)
		return error_set(err, "its process said nothing for %d seconds", IMAP_TIMEOUT);
	*ready = poll_fd.revents;
	return 0;
}

/* Takes what has come, as far as there is room. 0, also if there is nothing; or -1 with ERR. */
static int
take_input(struct imap *imap, struct error *err)
{
	ssize_t n;

	if (imap->begin == imap->end)
		imap->begin = imap->end = 0;
	if (imap->begin > 0 && imap->end == IN_SIZE) {
		memmove(imap->in, imap->in + imap->begin, imap->end - imap->begin);
		imap->end -= imap->begin;
		imap->begin = 0;
	}
	if (imap->end == IN_SIZE)
		return error_set(err, "its process talks, but does not listen");
	n = read(imap->fd, imap->in + imap->end, IN_SIZE - imap->end);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == -1)
		return error_errno(err, "reading from its process");
	if (n == 0)
		return error_set(err, "its process has closed the connection; the server's log "
				      "says why");
	imap->end += (size_t)n;
	return 0;
}

/* At least one octet. */
static int
need_input(struct imap *imap, struct error *err)
{
	short ready;

	while (imap->begin == imap->end) {
		if (await(imap, POLLIN, &ready, err) == -1 || take_input(imap, err) == -1)
			return fail(imap, err);
	}
	return 0;
}

int
imap_send(struct imap *imap, const void *octets, size_t length, struct error *err)
{
	const char *at = octets;
	short ready;
	ssize_t n;

	if (imap->broken)
		return error_set(err, "the mailbox of %s: the connection is lost", imap->address);
	while (length > 0) {
		/* What comes meanwhile is taken, so that neither waits for the other. */
		if (await(imap, POLLIN | POLLOUT, &ready, err) == -1)
			return fail(imap, err);
		if ((ready & POLLIN) != 0 && take_input(imap, err) == -1)
			return fail(imap, err);
		if ((ready & ~POLLIN) == 0)
			continue;
		n = send(imap->fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == -1) {
			error_errno(err, "writing to its process");
			return fail(imap, err);
		}
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

/*
 * -- Responses ----------------------------------------------------------------------
 */

static int
keep(struct imap *imap, const char *octets, size_t length, struct error *err)
{
	if (length > IMAP_RESPONSE_MAX - imap->length) {
		error_set(err, "a response of more than %u octets came", IMAP_RESPONSE_MAX);
		return fail(imap, err);
	}
	if (imap->length + length + 1 > imap->size) {
		size_t size = 2 * (imap->length + length) + 1024;
		char *grown = realloc(imap->response, size);

		if (grown == NULL) {
			error_errno(err, "a response");
			return fail(imap, err);
		}
		imap->response = grown;
		imap->size = size;
	}
	memcpy(imap->response + imap->length, octets, length);
	imap->length += length;
	imap->response[imap->length] = '\0';
	return 0;
}

/* To the line's end, which is kept too. */
static int
read_line(struct imap *imap, struct error *err)
{
	const char *lf;
	size_t length;

	do {
		if (need_input(imap, err) == -1)
			return -1;
		lf = memchr(imap->in + imap->begin, '\n', imap->end - imap->begin);
		length = lf != NULL ? (size_t)(lf - imap->in) + 1 - imap->begin
				    : imap->end - imap->begin;
		if (keep(imap, imap->in + imap->begin, length, err) == -1)
			return -1;
		imap->begin += length;
	} while (lf == NULL);
	return 0;
}

/* "{5}" CRLF at the end of what came since START. False: there is none. */
static bool
announces(const struct imap *imap, size_t start, uint64_t *octets, size_t *brace)
{
	size_t at = imap->length;
	uint64_t value = 0, unit = 1;

	if (at - start < 5 || memcmp(imap->response + at - 3, "}\r\n", 3) != 0)
		return false;
	for (at -= 4; at > start && ascii_is_digit(imap->response[at]); at--) {
		if (unit > UINT64_C(100000000000000))
			return false;
		value += unit * (uint64_t)(imap->response[at] - '0');
		unit *= 10;
	}
	if (unit == 1 || imap->response[at] != '{')
		return false;
	*octets = value;
	*brace = at;
	return true;
}

/* OCTETS of a literal, to the body's function or into the response. */
static int
read_literal(struct imap *imap, uint64_t octets, bool body, struct error *err)
{
	size_t length;

	while (octets > 0) {
		const char *at;

		if (need_input(imap, err) == -1)
			return -1;
		at = imap->in + imap->begin;
		length = imap->end - imap->begin;
		if (length > octets)
			length = (size_t)octets;
		imap->begin += length;
		octets -= length;
		if (!body) {
			if (keep(imap, at, length, err) == -1)
				return -1;
		} else if (imap->body(at, length, imap->body_arg, err) == -1) {
			imap->broken = true;
			return -1;
		}
	}
	return 0;
}

/* A response with its literals; its line end is taken away. */
static int
read_response(struct imap *imap, struct error *err)
{
	static const char before[] = "BODY[] ";
	size_t start = 0, brace, length = sizeof(before) - 1;
	uint64_t octets;

	imap->length = 0;
	while (read_line(imap, err) == 0) {
		bool body;

		if (!announces(imap, start, &octets, &brace)) {
			while (imap->length > 0 && (imap->response[imap->length - 1] == '\n' ||
						    imap->response[imap->length - 1] == '\r'))
				imap->response[--imap->length] = '\0';
			return 0;
		}
		body = imap->body != NULL && brace - start >= length &&
		       memcmp(imap->response + brace - length, before, length) == 0;
		if (octets > (body ? IMAP_BODY_MAX : IMAP_RESPONSE_MAX)) {
			error_set(err, "a literal of %" PRIu64 " octets came", octets);
			return fail(imap, err);
		}
		if (body) {
			imap->length = brace;
			if (keep(imap, "{0}\r\n", 5, err) == -1)
				return -1;
		}
		if (read_literal(imap, octets, body, err) == -1)
			return -1;
		start = imap->length;
	}
	return -1;
}

/* What the server says is shown to a person: nothing in it moves a cursor. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
	}
}

/* The rest of the tagged response. */
static int
take_status(struct imap *imap, char *status, struct error *err)
{
	imap->refused = false;
	if (strncasecmp(status, "OK", 2) == 0 && (status[2] == ' ' || status[2] == '\0'))
		return 0;
	make_printable(status);
	imap->refused = strncasecmp(status, "NO ", 3) == 0;
	return error_set(err, "the mailbox of %s: %.300s", imap->address,
			 imap->refused ? status + 3 : status);
}

/* Untagged responses up to the tagged one. */
static int
read_answer(struct imap *imap, imap_each_fn *each, void *arg, struct error *err)
{
	char tag[16];
	size_t length = (size_t)snprintf(tag, sizeof(tag), "A%u ", imap->tag);

	while (read_response(imap, err) == 0) {
		char *response = imap->response;

		if (strncmp(response, tag, length) == 0)
			return take_status(imap, response + length, err);
		if (strncmp(response, "* ", 2) != 0) {
			error_set(err, "its process does not speak IMAP");
			return fail(imap, err);
		}
		if (strncasecmp(response, "* BYE", 5) == 0) {
			make_printable(response);
			error_set(err, "its process ends: %.300s", response + 5);
			return fail(imap, err);
		}
		if (each != NULL && each(response + 2, imap->length - 2, arg, err) == -1)
			return fail(imap, err);
	}
	return -1;
}

/*
 * -- Commands -----------------------------------------------------------------------
 */

static int
begin(struct imap *imap, struct error *err, const char *format, va_list ap)
{
	char *text, *line;
	int length, result;

	if (vasprintf(&text, format, ap) == -1)
		return error_errno(err, "a command");
	length = asprintf(&line, "A%u %s", ++imap->tag, text);
	free(text);
	if (length == -1)
		return error_errno(err, "a command");
	result = imap_send(imap, line, (size_t)length, err);
	free(line);
	return result;
}

int
imap_begin(struct imap *imap, struct error *err, const char *format, ...)
{
	va_list ap;
	int result;

	va_start(ap, format);
	result = begin(imap, err, format, ap);
	va_end(ap);
	return result;
}

int
imap_finish(struct imap *imap, imap_each_fn *each, void *arg, struct error *err)
{
	imap->refused = false;
	if (imap_send(imap, "\r\n", 2, err) == -1)
		return -1;
	return read_answer(imap, each, arg, err);
}

int
imap_command(struct imap *imap, imap_each_fn *each, void *arg, struct error *err,
	     const char *format, ...)
{
	va_list ap;
	int result;

	imap->refused = false;
	va_start(ap, format);
	result = begin(imap, err, format, ap);
	va_end(ap);
	return result == -1 ? -1 : imap_finish(imap, each, arg, err);
}

bool
imap_refused(const struct imap *imap)
{
	return imap->refused && !imap->broken;
}

char *
imap_quote(const char *text, char *out)
{
	char *to = out;

	*to++ = '"';
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to++ = '"';
	*to = '\0';
	return out;
}

size_t
imap_write_set(const uint32_t *uids, size_t count, char *out)
{
	size_t done = 0, used = 0;

	out[0] = '\0';
	while (done < count && used < IMAP_SET_MAX - 32) {
		size_t last = done;

		while (last + 1 < count && uids[last + 1] == uids[last] + 1)
			last++;
		used += (size_t)snprintf(out + used, IMAP_SET_MAX - used, "%s%" PRIu32,
					 used == 0 ? "" : ",", uids[done]);
		if (last > done)
			used += (size_t)snprintf(out + used, IMAP_SET_MAX - used, ":%" PRIu32,
						 uids[last]);
		done = last + 1;
	}
	return done;
}

/*
 * -- The beginning and the end --------------------------------------------------------
 */

static int
greet(struct imap *imap, struct error *err)
{
	if (read_response(imap, err) == -1)
		return -1;
	if (strncasecmp(imap->response, "* PREAUTH", 9) != 0) {
		make_printable(imap->response);
		error_set(err, "%.300s",
			  strncasecmp(imap->response, "* BYE ", 6) == 0
			      ? imap->response + 6
			      : "its process does not speak IMAP");
		return fail(imap, err);
	}
	/* Names of folders are UTF-8 from here on. */
	return imap_command(imap, NULL, NULL, err, "ENABLE IMAP4rev2");
}

int
imap_open(struct imap **out, const char *state, const char *address, struct error *err)
{
	struct imap *imap = calloc(1, sizeof(*imap));
	int result;

	*out = NULL;
	if (imap == NULL)
		return error_errno(err, "a mailbox");
	strlcpy(imap->address, address, sizeof(imap->address));
	if (mailbox_stream(state, address, MAILBOX_MAIL, &imap->fd, err) == -1) {
		free(imap);
		return error_prefix(err, "the mailbox of %s", address);
	}
	result = fcntl(imap->fd, F_SETFL, O_NONBLOCK);
	if (result == -1)
		error_errno(err, "fcntl");
	else
		result = greet(imap, err);
	if (result == -1) {
		imap_close(imap);
		return -1;
	}
	*out = imap;
	return 0;
}

void
imap_close(struct imap *imap)
{
	struct error err;

	if (imap == NULL)
		return;
	if (!imap->broken)
		(void)imap_send(imap, "Z LOGOUT\r\n", 10, &err);
	close(imap->fd);
	free(imap->response);
	free(imap);
}

const char *
imap_address(const struct imap *imap)
{
	return imap->address;
}

void
imap_set_body(struct imap *imap, imap_body_fn *body, void *arg)
{
	imap->body = body;
	imap->body_arg = arg;
}
