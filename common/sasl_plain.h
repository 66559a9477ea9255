/* SPDX-License-Identifier: ISC */
/*
 * sasl_plain - the one message of the PLAIN mechanism (RFC 4616 2):
 *
 *   [authorization identity] NUL authentication identity NUL password
 *
 * which is also the tail of GA_LOGIN (gate_accounts.h). Pure functions; whoever holds such a
 * message wipes it.
 */
#ifndef POSTERN_COMMON_SASL_PLAIN_H
#define POSTERN_COMMON_SASL_PLAIN_H

#include <stddef.h>

#include "common/base64.h"
#include "common/proto/gate_accounts.h"

/* Characters of the longest response that can be a login. */
#define SASL_PLAIN_ENCODED_MAX BASE64_ENCODED(LOGIN_TAIL_MAX)

/* Its parts, pointing into the message. */
struct sasl_plain {
	const char *authzid; /* NUL-terminated; "" if there is none */
	const char *authcid; /* NUL-terminated, not empty */
	const char *password;
	size_t password_length; /* 1 to PASSWORD_SIZE - 1; followed by no NUL */
};

/*
 * Takes a message apart. Returns 0, or -1 if it isn't one: other than two NULs, an empty identity
 * or password, a part that is too long for types.h.
 */
int sasl_plain_parse(const char *message, size_t message_length, struct sasl_plain *);

/*
 * Decodes and checks a client's response, base64 as it came, into MESSAGE; *MESSAGE_LENGTH bytes.
 * Returns 0, or -1 with MESSAGE wiped.
 */
int sasl_plain_decode(const char *text, size_t text_length, char message[LOGIN_TAIL_MAX],
		      size_t *message_length);

/*
 * Makes the message of a user name and a password that came otherwise (USER and PASS, AUTH LOGIN).
 * Returns its length, or 0, with MESSAGE wiped, if they can't be a login: empty, too long, or with
 * a NUL in them.
 */
size_t sasl_plain_compose(char message[LOGIN_TAIL_MAX], const char *user, size_t user_length,
			  const char *password, size_t password_length);

#endif
