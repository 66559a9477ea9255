/* SPDX-License-Identifier: ISC */
/*
 * What the files behind tls.h share:
 *
 *   tls.c               a connection
 *   tls_context.c       the library context, what all connections have in common
 *   tls_settings.c      what an SSL_CTX allows: versions, ciphers, groups
 *   tls_certificate.c   certificates that came from certd
 *   tls_choice.c        the choice among them
 *   tls_hello.c         callbacks during the handshake: SNI, ALPN, tickets
 *   tls_clients.c       clients' certificates: the question, and the record of the handshake
 *   tls_channel.c       the channel to certd
 */
#ifndef POSTERN_WORKER_GATE_TLS_INTERNAL_H
#define POSTERN_WORKER_GATE_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/ipc.h"
#include "common/proto/gate_certd.h"
#include "worker/gate/tls.h"
#include "worker/tls/key.h"

/* OpenSSL holds one certificate of each in an SSL_CTX. */
enum certificate_kind { CERTIFICATE_RSA, CERTIFICATE_EC, CERTIFICATE_ED25519, CERTIFICATE_KINDS };

/* A chain and what goes with it. Never changes; a new chain is a new one of these. */
struct certificate {
	TAILQ_ENTRY(certificate) entry;
	char name[CERT_NAME_SIZE];
	struct certd_key *key;
	STACK_OF(X509) * chain; /* the leaf first */
	EVP_PKEY *pkey;         /* the provider's, with KEY behind it */
	enum certificate_kind kind;
	bool weak;         /* RSA below 2048 bits */
	bool self_signed;  /* no authority stands behind it */
	char **host_names; /* dNSNames, lower case; ends with NULL */
	bool seen;         /* has come on the current channel */
};
TAILQ_HEAD(certificates, certificate);

/* What a client may be shown: at most one certificate a kind, its signature schemes decide. */
struct certificate_set {
	size_t count;
	struct certificate *member[CERTIFICATE_KINDS];
};

/*
 * A set that has been asked for, and its SSL_CTX, so that connections share it. It goes when one of
 * its certificates does; connections that run hold the SSL_CTX, and that what is in it.
 */
struct set_ctx {
	TAILQ_ENTRY(set_ctx) entry;
	struct certificate_set set;
	SSL_CTX *ssl_ctx;
};
TAILQ_HEAD(set_ctxs, set_ctx);

struct tls_question; /* tls_clients.c */
LIST_HEAD(tls_questions, tls_question);

struct tls_context {
	struct tls_keys keys; /* first: who asks certd finds the rest */
	struct event_base *base;
	unsigned handshake_timeout; /* seconds */
	char ciphers_tls12[GATE_CIPHERS_SIZE];
	char ciphers_tls13[GATE_CIPHERS_SIZE];

	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *providers[PROVIDERS];
	EVP_CIPHER *ticket_cipher;
	EVP_MD *sha256;
	bool uses_fibres;

	bool told_ready;
	void (*ready)(void *);
	void *ready_arg;

	char hostname[HOST_NAME_SIZE]; /* lower case */
	SSL_CTX *bare;                 /* without a certificate */
	struct certificates certificates;
	struct set_ctxs set_ctxs;
	struct gc_ticket_keys ticket_keys; /* count 0: none yet */
	struct tls_questions questions;
};

enum tls_state { TLS_STATE_NEW, TLS_STATE_HANDSHAKE, TLS_STATE_OPEN, TLS_STATE_FAILED };

struct tls {
	struct tls_signing signing; /* first: who asks certd finds the rest */
	struct tls_context *context;
	SSL *ssl;
	const struct mg_choice *choice;
	const char *alpn;
	size_t certificates;       /* that the client may have been shown */
	struct tls_record *record; /* NULL: the client is not asked, or showed no certificate */
	char *error;
	int fd;
	enum tls_state state;
	bool name_known; /* the client's server_name is one of a certificate's */
	bool drained;    /* the last read found nothing more */
};

/* tls_settings.c: what every SSL_CTX here is like. NULL with ERR filled. */
SSL_CTX *tls_settings_new_ctx(struct tls_context *, struct error *);

/* tls_certificate.c. certificate_take(): a message of certd; -1 if it breaks the protocol. */
int certificate_take(struct tls_context *, const struct ipc_message *);
/* All that is to come on this channel has come: forgets what didn't. */
void certificates_settle(struct tls_context *);
void certificates_unsettle(struct tls_context *);
void certificates_free(struct tls_context *);
struct certificate *certificate_find(struct tls_context *, const char *name);
/* GC_GONE; -1 if it breaks the protocol. */
int certificate_take_away(struct tls_context *, const struct ipc_message *);

/*
 * tls_choice.c. What a listener presents to a client that asks for HOST (lower case), or for no
 * name (NULL). *KNOWN: a certificate in it is for HOST. False if it presents nothing: the name is
 * unknown and the listener strict, or there is no certificate.
 */
bool choose(struct tls_context *, const struct mg_choice *, const char *host,
	    struct certificate_set *, bool *known);
/* The set's SSL_CTX, which stays the context's. NULL with ERR filled. */
SSL_CTX *choice_ctx(struct tls_context *, const struct certificate_set *, struct error *);
/* Sets with CERTIFICATE (NULL: all) are no more. */
void choice_forget(struct tls_context *, const struct certificate *);

/* tls_hello.c */
void tls_hello_set_callbacks(SSL_CTX *);

/* tls_clients.c */
void tls_clients_set_callbacks(SSL_CTX *);
void tls_questions_free(struct tls_context *);
/* The handshake is done: forgets a record that is no proof. */
void tls_record_settle(struct tls *);
/* The trust that the client is asked with, 0: it is not asked. */
uint32_t tls_trust(const struct tls *);

/* tls_channel.c: how certd is asked for a signature (tls_keys.ask). */
uint32_t tls_channel_ask(struct tls_keys *, struct waiting *);

#endif
