/* SPDX-License-Identifier: ISC */
/*
 * What an import is made of, without processes: the parser with damaged files of every form, the
 * choice of a chain, and names.
 */
#include "tests/unit/certd_support.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "certd/import_name.h"
#include "certd/import_parse.h"
#include "certd/import_set.h"

/*
 * -- A sink that counts ---------------------------------------------------------
 */

static struct found {
	unsigned keys, certificates, notes, asked;
	const char *phrase; /* NULL: there is none */
} found;

static int
on_key(void *arg, EVP_PKEY *pkey, struct error *err)
{
	(void)arg;
	(void)err;
	assert_non_null(pkey);
	found.keys++;
	return 0;
}

static int
on_certificate(void *arg, X509 *certificate, struct error *err)
{
	(void)arg;
	(void)err;
	assert_non_null(certificate);
	found.certificates++;
	return 0;
}

static int
on_note(void *arg, const char *text, struct error *err)
{
	(void)arg;
	(void)err;
	assert_true(text[0] != '\0');
	found.notes++;
	return 0;
}

static int
on_passphrase(void *arg, char *buffer, size_t size, unsigned attempt, struct error *err)
{
	(void)arg;
	found.asked++;
	if (found.phrase == NULL || attempt > 0)
		return error_set(err, "no pass phrase");
	return (int)strlcpy(buffer, found.phrase, size);
}

static const struct import_sink sink = {.key = on_key,
					.certificate = on_certificate,
					.note = on_note,
					.passphrase = on_passphrase,
					.iterations_max = 4096};

