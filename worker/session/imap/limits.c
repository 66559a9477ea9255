/* SPDX-License-Identifier: ISC */
/*
 * How much CPU time a command may take and how much memory all connections of a mailbox together
 * may have: what goes beyond is answered NO [LIMIT] (RFC 5530 3), and the session goes on.
 */
#include "config.h"

#include <time.h>

#include "worker/session/imap/context.h"
#include "worker/session/imap/notify.h"

static uint64_t
cpu_time(void)
{
	struct timespec now = {0, 0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* 0: no limit, as for posternctl, which copies whole mailboxes. */
static uint64_t
cpu_allowed(const struct imap *imap)
{
	if (imap->options.administrator)
		return 0;
	return (uint64_t)imap->options.budget->command_seconds * 1000000000;
}

void
imap_begin_work(struct imap *imap)
{
	uint64_t allowed = cpu_allowed(imap);

	imap->cpu_since = cpu_time();
	if (allowed != 0)
		store_limit_work(imap->store, imap->cpu_used >= allowed
						  ? 1
						  : (allowed - imap->cpu_used) / 1000000 + 1);
}

void
imap_end_work(struct imap *imap)
{
	store_limit_work(imap->store, 0);
	imap->cpu_used += cpu_time() - imap->cpu_since;
	imap->cpu_since = 0;
}

bool
imap_is_late(const struct imap *imap)
{
	uint64_t allowed = cpu_allowed(imap), used = imap->cpu_used;

	if (imap->cpu_since != 0)
		used += cpu_time() - imap->cpu_since;
	return allowed != 0 && used > allowed;
}

static uint64_t
memory_of(const struct imap *imap)
{
	return imap_parser_memory(imap->parser) + imap->task_memory +
	       imap->view.room * sizeof(*imap->view.uids) + contexts_memory(imap) +
	       notify_memory(imap) + imap->saved.room * sizeof(*imap->saved.list) +
	       stream_waiting(&imap->stream);
}

void
imap_account(struct imap *imap)
{
	uint64_t now = imap->parser == NULL ? 0 : memory_of(imap);

	imap->options.budget->used += now - imap->accounted;
	imap->accounted = now;
}

uint64_t
imap_memory_left(const struct imap *imap)
{
	const struct imap_budget *budget = imap->options.budget;

	if (budget->memory == 0)
		return UINT64_MAX;
	return budget->used < budget->memory ? budget->memory - budget->used : 0;
}

void
imap_limit_command(struct imap *imap)
{
	bool late = imap_is_late(imap);

	imap_account(imap);
	if (imap->step == NULL || imap->unfinished == NULL || (!late && imap_memory_left(imap) > 0))
		return;
	imap_text(imap, imap->unfinished);
	if (imap->command == NULL) { /* unasked.h */
		imap_end_command(imap);
		return;
	}
	imap_tagged(imap, "NO", "[LIMIT] %s", late ? STORE_TOO_LONG : IMAP_TOO_MUCH);
	log_event(LOG_NOTICE, "imap.limit", KV_CONN(imap->options.conn),
		  KV_STR("user", imap->options.mailbox),
		  KV_STR("command", imap_verb_name(imap->command)),
		  KV_STR("why", late ? "CPU time" : "memory"));
	imap_end_command(imap);
}
