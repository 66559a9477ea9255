/* SPDX-License-Identifier: ISC */
#include "certd/chain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certd/facts.h"
#include "certd/key.h"

#define CHAIN_MAX 200 /* certificates of one file */
#define LEVEL 2       /* 112 bits: RSA 2048, no SHA-1 */

struct authorities {
	X509_STORE *store;
	STACK_OF(X509_NAME) * wanted;
};

void
chain_free(STACK_OF(X509) * chain)
{
	sk_X509_pop_free(chain, X509_free);
}

static bool
push(STACK_OF(X509) * chain, X509 *certificate)
{
	if (chain != NULL && sk_X509_num(chain) < CHAIN_MAX && sk_X509_push(chain, certificate) > 0)
		return true;
	X509_free(certificate);
	return false;
}

/* CHAIN if it is WHOLE and has any. */
static STACK_OF(X509) * finish(STACK_OF(X509) * chain, bool whole, struct error *err)
{
	ERR_clear_error();
	if (whole && sk_X509_num(chain) > 0)
		return chain;
	chain_free(chain);
	error_set(err, "%s", whole ? "no certificate in it" : "a certificate can't be read");
	return NULL;
}

STACK_OF(X509) * chain_from_der(const void *bytes, size_t length, struct error *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	const unsigned char *at = bytes, *end = at + length;
	bool whole = chain != NULL;

	while (whole && at < end) {
		X509 *certificate = d2i_X509(NULL, &at, end - at);

		whole = certificate != NULL && push(chain, certificate);
	}
	return finish(chain, whole, err);
}

STACK_OF(X509) * chain_from_pem(const void *bytes, size_t length, struct error *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(bytes, (int)length);
	bool whole = chain != NULL && bio != NULL;
	X509 *certificate;

	while (whole &&
	       (certificate = PEM_read_bio_X509(bio, NULL, key_no_passphrase, NULL)) != NULL)
		whole = push(chain, certificate);
	/* The end of the file, not of our understanding. */
	whole = whole && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(bio);
	return finish(chain, whole, err);
}

struct authorities *
authorities_new(void)
{
	struct authorities *authorities = calloc(1, sizeof(*authorities));

	if (authorities == NULL)
		return NULL;
	authorities->store = X509_STORE_new();
	authorities->wanted = sk_X509_NAME_new_null();
	if (authorities->store != NULL && authorities->wanted != NULL)
		return authorities;
	authorities_free(authorities);
	return NULL;
}

void
authorities_free(struct authorities *authorities)
{
	if (authorities == NULL)
		return;
	X509_STORE_free(authorities->store);
	sk_X509_NAME_pop_free(authorities->wanted, X509_NAME_free);
	free(authorities);
}

int
authorities_want(struct authorities *authorities, STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509_NAME *name = X509_NAME_dup(X509_get_issuer_name(sk_X509_value(chain, i)));

		if (name == NULL || sk_X509_NAME_push(authorities->wanted, name) <= 0) {
			X509_NAME_free(name);
			return -1;
		}
	}
	return 0;
}

static bool
is_wanted(const struct authorities *authorities, const X509 *authority)
{
	for (int i = 0; i < sk_X509_NAME_num(authorities->wanted); i++) {
		if (X509_NAME_cmp(sk_X509_NAME_value(authorities->wanted, i),
				  X509_get_subject_name(authority)) == 0)
			return true;
	}
	return false;
}

/* The whole file; *LENGTH is set. NULL with ERR filled. */
static char *
read_file(int fd, size_t *length, struct error *err)
{
	struct stat st;
	char *bytes;
	ssize_t n = 0;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size > AUTHORITIES_MAX) {
		error_set(err, "the authorities: not a regular file of %u bytes at most",
			  AUTHORITIES_MAX);
		return NULL;
	}
	if ((bytes = malloc((size_t)st.st_size + 1)) == NULL) {
		error_errno(err, "the authorities");
		return NULL;
	}
	*length = 0;
	while (*length < (size_t)st.st_size) {
		n = read(fd, bytes + *length, (size_t)st.st_size - *length);
		if (n == 0 || (n == -1 && errno != EINTR))
			break;
		*length += n > 0 ? (size_t)n : 0;
	}
	if (n != -1)
		return bytes;
	error_errno(err, "reading the authorities");
	free(bytes);
	return NULL;
}

