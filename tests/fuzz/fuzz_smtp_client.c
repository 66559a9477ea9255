/* SPDX-License-Identifier: ISC */
/*
 * A server that says anything, to a client with two mails: each recipient ends with an outcome or
 * is left to another host, and what the client says are lines of commands. The first octet chooses
 * how the rest is cut, and whether TLS is wanted.
 */
#include <event2/buffer.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/relay/client.h"

#define RECIPIENTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct client_options options;
	struct client client;
	struct client_recipient recipients[2][RECIPIENTS];
	struct client_mail mails[2];
	unsigned given;
	struct evbuffer *out;
};

static void
set_up(struct run *run, uint8_t choice)
{
	memset(run, 0, sizeof(*run));
	run->options = (struct client_options){.helo = "mail.example.org",
					       .tls = (enum client_tls)(choice % 3),
					       .own = (choice & 8) != 0 ? "mail.example.org" : NULL,
					       .lmtp = (choice & 16) != 0,
					       .user = (choice & 32) != 0 ? "user" : NULL,
					       .password = "secret"};
	run->options.implicit_tls = choice % 3 == CLIENT_TLS_REQUIRED && (choice & 64) != 0;
	client_start(&run->client, &run->options);
	if (client_connected(&run->client) == CLIENT_START_TLS)
		(void)client_secured(&run->client, NULL);
	run->out = evbuffer_new();
	for (unsigned m = 0; m < 2; m++) {
		for (unsigned r = 0; r < RECIPIENTS; r++)
			run->recipients[m][r] = (struct client_recipient){
			    .path = "a@example.net",
			    .notify = m == 0 ? 0 : DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY,
			    .orcpt = m == 0 ? "" : "utf-8;\xc3\xa4+@example.net"};
		run->mails[m] = (struct client_mail){.sender = "",
						     .size = 1000,
						     .eight_bit = (choice & 4) != 0,
						     .binary = m == 1 && (choice & 128) != 0,
						     .parameters.envid = "=id",
						     .recipients = run->recipients[m],
						     .count = RECIPIENTS};
	}
}

static bool
is_over(const struct run *run, unsigned mail)
{
	for (unsigned r = 0; r < RECIPIENTS; r++) {
		if (run->recipients[mail][r].outcome == OUTCOME_PENDING)
			return false;
	}
	return true;
}

/* A mail is given again while some of its recipients were not asked (RFC 9422). */
static enum client_action
give(struct run *run)
{
	while (run->given < 2 && is_over(run, run->given))
		run->given++;
	return run->given < 2 ? client_mail(&run->client, &run->mails[run->given], run->out)
			      : client_quit(&run->client, run->out);
}

static enum client_action
go_on(struct run *run, enum client_action action)
{
	for (;;) {
		switch (action) {
		case CLIENT_START_TLS:
			action = client_secured(&run->client, run->out);
			break;
		case CLIENT_SEND_BODY:
		case CLIENT_SEND_CHUNK:
			action = client_sent(&run->client);
			break;
		case CLIENT_GIVE:
		case CLIENT_MAIL_DONE:
			action = give(run);
			break;
		default:
			return action;
		}
	}
}

static void
check(struct run *run)
{
	char *line;

	while ((line = evbuffer_readln(run->out, NULL, EVBUFFER_EOL_CRLF_STRICT)) != NULL) {
		/* In a login there is base64, "*", and an empty line too. */
		if (run->options.user == NULL && (line[0] < 'A' || line[0] > 'Z'))
			abort();
		free(line);
	}
	if (evbuffer_get_length(run->out) != 0)
		abort();
	for (unsigned r = 0; r < RECIPIENTS; r++) {
		const struct client_recipient *one = &run->recipients[0][r];

		if (one->outcome == OUTCOME_FAILED && one->reply.code / 100 != 5)
			abort();
		if (one->outcome == OUTCOME_DELIVERED && one->reply.code / 100 != 2)
			abort();
		/* Where the first mail is over it is over for all. */
		if (run->given > 0 && one->outcome == OUTCOME_PENDING)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum client_action action = CLIENT_WAIT;
	struct reply_parser parser;
	struct run run;
	size_t step, at = 1, used;

	if (size == 0)
		return 0;
	set_up(&run, data[0]);
	step = (size_t)(data[0] >> 3) + 1;
	reply_start(&parser);
	while (at < size && action != CLIENT_CLOSE) {
		size_t part = size - at < step ? size - at : step;
		enum reply_result result =
		    reply_feed(&parser, (const char *)data + at, part, &used);

		at += used;
		if (result == REPLY_LINE || result == REPLY_END)
			client_line(&run.client, parser.line);
		if (result == REPLY_END)
			action = go_on(&run, client_reply(&run.client, &parser.reply, run.out));
		if (result == REPLY_BAD)
			action = client_lost(&run.client, "no reply");
	}
	if (action != CLIENT_CLOSE)
		(void)client_lost(&run.client, "the end");
	check(&run);
	evbuffer_free(run.out);
	return 0;
}
