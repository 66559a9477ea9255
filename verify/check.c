/* SPDX-License-Identifier: ISC */
#include "verify/check.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#define RSA_BITS_MAX 8192 /* larger ones would hold up the others */
#define SUBJECT_MAX 1024  /* as accounts.conf(5) may list one */

/* RFC 8446 4.4.3 */
static const char context_tls13[] = "TLS 1.3, client CertificateVerify";
#define CONTENT_SIZE (64 + sizeof(context_tls13) + EVP_MAX_MD_SIZE)

/* What a client may sign with (RFC 8446 4.2.3); SHA-1 is not among it. */
static const struct scheme {
	uint16_t number;
	const char *key;
	const EVP_MD *(*digest)(void);
	bool pss;
	int bits;   /* of the curve that TLS 1.3 wants with it */
	bool tls12; /* in TLS 1.2 only */
} schemes[] = {
    {0x0403, "EC", EVP_sha256, false, 256, false},
    {0x0503, "EC", EVP_sha384, false, 384, false},
    {0x0603, "EC", EVP_sha512, false, 521, false},
    {0x0804, "RSA", EVP_sha256, true, 0, false},
    {0x0805, "RSA", EVP_sha384, true, 0, false},
    {0x0806, "RSA", EVP_sha512, true, 0, false},
    {0x0809, "RSA-PSS", EVP_sha256, true, 0, false},
    {0x080a, "RSA-PSS", EVP_sha384, true, 0, false},
    {0x080b, "RSA-PSS", EVP_sha512, true, 0, false},
    {0x0807, "ED25519", NULL, false, 0, false},
    {0x0401, "RSA", EVP_sha256, false, 0, true},
    {0x0501, "RSA", EVP_sha384, false, 0, true},
    {0x0601, "RSA", EVP_sha512, false, 0, true},
};

static const struct scheme *
find_scheme(const struct proof *proof, EVP_PKEY *key)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct scheme *s = &schemes[i];

		if (s->number != proof->scheme)
			continue;
		if (!EVP_PKEY_is_a(key, s->key) || (proof->tls13 && s->tls12) ||
		    (proof->tls13 && s->bits != 0 && s->bits != EVP_PKEY_get_bits(key)))
			return NULL;
		return s;
	}
	return NULL;
}

static bool
hash(const EVP_MD *md, struct slice in, uint8_t *out)
{
	return EVP_Digest(in.bytes, in.length, out, NULL, md, NULL) == 1;
}

/* RFC 8446 4.4.1: a ClientHello that was answered by a HelloRetryRequest counts as its hash. */
static bool
hash_transcript(const EVP_MD *md, const struct proof *proof, uint8_t *out)
{
	uint8_t message[4 + EVP_MAX_MD_SIZE] = {254, 0, 0, (uint8_t)EVP_MD_get_size(md)};
	size_t first = proof->first_hello.length;
	EVP_MD_CTX *ctx;
	bool done;

	if (first == 0)
		return hash(md, proof->covered, out);
	ctx = EVP_MD_CTX_new();
	done = ctx != NULL && hash(md, proof->first_hello, message + 4) &&
	       EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	       EVP_DigestUpdate(ctx, message, 4 + (size_t)EVP_MD_get_size(md)) == 1 &&
	       EVP_DigestUpdate(ctx, proof->covered.bytes + first, proof->covered.length - first) ==
		   1 &&
	       EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return done;
}

/* The hash of the cipher suite, RFC 8446 B.4; NULL: no suite that is known here. */
static const EVP_MD *
transcript_digest(uint16_t cipher)
{
	switch (cipher) {
	case 0x1301: /* TLS_AES_128_GCM_SHA256 */
	case 0x1303: /* TLS_CHACHA20_POLY1305_SHA256 */
	case 0x1304: /* TLS_AES_128_CCM_SHA256 */
		return EVP_sha256();
	case 0x1302: /* TLS_AES_256_GCM_SHA384 */
		return EVP_sha384();
	default:
		return NULL;
	}
}

/* What the client's signature has to be over, composed from the messages. */
static bool
compose(const struct proof *proof, uint8_t content[CONTENT_SIZE], struct slice *out)
{
	const EVP_MD *md;

	if (!proof->tls13) {
		*out = proof->covered; /* RFC 5246 7.4.8 */
		return true;
	}
	md = transcript_digest(proof->cipher);
	memset(content, ' ', 64);
	memcpy(content + 64, context_tls13, sizeof(context_tls13)); /* with its NUL */
	if (md == NULL || !hash_transcript(md, proof, content + 64 + sizeof(context_tls13)))
		return false;
	*out = (struct slice){content, 64 + sizeof(context_tls13) + (size_t)EVP_MD_get_size(md)};
	return true;
}

