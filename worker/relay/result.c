/* SPDX-License-Identifier: ISC */
#include "worker/relay/result.h"

#include <stdio.h>
#include <string.h>

static const struct {
	enum relay_outcome outcome;
	char class;
} outcomes[] = {
    [OUTCOME_PENDING] = {RELAY_LATER, '4'}, [OUTCOME_DELIVERED] = {RELAY_DELIVERED, '2'},
    [OUTCOME_PUT_OFF] = {RELAY_LATER, '4'}, [OUTCOME_LATER] = {RELAY_LATER, '4'},
    [OUTCOME_FAILED] = {RELAY_FAILED, '5'},
};

/*
 * Where the server says none: what the code itself means (RFC 5321 4.2.2, 4.2.3; RFC 7504), else
 * "other or undefined". Codes of one meaning in both classes only.
 */
static const struct {
	unsigned code;
	const char *detail; /* subject and detail */
} details[] = {
    {421, "3.2"},  /* not accepting network messages */
    {521, "3.2"},  /* never accepting them */
    {556, "1.10"}, /* null MX */
    {530, "7.0"},  /* authentication required */
    {535, "7.8"},  /* authentication credentials invalid */
    {452, "3.1"},  /* mail system full */
};

/* What is odd ("250" to DATA) has no status that could be believed. */
static const char *
detail_of(const struct reply *reply, char class)
{
	if (reply->status[0] != '\0' && (reply->status[0] != '2') == (class != '2'))
		return reply->status + 2;
	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
		if (details[i].code == reply->code)
			return details[i].detail;
	}
	return "0.0";
}

void
result_of(const struct client_recipient *recipient, const struct reply *why, const char *host,
	  struct qr_recipient *result)
{
	const struct reply *reply = recipient->outcome == OUTCOME_PENDING ? why : &recipient->reply;

	char class = outcomes[recipient->outcome].class;

	memset(result, 0, sizeof(*result));
	result->outcome = outcomes[recipient->outcome].outcome;
	result->code = reply->code;
	(void)snprintf(result->status, sizeof(result->status), "%c.%.9s", class,
		       detail_of(reply, class));
	result->dsn = recipient->outcome == OUTCOME_DELIVERED && recipient->dsn ? 1 : 0;
	result->said = reply->said ? 1 : 0;
	if (reply->said)
		strlcpy(result->enhanced, reply->status, sizeof(result->enhanced));
	strlcpy(result->text, reply->text, sizeof(result->text));
	if (host != NULL)
		strlcpy(result->host, host, sizeof(result->host));
}