/* Works on a copy, which is overwritten; ERR is filled whenever it fails. */
static int
parse(const void *bytes, size_t length, struct error *err)
{
	uint8_t *copy = malloc(length + 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	found = (struct found){.phrase = found.phrase};
	err->text[0] = '\0';
	result = import_parse(copy, length, &sink, err);
	free(copy);
	assert_true((result == -1) == (err->text[0] != '\0'));
	assert_int_equal(ERR_peek_error(), 0);
	return result;
}

static void
must_say(const void *bytes, size_t length, const char *words)
{
	struct error err;

	assert_int_equal(parse(bytes, length, &err), -1);
	if (strstr(err.text, words) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, words);
}

/*
 * -- Files of each form ---------------------------------------------------------
 */

#define PHRASE "secret"

static BIO *
new_bio(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_non_null(bio);
	return bio;
}

static X509 *
certificate_of(EVP_PKEY *pkey)
{
	struct x509_made made;
	X509 *x509;
	BIO *bio;

	support_make(pkey, "mail.example.org", &made);
	bio = BIO_new_mem_buf(made.set.part[PART_CRT].bytes, (int)made.set.part[PART_CRT].length);
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(x509);
	BIO_free(bio);
	x509_made_free(&made);
	return x509;
}

static BIO *
pkcs8_pem(void)
{
	BIO *bio = new_bio();

	assert_true(
	    PEM_write_bio_PrivateKey(bio, support_pkey(KEY_P256), NULL, NULL, 0, NULL, NULL));
	return bio;
}

static BIO *
sec1_der(void)
{
	BIO *bio = new_bio();

	assert_true(i2d_PrivateKey_bio(bio, support_pkey(KEY_P256)));
	return bio;
}

static BIO *
pkcs8_encrypted(void)
{
	BIO *bio = new_bio();
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(support_pkey(KEY_P256));
	X509_SIG *sig = PKCS8_encrypt(-1, EVP_aes_128_cbc(), PHRASE, -1, NULL, 0, 1, info);

	assert_non_null(sig);
	assert_true(PEM_write_bio_PKCS8(bio, sig));
	X509_SIG_free(sig);
	PKCS8_PRIV_KEY_INFO_free(info);
	return bio;
}

static BIO *
proc_type(void)
{
	BIO *bio = new_bio();

	assert_true(PEM_write_bio_PrivateKey_traditional(bio, support_pkey(KEY_P256),
							 EVP_aes_128_cbc(), (const void *)PHRASE,
							 strlen(PHRASE), NULL, NULL));
	return bio;
}

static BIO *
certificate_pem(void)
{
	X509 *x509 = certificate_of(support_pkey(KEY_P256));
	BIO *bio = new_bio();

	assert_true(PEM_write_bio_X509(bio, x509));
	X509_free(x509);
	return bio;
}

static BIO *
certificate_der(void)
{
	X509 *x509 = certificate_of(support_pkey(KEY_P256));
	BIO *bio = new_bio();

	assert_true(i2d_X509_bio(bio, x509));
	X509_free(x509);
	return bio;
}

static BIO *
trusted(void)
{
	X509 *x509 = certificate_of(support_pkey(KEY_P256));
	BIO *bio = new_bio();

	assert_true(X509_add1_trust_object(x509, OBJ_nid2obj(NID_server_auth)));
	assert_true(PEM_write_bio_X509_AUX(bio, x509));
	X509_free(x509);
	return bio;
}

static BIO *
pkcs7_der(void)
{
	X509 *x509 = certificate_of(support_pkey(KEY_P256));
	PKCS7 *p7 = PKCS7_new();
	BIO *bio = new_bio();

	assert_true(PKCS7_set_type(p7, NID_pkcs7_signed));
	assert_true(PKCS7_content_new(p7, NID_pkcs7_data));
	assert_true(PKCS7_add_certificate(p7, x509));
	assert_true(i2d_PKCS7_bio(bio, p7));
	PKCS7_free(p7);
	X509_free(x509);
	return bio;
}

static BIO *
pkcs12(void)
{
	X509 *x509 = certificate_of(support_pkey(KEY_P256));
	PKCS12 *p12 = PKCS12_create(PHRASE, "mine", support_pkey(KEY_P256), x509, NULL,
				    NID_aes_128_cbc, NID_aes_128_cbc, 1, 1, 0);
	BIO *bio = new_bio();

	assert_non_null(p12);
	assert_true(i2d_PKCS12_bio(bio, p12));
	PKCS12_free(p12);
	X509_free(x509);
	return bio;
}

static const struct form {
	const char *name;
	BIO *(*make)(void);
	unsigned keys, certificates, asked;
} forms[] = {
    {"pkcs8", pkcs8_pem, 1, 0, 0},
    {"sec1 der", sec1_der, 1, 0, 0},
    {"encrypted", pkcs8_encrypted, 1, 0, 1},
    {"proc-type", proc_type, 1, 0, 1},
    {"pem", certificate_pem, 0, 1, 0},
    {"der", certificate_der, 0, 1, 0},
    {"trusted", trusted, 0, 1, 0},
    {"pkcs7", pkcs7_der, 0, 1, 0},
    {"pkcs12", pkcs12, 1, 1, 1},
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static const char *
bytes_of(const struct form *form, BIO **bio, size_t *length)
{
	char *bytes;

	*bio = form->make();
	*length = (size_t)BIO_get_mem_data(*bio, &bytes);
	return bytes;
}

static void
whole(void **state)
{
	struct error err;
	BIO *bio;
	size_t length;

	(void)state;
	found.phrase = PHRASE;
	for (size_t i = 0; i < FORMS; i++) {
		const char *bytes = bytes_of(&forms[i], &bio, &length);

		if (parse(bytes, length, &err) == -1)
			fail_msg("%s: %s", forms[i].name, err.text);
		assert_int_equal(found.keys, forms[i].keys);
		assert_int_equal(found.certificates, forms[i].certificates);
		assert_int_equal(found.asked, forms[i].asked);
		BIO_free(bio);
	}
}

/* Whatever is cut off: an error with words. Only the line end behind the armour may be missing. */
static void
truncated(void **state)
{
	struct error err;
	BIO *bio;
	size_t length;

	(void)state;
	found.phrase = PHRASE;
	for (size_t i = 0; i < FORMS; i++) {
		const char *bytes = bytes_of(&forms[i], &bio, &length);

		for (size_t cut = 0; cut < length; cut++) {
			if (parse(bytes, cut, &err) == 0)
				assert_true(cut + 1 == length && bytes[cut] == '\n');
		}
		BIO_free(bio);
	}
}

/* A bit of each byte: it is found, or it does no harm. The parser's own assertions and ASan's are
 * the test.
 */
static void
flipped(void **state)
{
	struct error err;
	BIO *bio;
	size_t length;

	(void)state;
	found.phrase = PHRASE;
	for (size_t i = 0; i < FORMS; i++) {
		char *bytes = (char *)(uintptr_t)bytes_of(&forms[i], &bio, &length);

		for (size_t at = 0; at < length; at++) {
			char bit = (char)(1 << at * 5 % 8);

			bytes[at] ^= bit;
			(void)parse(bytes, length, &err);
			bytes[at] ^= bit;
		}
		BIO_free(bio);
	}
}

static void
without_a_passphrase(void **state)
{
	BIO *bio;
	size_t length;

	(void)state;
	found.phrase = NULL;
	for (size_t i = 0; i < FORMS; i++) {
		const char *bytes = bytes_of(&forms[i], &bio, &length);

		if (forms[i].asked > 0)
			must_say(bytes, length, "no pass phrase");
		BIO_free(bio);
	}
}

/*
 * -- Keys that are none ---------------------------------------------------------
 */

/* The DER of RSAPrivateKey (RFC 8017 A.1.2) with these numbers in hex. */
static size_t
rsa_der(const char *const hex[8], uint8_t **der)
{
	STACK_OF(ASN1_TYPE) *numbers = sk_ASN1_TYPE_new_null();
	int length;

	for (int i = -1; i < 8; i++) {
		ASN1_TYPE *type = ASN1_TYPE_new();
		BIGNUM *number = NULL;

		assert_true(BN_hex2bn(&number, i == -1 ? "0" : hex[i]) > 0);
		ASN1_TYPE_set(type, V_ASN1_INTEGER, BN_to_ASN1_INTEGER(number, NULL));
		BN_free(number);
		assert_true(sk_ASN1_TYPE_push(numbers, type) > 0);
	}
	*der = NULL;
	length = i2d_ASN1_SEQUENCE_ANY(numbers, der);
	assert_true(length > 0);
	sk_ASN1_TYPE_pop_free(numbers, ASN1_TYPE_free);
	return (size_t)length;
}

static void
rsa_numbers(EVP_PKEY *pkey, char *hex[8])
{
	static const char *const names[] = {
	    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
	    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
	    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
	    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

	for (size_t i = 0; i < 8; i++) {
		BIGNUM *number = NULL;

		assert_int_equal(EVP_PKEY_get_bn_param(pkey, names[i], &number), 1);
		hex[i] = BN_bn2hex(number);
		BN_free(number);
	}
}

/* The numbers of a good key with one changed. */
static void
must_refuse_rsa(size_t which, const char *value, const char *words)
{
	char *hex[8];
	const char *numbers[8];
	uint8_t *der;
	size_t length;

	rsa_numbers(support_pkey(KEY_RSA), hex);
	for (size_t i = 0; i < 8; i++)
		numbers[i] = i == which ? value : hex[i];
	length = rsa_der(numbers, &der);
	must_say(der, length, words);
	OPENSSL_free(der);
	for (size_t i = 0; i < 8; i++)
		OPENSSL_free(hex[i]);
}

static char *
digits(size_t count, const char *end)
{
	char *text = malloc(count + 1);

	assert_non_null(text);
	memset(text, 'A', count);
	text[count] = '\0';
	memcpy(text + count - strlen(end), end, strlen(end));
	return text;
}

/* From an importer that was taken over: certd must not compute with it, not even to refuse it. */
static void
must_not_add_rsa(size_t which, const char *value)
{
	PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
	struct import_set set = {.key_count = 0};
	char *hex[8];
	const char *numbers[8];
	uint8_t *rsa, *der = NULL;
	int length;

	rsa_numbers(support_pkey(KEY_RSA), hex);
	for (size_t i = 0; i < 8; i++)
		numbers[i] = i == which ? value : hex[i];
	length = (int)rsa_der(numbers, &rsa);
	assert_true(PKCS8_pkey_set0(info, OBJ_nid2obj(NID_rsaEncryption), 0, V_ASN1_NULL, NULL, rsa,
				    length));
	length = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_true(length > 0 && length <= CJ_KEY_MAX);
	PKCS8_PRIV_KEY_INFO_free(info);
	assert_int_equal(import_set_add_key(&set, der, (size_t)length), value == NULL ? 0 : -1);
	import_set_free(&set);
	OPENSSL_free(der);
	for (size_t i = 0; i < 8; i++)
		OPENSSL_free(hex[i]);
}

static void
long_numbers(void **state)
{
	char *number = digits(20000, "1");

	(void)state;
	must_not_add_rsa(8, NULL);
	for (size_t i = 0; i < 8; i++)
		must_not_add_rsa(i, number);
	free(number);
}

static void
bad_rsa(void **state)
{
	char *even = digits(512, "0"), *huge = digits(4096, "1"), *large = digits(32, "1"),
	     *prime = digits(200000, "1");

	(void)state;
	must_refuse_rsa(0, even, "even");
	must_refuse_rsa(0, huge, "16384");
	must_refuse_rsa(1, "1", "exponent is 1");
	must_refuse_rsa(1, "4", "exponent is even");
	must_refuse_rsa(1, large, "exponent is so large");
	must_refuse_rsa(2, "3", "numbers don't belong together");
	must_refuse_rsa(3, "F", "numbers don't belong together");
	/* Not by finding out whether it is prime: that takes days. */
	must_refuse_rsa(3, prime, "numbers don't belong together");
	must_refuse_rsa(4, prime, "numbers don't belong together");
	free(even);
	free(huge);
	free(large);
	free(prime);
}

/* The last byte of the public point of a PKCS#8 P-256 key is its file's last. */
static void
off_the_curve(void **state)
{
	uint8_t *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(support_pkey(KEY_P256));
	int length = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	struct error err;

	(void)state;
	PKCS8_PRIV_KEY_INFO_free(info);
	assert_int_equal(parse(der, (size_t)length, &err), 0);
	der[length - 1] ^= 1;
	must_say(der, (size_t)length, "key");
	assert_int_equal(found.keys, 0);
	OPENSSL_free(der);
}

static void
dsa(void **state)
{
	static const char pem[] =
	    "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n";

	(void)state;
	must_say(pem, sizeof(pem) - 1, "DSA");
}

/*
 * -- Bombs ----------------------------------------------------------------------
 */

/* As the file says that its pass phrase is hashed. */
static void
must_refuse_counts(int bags, int mac, int says)
{
	X509 *x509 = certificate_of(support_pkey(KEY_P256));
	PKCS12 *p12 = PKCS12_create(PHRASE, NULL, support_pkey(KEY_P256), x509, NULL,
				    NID_aes_128_cbc, NID_aes_128_cbc, bags, mac, 0);
	const ASN1_INTEGER *count = NULL;
	BIO *bio = new_bio();
	char *bytes;
	long length;

	PKCS12_get0_mac(NULL, NULL, NULL, &count, p12);
	if (says != 0)
		ASN1_INTEGER_set((ASN1_INTEGER *)(uintptr_t)count, says);
	assert_true(i2d_PKCS12_bio(bio, p12));
	length = BIO_get_mem_data(bio, &bytes);
	must_say(bytes, (size_t)length, "more than 4096 times");
	PKCS12_free(p12);
	X509_free(x509);
	BIO_free(bio);
}

static void
too_many_iterations(void **state)
{
	(void)state;
	found.phrase = PHRASE;
	must_refuse_counts(4097, 1, 0);
	must_refuse_counts(1, 4097, 0);
	/* Together. */
	must_refuse_counts(2000, 2000, 0);
	must_refuse_counts(1, 2, 1000000000);
	must_refuse_counts(1, 2, -1);
}

/* SEQUENCE { OID signedData, [0] ... } a thousand deep, and a constructed string of strings. */
static void
nested(void **state)
{
	uint8_t *der = malloc(40000);
	static const uint8_t tags[] = {0x30, 0xa0, 0x24};

	(void)state;
	assert_non_null(der);
	for (size_t t = 0; t < sizeof(tags); t++) {
		size_t length = 0;

		/* From the outside in, each the length of what is left (two bytes of length). */
		while (length + 4 < 40000) {
			size_t left = 40000 - length - 4;

			der[length++] = tags[t];
			der[length++] = 0x82;
			der[length++] = (uint8_t)(left >> 8);
			der[length++] = (uint8_t)left;
		}
		must_say(der, length, "neither");
	}
	/* Of indefinite length. */
	memset(der, 0x80, 40000);
	for (size_t i = 0; i < 40000; i += 2)
		der[i] = 0x30;
	must_say(der, 40000, "neither");
	free(der);
}

static void
text_without_end(void **state)
{
	size_t length = 4000000;
	char *text = malloc(length);

	(void)state;
	assert_non_null(text);
	memset(text, 'A', length);
	must_say(text, length, "neither");
	for (size_t i = 0; i < length; i += 64)
		text[i] = '\n';
	memcpy(text, "-----BEGIN CERTIFICATE-----\n", 28);
	must_say(text, length, "no END line");
	memset(text, '-', length);
	must_say(text, length, "neither");
	free(text);
}

/*
 * -- Names ----------------------------------------------------------------------
 */

static void
names(void **state)
{
	static const struct {
		const char *file, *name; /* NULL: refused */
	} files[] = {
	    {"bobscert.crt", "bobscert"},
	    {"mail.example.org.pem", "mail.example.org"},
	    {"mail.crt.pem", "mail"},
	    {"MAIL.CER", "MAIL"},
	    {"mail", "mail"},
	    {"mail.example.org", "mail.example.org"},
	    {"www_example_org.p7b", "www_example_org"},
	    {".crt", NULL},
	    {".hidden.crt", NULL},
	    {"-x.crt", NULL},
	    {"a b.crt", NULL},
	    {"..", NULL},
	    {"mail.20261124T181002Z.crt", NULL},
	    {"mail.old", NULL},
	    {"x\xc3\xa4.crt", NULL},
	};
	char name[CERT_NAME_SIZE];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int result = import_name_from_file(files[i].file, name, &err);

		if ((result == 0) != (files[i].name != NULL))
			fail_msg("%s: %s", files[i].file, result == 0 ? name : err.text);
		if (result == 0)
			assert_string_equal(name, files[i].name);
	}
	assert_int_equal(import_name_from_text("*.Example.org", name, &err), 0);
	assert_string_equal(name, "wildcard.example.org");
	assert_int_equal(import_name_from_text("../../etc/passwd", name, &err), 0);
	assert_string_equal(name, "_._.._etc_passwd");
	assert_int_equal(import_name_from_text("", name, &err), -1);
}

/*
 * -- Certificates and chains ----------------------------------------------------
 */

/* A certificate for a P-256 key of its own, signed by ISSUER (NULL: itself). */
struct made {
	EVP_PKEY *pkey;
	X509 *x509;
};

static void
add(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(extension);
	assert_true(X509_add_ext(x509, extension, -1));
	X509_EXTENSION_free(extension);
}

static struct made
make(const char *name, const struct made *issuer, bool authority)
{
	struct made made = {support_new_pkey("EC", 0, "P-256"), X509_new()};
	X509_NAME *subject = X509_get_subject_name(made.x509);
	const struct made *signer = issuer == NULL ? &made : issuer;

	assert_true(X509_set_version(made.x509, X509_VERSION_3));
	assert_true(
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const void *)name, -1, -1, 0));
	assert_true(X509_set_issuer_name(made.x509, X509_get_subject_name(signer->x509)));
	X509_gmtime_adj(X509_getm_notBefore(made.x509), -60);
	X509_gmtime_adj(X509_getm_notAfter(made.x509), 3600);
	assert_true(X509_set_pubkey(made.x509, made.pkey));
	if (authority)
		add(made.x509, NID_basic_constraints, "critical,CA:TRUE");
	else
		add(made.x509, NID_subject_alt_name, "DNS:mail.example.org,IP:192.0.2.1");
	assert_true(X509_sign(made.x509, signer->pkey, EVP_sha256()) > 0);
	return made;
}

