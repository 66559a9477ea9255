/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/scram_keys.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>

/* HMAC of the verifier's hash over several pieces. */
struct mac {
	enum scram_hash hash;
	union {
		struct hmac_sha1_ctx sha1;
		struct hmac_sha256_ctx sha256;
	} as;
};

static void
mac_begin(struct mac *mac, enum scram_hash hash, const uint8_t *key, size_t length)
{
	mac->hash = hash;
	if (hash == SCRAM_SHA_256)
		hmac_sha256_set_key(&mac->as.sha256, length, key);
	else
		hmac_sha1_set_key(&mac->as.sha1, length, key);
}

static void
mac_add(struct mac *mac, const void *bytes, size_t length)
{
	if (mac->hash == SCRAM_SHA_256)
		hmac_sha256_update(&mac->as.sha256, length, bytes);
	else
		hmac_sha1_update(&mac->as.sha1, length, bytes);
}

/* What it is now; afterwards it begins anew with the same key. */
static void
mac_get(struct mac *mac, uint8_t out[SCRAM_KEY_MAX])
{
	if (mac->hash == SCRAM_SHA_256)
		hmac_sha256_digest(&mac->as.sha256, scram_key_size(mac->hash), out);
	else
		hmac_sha1_digest(&mac->as.sha1, scram_key_size(mac->hash), out);
}

static void
mac_end(struct mac *mac, uint8_t out[SCRAM_KEY_MAX])
{
	mac_get(mac, out);
	explicit_bzero(mac, sizeof(*mac));
}

static void
mac_text(enum scram_hash hash, const uint8_t key[SCRAM_KEY_MAX], const char *text,
	 uint8_t out[SCRAM_KEY_MAX])
{
	struct mac mac;

	mac_begin(&mac, hash, key, scram_key_size(hash));
	mac_add(&mac, text, strlen(text));
	mac_end(&mac, out);
}

void
scram_mac(const uint8_t *key, size_t key_length, const void *bytes, size_t length,
	  uint8_t out[SCRAM_KEY_MAX])
{
	struct mac mac;

	mac_begin(&mac, SCRAM_SHA_256, key, key_length);
	mac_add(&mac, bytes, length);
	mac_end(&mac, out);
}

/* H() of a key. */
static void
digest(enum scram_hash hash, const uint8_t in[SCRAM_KEY_MAX], uint8_t out[SCRAM_KEY_MAX])
{
	union {
		struct sha1_ctx sha1;
		struct sha256_ctx sha256;
	} as;

	if (hash == SCRAM_SHA_256) {
		sha256_init(&as.sha256);
		sha256_update(&as.sha256, SHA256_DIGEST_SIZE, in);
		sha256_digest(&as.sha256, SHA256_DIGEST_SIZE, out);
	} else {
		sha1_init(&as.sha1);
		sha1_update(&as.sha1, SHA1_DIGEST_SIZE, in);
		sha1_digest(&as.sha1, SHA1_DIGEST_SIZE, out);
	}
	explicit_bzero(&as, sizeof(as));
}

/* Hi(): PBKDF2 (RFC 8018 5.2) of one block; nettle's own would leave it on the stack. */
static void
salt_password(const struct scram_verifier *verifier, const char *password,
	      uint8_t out[SCRAM_KEY_MAX])
{
	static const uint8_t first_block[] = {0, 0, 0, 1};
	size_t size = scram_key_size(verifier->hash);
	uint8_t u[SCRAM_KEY_MAX];
	struct mac mac;

	mac_begin(&mac, verifier->hash, (const uint8_t *)password, strlen(password));
	mac_add(&mac, verifier->salt, verifier->salt_length);
	mac_add(&mac, first_block, sizeof(first_block));
	mac_get(&mac, u);
	memcpy(out, u, size);
	for (uint32_t i = 1; i < verifier->iterations; i++) {
		mac_add(&mac, u, size);
		mac_get(&mac, u);
		for (size_t j = 0; j < size; j++)
			out[j] ^= u[j];
	}
	explicit_bzero(u, sizeof(u));
	explicit_bzero(&mac, sizeof(mac));
}

/* The verifier's keys, and the one that only the client has. */
static void
make_keys(struct scram_verifier *verifier, const char *password, uint8_t client_key[SCRAM_KEY_MAX])
{
	uint8_t salted[SCRAM_KEY_MAX];

	salt_password(verifier, password, salted);
	mac_text(verifier->hash, salted, "Client Key", client_key);
	digest(verifier->hash, client_key, verifier->stored_key);
	mac_text(verifier->hash, salted, "Server Key", verifier->server_key);
	explicit_bzero(salted, sizeof(salted));
}

void
scram_verifier_make(struct scram_verifier *verifier, const char *password)
{
	uint8_t client_key[SCRAM_KEY_MAX];

	make_keys(verifier, password, client_key);
	explicit_bzero(client_key, sizeof(client_key));
}

bool
scram_verifier_matches(const struct scram_verifier *verifier, const char *password)
{
	struct scram_verifier made = *verifier;
	bool same;

	scram_verifier_make(&made, password);
	same = memeql_sec(made.stored_key, verifier->stored_key, scram_key_size(made.hash)) != 0;
	explicit_bzero(&made, sizeof(made));
	return same;
}

static void
mac_dialogue(enum scram_hash hash, const uint8_t key[SCRAM_KEY_MAX],
	     const struct scram_dialogue *said, uint8_t out[SCRAM_KEY_MAX])
{
	struct mac mac;

	mac_begin(&mac, hash, key, scram_key_size(hash));
	mac_add(&mac, said->client_first_bare, said->client_first_length);
	mac_add(&mac, ",", 1);
	mac_add(&mac, said->server_first, said->server_first_length);
	mac_add(&mac, ",", 1);
	mac_add(&mac, said->client_final, said->client_final_length);
	mac_end(&mac, out);
}

bool
scram_proof_is_right(const struct scram_verifier *verifier, const struct scram_dialogue *said,
		     const uint8_t proof[SCRAM_KEY_MAX])
{
	uint8_t key[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
	size_t size = scram_key_size(verifier->hash);
	bool right;

	mac_dialogue(verifier->hash, verifier->stored_key, said, key);
	for (size_t i = 0; i < size; i++)
		key[i] ^= proof[i];
	digest(verifier->hash, key, stored);
	right = memeql_sec(stored, verifier->stored_key, size) != 0;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(stored, sizeof(stored));
	return right;
}

void
scram_server_signature(const struct scram_verifier *verifier, const struct scram_dialogue *said,
		       uint8_t out[SCRAM_KEY_MAX])
{
	mac_dialogue(verifier->hash, verifier->server_key, said, out);
}

void
scram_client_proof(struct scram_verifier *verifier, const char *password,
		   const struct scram_dialogue *said, uint8_t proof[SCRAM_KEY_MAX],
		   uint8_t signature[SCRAM_KEY_MAX])
{
	uint8_t client_key[SCRAM_KEY_MAX];

	make_keys(verifier, password, client_key);
	mac_dialogue(verifier->hash, verifier->stored_key, said, proof);
	for (size_t i = 0; i < scram_key_size(verifier->hash); i++)
		proof[i] ^= client_key[i];
	mac_dialogue(verifier->hash, verifier->server_key, said, signature);
	explicit_bzero(client_key, sizeof(client_key));
	explicit_bzero(verifier->stored_key, sizeof(verifier->stored_key));
	explicit_bzero(verifier->server_key, sizeof(verifier->server_key));
}
