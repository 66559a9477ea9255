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
	return memchr(told->name, '\0', sizeof(told->name)) != NULL &&
	       cert_name_valid(told->name) && told->step <= EXPIRY_STEPS &&
	       told->kind >= MD_KEY_RSA && told->kind < MD_KEY_KINDS &&
	       (told->flags & ~(uint32_t)MD_CERT_FLAGS) == 0 && told->zero[0] == 0 &&
	       told->zero[1] == 0 && told->zero[2] == 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct cert_report *)a)->told.name,
		      ((const struct cert_report *)b)->told.name);
}

static struct cert_report *
find(const struct certs *certs, const char *name)
{
	for (size_t i = 0; i < certs->count; i++) {
		if (strcmp(certs->list[i].told.name, name) == 0)
			return &certs->list[i];
	}
	return NULL;
}

int
certs_told(struct certs *certs, const struct md_certificate *told)
{
	struct cert_report *report;

	if (!is_sound(told))
		return -1;
	report = find(certs, told->name);
	if (report == NULL) {
		if (certs->count == CERTD_CERTIFICATES_MAX)
			return -1;
		report = reallocarray(certs->list, certs->count + 1, sizeof(*report));
		if (report == NULL)
			return -1;
		certs->list = report;
		report = &certs->list[certs->count++];
	}
	*report = (struct cert_report){.told = *told, .seen = true};
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
	size_t kept = 0;

	for (size_t i = 0; i < certs->count; i++) {
		if (!certs->list[i].seen)
			continue;
		certs->list[kept] = certs->list[i];
		certs->list[kept++].seen = false;
	}
	certs->count = kept;
	free(certs->candidates);
	certs->candidates = kept == 0 ? NULL : calloc(kept, sizeof(*certs->candidates));
	if (certs->candidates == NULL) {
		certs->count = 0;
		return;
	}
	qsort(certs->list, kept, sizeof(*certs->list), compare);
	for (size_t i = 0; i < kept; i++)
		certs->candidates[i] = candidate_of(&certs->list[i].told);
}

void
certs_free(struct certs *certs)
{
	free(certs->list);
	free(certs->candidates);
	*certs = (struct certs){NULL, NULL, 0};
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
		const struct md_certificate *told = &certs->list[i].told;
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