static void
put(struct import_set *set, const struct made *made, uint32_t flags)
{
	const struct cj_piece piece = {.flags = flags};
	uint8_t *der = NULL;
	int length = i2d_X509(made->x509, &der);

	assert_int_equal(import_set_add_certificate(set, &piece, der, (size_t)length), 0);
	/* One byte more is none. */
	assert_int_equal(import_set_add_certificate(set, &piece, der, (size_t)length - 1), -1);
	OPENSSL_free(der);
}

static void
made_free(struct made *made)
{
	EVP_PKEY_free(made->pkey);
	X509_free(made->x509);
}

static void
chains(void **state)
{
	struct made root = make("Root", NULL, true), two = make("Two", &root, true),
		    one = make("One", &two, true), leaf = make("mail.example.org", &one, false),
		    other = make("Other", NULL, true);
	struct import_set set = {.key_count = 0};
	struct import_choice choice;
	struct error err;

	(void)state;
	put(&set, &root, 0);
	put(&set, &other, 0);
	put(&set, &two, 0);
	put(&set, &leaf, 0);
	put(&set, &one, 0);
	assert_int_equal(import_choose(&set, leaf.pkey, &choice, &err), 0);
	assert_int_equal(X509_cmp(choice.leaf->x509, leaf.x509), 0);
	assert_int_equal(choice.chain_count, 2);
	assert_int_equal(X509_cmp(choice.chain[0], one.x509), 0);
	assert_int_equal(X509_cmp(choice.chain[1], two.x509), 0);
	assert_int_equal(choice.dropped, 2);
	assert_true(choice.complete && choice.private_root && choice.missing[0] == '\0');
	assert_int_equal(import_choose(&set, NULL, &choice, &err), 0);
	assert_int_equal(X509_cmp(choice.leaf->x509, leaf.x509), 0);
	assert_int_equal(import_choose(&set, support_pkey(KEY_P256), &choice, &err), -1);
	assert_non_null(strstr(err.text, "don't match"));
	import_set_free(&set);

	put(&set, &leaf, 0);
	put(&set, &two, CJ_ANCHORED);
	assert_int_equal(import_choose(&set, leaf.pkey, &choice, &err), 0);
	assert_string_equal(choice.missing, "One");
	assert_int_equal(choice.dropped, 1);
	put(&set, &one, 0);
	assert_int_equal(import_choose(&set, leaf.pkey, &choice, &err), 0);
	assert_true(choice.complete && choice.missing[0] == '\0');
	import_set_free(&set);
	made_free(&root);
	made_free(&two);
	made_free(&one);
	made_free(&leaf);
	made_free(&other);
}

