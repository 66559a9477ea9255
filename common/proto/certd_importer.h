/* SPDX-License-Identifier: ISC */
/*
 * certd (IPC_CLIENT) - importer (IPC_SERVER): who takes files of administrators apart, so that
 * certd reads nothing but single keys and certificates in DER.
 *
 * The importer is certd's child from the start, with no file, socket or key. Over its control
 * channel it gets jobs; for each it forks a child of its own, with limits on memory and time, that
 * speaks to certd over the channel that came with the job:
 *
 *   CJ_FILE...  CJ_GO  ->  <- CJ_READ  (<- CJ_NEED  CJ_PASSPHRASE ->)...
 *                          <- CJ_KEY, CJ_CERTIFICATE, CJ_NOTE...  <- CJ_DONE
 */
#ifndef POSTERN_COMMON_PROTO_CERTD_IMPORTER_H
#define POSTERN_COMMON_PROTO_CERTD_IMPORTER_H

#include "common/error.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/master_child.h"

/* The end of a job's channel comes along. A job before it that is not done is killed. */
struct ci_job {
	uint32_t number;
	uint32_t zero;
};

/* How a job's process ended, after its last word on its channel. */
struct ci_ended {
	uint32_t number;
	uint32_t signal; /* that killed it, or 0 */
	uint32_t status; /* what it exited with */
};

/* Nobody listens to this job any more: it is killed. CI_ENDED follows in any case. */
struct ci_kill {
	uint32_t number;
	uint32_t zero;
};

#define CERTD_IMPORTER_OWN_MESSAGES(X)                                          \
	X(CI_JOB, 16, IPC_CLIENT, struct ci_job, 0, IPC_WITH_FD, CHILD_RUNNING) \
	X(CI_KILL, 18, IPC_CLIENT, struct ci_kill, 0, IPC_NO_FD, CHILD_RUNNING) \
	X(CI_ENDED, 17, IPC_SERVER, struct ci_ended, 0, IPC_NO_FD, IPC_ANY_STATE)

enum { CERTD_IMPORTER_OWN_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary certd_importer_boundary;

/* Of one job. More than these is an error with words, not a breach. */
#define IMPORT_KEYS_MAX 8
#define IMPORT_CERTS_MAX 256
#define IMPORT_NOTES_MAX 64

/* The states of a job's channel, as certd sees it. */
#define JOB_READING 1u /* files */
#define JOB_WORKING 2u
#define JOB_ASKING 4u /* it waits for a pass phrase */
#define JOB_DONE 8u

/* A file, whose descriptor comes along; the tail is its name, for error messages. */
struct cj_file {
	uint32_t file; /* counted from 0 */
	uint32_t zero;
};

/* The tail is the pass phrase. */
struct cj_passphrase {
	uint32_t given; /* 0: there is none */
	uint32_t zero;
};

enum cj_flags {
	CJ_ANCHORED = 1, /* a certificate whose issuer this host's list of authorities has */
	CJ_ROOT = 2,     /* it is itself in that list */
	CJ_UNKNOWN = 4,  /* this host has no list */
	CJ_FLAGS = 7,
};

/* The tail is DER: a PrivateKeyInfo (RFC 5958), or a Certificate (RFC 5280). */
#define CJ_KEY_MAX 16384
struct cj_piece {
	uint32_t file;
	uint32_t flags; /* enum cj_flags; of a key 0 */
};

/* The tail says what was odd about a file, or what in it was of no use. */
struct cj_note {
	uint32_t file;
	uint32_t zero;
};

/* A pass phrase is needed. */
struct cj_need {
	uint32_t file;
	uint32_t attempt; /* 0; from 1 on the one before was wrong */
};

/* The tail is why not, if it is not ok. Nothing follows. */
struct cj_done {
	uint32_t ok;
	uint32_t zero;
};

#define IMPORT_JOB_MESSAGES(X)                                                                     \
	X(CJ_FILE, 1, IPC_CLIENT, struct cj_file, IMPORT_FILE_MAX, IPC_WITH_FD, IPC_ANY_STATE)     \
	X(CJ_GO, 2, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)                     \
	X(CJ_PASSPHRASE, 3, IPC_CLIENT, struct cj_passphrase, IMPORT_PASSPHRASE_MAX, IPC_NO_FD,    \
	  IPC_ANY_STATE)                                                                           \
	X(CJ_READ, 16, IPC_SERVER, struct ipc_empty, 0, IPC_NO_FD, JOB_READING)                    \
	X(CJ_KEY, 17, IPC_SERVER, struct cj_piece, CJ_KEY_MAX, IPC_NO_FD, JOB_WORKING)             \
	X(CJ_CERTIFICATE, 18, IPC_SERVER, struct cj_piece, CERT_CHAIN_MAX, IPC_NO_FD, JOB_WORKING) \
	X(CJ_NOTE, 19, IPC_SERVER, struct cj_note, REASON_MAX, IPC_NO_FD, JOB_WORKING)             \
	X(CJ_NEED, 20, IPC_SERVER, struct cj_need, 0, IPC_NO_FD, JOB_WORKING)                      \
	X(CJ_DONE, 21, IPC_SERVER, struct cj_done, ERROR_MAX, IPC_NO_FD, JOB_READING | JOB_WORKING)

enum { IMPORT_JOB_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary import_job_boundary;

#endif