static const char *
check_signature(const struct proof *proof, X509 *leaf, bool *later)
{
	EVP_PKEY *key = X509_get0_pubkey(leaf);
	const struct scheme *scheme = key == NULL ? NULL : find_scheme(proof, key);
	uint8_t content[CONTENT_SIZE];
	struct slice covered;
	EVP_PKEY_CTX *options;
	EVP_MD_CTX *ctx;
	bool right;

	if (scheme == NULL)
		return "the client's signature is of a kind that does not go with its key";
	if (EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
		return "the client's key is too large";
	if (!compose(proof, content, &covered))
		return "the cipher suite is none of TLS 1.3";
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL) {
		*later = true;
		return "out of memory";
	}
	right =
	    EVP_DigestVerifyInit(ctx, &options, scheme->digest == NULL ? NULL : scheme->digest(),
				 NULL, key) == 1 &&
	    (!scheme->pss ||
	     (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
	      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestVerify(ctx, proof->signature.bytes, proof->signature.length, covered.bytes,
			     covered.length) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return right ? NULL : "the client's signature is wrong";
}

static void
append(struct identity *identity, const char *text, size_t length)
{
	memcpy(identity->text + identity->length, text, length);
	identity->length += length;
	identity->text[identity->length++] = '\0';
}

/* RFC 5280 4.2.1.6; one with a NUL or another byte that no address has is left out. */
static void
add_address(struct identity *identity, const GENERAL_NAME *general)
{
	int type, length;
	const ASN1_IA5STRING *value = GENERAL_NAME_get0_value(general, &type);
	const char *text;

	if (type != GEN_EMAIL || identity->body.names == IDENTITY_NAMES_MAX)
		return;
	text = (const char *)ASN1_STRING_get0_data(value);
	length = ASN1_STRING_length(value);
	if (length <= 0 || length >= ADDRESS_SIZE)
		return;
	for (int i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return;
	}
	append(identity, text, (size_t)length);
	identity->body.names++;
}

static const char *
describe(X509 *leaf, struct identity *identity)
{
	GENERAL_NAMES *names;
	BIO *bio = BIO_new(BIO_s_mem());
	char *subject = NULL;
	long length = 0;

	memset(identity, 0, sizeof(*identity));
	if (bio == NULL || X509_digest(leaf, EVP_sha256(), identity->body.fingerprint, NULL) != 1) {
		BIO_free(bio);
		return "out of memory";
	}
	if (X509_NAME_print_ex(bio, X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253) >= 0)
		length = BIO_get_mem_data(bio, &subject);
	/* One that is too long for accounts.conf is nobody's. */
	if (subject == NULL || length < 0 || length > SUBJECT_MAX)
		length = 0;
	append(identity, length > 0 ? subject : "", (size_t)length);
	BIO_free(bio);
	names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_address(identity, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return NULL;
}

static X509 *
parse_certificate(struct slice der)
{
	const unsigned char *at = der.bytes;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.length);

	if (certificate != NULL && at != der.bytes + der.length) {
		X509_free(certificate);
		certificate = NULL;
	}
	ERR_clear_error();
	return certificate;
}

/* The client's certificate is the first. NULL: one of them is none. */
static STACK_OF(X509) * parse_chain(const struct proof *proof)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	for (size_t i = 0; chain != NULL && i < proof->chain_length; i++) {
		X509 *one = parse_certificate(proof->chain[i]);

		if (one == NULL || sk_X509_push(chain, one) <= 0) {
			X509_free(one);
			sk_X509_pop_free(chain, X509_free);
			return NULL;
		}
	}
	return chain;
}

static const char *
check_chain(const struct trust *trust, const struct proof *proof, struct identity *identity,
	    bool *later)
{
	STACK_OF(X509) *chain = parse_chain(proof);
	X509 *leaf = chain == NULL ? NULL : sk_X509_value(chain, 0);
	const char *why;

	if (leaf == NULL)
		return "the client sent what is no certificate";
	why = check_signature(proof, leaf, later);
	if (why == NULL)
		why = trust_check(trust, leaf, chain, later);
	if (why == NULL) {
		*later = true;
		why = describe(leaf, identity);
	}
	sk_X509_pop_free(chain, X509_free);
	return why;
}

const char *
check_proof(const struct trust *trust, struct questions *questions, const uint8_t *bytes,
	    size_t length, int64_t now, struct identity *identity, bool *later)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct proof proof;
	const char *why = proof_parse(bytes, length, &proof);

	*later = false;
	if (why != NULL)
		return why;
	if (!question_answered(questions, &proof, trust->id, now)) {
		/* As after a start of this process. */
		*later = true;
		return "the proof is too old, or was made elsewhere: the client has to connect "
		       "anew";
	}
	why = check_chain(trust, &proof, identity, later);
	if (why != NULL)
		return why;
	/* Not of the signature: some kinds can be changed and are still right. */
	*later = true;
	if (!hash(EVP_sha256(), proof.covered, digest))
		return "out of memory";
	return question_use(questions, digest, now, later);
}
