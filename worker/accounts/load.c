/* SPDX-License-Identifier: ISC */
#include "worker/accounts/load.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/aliases.h"
#include "common/log.h"
#include "worker/accounts/accounts.h"

struct load {
	struct pool_job job;
	struct accounts_service *service;
	int fd;
	struct ma_file file;
	uint32_t id;
	struct accounts *accounts;
	unsigned line;
	struct error err;
};

/* The next one waits here while one is read. */
static struct {
	bool busy;
	struct load *next;
} loading;

static void load_begin(struct load *);

static void
warn_foreign(const struct accounts_service *service)
{
	const char *first = NULL;
	uint64_t count = 0;

	for (size_t i = 0; i < accounts_count(service->accounts); i++) {
		const char *address = accounts_at(service->accounts, i)->address;

		if (resolver_has_domain(service->resolver, strchr(address, '@') + 1))
			continue;
		if (count++ == 0)
			first = address;
	}
	if (count > 0)
		log_event(LOG_WARNING, "accounts.foreign", KV_U64("count", count),
			  KV_STR("first", first),
			  KV_STR("why", "their domains are not in postern.conf"));
}

/* What an alias leads to that is ours and nobody's, or NULL. The file alone doesn't say which
 * domains are ours: its reader takes those that have no entry for other hosts'. */
static const char *
find_nobody(const struct resolver *resolver, const struct alias *alias)
{
	for (size_t i = 0; i < alias->forward_count; i++) {
		if (!resolve_is_elsewhere(resolver, alias->forwards[i]))
			return alias->forwards[i];
	}
	return NULL;
}

static void
warn_nobody(const struct accounts_service *service)
{
	const struct aliases *aliases = accounts_aliases(service->accounts);
	const char *first = NULL, *target = NULL;
	uint64_t count = 0;

	for (size_t i = 0; i < aliases_count(aliases); i++) {
		const struct alias *alias = aliases_at(aliases, i);
		const char *nobody = find_nobody(service->resolver, alias);

		if (nobody == NULL || count++ > 0)
			continue;
		first = alias->address;
		target = nobody;
	}
	if (count > 0)
		log_event(
		    LOG_WARNING, "aliases.nobody", KV_U64("count", count), KV_STR("first", first),
		    KV_STR("target", target),
		    KV_STR("why",
			   "its domain is in postern.conf, and it is no account and no alias: "
			   "nobody gets what is sent there"));
}

/* RFC 5321 4.5.1: mail for postmaster has to be taken, and there is nobody to take it. */
static void
warn_unanswered(const struct accounts_service *service)
{
	const char *domain = resolve_unanswered(service->resolver);

	if (domain != NULL)
		log_event(LOG_WARNING, "accounts.no_postmaster", KV_STR("domain", domain),
			  KV_STR("why", "no account in any domain of postern.conf is enabled: mail "
					"for postmaster and abuse can't be taken"));
}

void
load_warn(const struct accounts_service *service)
{
	if (service->accounts == NULL)
		return;
	warn_foreign(service);
	warn_nobody(service);
	warn_unanswered(service);
}

static void
put_in_force(struct accounts_service *service, struct accounts *accounts)
{
	resolver_use(service->resolver, accounts);
	accounts_free(service->accounts);
	service->accounts = accounts;
	log_event(LOG_INFO, "accounts.loaded", KV_U64("count", accounts_count(accounts)));
	load_warn(service);
	offer_update(service);
}

static void
load_free(struct load *load)
{
	close(load->fd);
	free(load);
}

/* On a thread. */
static void
load_run(struct pool_job *job)
{
	struct load *load = (struct load *)(void *)job;

	load->accounts = accounts_read(load->fd, &load->line, &load->err);
}

static void
load_done(struct pool_job *job)
{
	struct load *load = (struct load *)(void *)job, *next = loading.next;
	struct accounts_service *service = load->service;
	struct ma_loaded loaded = {.generation = load->file.generation};

	loading.busy = false;
	loading.next = NULL;
	if (load->accounts != NULL) {
		loaded.ok = 1;
		loaded.count = (uint32_t)accounts_count(load->accounts);
		put_in_force(service, load->accounts);
	} else {
		loaded.line = load->line;
		log_event(LOG_ERR, "accounts.refused", KV_U64("line", load->line),
			  KV_STR("why", load->err.text),
			  KV_STR("then", service->accounts != NULL ? "the old file stays in force"
								   : "no account is known"));
	}
	(void)ipc_send(service->child->control, MA_LOADED, load->id, &loaded, load->err.text,
		       strnlen(load->err.text, REASON_MAX), -1);
	load_free(load);
#ifdef __GLIBC__
	/* What the parser needed, with its copies of the hashes, goes back to the kernel. */
	malloc_trim(0);
#endif
	if (next != NULL)
		load_begin(next);
	accounts_loaded(service);
}

static void
load_begin(struct load *load)
{
	loading.busy = true;
	load->job.run = load_run;
	load->job.done = load_done;
	pool_submit_first(load->service->pool, &load->job);
}

void
load_file(struct accounts_service *service, int fd, uint32_t generation, uint32_t id)
{
	struct load *load = calloc(1, sizeof(*load));

	if (load == NULL) {
		close(fd); /* whoever waits for the answer waits until its time is over */
		log_event(LOG_ERR, "accounts.refused", KV_STR("why", "no memory"));
		return;
	}
	load->service = service;
	load->fd = fd;
	load->file.generation = generation;
	load->id = id;
	if (!loading.busy) {
		load_begin(load);
		return;
	}
	if (loading.next != NULL)
		load_free(loading.next);
	loading.next = load;
}
