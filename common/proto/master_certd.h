/* SPDX-License-Identifier: ISC */
/* master (IPC_CLIENT) - certd (IPC_SERVER), over certd's control channel. */
#ifndef POSTERN_COMMON_PROTO_MASTER_CERTD_H
#define POSTERN_COMMON_PROTO_MASTER_CERTD_H

#include "common/proto/gate_certd.h"
#include "common/proto/master_child.h"

/* The certs folder comes along as a directory descriptor. */
struct md_settings {
	uint32_t uid; /* who must own the folder and the keys */
	uint8_t
	    first; /* 1: if there is nothing in the folder, a self-signed one is made for HOST */
	uint8_t zero[3];
	char host[HOST_NAME_SIZE]; /* the configuration's hostname; "": nobody serves yet */
};

#define CERTD_NAMES_COUNT 512 /* every listener with as many as it can have */
#define CERTD_NAMES_MAX (CERTD_NAMES_COUNT * CERT_NAME_SIZE)

/*
 * A channel to a gate comes along (gate_certd.h). It may use these keys and no others; a weak one
 * only if WEAK says so.
 */
#define CERTD_LISTENERS_MAX 64
struct md_gate {
	uint32_t gate;  /* the gate's number, for the log and the audit */
	uint32_t count; /* how many names follow, each NUL-terminated */
	uint8_t any;    /* 1: every server's key, those to come too */
	uint8_t weak;   /* 1: RSA below 2048 bits too, where it may use the key at all */
	uint8_t zero[2];
	char host[HOST_NAME_SIZE]; /* not "": the keys for this name too, else the only one */
	uint32_t listener_count;   /* what the gate may say a handshake is for */
	struct gc_listener listeners[CERTD_LISTENERS_MAX];
};

/*
 * The keys with which relay is a client of other servers; so many names follow, each
 * NUL-terminated. They are relay's: a gate has none of them unless a listener names it, or it bears
 * the hostname.
 */
#define CERTD_RELAY_KEYS_MAX 256
struct md_relay_keys {
	uint32_t count;
	uint32_t zero;
};

/*
 * Which certificate stands for the host's own name and is signed by itself only, for the status;
 * "": none, there is one of an authority.
 */
struct md_self_signed {
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
};

enum md_key_kind { MD_KEY_RSA = 1, MD_KEY_ECDSA, MD_KEY_ED25519, MD_KEY_KINDS };
enum md_certificate_flag {
	MD_CERT_WEAK = 1 << 0, /* RSA below 2048 bits */
	MD_CERT_SELF_SIGNED = 1 << 1,
	MD_CERT_EXACT = 1 << 2,    /* for md_settings.host, by its very name */
	MD_CERT_WILDCARD = 1 << 3, /* by a wildcard only */
	MD_CERT_FLAGS = (1 << 4) - 1,
};

/* A certificate in force, for the status and the postmaster. */
#define CERTD_CERTIFICATES_MAX 1024
struct md_certificate {
	int64_t until; /* seconds since the epoch */
	uint32_t step; /* how near that is: 0, or 1..EXPIRY_STEPS */
	uint32_t kind; /* enum md_key_kind */
	uint32_t flags;
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
};

#define MASTER_CERTD_OWN_MESSAGES(X)                                                              \
	X(MD_SETTINGS, 16, IPC_CLIENT, struct md_settings, 0, IPC_WITH_FD, CHILD_STARTING)        \
	X(MD_GATE, 17, IPC_CLIENT, struct md_gate, CERTD_NAMES_MAX, IPC_WITH_FD, IPC_ANY_STATE)   \
	/* A channel to a posternctl comes along (ctl_certd.h). */                                \
	X(MD_ADMIN, 18, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)              \
	/* Read the folder again (SIGHUP). */                                                     \
	X(MD_RELOAD, 19, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, CHILD_RUNNING)               \
	X(MD_SELF_SIGNED, 20, IPC_SERVER, struct md_self_signed, 0, IPC_NO_FD, IPC_ANY_STATE)     \
	/* All certificates, one after another, then MD_TOLD: at the start, when one changes, and \
	 * each hour. */                                                                          \
	X(MD_CERTIFICATE, 21, IPC_SERVER, struct md_certificate, 0, IPC_NO_FD, IPC_ANY_STATE)     \
	X(MD_TOLD, 22, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	/* A channel to queue comes along (queue_certd.h). */                                     \
	X(MD_QUEUE, 23, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)              \
	/* A channel to relay comes along (relay_certd.h), in place of an older one. */           \
	X(MD_RELAY, 24, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE)              \
	X(MD_RELAY_KEYS, 25, IPC_CLIENT, struct md_relay_keys,                                    \
	  CERTD_RELAY_KEYS_MAX *CERT_NAME_SIZE, IPC_NO_FD, IPC_ANY_STATE)

enum { MASTER_CERTD_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary master_certd_boundary;

#endif
