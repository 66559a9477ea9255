/* SPDX-License-Identifier: ISC */
/*
 * lookup - posternctl asks DNS, through a postern-lookup of its own: root's program doesn't talk to
 * name servers. What comes back is a stranger's text.
 */
#ifndef POSTERN_CTL_LOOKUP_H
#define POSTERN_CTL_LOOKUP_H

#include "common/error.h"
#include "common/proto/ctl_lookup.h"
#include "master/conf_check.h"

struct lookup {
	int control;
	int pid;
	uint32_t last_id;
};

/*
 * Starts it: as relay's user, if this is root. RESOLVER ("192.0.2.1", "192.0.2.1@53") or, if that
 * is NULL, those of the configuration. Returns 0, or -1 with ERR filled.
 */
int lookup_open(const struct configuration *, const char *resolver, struct lookup *,
		struct error *);
void lookup_close(struct lookup *);

/* An answer; the records are texts as ctl_lookup.h has them, '?' for what is not printable. */
struct lookup_answer {
	enum lookup_status status;
	bool secure;
	size_t count;
	char *tail; /* COUNT strings, one behind the other; lookup_answer_free() */
};

/* Sends a question: its id, which the answer quotes, or 0 with ERR filled. */
uint32_t lookup_send(struct lookup *, const char *name, uint16_t type, struct error *);
/* Waits for the next answer, to any of them. Returns its id, or 0 with ERR filled. */
uint32_t lookup_receive(struct lookup *, struct lookup_answer *, struct error *);
void lookup_answer_free(struct lookup_answer *);

#endif
