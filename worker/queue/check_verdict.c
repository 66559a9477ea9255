/* SPDX-License-Identifier: ISC */
#include "worker/queue/check_verdict.h"

#include <ctype.h>
#include <string.h>

/* A string of its field, of printable ASCII. */
static bool
is_text(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	if (end == NULL)
		return false;
	for (; text < end; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

/* Lines of it, LF between them. */
static bool
is_lines(const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);
	size_t lines = 1, column = 0;

	if (end == NULL)
		return false;
	for (; text < end; text++) {
		if (*text != '\n' && (*text < 0x20 || *text > 0x7e))
			return false;
		lines += *text == '\n';
		column = *text == '\n' ? 0 : column + 1;
		if (lines > FILTER_LINES_MAX || column >= FILTER_TEXT_SIZE)
			return false;
	}
	return true;
}

/* RFC 3463 2, of that class; "" is fine. */
static bool
is_status(const char *status, char class)
{
	size_t dots = 0;

	if (status[0] == '\0')
		return true;
	if (status[0] != class || status[1] != '.')
		return false;
	for (; *status != '\0'; status++) {
		if (*status == '.')
			dots++;
		else if (isdigit((unsigned char)*status) == 0)
			return false;
		if (*status == '.' && isdigit((unsigned char)status[1]) == 0)
			return false;
	}
	return dots == 2;
}

static bool
is_reply(const struct qf_verdict *verdict)
{
	unsigned class = 0;

	if (verdict->verdict == FILTER_LATER)
		class = 4;
	if (verdict->verdict == FILTER_REJECT)
		class = 5;
	if (class == 0)
		return verdict->code == 0 && verdict->status[0] == '\0' &&
		       is_text(verdict->text, FILTER_TEXT_SIZE);
	return verdict->code / 100 == class && verdict->text[0] != '\0' &&
	       is_lines(verdict->text, sizeof(verdict->text)) &&
	       is_status(verdict->status, (char)('0' + class));
}

static bool
is_change(const struct qf_verdict *verdict, size_t tail, uint64_t size)
{
	uint64_t most = qf_size_max(size, verdict->seven_bit == 1);

	switch (verdict->change) {
	case FILTER_SAME:
		return tail == 0 && verdict->size == 0;
	case FILTER_IN_TAIL:
		return tail > 0 && verdict->size == tail && verdict->size <= most;
	case FILTER_IN_FILE:
		return tail == 0 && verdict->size > 0 && verdict->size <= most;
	default:
		return false;
	}
}

bool
check_verdict_is_sound(const struct qf_verdict *verdict, const struct qf_mail *mail, size_t tail,
		       uint64_t size)
{
	return verdict->verdict >= FILTER_ACCEPT && verdict->verdict < FILTER_VERDICT_COUNT &&
	       verdict->junk <= 1 && is_text(verdict->status, sizeof(verdict->status)) &&
	       is_reply(verdict) && is_change(verdict, tail, size) && verdict->seven_bit <= 1 &&
	       (verdict->seven_bit == 0 ||
		(verdict->change != FILTER_SAME && mail->seven_bit != FILTER_STAYS)) &&
	       (mail->kind != FILTER_OWN ||
		(verdict->verdict == FILTER_ACCEPT && verdict->junk == 0));
}

const char *
check_verdict_name(uint32_t verdict)
{
	static const char *const names[] = {
	    [FILTER_ACCEPT] = "accept", [FILTER_HOLD] = "hold",     [FILTER_DISCARD] = "discard",
	    [FILTER_LATER] = "later",   [FILTER_REJECT] = "reject",
	};

	return verdict < sizeof(names) / sizeof(names[0]) && names[verdict] != NULL ? names[verdict]
										    : "none";
}
