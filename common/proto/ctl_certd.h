/* SPDX-License-Identifier: ISC */
/*
 * posternctl (IPC_CLIENT) - certd (IPC_SERVER): administration of the certs folder. The channel
 * comes through the master, or, without a running server, from a certd that posternctl started for
 * it.
 */
#ifndef POSTERN_COMMON_PROTO_CTL_CERTD_H
#define POSTERN_COMMON_PROTO_CTL_CERTD_H

#include "common/cert_name.h"
#include "common/proto/types.h"

enum cert_key_kind {
	CERT_KEY_RSA_2048 = 1,
	CERT_KEY_RSA_3072,
	CERT_KEY_RSA_4096,
	CERT_KEY_P256,
	CERT_KEY_P384,
	CERT_KEY_P521,
	CERT_KEY_ED25519,
	CERT_KEY_RSA_1024, /* only with CERT_CREATE_WEAK */
};

/*
 * Each "" or as subject.h checks it: as many characters as RFC 5280 appendix A.1 allows, four bytes
 * each in UTF-8.
 */
struct cert_subject {
	char country[3];
	char state[4 * 128 + 1];
	char locality[4 * 128 + 1];
	char organization[4 * 64 + 1];
	char unit[4 * 64 + 1];
	char common_name[4 * 64 + 1]; /* "": the first name, if it is short enough */
	char email[128 + 1];
	char zero[3];
};

/* The tail: subjectAltNames, each NUL-terminated (host names, or addresses). */
#define CERT_NAMES_TAIL_MAX 8192
enum cert_create_flags {
	CERT_CREATE_REPLACE = 1, /* what is there goes aside as NAME.TIME (cert_name.h) */
	CERT_CREATE_WEAK = 2,
};
struct cc_create {
	char name[CERT_NAME_SIZE];
	char other[CERT_NAME_SIZE]; /* the certificate whose key this one gets; "": a new key */
	uint8_t zero[2];
	uint32_t key;   /* enum cert_key_kind; with OTHER, 0 */
	uint32_t days;  /* of the self-signed certificate, 1..36500 */
	uint32_t count; /* names in the tail, at least 1 */
	uint32_t flags; /* of enum cert_create_flags */
	struct cert_subject subject;
};

/*
 * The request of this name comes back, PEM, as CC_DATA. One that is made anew says what the
 * certificate in force says.
 */
enum cert_request_how {
	CERT_REQUEST_PRINT = 1, /* as it lies in the folder; made anew if there is none */
	CERT_REQUEST_RENEW,     /* made anew, for the same key */
	CERT_REQUEST_NEW_KEY,   /* made anew, for a new key that waits as NAME.next */
};
struct cc_request {
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
	uint32_t how; /* enum cert_request_how */
	uint32_t key; /* CERT_REQUEST_NEW_KEY: enum cert_key_kind, 0 for one like the old; else 0 */
};

/*
 * CC_FIELDS: what a new certificate like this one would be made of comes back, as one CC_DATA: a
 * struct cc_create of the same NAME, and the names that go with it.
 */
struct cc_name {
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
};

/* CC_RESTORE: what is kept aside comes back in force; CC_REMOVE: its files, or a NAME's, go. */
struct cc_kept {
	char name[CERT_KEPT_SIZE];
	uint8_t zero[2];
};

struct cc_rename {
	char from[CERT_NAME_SIZE];
	char to[CERT_NAME_SIZE];
	uint8_t zero[2];
};

/*
 * A pass phrase, in UTF-8, without line ends; NUL-padded to the end. certd takes none shorter than
 * CERT_PASSPHRASE_MIN for what leaves it, and for PKCS#12 only ASCII.
 */
#define CERT_PASSPHRASE_SIZE 257
#define CERT_PASSPHRASE_MIN 8

/*
 * A certificate leaves the certs folder, as CC_DATA, in pieces to be put one after the other.
 * The passphrase encrypts the key; "" for the chain alone.
 */
enum cert_export {
	CERT_EXPORT_CHAIN = 1, /* PEM: the certificate and its chain */
	CERT_EXPORT_KEY,       /* PEM: PKCS#8 encrypted (RFC 8018 PBES2), then the chain */
	CERT_EXPORT_PKCS12,    /* RFC 7292: key, certificate and chain */
};
struct cc_export {
	char name[CERT_NAME_SIZE];
	char passphrase[CERT_PASSPHRASE_SIZE];
	uint8_t zero[2];
	uint32_t what; /* enum cert_export */
};

/*
 * The private key of this name is written, as it is (PKCS#8, PEM), to the descriptor: a regular
 * file, or a pipe with room for all of it. It does not come as a message: posternctl never has it.
 */
