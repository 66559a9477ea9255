/* SPDX-License-Identifier: ISC */
/* What several boundaries speak of. Sizes count the terminating NUL. */
#ifndef POSTERN_COMMON_PROTO_TYPES_H
#define POSTERN_COMMON_PROTO_TYPES_H

#include <netinet/in.h>
#include <stdint.h>

#include "common/ipc.h"
#include "common/log.h"

#define HOST_NAME_SIZE 256  /* RFC 1035 2.3.4: 255 octets */
#define LOCAL_PART_MAX 64   /* of an account: RFC 5321 4.5.3.1.1, octets */
#define LOCAL_PART_SIZE 255 /* of anybody: what a path has room for */
#define ADDRESS_SIZE 321    /* local part, "@", domain */
#define MAILBOXES_MAX 32768 /* bytes of addresses that one forward-path leads to */
#define PATH_SIZE 513       /* a reverse- or forward-path, without its angle brackets */

/* The servers of DNS that a child asks: "192.0.2.1@53". */
#define RESOLVERS_MAX 3
#define RESOLVER_SIZE 64

/* Whether a child validates what DNS says (RFC 4035). */
enum dns_validation {
	DNS_VALIDATE_NONE,
	/* Unless the resolvers hand out no signatures, not even the root's: then nothing is secure,
	 * and the log says so. Once they did, they have to. */
	DNS_VALIDATE_IF_ABLE,
	DNS_VALIDATE_ALWAYS,
	DNS_VALIDATIONS
};

#define PASSWORD_SIZE 1025   /* also what crypt(3) takes at most, with room */
#define CERT_NAME_SIZE 65    /* a certificate's NAME in the certs folder */
#define CERT_CHAIN_MAX 49152 /* bytes of a certificate and its chain, DER */
#define FINGERPRINT_SIZE 32  /* of a certificate: SHA-256 */
#define QUEUE_ID_SIZE 17     /* 16 hex digits */
#define TRUSTS_MAX 64        /* that the listeners of one configuration can have */
#define PROOF_MAX 60000 /* bytes of a TLS handshake that shows who a client is (verify/proof.h) */
#define ASK_NAMES_MAX 16384 /* bytes of names in a CertificateRequest */
#define REASON_MAX 512      /* bytes of a text that says why */
#define EXPIRY_STEPS 6      /* 30, 14, 7, 3, 1 days before a certificate expires; it has expired */
#define EXPIRY_MAX 253402300799 /* the end of 9999, as late as a certificate can say */
#define PRESENTERS_SIZE 1024    /* who presents a certificate: "smtp:25 pop3:995" */

enum service { SERVICE_SMTP, SERVICE_SUBMISSION, SERVICE_POP3, SERVICE_IMAP, SERVICE_COUNT };
/* May who has logged in be whom a message says it is from (RFC 5322 3.6.2)? */
enum author_verdict {
	AUTHOR_OWN = 1,
	AUTHOR_FOREIGN,     /* an address in From or Sender is not his */
	AUTHOR_UNAVAILABLE, /* can't tell now */
	AUTHOR_MISSING,     /* no From */
	AUTHOR_TWICE,       /* a second From or Sender */
	AUTHOR_BAD_FIELD,   /* From or Sender is not well-formed, or has no address in it */
	AUTHOR_BAD_HEADER,  /* a line of the header is not well-formed */
	AUTHOR_LONG_HEADER, /* of more than AUTHOR_HEADER_MAX octets */
};
#define AUTHOR_HEADER_MAX (1024 * 1024)
/* How much who has logged in may send; 0: nothing is said of it. */
struct submit_limits {
	uint32_t messages_per_hour;
	uint32_t recipients_per_hour;
	uint32_t recipients_per_message;
};
/* How somebody has logged in (RFC 4422). */
enum login_way {
	LOGIN_BY_NOTHING,
	LOGIN_BY_PLAIN,
	LOGIN_BY_LOGIN,
	LOGIN_BY_SCRAM_SHA_1,
	LOGIN_BY_SCRAM_SHA_1_PLUS,
	LOGIN_BY_SCRAM_SHA_256,
	LOGIN_BY_SCRAM_SHA_256_PLUS,
	LOGIN_BY_EXTERNAL,
	LOGIN_WAYS
};
/* Whether a listener asks clients for a certificate (client_certificates). */
enum client_mode { CLIENT_OFF, CLIENT_REQUEST, CLIENT_REQUIRE, CLIENT_MODE_COUNT };
/* What an administrator wants of a mailbox. */
enum mailbox_purpose { MAILBOX_MAIL, MAILBOX_CHECK, MAILBOX_REPAIR, MAILBOX_PURPOSE_COUNT };
/* How far mail of submitters goes: nowhere else, to other domains, or to hosts too, which address
 * literals name ("[192.0.2.1]", RFC 5321 4.1.3). */
enum mail_reach { REACH_HERE, REACH_DOMAINS, REACH_LITERALS };
enum tls_mode { TLS_NONE, TLS_EXPLICIT, TLS_IMPLICIT, TLS_MODE_COUNT };

/* A peer's address: IPv6, or IPv4 mapped into it (RFC 4291 2.5.5.2). */
struct peer {
	struct in6_addr address;
	uint16_t port; /* host byte order */
	uint8_t zero[2];
};

/* A network: the first `bits` bits of address. IPv4 networks are mapped too (bits >= 96). */
struct network {
	struct in6_addr address;
	uint8_t bits; /* 0..128 */
	uint8_t zero[3];
};

#endif
