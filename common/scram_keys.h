/* SPDX-License-Identifier: ISC */
/*
 * scram_keys - the cryptography of SCRAM (RFC 5802 3), by nettle: small, without OpenSSL's global
 * state, so that accounts and posternctl go on linking no libcrypto.
 */
#ifndef POSTERN_COMMON_SCRAM_KEYS_H
#define POSTERN_COMMON_SCRAM_KEYS_H

#include "common/scram.h"

/* HMAC(KEY, LABEL) with SHA-256, for what has no place in a message. */
void scram_mac(const uint8_t *key, size_t key_length, const void *bytes, size_t length,
	       uint8_t out[SCRAM_KEY_MAX]);

/*
 * Fills in the keys of a verifier whose hash, salt and iterations are set, from a password as
 * saslprep() made it. Takes its time: PBKDF2.
 */
void scram_verifier_make(struct scram_verifier *, const char *password);

/* Does the password fit the verifier? The same time whatever the answer is. */
bool scram_verifier_matches(const struct scram_verifier *, const char *password);

/* AuthMessage: what both have said, in three parts with commas between. */
struct scram_dialogue {
	const char *client_first_bare;
	size_t client_first_length;
	const char *server_first;
	size_t server_first_length;
	const char *client_final; /* without its proof */
	size_t client_final_length;
};

/* Whether the proof shows that the client has the password; the same time either way. */
bool scram_proof_is_right(const struct scram_verifier *, const struct scram_dialogue *,
			  const uint8_t proof[SCRAM_KEY_MAX]);
/* What shows the client that we have the verifier. */
void scram_server_signature(const struct scram_verifier *, const struct scram_dialogue *,
			    uint8_t out[SCRAM_KEY_MAX]);

/*
 * The client's side: PROOF that it has the password (as saslprep() made it), and the SIGNATURE that
 * the server has to answer with. Of the verifier its hash, salt and iterations are set; its keys
 * are wiped. Takes its time: PBKDF2.
 */
void scram_client_proof(struct scram_verifier *, const char *password,
			const struct scram_dialogue *, uint8_t proof[SCRAM_KEY_MAX],
			uint8_t signature[SCRAM_KEY_MAX]);

#endif
