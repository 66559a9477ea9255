/* SPDX-License-Identifier: ISC */
/*
 * login - the client's side of AUTH (RFC 4954): SCRAM-SHA-256 (RFC 5802, RFC 7677), PLAIN (RFC
 * 4616) and LOGIN. A pure function, but for the client's nonce.
 */
#ifndef POSTERN_WORKER_RELAY_LOGIN_H
#define POSTERN_WORKER_RELAY_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

enum login_mechanism {
	LOGIN_SCRAM_SHA_256 = 1u << 0,
	LOGIN_PLAIN = 1u << 1,
	LOGIN_LOGIN = 1u << 2,
};

/* What a server may ask for at most: more rounds would hold up everybody else's mail. */
#define LOGIN_ITERATIONS_MAX 600000
#define LOGIN_NONCE_SIZE 25 /* 18 random bytes in base64 */

struct login {
	enum login_mechanism mechanism;
	const char *user, *password; /* the caller's */
	unsigned step;               /* challenges that have been answered */
	char nonce[LOGIN_NONCE_SIZE];
	uint8_t signature[32]; /* SCRAM: what the server has to prove that it knows */
	bool proved;           /* and it has */
};

/*
 * Begins with the best of the OFFERED mechanisms (of enum login_mechanism): adds the AUTH command
 * to OUT. False if it is none of ours.
 */
bool login_begin(struct login *, unsigned offered, const char *user, const char *password,
		 struct evbuffer *out);
/*
 * Answers a challenge, TEXT behind "334 ". False if it is not one that the mechanism knows: then
 * "*" is added, which cancels (RFC 4954 4).
 */
bool login_answer(struct login *, const char *text, struct evbuffer *out);
/* The server says that we are in: false if it owes us a proof that it knows the password. */
bool login_done(const struct login *);

#endif
