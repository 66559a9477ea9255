/* SPDX-License-Identifier: ISC */
/*
 * srs - the Sender Rewriting Scheme (Wong, 2004; as libsrs2 and postsrsd do it): the reverse-path
 * of a mail that is forwarded becomes an address of this host, which leads back. Pure.
 *
 *   SRS0=HASH=TT=domain=local@us         for local@domain
 *   SRS1=HASH=host==HASH=TT=...@us       for SRS0=HASH=TT=...@host: what host made is kept whole,
 *                                        and however many hosts forward, there are no more than two
 *                                        of them in an address
 *
 * TT is the day, 10 bits in base32; HASH is the first 40 bits in base32 of an HMAC-SHA-256 (RFC
 * 2104) over what follows it, in lower case: hosts on the way may change the case of a local part.
 * Who has no secret can't make us send anything anywhere, and what has been seen by many is good
 * for SRS_DAYS only (SRS1 leads to a host that looks at its own day).
 */
#ifndef POSTERN_WORKER_ACCOUNTS_SRS_H
#define POSTERN_WORKER_ACCOUNTS_SRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/proto/master_accounts.h"

#define SRS_DAYS 21 /* that a bounce may take */

enum srs_verdict {
	SRS_GOOD,
	SRS_FORGED, /* not made here, or changed */
	SRS_OLD,
};

/*
 * What SENDER becomes at NOW (seconds since the epoch), with the first secret. -1 if that is no
 * address: too long for one, or SENDER is at an address literal; or if there is no secret.
 */
int srs_rewrite(const struct ma_srs *, const struct address *sender, int64_t now,
		struct address *out);

/* Whom LOCAL, for which address_is_srs(), leads back to, by any of the secrets. */
enum srs_verdict srs_unpack(const struct ma_srs *, const char *local, int64_t now,
			    struct address *out);

#endif
