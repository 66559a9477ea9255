/* SPDX-License-Identifier: ISC */
/*
 * scram_exchange - what one exchange of SCRAM knows, from its first message on. Of no login and no
 * channel: bytes in, bytes and verdicts out.
 */
#ifndef POSTERN_WORKER_ACCOUNTS_SCRAM_EXCHANGE_H
#define POSTERN_WORKER_ACCOUNTS_SCRAM_EXCHANGE_H

#include "common/proto/gate_accounts.h"
#include "common/scram_keys.h"

struct scram_exchange {
	enum scram_hash hash;
	bool plus;
	struct scram_verifier verifier;
	char kept[SCRAM_VERIFIER_SIZE];        /* its text in accounts.conf; "": it is made up */
	uint8_t input[SCRAM_BINDING_DATA_MAX]; /* cbind-input as it has to be */
	size_t input_length;
	char nonce[SCRAM_NONCE_MAX + SCRAM_SERVER_NONCE_SIZE]; /* both */
	size_t nonce_length;
	char client_first[SCRAM_MESSAGE_MAX]; /* bare */
	size_t client_first_length;
	char server_first[SCRAM_SERVER_FIRST_SIZE];
	size_t server_first_length;
	char client_final[SCRAM_MESSAGE_MAX]; /* without its proof */
	size_t client_final_length;
	uint8_t proof[SCRAM_KEY_MAX];
	const char *wrong; /* why it fails whatever the proof, or NULL */
	bool proved;       /* the client's empty response is all that is missing */
	struct event *timer;
};

/*
 * The channel binding: what the client says of it, against what the connection has. Returns why the
 * exchange can't go on, or NULL with input set.
 */
const char *scram_exchange_bind(struct scram_exchange *, const struct scram_client_first *,
				const struct ga_binding binding[BINDING_TYPES]);

/*
 * The verifier, and with it server_first. KEPT: the account's text, or NULL: one is made up for
 * USER, always the same as long as SECRET is, that looks as STAND_IN's does (NULL: as one made
 * today). It takes the same time.
 */
void scram_exchange_begin(struct scram_exchange *, const struct scram_client_first *,
			  const char *kept, const char *stand_in, const char *user,
			  const uint8_t secret[32]);

/* Takes the client's final message. 0, or -1: it is none. Sets wrong. */
int scram_exchange_final(struct scram_exchange *, const char *text, size_t length);

/* Whether the client has the password. The same time either way. */
bool scram_exchange_is_right(const struct scram_exchange *);
/* The server's final message. Returns its length. */
size_t scram_exchange_answer(const struct scram_exchange *, char out[SCRAM_SERVER_FINAL_SIZE]);

#endif
