/* SPDX-License-Identifier: ISC */
/* What the client can ask for after the login: one function a command, in files by subject. */
#ifndef POSTERN_WORKER_SESSION_IMAP_COMMANDS_H
#define POSTERN_WORKER_SESSION_IMAP_COMMANDS_H

#include "worker/session/imap/folders.h"
#include "worker/session/imap/imap_private.h"

/* Executes it, or begins to (imap_go_on()). COMMAND is the parser's. */
void imap_execute(struct imap *, struct imap_command *);

/* Each queues its answers and the tagged one, or leaves that to a step. */
typedef void imap_command_fn(struct imap *, const struct imap_command *);

imap_command_fn imap_do_capability, imap_do_noop, imap_do_logout, imap_do_id, imap_do_enable,
    imap_do_namespace, imap_do_idle, imap_do_idle_done, imap_do_compress, imap_do_login; /* any.c */
imap_command_fn imap_do_select, imap_do_close, imap_do_unselect; /* select.c */
imap_command_fn imap_do_create, imap_do_delete, imap_do_rename, imap_do_subscribe, imap_do_myrights,
    imap_do_acl;                                                          /* mailbox.c */
imap_command_fn imap_do_list, imap_do_lsub;                               /* list.c */
imap_command_fn imap_do_status;                                           /* status.c */
imap_command_fn imap_do_append;                                           /* append.c */
imap_command_fn imap_do_fetch;                                            /* fetch.c */
imap_command_fn imap_do_store, imap_do_copy, imap_do_expunge;             /* change.c */
imap_command_fn imap_do_search;                                           /* search_command.c */
imap_command_fn imap_do_cancelupdate;                                     /* context.c */
imap_command_fn imap_do_notify;                                           /* notify.c */
imap_command_fn imap_do_getquota, imap_do_getquotaroot, imap_do_setquota; /* quota.c */
imap_command_fn imap_do_uids;                                             /* adopt.c */
imap_command_fn imap_do_getmetadata, imap_do_setmetadata;                 /* metadata.c */

/*
 * "* STATUS name (MESSAGES 3 ...)", RFC 9051 7.3.4; ITEMS are IMAP_STATUS_ bits. Not STORE_OK: ERR
 * is filled, and nothing has been told.
 */
enum store_result imap_tell_status(struct imap *, const char *name, const struct store_folder *,
				   unsigned items, struct error *);
/* "* METADATA name (entry value ...)" of these entries, for LIST (RFC 9590); as above. */
enum store_result imap_tell_metadata(struct imap *, const char *name, int64_t folder,
				     const struct imap_strings *entries, struct error *);
/* "* MYRIGHTS name ..." (RFC 4314 3.8): the same of all folders, as they are the user's own. */
void imap_tell_rights(struct imap *, const char *name);
/* A LIST response of an entry of FOLDERS, or of a name that is none (id 0); OLD_NAME may be NULL.
 */
void imap_tell_entry(struct imap *, const struct folders *, const struct folder_name *,
		     const char *old_name);
/* A LIST response of one folder, with its attributes (RFC 9051 7.3.1). */
void imap_tell_list(struct imap *, const char *name);

#endif
