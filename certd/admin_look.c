/* SPDX-License-Identifier: ISC */
/* CC_LOOK and CC_CHECK: what is in the certs folder, and what clients make of it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "certd/admin_internal.h"
#include "certd/chain.h"
#include "certd/facts.h"
#include "certd/file.h"

#define KEPT_MAX 1024 /* sets kept aside that are shown */

/* One request, as it is answered. */
struct look {
	const struct admin *admin;
	uint32_t id;
	const struct cc_look *request;
	struct authorities *authorities; /* NULL: nothing is to be checked */
	struct facts *facts;
};

static void
send_facts(struct look *look, const char *name, enum cert_state state, const char *why)
{
	struct cc_facts *facts = &look->facts->facts;

	facts->state = state;
	strlcpy(facts->name, name, sizeof(facts->name));
	strlcpy(facts->why, why, sizeof(facts->why));
	(void)ipc_send(look->admin->channel, CC_FACTS, look->id, facts, look->facts->names,
		       look->facts->length, -1);
}

static void
send_nothing_but(struct look *look, const char *name, enum cert_state state, const char *why)
{
	look->facts->facts = (struct cc_facts){.state = state};
	look->facts->length = 0;
	send_facts(look, name, state, why);
}

static void
send_chain(struct look *look, const char *name, enum cert_state state, const char *why,
	   STACK_OF(X509) * chain)
{
	int count = look->request->chain == 1 ? sk_X509_num(chain) : 1;

	for (int i = 0; i < count; i++) {
		struct cc_facts *facts = &look->facts->facts;

		facts_read(sk_X509_value(chain, i), look->request->host, look->facts);
		facts->depth = (uint32_t)i;
		facts->above = (uint32_t)sk_X509_num(chain) - 1;
		if (i == 0 && look->authorities != NULL)
			chain_check(chain, look->authorities, (int64_t)time(NULL), facts);
		send_facts(look, name, state, why);
	}
}

static void
send_entry(struct look *look, const struct vault_entry *entry)
{
	const struct refusals *refusals = vault_refusals(look->admin->admins->target->vault);
	const struct refusal *refusal = refusals_find(refusals, entry->name);
	STACK_OF(X509) * chain;
	struct error err;

	chain = chain_from_der(entry->pair->chain, entry->pair->chain_length, &err);
	if (chain == NULL)
		send_nothing_but(look, entry->name, CERT_IN_FORCE, err.text);
	else
		send_chain(look, entry->name, CERT_IN_FORCE, refusal == NULL ? "" : refusal->why,
			   chain);
	chain_free(chain);
}

static bool
is_there(int directory, const char *file)
{
	struct stat st;

	return fstatat(directory, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
send_kept(struct look *look, const char *kept)
{
	const struct admin_target *target = look->admin->admins->target;
	char file[CERT_KEPT_SIZE + sizeof(".crt")], pem[sizeof(file)];
	struct contents contents = {NULL, 0};
	STACK_OF(X509) *chain = NULL;
	struct error err;
	int result;

	snprintf(file, sizeof(file), "%s.crt", kept);
	snprintf(pem, sizeof(pem), "%s.pem", kept);
	if (is_there(target->directory, file))
		result =
		    file_read(target->directory, file, FILE_PUBLIC, target->owner, &contents, &err);
	else if (is_there(target->directory, pem))
		result =
		    file_read(target->directory, pem, FILE_KEY, target->owner, &contents, &err);
	else
		result = error_set(&err, "there is no certificate, only what one is made of");
	if (result == 0)
		chain = chain_from_pem(contents.bytes, contents.length, &err);
	if (chain == NULL)
		send_nothing_but(look, kept, CERT_KEPT, err.text);
	else
		send_chain(look, kept, CERT_KEPT, "", chain);
	chain_free(chain);
	contents_free(&contents);
}

/* FILE is one of NAME.TIME's: copies that. True for one of them only, so that it is shown once. */
static bool
is_kept(int directory, const char *file, char kept[CERT_KEPT_SIZE])
{
	static const char *const suffixes[] = {".crt", ".pem", ".key", ".csr"};
	const char *suffix = strrchr(file, '.');
	char name[CERT_NAME_SIZE], other[CERT_KEPT_SIZE + 4];

	if (suffix == NULL || (size_t)(suffix - file) >= CERT_KEPT_SIZE)
		return false;
	strlcpy(kept, file, (size_t)(suffix - file) + 1);
	if (!cert_name_kept(kept, name))
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(suffix, suffixes[i]) == 0)
			return true;
		snprintf(other, sizeof(other), "%s%s", kept, suffixes[i]);
		if (is_there(directory, other))
			return false;
	}
	return false;
}

