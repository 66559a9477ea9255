/* SPDX-License-Identifier: ISC */
/*
 * Before it is signed: a mail with 8-bit octets that goes to other hosts becomes one of 7 bits (RFC
 * 6376 5.3). A host on its way that takes no more has to convert it, which breaks a signature; then
 * it would come back (common/mime/seven_bit.h), or arrive as forged. What can't be converted, or is
 * very large, stays as it is. What its octets are counts, and not what its client has said of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mime/seven_bit.h"
#include "worker/filter/filter.h"
#include "worker/filter/milter_envelope.h"

#define LENGTH_MAX (16 * 1024 * 1024) /* octets: it is in memory three times over */
#define PIECE 65536

/* -- Is there anything to do? ------------------------------------------------------------- */

static bool
look_at_header(const struct message *message, struct seven_bit_look *look)
{
	size_t size = message_header_size(message);
	char *header = malloc(size + 1);

	if (header == NULL)
		return false;
	message_write_header(message, header);
	seven_bit_look(look, header, size);
	free(header);
	return true;
}

/* Up to the first octet that says so. */
static bool
look_at_body(const struct message *message, struct seven_bit_look *look)
{
	char *piece = malloc(PIECE);
	uint64_t offset = 0;
	ssize_t n = -1;

	while (piece != NULL && !look->needs &&
	       (n = message_body(message, offset, piece, PIECE)) > 0) {
		seven_bit_look(look, piece, (size_t)n);
		offset += (uint64_t)n;
	}
	free(piece);
	return n >= 0;
}

/* Most mails are of 7 bits: a look tells, without a copy of it. If it can't be had, there is. */
static bool
is_needed(const struct message *message)
{
	struct seven_bit_look look = {.needs = false};

	return !look_at_header(message, &look) || !look_at_body(message, &look) ||
	       seven_bit_is_needed(&look);
}

/* -- Doing it ----------------------------------------------------------------------------- */

/* What PLAN says, as a message; NULL with errno. */
static struct message *
read_plan(struct seven_bit *plan, size_t size)
{
	char *octets = malloc(size + SEVEN_BIT_ROOM);
	struct message *message;
	size_t done = 0, n;

	if (octets == NULL)
		return NULL;
	while (done < size &&
	       (n = seven_bit_read(plan, octets + done, size + SEVEN_BIT_ROOM - done)) > 0)
		done += n;
	message = message_new(octets, -1, done);
	free(octets);
	return message;
}

/* The new message; NULL, and *WHY: the old one stays. */
static struct message *
convert(const struct check *check, const char *octets, size_t length, const char **why)
{
	enum seven_bit_verdict verdict;
	struct message *message = NULL;
	struct seven_bit plan;
	uint64_t size;

	verdict = seven_bit_plan(&plan, octets, length);
	if (verdict != SEVEN_BIT_OK) {
		*why = seven_bit_why(verdict);
		return NULL;
	}
	size = seven_bit_size(&plan);
	*why = "it would be too long then";
	/* What signatures need has room, too. */
	if (size <= qf_size_max(check->private->came, true) - QF_FIELDS_MAX / 2) {
		message = read_plan(&plan, (size_t)size);
		if (message == NULL)
			*why = strerror(errno);
	}
	seven_bit_free(&plan);
	return message;
}

static void
take(struct check *check, struct message *message)
{
	message->changed = true;
	message_free(check->message);
	check->message = message;
	check->private->verdict.seven_bit = 1;
}

static void
convert_or_tell(struct check *check)
{
	const struct message *old = check->message;
	uint64_t length = message_header_size(old) + message_body_size(old);
	char *octets = length > LENGTH_MAX ? NULL : malloc((size_t)length + 1);
	const char *why = length > LENGTH_MAX ? "it is too long" : "there is no memory";
	struct message *new = NULL;

	if (octets != NULL && !message_write(old, octets))
		why = "it can't be read";
	else if (octets != NULL)
		new = convert(check, octets, (size_t)length, &why);
	free(octets);
	if (new != NULL)
		take(check, new);
	else
		log_event(LOG_INFO, "filter.not_converted", KV_CONN(check->mail.conn),
			  KV_STR("why", why));
}

static void
start(struct check *check)
{
	if (is_needed(check->message))
		convert_or_tell(check);
	check_next(check);
}

static bool
wanted(const struct check *check)
{
	return check->mail.seven_bit == FILTER_LEAVES ||
	       (check->mail.seven_bit == FILTER_LEAVES_IF_ADDED && check->envelope != NULL &&
		check->envelope->added_count > 0);
}

const struct stage stage_seven_bit = {
    .name = "seven_bit",
    .kinds = FILTER_SUBMITTER | FILTER_OWN,
    .wanted = wanted,
    .start = start,
};
