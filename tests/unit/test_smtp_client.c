/* SPDX-License-Identifier: ISC */
/* The client against servers that answer as they are told: each answer at each step. */
#include <event2/buffer.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "worker/relay/client.h"

#define RECIPIENTS 3
#define SAID_SIZE 65536

/* A server: what it answers to commands that start with VERB instead of the usual. */
struct order {
	const char *verb;
	const char *answer; /* NULL: the connection breaks */
	unsigned skip;      /* so many of them get the usual answer first */
};

#define EHLO_ANSWER "250-mx.example.net\n250-PIPELINING\n250-8BITMIME\n250 SIZE 100000"

static const struct order usual[] = {
    {"connect", "220 mx.example.net ESMTP", 0},
    {"EHLO", EHLO_ANSWER, 0},
    {"HELO", "250 mx.example.net", 0},
    {"STARTTLS", "220 2.0.0 Go", 0},
    {"MAIL", "250 2.1.0 Ok", 0},
    {"RCPT", "250 2.1.5 Ok", 0},
    {"DATA", "354 Go", 0},
    {"body", "250 2.0.0 Taken", 0},
    {"RSET", "250 Ok", 0},
    {"QUIT", "221 Bye", 0},
    {"AUTH PLAIN", "235 2.7.0 Ok", 0},
    {"AUTH LOGIN", "334 VXNlcm5hbWU6", 0},
    {"dXNlcg==", "334 UGFzc3dvcmQ6", 0},
    {"c2VjcmV0", "235 2.7.0 Ok", 0},
};

struct world {
	struct client_options options;
	struct client client;
	struct client_mail mail;
	struct client_recipient recipients[RECIPIENTS];
	struct order orders[4]; /* ends with a NULL verb */
	struct evbuffer *out;
	char said[SAID_SIZE]; /* all commands, "|" between */
	unsigned bodies, handshakes;
};

static void
world_open(struct world *w, enum client_tls tls)
{
	static const char *const paths[RECIPIENTS] = {"a@example.net", "b@example.net",
						      "c@example.net"};

	memset(w, 0, sizeof(*w));
	w->options = (struct client_options){
	    .helo = "mail.example.org", .tls = tls, .own = "in.example.org"};
	client_start(&w->client, &w->options);
	assert_int_equal(client_connected(&w->client), CLIENT_WAIT);
	w->out = evbuffer_new();
	w->mail = (struct client_mail){.sender = "s@example.org",
				       .size = 1000,
				       .recipients = w->recipients,
				       .count = RECIPIENTS};
	for (size_t i = 0; i < RECIPIENTS; i++)
		w->recipients[i] = (struct client_recipient){.path = paths[i], .orcpt = ""};
}

static void
world_close(struct world *w)
{
	evbuffer_free(w->out);
}

static const char *
answer_to(struct world *w, const char *command)
{
	for (struct order *o = w->orders; o->verb != NULL; o++) {
		if (strncmp(command, o->verb, strlen(o->verb)) != 0)
			continue;
		if (o->skip == 0)
			return o->answer;
		o->skip--;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (strncmp(command, usual[i].verb, strlen(usual[i].verb)) == 0)
			return usual[i].answer;
	}
	fail_msg("the client said \"%s\"", command);
	return NULL;
}

/* Hands ANSWER ("\n" between its lines) to the client. */
static enum client_action
answer(struct world *w, const char *text)
{
	enum reply_result result = REPLY_MORE;
	struct reply_parser p;
	char octets[1024];
	size_t length = 0, at = 0, n;

	if (text == NULL)
		return client_lost(&w->client, "the connection broke");
	length = (size_t)snprintf(octets, sizeof(octets), "%s\n", text);
	reply_start(&p);
	while (result != REPLY_END) {
		result = reply_feed(&p, octets + at, length - at, &n);
		at += n;
		assert_true(result == REPLY_LINE || result == REPLY_END);
		client_line(&w->client, p.line);
	}
	return client_reply(&w->client, &p.reply, w->out);
}

/* Answers all that the client says, until it has something to ask of us. */
static enum client_action
serve(struct world *w, enum client_action action)
{
	while (action == CLIENT_WAIT) {
		char *line = evbuffer_readln(w->out, NULL, EVBUFFER_EOL_CRLF_STRICT);

		assert_non_null(line);
		assert_true(strlen(line) <= 510);
		strlcat(w->said, line, SAID_SIZE);
		strlcat(w->said, "|", SAID_SIZE);
		action = answer(w, answer_to(w, line));
		free(line);
	}
	return action;
}

