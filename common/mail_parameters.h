/* SPDX-License-Identifier: ISC */
/*
 * mail_parameters - what the sender of a mail asks of those who carry it: the parameters of MAIL
 * and RCPT, the same from the gate through the queue to relay. Pure.
 */
#ifndef POSTERN_COMMON_MAIL_PARAMETERS_H
#define POSTERN_COMMON_MAIL_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENVID_SIZE 101 /* RFC 3461 4.4: 100 characters */
#define ORCPT_SIZE 501 /* RFC 3461 4.2: 500 */

/* BODY= (RFC 6152, RFC 3030). */
enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME, BODY_TYPES };

/* RET= (RFC 3461 4.3) */
enum dsn_return { DSN_RETURN_UNSAID, DSN_RETURN_HDRS, DSN_RETURN_FULL, DSN_RETURNS };

/* A mail's flags. */
#define MAIL_SMTPUTF8 1U   /* RFC 6531 */
#define MAIL_REQUIRETLS 2U /* RFC 8689 */
#define MAIL_FLAGS (MAIL_SMTPUTF8 | MAIL_REQUIRETLS)

/* NOTIFY= (RFC 3461 4.1): NEVER alone, or some of the others; 0: nothing was said. */
#define DSN_NOTIFY_NEVER 1U
#define DSN_NOTIFY_SUCCESS 2U
#define DSN_NOTIFY_FAILURE 4U
#define DSN_NOTIFY_DELAY 8U
#define DSN_NOTIFY_ALL 15U

/* What MAIL said beside the reverse-path and the size. */
struct mail_parameters {
	uint32_t body;          /* enum body_type */
	uint32_t flags;         /* MAIL_... */
	uint32_t ret;           /* enum dsn_return */
	char envid[ENVID_SIZE]; /* printable ASCII, decoded; "": none */
	uint8_t zero[3];
};

/* Whether another process' struct has only what it may. */
bool mail_parameters_sound(const struct mail_parameters *);
bool notify_is_sound(uint32_t notify);

/*
 * Whether TEXT of LENGTH octets is an original recipient as processes hand it on: an address type
 * in lower case, ";", and the address, decoded: printable, UTF-8 only of type "utf-8". Of 1 to
 * ORCPT_SIZE - 1 octets, without its NUL.
 */
bool orcpt_is_sound(const char *text, size_t length);

/* Whether a report of that kind is wanted (RFC 3461 4.1; unsaid means failures and delays). */
bool notify_wants(uint32_t notify, uint32_t kind);

/* What is wanted where both are: NEVER only if both say so. */
uint32_t notify_both(uint32_t one, uint32_t other);

/* Whether any octet is above 127. */
bool has_utf8(const char *text);

#endif
