/* SPDX-License-Identifier: ISC */
/* scram_client - logs in by SCRAM-SHA-256 (RFC 5802, 7677) as a client does that remembers what its
 * password comes to: PBKDF2 is done once, for all threads and connections. */
#ifndef POSTERN_TESTS_BENCH_SCRAM_CLIENT_H
#define POSTERN_TESTS_BENCH_SCRAM_CLIENT_H

#define SCRAM_CLIENT_SIZE 512 /* of any message in base64, with its NUL */

/* Who logs in: strings that live as long as logins are made. */
void scram_client_is(const char *user, const char *password);

/* The initial response of a new exchange. */
void scram_client_first(char out[SCRAM_CLIENT_SIZE]);

/*
 * The answer to CHALLENGE, the server's first message in base64, which may have a line's end behind
 * it. FIRST is what scram_client_first() made. Ends the program if the challenge is none.
 */
void scram_client_final(const char *first, const char *challenge, char out[SCRAM_CLIENT_SIZE]);

#endif
