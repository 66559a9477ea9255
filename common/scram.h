/* SPDX-License-Identifier: ISC */
/*
 * scram - the messages of SCRAM (RFC 5802 5, 7), RFC 7677's hash too, and the verifier that a
 * server keeps (RFC 5803). Pure functions without cryptography (that is scram_keys.h).
 *
 *   client-first   gs2-header "n=" name ",r=" client-nonce
 *   server-first   "r=" nonce ",s=" salt ",i=" iterations
 *   client-final   "c=" channel-binding ",r=" nonce ",p=" proof
 *   server-final   "v=" signature
 */
#ifndef POSTERN_COMMON_SCRAM_H
#define POSTERN_COMMON_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base64.h"
#include "common/error.h"
#include "common/proto/types.h"

enum scram_hash { SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_HASH_COUNT };

#define SCRAM_KEY_MAX 32 /* bytes of the longest hash */
#define SCRAM_SALT_MAX 64
#define SCRAM_ITERATIONS_MIN 4096     /* RFC 7677 4 */
#define SCRAM_ITERATIONS_MAX 10000000 /* some seconds of a login by PLAIN */
/*
 * Of verifiers that are made here. A login costs the client these many rounds, and so does a guess
 * at a stolen file: some 20 ms. Clients that use Cyrus SASL refuse more than 65536.
 */
#define SCRAM_ITERATIONS 65536
#define SCRAM_SALT 16              /* bytes */
#define SCRAM_NONCE_MAX 256        /* characters of a client's */
#define SCRAM_SERVER_NONCE_SIZE 25 /* 18 random bytes in base64 */

/* "SCRAM-SHA-256", and bytes of its hash. */
const char *scram_name(enum scram_hash);
size_t scram_key_size(enum scram_hash);

/*
 * -- Verifiers --------------------------------------------------------------------
 */

struct scram_verifier {
	enum scram_hash hash;
	uint32_t iterations;
	uint8_t salt[SCRAM_SALT_MAX];
	size_t salt_length;
	uint8_t stored_key[SCRAM_KEY_MAX];
	uint8_t server_key[SCRAM_KEY_MAX];
};

/* Room for the text of any of them, with its NUL. */
#define SCRAM_VERIFIER_SIZE 256

/* Does it begin as the text of a verifier does ("SCRAM-")? */
bool scram_is_verifier(const char *text);

/*
 * "SCRAM-SHA-256$4096:SALT$STORED:SERVER" (RFC 5803; salt and keys in base64). 0, or -1 with ERR
 * saying what is wrong with it. Whoever holds one wipes it.
 */
int scram_verifier_parse(const char *text, struct scram_verifier *, struct error *);
void scram_verifier_format(const struct scram_verifier *, char out[SCRAM_VERIFIER_SIZE]);

/*
 * -- Messages of the client -------------------------------------------------------
 */

/* gs2-cbind-flag (RFC 5802 7). */
enum scram_binding {
	SCRAM_NO_BINDING = 'n',     /* the client can't bind */
	SCRAM_NOT_OFFERED = 'y',    /* it can, and thinks that the server can't */
	SCRAM_BINDING_CHOSEN = 'p', /* it does, with binding_name */
};

struct scram_client_first {
	enum scram_binding binding;
	char binding_name[32];            /* "tls-exporter"; "" unless 'p' */
	char authorization[ADDRESS_SIZE]; /* "": as who it is */
	char user[ADDRESS_SIZE];          /* not empty; neither has a NUL in it */
	const char *gs2_header;           /* up to and with the comma before bare */
	size_t gs2_length;
	const char *bare; /* client-first-message-bare; it and what follows points into TEXT */
	size_t bare_length;
	const char *nonce;
	size_t nonce_length; /* 1 to SCRAM_NONCE_MAX */
};

/* LENGTH bytes at TEXT. 0, or -1: not one, too long, or with an extension that must be known. */
int scram_client_first_parse(const char *text, size_t length, struct scram_client_first *);

#define SCRAM_BINDING_DATA_MAX 512
struct scram_client_final {
	uint8_t binding[SCRAM_BINDING_DATA_MAX]; /* cbind-input: gs2-header, then the data */
	size_t binding_length;
	uint8_t proof[SCRAM_KEY_MAX];
	size_t without_proof; /* bytes of client-final-message-without-proof */
	const char *nonce;    /* points into TEXT */
	size_t nonce_length;
};

/* Of an exchange with HASH, which says how long the proof is. 0, or -1. */
int scram_client_final_parse(enum scram_hash hash, const char *text, size_t length,
			     struct scram_client_final *);

/*
 * -- Messages of the server -------------------------------------------------------
 */

#define SCRAM_SERVER_FIRST_SIZE                                                     \
	(sizeof("r=,s=,i=4294967295") + SCRAM_NONCE_MAX + SCRAM_SERVER_NONCE_SIZE + \
	 BASE64_ENCODED(SCRAM_SALT_MAX))

/* NONCE is the client's and ours, one behind the other. Returns the message's length. */
size_t scram_server_first_make(const struct scram_verifier *, const char *nonce,
			       size_t nonce_length, char out[SCRAM_SERVER_FIRST_SIZE]);

#define SCRAM_SERVER_FINAL_SIZE (sizeof("v=") + BASE64_ENCODED(SCRAM_KEY_MAX))
size_t scram_server_final_make(enum scram_hash, const uint8_t signature[SCRAM_KEY_MAX],
			       char out[SCRAM_SERVER_FINAL_SIZE]);

#endif
