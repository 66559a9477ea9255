/* SPDX-License-Identifier: ISC */
#include "certd/pack.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "certd/key.h"

void
packed_free(struct packed *packed)
{
	OPENSSL_secure_clear_free(packed->bytes, packed->length);
	*packed = (struct packed){NULL, 0};
}

/* Copies what BIO has; BIO may be NULL. */
static int
take(BIO *bio, struct packed *packed)
{
	char *bytes;
	long length = bio == NULL ? 0 : BIO_get_mem_data(bio, &bytes);

	*packed = (struct packed){NULL, 0};
	if (length <= 0 || (packed->bytes = OPENSSL_secure_malloc((size_t)length)) == NULL)
		return 0;
	memcpy(packed->bytes, bytes, (size_t)length);
	packed->length = (size_t)length;
	return 1;
}

/* All certificates of the chain, or NULL. */
static STACK_OF(X509) * read_chain(const struct der_chain *chain)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	const unsigned char *at = chain->bytes, *end = at + chain->length;

	while (list != NULL && at < end) {
		X509 *one = d2i_X509(NULL, &at, end - at);

		if (one == NULL || sk_X509_push(list, one) <= 0) {
			X509_free(one);
			sk_X509_pop_free(list, X509_free);
			list = NULL;
		}
	}
	return list;
}

int
pack_chain(const struct der_chain *chain, struct packed *packed, struct error *err)
{
	STACK_OF(X509) *list = read_chain(chain);
	BIO *bio = BIO_new(BIO_s_mem());
	int done = list != NULL && bio != NULL;

	for (int i = 0; done && i < sk_X509_num(list); i++)
		done = PEM_write_bio_X509(bio, sk_X509_value(list, i));
	done = done && take(bio, packed);
	BIO_free(bio);
	sk_X509_pop_free(list, X509_free);
	return done ? 0 : key_library_error(err, "writing the certificates");
}

static int
write_encrypted(BIO *bio, EVP_PKEY *pkey, const char *passphrase)
{
	PKCS8_PRIV_KEY_INFO *clear = EVP_PKEY2PKCS8(pkey);
	X509_ALGOR *scheme = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PACK_ITERATIONS, NULL, 0, NULL,
					       NID_hmacWithSHA256);
	X509_SIG *sealed = NULL;
	int done;

	if (clear != NULL && scheme != NULL)
		sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), clear, scheme);
	if (sealed == NULL)
		X509_ALGOR_free(scheme); /* else it has become part of it */
	done = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed);
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(clear);
	return done;
}

int
pack_key(EVP_PKEY *pkey, const char *passphrase, struct packed *packed, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int done = bio != NULL;

	if (done && passphrase != NULL)
		done = write_encrypted(bio, pkey, passphrase);
	else if (done)
		done = PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
	done = done && take(bio, packed);
	BIO_free(bio);
	return done ? 0 : key_library_error(err, "writing the private key");
}

static const struct {
	int scheme;
	const EVP_MD *(*digest)(void);
} ciphers[] = {
    [PACK_AES] = {NID_aes_256_cbc, EVP_sha256},
    [PACK_LEGACY] = {NID_pbe_WithSHA1And3_Key_TripleDES_CBC, EVP_sha1},
};

int
pack_pkcs12(EVP_PKEY *pkey, const struct der_chain *chain, const char *label,
	    const char *passphrase, enum pack_cipher cipher, struct packed *packed,
	    struct error *err)
{
	STACK_OF(X509) *list = read_chain(chain);
	X509 *leaf = list == NULL ? NULL : sk_X509_shift(list);
	BIO *bio = BIO_new(BIO_s_mem());
	int scheme = ciphers[cipher].scheme;
	PKCS12 *file = NULL;
	int done;

	/* Without a MAC at first: which digest it has, PKCS12_create() does not let us say. */
	if (leaf != NULL)
		file = PKCS12_create(passphrase, label, pkey, leaf, list, scheme, scheme,
				     PACK_ITERATIONS, -1, 0);
	done = file != NULL && bio != NULL &&
	       PKCS12_set_mac(file, passphrase, -1, NULL, 0, PACK_ITERATIONS,
			      ciphers[cipher].digest()) == 1 &&
	       i2d_PKCS12_bio(bio, file) == 1 && take(bio, packed);
	PKCS12_free(file);
	BIO_free(bio);
	X509_free(leaf);
	sk_X509_pop_free(list, X509_free);
	return done ? 0 : key_library_error(err, "writing the PKCS#12 file");
}
