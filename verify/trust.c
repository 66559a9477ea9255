/* SPDX-License-Identifier: ISC */
#include "verify/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/proto/master_verify.h"

#define READ_FIRST 16384
/* SSL_CTX_set_security_level(3), 112 bits: RSA from 2048 bits on, no SHA-1. */
#define STRENGTH 2

struct trust *
trust_new(uint32_t id)
{
	struct trust *trust = calloc(1, sizeof(*trust));

	if (trust == NULL)
		return NULL;
	trust->id = id;
	for (size_t i = 0; i < TRUST_KINDS; i++)
		trust->early[i] = -1;
	return trust;
}

static void *
read_certificate(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

static void *
read_crl(BIO *bio)
{
	return PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
}

static void
free_certificate(void *certificate)
{
	X509_free(certificate);
}

static void
free_crl(void *crl)
{
	X509_CRL_free(crl);
}

static int
add_certificate(X509_STORE *store, void *certificate)
{
	return X509_STORE_add_cert(store, certificate);
}

static int
add_crl(X509_STORE *store, void *crl)
{
	return X509_STORE_add_crl(store, crl);
}

static const struct kind {
	const char *what;
	void *(*read)(BIO *); /* the next one of a file; NULL: see check_end() */
	void (*free)(void *);
	int (*add)(X509_STORE *, void *);
} kinds[TRUST_KINDS] = {
    [TRUST_AUTHORITIES] = {"certificate", read_certificate, free_certificate, add_certificate},
    [TRUST_CRLS] = {"CRL", read_crl, free_crl, add_crl},
};

void
trust_free(struct trust *trust)
{
	if (trust == NULL)
		return;
	X509_STORE_free(trust->store);
	for (size_t i = 0; i < TRUST_KINDS; i++) {
		OPENSSL_sk_pop_free(trust->items[i], kinds[i].free);
		if (trust->early[i] != -1)
			close(trust->early[i]);
	}
	free(trust);
}

/* All of FD in a block, *LENGTH bytes; NULL with ERR filled. Without fstat(2), see accounts_file.c.
 */
static char *
read_whole(int fd, size_t *length, struct error *err)
{
	size_t size = 0;
	char *text = NULL;
	ssize_t n = 1;

	*length = 0;
	while (n > 0 && *length <= AUTHORITIES_FILE_MAX) {
		if (*length == size) {
			size_t more = size == 0 ? READ_FIRST : size * 2;
			char *grown = realloc(text, more);

			if (grown == NULL) {
				n = -1;
				break;
			}
			text = grown;
			size = more;
		}
		do
			n = pread(fd, text + *length, size - *length, (off_t)*length);
		while (n == -1 && errno == EINTR);
		*length += n > 0 ? (size_t)n : 0;
	}
	if (n == 0)
		return text;
	if (n > 0)
		error_set(err, "longer than %u bytes", AUTHORITIES_FILE_MAX);
	else
		error_errno(err, "reading");
	free(text);
	return NULL;
}

static BIO *
open_file(int fd, char **text, struct error *err)
{
	size_t length;
	BIO *bio;

	*text = read_whole(fd, &length, err);
	if (*text == NULL)
		return NULL;
	bio = BIO_new_mem_buf(*text, (int)length);
	if (bio == NULL)
		error_set(err, "no memory");
	return bio;
}

/* After the last item OpenSSL says that there is no start line; everything else is a mistake. */
static int
check_end(int count, const char *what, struct error *err)
{
	unsigned long code = ERR_peek_last_error();
	bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	if (!end)
		return error_set(err, "%s number %d can't be read: %s", what, count + 1,
				 reason == NULL ? "no reason given" : reason);
	if (count == 0)
		return error_set(err, "there is no %s (PEM) in it", what);
	return 0;
}

/* A new store of what there is. Returns 0, or -1 without memory. */
static int
build(struct trust *trust)
{
	X509_STORE *store = X509_STORE_new();
	bool fine = store != NULL;

	for (size_t kind = 0; kind < TRUST_KINDS; kind++) {
		for (int i = 0; fine && i < OPENSSL_sk_num(trust->items[kind]); i++)
			fine = kinds[kind].add(store, OPENSSL_sk_value(trust->items[kind], i)) == 1;
	}
	if (!fine) {
		X509_STORE_free(store);
		return -1;
	}
	X509_STORE_free(trust->store);
	trust->store = store;
	return 0;
}

/* All that is in the file; NULL with ERR filled. */
static OPENSSL_STACK *
read_items(const struct kind *kind, int fd, struct error *err)
{
	OPENSSL_STACK *items = OPENSSL_sk_new_null();
	char *text;
	BIO *bio = open_file(fd, &text, err);
	int result = bio == NULL ? -1 : 0;
	void *one;

	if (items == NULL)
		result = error_set(err, "no memory");
	while (result == 0 && (one = kind->read(bio)) != NULL) {
		if (OPENSSL_sk_push(items, one) <= 0) {
			kind->free(one);
			result = error_set(err, "no memory");
		}
	}
	if (result == 0)
		result = check_end(OPENSSL_sk_num(items), kind->what, err);
	BIO_free(bio);
	free(text);
	if (result == 0)
		return items;
	OPENSSL_sk_pop_free(items, kind->free);
	return NULL;
}

int
trust_read(struct trust *trust, enum trust_kind kind, int fd, struct error *err)
{
	OPENSSL_STACK *old = trust->items[kind], *new = read_items(&kinds[kind], fd, err);

	if (new == NULL)
		return -1;
	trust->items[kind] = new;
	if (build(trust) == 0) {
		OPENSSL_sk_pop_free(old, kinds[kind].free);
		return OPENSSL_sk_num(new);
	}
	trust->items[kind] = old;
	OPENSSL_sk_pop_free(new, kinds[kind].free);
	return error_set(err, "no memory");
}

bool
trust_names(const struct trust *trust, uint8_t *out, size_t size, size_t *length)
{
	const OPENSSL_STACK *authorities = trust->items[TRUST_AUTHORITIES];

	for (int i = 0; i < OPENSSL_sk_num(authorities); i++) {
		const X509_NAME *name = X509_get_subject_name(OPENSSL_sk_value(authorities, i));
		int needed = i2d_X509_NAME(name, NULL);
		unsigned char *at = out + *length;

		if (needed <= 0 || (size_t)needed > size - *length)
			return false;
		*length += (size_t)i2d_X509_NAME(name, &at);
	}
	return true;
}

/* A CRL is wanted of whoever issued the client's certificate, and used of the others if it is
 * there. */
static int
on_verify(int ok, X509_STORE_CTX *ctx)
{
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok == 0 && error == X509_V_ERR_UNABLE_TO_GET_CRL &&
	    X509_STORE_CTX_get_error_depth(ctx) > 0) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return ok;
}

const char *
trust_check(const struct trust *trust, X509 *leaf, STACK_OF(X509) * chain, bool *later)
{
	X509_STORE_CTX *ctx;
	const char *why = "out of memory";

	*later = true;
	if (trust->store == NULL || trust->items[TRUST_AUTHORITIES] == NULL)
		return "there are no authorities for this listener's clients";
	if (trust->needs_crl && trust->items[TRUST_CRLS] == NULL)
		return "the CRL of this listener's clients has not been read";
	ctx = X509_STORE_CTX_new();
	if (ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, leaf, chain) == 1) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

		if (trust->items[TRUST_CRLS] != NULL)
			flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
		X509_VERIFY_PARAM_set_flags(param, flags);
		X509_VERIFY_PARAM_set_depth(param, (int)trust->depth);
		X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
		X509_STORE_CTX_set_verify_cb(ctx, on_verify);
		if (X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) == 1) {
			int error = X509_V_OK;

			if (X509_verify_cert(ctx) != 1)
				error = X509_STORE_CTX_get_error(ctx);
			why = error == X509_V_OK ? NULL : X509_verify_cert_error_string(error);
			*later = error == X509_V_ERR_OUT_OF_MEM;
		}
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return why;
}
