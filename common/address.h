/* SPDX-License-Identifier: ISC */
/*
 * address - a Mailbox and a Domain of RFC 5321 4.1.2, as pure functions over bytes.
 *
 * Text that needs SMTPUTF8 (RFC 6531) is an error of its own in all functions but those that say
 * so. Domains are lower-cased (RFC 5321 2.4: they are not case-sensitive), and always in A-labels;
 * local parts are left as they are, without their quoting.
 */
#ifndef POSTERN_COMMON_ADDRESS_H
#define POSTERN_COMMON_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/proto/types.h"

struct address {
	/* Unquoted: any of %d32-126, UTF-8 after address_parse_utf8(), "" only as "" in quotes. */
	char local[LOCAL_PART_SIZE];
	char domain[HOST_NAME_SIZE]; /* lower case, or an address literal with its brackets */
};

/* Room for any address as text, with a local part in quotes in which each character is escaped. */
#define ADDRESS_TEXT_SIZE (2 * (LOCAL_PART_SIZE - 1) + 2 + 1 + HOST_NAME_SIZE)

enum address_error {
	ADDRESS_OK,
	ADDRESS_EMPTY,
	ADDRESS_NOT_ASCII,       /* 553 5.6.7 (RFC 6531 3.7.4.2) */
	ADDRESS_BAD_LOCAL,       /* not a Dot-string, nor a Quoted-string */
	ADDRESS_LOCAL_TOO_LONG,  /* more than LOCAL_PART_MAX octets, of an account; no parser's */
	ADDRESS_NO_DOMAIN,       /* no "@" after the local part */
	ADDRESS_BAD_DOMAIN,      /* not a Domain, nor an address-literal */
	ADDRESS_DOMAIN_TOO_LONG, /* more than 255 octets: 4.5.3.1.2 */
	ADDRESS_NOT_UTF8,
	ADDRESS_BAD_IDN,  /* U-labels that no domain can have: RFC 5891 */
	ADDRESS_TOO_LONG, /* a Path, with its brackets, of more than 256 octets: 4.5.3.1.3 */
};

/*
 * All of TEXT must be one Mailbox. *ADDRESS is filled on ADDRESS_OK only. Its local part may have
 * more than LOCAL_PART_MAX octets, up to what a Path has room for (RFC 5321 4.5.3.1): lists and
 * forwarders put whole addresses into one.
 */
enum address_error address_parse(const char *text, size_t length, struct address *);

/*
 * The same with what RFC 6531 3.3 allows: UTF-8 in the local part, U-labels in the domain, which
 * become A-labels. (address_utf8.c)
 */
enum address_error address_parse_utf8(const char *text, size_t length, struct address *);

/*
 * The same for a local part alone, which ends where its syntax ends: *USED octets of TEXT, never
 * more than there are. LOCAL gets the unquoted form. ADDRESS_OK, ADDRESS_BAD_LOCAL,
 * ADDRESS_TOO_LONG, ADDRESS_NOT_ASCII or ADDRESS_EMPTY.
 */
enum address_error address_parse_local(const char *text, size_t length, char local[LOCAL_PART_SIZE],
				       size_t *used);

/* The same, and octets above 127 are taken without looking whether they are UTF-8. */
enum address_error address_parse_local_wide(const char *text, size_t length,
					    char local[LOCAL_PART_SIZE], size_t *used);

/*
 * All of TEXT must be a Domain. "_" is taken as a letter, since real host names have it; a label
 * has 63 octets at most (RFC 1035 2.3.4). Returns ADDRESS_OK with OUT lower-cased, or an error.
 */
enum address_error address_parse_domain(const char *text, size_t length, char out[HOST_NAME_SIZE]);

/*
 * The same with U-labels, which become A-labels. They may have more octets than those: a limit for
 * what was sent is the caller's business. (address_utf8.c)
 */
enum address_error address_parse_domain_utf8(const char *text, size_t length,
					     char out[HOST_NAME_SIZE]);

/* All of TEXT must be an address-literal with its brackets (RFC 5321 4.1.3): IPv4 or IPv6. */
enum address_error address_parse_literal(const char *text, size_t length, char out[HOST_NAME_SIZE]);

/* Whether a local part begins as those of SRS do: "SRS0" or "SRS1", and "=", "+" or "-". */
bool address_is_srs(const char *local, size_t length);

/* For a person: "the local part is longer than 64 octets". */
const char *address_error_text(enum address_error);

/*
 * Writes it as a Mailbox, the local part in quotes only where it needs them. Returns the length.
 * SIZE: ADDRESS_TEXT_SIZE is always enough; text that doesn't fit is cut.
 */
size_t address_format(const struct address *, char *out, size_t size);

#endif
