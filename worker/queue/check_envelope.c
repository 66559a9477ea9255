/* SPDX-License-Identifier: ISC */
#include "worker/queue/check_envelope.h"

#include <string.h>
#include <strings.h>

#include "common/address.h"
#include "worker/queue/queue.h"

#define RANGE_SIZE (2 * sizeof(uint32_t))

struct range {
	uint32_t first;
	uint32_t count;
};

static struct range
range_at(const char *ranges, uint32_t i)
{
	const char *at = ranges + i * RANGE_SIZE;
	struct range range;

	memcpy(&range.first, at, sizeof(range.first));
	memcpy(&range.count, at + sizeof(range.first), sizeof(range.count));
	return range;
}

/* Each begins behind the one before and a recipient that stays, and none is behind the last. */
static bool
are_ranges(const char *ranges, uint32_t count, size_t recipients)
{
	uint64_t free = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct range range = range_at(ranges, i);

		if (range.count == 0 || range.first < free ||
		    (uint64_t)range.first + range.count > recipients)
			return false;
		free = (uint64_t)range.first + range.count + 1;
	}
	return true;
}

/* The strings of a tail while they are read. */
struct words {
	const char *at;
	const char *end;
};

/* The next one, of *LENGTH octets with a NUL behind; NULL if there is none. */
static const char *
next(struct words *words, size_t *length)
{
	const char *word = words->at;
	const char *end = memchr(word, '\0', (size_t)(words->end - word));

	if (end == NULL)
		return NULL;
	*length = (size_t)(end - word);
	words->at = end + 1;
	return word;
}

static bool
is_address(const char *text, size_t length, bool utf8)
{
	struct address address;

	return queue_is_path(text, length, utf8) &&
	       address_parse_utf8(text, length, &address) == ADDRESS_OK;
}

/* RFC 5321 4.1.1.3: postmaster is the one without a domain. */
static bool
is_recipient(const char *text, size_t length, bool utf8)
{
	return is_address(text, length, utf8) || strcmp(text, "postmaster") == 0;
}

static bool
is_added(struct words *words, const struct qf_mail *mail)
{
	bool utf8 = mail->utf8 == 1;
	uint32_t most = mail->envelope == FILTER_ENVELOPE_ANYWHERE ? QF_ANYWHERE + DSN_NOTIFY_ALL
								   : DSN_NOTIFY_ALL;
	const char *path, *orcpt;
	uint32_t wishes;
	size_t length;

	if (words->at == words->end || *words->at < '0')
		return false;
	wishes = (uint32_t)(*words->at++ - '0');
	if (wishes > most || !notify_is_sound(wishes & ~(uint32_t)QF_ANYWHERE))
		return false;
	path = next(words, &length);
	if (path == NULL || !is_recipient(path, length, utf8))
		return false;
	orcpt = next(words, &length);
	/* RFC 6533 3: UTF-8 may be written in ASCII there, in any mail. */
	return orcpt != NULL && (length == 0 || orcpt_is_sound(orcpt, length));
}

static bool
is_sender(struct words *words, bool utf8, const char **sender)
{
	size_t length;

	*sender = next(words, &length);
	return *sender != NULL && (length == 0 || is_address(*sender, length, utf8));
}

/* The fixed part. RFC 3461 4.4: an ENVID is printable. */
static bool
is_fixed(const struct qf_envelope *fixed, const struct qf_mail *mail)
{
	struct mail_parameters parameters = {.ret = fixed->ret};
	bool may_send = mail->envelope == FILTER_ENVELOPE_ANYWHERE ||
			(mail->envelope == FILTER_ENVELOPE_HERE && mail->kind == FILTER_STRANGER);

	memcpy(parameters.envid, fixed->envid, sizeof(parameters.envid));
	memcpy(parameters.zero, fixed->zero, sizeof(parameters.zero));
	return mail->envelope != FILTER_ENVELOPE_OFF && mail->kind != FILTER_OWN &&
	       fixed->sender <= (may_send ? 1 : 0) && fixed->parameters <= fixed->sender &&
	       fixed->added <= QF_ADDED_MAX && mail_parameters_sound(&parameters) &&
	       (fixed->parameters == 1 || (fixed->ret == 0 && fixed->envid[0] == '\0')) &&
	       (fixed->ranges > 0 || fixed->sender == 1 || fixed->added > 0);
}

bool
check_envelope_read(const struct qf_envelope *fixed, const char *tail, size_t length,
		    const struct qf_mail *mail, size_t recipients, struct envelope_change *out)
{
	struct words words = {tail, tail + length};
	bool utf8 = mail->utf8 == 1;

	*out = (struct envelope_change){.ranges = tail,
					.range_count = fixed->ranges,
					.parameters = fixed->parameters == 1,
					.ret = (enum dsn_return)fixed->ret,
					.envid = fixed->envid,
					.added_count = fixed->added};
	if (!is_fixed(fixed, mail) || fixed->ranges > length / RANGE_SIZE ||
	    !are_ranges(tail, fixed->ranges, recipients))
		return false;
	words.at += fixed->ranges * RANGE_SIZE;
	if (fixed->sender == 1 && !is_sender(&words, utf8, &out->sender))
		return false;
	out->added = words.at;
	for (uint32_t i = 0; i < fixed->added; i++) {
		if (!is_added(&words, mail))
			return false;
	}
	return words.at == words.end;
}

bool
check_envelope_removes(const struct envelope_change *change, uint32_t index, uint32_t *at)
{
	for (; *at < change->range_count; ++*at) {
		struct range range = range_at(change->ranges, *at);

		if (index < range.first)
			return false;
		if (index - range.first < range.count)
			return true;
	}
	return false;
}

const char *
check_envelope_added(const char *entry, struct envelope_added *out)
{
	uint32_t wishes = (uint32_t)(entry[0] - '0');

	out->notify = wishes & ~(uint32_t)QF_ANYWHERE;
	out->anywhere = (wishes & QF_ANYWHERE) != 0;
	out->path = entry + 1;
	out->orcpt = out->path + strlen(out->path) + 1;
	return out->orcpt + strlen(out->orcpt) + 1;
}