static void
send_all_kept(struct look *look)
{
	int fd =
	    openat(look->admin->admins->target->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	char kept[CERT_KEPT_SIZE];
	const struct dirent *entry;
	size_t count = 0;

	if (list == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while (count < KEPT_MAX && (entry = readdir(list)) != NULL) {
		if (!is_kept(fd, entry->d_name, kept))
			continue;
		send_kept(look, kept);
		count++;
	}
	closedir(list);
}

static void
send_all(struct look *look)
{
	const struct vault *vault = look->admin->admins->target->vault;
	const struct vault_entry *entry = NULL;
	const struct refusal *refusal;

	while ((entry = vault_next(vault, entry)) != NULL)
		send_entry(look, entry);
	STAILQ_FOREACH (refusal, &vault_refusals(vault)->list, entry) {
		if (vault_find(vault, refusal->name) == NULL)
			send_nothing_but(look, refusal->name, CERT_REFUSED, refusal->why);
	}
	/* What was put aside is not in use: nobody asks what clients say of it. */
	if (look->authorities == NULL)
		send_all_kept(look);
}

/* Which authorities could stand behind what is asked for. */
static int
want_all(const struct look *look, struct error *err)
{
	const struct vault_entry *entry = NULL;
	int result = 0;

	while (result == 0 &&
	       (entry = vault_next(look->admin->admins->target->vault, entry)) != NULL) {
		STACK_OF(X509) * chain;

		chain = chain_from_der(entry->pair->chain, entry->pair->chain_length, err);
		if (chain != NULL && authorities_want(look->authorities, chain) == -1)
			result = error_set(err, "no memory");
		chain_free(chain);
	}
	return result;
}

static int
answer(struct look *look, int authorities)
{
	struct error err;
	int result = 0;

	look->facts = malloc(sizeof(*look->facts));
	if (authorities != -1)
		look->authorities = authorities_new();
	if (look->facts == NULL || (authorities != -1 && look->authorities == NULL))
		result = error_set(&err, "no memory");
	if (result == 0 && authorities != -1 &&
	    (want_all(look, &err) == -1 ||
	     authorities_read(look->authorities, authorities, &err) == -1))
		result = -1;
	if (result == 0)
		send_all(look);
	authorities_free(look->authorities);
	free(look->facts);
	return admin_result(look->admin, look->id, result == 0, result == 0 ? "" : err.text);
}

static bool
is_sound(const struct ipc_message *message)
{
	const struct cc_look *request = message->body;

	return message->id != 0 && memchr(request->host, '\0', sizeof(request->host)) != NULL &&
	       request->chain <= 1 && request->zero[0] == 0 && request->zero[1] == 0 &&
	       request->zero[2] == 0;
}

static int
look_at(struct ipc_message *message, const struct admin *admin, int authorities)
{
	struct look look = {.admin = admin, .id = message->id, .request = message->body};

	if (!is_sound(message))
		return -1;
	/* Looking is possible while something else is being made. */
	if (admin->admins->keygen == NULL)
		return admin_result(admin, message->id, false,
				    "certd is still starting: try again in a moment");
	return answer(&look, authorities);
}

int
admin_look(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return look_at(message, context, -1);
}

int
admin_check(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	return look_at(message, context, message->fd);
}
