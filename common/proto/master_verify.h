/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - verify (IPC_SERVER), over the verifier's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_VERIFY_H
#define POSTERN_COMMON_PROTO_MASTER_VERIFY_H

#include "common/proto/master_child.h"

/* A trust: by what the certificates of some listeners' clients are checked. */
struct mv_trust {
	uint32_t trust; /* not 0; the same one in every configuration that says the same */
	uint32_t depth; /* authorities between a certificate and one that is trusted */
	uint32_t crl;   /* 1: nobody is vouched for before MV_CRL has brought a list */
	uint32_t zero;
};

/* A PEM file comes along, opened for reading: sent after MV_TRUST, and whenever it changes. */
struct mv_file {
	uint32_t trust;
	uint32_t zero;
};
#define AUTHORITIES_FILE_MAX 4194304u /* bytes; also of a CRL */

#define MASTER_VERIFY_OWN_MESSAGES(X)                                                              \
	X(MV_TRUST, 16, IPC_CLIENT, struct mv_trust, 0, IPC_NO_FD, CHILD_STARTING | CHILD_RUNNING) \
	X(MV_AUTHORITIES, 17, IPC_CLIENT, struct mv_file, 0, IPC_WITH_FD,                          \
	  CHILD_STARTING | CHILD_RUNNING)                                                          \
	X(MV_CRL, 18, IPC_CLIENT, struct mv_file, 0, IPC_WITH_FD, CHILD_STARTING | CHILD_RUNNING)  \
	/* A channel to accounts (accounts_verify.h) comes along. */                               \
	X(MV_CHANNEL, 19, IPC_CLIENT, struct mc_channel, 0, IPC_WITH_FD, IPC_ANY_STATE)

enum { MASTER_VERIFY_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_verify_boundary;

#endif
