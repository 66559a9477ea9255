/* SPDX-License-Identifier: ISC */
#include "worker/filter/milter_envelope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RANGE_SIZE (2 * sizeof(uint32_t))

/* -- Its life ------------------------------------------------------------------------------- */

struct milter_envelope *
milter_envelope_new(const char *came, size_t count)
{
	struct milter_envelope *envelope = calloc(1, sizeof(*envelope));

	if (envelope == NULL)
		return NULL;
	STAILQ_INIT(&envelope->added);
	envelope->came = came;
	envelope->came_count = count;
	envelope->removed = calloc(count + 1, sizeof(*envelope->removed));
	if (envelope->removed == NULL) {
		free(envelope);
		return NULL;
	}
	return envelope;
}

static void
drop(struct milter_envelope *envelope, struct milter_recipient *recipient)
{
	STAILQ_REMOVE(&envelope->added, recipient, milter_recipient, entry);
	envelope->added_count--;
	envelope->added_octets -= strlen(recipient->path) + strlen(recipient->orcpt) + 3;
	free(recipient);
}

void
milter_envelope_free(struct milter_envelope *envelope)
{
	struct milter_recipient *recipient;

	if (envelope == NULL)
		return;
	while ((recipient = STAILQ_FIRST(&envelope->added)) != NULL)
		drop(envelope, recipient);
	free(envelope->removed);
	free(envelope->sender);
	free(envelope);
}

static int
append(struct milter_envelope *envelope, const char *path, uint32_t notify, bool anywhere,
       const char *orcpt)
{
	size_t path_size = strlen(path) + 1, orcpt_size = strlen(orcpt) + 1;
	struct milter_recipient *recipient = calloc(1, sizeof(*recipient) + path_size + orcpt_size);

	if (recipient == NULL)
		return -1;
	memcpy(recipient->path, path, path_size);
	recipient->orcpt = memcpy(recipient->path + path_size, orcpt, orcpt_size);
	recipient->notify = notify;
	recipient->anywhere = anywhere;
	STAILQ_INSERT_TAIL(&envelope->added, recipient, entry);
	envelope->added_count++;
	envelope->added_octets += 1 + path_size + orcpt_size;
	return 0;
}

struct milter_envelope *
milter_envelope_copy(const struct milter_envelope *old)
{
	struct milter_envelope *new = milter_envelope_new(old->came, old->came_count);
	const struct milter_recipient *recipient;
	int result = new == NULL ? -1 : 0;

	if (new == NULL)
		return NULL;
	memcpy(new->removed, old->removed, old->came_count * sizeof(*old->removed));
	new->removed_count = old->removed_count;
	new->parameters = old->parameters;
	new->ret = old->ret;
	memcpy(new->envid, old->envid, sizeof(new->envid));
	if (old->sender != NULL && (new->sender = strdup(old->sender)) == NULL)
		result = -1;
	STAILQ_FOREACH (recipient, &old->added, entry) {
		if (result == 0)
			result = append(new, recipient->path, recipient->notify,
					recipient->anywhere, recipient->orcpt);
	}
	if (result == 0)
		return new;
	milter_envelope_free(new);
	return NULL;
}

/* -- Changes -------------------------------------------------------------------------------- */

/* The next one of those that came. */
static const char *
after(const char *came)
{
	return came + strlen(came) + 1;
}

static bool
has(const struct milter_envelope *envelope, const char *path)
{
	const struct milter_recipient *recipient;
	const char *came = envelope->came;

	for (size_t i = 0; i < envelope->came_count; i++, came = after(came)) {
		if (!envelope->removed[i] && strcasecmp(came, path) == 0)
			return true;
	}
	STAILQ_FOREACH (recipient, &envelope->added, entry) {
		if (strcasecmp(recipient->path, path) == 0)
			return true;
	}
	return false;
}

