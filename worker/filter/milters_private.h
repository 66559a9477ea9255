/* SPDX-License-Identifier: ISC */
/*
 * What milters.c has in common with milter_outcome.c.
 *
 *   milters.c         the stage: one milter after the other
 *   milter_outcome.c  what becomes of the mail by what one has said
 */
#ifndef POSTERN_WORKER_FILTER_MILTERS_PRIVATE_H
#define POSTERN_WORKER_FILTER_MILTERS_PRIVATE_H

#include <arpa/inet.h>

#include "worker/filter/filter.h"
#include "worker/filter/milter_edit.h"
#include "worker/filter/milter_link.h"

/* Its run through the milters. */
struct milters {
	struct check *check;
	size_t index;        /* of the one that has it */
	uint32_t request;    /* to the master, for a socket; 0: none */
	struct event *again; /* then it is asked again; NULL: it did not have to be */
	unsigned agains;     /* how often it was */
	struct milter_link *link;
	struct milter_edit edit;
	struct milter_mail mail;
	char *recipients; /* mail.recipients, or NULL: they are as they came */
	unsigned notes;   /* lines of the log on what it wants of the envelope */
	char id[QUEUE_ID_SIZE];
	char client[INET6_ADDRSTRLEN];
};

static inline const struct mf_milter *
milters_current(const struct milters *run)
{
	return &run->check->filter->settings.milters[run->index];
}

/* It is not taken yet, but waited for. */
void milters_busy(const struct milters *);
/* It could not be asked: WHY is for the log. */
void milters_failed(struct milters *, const char *why);
void milters_unheard(struct check *, const struct mf_milter *, const char *why);
/* What it wants is more than the message may become. */
void milters_too_much(struct milters *);
void milters_carry_out(struct milters *, const struct milter_session *);

#endif
