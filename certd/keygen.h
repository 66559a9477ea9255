/* SPDX-License-Identifier: ISC */
/*
 * keygen - makes keys in a thread of its own, since a large RSA key takes seconds that handshakes
 * must not wait for.
 *
 * The thread is started before system calls are closed off (child.h), and shares this process'
 * memory: a key is never anywhere else.
 */
#ifndef POSTERN_CERTD_KEYGEN_H
#define POSTERN_CERTD_KEYGEN_H

#include <stdint.h>

#include <openssl/evp.h>

#include "common/error.h"

struct event_base;
struct keygen;

/* Called from the loop: with the key (the receiver's), or NULL and ERR. */
typedef void keygen_done_fn(EVP_PKEY *, const struct error *, void *arg);

/* Starts the thread. NULL with ERR filled. */
struct keygen *keygen_new(struct event_base *, struct error *);
/* Ends it; a key that is being made is given up. NULL is fine. */
void keygen_free(struct keygen *);

/*
 * Begins to make a key of KIND (enum cert_key_kind); DONE is called once. Returns 0, or -1 if it is
 * still busy with another, or there is no such kind.
 */
int keygen_start(struct keygen *, uint32_t kind, keygen_done_fn *done, void *arg);

/* Nobody waits any more: DONE is not called, the key is wiped. */
void keygen_cancel(struct keygen *);

#endif