int
authorities_read(struct authorities *authorities, int fd, struct error *err)
{
	size_t length, count = 0;
	char *bytes = read_file(fd, &length, err);
	X509 *authority;
	BIO *bio;
	int result = 0;

	if (bytes == NULL)
		return -1;
	bio = BIO_new_mem_buf(bytes, (int)length);
	while (result == 0 && bio != NULL &&
	       (authority = PEM_read_bio_X509_AUX(bio, NULL, key_no_passphrase, NULL)) != NULL) {
		count++;
		if (is_wanted(authorities, authority) &&
		    X509_STORE_add_cert(authorities->store, authority) != 1)
			result = error_set(err, "the authorities: no memory");
		X509_free(authority);
	}
	if (result == 0 && (bio == NULL || count == 0 ||
			    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		result = error_set(err, "the authorities: %s",
				   count == 0 ? "no PEM certificate in it"
					      : "the file is broken, or truncated");
	BIO_free(bio);
	free(bytes);
	ERR_clear_error();
	return result;
}

static enum cert_problem
problem_of(int error, int depth)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return depth == 0 ? CERT_EXPIRED : CERT_CHAIN_DATES;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return depth == 0 ? CERT_NOT_YET_VALID : CERT_CHAIN_DATES;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return CERT_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return CERT_UNKNOWN_AUTHORITY;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return CERT_MISSING_ISSUER;
	case X509_V_ERR_INVALID_PURPOSE:
		return CERT_PURPOSE;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
		return CERT_WEAK_KEY;
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return CERT_WEAK_CHAIN;
	default:
		return CERT_OTHER_PROBLEM;
	}
}

/* Notes each problem, and goes on to find the next. */
static int
on_verified(int ok, X509_STORE_CTX *context)
{
	struct cc_facts *facts = X509_STORE_CTX_get_ex_data(context, 0);
	int error = X509_STORE_CTX_get_error(context);
	X509 *current = X509_STORE_CTX_get_current_cert(context);
	enum cert_problem problem;

	if (ok == 1)
		return 1;
	problem = problem_of(error, X509_STORE_CTX_get_error_depth(context));
	if (problem == CERT_MISSING_ISSUER && (facts->problems & CERT_MISSING_ISSUER) == 0 &&
	    current != NULL)
		facts_short_name(X509_get_issuer_name(current), facts->detail,
				 sizeof(facts->detail));
	else if (problem == CERT_OTHER_PROBLEM && facts->detail[0] == '\0')
		strlcpy(facts->detail, X509_verify_cert_error_string(error), sizeof(facts->detail));
	facts->problems |= problem;
	return 1;
}

void
chain_check(STACK_OF(X509) * chain, const struct authorities *authorities, int64_t now,
	    struct cc_facts *facts)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *parameters;

	facts->problems = 0;
	facts->detail[0] = '\0';
	facts->flags |= CERT_FLAG_CHECKED;
	if (context != NULL &&
	    X509_STORE_CTX_init(context, authorities->store, sk_X509_value(chain, 0), chain) == 1) {
		parameters = X509_STORE_CTX_get0_param(context);
		X509_VERIFY_PARAM_set_time(parameters, (time_t)now);
		X509_VERIFY_PARAM_set_auth_level(parameters, LEVEL);
		(void)X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
		(void)X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
		(void)X509_STORE_CTX_set_ex_data(context, 0, facts);
		X509_STORE_CTX_set_verify_cb(context, on_verified);
		if (X509_verify_cert(context) == 1 || facts->problems != 0)
			goto done;
	}
	facts->problems |= CERT_OTHER_PROBLEM;
	strlcpy(facts->detail, "it could not be checked", sizeof(facts->detail));
done:
	X509_STORE_CTX_free(context);
	ERR_clear_error();
}
