/* SPDX-License-Identifier: ISC */
/* capabilities - what a mail server says it can, line by line of its reply to EHLO (RFC 5321
 * 4.1.1.1). Pure. */
#ifndef POSTERN_WORKER_RELAY_CAPABILITIES_H
#define POSTERN_WORKER_RELAY_CAPABILITIES_H

#include <stdint.h>

enum capability {
	CAN_PIPELINING = 1u << 0, /* RFC 2920 */
	CAN_8BITMIME = 1u << 1,   /* RFC 6152 */
	CAN_SIZE = 1u << 2,       /* RFC 1870 */
	CAN_STARTTLS = 1u << 3,   /* RFC 3207 */
	CAN_DSN = 1u << 4,        /* RFC 3461 */
	CAN_SMTPUTF8 = 1u << 5,   /* RFC 6531 */
	CAN_CHUNKING = 1u << 6,   /* RFC 3030 */
	CAN_ENHANCED = 1u << 7,   /* ENHANCEDSTATUSCODES, RFC 2034 */
	CAN_BINARYMIME = 1u << 8, /* RFC 3030 */
	CAN_REQUIRETLS = 1u << 9, /* RFC 8689 */
	CAN_LIMITS = 1u << 10,    /* RFC 9422 */
};

struct capabilities {
	uint32_t can;      /* of enum capability */
	uint32_t auth;     /* of enum login_mechanism (RFC 4954 3) */
	uint64_t size;     /* octets that a message may have; 0: it doesn't say */
	uint64_t rcpt_max; /* recipients in a transaction; 0: it doesn't say */
	uint64_t mail_max; /* transactions in a connection; 0: it doesn't say */
};

/* TEXT: a line behind the code, but not the first, which is the server's name. */
void capabilities_line(struct capabilities *, const char *text);

#endif
