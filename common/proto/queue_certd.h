/* SPDX-License-Identifier: ISC */
/*
 * queue (IPC_CLIENT) - certd (IPC_SERVER): DKIM signatures for mails that leave. certd composes
 * what is signed (design section 5): it gets the header fields in their canonical form, which it
 * checks, and adds the DKIM-Signature field, which it makes.
 */
#ifndef POSTERN_COMMON_PROTO_QUEUE_CERTD_H
#define POSTERN_COMMON_PROTO_QUEUE_CERTD_H

#include "common/proto/queue_filter.h"

/* How many keys there are, when the channel opens and when that changes. */
struct qc_keys {
	uint32_t count;
};

/*
 * Of a mail from DOMAIN (its From:). The tail and without: as in QF_SIGN. The domain's keys that
 * are in force sign, or else those of the domain above it.
 */
struct qc_dkim {
	char domain[HOST_NAME_SIZE];
	uint8_t body_hash[DKIM_HASH_SIZE];
	uint32_t without;
};

#define QUEUE_CERTD_MESSAGES(X)                                                                 \
	X(QC_KEYS, 1, IPC_SERVER, struct qc_keys, 0, IPC_NO_FD, IPC_ANY_STATE)                  \
	/* A request: QC_SIGNED, whose tail is as QF_SIGNED's, or QC_REFUSED. */                \
	X(QC_DKIM, 2, IPC_CLIENT, struct qc_dkim, QF_SIGN_FIELDS_MAX, IPC_NO_FD, IPC_ANY_STATE) \
	X(QC_SIGNED, 3, IPC_SERVER, struct ipc_empty, QF_SIGNED_MAX, IPC_NO_FD, IPC_ANY_STATE)  \
	/* These are no canonical fields that DKIM signs. */                                    \
	X(QC_REFUSED, 4, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { QUEUE_CERTD_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary queue_certd_boundary;

#endif