/* From the greeting to where a mail can be given, or to the end. */
static enum client_action
greet(struct world *w)
{
	enum client_action action = serve(w, answer(w, answer_to(w, "connect")));

	if (action != CLIENT_START_TLS)
		return action;
	w->handshakes++;
	return serve(w, client_secured(&w->client, w->out));
}

static enum client_action
send_mail(struct world *w)
{
	enum client_action action = serve(w, client_mail(&w->client, &w->mail, w->out));

	if (action != CLIENT_SEND_BODY && action != CLIENT_SEND_CHUNK)
		return action;
	w->bodies++;
	assert_int_equal(client_sent(&w->client), CLIENT_WAIT);
	return serve(w, answer(w, answer_to(w, "body")));
}

static void
renew(struct world *w)
{
	w->mail.recipients = w->recipients;
	for (size_t i = 0; i < RECIPIENTS; i++)
		w->recipients[i].outcome = OUTCOME_PENDING;
}

/* -- The usual ---------------------------------------------------------------------------- */

static void
a_mail_is_sent(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	assert_int_equal(greet(&w), CLIENT_GIVE);
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_string_equal(w.said, "EHLO mail.example.org|MAIL FROM:<s@example.org> SIZE=1000|"
				    "RCPT TO:<a@example.net>|RCPT TO:<b@example.net>|"
				    "RCPT TO:<c@example.net>|DATA|");
	for (size_t i = 0; i < RECIPIENTS; i++) {
		assert_int_equal(w.recipients[i].outcome, OUTCOME_DELIVERED);
		assert_string_equal(w.recipients[i].reply.status, "2.0.0");
		assert_string_equal(w.recipients[i].reply.text, "Taken");
	}
	assert_int_equal(serve(&w, client_quit(&w.client, w.out)), CLIENT_CLOSE);
	world_close(&w);
}

/* RFC 2920: the whole envelope leaves at once; without it each command waits for its answer. */
static void
pipelining_only_where_it_is_offered(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	(void)greet(&w);
	(void)client_mail(&w.client, &w.mail, w.out);
	assert_non_null(memmem(evbuffer_pullup(w.out, -1), evbuffer_get_length(w.out),
			       "c@example.net>\r\n", 16));
	world_close(&w);

	world_open(&w, CLIENT_TLS_OFFERED);
	w.orders[0] = (struct order){"EHLO", "250 mx.example.net", 0};
	(void)greet(&w);
	(void)client_mail(&w.client, &w.mail, w.out);
	assert_string_equal((char *)evbuffer_pullup(w.out, -1) + evbuffer_get_length(w.out) - 2,
			    "\r\n");
	assert_int_equal(evbuffer_get_length(w.out), strlen("MAIL FROM:<s@example.org>\r\n"));
	assert_int_equal(serve(&w, CLIENT_WAIT), CLIENT_SEND_BODY);
	world_close(&w);
}

static void
a_connection_is_used_again(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	(void)greet(&w);
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	renew(&w);
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_null(strstr(w.said, "RSET"));
	/* Refused, so that the server's envelope is still there. */
	renew(&w);
	w.orders[0] = (struct order){"RCPT", "550 5.1.1 No", 0};
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_int_equal(w.bodies, 2);
	renew(&w);
	w.orders[0] = (struct order){0};
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_non_null(strstr(w.said, "RSET|MAIL"));
	assert_int_equal(w.recipients[0].outcome, OUTCOME_DELIVERED);
	world_close(&w);
}

/* -- Each answer at each step ----------------------------------------------------------------- */

#define P OUTCOME_PENDING
#define D OUTCOME_DELIVERED
#define O OUTCOME_PUT_OFF
#define L OUTCOME_LATER
#define F OUTCOME_FAILED

