/* SPDX-License-Identifier: ISC */
/* Which certificates a client is shown: by the listener, and by the name the client asks for. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/tls_internal.h"
#include "worker/gate/tls_names.h"

#define SECURITY_LEVEL_WEAK 1 /* SSL_CTX_set_security_level(3): RSA from 1024 bits on */

static enum name_match
best_match(const struct certificate *certificate, const char *host)
{
	enum name_match best = NAME_DIFFERS;

	for (char **name = certificate->host_names; *name != NULL; name++) {
		enum name_match match = name_matches(*name, host);

		if (match > best)
			best = match;
	}
	return best;
}

static bool
may_present(const struct mg_choice *choice, const struct certificate *certificate)
{
	return !certificate->weak || choice->weak;
}

/* How well a certificate is for a host: the more, the better; 0: not at all. */
static int
rank(const struct certificate *certificate, const char *host)
{
	switch (best_match(certificate, host)) {
	case NAME_EQUAL:
		return certificate->self_signed ? 3 : 4;
	case NAME_BY_WILDCARD:
		return certificate->self_signed ? 1 : 2;
	case NAME_DIFFERS:
		break;
	}
	return 0;
}

/* Among equals of a kind the one that is valid for longest, which is the one renewed last. */
static bool
outlives(const struct certificate *a, const struct certificate *b)
{
	return ASN1_TIME_compare(X509_get0_notAfter(sk_X509_value(a->chain, 0)),
				 X509_get0_notAfter(sk_X509_value(b->chain, 0))) > 0;
}

static struct certificate **
member_of_kind(struct certificate_set *set, enum certificate_kind kind)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->member[i]->kind == kind)
			return &set->member[i];
	}
	return NULL;
}

/*
 * Adds one that ranks as *BEST, or begins anew with one that ranks higher. An authority's
 * certificate isn't mixed with a self-signed one, nor an exact name with a wildcard: which of them
 * a client sees would depend on its schemes.
 */
static void
consider(struct certificate_set *set, struct certificate *certificate, int ranked, int *best,
	 bool by_age)
{
	struct certificate **member;

	if (ranked == 0 || ranked < *best)
		return;
	if (ranked > *best)
		set->count = 0;
	*best = ranked;
	member = member_of_kind(set, certificate->kind);
	if (member == NULL)
		set->member[set->count++] = certificate;
	else if (by_age && outlives(certificate, *member))
		*member = certificate;
}

/* Of all certificates those for HOST. */
static bool
all_for_host(struct tls_context *context, const struct mg_choice *choice, const char *host,
	     struct certificate_set *set)
{
	struct certificate *certificate;
	int best = 0;

	set->count = 0;
	TAILQ_FOREACH (certificate, &context->certificates, entry) {
		/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH */
		if (may_present(choice, certificate))
			consider(set, certificate, rank(certificate, host), &best, true);
	}
	return set->count > 0;
}

/* Of the listener's own those for HOST. The order of the configuration decides among equals. */
static bool
own_for_host(struct tls_context *context, const struct mg_choice *choice, const char *host,
	     struct certificate_set *set)
{
	int best = 0;

	set->count = 0;
	for (size_t i = 0; i < choice->count; i++) {
		struct certificate *certificate = certificate_find(context, choice->names[i]);

		if (certificate != NULL && may_present(choice, certificate))
			consider(set, certificate, rank(certificate, host), &best, false);
	}
	return set->count > 0;
}

/* The first that is named, and those of other kinds that stand for the same name. */
static bool
own(struct tls_context *context, const struct mg_choice *choice, struct certificate_set *set)
{
	set->count = 0;
	for (size_t i = 0; i < choice->count; i++) {
		struct certificate *certificate = certificate_find(context, choice->names[i]);
		const char *first;

		if (certificate == NULL || !may_present(choice, certificate) ||
		    member_of_kind(set, certificate->kind) != NULL)
			continue;
		first = set->count == 0 ? NULL : set->member[0]->host_names[0];
		if (set->count == 0 ||
		    (first != NULL && best_match(certificate, first) != NAME_DIFFERS))
			set->member[set->count++] = certificate;
	}
	return set->count > 0;
}

/* Nothing is named: what stands for the host's own name, else what is called so, else the only one.
 */
static bool
unnamed(struct tls_context *context, const struct mg_choice *choice, struct certificate_set *set)
{
	struct certificate *found;

	if (all_for_host(context, choice, context->hostname, set))
		return true;
	found = certificate_find(context, context->hostname);
	if (found == NULL) {
		found = TAILQ_FIRST(&context->certificates);
		if (found != NULL && TAILQ_NEXT(found, entry) != NULL)
			found = NULL;
	}
	if (found == NULL || !may_present(choice, found))
		return false;
	set->member[set->count++] = found;
	return true;
}

