/* SPDX-License-Identifier: ISC */
#include "worker/relay/login.h"

#include <event2/buffer.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"
#include "common/scram.h"
#include "common/scram_keys.h"

/* RFC 5321 4.5.3.1.4; what is longer waits for the first challenge (RFC 4954 4). */
#define COMMAND_MAX 510
#define MESSAGE_MAX 1024 /* of a SASL message */
#define GS2_HEADER "n,,"

/* -- Sending ----------------------------------------------------------------------------------- */

/* BEFORE and MESSAGE in base64, as a line; nothing is left of it here. */
static void
say(const char *before, const char *message, size_t length, struct evbuffer *out)
{
	char text[BASE64_ENCODED(MESSAGE_MAX) + 1];

	base64_encode(message, length, text);
	(void)evbuffer_add_printf(out, "%s%s\r\n", before, text);
	explicit_bzero(text, sizeof(text));
}

static void
begin(const char *name, const char *message, size_t length, struct evbuffer *out)
{
	char before[40];

	(void)snprintf(before, sizeof(before), "AUTH %s ", name);
	if (strlen(before) + BASE64_ENCODED(length) <= COMMAND_MAX)
		say(before, message, length, out);
	else
		(void)evbuffer_add_printf(out, "AUTH %s\r\n", name);
}

/* -- PLAIN and LOGIN -----------------------------------------------------------------------------
 */

static size_t
plain_message(const struct login *login, char message[MESSAGE_MAX])
{
	int n =
	    snprintf(message, MESSAGE_MAX, "%c%s%c%s", '\0', login->user, '\0', login->password);

	return n > 0 && n < MESSAGE_MAX ? (size_t)n : 0;
}

static bool
plain_begin(struct login *login, struct evbuffer *out)
{
	char message[MESSAGE_MAX];
	size_t length = plain_message(login, message);

	begin("PLAIN", message, length, out);
	explicit_bzero(message, sizeof(message));
	return length > 0;
}

static bool
plain_answer(struct login *login, const char *text, struct evbuffer *out)
{
	char message[MESSAGE_MAX];
	size_t length = plain_message(login, message);

	/* The challenge is empty (RFC 4616 2). */
	(void)text;
	if (login->step > 0)
		return false;
	say("", message, length, out);
	explicit_bzero(message, sizeof(message));
	return true;
}

static bool
login_login_begin(struct login *login, struct evbuffer *out)
{
	(void)login;
	(void)evbuffer_add_printf(out, "AUTH LOGIN\r\n");
	return true;
}

/* What the challenges say differs from server to server: the first asks for the name. */
static bool
login_login_answer(struct login *login, const char *text, struct evbuffer *out)
{
	const char *what = login->step == 0 ? login->user : login->password;

	(void)text;
	if (login->step > 1 || strlen(what) > MESSAGE_MAX)
		return false;
	say("", what, strlen(what), out);
	return true;
}

/* -- SCRAM ------------------------------------------------------------------------------------- */

/* "n=" NAME ",r=" NONCE, where "," and "=" of the name are written "=2C" and "=3D". */
static size_t
scram_first_bare(const struct login *login, char out[MESSAGE_MAX])
{
	size_t length = (size_t)snprintf(out, MESSAGE_MAX, "n=");

	for (const char *p = login->user; *p != '\0'; p++) {
		if (length > MESSAGE_MAX - 64)
			return 0;
		if (*p == ',' || *p == '=')
			length += (size_t)snprintf(out + length, MESSAGE_MAX - length, "=%02X",
						   (unsigned)*p);
		else
			out[length++] = *p;
	}
	return length + (size_t)snprintf(out + length, MESSAGE_MAX - length, ",r=%s", login->nonce);
}

static bool
scram_begin(struct login *login, struct evbuffer *out)
{
	char message[MESSAGE_MAX], bare[MESSAGE_MAX];
	uint8_t random[(LOGIN_NONCE_SIZE - 1) / 4 * 3];
	int length;

	arc4random_buf(random, sizeof(random));
	base64_encode(random, sizeof(random), login->nonce);
	if (scram_first_bare(login, bare) == 0)
		return false;
	length = snprintf(message, sizeof(message), GS2_HEADER "%s", bare);
	if (length < 0 || (size_t)length >= sizeof(message))
		return false;
	begin("SCRAM-SHA-256", message, (size_t)length, out);
	return true;
}

struct server_first {
	const char *nonce;
	size_t nonce_length;
	struct scram_verifier verifier; /* its hash, salt and rounds */
};