static const struct {
	struct order order;
	enum client_action action;
	enum client_outcome outcomes[RECIPIENTS];
	const char *said; /* somewhere */
} steps[] = {
    {{"connect", "421 4.3.2 Busy", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"connect", "450 Busy", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"connect", "554 No", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"connect", "250 Odd", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"connect", NULL, 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"EHLO", "502 What", 0}, CLIENT_MAIL_DONE, {D, D, D}, "HELO mail.example.org|MAIL"},
    {{"EHLO", "421 Busy", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"EHLO", "451 Busy", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"EHLO", "220 Odd", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"EHLO", NULL, 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"MAIL", "421 Busy", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"MAIL", "451 Busy", 0}, CLIENT_MAIL_DONE, {O, O, O}, ""},
    {{"MAIL", "550 5.7.1 No", 0}, CLIENT_MAIL_DONE, {F, F, F}, ""},
    {{"MAIL", "354 Odd", 0}, CLIENT_MAIL_DONE, {O, O, O}, ""},
    {{"MAIL", NULL, 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"RCPT", "421 Busy", 1}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"RCPT TO:<b", "451 Grey", 0}, CLIENT_MAIL_DONE, {D, O, D}, "DATA"},
    {{"RCPT TO:<b", "550 No", 0}, CLIENT_MAIL_DONE, {D, F, D}, "DATA"},
    {{"RCPT TO:<b", "552 5.5.3 Too many recipients", 0}, CLIENT_MAIL_DONE, {D, O, D}, "DATA"},
    {{"RCPT TO:<a", "552 5.2.2 Full", 0}, CLIENT_MAIL_DONE, {F, D, D}, "DATA"},
    {{"RCPT TO:<b", "251 Forwarded", 0}, CLIENT_MAIL_DONE, {D, D, D}, "DATA"},
    {{"RCPT", "550 No", 0}, CLIENT_MAIL_DONE, {F, F, F}, ""},
    {{"RCPT", "450 No", 0}, CLIENT_MAIL_DONE, {O, O, O}, ""},
    {{"RCPT", NULL, 2}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"DATA", "421 Busy", 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"DATA", "451 Busy", 0}, CLIENT_MAIL_DONE, {O, O, O}, ""},
    {{"DATA", "554 No", 0}, CLIENT_MAIL_DONE, {F, F, F}, ""},
    {{"DATA", "250 Odd", 0}, CLIENT_MAIL_DONE, {O, O, O}, ""},
    {{"DATA", NULL, 0}, CLIENT_CLOSE, {P, P, P}, ""},
    {{"body", "421 Busy", 0}, CLIENT_CLOSE, {L, L, L}, ""},
    {{"body", "452 Full", 0}, CLIENT_MAIL_DONE, {L, L, L}, ""},
    {{"body", "554 Spam", 0}, CLIENT_MAIL_DONE, {F, F, F}, ""},
    {{"body", NULL, 0}, CLIENT_CLOSE, {L, L, L}, ""},
};

static void
each_answer_at_each_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
		size_t n = i / 2;
		enum client_action action;
		struct world w;

		world_open(&w, CLIENT_TLS_OFFERED);
		w.orders[0] = steps[n].order;
		/* Without PIPELINING it all comes to the same. */
		if (i % 2 == 1)
			w.orders[1] = (struct order){"EHLO", "250 mx.example.net", 0};
		action = greet(&w);
		if (action == CLIENT_GIVE)
			action = send_mail(&w);
		print_message("%s: %s\n", steps[n].order.verb,
			      steps[n].order.answer == NULL ? "-" : steps[n].order.answer);
		assert_int_equal(action, steps[n].action);
		for (size_t r = 0; r < RECIPIENTS; r++)
			assert_int_equal(w.recipients[r].outcome, steps[n].outcomes[r]);
		assert_non_null(strstr(w.said, steps[n].said));
		if (action == CLIENT_CLOSE)
			assert_int_not_equal(w.client.why.code, 0);
		world_close(&w);
	}
}

/* An answer before the message is over ends the connection: the rest would be commands. */
static void
an_answer_in_the_body(void **state)
{
	static const struct {
		const char *answer;
		enum client_outcome outcome;
	} answers[] = {
	    {"250 Odd", L}, {"451 Full", L}, {"554 Spam", F}, {"421 Busy", P}, {NULL, P}};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct world w;

		world_open(&w, CLIENT_TLS_OFFERED);
		(void)greet(&w);
		assert_int_equal(serve(&w, client_mail(&w.client, &w.mail, w.out)),
				 CLIENT_SEND_BODY);
		assert_int_equal(answer(&w, answers[i].answer), CLIENT_CLOSE);
		assert_int_equal(w.recipients[0].outcome, answers[i].outcome);
		world_close(&w);
	}
}

/* -- What the server can't do --------------------------------------------------------------------
 */

