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

	if (trust != NULL)
		trust->id = id;
	return trust;
}

static void
free_crls(STACK_OF(X509_CRL) * crls)
{
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

static void
free_certificates(STACK_OF(X509) * certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}

void
trust_free(struct trust *trust)
{
	if (trust == NULL)
		return;
	X509_STORE_free(trust->store);
	free_certificates(trust->authorities);
	free_crls(trust->crls);
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

	for (int i = 0; fine && i < sk_X509_num(trust->authorities); i++)
		fine = X509_STORE_add_cert(store, sk_X509_value(trust->authorities, i)) == 1;
	for (int i = 0; fine && i < sk_X509_CRL_num(trust->crls); i++)
		fine = X509_STORE_add_crl(store, sk_X509_CRL_value(trust->crls, i)) == 1;
	if (!fine) {
		X509_STORE_free(store);
		return -1;
	}
	X509_STORE_free(trust->store);
	trust->store = store;
	return 0;
}

int
trust_read_authorities(struct trust *trust, int fd, struct error *err)
{
	STACK_OF(X509) *new = sk_X509_new_null(), *old = trust->authorities;
	char *text;
	BIO *bio = open_file(fd, &text, err);
	int result = bio == NULL || new == NULL ? -1 : 0;
	X509 *one;

	while (result == 0 && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(new, one) <= 0) {
			X509_free(one);
			result = error_set(err, "no memory");
		}
	}
	if (result == 0)
		result = check_end(sk_X509_num(new), "certificate", err);
	BIO_free(bio);
	free(text);
	if (result == 0) {
		trust->authorities = new;
		if (build(trust) == 0) {
			free_certificates(old);
			return sk_X509_num(new);
		}
		trust->authorities = old;
		error_set(err, "no memory");
	}
	free_certificates(new);
	return -1;
}

int
trust_read_crl(struct trust *trust, int fd, struct error *err)
{
	STACK_OF(X509_CRL) *new = sk_X509_CRL_new_null(), *old = trust->crls;
	char *text;
	BIO *bio = open_file(fd, &text, err);
	int result = bio == NULL || new == NULL ? -1 : 0;
	X509_CRL *one;

	while (result == 0 && (one = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_CRL_push(new, one) <= 0) {
			X509_CRL_free(one);
			result = error_set(err, "no memory");
		}
	}
	if (result == 0)
		result = check_end(sk_X509_CRL_num(new), "CRL", err);
	BIO_free(bio);
	free(text);
	if (result == 0) {
		trust->crls = new;
		if (build(trust) == 0) {
			free_crls(old);
			return sk_X509_CRL_num(new);
		}
		trust->crls = old;
		error_set(err, "no memory");
	}
	free_crls(new);
	return -1;
}

bool
trust_names(const struct trust *trust, uint8_t *out, size_t size, size_t *length)
{
	for (int i = 0; i < sk_X509_num(trust->authorities); i++) {
		const X509_NAME *name = X509_get_subject_name(sk_X509_value(trust->authorities, i));
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
trust_check(const struct trust *trust, X509 *leaf, STACK_OF(X509) * chain)
{
	X509_STORE_CTX *ctx;
	const char *why = "out of memory";

	if (trust->store == NULL || trust->authorities == NULL)
		return "there are no authorities for this listener's clients";
	if (trust->needs_crl && trust->crls == NULL)
		return "the CRL of this listener's clients has not been read";
	ctx = X509_STORE_CTX_new();
	if (ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, leaf, chain) == 1) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

		if (trust->crls != NULL)
			flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
		X509_VERIFY_PARAM_set_flags(param, flags);
		X509_VERIFY_PARAM_set_depth(param, (int)trust->depth);
		X509_VERIFY_PARAM_set_auth_level(param, STRENGTH);
		X509_STORE_CTX_set_verify_cb(ctx, on_verify);
		if (X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) == 1) {
			why = NULL;
			if (X509_verify_cert(ctx) != 1)
				why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
		}
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return why;
}
