/* SPDX-License-Identifier: ISC */
/*
 * check_turns - whose check is next, when there are more than filter takes at once.
 *
 * A check can take long, for who sent the mail also chose whose DNS is asked about it. So each
 * client's network (IPv4: the address, IPv6: its 64 bits) and each submitter take turns and have a
 * few checks under way only, and some places are always for the others' kind: for submitters' mail
 * and this server's own, and for strangers'.
 */
#ifndef POSTERN_WORKER_QUEUE_CHECK_TURNS_H
#define POSTERN_WORKER_QUEUE_CHECK_TURNS_H

#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stddef.h>

#define CHECK_ASKED_MAX 200 /* checks that filter has at once, */
#define CHECK_KIND_MAX 150  /* so many of them of strangers' mail, and of submitters', */
#define CHECK_SOURCE_MAX 40 /* and so many of one source */

/* Who brings mail: a network of strangers, or a submitter (a hash of his name). */
struct check_key {
	bool stranger;
	struct in6_addr address;
};

struct check_source;
RB_HEAD(check_sources, check_source);
TAILQ_HEAD(check_source_list, check_source);

/* What is to have turns; its owner's struct has it in it. */
struct check_turn {
	TAILQ_ENTRY(check_turn) entry;
	struct check_source *source; /* NULL: of none */
	bool asked;
};

struct check_turns {
	struct check_sources sources;
	struct check_source_list ready[2]; /* of submitters, of strangers: may have one more */
	size_t asked, asked_strangers;
};

void check_turns_init(struct check_turns *);

/* The key of an address, or of a submitter's name. */
struct check_key check_key_stranger(const struct in6_addr *);
struct check_key check_key_submitter(const char *name);

/* It waits from now on, behind all of its source. -1: there is no memory. */
int check_turn_enter(struct check_turns *, const struct check_key *, struct check_turn *);
/* The next one; NULL if none may be asked now. It stays where it is until check_turn_ask(). */
struct check_turn *check_turns_next(const struct check_turns *);
/* That one has its turn now; its source's next turn comes when all others' have been. */
void check_turn_ask(struct check_turns *, struct check_turn *);
/* It was asked, and waits again, before all of its source. */
void check_turn_back(struct check_turns *, struct check_turn *);
/* It is gone. */
void check_turn_leave(struct check_turns *, struct check_turn *);

#endif
