/* SPDX-License-Identifier: ISC */
/* check - is a proof (proof.h) one, and of whom? */
#ifndef POSTERN_VERIFY_CHECK_H
#define POSTERN_VERIFY_CHECK_H

#include "common/proto/accounts_verify.h"
#include "verify/question.h"
#include "verify/trust.h"

/* As AV_VERIFIED has it. */
struct identity {
	struct av_verified body;
	char text[IDENTITY_TEXT_MAX];
	size_t length;
};

/*
 * The whole of it: shape, question, the signature by the certificate's key over exactly these
 * messages, the chain, and that it has not been used before. Returns NULL, or why not (a literal,
 * or OpenSSL's); LATER is then true if it can't be said now, for no fault of the client's.
 */
const char *check_proof(const struct trust *, struct questions *, const uint8_t *bytes,
			size_t length, int64_t now, struct identity *, bool *later);

#endif
