/* SPDX-License-Identifier: ISC */
/* mailbox - what the commands `posternctl mailbox ...` share. */
#ifndef POSTERN_CTL_MAILBOX_H
#define POSTERN_CTL_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proto/types.h"
#include "ctl/imap.h"
#include "ctl/settings.h"

/*
 * Reads the settings, and opens the mailbox of ADDRESS, which must be an account's, or have been
 * one's whose mailbox is still there (asking for a mailbox makes it). 0, or -1: it has been said
 * why. mailbox_close() is due after 0 only.
 */
struct mailbox {
	struct configuration *conf;
	struct imap *imap;
};
int mailbox_open_by(struct mailbox *, const char *address);
/* The first half of it: 0 with ADDRESS as account_address() writes it; or -1 with ERR. */
int mailbox_address(const struct configuration *, const char *text, char address[ADDRESS_SIZE],
		    struct error *);
void mailbox_close(struct mailbox *);

/* Is there a folder of this mailbox on disk? ADDRESS as account_address() makes it. */
bool mailbox_is_made(const struct configuration *, const char *address);

struct folder {
	char *name; /* fine (imap_words.h) */
	char uses[128];
	bool selectable; /* false: only names below it, or a subscription */
	bool subscribed;
	uint64_t messages, unseen, size, uidnext, uidvalidity;
};

struct folders {
	struct folder *list; /* in the order of the server */
	size_t count;
	size_t unfit; /* left out: their names are not fine */
};

/* All folders with their counts. 0, or -1 with ERR; folders_free() is due either way. */
int folders_read(struct imap *, struct folders *, struct error *);
void folders_free(struct folders *);
struct folder *folders_find(const struct folders *, const char *name);
/* Says so if some were left out. */
void folders_warn(const struct imap *, const struct folders *);

/* A folder's name from the command line: -1 with ERR if it is none; any case of INBOX is INBOX. */
int folder_name_take(const char *text, char out[FOLDER_NAME_MAX + 1], struct error *);

/* "12.3 MiB". Returns OUT. */
#define OCTETS_SIZE 32
const char *octets_text(uint64_t octets, char out[OCTETS_SIZE]);

/* Asks on the terminal; true only for "yes". */
bool mailbox_confirm(const char *question);

/* UIDs as they come from responses. */
struct uids {
	uint32_t *list;
	size_t count, room;
};
int uids_add(struct uids *, uint32_t uid, struct error *);
void uids_free(struct uids *);

#endif
