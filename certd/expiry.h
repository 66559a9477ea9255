/* SPDX-License-Identifier: ISC */
/* expiry - says in time that a certificate is about to expire: 30, 14, 7, 3 and 1 days before, and
 * when it has. */
#ifndef POSTERN_CERTD_EXPIRY_H
#define POSTERN_CERTD_EXPIRY_H

#include <stddef.h>
#include <stdint.h>

#include "certd/vault.h"

#define EXPIRY_NEVER_LOOKED INT64_MIN

/*
 * How near the end is with LEFT seconds to go: 0 for more than 30 days, then one more with each of
 * the thresholds; the last is "has expired". Pure.
 */
unsigned expiry_step(int64_t left);

/*
 * Logs each certificate in force that has passed a threshold between LAST and NOW (seconds since
 * the epoch), so that nothing has to be remembered for each; with LAST EXPIRY_NEVER_LOOKED, each
 * that has passed any. Returns how many.
 */
size_t expiry_check(const struct vault *, int64_t last, int64_t now);

#endif
