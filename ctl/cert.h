/* SPDX-License-Identifier: ISC */
/* cert - posternctl cert: the part of it that talks to certd. */
#ifndef POSTERN_CTL_CERT_H
#define POSTERN_CTL_CERT_H

#include <stdbool.h>
#include <stdio.h>

#include "common/error.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/master_certd.h"
#include "ctl/ctl.h"
#include "master/conf.h"
#include "master/conf_check.h"

/* A certd to talk to: the running server's, or one started for the occasion. */
struct cert_channel {
	int fd;      /* ctl_certd.h */
	int control; /* of a certd of our own, or -1 */
	int pid;
	bool running; /* it is the server's */
};

/* Returns 0, or -1 with ERR filled. */
int cert_channel_open(const struct configuration *, const struct conf_users *,
		      struct cert_channel *, struct error *);
/* Ends a certd of our own, and waits for it. */
void cert_channel_close(struct cert_channel *);

struct cert_request {
	uint16_t type; /* ctl_certd.h */
	const void *body;
	size_t size;
	const char *tail;
	size_t length;
	int fd; /* to go with it (it stays the caller's), or -1 */

	/* Called for each CC_DATA, if any are expected. 0, or -1 with ERR filled. */
	int (*on_data)(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *);
	/* The same for each CC_FACTS or CC_USE. */
	int (*on_item)(const struct ipc_message *, void *arg, struct error *);
	void *arg;
};

/*
 * Sends it, shows its progress, and waits for its result: 0 with TEXT (CERT_TEXT_MAX + 1 bytes), or
 * -1 with ERR filled, which is certd's text if that refused.
 */
int cert_ask(const struct cert_channel *, const struct cert_request *, char *text, struct error *);

/* The same on a channel of its own. */
int cert_ask_once(const struct configuration *, const struct conf_users *,
		  const struct cert_request *, char *text, struct error *);

/*
 * A whole command that is one request: reads the configuration, opens the channel, asks, and prints
 * the result's text, if there is one, to OUT. UNUSED, if not NULL, names a certificate that no
 * listener may name. Returns an enum ctl_exit; errors have been printed.
 */
int cert_command(const struct cert_request *, const char *unused, FILE *out);

/* The configuration and its users, or NULL: what is wrong has been printed. */
struct configuration *cert_configuration(struct conf_users *);

/* Does a listener name this certificate? */
bool cert_is_configured(const struct configuration *, const char *name);

#endif
