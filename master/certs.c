/* SPDX-License-Identifier: ISC */
#include "master/certs.h"

#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "common/proto/master_queue.h"
#include "master/master.h"

static bool
is_sound(const struct md_certificate *told)
{
	return cert_name_valid(told->name) && told->step <= EXPIRY_STEPS &&
	       ((told->until >= 0 && told->until <= EXPIRY_MAX) ||
		(told->until == INT64_MAX && told->step == 0)) &&
	       told->kind >= MD_KEY_RSA && told->kind < MD_KEY_KINDS &&
	       (told->flags & ~(uint32_t)MD_CERT_FLAGS) == 0 && told->zero[0] == 0 &&
	       told->zero[1] == 0 && told->zero[2] == 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct md_certificate *)a)->name,
		      ((const struct md_certificate *)b)->name);
}

static struct md_certificate *
find(const struct certs *certs, const char *name)
{
	for (size_t i = 0; i < certs->next_count; i++) {
		if (strcmp(certs->next[i].name, name) == 0)
			return &certs->next[i];
	}
	return NULL;
}

int
certs_told(struct certs *certs, const struct md_certificate *told)
{
	struct md_certificate *report;

	if (!is_sound(told))
		return -1;
	report = find(certs, told->name);
	if (report == NULL) {
		if (certs->next_count == CERTD_CERTIFICATES_MAX)
			return -1;
		report = reallocarray(certs->next, certs->next_count + 1, sizeof(*report));
		if (report == NULL)
			return -1;
		certs->next = report;
		report = &certs->next[certs->next_count++];
	}
	*report = *told;
	return 0;
}

static struct conf_candidate
candidate_of(const struct md_certificate *told)
{
	return (struct conf_candidate){
	    .name = told->name,
	    .kind = (enum conf_key_kind)told->kind,
	    .weak = (told->flags & MD_CERT_WEAK) != 0,
	    .self_signed = (told->flags & MD_CERT_SELF_SIGNED) != 0,
	    .exact = (told->flags & MD_CERT_EXACT) != 0,
	    .wildcard = (told->flags & MD_CERT_WILDCARD) != 0,
	    .until = told->until,
	};
}

void
certs_all_told(struct certs *certs)
{
	struct certs new = {.list = certs->next, .count = certs->next_count};

	if (new.count > 0)
		new.candidates = calloc(new.count, sizeof(*new.candidates));
	if (new.candidates == NULL) {
		certs_free(certs);
		return;
	}
	qsort(new.list, new.count, sizeof(*new.list), compare);
	for (size_t i = 0; i < new.count; i++)
		new.candidates[i] = candidate_of(&new.list[i]);
	certs->next = NULL;
	certs_free(certs);
	*certs = new;
}

void
certs_free(struct certs *certs)
{
	free(certs->list);
	free(certs->candidates);
	free(certs->next);
	*certs = (struct certs){.list = NULL};
}

void
certs_notify(struct master *m)
{
	const struct process *queue = m->queue.process;
	const struct certs *certs = &m->certs;
	char listeners[PRESENTERS_SIZE];

	/* One that starts is told when it is ready. */
	if (queue == NULL || queue->phase != PROCESS_RUNNING || queue->control == NULL ||
	    certs->candidates == NULL)
		return;
	for (size_t i = 0; i < certs->count; i++) {
		const struct md_certificate *told = &certs->list[i];
		struct mq_notice notice = {.until = told->until,
					   .step = told->step,
					   .self_signed = (told->flags & MD_CERT_SELF_SIGNED) != 0};

		if (told->step == 0)
			continue;
		strlcpy(notice.name, told->name, sizeof(notice.name));
		conf_presenters(master_conf(m), certs->candidates, certs->count, i, listeners,
				sizeof(listeners));
		(void)ipc_send(queue->control, MQ_NOTICE, 0, &notice, listeners, strlen(listeners),
			       -1);
	}
}