/* Two authorities that signed each other: no end of it but ours. */
static void
circle(void **state)
{
	struct made a = make("A", NULL, true), b = make("B", &a, true),
		    leaf = make("mail.example.org", &b, false);
	struct import_set set = {.key_count = 0};
	struct import_choice choice;
	struct error err;

	(void)state;
	assert_true(X509_set_issuer_name(a.x509, X509_get_subject_name(b.x509)));
	assert_true(X509_sign(a.x509, b.pkey, EVP_sha256()) > 0);
	put(&set, &a, 0);
	put(&set, &b, 0);
	put(&set, &leaf, 0);
	assert_int_equal(import_choose(&set, leaf.pkey, &choice, &err), 0);
	assert_int_equal(choice.chain_count, 2);
	assert_string_equal(choice.missing, "B");
	import_set_free(&set);
	made_free(&a);
	made_free(&b);
	made_free(&leaf);
}

static void
leaves(void **state)
{
	struct made leaf = make("mail.example.org", NULL, false), authority = make("A", NULL, true);
	char text[256];
	struct error err;

	(void)state;
	assert_int_equal(import_check_leaf(leaf.x509, false, &err), 0);
	import_host_names(leaf.x509, text, sizeof(text));
	assert_string_equal(text, "mail.example.org, 192.0.2.1");
	assert_int_equal(import_check_leaf(authority.x509, true, &err), -1);
	X509_gmtime_adj(X509_getm_notBefore(leaf.x509), 60);
	assert_int_equal(import_check_leaf(leaf.x509, false, &err), -1);
	assert_non_null(strstr(err.text, "not valid yet"));
	assert_int_equal(import_check_leaf(leaf.x509, true, &err), 0);
	made_free(&leaf);
	made_free(&authority);
}

