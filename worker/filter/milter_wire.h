/* SPDX-License-Identifier: ISC */
/*
 * milter_wire - the octets of Sendmail's milter protocol, versions 2 to 6 (libmilter's mfdef.h; it
 * has no RFC). A packet is a length of four octets, a command of one, and its data. Pure: from and
 * to buffers. A mail server speaks here, so commands are written and replies read.
 */
#ifndef POSTERN_WORKER_FILTER_MILTER_WIRE_H
#define POSTERN_WORKER_FILTER_MILTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

#define MILTER_VERSION 6
#define MILTER_VERSION_MIN 2
#define MILTER_DATA_MAX 65535 /* octets of a command's data, and so of a chunk of the body */
#define MILTER_MACRO_NAME_MAX 30
#define MILTER_PACKET_MAX 131072 /* octets of a reply, command included, that are taken */

enum milter_command {
	MILTER_ABORT = 'A',
	MILTER_BODY = 'B',
	MILTER_CONNECT = 'C',
	MILTER_MACRO = 'D',
	MILTER_END = 'E', /* of the body */
	MILTER_HELO = 'H',
	MILTER_QUIT_NC = 'K', /* the connection goes on with another client's */
	MILTER_HEADER = 'L',
	MILTER_MAIL = 'M',
	MILTER_EOH = 'N',
	MILTER_OPTIONS = 'O',
	MILTER_QUIT = 'Q',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T',
};

/* What a milter may do to a mail. */
enum milter_action {
	MILTER_ADDS_HEADERS = 0x001,
	MILTER_CHANGES_BODY = 0x002,
	MILTER_ADDS_RCPTS = 0x004,
	MILTER_DELETES_RCPTS = 0x008,
	MILTER_CHANGES_HEADERS = 0x010, /* and deletes them */
	MILTER_QUARANTINES = 0x020,
	MILTER_CHANGES_FROM = 0x040,
	MILTER_ADDS_RCPTS_PAR = 0x080,
	MILTER_SETS_SYMLIST = 0x100, /* says which macros it wants */
};

/* What it wants to hear, and answers. */
enum milter_step {
	MILTER_NO_CONNECT = 0x00000001,
	MILTER_NO_HELO = 0x00000002,
	MILTER_NO_MAIL = 0x00000004,
	MILTER_NO_RCPT = 0x00000008,
	MILTER_NO_BODY = 0x00000010,
	MILTER_NO_HEADERS = 0x00000020,
	MILTER_NO_EOH = 0x00000040,
	MILTER_NR_HEADER = 0x00000080, /* NR: no reply comes to it */
	MILTER_NO_UNKNOWN = 0x00000100,
	MILTER_NO_DATA = 0x00000200,
	MILTER_MAY_SKIP = 0x00000400,
	MILTER_REJECTED_RCPTS = 0x00000800,
	MILTER_NR_CONNECT = 0x00001000,
	MILTER_NR_HELO = 0x00002000,
	MILTER_NR_MAIL = 0x00004000,
	MILTER_NR_RCPT = 0x00008000,
	MILTER_NR_DATA = 0x00010000,
	MILTER_NR_UNKNOWN = 0x00020000,
	MILTER_NR_EOH = 0x00040000,
	MILTER_NR_BODY = 0x00080000,
	MILTER_LEADING_SPACE = 0x00100000, /* header values with the blanks behind the colon */
};

struct milter_options {
	uint32_t version;
	uint32_t actions; /* enum milter_action, or'ed */
	uint32_t steps;   /* enum milter_step, or'ed */
};

enum milter_reply_type {
	/* How it goes on. */
	MILTER_CONTINUE,
	MILTER_SKIP,   /* no more of this */
	MILTER_ACCEPT, /* the rest without this milter */
	MILTER_REJECT,
	MILTER_TEMPFAIL,
	MILTER_DISCARD,
	MILTER_REPLYCODE, /* refused, with words of its own: text */
	MILTER_SHUTDOWN,  /* 421 */
	MILTER_CONN_FAIL,
	MILTER_PROGRESS, /* it is still at it */
	/* Changes, before the last of those above. */
	MILTER_ADDHEADER,  /* name, value */
	MILTER_INSHEADER,  /* the same, at index from the top */
	MILTER_CHGHEADER,  /* the index-th of that name, from 1; an empty value: it goes */
	MILTER_REPLBODY,   /* data */
	MILTER_ADDRCPT,    /* name: the forward-path; value: parameters, or NULL */
	MILTER_DELRCPT,    /* name */
	MILTER_CHGFROM,    /* name: the reverse-path; value: parameters, or NULL */
	MILTER_QUARANTINE, /* name: why */
	MILTER_REPLY_TYPES
};

/* Points into what was read; strings are NUL-terminated. */
struct milter_reply {
	enum milter_reply_type type;
	uint32_t index;
	const char *name;
	const char *value;
	const char *data;
	size_t length;
};

/* A REPLYCODE's. */
struct milter_code {
	unsigned code;   /* 400..599 */
	char status[12]; /* "5.7.1" */
	const char *text;
};

/*
 * -- Commands; 0, or -1 when there is no memory ----------------------------------
 */

int milter_write_options(struct evbuffer *, const struct milter_options *);
/* No data. */
int milter_write(struct evbuffer *, enum milter_command);
int milter_write_data(struct evbuffer *, enum milter_command, const void *data, size_t length);
/* Each of COUNT strings with a NUL behind. What is too long for a packet is cut. */
int milter_write_strings(struct evbuffer *, enum milter_command, const char *const *, size_t count);
/*
 * Names (of MILTER_MACRO_NAME_MAX octets at most) and values by turns; those whose value is NULL
 * are left out. COUNT is of both.
 */
int milter_write_macros(struct evbuffer *, enum milter_command about, const char *const *,
			size_t count);
/* ADDRESS: "192.0.2.1" with FAMILY '4', "2001:db8::1" with '6'; NULL with 'U'. */
int milter_write_connect(struct evbuffer *, const char *host, char family, uint16_t port,
			 const char *address);

/*
 * -- Replies ----------------------------------------------------------------------
 */

/*
 * Looks for a whole packet at the front. Its octets, command included, are from BYTES + 4 on.
 * Returns how many, 0 if it is not all there, or -1 if it is none (an impossible length).
 */
int32_t milter_packet(const char *bytes, size_t length);

/* What is behind the length. 0, or -1 if that can't be. */
int milter_read_options(const char *packet, size_t length, struct milter_options *);
int milter_read_reply(const char *packet, size_t length, struct milter_reply *);

/* Is it a change? */
bool milter_is_change(enum milter_reply_type);
/* Which actions a milter must have said it takes to send that (one of them is enough); 0: none. */
uint32_t milter_action_of(enum milter_reply_type);

/*
 * "550 5.7.1 text", or several lines ("550-5.7.1 ...\r\n550 5.7.1 ..."), of which the first one's
 * code and status count. A status of another class than the code is X.7.1 of the code's, "%%" is
 * "%". OUT's text is in BUFFER, of ROOM octets: printable ASCII, an LF between lines. Never empty.
 * -1 if it is no refusal.
 */
int milter_read_code(const char *text, struct milter_code *out, char *buffer, size_t room);

#endif
