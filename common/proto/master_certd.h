/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - certd (IPC_SERVER), over certd's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_CERTD_H
#define POSTERN_COMMON_PROTO_MASTER_CERTD_H

#include "common/proto/master_child.h"

/* The certs folder comes along as a directory descriptor. */
struct md_settings {
	uint32_t uid; /* who must own the folder and the keys */
	uint32_t zero;
};

#define CERTD_NAMES_MAX (256 * CERT_NAME_SIZE)

/* A channel to a gate comes along (gate_certd.h). It may use these keys and no others. */
struct md_gate {
	uint32_t gate;  /* the gate's number, for the log and the audit */
	uint32_t count; /* how many names follow, each NUL-terminated */
};

#define MASTER_CERTD_OWN_MESSAGES(X)                                                            \
	X(MD_SETTINGS, 16, IPC_CLIENT, struct md_settings, 0, IPC_WITH_FD, CHILD_STARTING)      \
	X(MD_GATE, 17, IPC_CLIENT, struct md_gate, CERTD_NAMES_MAX, IPC_WITH_FD, IPC_ANY_STATE) \
	/* A channel to a posternctl comes along (ctl_certd.h). */                              \
	X(MD_ADMIN, 18, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)            \
	/* Read the folder again (SIGHUP). */                                                   \
	X(MD_RELOAD, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, CHILD_RUNNING)

enum { MASTER_CERTD_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_certd_boundary;

#endif
