/* SPDX-License-Identifier: ISC */
/*
 * key - private keys that are in certd: what libssl wants signed is asked for over a channel, and
 * waited for on a fibre, while the event loop goes on.
 */
#ifndef POSTERN_WORKER_TLS_KEY_H
#define POSTERN_WORKER_TLS_KEY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/ipc.h"
#include "worker/tls/provider.h"

struct event;
struct event_base;
struct tls_keys;

/* A key in certd. The certificates that go with it and OpenSSL's keys count as references. */
struct certd_key {
	struct provider_signer signer; /* first: the provider knows only this */
	unsigned references;
	struct tls_keys *keys; /* NULL: they have ended */
	uint32_t handle;       /* meaningful on the current channel only */
	bool gone;             /* certd has another key under this name now */
};

/* One reference, the caller's. NULL without memory. */
struct certd_key *certd_key_new(struct tls_keys *);
struct certd_key *certd_key_hold(struct certd_key *);
void certd_key_release(struct certd_key *); /* NULL is fine */

/* A handshake that may need a signature. */
struct tls_signing {
	TAILQ_ENTRY(tls_signing) starving; /* while is_starving */
	struct tls_keys *keys;
	struct waiting *waiting; /* while it waits for certd */
	void (*wake)(void *);    /* it can go on, from the event loop */
	void *wake_arg;
	bool is_starving;
};
TAILQ_HEAD(tls_signings, tls_signing);

enum waiting_state { WAITING, SIGNED, REFUSED };

/* A signature that is waited for. It lives on the stack of the fibre that waits. */
struct waiting {
	TAILQ_ENTRY(waiting) entry;
	enum waiting_state state;
	struct tls_signing *signing;
	struct certd_key *key;
	struct sign_request *request;
	uint32_t id; /* on the current channel; 0: not sent */
	uint8_t *signature;
	size_t size;
	size_t length;
	const char *why; /* it was refused */
};
TAILQ_HEAD(waitings, waiting);

/*
 * The keys of one channel to certd. The owner sets up the channel, and says in ASK how a request is
 * sent on it: it fills in the key's handle, and passes on tls_keys_answered() and the struct
 * waiting to ipc_request(). It returns what that does.
 */
struct tls_keys {
	struct ipc_channel *channel;
	bool ready;                   /* the channel's certificates are all here */
	sign_request_parse_fn *parse; /* what is asked for: as a server, or as a client */
	uint32_t (*ask)(struct tls_keys *, struct waiting *);
	struct waitings waiting;
	struct tls_signings starved; /* handshakes that found no fibre free */
	struct event *feed;          /* wakes the first of them */
	struct tls_signing *running; /* whose handshake is on right now */
};

/* 0, or -1 without memory. */
int tls_keys_start(struct tls_keys *, struct event_base *, sign_request_parse_fn *,
		   uint32_t (*ask)(struct tls_keys *, struct waiting *));
void tls_keys_end(struct tls_keys *);

/* The channel is another one: what was sent has no answer. */
void tls_keys_unsettle(struct tls_keys *);
/* It is ready: what waits is sent. */
void tls_keys_settle(struct tls_keys *);
/* An ipc_reply_fn; ARG is the struct waiting. */
int tls_keys_answered(struct ipc_channel *, struct ipc_message *, void *arg);

/*
 * The handshakes of SSL (in SSL_MODE_ASYNC) may use the keys. WAKE is called when one that returned
 * SSL_ERROR_WANT_ASYNC, or WANT_ASYNC_JOB and was made to starve, can go on.
 */
void tls_signing_start(struct tls_signing *, struct tls_keys *, void (*wake)(void *), void *arg);
int tls_signing_run(struct tls_signing *, SSL *); /* SSL_do_handshake() */
void tls_signing_starve(struct tls_signing *);
bool tls_signing_waits(const struct tls_signing *); /* for certd, or a fibre */
/* A fibre may be free for another. */
void tls_signing_feed(const struct tls_signing *);
/* Before SSL is freed, whatever it waits for. */
void tls_signing_end(struct tls_signing *, SSL *);

#endif
