/* SPDX-License-Identifier: ISC */
/*
 * client_certificates - what relay shows to servers that ask for a client's certificate. They come
 * from certd, which has the keys and signs (relay_certd.h).
 */
#ifndef POSTERN_WORKER_RELAY_CLIENT_CERTIFICATES_H
#define POSTERN_WORKER_RELAY_CLIENT_CERTIFICATES_H

#include <openssl/types.h>

struct client_certificates;
struct event;
struct event_base;
struct tls_keys;

/*
 * Before the sandbox closes. Keys are made in LIBCTX, which has the provider. NEWS is made active
 * when more may be here. NULL without memory, or fibres.
 */
struct client_certificates *client_certificates_new(struct event_base *, OSSL_LIB_CTX *libctx,
						    struct event *news);
void client_certificates_free(struct client_certificates *); /* NULL is fine */

/*
 * A new channel to certd (taken); the old one, if any, is gone: what is asked for and not answered
 * is asked for again. 0, or -1 with errno.
 */
int client_certificates_set_channel(struct client_certificates *, int fd);

enum certificate_look {
	CERTIFICATE_HERE,  /* or none is wanted */
	CERTIFICATE_COMES, /* perhaps: certd has not sent all */
	CERTIFICATE_MISSING
};
enum certificate_look client_certificates_look(const struct client_certificates *,
					       const char *name);

/* SSL shows this one from now on. -1: it isn't here, or without memory. */
int client_certificates_use(const struct client_certificates *, const char *name, SSL *);
/* Whose signatures such a handshake waits for. */
struct tls_keys *client_certificates_keys(struct client_certificates *);

#endif