static bool
listeners_own(struct tls_context *context, const struct mg_choice *choice,
	      struct certificate_set *set)
{
	return choice->count > 0 ? own(context, choice, set) : unnamed(context, choice, set);
}

static bool
speaks_for(const struct certificate_set *set, const char *host)
{
	for (size_t i = 0; i < set->count; i++) {
		if (best_match(set->member[i], host) != NAME_DIFFERS)
			return true;
	}
	return false;
}

bool
choose(struct tls_context *context, const struct mg_choice *choice, const char *host,
       struct certificate_set *set, bool *known)
{
	bool any = choice->sni == SNI_ANY || choice->sni == SNI_STRICT;

	*known = false;
	if (host == NULL)
		return listeners_own(context, choice, set);
	*known = own_for_host(context, choice, host, set) ||
		 (any && all_for_host(context, choice, host, set));
	if (*known)
		return true;
	if (!listeners_own(context, choice, set))
		return false;
	/* Unnamed ones were not looked at yet. */
	*known = speaks_for(set, host);
	return *known || choice->sni == SNI_ANY || choice->sni == SNI_OWN;
}

/* Why OpenSSL doesn't take it, in OpenSSL's words. */
static int
openssl_error(struct error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	error_set(err, "%s: %s", what, reason == NULL ? "refused by OpenSSL" : reason);
	ERR_clear_error();
	return -1;
}

/* OpenSSL keeps a certificate, chain and key for each kind; "current" is the one set last. */
static int
add_certificate(SSL_CTX *ctx, const struct certificate *certificate, struct error *err)
{
	if (certificate->weak)
		SSL_CTX_set_security_level(ctx, SECURITY_LEVEL_WEAK);
	if (SSL_CTX_use_certificate(ctx, sk_X509_value(certificate->chain, 0)) != 1)
		return openssl_error(err, "certificate");
	for (int i = 1; i < sk_X509_num(certificate->chain); i++) {
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(certificate->chain, i)) != 1)
			return openssl_error(err, "chain");
	}
	return SSL_CTX_use_PrivateKey(ctx, certificate->pkey) == 1 ? 0 : openssl_error(err, "key");
}

static struct set_ctx *
set_ctx_new(struct tls_context *context, const struct certificate_set *set, struct error *err)
{
	struct set_ctx *made = calloc(1, sizeof(*made));
	int result = 0;

	if (made == NULL) {
		error_set(err, "no memory");
		return NULL;
	}
	made->set = *set;
	made->ssl_ctx = tls_settings_new_ctx(context, err);
	for (size_t i = 0; made->ssl_ctx != NULL && result == 0 && i < set->count; i++)
		result = add_certificate(made->ssl_ctx, set->member[i], err);
	if (made->ssl_ctx == NULL || result == -1) {
		SSL_CTX_free(made->ssl_ctx);
		free(made);
		return NULL;
	}
	TAILQ_INSERT_HEAD(&context->set_ctxs, made, entry);
	return made;
}

static bool
same_set(const struct certificate_set *a, const struct certificate_set *b)
{
	/* cppcheck-suppress ctuuninitvar ; set by TAILQ_FOREACH */
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->member[i] != b->member[i])
			return false;
	}
	return true;
}

SSL_CTX *
choice_ctx(struct tls_context *context, const struct certificate_set *set, struct error *err)
{
	struct set_ctx *found;

	TAILQ_FOREACH (found, &context->set_ctxs, entry) {
		if (same_set(&found->set, set))
			/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH */
			return found->ssl_ctx;
	}
	found = set_ctx_new(context, set, err);
	return found == NULL ? NULL : found->ssl_ctx;
}

static bool
has_member(const struct certificate_set *set, const struct certificate *certificate)
{
	/* cppcheck-suppress [uninitvar, ctuuninitvar] ; set by TAILQ_FOREACH */
	for (size_t i = 0; i < set->count; i++) {
		if (set->member[i] == certificate)
			return true;
	}
	return false;
}

void
choice_forget(struct tls_context *context, const struct certificate *certificate)
{
	struct set_ctx *found, *next;

	TAILQ_FOREACH_SAFE (found, &context->set_ctxs, entry, next) {
		/* cppcheck-suppress uninitvar ; set by TAILQ_FOREACH */
		if (certificate != NULL && !has_member(&found->set, certificate))
			continue;
		TAILQ_REMOVE(&context->set_ctxs, found, entry);
		SSL_CTX_free(found->ssl_ctx);
		free(found);
	}
}