static void
what_the_server_lacks_fails_the_mail(void **state)
{
	static const struct {
		uint64_t size;
		bool eight_bit, utf8;
		const char *ehlo;
		const char *status; /* NULL: it goes out */
		bool binary;
		uint32_t flags;
	} cases[] = {
	    {100001, false, false, EHLO_ANSWER, "5.3.4", false, 0},
	    {100000, false, false, EHLO_ANSWER, NULL, false, 0},
	    {1000, true, false, EHLO_ANSWER, NULL, false, 0},
	    {1000, true, false, "250 mx.example.net", "5.6.3", false, 0},
	    {1000, false, true, EHLO_ANSWER, "5.6.7", false, 0},
	    {1000, true, true, "250-mx\n250-8BITMIME\n250 SMTPUTF8", NULL, false, 0},
	    {1000, false, false, "250 mail.example.org at your service", "5.4.6", false, 0},
	    {1000, false, false, "250 MAIL.example.ORG", "5.4.6", false, 0},
	    {1000, false, false, "250 in.example.org hello", "5.4.6", false, 0},
	    {1000, false, false, "250 mail.example.org.example.net", NULL, false, 0},
	    {1000, true, false, EHLO_ANSWER, "5.6.3", true, 0},
	    {1000, true, false, "250-mx\n250 CHUNKING", "5.6.3", true, 0},
	    {1000, true, false, "250-mx\n250 BINARYMIME", "5.6.3", true, 0},
	    {1000, false, false, "250-mx\n250-REQUIRETLS\n250 STARTTLS", NULL, false,
	     MAIL_REQUIRETLS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		world_open(&w, CLIENT_TLS_OFFERED);
		w.orders[0] = (struct order){"EHLO", cases[i].ehlo, 0};
		w.mail.size = cases[i].size;
		w.mail.eight_bit = cases[i].eight_bit;
		w.mail.utf8 = cases[i].utf8;
		w.mail.binary = cases[i].binary;
		w.mail.parameters.flags = cases[i].flags;
		assert_int_equal(greet(&w), CLIENT_GIVE);
		assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
		if (cases[i].status != NULL) {
			assert_int_equal(w.recipients[0].outcome, OUTCOME_FAILED);
			assert_string_equal(w.recipients[0].reply.status, cases[i].status);
			assert_null(strstr(w.said, "MAIL"));
		} else {
			assert_int_equal(w.recipients[0].outcome, OUTCOME_DELIVERED);
			assert_true(cases[i].eight_bit ==
				    (strstr(w.said, "BODY=8BITMIME") != NULL));
			assert_true(cases[i].utf8 == (strstr(w.said, " SMTPUTF8") != NULL));
			assert_true((cases[i].flags == MAIL_REQUIRETLS) ==
				    (strstr(w.said, " REQUIRETLS|") != NULL));
		}
		world_close(&w);
	}
}

/* RFC 8689 4.2.1, RFC 7504: this server never takes it, another may. */
static void
a_useless_server_is_left(void **state)
{
	static const struct {
		const char *greeting, *ehlo, *status;
		bool useless;
	} cases[] = {
	    {"220 mx", EHLO_ANSWER, "5.7.10", true},
	    {"220 mx", "250-mx\n250 REQUIRETLS", "5.7.10", true},
	    {"220 mx", "250-mx\n250 STARTTLS", "5.7.30", true},
	    {"521 5.3.2 no mail here", "250 mx", "5.3.2", true},
	    {"554 5.7.1 not from you", "250 mx", "5.7.1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum client_action action;
		struct world w;

		world_open(&w, CLIENT_TLS_OFFERED);
		w.orders[0] = (struct order){"connect", cases[i].greeting, 0};
		w.orders[1] = (struct order){"EHLO", cases[i].ehlo, 0};
		w.mail.parameters.flags = MAIL_REQUIRETLS;
		action = greet(&w);
		if (action == CLIENT_GIVE)
			action = client_mail(&w.client, &w.mail, w.out);
		assert_int_equal(action, CLIENT_CLOSE);
		assert_true(w.client.polite);
		assert_int_equal(w.client.useless, cases[i].useless);
		assert_string_equal(w.client.why.status, cases[i].status);
		assert_int_equal(w.recipients[0].outcome, OUTCOME_PENDING);
		assert_null(strstr(w.said, "MAIL"));
		world_close(&w);
	}
}

/* Others are preferred to us: what they don't take now is for later (RFC 5321 5.1). */
static void
a_backup_waits_for_the_others(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	w.options.backup = true;
	w.orders[0] = (struct order){"EHLO", "250 in.example.org", 0};
	assert_int_equal(greet(&w), CLIENT_GIVE);
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_int_equal(w.recipients[0].outcome, OUTCOME_LATER);
	assert_string_equal(w.recipients[0].reply.status, "4.4.6");
	assert_null(strstr(w.said, "MAIL"));
	world_close(&w);
}

/* -- What it can ---------------------------------------------------------------------------------
 */

/* RFC 3461, RFC 6533 3: to a server with DSN all of it, to another nothing. */
static void
dsn_goes_on_where_it_can(void **state)
{
	struct world w;

	(void)state;
	for (int dsn = 0; dsn < 2; dsn++) {
		world_open(&w, CLIENT_TLS_OFFERED);
		w.orders[0] = (struct order){
		    "EHLO", dsn == 1 ? "250-mx\n250-PIPELINING\n250 DSN" : "250-mx\n250 PIPELINING",
		    0};
		w.mail.parameters =
		    (struct mail_parameters){.ret = DSN_RETURN_HDRS, .envid = "a+b=c"};
		w.recipients[0].notify = DSN_NOTIFY_NEVER;
		w.recipients[1].notify = DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY;
		w.recipients[1].orcpt = "rfc822;o+r@example.net";
		w.recipients[2].orcpt = "utf-8;\xc3\xa4+\\@example.net";
		assert_int_equal(greet(&w), CLIENT_GIVE);
		assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
		assert_string_equal(
		    w.said,
		    dsn == 1
			? "EHLO mail.example.org|MAIL FROM:<s@example.org> RET=HDRS "
			  "ENVID=a+2Bb+3Dc|RCPT TO:<a@example.net> NOTIFY=NEVER|RCPT "
			  "TO:<b@example.net> NOTIFY=SUCCESS,DELAY "
			  "ORCPT=rfc822;o+2Br@example.net|RCPT TO:<c@example.net> "
			  "ORCPT=utf-8;\\x{E4}\\x{2B}\\x{5C}@example.net|DATA|"
			: "EHLO mail.example.org|MAIL FROM:<s@example.org>|RCPT TO:<a@example.net>|"
			  "RCPT TO:<b@example.net>|RCPT TO:<c@example.net>|DATA|");
		assert_int_equal(w.recipients[0].dsn, dsn);
		world_close(&w);
	}
}

/* RFC 3030: there is no 354, and no dot. */
static void
binary_goes_by_bdat(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	w.orders[0] =
	    (struct order){"EHLO", "250-mx\n250-PIPELINING\n250-BINARYMIME\n250 CHUNKING", 0};
	w.orders[1] = (struct order){"RCPT TO:<b", "550 5.1.1 No", 0};
	w.mail.eight_bit = w.mail.binary = true;
	assert_int_equal(greet(&w), CLIENT_GIVE);
	assert_int_equal(serve(&w, client_mail(&w.client, &w.mail, w.out)), CLIENT_SEND_CHUNK);
	assert_string_equal(w.said,
			    "EHLO mail.example.org|MAIL FROM:<s@example.org> BODY=BINARYMIME|RCPT "
			    "TO:<a@example.net>|RCPT TO:<b@example.net>|RCPT TO:<c@example.net>|");
	assert_int_equal(evbuffer_get_length(w.out), 16);
	assert_memory_equal(evbuffer_pullup(w.out, -1), "BDAT 1000 LAST\r\n", 16);
	assert_int_equal(client_sent(&w.client), CLIENT_WAIT);
	assert_int_equal(answer(&w, "250 2.0.0 Taken"), CLIENT_MAIL_DONE);
	assert_int_equal(w.recipients[0].outcome, OUTCOME_DELIVERED);
	assert_int_equal(w.recipients[1].outcome, OUTCOME_FAILED);
	assert_int_equal(w.recipients[2].outcome, OUTCOME_DELIVERED);
	world_close(&w);
}

/* RFC 9422: no more at once than the server wants. */
static void
limits_are_kept(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	w.orders[0] = (struct order){"EHLO", "250-mx\n250 LIMITS RCPTMAX=2 MAILMAX=2", 0};
	assert_int_equal(greet(&w), CLIENT_GIVE);
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_int_equal(w.recipients[1].outcome, OUTCOME_DELIVERED);
	assert_int_equal(w.recipients[2].outcome, OUTCOME_PENDING);
	assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
	assert_int_equal(w.recipients[2].outcome, OUTCOME_DELIVERED);
	assert_string_equal(w.said, "EHLO mail.example.org|MAIL FROM:<s@example.org>|RCPT "
				    "TO:<a@example.net>|RCPT TO:<b@example.net>|DATA|MAIL "
				    "FROM:<s@example.org>|RCPT TO:<c@example.net>|DATA|");
	renew(&w);
	assert_int_equal(send_mail(&w), CLIENT_CLOSE);
	assert_int_equal(w.recipients[0].outcome, OUTCOME_PENDING);
	assert_true(w.client.polite);
	world_close(&w);
}

/* -- TLS ------------------------------------------------------------------------------------------
 */

static const struct {
	enum client_tls tls;
	const char *ehlo;
	const char *starttls;
	enum client_action action;
	bool secure;
} tls_cases[] = {
    {CLIENT_TLS_OFFERED, "250-mx\n250 STARTTLS", "220 Go", CLIENT_GIVE, true},
    {CLIENT_TLS_OFFERED, "250-mx\n250 STARTTLS", "454 Not now", CLIENT_GIVE, false},
    {CLIENT_TLS_OFFERED, "250-mx\n250 STARTTLS", "501 No", CLIENT_GIVE, false},
    {CLIENT_TLS_OFFERED, "250-mx\n250 STARTTLS", NULL, CLIENT_CLOSE, false},
    {CLIENT_TLS_OFFERED, "250 mx", "", CLIENT_GIVE, false},
    {CLIENT_TLS_REQUIRED, "250-mx\n250 STARTTLS", "220 Go", CLIENT_GIVE, true},
    {CLIENT_TLS_REQUIRED, "250-mx\n250 STARTTLS", "454 Not now", CLIENT_CLOSE, false},
    {CLIENT_TLS_REQUIRED, "250 mx", "", CLIENT_CLOSE, false},
    {CLIENT_TLS_REQUIRED, "502 What", "", CLIENT_CLOSE, false},
    {CLIENT_TLS_NEVER, "250-mx\n250 STARTTLS", "", CLIENT_GIVE, false},
};

static void
starttls_as_it_is_wanted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tls_cases) / sizeof(tls_cases[0]); i++) {
		struct world w;

		world_open(&w, tls_cases[i].tls);
		w.orders[0] = (struct order){"EHLO", tls_cases[i].ehlo, 0};
		w.orders[1] = (struct order){"STARTTLS", tls_cases[i].starttls, 0};
		assert_int_equal(greet(&w), tls_cases[i].action);
		assert_int_equal(w.client.secure, tls_cases[i].secure);
		assert_int_equal(w.handshakes, tls_cases[i].secure ? 1 : 0);
		assert_null(strstr(w.said, "MAIL"));
		world_close(&w);
	}
}

