/* SPDX-License-Identifier: ISC */
/*
 * mailboxes - the directories STATE/mail/DOMAIN/USER.
 *
 * The owner of a mailbox's directory is the mailbox's uid; as root each gets one of its own from
 * mailbox_uids when it is made. Names are checked (names.h) and opened one component at a time,
 * without following links.
 */
#ifndef POSTERN_MASTER_MAILBOXES_H
#define POSTERN_MASTER_MAILBOXES_H

#include "common/error.h"
#include "master/conf.h"
#include "master/conf_check.h"
#include "master/names.h"

/*
 * Opens the mailbox's directory, and makes it first if it is missing (durably: the entry is on
 * disk). *UID is whom it belongs to, UINT32_MAX without root. Returns the descriptor (the caller
 * closes it), or -1 with ERR filled.
 */
int mailbox_open(const struct configuration *, const struct conf_users *,
		 const struct mailbox_name *, uint32_t *uid, struct error *);

/* The lowest uid of FIRST..LAST that is above all of USED (sorted, COUNT), or else in a gap.
 * UINT32_MAX if all are taken. Pure. */
uint32_t mailbox_free_uid(const uint32_t *used, size_t count, uint32_t first, uint32_t last);

#endif
