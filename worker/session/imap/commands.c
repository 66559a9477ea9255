/* SPDX-License-Identifier: ISC */
/* Which command is done where, and in which states it may come (RFC 9051 3). */
#include "config.h"

#include "worker/session/imap/commands.h"

#define AUTH 1u     /* needs no selected mailbox */
#define SELECTED 2u /* needs one */

/* clang-format off */
static const struct {
	imap_command_fn *execute; /* NULL: not offered */
	unsigned state;
} commands[IMAP_VERB_COUNT] = {
/*    command              function               state         file          RFC section              test */
    [IMAP_CAPABILITY]   = {imap_do_capability,    AUTH},     /* any.c         9051 6.1.1               test_imap.py */
    [IMAP_NOOP]         = {imap_do_noop,          AUTH},     /* any.c         9051 6.1.2               test_imap.py */
    [IMAP_LOGOUT]       = {imap_do_logout,        AUTH},     /* any.c         9051 6.1.3               test_imap.py */
    [IMAP_ID]           = {imap_do_id,            AUTH},     /* any.c         2971 3.1                 test_imap.py */
    [IMAP_ENABLE]       = {imap_do_enable,        AUTH},     /* any.c         9051 6.3.1, 5161         test_imap.py */
    [IMAP_SELECT]       = {imap_do_select,        AUTH},     /* select.c      9051 6.3.2, 7162 3.2.5   test_imap.py */
    [IMAP_EXAMINE]      = {imap_do_select,        AUTH},     /* select.c      9051 6.3.3               test_imap.py */
    [IMAP_CREATE]       = {imap_do_create,        AUTH},     /* mailbox.c     9051 6.3.4, 6154 3       test_imap.py */
    [IMAP_DELETE]       = {imap_do_delete,        AUTH},     /* mailbox.c     9051 6.3.5               test_imap.py */
    [IMAP_RENAME]       = {imap_do_rename,        AUTH},     /* mailbox.c     9051 6.3.6               test_imap.py */
    [IMAP_SUBSCRIBE]    = {imap_do_subscribe,     AUTH},     /* mailbox.c     9051 6.3.7               test_imap.py */
    [IMAP_UNSUBSCRIBE]  = {imap_do_subscribe,     AUTH},     /* mailbox.c     9051 6.3.8               test_imap.py */
    [IMAP_LIST]         = {imap_do_list,          AUTH},     /* list.c        9051 6.3.9, 5258         test_imap.py */
    [IMAP_LSUB]         = {imap_do_lsub,          AUTH},     /* list.c        3501 6.3.9               test_imap.py */
    [IMAP_NAMESPACE]    = {imap_do_namespace,     AUTH},     /* any.c         9051 6.3.10              test_imap.py */
    [IMAP_STATUS]       = {imap_do_status,        AUTH},     /* status.c      9051 6.3.11              test_imap.py */
    [IMAP_APPEND]       = {imap_do_append,        AUTH},     /* append.c      9051 6.3.12, 3502, 4469  test_imap.py */
    [IMAP_REPLACE]      = {imap_do_append,        SELECTED}, /* append.c      8508                     test_imap.py */
    [IMAP_IDLE]         = {imap_do_idle,          AUTH},     /* any.c         9051 6.3.13, 2177        test_imap.py */
    [IMAP_IDLE_DONE]    = {imap_do_idle_done,     AUTH},     /* any.c         9051 6.3.13              test_imap.py */
    [IMAP_CHECK]        = {imap_do_noop,          SELECTED}, /* any.c         3501 6.4.1               test_imap.py */
    [IMAP_CLOSE]        = {imap_do_close,         SELECTED}, /* select.c      9051 6.4.1               test_imap.py */
    [IMAP_UNSELECT]     = {imap_do_unselect,      SELECTED}, /* select.c      9051 6.4.2, 3691         test_imap.py */
    [IMAP_EXPUNGE]      = {imap_do_expunge,       SELECTED}, /* change.c      9051 6.4.3, 4315 2.1     test_imap.py */
    [IMAP_SEARCH]       = {imap_do_search,        SELECTED}, /* search_...c   9051 6.4.4, 4731, 9394   test_imap_search.py */
    [IMAP_ESEARCH]      = {imap_do_search,        AUTH},     /* search_...c   7377 2                   test_imap_multisearch.py */
    [IMAP_SORT]         = {imap_do_search,        SELECTED}, /* search_...c   5256 3, 5957, 5267       test_imap_search.py */
    [IMAP_THREAD]       = {imap_do_search,        SELECTED}, /* search_...c   5256 3                   test_imap_search.py */
    [IMAP_CANCELUPDATE] = {imap_do_cancelupdate,  SELECTED}, /* context.c     5267 4.3.5               test_imap_context.py */
    [IMAP_FETCH]        = {imap_do_fetch,         SELECTED}, /* fetch.c       9051 6.4.5, 7162 3.1.4   test_imap.py */
    [IMAP_STORE]        = {imap_do_store,         SELECTED}, /* change.c      9051 6.4.6, 7162 3.1.3   test_imap.py */
    [IMAP_COPY]         = {imap_do_copy,          SELECTED}, /* change.c      9051 6.4.7, 4315 3       test_imap.py */
    [IMAP_MOVE]         = {imap_do_copy,          SELECTED}, /* change.c      9051 6.4.8, 6851         test_imap.py */
    [IMAP_GETQUOTA]     = {imap_do_getquota,      AUTH},     /* quota.c       9208 4.1.2               test_imap.py */
    [IMAP_GETQUOTAROOT] = {imap_do_getquotaroot,  AUTH},     /* quota.c       9208 4.1.3               test_imap.py */
    [IMAP_SETQUOTA]     = {imap_do_setquota,      AUTH},     /* quota.c       9208 4.1.1               test_imap.py */
    [IMAP_GETMETADATA]  = {imap_do_getmetadata,   AUTH},     /* metadata.c    5464 4.2                 test_imap.py */
    [IMAP_SETMETADATA]  = {imap_do_setmetadata,   AUTH},     /* metadata.c    5464 4.3                 test_imap.py */
    [IMAP_MYRIGHTS]     = {imap_do_myrights,      AUTH},     /* mailbox.c     4314 3.5                 test_imap.py */
    [IMAP_ACL]          = {imap_do_acl,           AUTH},     /* mailbox.c     4314 (refused)           test_imap.py */
    [IMAP_NOTIFY]       = {imap_do_notify,        AUTH},     /* notify.c      5465 3.1                 test_imap_notify.py */
    [IMAP_COMPRESS]     = {imap_do_compress,      AUTH},     /* any.c         4978 3                   test_imap.py */
    [IMAP_UIDS]         = {imap_do_uids,          AUTH},     /* adopt.c       administrators only     test_mailbox_ctl.py */
    [IMAP_LOGIN]        = {imap_do_login,         AUTH},     /* any.c         9051 6.2 (too late)      test_imap.py */
};
/* clang-format on */

void
imap_execute(struct imap *imap, struct imap_command *command)
{
	imap->command = command;
	imap->cpu_used = 0;
	imap_begin_work(imap);
	if (commands[command->verb].execute == NULL)
		imap_tagged(imap, "BAD", "%s is not offered here", imap_verb_name(command));
	else if (commands[command->verb].state == SELECTED && imap->state != IMAP_SELECTED)
		imap_tagged(imap, "BAD", "%s needs a selected mailbox: SELECT one first",
			    imap_verb_name(command));
	else
		commands[command->verb].execute(imap, command);
	imap_end_work(imap);
	if (imap->step == NULL)
		imap_end_command(imap);
	imap_limit_command(imap);
}