/* What was said before TLS holds no more (RFC 3207 4.2). */
static void
capabilities_before_tls_are_forgotten(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	w.orders[0] = (struct order){"EHLO", "250-mx\n250-8BITMIME", 99};
	assert_int_equal(answer(&w, "220 mx"), CLIENT_WAIT);
	evbuffer_drain(w.out, evbuffer_get_length(w.out));
	assert_int_equal(answer(&w, "250-mx\n250-PIPELINING\n250-8BITMIME\n250 STARTTLS"),
			 CLIENT_WAIT);
	evbuffer_drain(w.out, evbuffer_get_length(w.out));
	assert_int_equal(answer(&w, "220 Go"), CLIENT_START_TLS);
	assert_int_equal(client_secured(&w.client, w.out), CLIENT_WAIT);
	assert_int_equal(answer(&w, "250 mx"), CLIENT_GIVE);
	assert_int_equal(w.client.capabilities.can, 0);
	world_close(&w);
}

/* -- Several hosts, LMTP, logins -------------------------------------------------------------- */

/* What one host has decided no other is asked about. */
static void
only_the_undecided_are_asked(void **state)
{
	(void)state;
	for (int pipelining = 0; pipelining < 2; pipelining++) {
		struct world w;

		world_open(&w, CLIENT_TLS_NEVER);
		if (!pipelining)
			w.orders[0] = (struct order){"EHLO", "250 mx.example.net", 0};
		(void)greet(&w);
		w.recipients[0].outcome = F;
		w.recipients[2].outcome = L;
		assert_int_equal(send_mail(&w), CLIENT_MAIL_DONE);
		assert_null(strstr(w.said, "RCPT TO:<a"));
		assert_null(strstr(w.said, "RCPT TO:<c"));
		assert_non_null(strstr(w.said, "RCPT TO:<b@example.net>|DATA"));
		assert_int_equal(w.recipients[0].outcome, F);
		assert_int_equal(w.recipients[1].outcome, D);
		assert_int_equal(w.recipients[2].outcome, L);
		world_close(&w);
	}
}

