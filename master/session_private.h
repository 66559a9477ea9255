/* SPDX-License-Identifier: ISC */
/* What sessions.c (their lives) and session_attach.c (who asks for them) share. */
#ifndef POSTERN_MASTER_SESSION_PRIVATE_H
#define POSTERN_MASTER_SESSION_PRIVATE_H

#include "master/names.h"
#include "master/sessions.h"

/*
 * A mailbox that has a process, or had one a moment ago. New work waits while the process starts
 * (its start may fail, and then there is somebody to tell), and while it ends: two processes must
 * never have one mailbox, so the successor is started when the old one is buried.
 */
struct session {
	RB_ENTRY(session) entry;
	char name[ADDRESS_SIZE];
	struct mailbox_name parts;
	struct process *process; /* NULL only on the way in and out */
	bool was_ready;
	uint32_t sent;  /* descriptors with work in the process' life */
	uint32_t parks; /* MS_PARK that were kept */
	struct attach_list waiting;
	size_t waiting_count;
	int directory; /* for configure() */
	struct event *start_timer;
};

/* The log's line of a failed request; the asker gets the reason too. */
void session_refuse(struct master *, const struct attach *, const char *name, const char *reason);

/* One end of a fresh pair to the session, the other to the asker. */
void session_hand_over(struct master *, struct session *, const struct attach *);
/* What was parked comes back: there is a process for it. */
void session_resume_parked(struct master *, struct session *);

/* Keeps a copy until there is a process. -1: too many wait, or there is no memory. */
int session_wait(struct session *, const struct attach *);
/* Takes the first of those that wait out of the list; the caller frees it. NULL: none waits. */
struct attach *session_next_waiting(struct session *);
void session_refuse_waiting(struct master *, struct session *, const char *reason);

#endif
