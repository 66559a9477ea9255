/* SPDX-License-Identifier: ISC */
#include "tests/bench/scram_client.h"

#include <err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"

#define NONCE_BYTES 18
#define GS2_HEADER "n,," /* binds to no channel */
#define GS2_LENGTH (sizeof(GS2_HEADER) - 1)

static const char *user, *password;
static uint8_t salted[SHA256_DIGEST_LENGTH];
static bool have_salted;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
scram_client_is(const char *name, const char *word)
{
	user = name;
	password = word;
}

void
scram_client_first(char out[SCRAM_CLIENT_SIZE])
{
	char nonce[BASE64_ENCODED(NONCE_BYTES) + 1], text[BASE64_DECODED(SCRAM_CLIENT_SIZE) - 2];
	uint8_t random[NONCE_BYTES];
	int length;

	if (RAND_bytes(random, sizeof(random)) != 1)
		errx(1, "no random bytes");
	base64_encode(random, sizeof(random), nonce);
	length = snprintf(text, sizeof(text), GS2_HEADER "n=%s,r=%s", user, nonce);
	if (length < 0 || (size_t)length >= sizeof(text))
		errx(1, "the user's name is too long");
	base64_encode(text, (size_t)length, out);
}

static void
decode(const char *text, char out[SCRAM_CLIENT_SIZE])
{
	size_t length;

	if (base64_decode(text, strcspn(text, "\r\n"), out, SCRAM_CLIENT_SIZE - 1, &length) == -1)
		errx(1, "not base64: %s", text);
	out[length] = '\0';
}

/* SaltedPassword (RFC 5802 3), which is the same for all of the account's logins. */
static void
salt_password(const char *salt, size_t salt_length, int iterations)
{
	uint8_t bytes[SCRAM_CLIENT_SIZE];
	size_t length;

	if (base64_decode(salt, salt_length, bytes, sizeof(bytes), &length) == -1)
		errx(1, "the salt is not base64: %s", salt);
	pthread_mutex_lock(&lock);
	if (!have_salted &&
	    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), bytes, (int)length, iterations,
			      EVP_sha256(), sizeof(salted), salted) != 1)
		errx(1, "no PBKDF2");
	have_salted = true;
	pthread_mutex_unlock(&lock);
}

static void
mac(const uint8_t key[SHA256_DIGEST_LENGTH], const char *text, uint8_t out[SHA256_DIGEST_LENGTH])
{
	if (HMAC(EVP_sha256(), key, SHA256_DIGEST_LENGTH, (const uint8_t *)text, strlen(text), out,
		 NULL) == NULL)
		errx(1, "no HMAC");
}

/* ClientProof: ClientKey, under what only who has StoredKey and heard the dialogue can make. */
static void
make_proof(const char *dialogue, char out[BASE64_ENCODED(SHA256_DIGEST_LENGTH) + 1])
{
	uint8_t key[SHA256_DIGEST_LENGTH], stored[SHA256_DIGEST_LENGTH],
	    signature[SHA256_DIGEST_LENGTH];

	mac(salted, "Client Key", key);
	SHA256(key, sizeof(key), stored);
	mac(stored, dialogue, signature);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] ^= signature[i];
	base64_encode(key, sizeof(key), out);
}

void
scram_client_final(const char *first, const char *challenge, char out[SCRAM_CLIENT_SIZE])
{
	char mine[SCRAM_CLIENT_SIZE], theirs[SCRAM_CLIENT_SIZE],
	    binding[BASE64_ENCODED(GS2_LENGTH) + 1];
	char without_proof[SCRAM_CLIENT_SIZE], dialogue[3 * SCRAM_CLIENT_SIZE],
	    text[2 * SCRAM_CLIENT_SIZE];
	char proof[BASE64_ENCODED(SHA256_DIGEST_LENGTH) + 1];
	const char *salt, *iterations;
	size_t length;

	decode(first, mine);
	decode(challenge, theirs);
	salt = strstr(theirs, ",s=");
	iterations = salt == NULL ? NULL : strstr(salt, ",i=");
	if (strncmp(theirs, "r=", 2) != 0 || iterations == NULL)
		errx(1, "not a server's first message: %s", theirs);
	salt_password(salt + 3, (size_t)(iterations - salt) - 3, atoi(iterations + 3));
	base64_encode(GS2_HEADER, GS2_LENGTH, binding);
	snprintf(without_proof, sizeof(without_proof), "c=%s,%.*s", binding, (int)(salt - theirs),
		 theirs);
	snprintf(dialogue, sizeof(dialogue), "%s,%s,%s", mine + GS2_LENGTH, theirs, without_proof);
	make_proof(dialogue, proof);
	length = (size_t)snprintf(text, sizeof(text), "%s,p=%s", without_proof, proof);
	if (BASE64_ENCODED(length) >= SCRAM_CLIENT_SIZE)
		errx(1, "the server's nonce is too long: %s", theirs);
	base64_encode(text, length, out);
}