/* RFC 2033 4.2: an answer for each recipient that was taken. */
static void
lmtp_answers_for_each_recipient(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	w.options.lmtp = true;
	w.orders[0] = (struct order){"LHLO", "250-mail.example.org\n250 PIPELINING", 0};
	w.orders[1] = (struct order){"RCPT TO:<b", "550 5.1.1 No", 0};
	w.options.own = NULL; /* a store on this host has our name */
	assert_int_equal(greet(&w), CLIENT_GIVE);
	assert_int_equal(serve(&w, client_mail(&w.client, &w.mail, w.out)), CLIENT_SEND_BODY);
	assert_int_equal(client_sent(&w.client), CLIENT_WAIT);
	assert_int_equal(answer(&w, "250 2.0.0 Stored"), CLIENT_WAIT);
	assert_int_equal(w.recipients[0].outcome, D);
	assert_int_equal(w.recipients[2].outcome, P);
	assert_int_equal(answer(&w, "452 4.2.2 Full"), CLIENT_MAIL_DONE);
	assert_int_equal(w.recipients[0].outcome, D);
	assert_int_equal(w.recipients[1].outcome, F);
	assert_int_equal(w.recipients[2].outcome, L);
	world_close(&w);

	/* Cut off between two answers: the first stays what it is. */
	world_open(&w, CLIENT_TLS_OFFERED);
	w.options.lmtp = true;
	w.orders[0] = (struct order){"LHLO", "250 store", 0};
	(void)greet(&w);
	(void)serve(&w, client_mail(&w.client, &w.mail, w.out));
	(void)client_sent(&w.client);
	assert_int_equal(answer(&w, "250 2.0.0 Stored"), CLIENT_WAIT);
	assert_int_equal(answer(&w, NULL), CLIENT_CLOSE);
	assert_int_equal(w.recipients[0].outcome, D);
	assert_int_equal(w.recipients[1].outcome, L);
	world_close(&w);

	/* There is no HELO to fall back to. */
	world_open(&w, CLIENT_TLS_OFFERED);
	w.options.lmtp = true;
	w.orders[0] = (struct order){"LHLO", "502 What", 0};
	assert_int_equal(greet(&w), CLIENT_CLOSE);
	world_close(&w);
}

