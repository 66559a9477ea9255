/* SPDX-License-Identifier: ISC */
/* connect - posternctl's way to the running master, over STATE/control (ctl_master.h). */
#ifndef POSTERN_CTL_CONNECT_H
#define POSTERN_CTL_CONNECT_H

#include <stdint.h>

#include "common/error.h"
#include "common/ipc.h"
#include "common/proto/ctl_master.h"

#define CTL_TIMEOUT 60 /* seconds to wait for an answer */

/*
 * Connects to the control socket in the folder STATE. Returns 1 with the socket in *FD (caller
 * closes), 0 if no server is running there, -1 with ERR filled.
 */
int ctl_connect(const char *state, int *fd, struct error *);

/*
 * Sends a request without arguments and waits for its reply (CTL_TIMEOUT). BUFFER:
 * IPC_MESSAGE_MAX + 1 bytes, which REPLY points into; the caller owns reply->fd (or -1). Returns 0,
 * or -1 with ERR filled.
 */
int ctl_request(int fd, uint16_t type, void *buffer, struct ipc_message *reply, struct error *);

/*
 * Receives and checks one message of a boundary whose client posternctl is, within CTL_TIMEOUT;
 * as ctl_request() does.
 */
int ctl_receive(int fd, const struct ipc_boundary *, void *buffer, struct ipc_message *,
		struct error *);

struct ctl_answer {
	int running; /* 0: no server, and the rest means nothing */
	int ok;
	char text[CTL_TEXT_MAX + 1];
};

/* Connects, asks, and takes a CM_RESULT. Returns 0, or -1 with ERR filled. */
int ctl_ask(const char *state, uint16_t type, struct ctl_answer *, struct error *);

#endif
