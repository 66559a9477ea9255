/* SPDX-License-Identifier: ISC */
/*
 * Clients' certificates. A gate does not judge them: it asks for one, with the question of the
 * trust (master/trust.h), and keeps the messages of the handshake as a proof of it (verify/proof.h)
 * that accounts has looked at.
 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "worker/gate/tls_internal.h"

#define RECORD_FIRST 4096
#define CHAIN_MAX 32768L /* bytes of a client's Certificate message */

struct tls_question {
	LIST_ENTRY(tls_question) entry;
	uint32_t trust;
	STACK_OF(X509_NAME) * names;
};

/* What went over the connection so far. */
struct tls_record {
	uint32_t trust;
	bool complete; /* up to the client's CertificateVerify */
	bool lost;     /* it does not fit, or there was no memory */
	size_t length;
	size_t size;
	uint8_t *bytes;
};

/*
 * -- Questions ------------------------------------------------------------------
 */

static void
question_free(struct tls_question *question)
{
	sk_X509_NAME_pop_free(question->names, X509_NAME_free);
	free(question);
}

static const struct tls_question *
find_question(const struct tls_context *context, uint32_t trust)
{
	const struct tls_question *question;

	LIST_FOREACH (question, &context->questions, entry) {
		/* cppcheck-suppress uninitvar ; set by LIST_FOREACH */
		if (question->trust == trust)
			return question;
	}
	return NULL;
}

/* NULL: they are none, or there is no memory. */
static STACK_OF(X509_NAME) * parse_names(const char *bytes, size_t length)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
	bool good = names != NULL && length > 0;

	while (good && at < end) {
		X509_NAME *name = d2i_X509_NAME(NULL, &at, end - at);

		good = name != NULL && sk_X509_NAME_push(names, name) > 0;
		if (!good)
			X509_NAME_free(name);
	}
	ERR_clear_error();
	if (good)
		return names;
	sk_X509_NAME_pop_free(names, X509_NAME_free);
	return NULL;
}

int
tls_context_set_question(struct tls_context *context, uint32_t trust, const char *names,
			 size_t length)
{
	struct tls_question *question = calloc(1, sizeof(*question)), *old, *next;

	if (question == NULL)
		return -1;
	question->trust = trust;
	question->names = parse_names(names, length);
	if (question->names == NULL) {
		free(question);
		return -1;
	}
	LIST_FOREACH_SAFE (old, &context->questions, entry, next) {
		if (old->trust != trust)
			continue;
		LIST_REMOVE(old, entry);
		question_free(old);
	}
	LIST_INSERT_HEAD(&context->questions, question, entry);
	return 0;
}

bool
tls_context_has_question(const struct tls_context *context, uint32_t trust)
{
	return find_question(context, trust) != NULL;
}

void
tls_questions_free(struct tls_context *context)
{
	struct tls_question *question;

	while ((question = LIST_FIRST(&context->questions)) != NULL) {
		LIST_REMOVE(question, entry);
		question_free(question);
	}
}

/*
 * -- The record -----------------------------------------------------------------
 */

void
tls_record_free(struct tls *tls)
{
	if (tls->record != NULL)
		free(tls->record->bytes);
	free(tls->record);
	tls->record = NULL;
}

static bool
make_room(struct tls_record *record, size_t length)
{
	size_t size = record->size == 0 ? RECORD_FIRST : record->size;
	uint8_t *grown;

	if (length > PROOF_MAX - record->length)
		return false;
	while (size < record->length + length)
		size *= 2;
	if (size == record->size)
		return true;
	grown = realloc(record->bytes, size);
	if (grown == NULL)
		return false;
	record->bytes = grown;
	record->size = size;
	return true;
}

/* Whole messages, each with its header, in the order in which they go into the transcript. */
static void
on_message(int out, int version, int type, const void *bytes, size_t length, SSL *ssl, void *arg)
{
	struct tls_record *record = ((struct tls *)arg)->record;

	(void)version;
	(void)ssl;
	if (type != SSL3_RT_HANDSHAKE || record == NULL || record->complete || record->lost ||
	    length == 0)
		return;
	if (!make_room(record, length)) {
		record->lost = true;
		return;
	}
	memcpy(record->bytes + record->length, bytes, length);
	record->length += length;
	record->complete = out == 0 && *(const uint8_t *)bytes == SSL3_MT_CERTIFICATE_VERIFY;
}

/* Who it is, the verifier says, later. */
static int
accept_any(X509_STORE_CTX *ctx, void *arg)
{
	(void)ctx;
	(void)arg;
	return 1;
}

void
tls_clients_set_callbacks(SSL_CTX *ctx)
{
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
}

static STACK_OF(X509_NAME) * copy_names(const STACK_OF(X509_NAME) * names)
{
	STACK_OF(X509_NAME) *copy = sk_X509_NAME_new_null();

	for (int i = 0; copy != NULL && i < sk_X509_NAME_num(names); i++) {
		X509_NAME *name = X509_NAME_dup(sk_X509_NAME_value(names, i));

		if (name != NULL && sk_X509_NAME_push(copy, name) > 0)
			continue;
		X509_NAME_free(name);
		sk_X509_NAME_pop_free(copy, X509_NAME_free);
		return NULL;
	}
	return copy;
}

int
tls_ask_client(struct tls *tls, uint32_t trust, bool require, struct error *err)
{
	const struct tls_question *question = find_question(tls->context, trust);
	STACK_OF(X509_NAME) * names;

	if (question == NULL)
		return error_set(err, "how to ask clients for certificates is not known: the "
				      "verifier, or accounts, is not there");
	names = copy_names(question->names);
	tls->record = calloc(1, sizeof(*tls->record));
	if (names == NULL || tls->record == NULL) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return error_set(err, "TLS: no memory");
	}
	tls->record->trust = trust;
	SSL_set0_CA_list(tls->ssl, names);
	SSL_set_verify(tls->ssl, SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		       NULL);
	/* A resumed session has no signature of the client's: none is taken, none is given. */
	SSL_set_options(tls->ssl, SSL_OP_NO_TICKET);
	SSL_set_num_tickets(tls->ssl, 0);
	SSL_set_msg_callback(tls->ssl, on_message);
	SSL_set_msg_callback_arg(tls->ssl, tls);
	return 0;
}

void
tls_record_settle(struct tls *tls)
{
	if (tls->record == NULL)
		return;
	SSL_set_msg_callback(tls->ssl, NULL);
	if (!tls->record->complete)
		tls_record_free(tls);
}

const uint8_t *
tls_proof(const struct tls *tls, size_t *length)
{
	if (tls->state != TLS_STATE_OPEN || tls->record == NULL)
		return NULL;
	*length = tls->record->length;
	return tls->record->bytes;
}

uint32_t
tls_trust(const struct tls *tls)
{
	return tls->record == NULL ? 0 : tls->record->trust;
}
