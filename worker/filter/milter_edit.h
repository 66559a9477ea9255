/* SPDX-License-Identifier: ISC */
/*
 * milter_edit - what a milter wants changed, kept until its last word (a milter that dies in the
 * middle has changed nothing), and then done to the message. Pure.
 *
 * Header fields are numbered as this milter was shown them: those that it deletes keep their
 * number, those that it adds are not counted. The first Received field, which this server has just
 * added, is not shown, as with Sendmail and Postfix.
 */
#ifndef POSTERN_WORKER_FILTER_MILTER_EDIT_H
#define POSTERN_WORKER_FILTER_MILTER_EDIT_H

#include "worker/filter/message.h"
#include "worker/filter/milter_session.h"

#define MILTER_CHANGES_MAX 4096       /* of one milter, and one mail */
#define MILTER_CHANGES_OCTETS 1048576 /* of them all, the new body aside */

struct milter_change {
	STAILQ_ENTRY(milter_change) entry;
	enum milter_reply_type type;
	uint32_t index;
	char *name;
	char *value; /* NULL: none */
};
STAILQ_HEAD(milter_changes, milter_change);

struct milter_edit {
	struct message *message;
	struct message_field **shown; /* as the milter counts them */
	size_t shown_count;
	struct milter_changes changes;
	size_t change_count;
	size_t octets;
	char *body; /* the new one; NULL: as it was */
	size_t body_length;
	size_t body_max; /* octets that it may have */
	bool too_much;   /* a change was refused for its length */
};

/* MESSAGE stays the caller's. -1 with errno ENOMEM. */
int milter_edit_open(struct milter_edit *, struct message *, size_t body_max);
void milter_edit_close(struct milter_edit *);

/* For struct milter_mail; the context is the edit. */
bool milter_edit_field(void *edit, size_t index, struct milter_field *);
ssize_t milter_edit_body(void *edit, uint64_t offset, void *buffer, size_t room);
int milter_edit_change(void *edit, const struct milter_reply *);

/* Octets that the message will have, or some more where a field is changed twice. False without
 * memory. */
bool milter_edit_size(const struct milter_edit *, uint64_t *);

/*
 * Does to the message what is about the message. What is no field (RFC 5322 2.2) is left out; *BAD
 * counts those. -1 with errno ENOMEM: some of it is done.
 */
int milter_edit_apply(struct milter_edit *, unsigned *bad);

#endif
