/* SPDX-License-Identifier: ISC */
/*
 * fibres - what OpenSSL runs handshakes on that may wait for a signature (ASYNC_start_job(3)). It
 * has one pool of them a thread, for all contexts.
 */
#ifndef POSTERN_WORKER_TLS_FIBRES_H
#define POSTERN_WORKER_TLS_FIBRES_H

/*
 * Handshakes that may wait for certd at once: each keeps a fibre of 32 KiB, which OpenSSL never
 * gives back. More than that wait for their turn.
 */
#define FIBRES_MAX 512

/* Before the sandbox closes. 0, or -1: there are none here. */
int fibres_start(void);
/* Once for each fibres_start() that succeeded. */
void fibres_end(void);

#endif