int
milter_envelope_add(struct milter_envelope *envelope, const char *path, uint32_t notify,
		    bool anywhere, const char *orcpt)
{
	if (has(envelope, path))
		return 0;
	if (envelope->added_count >= QF_ADDED_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	return append(envelope, path, notify, anywhere, orcpt);
}

size_t
milter_envelope_remove(struct milter_envelope *envelope, const char *path)
{
	struct milter_recipient *recipient, *next;
	const char *came = envelope->came;
	size_t removed = 0;

	for (size_t i = 0; i < envelope->came_count; i++, came = after(came)) {
		if (envelope->removed[i] || strcasecmp(came, path) != 0)
			continue;
		envelope->removed[i] = true;
		envelope->removed_count++;
		removed++;
	}
	STAILQ_FOREACH_SAFE (recipient, &envelope->added, entry, next) {
		if (strcasecmp(recipient->path, path) != 0)
			continue;
		drop(envelope, recipient);
		removed++;
	}
	return removed;
}

int
milter_envelope_set_sender(struct milter_envelope *envelope, const char *sender,
			   const struct mail_parameters *parameters)
{
	char *copy = strdup(sender);

	if (copy == NULL)
		return -1;
	free(envelope->sender);
	envelope->sender = copy;
	if (parameters != NULL) {
		envelope->parameters = true;
		envelope->ret = (enum dsn_return)parameters->ret;
		memcpy(envelope->envid, parameters->envid, sizeof(envelope->envid));
	}
	return 0;
}

/* -- What it is now --------------------------------------------------------------------------- */

size_t
milter_envelope_count(const struct milter_envelope *envelope)
{
	return envelope->came_count - envelope->removed_count + envelope->added_count;
}

char *
milter_envelope_list(const struct milter_envelope *envelope)
{
	const struct milter_recipient *recipient;
	const char *came = envelope->came;
	size_t size = envelope->added_octets + 1;
	char *list, *to;

	for (size_t i = 0; i < envelope->came_count; i++)
		came = after(came);
	size += (size_t)(came - envelope->came);
	list = malloc(size);
	if (list == NULL)
		return NULL;
	to = list;
	came = envelope->came;
	for (size_t i = 0; i < envelope->came_count; i++, came = after(came)) {
		if (!envelope->removed[i])
			to = stpcpy(to, came) + 1;
	}
	STAILQ_FOREACH (recipient, &envelope->added, entry)
		to = stpcpy(to, recipient->path) + 1;
	*to = '\0';
	return list;
}

/* A tail while it is written. */
struct tail {
	char *octets;
	size_t used;
	bool full;
};

static void
put(struct tail *tail, const void *data, size_t length)
{
	if (tail->full || length > QF_ENVELOPE_MAX - tail->used) {
		tail->full = true;
		return;
	}
	memcpy(tail->octets + tail->used, data, length);
	tail->used += length;
}

static uint32_t
put_ranges(const struct milter_envelope *envelope, struct tail *tail)
{
	uint32_t ranges = 0, range[2];
	size_t i = 0;

	while (i < envelope->came_count && !tail->full) {
		size_t first = i;

		while (i < envelope->came_count && envelope->removed[i])
			i++;
		if (i == first) {
			i++;
			continue;
		}
		range[0] = (uint32_t)first;
		range[1] = (uint32_t)(i - first);
		put(tail, range, RANGE_SIZE);
		ranges++;
	}
	return ranges;
}

static void
put_recipient(const struct milter_recipient *recipient, struct tail *tail)
{
	const char wishes =
	    (char)('0' + recipient->notify + (recipient->anywhere ? QF_ANYWHERE : 0));

	put(tail, &wishes, 1);
	put(tail, recipient->path, strlen(recipient->path) + 1);
	put(tail, recipient->orcpt, strlen(recipient->orcpt) + 1);
}

int
milter_envelope_write(const struct milter_envelope *envelope, struct qf_envelope *out,
		      char octets[QF_ENVELOPE_MAX], size_t *length)
{
	const struct milter_recipient *recipient;
	struct tail tail = {.octets = octets};

	memset(out, 0, sizeof(*out));
	*length = 0;
	if (envelope->removed_count == 0 && envelope->added_count == 0 && envelope->sender == NULL)
		return 0;
	out->ranges = put_ranges(envelope, &tail);
	out->added = (uint32_t)envelope->added_count;
	if (envelope->sender != NULL) {
		out->sender = 1;
		put(&tail, envelope->sender, strlen(envelope->sender) + 1);
	}
	if (envelope->parameters) {
		out->parameters = 1;
		out->ret = envelope->ret;
		(void)strlcpy(out->envid, envelope->envid, sizeof(out->envid));
	}
	STAILQ_FOREACH (recipient, &envelope->added, entry)
		put_recipient(recipient, &tail);
	*length = tail.used;
	return tail.full ? -1 : 1;
}
