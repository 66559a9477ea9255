/* SPDX-License-Identifier: ISC */
/* first - the first certificate of a server that has none: self-signed, for its own name. */
#ifndef POSTERN_CERTD_FIRST_H
#define POSTERN_CERTD_FIRST_H

#include "certd/admin.h"

#define FIRST_DAYS 365
#define FIRST_KEY CERT_KEY_RSA_2048 /* what clients of every age take */

/* Is there nothing in the folder that looks like a key or a certificate? */
bool first_wanted(int directory);

/*
 * Makes HOST's, with PKEY (the caller's), puts it into the folder and loads it. Returns 0, or -1
 * with ERR filled.
 */
int first_make(const struct admin_target *, const char *host, EVP_PKEY *pkey, struct error *);

#endif
