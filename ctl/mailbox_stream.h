/* SPDX-License-Identifier: ISC */
/* mailbox_stream - the way to a mailbox's session process, which the master starts or finds. */
#ifndef POSTERN_CTL_MAILBOX_STREAM_H
#define POSTERN_CTL_MAILBOX_STREAM_H

#include "common/error.h"
#include "common/proto/types.h"

/*
 * Asks the server whose state folder is STATE for a stream to the mailbox of ADDRESS (CM_MAILBOX).
 * 0 with the stream in *FD, which the caller closes; or -1 with ERR.
 */
int mailbox_stream(const char *state, const char *address, enum mailbox_purpose, int *fd,
		   struct error *);

#endif