struct cc_export_clear {
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
};

/*
 * Import: first each file (CC_IMPORT_FILE, its descriptor comes along, the tail is its name without
 * folders, "-" for standard input), then CC_IMPORT. If a pass phrase is needed, the answer is a
 * CC_DATA of kind IMPORT_PASSPHRASE and a result that is ok and has no text; CC_IMPORT_PASSPHRASE
 * (the tail is the pass phrase) goes on. Before the last result a CC_DATA of kind IMPORT_NAME tells
 * which NAME it has become.
 */
#define IMPORT_FILES_MAX 64
#define IMPORT_FILE_MAX 255 /* bytes of a file's name */
#define IMPORT_PASSPHRASE_MAX 1024

enum import_flags { IMPORT_REPLACE = 1, IMPORT_FORCE = 2, IMPORT_FLAGS = 3 };

struct cc_import {
	char name[CERT_NAME_SIZE]; /* "": as the files say */
	uint8_t zero[3];
	uint32_t flags; /* enum import_flags */
};

struct cc_import_passphrase {
	uint32_t given; /* 0: there is none, give up */
};

enum import_data {
	IMPORT_PASSPHRASE = 1, /* the tail is the file's name: the pass phrase of that, please */
	IMPORT_PASSPHRASE_WRONG = 2, /* as before; the one that was given is wrong */
	IMPORT_NAME = 3,
};

/*
 * A key and a certificate for a mail client of this account, from the server's own authority, which
 * is made with the first of them. PKCS#12 comes back as CC_DATA.
 */
struct cc_client {
	char account[ADDRESS_SIZE]; /* lower case, as accounts.conf has it */
	char passphrase[CERT_PASSPHRASE_SIZE];
	char host[HOST_NAME_SIZE]; /* the server's name, for the authority's */
	uint8_t zero[2];
	uint32_t key;    /* enum cert_key_kind */
	uint32_t days;   /* 1..CERT_CLIENT_DAYS_MAX */
	uint32_t legacy; /* 1: encrypted so that every client can read it (pack.h) */
};
#define CERT_CLIENT_DAYS_MAX 3650

/* WHO: a serial number in hexadecimal digits, or an account: then all of it. */
struct cc_revoke {
	char who[ADDRESS_SIZE];
	uint8_t zero[3];
};

/*
 * CC_CLIENTS: which certificates the authority has issued. Each CC_DATA's tail is some of these,
 * one after the other. Times are seconds since 1970.
 */
#define CERT_SERIAL_SIZE 41 /* RFC 5280 4.1.2.2: 20 octets */
struct cert_client {
	int64_t issued;
	int64_t until;
	int64_t revoked; /* 0: it is not */
	char serial[CERT_SERIAL_SIZE];
	char account[ADDRESS_SIZE];
	uint8_t zero[6];
};

/*
 * The keys that sign mail (DKIM). CC_DKIM_CREATE makes one, which signs from FROM on; with RETIRE
 * the domain's other ones of the same algorithm stop then. CC_DKIM_ACTIVATE: it signs from now on,
 * they stop. CC_DKIM_LIST: those of DOMAIN, or all if it is "", each as CC_DATA, a struct
 * cc_dkim_key.
 */
#define DKIM_SELECTOR_SIZE 128
#define DKIM_RECORD_SIZE 1100
struct cc_dkim {
	int64_t from;    /* seconds since the epoch; in the past: now */
	uint32_t key;    /* CC_DKIM_CREATE: enum cert_key_kind, RSA or Ed25519 */
	uint32_t retire; /* 1 */
	char domain[HOST_NAME_SIZE];
	char selector[DKIM_SELECTOR_SIZE];
};
struct cc_dkim_key {
	int64_t from;
	int64_t until;               /* 0: without an end */
	uint32_t bits;               /* of RSA; 0: Ed25519 */
	char domain[HOST_NAME_SIZE]; /* lower case, A-labels; as is */
	char selector[DKIM_SELECTOR_SIZE];
	char record[DKIM_RECORD_SIZE]; /* of SELECTOR._domainkey.DOMAIN, TXT */
};

/* The tail is text for the administrator: with ok what was made, else why not. */
#define CERT_TEXT_MAX 8192
struct cc_result {
	uint32_t ok;
};

/* How far a request has come; the tail is what is done now, a few words ("making the key"). */
#define CERT_PROGRESS_MAX 256
struct cc_progress {
	uint32_t done;
	uint32_t total; /* 0: nobody knows how long it takes */
};

/* A piece of what was asked for, in the tail: a file's bytes, or an item of a list. */
#define CERT_DATA_MAX 57344
struct cc_data {
	uint32_t kind; /* as the request defines it, else 0 */
};

