/* SPDX-License-Identifier: ISC */
/*
 * import - messages into a folder, by APPEND of many at a time (RFC 3502), each lot one transaction
 * of the store. What the folder has already is left out, so that an import that was interrupted
 * goes on, and a second one adds nothing.
 */
#ifndef POSTERN_CTL_IMPORT_H
#define POSTERN_CTL_IMPORT_H

#include "ctl/imap.h"
#include "ctl/mailbox.h"
#include "ctl/message_key.h"

#define IMPORT_MESSAGE_MAX ((uint64_t)256 << 20) /* octets; the store takes no more */
#define IMPORT_LOT_MESSAGES 400
#define IMPORT_LOT_OCTETS ((size_t)8 << 20)

struct import_message {
	char *octets; /* with CRLF; malloc'd */
	size_t length;
	unsigned flags; /* MESSAGE_ bits */
	char *keywords; /* malloc'd */
	int64_t date;   /* INTERNALDATE */
	uint32_t uid;   /* as it was where it comes from; 0: none */
};

struct import {
	struct imap *imap;
	char folder[FOLDER_NAME_MAX + 1];
	uint32_t uidvalidity, uidnext; /* of the folder where they come from */
	bool keeps_uids;               /* as far as it can */
	struct message_keys present;
	struct import_message lot[IMPORT_LOT_MESSAGES];
	size_t lot_count, lot_octets;

	uint64_t added, known, refused; /* over all folders */
	uint64_t done, total;           /* octets of the source, for the progress bar */
	bool bar;
};

/*
 * A folder, which is made if it is missing. 0, or -1 with ERR. UIDVALIDITY and UIDNEXT: of the
 * folder where the messages come from (0: there are none), for clients that know it; they come in
 * the order of their UIDs, those without one last.
 */
int import_begin(struct import *, const char *folder, uint32_t uidvalidity, uint32_t uidnext,
		 struct error *);
/* Takes octets and keywords, also on failure. */
int import_add(struct import *, struct import_message *, struct error *);
/* Of the folder: what waits goes in. 0, or -1 with ERR. */
int import_end(struct import *, struct error *);
void import_free(struct import *);

/* DONE of TOTAL octets are read. */
void import_progress(struct import *, uint64_t octets);

/* A message that can't be taken is told of and left out. */
void import_leave_out(struct import *, const char *what, const char *why);

/* A file with messages, or a Maildir++, into FOLDER and below (NULL: INBOX and all). */
int import_mbox(struct import *, int fd, const char *path, const char *folder, struct error *);
int import_maildir(struct import *, int fd, const char *path, const char *folder, struct error *);
/* Is the folder FD a Maildir, or are there Maildir++ folders in it? */
bool import_is_maildir(int fd);

/*
 * Reads the regular file FD of at most IMPORT_MESSAGE_MAX octets into *TEXT, malloc'd. 0, or -1
 * with ERR.
 */
int import_read_file(int fd, char **text, size_t *length, struct error *);

#endif
