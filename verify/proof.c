/* SPDX-License-Identifier: ISC */
#include "verify/proof.h"

#include <string.h>

/* HandshakeType, RFC 8446 4, RFC 5246 7.4 */
enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	ENCRYPTED_EXTENSIONS = 8,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CERTIFICATE_VERIFY = 15,
	CLIENT_KEY_EXCHANGE = 16,
	FINISHED = 20,
};
#define EXTENSION_SUPPORTED_VERSIONS 43
#define EXTENSION_CERTIFICATE_AUTHORITIES 47
#define VERSION_TLS12 0x0303
#define VERSION_TLS13 0x0304
#define RANDOM_SIZE 32

/* RFC 8446 4.1.3: the random of a ServerHello that is a HelloRetryRequest. */
static const uint8_t retry_random[RANDOM_SIZE] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* Takes SIZE bytes off the front. */
static bool
take(struct slice *from, size_t size, struct slice *out)
{
	if (size > from->length)
		return false;
	*out = (struct slice){from->bytes, size};
	from->bytes += size;
	from->length -= size;
	return true;
}

/* Takes a number of 1 to 3 bytes. */
static bool
take_number(struct slice *from, size_t size, size_t *number)
{
	struct slice bytes;

	if (!take(from, size, &bytes))
		return false;
	*number = 0;
	for (size_t i = 0; i < size; i++)
		*number = *number << 8 | bytes.bytes[i];
	return true;
}

/* Takes a vector (RFC 8446 3.4) whose length is SIZE bytes. */
static bool
take_vector(struct slice *from, size_t size, struct slice *out)
{
	size_t length;

	return take_number(from, size, &length) && take(from, length, out);
}

/* Finds an extension among EXTENSIONS; *OUT is empty without bytes if there is none. */
static bool
find_extension(struct slice extensions, size_t wanted, struct slice *out)
{
	*out = (struct slice){NULL, 0};
	while (extensions.length > 0) {
		struct slice data;
		size_t type;

		if (!take_number(&extensions, 2, &type) || !take_vector(&extensions, 2, &data))
			return false;
		if (type == wanted && out->bytes != NULL)
			return false; /* RFC 8446 4.2: not more than one */
		if (type == wanted)
			*out = data;
	}
	return true;
}

struct hello {
	bool retry;
	bool tls13;
	uint16_t cipher;
};

static bool
parse_server_hello(struct slice body, struct hello *hello)
{
	struct slice random, session, extensions = {NULL, 0}, versions = {NULL, 0};
	size_t version, cipher, compression, chosen = 0;

	if (!take_number(&body, 2, &version) || version != VERSION_TLS12 ||
	    !take(&body, RANDOM_SIZE, &random) || !take_vector(&body, 1, &session) ||
	    !take_number(&body, 2, &cipher) || !take_number(&body, 1, &compression) ||
	    compression != 0)
		return false;
	if (body.length > 0 &&
	    (!take_vector(&body, 2, &extensions) || body.length > 0 ||
	     !find_extension(extensions, EXTENSION_SUPPORTED_VERSIONS, &versions)))
		return false;
	if (versions.bytes != NULL &&
	    (!take_number(&versions, 2, &chosen) || versions.length > 0 || chosen != VERSION_TLS13))
		return false;
	hello->tls13 = chosen == VERSION_TLS13;
	hello->retry = memcmp(random.bytes, retry_random, RANDOM_SIZE) == 0;
	hello->cipher = (uint16_t)cipher;
	return hello->tls13 || !hello->retry;
}

/* Each name is two bytes of length and its DER. */
static bool
check_names(struct slice names)
{
	struct slice name;

	while (names.length > 0) {
		if (!take_vector(&names, 2, &name) || name.length == 0)
			return false;
	}
	return true;
}

static const char *
parse_request(struct slice body, struct proof *proof)
{
	static const char *const wrong = "its CertificateRequest is malformed";
	struct slice first, second, list;
	bool fine;

	if (proof->tls13) {
		/* RFC 8446 4.3.2: the context is empty in a handshake. */
		fine = take_vector(&body, 1, &first) && first.length == 0 &&
		       take_vector(&body, 2, &second) && body.length == 0 &&
		       find_extension(second, EXTENSION_CERTIFICATE_AUTHORITIES, &list);
		if (fine && list.bytes == NULL)
			return "the client was asked without names of authorities";
		fine = fine && take_vector(&list, 2, &proof->names) && list.length == 0;
	} else {
		fine = take_vector(&body, 1, &first) && take_vector(&body, 2, &second) &&
		       take_vector(&body, 2, &proof->names) && body.length == 0;
	}
	return fine && check_names(proof->names) ? NULL : wrong;
}

