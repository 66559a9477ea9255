/* SPDX-License-Identifier: ISC */
/*
 * question - what makes a proof one of now, and one that counts once.
 *
 * In the list of authorities that clients are asked with stands a name of the verifier's own: a
 * number that nobody could foresee, a new one every minute, and the trust it is for. What a client
 * signs has that name in it. So a proof is younger than the number, it is for this trust, and since
 * a number is forgotten after some minutes, it is enough to remember the proofs of these minutes.
 * Nothing of it has to outlast the process: a new one asks anew.
 *
 * A pure module but for its random numbers: the clock is the caller's, in seconds that never go
 * back.
 */
#ifndef POSTERN_VERIFY_QUESTION_H
#define POSTERN_VERIFY_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/proof.h"

#define QUESTION_EVERY 60 /* seconds between two */
#define QUESTION_LIFE                                                              \
	600 /* seconds from the question to the login: a connection may talk first \
	     */
#define QUESTION_NAME_MAX 96 /* bytes of DER */
#define SEEN_SIZE 32         /* SHA-256 of what a proof's signature covers */

/*
 * How many proofs of QUESTION_LIFE are remembered, 100 logins a second. One more is refused: what
 * were forgotten could be used again.
 */
#define SEEN_MAX 65536

struct questions;

/* NULL without memory. */
struct questions *questions_new(void);
void questions_free(struct questions *);

/* Makes a new one, and forgets what is too old. */
void questions_turn(struct questions *, int64_t now);

/* The latest, for clients of TRUST, as a DER name. Returns its length, or 0 without memory. */
size_t question_name(const struct questions *, uint32_t trust, uint8_t out[QUESTION_NAME_MAX]);

/* Is the client's answer to one that still counts, asked for TRUST? */
bool question_answered(const struct questions *, const struct proof *, uint32_t trust, int64_t now);

/* Remembers a proof. NULL, or why it does not count: it did before, or (LATER) too many do. */
const char *question_use(struct questions *, const uint8_t digest[SEEN_SIZE], int64_t now,
			 bool *later);

#endif