/*
 * -- Looking ----------------------------------------------------------------------
 */

enum cert_state {
	CERT_IN_FORCE = 1,
	CERT_KEPT,    /* was replaced, and kept aside as NAME.TIME */
	CERT_REFUSED, /* certd does not use it */
};

/* What is wrong with a certificate, for whoever trusts the authorities it was compared with. */
enum cert_problem {
	CERT_EXPIRED = 1 << 0,
	CERT_NOT_YET_VALID = 1 << 1,
	CERT_CHAIN_DATES = 1 << 2,       /* the same of one above it */
	CERT_SELF_SIGNED = 1 << 3,       /* and no authority of theirs */
	CERT_UNKNOWN_AUTHORITY = 1 << 4, /* the chain ends in a root they don't know */
	CERT_MISSING_ISSUER = 1 << 5,    /* the chain breaks off */
	CERT_PURPOSE = 1 << 6,           /* not for servers */
	CERT_WEAK_KEY = 1 << 7,          /* below 112 bits of security: RSA 2048 */
	CERT_WEAK_CHAIN = 1 << 8,        /* one above it, or a signature by MD5 or SHA-1 */
	CERT_OTHER_PROBLEM = 1 << 9,     /* as `detail` says */
	CERT_PROBLEM_BITS = 10,
};

enum cert_flag {
	CERT_FLAG_SELF_SIGNED = 1 << 0,
	CERT_FLAG_CA = 1 << 1,
	CERT_FLAG_FOR_HOST = 1 << 2, /* for cc_look.host, by its subjectAltNames (RFC 9525 6) */
	CERT_FLAG_CHECKED = 1 << 3,  /* it was compared with authorities: `problems` is of use */
};

/* Answered by a CC_FACTS for each certificate. With CC_CHECK comes the authorities' PEM, a regular
 * file. */
struct cc_look {
	char host[HOST_NAME_SIZE]; /* whose certificate is wanted; "": nobody's */
	uint8_t chain;             /* 1: those above each too */
	uint8_t zero[3];
};

#define CERT_DN_SIZE 1024
#define CERT_LABEL_SIZE 64
#define CERT_USAGE_SIZE 256
#define CERT_SHA256_SIZE 32
#define CERT_SANS_MAX 32768 /* bytes of the tail */

/*
 * All texts are UTF-8 without control characters, and cut where they are too long. The tail is
 * subjectAltNames, each with its type and a NUL ("DNS:mail.example.org"). A certificate that is
 * REFUSED has only a name and a reason.
 */
struct cc_facts {
	int64_t not_before; /* seconds since the epoch */
	int64_t not_after;
	uint32_t state;    /* enum cert_state */
	uint32_t depth;    /* 0: the certificate itself; else above it, as the file has them */
	uint32_t above;    /* how many are */
	uint32_t flags;    /* enum cert_flag */
	uint32_t problems; /* enum cert_problem */
	uint32_t key_bits;
	uint32_t sans;      /* in the tail */
	uint32_t sans_left; /* that had no room there */
	uint8_t sha256[CERT_SHA256_SIZE];
	uint8_t key_sha256[CERT_SHA256_SIZE]; /* of its SubjectPublicKeyInfo */
	char name[CERT_KEPT_SIZE];            /* NAME, or NAME.TIME of one kept aside */
	char subject[CERT_DN_SIZE];           /* RFC 4514 */
	char issuer[CERT_DN_SIZE];
	char common_name[CERT_USAGE_SIZE];    /* "": none */
	char issuer_name[CERT_USAGE_SIZE];    /* its common name, or organization */
	char serial[CERT_LABEL_SIZE];         /* hexadecimal */
	char key[CERT_LABEL_SIZE];            /* "RSA", "ECDSA P-256" */
	char signature[CERT_LABEL_SIZE];      /* "sha256WithRSAEncryption" */
	char usage[CERT_USAGE_SIZE];          /* "digitalSignature, keyEncipherment" */
	char extended_usage[CERT_USAGE_SIZE]; /* "serverAuth" */
	char why[REASON_MAX];                 /* why it is refused, or what is odd; "": nothing */
	char detail[REASON_MAX]; /* of problems: which is missing, what else is wrong */
	char zero[6];
};

/* What the key NAME was used for: a CC_USE for each channel and listener. */
struct cc_audit {
	char name[CERT_NAME_SIZE];
	uint8_t zero[3];
};