/* RFC 8314 3.3: TLS, then the greeting. */
static void
implicit_tls_comes_first(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_REQUIRED);
	w.options.implicit_tls = true;
	client_start(&w.client, &w.options);
	assert_int_equal(client_connected(&w.client), CLIENT_START_TLS);
	assert_int_equal(client_secured(&w.client, w.out), CLIENT_WAIT);
	assert_int_equal(evbuffer_get_length(w.out), 0);
	w.orders[0] = (struct order){"EHLO", "250-mx\n250 STARTTLS", 0};
	assert_int_equal(greet(&w), CLIENT_GIVE);
	assert_null(strstr(w.said, "STARTTLS"));
	world_close(&w);
}

static const struct {
	const char *ehlo; /* behind TLS */
	struct order orders[2];
	enum client_action action;
	bool login_refused;
	const char *said;
	const char *status; /* of client.why */
} logins[] = {
    {"250-mx\n250 AUTH LOGIN PLAIN", {{0}}, CLIENT_GIVE, false, "AUTH PLAIN AHVzZXIAc2VjcmV0|", ""},
    {"250-mx\n250 AUTH=LOGIN", {{0}}, CLIENT_GIVE, false, "AUTH LOGIN|dXNlcg==|c2VjcmV0|", ""},
    {"250-mx\n250 AUTH GSSAPI X", {{0}}, CLIENT_CLOSE, false, "EHLO", "4.7.4"},
    {"250 mx", {{0}}, CLIENT_CLOSE, false, "EHLO", "4.7.4"},
    {"250-mx\n250 AUTH PLAIN",
     {{"AUTH", "535 5.7.8 Wrong", 0}},
     CLIENT_CLOSE,
     true,
     "AUTH PLAIN",
     "5.7.8"},
    {"250-mx\n250 AUTH PLAIN", {{"AUTH", "454 4.7.0 Busy", 0}}, CLIENT_CLOSE, false, "", "4.7.0"},
    {"250-mx\n250 AUTH PLAIN", {{"AUTH", NULL, 0}}, CLIENT_CLOSE, false, "", "4.4.2"},
    {"250-mx\n250 AUTH PLAIN", {{"AUTH", "250 Odd", 0}}, CLIENT_CLOSE, false, "", ""},
    /* It asks where it should be content, and for ever. */
    {"250-mx\n250 AUTH LOGIN", {{"c2VjcmV0", "334 bW9yZQ==", 0}}, CLIENT_CLOSE, true, "", "4.7.0"},
    {"250-mx\n250 AUTH SCRAM-SHA-256 PLAIN",
     {{"AUTH", "235 2.7.0 Who needs proofs", 0}},
     CLIENT_CLOSE,
     true,
     "AUTH SCRAM-SHA-256 ",
     "4.7.0"},
    {"250-mx\n250 AUTH SCRAM-SHA-256", {{"AUTH", "334 ????", 0}}, CLIENT_CLOSE, true, "", "4.7.0"},
};