/* "r=" NONCE ",s=" SALT ",i=" ROUNDS (RFC 5802 7), and perhaps extensions. */
static bool
scram_parse_first(const struct login *login, const char *text, struct server_first *first)
{
	const char *salt, *rounds;
	char number[12] = "";
	const char *error = NULL;
	size_t own = strlen(login->nonce);

	memset(first, 0, sizeof(*first));
	first->verifier.hash = SCRAM_SHA_256;
	if (strncmp(text, "r=", 2) != 0 || strncmp(text + 2, login->nonce, own) != 0)
		return false;
	first->nonce = text + 2;
	first->nonce_length = strcspn(first->nonce, ",");
	salt = first->nonce + first->nonce_length;
	if (first->nonce_length <= own || strncmp(salt, ",s=", 3) != 0)
		return false;
	salt += 3;
	rounds = salt + strcspn(salt, ",");
	if (base64_decode(salt, (size_t)(rounds - salt), first->verifier.salt,
			  sizeof(first->verifier.salt), &first->verifier.salt_length) == -1 ||
	    first->verifier.salt_length == 0 || strncmp(rounds, ",i=", 3) != 0)
		return false;
	rounds += 3;
	if (strcspn(rounds, ",") >= sizeof(number))
		return false;
	memcpy(number, rounds, strcspn(rounds, ","));
	first->verifier.iterations =
	    (uint32_t)strtonum(number, SCRAM_ITERATIONS_MIN, LOGIN_ITERATIONS_MAX, &error);
	return error == NULL;
}

static bool
scram_answer_first(struct login *login, const char *text, size_t length, struct evbuffer *out)
{
	char bare[MESSAGE_MAX], message[MESSAGE_MAX], proof[BASE64_ENCODED(SCRAM_KEY_MAX) + 1];
	uint8_t key[SCRAM_KEY_MAX];
	struct server_first first;
	struct scram_dialogue said;
	int n;

	if (!scram_parse_first(login, text, &first))
		return false;
	n = snprintf(message, sizeof(message), "c=biws,r=%.*s", (int)first.nonce_length,
		     first.nonce);
	if (n < 0 || (size_t)n + sizeof(",p=") + sizeof(proof) > sizeof(message))
		return false;
	said = (struct scram_dialogue){.client_first_bare = bare,
				       .client_first_length = scram_first_bare(login, bare),
				       .server_first = text,
				       .server_first_length = length,
				       .client_final = message,
				       .client_final_length = (size_t)n};
	scram_client_proof(&first.verifier, login->password, &said, key, login->signature);
	base64_encode(key, sizeof(key), proof);
	n += snprintf(message + n, sizeof(message) - (size_t)n, ",p=%s", proof);
	say("", message, (size_t)n, out);
	explicit_bzero(key, sizeof(key));
	return true;
}

/* "v=" SIGNATURE: only who knows the password, or its verifier, can make it. */
static bool
scram_answer_final(struct login *login, const char *text, size_t length, struct evbuffer *out)
{
	uint8_t signature[SCRAM_KEY_MAX];
	size_t size = strcspn(text, ","), decoded;

	(void)length;
	if (size < 2 || strncmp(text, "v=", 2) != 0 ||
	    base64_decode(text + 2, size - 2, signature, sizeof(signature), &decoded) == -1 ||
	    decoded != sizeof(signature) ||
	    memeql_sec(signature, login->signature, sizeof(signature)) == 0)
		return false;
	login->proved = true;
	(void)evbuffer_add_printf(out, "\r\n");
	return true;
}

static bool
scram_answer(struct login *login, const char *text, struct evbuffer *out)
{
	char message[MESSAGE_MAX];
	size_t length;

	if (base64_decode(text, strlen(text), message, sizeof(message) - 1, &length) == -1 ||
	    memchr(message, '\0', length) != NULL)
		return false;
	message[length] = '\0';
	if (login->step == 0)
		return scram_answer_first(login, message, length, out);
	return login->step == 1 && scram_answer_final(login, message, length, out);
}

/* -- All of them ----------------------------------------------------------------------------- */

/* The best first. */
static const struct {
	enum login_mechanism mechanism;
	bool (*begin)(struct login *, struct evbuffer *);
	bool (*answer)(struct login *, const char *, struct evbuffer *);
} mechanisms[] = {
    {LOGIN_SCRAM_SHA_256, scram_begin, scram_answer},
    {LOGIN_PLAIN, plain_begin, plain_answer},
    {LOGIN_LOGIN, login_login_begin, login_login_answer},
};

bool
login_begin(struct login *login, unsigned offered, const char *user, const char *password,
	    struct evbuffer *out)
{
	memset(login, 0, sizeof(*login));
	login->user = user;
	login->password = password;
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		if ((offered & (unsigned)mechanisms[i].mechanism) == 0)
			continue;
		login->mechanism = mechanisms[i].mechanism;
		return mechanisms[i].begin(login, out);
	}
	return false;
}

bool
login_answer(struct login *login, const char *text, struct evbuffer *out)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		if (login->mechanism != mechanisms[i].mechanism)
			continue;
		if (!mechanisms[i].answer(login, text, out))
			break;
		login->step++;
		return true;
	}
	(void)evbuffer_add_printf(out, "*\r\n");
	return false;
}

bool
login_done(const struct login *login)
{
	return login->mechanism != LOGIN_SCRAM_SHA_256 || login->proved;
}
