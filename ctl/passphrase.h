/* SPDX-License-Identifier: ISC */
/* passphrase - what a private key that leaves the host is encrypted with. */
#ifndef POSTERN_CTL_PASSPHRASE_H
#define POSTERN_CTL_PASSPHRASE_H

#include "common/error.h"
#include "common/proto/ctl_certd.h"

/*
 * For PKCS#12 it must be ASCII: programs do not agree on the bytes of other letters, and Java
 * refuses them.
 */
enum passphrase_letters { PASSPHRASE_ANY, PASSPHRASE_ASCII };

/*
 * A new one: the first line of FILE ("-": of standard input), or, if that is NULL, asked for on the
 * terminal, twice. WHAT it is for stands in the question. OUT is zero behind it, and for the caller
 * to wipe, also after an error. Returns 0, or -1 with ERR filled.
 */
int passphrase_new(const char *what, const char *file, enum passphrase_letters,
		   char out[CERT_PASSPHRASE_SIZE], struct error *);

#endif
