/* SPDX-License-Identifier: ISC */
/* report - tells the master of the certificates in force (master_certd.h). */
#ifndef POSTERN_CERTD_REPORT_H
#define POSTERN_CERTD_REPORT_H

#include "certd/vault.h"
#include "common/proto/master_certd.h"

/* Fills what the master is told of ENTRY at time NOW, on the server HOST. */
void report_fill(const struct vault_entry *, const char *host, int64_t now,
		 struct md_certificate *);

/* Sends all of them, and MD_TOLD. */
void report_send(struct ipc_channel *control, const struct vault *, const char *host, int64_t now);

#endif
