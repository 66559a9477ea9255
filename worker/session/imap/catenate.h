/* SPDX-License-Identifier: ISC */
/* catenate - parts of messages by their IMAP URL (RFC 4469 3, RFC 5092), for APPEND. */
#ifndef POSTERN_WORKER_SESSION_IMAP_CATENATE_H
#define POSTERN_WORKER_SESSION_IMAP_CATENATE_H

#include "worker/session/imap/imap_private.h"

/*
 * Appends to UPLOAD the octets that URL names, of this mailbox: "/INBOX;UIDVALIDITY=1/;UID=20
 * /;SECTION=1.2", also with ";PARTIAL=0.1024", or relative to the selected folder ("/;UID=20",
 * ";UID=20"). UPLOAD is not to have more than MAX octets. STORE_GONE with ERR filled: the URL is
 * none of these, or there is no such message or section.
 */
enum store_result catenate_url(struct imap *, const struct imap_string *url, struct store_upload *,
			       uint64_t max, struct error *);

#endif
