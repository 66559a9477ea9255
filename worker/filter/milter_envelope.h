/* SPDX-License-Identifier: ISC */
/*
 * milter_envelope - sender and recipients of a mail, as its milters have left them, and what is
 * told to queue of that (QF_ENVELOPE). Pure.
 *
 * Paths are as queue has them: without brackets, in the form that address_format() writes. They are
 * compared without regard to ASCII case, as accounts does.
 */
#ifndef POSTERN_WORKER_FILTER_MILTER_ENVELOPE_H
#define POSTERN_WORKER_FILTER_MILTER_ENVELOPE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mail_parameters.h"
#include "common/proto/queue_filter.h"
#include "worker/filter/milter_edit.h"

struct milter_recipient {
	STAILQ_ENTRY(milter_recipient) entry;
	uint32_t notify;   /* DSN_NOTIFY_... */
	bool anywhere;     /* it may be at another host */
	const char *orcpt; /* behind the path; "": none */
	char path[];
};
STAILQ_HEAD(milter_recipients, milter_recipient);

struct milter_envelope {
	/* As it came; not owned: forward-paths, a NUL behind each. */
	const char *came;
	size_t came_count;
	bool *removed; /* by the order of those */
	size_t removed_count;
	struct milter_recipients added;
	size_t added_count;
	size_t added_octets;
	char *sender;    /* NULL: as it came */
	bool parameters; /* RET and ENVID are these now */
	enum dsn_return ret;
	char envid[ENVID_SIZE];
};

/* CAME has to live as long. NULL without memory. */
struct milter_envelope *milter_envelope_new(const char *came, size_t count);
struct milter_envelope *milter_envelope_copy(const struct milter_envelope *);
void milter_envelope_free(struct milter_envelope *); /* NULL is fine */

/*
 * One that is there already stays as it is. 0, or -1 with errno ENOMEM, or EMSGSIZE: there are
 * QF_ADDED_MAX.
 */
int milter_envelope_add(struct milter_envelope *, const char *path, uint32_t notify, bool anywhere,
			const char *orcpt);
/* All of that path. Returns how many. */
size_t milter_envelope_remove(struct milter_envelope *, const char *path);
/* PARAMETERS: its ret and envid, or NULL: they stay. -1 without memory. */
int milter_envelope_set_sender(struct milter_envelope *, const char *sender,
			       const struct mail_parameters *);

/* How many recipients there are. */
size_t milter_envelope_count(const struct milter_envelope *);
/* All of them, a NUL behind each; free() frees it. NULL without memory. */
char *milter_envelope_list(const struct milter_envelope *);

/*
 * What queue is told; CHECK is left to the caller. 1, 0 if all is as it came, or -1 if it is longer
 * than the message may be.
 */
int milter_envelope_write(const struct milter_envelope *, struct qf_envelope *,
			  char tail[QF_ENVELOPE_MAX], size_t *length);

/*
 * -- milter_wishes.c ------------------------------------------------------------------
 */

/* What a milter may change, of this mail. */
struct milter_rights {
	bool recipients;
	bool anywhere; /* recipients at other hosts */
	bool sender;
	bool utf8; /* addresses may be in UTF-8 (RFC 6531) */
};

/* WHAT was done, or not done and why, with ADDRESS as the milter wrote it; for the log. */
typedef void milter_note_fn(void *context, bool done, const char *what, const char *address);

/*
 * Does to the envelope what the changes of one milter say of it. What it has no right to, and what
 * is no address (RFC 5321 4.1.2), is left out; of parameters (RFC 3461), if one is none, all. 0, or
 * -1 with errno ENOMEM or EMSGSIZE: some of it is done.
 */
int milter_envelope_apply(struct milter_envelope *, const struct milter_changes *,
			  const struct milter_rights *, milter_note_fn *, void *context);

#endif
