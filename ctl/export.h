/* SPDX-License-Identifier: ISC */
/*
 * export - a folder's messages into a Maildir or an mbox file. What is written gets its name when
 * it is whole and on disk; what is there already is never touched.
 */
#ifndef POSTERN_CTL_EXPORT_H
#define POSTERN_CTL_EXPORT_H

#include <stdio.h>

#include "ctl/mailbox.h"

struct export_entry {
	uint32_t uid;
	unsigned flags;
	char *keywords;
	uint64_t size;
	int64_t date;
};

struct export
{
	struct imap *imap;
	const struct folder *folder;
	struct export_entry *list;
	size_t count, room;

	/* The file that is written. */
	FILE *out;
	bool quote;      /* for mbox */
	bool crlf;       /* lines end as they came, else with LF */
	bool ambiguous;  /* LF can't say how a line of it ends */
	size_t crs;      /* CRs that came last; one of them may belong to a line end */
	bool start;      /* only ">" came in this line */
	size_t matched;  /* of "From " */
	uint64_t octets; /* of the message that came */
	char last;       /* octet written */
	unsigned answers;

	uint64_t added, known, no_letter; /* over all folders */
};

/* Selects FOLDER and learns what is in it. 0, or -1 with ERR; export_end() is due either way. */
int export_begin(struct export *, const struct folder *, struct error *);
void export_end(struct export *);

/*
 * Writes a message to FILE, with LF; with CRLF if only so it can be read back as it is. 1; 0 if it
 * is gone meanwhile; -1 with ERR. QUOTE: as mbox needs it, with an empty line behind.
 */
int export_write(struct export *, const struct export_entry *, FILE *, bool quote, struct error *);

/* Into the Maildir NAME, which is made, inside of the folder PARENT. */
int export_maildir(struct export *, int parent, const char *name, struct error *);
/* Into a new file NAME in the folder PARENT; one that is there already counts as done if RESUME. */
int export_mbox(struct export *, int parent, const char *name, bool resume, struct error *);
/* The names that are subscribed to, for a Maildir++. */
int export_subscriptions(const struct folders *, int root, struct error *);

#endif
