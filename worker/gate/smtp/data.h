/* SPDX-License-Identifier: ISC */
/*
 * data - the mail data that follows DATA (RFC 5321 4.1.1.4, 4.5.2), or comes in the chunks of BDAT
 * (RFC 3030), taken off the wire as it comes: finds its end, removes the dot-stuffing, counts, and
 * sees what may not be in it. Pure: bytes in, spans of bytes out.
 *
 * Only <CRLF>.<CRLF> ends what follows DATA; chunks have no end mark and no dot-stuffing. A CR or
 * an LF on its own is no line end and never becomes one: the message is refused, since another
 * server may take it for one and see another message there (SMTP smuggling). RFC 5321 2.3.8 forbids
 * both in either direction. The one exception is the body, never the header, of a message of
 * BODY=BINARYMIME: octets of any kind may be there, and whether there are any that lines would not
 * carry is noted.
 *
 * The server that brings a CR or LF on its own may not see the line ends that are seen here:
 * <CR><CRLF>.<CRLF> can be text there, where no dot was stuffed, and is an end mark here. So such
 * octets are noted whatever else was wrong before them.
 */
#ifndef POSTERN_WORKER_GATE_SMTP_DATA_H
#define POSTERN_WORKER_GATE_SMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Octets of a text line without its CRLF that are taken. RFC 5321 4.5.3.1.6 says 998; much that is
 * sent has longer lines, and nothing here needs them shorter.
 */
#define SMTP_TEXT_LINE_MAX 65536

/* Where in a line the next octet stands. */
enum smtp_data_state {
	DATA_LINE_START,
	DATA_DOT,    /* after a "." at the start of a line */
	DATA_DOT_CR, /* after ".\r" at the start of a line */
	DATA_TEXT,
	DATA_CR,  /* after a "\r" in a line that began otherwise */
	DATA_END, /* the end mark is there */
};

/* The first thing that was wrong; what else is wrong isn't looked for. */
enum smtp_data_fault {
	DATA_FINE,
	DATA_BARE_LF,
	DATA_BARE_CR,
	DATA_NUL,
	DATA_LONG_LINE,
	DATA_TOO_BIG,
	DATA_LOOP,
};

enum smtp_framing {
	FRAMING_DOT,    /* DATA */
	FRAMING_CHUNKS, /* BDAT, lines of text */
	FRAMING_BINARY, /* BDAT, a body of any octets */
};

struct smtp_data {
	enum smtp_data_state state;
	enum smtp_data_fault fault;
	enum smtp_framing framing;
	bool in_header;
	bool bare;            /* there was a CR or an LF on its own */
	bool bare_last;       /* it came last */
	bool bare_before_end; /* it came right before the CRLF of the line before */
	bool binary;          /* FRAMING_BINARY: the body has what lines of text would not carry */
	uint8_t matched;      /* octets of "Received:" at the start of this line; or NO_MATCH */
	uint32_t received;    /* Received: fields in the header */
	uint64_t line_length; /* octets of this line so far, without a CR that may end it */
	uint64_t size;        /* octets of the message so far (RFC 1870 5) */
	uint64_t size_max;
};

/* Bytes to keep. They are in what was fed, or constant. */
struct smtp_span {
	const char *bytes;
	size_t length;
};

void smtp_data_init(struct smtp_data *, enum smtp_framing, uint64_t size_max);

/*
 * Looks at the next bytes; returns how many of them are dealt with (at least one, unless LENGTH is
 * 0 or the end has been reached). *SPAN is what is to be kept of the message, perhaps nothing; once
 * there is a fault it stays empty. Call it until all is used or the state is DATA_END; what comes
 * after the end mark is not touched.
 */
size_t smtp_data_next(struct smtp_data *, const char *bytes, size_t length, struct smtp_span *);

/*
 * The last chunk is over. *SPAN is what is still to be kept: the line end that the last line lacks,
 * unless the message is binary. There may be a fault now.
 */
void smtp_data_finish(struct smtp_data *, struct smtp_span *);

/*
 * Whether what follows the end mark may be text to the server that brought it. MORE: something has
 * followed, before the client could know that the mark was one.
 */
bool smtp_data_end_in_doubt(const struct smtp_data *, bool more);

/* The reply to the end mark for a fault, without CRLF; NULL for DATA_FINE. */
const char *smtp_data_reply(enum smtp_data_fault);
/* A word for the log: "bare-lf"; "" for DATA_FINE. */
const char *smtp_data_fault_name(enum smtp_data_fault);

#endif
