/* SPDX-License-Identifier: ISC */
/*
 * accounts (IPC_CLIENT) - verify (IPC_SERVER): is this handshake a proof of who the client is? The
 * verifier says whose certificate it was; whose account that is, accounts alone decides.
 */
#ifndef POSTERN_COMMON_PROTO_ACCOUNTS_VERIFY_H
#define POSTERN_COMMON_PROTO_ACCOUNTS_VERIFY_H

#include "common/proto/types.h"

struct av_verify {
	uint32_t trust;
	uint32_t zero;
};

/* The tail: the subject (RFC 2253) and then the rfc822Names, each NUL-terminated. */
#define IDENTITY_TEXT_MAX 16384
#define IDENTITY_NAMES_MAX 16
struct av_verified {
	uint8_t fingerprint[FINGERPRINT_SIZE]; /* of the certificate, SHA-256 */
	uint32_t names; /* rfc822Names in the tail, IDENTITY_NAMES_MAX at most */
	uint32_t zero;
};

/* The tail says why. */
struct av_refused {
	uint32_t later; /* 1: it can't be said now, for no fault of the client's */
	uint32_t zero;
};

/*
 * A question for clients of listeners with this trust: the tail is what the list of authorities in
 * a CertificateRequest has to hold, DER names one after the other. A later one replaces it: answers
 * to the one before are good for some minutes.
 */
struct av_ask {
	uint32_t trust;
	uint32_t zero;
};

#define ACCOUNTS_VERIFY_MESSAGES(X)                                                           \
	/* A request: the tail is the proof; answered by AV_VERIFIED or AV_REFUSED. */        \
	X(AV_VERIFY, 1, IPC_CLIENT, struct av_verify, PROOF_MAX, IPC_NO_FD, IPC_ANY_STATE)    \
	X(AV_VERIFIED, 2, IPC_SERVER, struct av_verified, IDENTITY_TEXT_MAX, IPC_NO_FD,       \
	  IPC_ANY_STATE)                                                                      \
	X(AV_REFUSED, 3, IPC_SERVER, struct av_refused, REASON_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(AV_ASK, 4, IPC_SERVER, struct av_ask, ASK_NAMES_MAX, IPC_NO_FD, IPC_ANY_STATE)

enum { ACCOUNTS_VERIFY_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary accounts_verify_boundary;

#endif