static const char *
parse_chain(struct slice body, struct proof *proof)
{
	static const char *const wrong = "the client's Certificate is malformed";
	struct slice context, list, extensions;

	if (proof->tls13 && (!take_vector(&body, 1, &context) || context.length > 0))
		return wrong;
	if (!take_vector(&body, 3, &list) || body.length > 0)
		return wrong;
	if (list.length == 0)
		return "the client has no certificate";
	while (list.length > 0) {
		struct slice *one = &proof->chain[proof->chain_length];

		if (proof->chain_length == PROOF_CHAIN_MAX)
			return "the client sent more than 10 certificates";
		if (!take_vector(&list, 3, one) || one->length == 0 ||
		    (proof->tls13 && !take_vector(&list, 2, &extensions)))
			return wrong;
		proof->chain_length++;
	}
	return NULL;
}

static const char *
parse_signature(struct slice body, struct proof *proof)
{
	size_t scheme;

	if (!take_number(&body, 2, &scheme) || !take_vector(&body, 2, &proof->signature) ||
	    body.length > 0 || proof->signature.length == 0)
		return "the client's CertificateVerify is malformed";
	proof->scheme = (uint16_t)scheme;
	return NULL;
}

/* Takes the message that must come next. */
static bool
take_message(struct slice *rest, size_t wanted, struct slice *body)
{
	size_t type;

	return take_number(rest, 1, &type) && type == wanted && take_vector(rest, 3, body);
}

/* Both ClientHellos, if there are two, and the ServerHello that counts. */
static const char *
parse_hellos(struct slice *rest, struct proof *proof)
{
	const uint8_t *start = rest->bytes;
	struct slice body;
	struct hello hello, second;

	if (!take_message(rest, CLIENT_HELLO, &body))
		return "it does not begin with a ClientHello";
	proof->first_hello = (struct slice){start, 0};
	if (rest->bytes != NULL)
		proof->first_hello.length = (size_t)(rest->bytes - start);
	if (!take_message(rest, SERVER_HELLO, &body) || !parse_server_hello(body, &hello))
		return "its ServerHello is none";
	if (!hello.retry) {
		proof->first_hello.length = 0;
	} else {
		if (!take_message(rest, CLIENT_HELLO, &body) ||
		    !take_message(rest, SERVER_HELLO, &body) || !parse_server_hello(body, &second))
			return "after a HelloRetryRequest it goes wrong";
		/* RFC 8446 4.1.4: a second one is not allowed, the cipher stays. */
		if (second.retry || !second.tls13 || second.cipher != hello.cipher)
			return "its second ServerHello does not go with the first";
	}
	proof->tls13 = hello.tls13;
	proof->cipher = hello.cipher;
	return NULL;
}

/* Until the client's Certificate; what the server says there is of no interest but for one. */
static const char *
parse_server(struct slice *rest, struct proof *proof)
{
	static const uint8_t tls13[] = {ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST, CERTIFICATE,
					CERTIFICATE_VERIFY, FINISHED};
	static const uint8_t tls12[] = {CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST,
					SERVER_HELLO_DONE};
	const uint8_t *types = proof->tls13 ? tls13 : tls12;
	size_t count = proof->tls13 ? sizeof(tls13) : sizeof(tls12);

	for (size_t i = 0; i < count; i++) {
		struct slice body;
		const char *why;

		if (!take_message(rest, types[i], &body))
			return "the server's part of it is not what a handshake has";
		why = types[i] == CERTIFICATE_REQUEST ? parse_request(body, proof) : NULL;
		if (why != NULL)
			return why;
	}
	return NULL;
}

static const char *
parse_client(struct slice *rest, struct proof *proof)
{
	struct slice body;
	const char *why;

	if (!take_message(rest, CERTIFICATE, &body))
		return "the client sent no Certificate";
	why = parse_chain(body, proof);
	if (why != NULL)
		return why;
	if (!proof->tls13 && !take_message(rest, CLIENT_KEY_EXCHANGE, &body))
		return "the client sent no ClientKeyExchange";
	proof->covered.length = (size_t)(rest->bytes - proof->covered.bytes);
	if (!take_message(rest, CERTIFICATE_VERIFY, &body))
		return "the client sent no CertificateVerify";
	if (rest->length > 0)
		return "something follows the CertificateVerify";
	return parse_signature(body, proof);
}

const char *
proof_parse(const uint8_t *bytes, size_t length, struct proof *proof)
{
	struct slice rest = {bytes, length};
	const char *why;

	memset(proof, 0, sizeof(*proof));
	proof->covered.bytes = bytes;
	why = parse_hellos(&rest, proof);
	if (why == NULL)
		why = parse_server(&rest, proof);
	return why != NULL ? why : parse_client(&rest, proof);
}

bool
proof_has_name(const struct proof *proof, const uint8_t *wanted, size_t length)
{
	struct slice names = proof->names, name;

	while (take_vector(&names, 2, &name)) {
		if (name.length == length && memcmp(name.bytes, wanted, length) == 0)
			return true;
	}
	return false;
}
