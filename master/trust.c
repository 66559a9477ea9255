/* SPDX-License-Identifier: ISC */
#include "master/trust.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/proto/master_verify.h"
#include "master/master.h"
#include "master/trusted_file.h"

struct trust_entry {
	struct trust_entry *next;
	uint32_t id;
	uint32_t depth;
	char *authorities;
	char *crl; /* or NULL */
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
entry_free(struct trust_entry *entry)
{
	free(entry->authorities);
	free(entry->crl);
	free(entry);
}

static struct trust_entry *
entry_new(struct master *m, const struct conf_listener *l)
{
	struct trust_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->authorities = strdup(l->client_authorities);
	entry->crl = l->client_crl == NULL ? NULL : strdup(l->client_crl);
	if (entry->authorities == NULL || (l->client_crl != NULL && entry->crl == NULL)) {
		entry_free(entry);
		return NULL;
	}
	entry->depth = l->client_depth;
	entry->id = m->trusts == NULL ? 1 : m->trusts->id + 1;
	entry->next = m->trusts;
	m->trusts = entry;
	return entry;
}

static const struct trust_entry *
find_entry(const struct master *m, const struct conf_listener *l)
{
	const struct trust_entry *entry = m->trusts;

	while (entry != NULL &&
	       !(entry->depth == l->client_depth && same(entry->crl, l->client_crl) &&
		 same(entry->authorities, l->client_authorities)))
		entry = entry->next;
	return entry;
}

uint32_t
trust_of(struct master *m, const struct conf_listener *l)
{
	const struct trust_entry *entry;

	if (l->clients == CLIENT_OFF)
		return 0;
	entry = find_entry(m, l);
	if (entry == NULL)
		entry = entry_new(m, l);
	return entry == NULL ? 0 : entry->id;
}

size_t
trust_list(struct master *m, const struct configuration *conf, uint32_t out[TRUSTS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < conf->listener_count; i++) {
		uint32_t id = trust_of(m, &conf->listeners[i]);
		size_t at = 0;

		while (at < count && out[at] != id)
			at++;
		if (id != 0 && at == count && count < TRUSTS_MAX)
			out[count++] = id;
	}
	return count;
}

void
trust_free_all(struct master *m)
{
	struct trust_entry *entry;

	while ((entry = m->trusts) != NULL) {
		m->trusts = entry->next;
		entry_free(entry);
	}
}

static void
send_file(struct process *p, uint16_t type, uint32_t id, const char *path)
{
	const struct mv_file file = {.trust = id};
	struct error err;
	int fd = trusted_file_open(path, p->master->users.uid[ROLE_CERTD], &err);

	if (fd == -1) {
		log_event(LOG_ERR, "verify.unusable", KV_STR("file", path), KV_STR("why", err.text),
			  KV_STR("so", "what was read before stays in force"));
		return;
	}
	(void)ipc_send(p->control, type, 0, &file, NULL, 0, fd);
	close(fd);
}

static void
send_trust(struct process *p, const struct trust_entry *e)
{
	const struct mv_trust trust = {.trust = e->id, .depth = e->depth, .crl = e->crl != NULL};

	(void)ipc_send(p->control, MV_TRUST, 0, &trust, NULL, 0, -1);
	send_file(p, MV_AUTHORITIES, e->id, e->authorities);
	if (e->crl != NULL)
		send_file(p, MV_CRL, e->id, e->crl);
}

/* What only gates that drain still name, the verifier knows from before. */
void
trust_send(struct master *m, struct process *p)
{
	uint32_t ids[TRUSTS_MAX];
	size_t count = trust_list(m, master_conf(m), ids);

	for (const struct trust_entry *e = m->trusts; e != NULL; e = e->next) {
		for (size_t i = 0; i < count; i++) {
			if (ids[i] == e->id)
				send_trust(p, e);
		}
	}
}

void
trust_changed(struct master *m)
{
	struct process *p = m->verify.process;

	if (p != NULL && process_alive(p) && p->phase != PROCESS_DRAINING)
		trust_send(m, p);
}