static void
a_login_is_behind_tls(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		struct world w;
		enum client_action action;

		world_open(&w, CLIENT_TLS_REQUIRED);
		w.options.user = "user";
		w.options.password = "secret";
		memcpy(w.orders, logins[i].orders, sizeof(logins[i].orders));
		w.orders[1] = (struct order){"EHLO", "250-mx\n250 STARTTLS", 0};
		if (w.orders[0].verb == NULL)
			w.orders[0] = (struct order){"-", "", 0};
		print_message("%s, %s\n", logins[i].ehlo, w.orders[0].answer);
		action = serve(&w, answer(&w, "220 mx"));
		assert_int_equal(action, CLIENT_START_TLS);
		w.orders[1].answer = logins[i].ehlo;
		action = serve(&w, client_secured(&w.client, w.out));
		assert_int_equal(action, logins[i].action);
		assert_int_equal(w.client.login_refused, logins[i].login_refused);
		assert_non_null(strstr(w.said, logins[i].said));
		assert_string_equal(w.client.why.status, logins[i].status);
		world_close(&w);
	}
}

static void
no_login_without_tls(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, CLIENT_TLS_OFFERED);
	w.options.user = "user";
	w.options.password = "secret";
	w.orders[0] = (struct order){"EHLO", "250-mx\n250 AUTH PLAIN LOGIN", 0};
	assert_int_equal(greet(&w), CLIENT_CLOSE);
	assert_null(strstr(w.said, "AUTH"));
	assert_true(w.client.polite);
	assert_string_equal(w.client.why.status, "4.7.4");
	world_close(&w);
}

/* RFC 5321 4.5.3.2: nobody is waited for less than that. */
static void
patience(void **state)
{
	const struct client_options options = {.helo = "x"};
	struct client client;

	(void)state;
	client_start(&client, &options);
	for (int s = 0; s < CLIENT_STATES; s++) {
		client.state = (enum client_state)s;
		assert_non_null(client_stage(&client));
		assert_true(client_seconds(&client) > 0 || s == CLIENT_CLOSED);
	}
	client.state = CLIENT_DOT;
	assert_int_equal(client_seconds(&client), 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_mail_is_sent),
	    cmocka_unit_test(pipelining_only_where_it_is_offered),
	    cmocka_unit_test(a_connection_is_used_again),
	    cmocka_unit_test(each_answer_at_each_step),
	    cmocka_unit_test(an_answer_in_the_body),
	    cmocka_unit_test(what_the_server_lacks_fails_the_mail),
	    cmocka_unit_test(a_backup_waits_for_the_others),
	    cmocka_unit_test(a_useless_server_is_left),
	    cmocka_unit_test(dsn_goes_on_where_it_can),
	    cmocka_unit_test(binary_goes_by_bdat),
	    cmocka_unit_test(limits_are_kept),
	    cmocka_unit_test(starttls_as_it_is_wanted),
	    cmocka_unit_test(capabilities_before_tls_are_forgotten),
	    cmocka_unit_test(only_the_undecided_are_asked),
	    cmocka_unit_test(lmtp_answers_for_each_recipient),
	    cmocka_unit_test(implicit_tls_comes_first),
	    cmocka_unit_test(a_login_is_behind_tls),
	    cmocka_unit_test(no_login_without_tls),
	    cmocka_unit_test(patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
