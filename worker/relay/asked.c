/* SPDX-License-Identifier: ISC */
#include "worker/relay/asked.h"

#include <strings.h>

/* It would be asked about recipient I. */
static bool
is_for(const struct asked *asked, const struct client_mail *mail, size_t i, size_t target)
{
	switch (mail->recipients[i].outcome) {
	case OUTCOME_PENDING:
		return true;
	case OUTCOME_PUT_OFF:
		return !asked->recipients[i].put_off[target];
	default:
		return false;
	}
}

bool
asked_wants(const struct asked *asked, const struct client_mail *mail, size_t target)
{
	for (size_t i = 0; !asked->tried[target] && i < mail->count; i++) {
		if (is_for(asked, mail, i, target))
			return true;
	}
	return false;
}

bool
asked_wants_any(const struct asked *asked, const struct client_mail *mail,
		const struct route_answer *way)
{
	for (size_t target = 0; target < way->count; target++) {
		if (asked_wants(asked, mail, target))
			return true;
	}
	return false;
}

void
asked_name(struct asked *asked, const struct client_mail *mail, const char *host)
{
	for (size_t i = 0; i < mail->count; i++) {
		if (mail->recipients[i].outcome == OUTCOME_PENDING)
			asked->recipients[i].host = host;
	}
}

void
asked_begin(struct asked *asked, struct client_mail *mail, const struct route_answer *way,
	    size_t target)
{
	for (size_t i = 0; i < mail->count; i++) {
		if (is_for(asked, mail, i, target))
			mail->recipients[i].outcome = OUTCOME_PENDING;
	}
	asked_name(asked, mail, way->targets[target].host);
}

/* A name may be there more than once, with addresses and preferences of its own. */
static void
mark(bool *marks, const struct route_answer *way, const char *host)
{
	for (size_t target = 0; target < way->count; target++) {
		if (strcasecmp(way->targets[target].host, host) == 0)
			marks[target] = true;
	}
}

void
asked_end(struct asked *asked, struct client_mail *mail, const struct route_answer *way,
	  const char *host)
{
	for (size_t i = 0; i < mail->count; i++) {
		struct asked_recipient *recipient = &asked->recipients[i];
		enum client_outcome *outcome = &mail->recipients[i].outcome;

		if (*outcome == OUTCOME_PUT_OFF && recipient->host != recipient->put_off_by) {
			recipient->put_off_by = recipient->host;
			mark(recipient->put_off, way, host);
		}
		/* This one has said nothing: what was said before counts. */
		if (*outcome == OUTCOME_PENDING && recipient->put_off_by != NULL) {
			*outcome = OUTCOME_PUT_OFF;
			recipient->host = recipient->put_off_by;
		}
	}
}

void
asked_is_done(struct asked *asked, const struct route_answer *way, const char *host)
{
	mark(asked->tried, way, host);
}