enum cc_use_gate {
	CC_USE_OF_RELAY = 0xfffffffd, /* at no listener: port and service say nothing */
	CC_USE_OF_OTHERS = 0xfffffffe,
	CC_USE_OF_ENDED = 0xffffffff
};
struct cc_use {
	int64_t since; /* seconds since the epoch */
	uint64_t tls13;
	uint64_t tls12;
	uint64_t refused;
	uint32_t gate; /* its number; or those that have ended, or those there is no room for */
	uint16_t port; /* of the listener, as the gate says */
	uint8_t service;
	uint8_t known; /* 0: the gate named a listener that it hasn't */
};

/*
 * All client messages are requests. Each is answered by one CC_RESULT, which ends it; CC_PROGRESS
 * and CC_DATA, with the same id, may come before it.
 */
#define CTL_CERTD_MESSAGES(X)                                                                     \
	X(CC_CREATE, 1, IPC_CLIENT, struct cc_create, CERT_NAMES_TAIL_MAX, IPC_NO_FD,             \
	  IPC_ANY_STATE)                                                                          \
	X(CC_REQUEST, 10, IPC_CLIENT, struct cc_request, 0, IPC_NO_FD, IPC_ANY_STATE)             \
	X(CC_FIELDS, 11, IPC_CLIENT, struct cc_name, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(CC_RESTORE, 12, IPC_CLIENT, struct cc_kept, 0, IPC_NO_FD, IPC_ANY_STATE)                \
	X(CC_REMOVE, 13, IPC_CLIENT, struct cc_kept, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(CC_RENAME, 14, IPC_CLIENT, struct cc_rename, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	X(CC_EXPORT, 40, IPC_CLIENT, struct cc_export, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	X(CC_EXPORT_CLEAR, 41, IPC_CLIENT, struct cc_export_clear, 0, IPC_WITH_FD, IPC_ANY_STATE) \
	X(CC_LOOK, 30, IPC_CLIENT, struct cc_look, 0, IPC_NO_FD, IPC_ANY_STATE)                   \
	X(CC_CHECK, 31, IPC_CLIENT, struct cc_look, 0, IPC_WITH_FD, IPC_ANY_STATE)                \
	X(CC_FACTS, 32, IPC_SERVER, struct cc_facts, CERT_SANS_MAX, IPC_NO_FD, IPC_ANY_STATE)     \
	X(CC_IMPORT_FILE, 20, IPC_CLIENT, struct ipc_empty, IMPORT_FILE_MAX, IPC_WITH_FD,         \
	  IPC_ANY_STATE)                                                                          \
	X(CC_IMPORT, 21, IPC_CLIENT, struct cc_import, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	X(CC_IMPORT_PASSPHRASE, 22, IPC_CLIENT, struct cc_import_passphrase,                      \
	  IMPORT_PASSPHRASE_MAX, IPC_NO_FD, IPC_ANY_STATE)                                        \
	X(CC_CLIENT, 42, IPC_CLIENT, struct cc_client, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	X(CC_REVOKE, 43, IPC_CLIENT, struct cc_revoke, 0, IPC_NO_FD, IPC_ANY_STATE)               \
	X(CC_CLIENTS, 44, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	X(CC_DKIM_CREATE, 50, IPC_CLIENT, struct cc_dkim, 0, IPC_NO_FD, IPC_ANY_STATE)            \
	X(CC_DKIM_LIST, 51, IPC_CLIENT, struct cc_dkim, 0, IPC_NO_FD, IPC_ANY_STATE)              \
	X(CC_DKIM_ACTIVATE, 52, IPC_CLIENT, struct cc_dkim, 0, IPC_NO_FD, IPC_ANY_STATE)          \
	X(CC_DKIM_REMOVE, 53, IPC_CLIENT, struct cc_dkim, 0, IPC_NO_FD, IPC_ANY_STATE)            \
	X(CC_AUDIT, 33, IPC_CLIENT, struct cc_audit, 0, IPC_NO_FD, IPC_ANY_STATE)                 \
	X(CC_USE, 34, IPC_SERVER, struct cc_use, 0, IPC_NO_FD, IPC_ANY_STATE)                     \
	X(CC_RESULT, 2, IPC_SERVER, struct cc_result, CERT_TEXT_MAX, IPC_NO_FD, IPC_ANY_STATE)    \
	X(CC_PROGRESS, 3, IPC_SERVER, struct cc_progress, CERT_PROGRESS_MAX, IPC_NO_FD,           \
	  IPC_ANY_STATE)                                                                          \
	X(CC_DATA, 4, IPC_SERVER, struct cc_data, CERT_DATA_MAX, IPC_NO_FD, IPC_ANY_STATE)

enum { CTL_CERTD_MESSAGES(IPC_ENUM) };
extern const struct ipc_boundary ctl_certd_boundary;

#endif