/* "mail.example.org\0.evil.example", in the subject and in the subjectAltName. */
static void
nul_in_a_name(void **state)
{
	static const char name[] = "mail.example.org\0.evil.example";
	struct made leaf = make("x", NULL, false), other = make("x", NULL, false);
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();
	X509_EXTENSION *extension;
	struct error err;

	(void)state;
	assert_true(X509_NAME_add_entry_by_NID(X509_get_subject_name(leaf.x509), NID_commonName,
					       V_ASN1_UTF8STRING, (const void *)name,
					       sizeof(name) - 1, -1, 0));
	assert_int_equal(import_check_leaf(leaf.x509, true, &err), -1);
	assert_non_null(strstr(err.text, "NUL"));

	assert_true(ASN1_STRING_set(string, name, sizeof(name) - 1));
	GENERAL_NAME_set0_value(general, GEN_DNS, string);
	sk_GENERAL_NAME_push(list, general);
	extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, list);
	X509_EXTENSION_free(
	    X509_delete_ext(other.x509, X509_get_ext_by_NID(other.x509, NID_subject_alt_name, -1)));
	assert_true(X509_add_ext(other.x509, extension, -1));
	X509_EXTENSION_free(extension);
	GENERAL_NAMES_free(list);
	assert_int_equal(import_check_leaf(other.x509, true, &err), -1);
	assert_non_null(strstr(err.text, "NUL"));
	made_free(&leaf);
	made_free(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole),
	    cmocka_unit_test(truncated),
	    cmocka_unit_test(flipped),
	    cmocka_unit_test(without_a_passphrase),
	    cmocka_unit_test(long_numbers),
	    cmocka_unit_test(bad_rsa),
	    cmocka_unit_test(off_the_curve),
	    cmocka_unit_test(dsa),
	    cmocka_unit_test(too_many_iterations),
	    cmocka_unit_test(nested),
	    cmocka_unit_test(text_without_end),
	    cmocka_unit_test(names),
	    cmocka_unit_test(chains),
	    cmocka_unit_test(circle),
	    cmocka_unit_test(leaves),
	    cmocka_unit_test(nul_in_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
