/* SPDX-License-Identifier: ISC */
/*
 * fake_certd - the other end of a gate's channel to certd, in the test's own event loop, so that a
 * test decides what it answers and when. It composes what it signs as certd does (design section
 * 5), apart from certd's code.
 */
#ifndef POSTERN_TESTS_UNIT_FAKE_CERTD_H
#define POSTERN_TESTS_UNIT_FAKE_CERTD_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/ipc.h"
#include "common/proto/gate_certd.h"
#include "worker/tls/provider_parse.h"

#define FAKE_ENTRIES 8
#define FAKE_HELD 640

enum fake_mode {
	FAKE_ANSWER,
	FAKE_HOLD,   /* keeps requests until fake_certd_release() */
	FAKE_REFUSE, /* with GC_REFUSED_KEY */
	FAKE_WRONG,  /* answers with a message that is no answer */
	FAKE_EMPTY,  /* answers with a signature of no bytes */
};

struct fake_entry {
	const char *name;
	EVP_PKEY *key;
	X509 *cert;
};

struct fake_certd {
	struct event_base *base;
	struct ipc_channel *channel;
	struct fake_entry entries[FAKE_ENTRIES];
	uint32_t count;
	uint32_t first_handle; /* differs from channel to channel */
	struct gc_ticket_keys tickets;
	enum fake_mode mode;
	struct {
		uint16_t type;
		uint32_t id;
		union {
			struct gc_tls13_server tls13;
			struct gc_tls12_server tls12;
		} as;
	} held[FAKE_HELD];
	unsigned held_count;
	unsigned requests; /* that have come, in all */
};

EVP_PKEY *fake_key(enum key_kind);
/* Self-signed; NAMES as X509V3_EXT_conf() has them ("DNS:a.example,DNS:*.example"). */
X509 *fake_cert(EVP_PKEY *, const char *names);

void fake_certd_init(struct fake_certd *, struct event_base *);
/* Takes the key. */
void fake_certd_add(struct fake_certd *, const char *name, EVP_PKEY *, const char *names);
/* Another certificate (and key, if not NULL: taken) under the same name; told if there is a
 * channel. */
void fake_certd_replace(struct fake_certd *, const char *name, EVP_PKEY *, const char *names);
void fake_certd_rotate(struct fake_certd *);
/* Returns the gate's end; all certificates, ticket keys and GC_READY are on their way. */
int fake_certd_connect(struct fake_certd *);
/* Dies. What it holds is lost. */
void fake_certd_die(struct fake_certd *);
void fake_certd_release(struct fake_certd *);
void fake_certd_free(struct fake_certd *);

#endif
