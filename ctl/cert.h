/* SPDX-License-Identifier: ISC */
/* cert - posternctl cert: the part of it that talks to certd. */
#ifndef POSTERN_CTL_CERT_H
#define POSTERN_CTL_CERT_H

#include "common/error.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/master_certd.h"
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

#endif
