/* SPDX-License-Identifier: ISC */
/* What senders are told: the text of reports, which is pure, and when queue writes one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/proto/queue_relay.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/batch.h"
#include "worker/queue/clock.h"
#include "worker/queue/report.h"
#include "worker/queue/report_parts.h"
#include "worker/queue/schedule.h"
#include "worker/queue/transaction.h"

#define UE "\xc3\xbc"

/* -- Parts -------------------------------------------------------------------------------- */

static void
parts_are_seven_bit(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"a=b\r\n", "a=b\r\n"},
	    {UE " =x \r\n", "=C3=BC =3Dx=20\r\n"},
	    {UE "\t", "=C3=BC=09"},
	    {UE "\n", "=C3=BC=0A"},
	    {UE "\r\n.\r\n", "=C3=BC\r\n.\r\n"},
	    {UE "0123456789012345678901234567890123456789012345678901234567890123456789",
	     "=C3=BC012345678901234567890123456789012345678901234567890123456789012345678=\r\n9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		report_part(out, "b", "text/plain", cases[i].in, strlen(cases[i].in));
		fclose(out);
		assert_true(report_is_seven_bit(text, length));
		assert_non_null(strstr(text, "\r\n\r\n"));
		assert_int_equal(
		    strncmp(strstr(text, "\r\n\r\n") + 4, cases[i].out, strlen(cases[i].out)), 0);
		assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), strlen(cases[i].out) + 2);
		free(text);
	}
	assert_false(report_is_seven_bit("a\nb", 3));
	assert_false(report_is_seven_bit("a\0b", 3));
	assert_false(report_is_lines("a\rb", 3));
	assert_true(report_is_lines(UE "\r\n", 4));
}

/* -- The text -------------------------------------------------------------------------------- */

static struct report *
make_report(enum report_action action, const char *path, const char *orcpt)
{
	struct report *report = report_new(NULL, 0xab, action, "@elsewhere.example", 2);
	struct report_recipient *one = report_add(report), *two = report_add(report);

	strlcpy(one->path, path, sizeof(one->path));
	strlcpy(one->orcpt, orcpt, sizeof(one->orcpt));
	strlcpy(one->host, "mx.elsewhere.example", sizeof(one->host));
	strlcpy(one->status, "5.1.1", sizeof(one->status));
	strlcpy(one->enhanced, "5.1.1", sizeof(one->enhanced));
	strlcpy(one->text, "no such user", sizeof(one->text));
	one->said = true;
	one->code = 550;
	strlcpy(two->path, "two@elsewhere.example", sizeof(two->path));
	strlcpy(two->status, "5.2.2", sizeof(two->status));
	strlcpy(two->text, "full", sizeof(two->text));
	return report;
}

static char *
text_of(struct report *report, const struct mail_parameters *parameters, const char *sender,
	const char *content)
{
	struct report_facts facts = {
	    .hostname = "mail.example.org",
	    .now = 1000000,
	    .received = 900000,
	    .expire = 432000,
	    .sender = sender,
	    .parameters = parameters,
	    .report = report,
	    .content = content,
	    .length = strlen(content),
	    .whole = true,
	};
	enum body_type type;
	size_t length;
	char *text = report_text(&facts, &length, &type);

	assert_non_null(text);
	/* RFC 2045 6.4: the outer encoding is none, or says what is within. */
	assert_int_equal(type == BODY_8BITMIME,
			 strstr(text, "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n") !=
			     NULL);
	assert_int_equal(
	    type == BODY_8BITMIME,
	    !report_is_seven_bit(strstr(text, "\r\n\r\n"), strlen(strstr(text, "\r\n\r\n"))));
	assert_int_equal(strlen(text), length);
	free(report);
	return text;
}

static void
assert_has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("\"%s\" is missing in:\n%s", what, text);
}

static void
assert_lacks(const char *text, const char *what)
{
	if (strstr(text, what) != NULL)
		fail_msg("\"%s\" is in:\n%s", what, text);
}

static void
one_for_several_recipients(void **state)
{
	const struct mail_parameters parameters = {.envid = "id 7"};
	char *text =
	    text_of(make_report(REPORT_FAILED, "one@elsewhere.example", "rfc822;list@a.example"),
		    &parameters, "s@example.org", "Subject: x" UE "\r\n\r\nsecret\r\n");

	(void)state;
	assert_has(text, "To: <s@example.org>\r\nSubject: Undelivered mail returned to sender\r\n");
	assert_has(text, "Content-Type: message/delivery-status\r\n\r\n"
			 "Original-Envelope-Id: id 7\r\n"
			 "Reporting-MTA: dns; mail.example.org\r\n"
			 "Arrival-Date: Sun, 11 Jan 1970 10:00:00 +0000\r\n\r\n"
			 "Original-Recipient: rfc822; list@a.example\r\n"
			 "Final-Recipient: rfc822; one@elsewhere.example\r\n"
			 "Action: failed\r\nStatus: 5.1.1\r\n"
			 "Remote-MTA: dns; mx.elsewhere.example\r\n"
			 "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
			 "Last-Attempt-Date: Mon, 12 Jan 1970 13:46:40 +0000\r\n\r\n"
			 "Final-Recipient: rfc822; two@elsewhere.example\r\n"
			 "Action: failed\r\nStatus: 5.2.2\r\n"
			 "Diagnostic-Code: x-postern; full\r\n");
	assert_has(text, "\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x?"
			 "?\r\n\r\n--");
	assert_lacks(text, "secret");
	assert_true(report_is_seven_bit(text, strlen(text)));
	free(text);
}

/* RFC 3461 9.2, RFC 3464 2.3.6: the host has said that, and just that; or it has said nothing. */
static void
words_are_whose_they_are(void **state)
{
	static const struct {
		bool said;
		unsigned code;
		const char *host, *status, *enhanced, *text;
		const char *words, *fields;
	} cases[] = {
	    {true, 554, "mx.b", "5.0.0", "", "no esc",
	     "the mail server mx.b said:\r\n\r\n  554 no esc\r\n",
	     "Status: 5.0.0\r\nRemote-MTA: dns; mx.b\r\nDiagnostic-Code: smtp; 554 no esc\r\nL"},
	    {true, 550, "mx.b", "5.0.0", "", "4.1.1 odd", "said:\r\n\r\n  550 4.1.1 odd\r\n",
	     "Status: 5.0.0\r\nRemote-MTA: dns; mx.b\r\n"
	     "Diagnostic-Code: smtp; 550 4.1.1 odd\r\nL"},
	    {true, 554, "mx.b", "4.7.1", "5.7.1", "listed", "said:\r\n\r\n  554 5.7.1 listed\r\n",
	     "Status: 4.7.1\r\nRemote-MTA: dns; mx.b\r\n"
	     "Diagnostic-Code: smtp; 554 5.7.1 listed\r\nL"},
	    {true, 550, "mx.b", "5.0.0", "", "", "said:\r\n\r\n  550\r\n",
	     "Diagnostic-Code: smtp; 550\r\nL"},
	    {true, 550, "192.0.2.1", "5.0.0", "", "no", "the mail server 192.0.2.1 said:",
	     "Remote-MTA: dns; [192.0.2.1]\r\nDiagnostic-Code: smtp; 550 no\r\nL"},
	    {true, 550, "2001:db8::1", "5.0.0", "", "no", "the mail server 2001:db8::1 said:",
	     "Remote-MTA: dns; [IPv6:2001:db8::1]\r\nDiagnostic-Code: smtp; 550 no\r\nL"},
	    {true, 550, "[IPv6:2001:db8::1]", "5.0.0", "", "no",
	     "said:", "Remote-MTA: dns; [IPv6:2001:db8::1]\r\nDiagnostic-Code: smtp; 550 no\r\nL"},
	    {false, 552, "mx.b", "5.3.4", "", "too large",
	     "the reason, with the mail server mx.b, was:\r\n\r\n  too large\r\n",
	     "Status: 5.3.4\r\nDiagnostic-Code: x-postern; too large\r\nL"},
	    {false, 550, "", "5.1.2", "", "no such domain",
	     "the reason was:\r\n\r\n  no such domain\r\n",
	     "Status: 5.1.2\r\nDiagnostic-Code: x-postern; no such domain\r\nL"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report *report = report_new(NULL, 1, REPORT_FAILED, "@b", 1);
		struct report_recipient *one = report_add(report);
		char *text;

		one->said = cases[i].said;
		one->code = cases[i].code;
		strlcpy(one->path, "a@b", sizeof(one->path));
		strlcpy(one->host, cases[i].host, sizeof(one->host));
		strlcpy(one->status, cases[i].status, sizeof(one->status));
		strlcpy(one->enhanced, cases[i].enhanced, sizeof(one->enhanced));
		strlcpy(one->text, cases[i].text, sizeof(one->text));
		text = text_of(report, &(struct mail_parameters){0}, "s@example.org", "A: b\r\n");
		assert_has(text, cases[i].words);
		assert_has(text, cases[i].fields);
		free(text);
	}
}

/* RFC 3461 4.3, RFC 8689 5: the content only of what failed, and only if it may be seen. */
static void
content_comes_back(void **state)
{
	static const struct {
		enum report_action action;
		uint32_t ret, flags;
		const char *content;
		const char *type; /* NULL: the header only */
	} cases[] = {
	    {REPORT_FAILED, DSN_RETURN_FULL, 0, "A: b\r\n\r\nsecret\r\n", "message/rfc822\r\n\r\n"},
	    {REPORT_FAILED, DSN_RETURN_FULL, 0, "A: b\r\n\r\nsecret" UE "\r\n",
	     "message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"},
	    {REPORT_FAILED, DSN_RETURN_FULL, MAIL_SMTPUTF8, "A: " UE "\r\n\r\nsecret\r\n",
	     "message/global\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"},
	    {REPORT_FAILED, DSN_RETURN_HDRS, 0, "A: b\r\n\r\nsecret\r\n", NULL},
	    {REPORT_FAILED, DSN_RETURN_UNSAID, 0, "A: b\r\n\r\nsecret\r\n", NULL},
	    {REPORT_DELIVERED, DSN_RETURN_FULL, 0, "A: b\r\n\r\nsecret\r\n", NULL},
	    {REPORT_DELAYED, DSN_RETURN_FULL, 0, "A: b\r\n\r\nsecret\r\n", NULL},
	    {REPORT_FAILED, DSN_RETURN_FULL, MAIL_REQUIRETLS, "A: b\r\n\r\nsecret\r\n", NULL},
	    /* Not lines: DATA would not carry it. */
	    {REPORT_FAILED, DSN_RETURN_FULL, 0, "A: b\r\n\r\nsecret\n.\r\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mail_parameters parameters = {.ret = cases[i].ret,
							   .flags = cases[i].flags};
		char *text = text_of(make_report(cases[i].action, "a@b", ""), &parameters,
				     "s@example.org", cases[i].content);

		if (cases[i].type != NULL) {
			assert_has(text, cases[i].type);
			assert_has(text, "secret");
			assert_has(text, "It is not tried any more. Your message is below.\r\n");
			assert_lacks(text, "The header of your");
		} else {
			assert_lacks(text, "Your message is below.");
			assert_int_equal(strstr(text, "The header of your message is below.\r\n") !=
					     NULL,
					 cases[i].action != REPORT_DELAYED);
			assert_has(text, "Content-Type: text/rfc822-headers\r\n\r\nA: b\r\n\r\n--");
			assert_lacks(text, "secret");
		}
		assert_true(report_is_lines(text, strlen(text)));
		free(text);
	}
	assert_int_equal(report_content_size(&(struct mail_parameters){.ret = DSN_RETURN_FULL},
					     REPORT_FAILED, REPORT_CONTENT_MAX),
			 REPORT_CONTENT_MAX);
	assert_int_equal(report_content_size(&(struct mail_parameters){.ret = DSN_RETURN_FULL},
					     REPORT_FAILED, REPORT_CONTENT_MAX + 1),
			 REPORT_HEADER_MAX);
	assert_int_equal(report_content_size(&(struct mail_parameters){.ret = DSN_RETURN_HDRS},
					     REPORT_FAILED, 10),
			 10);
}

/* RFC 6533; any host can carry the parts. */
static void
utf8_in_reports(void **state)
{
	const struct mail_parameters parameters = {.flags = MAIL_SMTPUTF8};
	char *text = text_of(
	    make_report(REPORT_RELAYED, UE "@elsewhere.example", "utf-8;\xc3\xa4@a.example"),
	    &parameters, "s@example.org", "Subject: " UE "\r\n\r\nsecret\r\n");

	(void)state;
	assert_true(report_is_seven_bit(text, strlen(text)));
	assert_has(text, "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n");
	assert_has(text, "Content-Type: message/global-delivery-status\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n");
	assert_has(text, "Original-Recipient: utf-8; =C3=A4@a.example\r\n"
			 "Final-Recipient: utf-8; =C3=BC@elsewhere.example\r\n"
			 "Action: relayed\r\n");
	assert_has(text, "Final-Recipient: rfc822; two@elsewhere.example\r\n");
	assert_has(text, "Content-Type: message/global-headers\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			 "Subject: =C3=BC\r\n");
	assert_lacks(text, "secret");
	free(text);
	/* Only its own header has what its way back has to carry. */
	text = text_of(make_report(REPORT_FAILED, "a@b", ""), &parameters, UE "@example.org", "");
	assert_has(text, "To: <" UE "@example.org>\r\n");
	assert_has(text, "Content-Type: message/delivery-status\r\n\r\n");
	free(text);
}

static void
late_mail(void **state)
{
	char *text = text_of(make_report(REPORT_DELAYED, "a@b", ""), &(struct mail_parameters){0},
			     "s@example.org", "A: b\r\n\r\n");

	(void)state;
	assert_has(text, "Action: delayed\r\n");
	assert_has(text, "Will-Retry-Until: Fri, 16 Jan 1970 10:00:00 +0000\r\n");
	assert_has(text, "It is tried until Fri, 16 Jan 1970 10:00:00 +0000.\r\n");
	free(text);
}

/* -- When there is one ----------------------------------------------------------------------- */

static char folder[64];
static struct world world;

static struct {
	struct ipc_channel *channel;
	uint32_t outcome, dsn;
	unsigned sends;
	bool dies;   /* of each mail */
	bool hushes; /* accounts says no more when relay has had one */
} relay;

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qr_send *send = message->body;
	struct qr_recipient results[RELAY_RECIPIENTS_MAX] = {0};
	struct qr_result body = {.recipients = send->recipients};

	(void)context;
	relay.sends++;
	world.accounts_silent = relay.hushes;
	if (relay.dies) {
		ipc_close(channel);
		relay.channel = NULL;
		return 0;
	}
	for (uint32_t i = 0; i < body.recipients; i++) {
		results[i].outcome = relay.outcome;
		results[i].code = 550;
		results[i].dsn = relay.dsn;
		strlcpy(results[i].status, "5.1.1", sizeof(results[i].status));
		strlcpy(results[i].text, "as the test says", sizeof(results[i].text));
		strlcpy(results[i].host, "mx.elsewhere.example", sizeof(results[i].host));
	}
	return ipc_send(channel, QR_RESULT, message->id, &body, (const char *)results,
			body.recipients * sizeof(results[0]), -1);
}

static const struct ipc_handler relay_handlers[] = {{QR_SEND, on_send}, {0, NULL}};

static void
on_ended(struct ipc_channel *channel, void *context)
{
	(void)channel;
	(void)context;
	relay.channel = NULL;
}

static void
open_relay(void)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	relay.channel = ipc_open(world.base, sv[0], &queue_relay_boundary, IPC_SERVER,
				 relay_handlers, on_ended, NULL, "queue");
	assert_int_equal(schedule_open_relay(world.queue.schedule, sv[1]), 0);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&relay, 0, sizeof(relay));
	world_make_folder(folder);
	world_open(&world);
	world.queue.settings.relay = REACH_DOMAINS;
	world.queue.settings.expire = 86400;
	strlcpy(world.queue.settings.hostname, "mail.example.org",
		sizeof(world.queue.settings.hostname));
	relay.outcome = RELAY_DELIVERED;
	open_relay();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ipc_close(relay.channel);
	world_close(&world);
	world_remove_folder(folder);
	return 0;
}

static bool
all_is_written(void *arg)
{
	flow_id flow;

	(void)arg;
	return queue_is_quiet(&world.queue) && db_next_flow(world.queue.db, -1, &flow) == 0;
}

static const char *const to_remote[] = {"bob@elsewhere.example", "carol@elsewhere.example", NULL};
static const char *const to_bob[] = {"bob@elsewhere.example", NULL};
static const char *const to_local[] = {"bob@example.org", NULL};

static void
send_as_alice(const char *sender, const char *const *recipients, uint32_t notify)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = sender,
			    .recipients = recipients,
			    .size = 100,
			    .notify = notify,
			    .orcpt = "rfc822;list@a.example",
			    .parameters = {.envid = "seven"}};

	mail.channel = world_open_gate(&world, "alice@example.org");
	mail_send(&mail);
	ipc_close(mail.channel);
	assert_true(mail.committed);
}

/* The report that alice got, or NULL. */
static const char *
heard_by_alice(void)
{
	const struct stored *stored;

	SLIST_FOREACH (stored, &world.stored, entry) {
		if (strcmp(stored->mailbox, "alice@example.org") == 0)
			return stored->text;
	}
	return NULL;
}

static void
as_was_wished(void **state)
{
	static const struct {
		uint32_t outcome, dsn, notify;
		const char *action; /* NULL: silence */
	} cases[] = {
	    {RELAY_FAILED, 0, 0, "failed"},
	    {RELAY_FAILED, 0, DSN_NOTIFY_FAILURE, "failed"},
	    {RELAY_FAILED, 1, DSN_NOTIFY_FAILURE | DSN_NOTIFY_SUCCESS, "failed"},
	    {RELAY_FAILED, 0, DSN_NOTIFY_NEVER, NULL},
	    {RELAY_FAILED, 0, DSN_NOTIFY_SUCCESS, NULL},
	    {RELAY_DELIVERED, 0, 0, NULL},
	    {RELAY_DELIVERED, 0, DSN_NOTIFY_SUCCESS, "relayed"},
	    {RELAY_DELIVERED, 1, DSN_NOTIFY_SUCCESS, NULL}, /* the next host will say it */
	    {RELAY_DELIVERED, 0, DSN_NOTIFY_FAILURE, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[64];

		relay.outcome = cases[i].outcome;
		relay.dsn = cases[i].dsn;
		send_as_alice("alice@example.org", to_remote, cases[i].notify);
		world_run_until(&world, all_is_written, NULL);
		assert_int_equal(relay.sends, 1);
		if (cases[i].action == NULL) {
			assert_null(heard_by_alice());
		} else {
			/* One, of both recipients. */
			assert_int_equal(world.stored_count, 1);
			(void)snprintf(line, sizeof(line), "Action: %s\r\n", cases[i].action);
			assert_has(heard_by_alice(), line);
			assert_has(heard_by_alice(), "Final-Recipient: rfc822; bob@");
			assert_has(heard_by_alice(), "Final-Recipient: rfc822; carol@");
			assert_has(heard_by_alice(), "Original-Recipient: rfc822; list@a.example");
			assert_has(heard_by_alice(), "Original-Envelope-Id: seven\r\n");
		}
		(void)tear_down(state);
		(void)set_up(state);
	}
}

static void
into_mailboxes_too(void **state)
{
	(void)state;
	send_as_alice("alice@example.org", to_local, DSN_NOTIFY_SUCCESS);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 2);
	assert_has(heard_by_alice(), "Action: delivered\r\nStatus: 2.0.0\r\n");
	assert_has(heard_by_alice(), "Final-Recipient: rfc822; bob@example.org\r\n");
}

/* RFC 3461 5.2.7.3: of one address that was named, however many it leads to. */
static void
once_of_an_alias(void **state)
{
	static const char *const to_team[] = {"team@example.org", NULL};
	static const uint32_t wishes[] = {DSN_NOTIFY_SUCCESS,
					  DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE};

	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		const struct stored *stored;
		unsigned reports = 0;

		send_as_alice("dan@example.org", to_team, wishes[i]);
		world_run_until(&world, all_is_written, NULL);
		SLIST_FOREACH (stored, &world.stored, entry) {
			if (stored->sender[0] != '\0')
				continue;
			reports++;
			assert_has(stored->text, "Final-Recipient: rfc822; team@example.org\r\n"
						 "Action: delivered\r\n");
		}
		assert_int_equal(reports, 1);
		assert_int_equal(world.stored_count, 4);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

static void
nothing_to_nobody(void **state)
{
	(void)state;
	send_as_alice("", to_local, DSN_NOTIFY_SUCCESS);
	send_as_alice("", to_remote, DSN_NOTIFY_SUCCESS);
	relay.outcome = RELAY_FAILED;
	send_as_alice("", to_remote, DSN_NOTIFY_FAILURE);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 1);
}

/* Once, however often it is tried; and of what fails for good in a mailbox too. */
static bool
heard(void *arg)
{
	(void)arg;
	return heard_by_alice() != NULL;
}

static bool
relay_has_sent(void *arg)
{
	return relay.sends >= *(const unsigned *)arg;
}

static bool
results_are_written(void *arg)
{
	(void)arg;
	(void)batch_run(world.queue.batch);
	return schedule_running(world.queue.schedule) == 0 && batch_is_empty(world.queue.batch);
}

static bool
tried_often(void *arg)
{
	(void)arg;
	return relay.sends >= 4;
}

static void
late_mail_is_told_of_once(void **state)
{
	(void)state;
	world.queue.settings.delay_notice = 1;
	relay.outcome = RELAY_LATER;
	send_as_alice("alice@example.org", to_remote, 0);
	world_run_until(&world, heard, NULL);
	assert_has(heard_by_alice(), "Action: delayed\r\n");
	world_run_until(&world, tried_often, NULL);
	relay.outcome = RELAY_DELIVERED;
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 1);
}

static uint64_t
send_to_elsewhere(const char *const *recipients, unsigned sends)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "alice@example.org",
			    .recipients = recipients,
			    .size = 100};

	mail.channel = world_open_gate(&world, "alice@example.org");
	mail_send(&mail);
	ipc_close(mail.channel);
	world_run_until(&world, relay_has_sent, &sends);
	world_run_until(&world, results_are_written, NULL);
	return strtoull(mail.queue_id, NULL, 16);
}

/* Accounts or filter took so long over the report that others of the flow have come meanwhile. */
static void
an_attempt_that_its_report_outlasts_is_made(void **state)
{
	struct report *report;
	struct report_recipient *recipient;
	unsigned three = 3;
	uint64_t late;
	int64_t next;

	(void)state;
	world.queue.settings.retry = 3600;
	relay.outcome = RELAY_LATER;
	late = send_to_elsewhere(to_bob, 1);
	next = clock_now();
	(void)send_to_elsewhere(to_bob, 2);
	report = report_new(&world.queue, late, REPORT_DELAYED, "@elsewhere.example", 1);
	recipient = report_add(report);
	recipient->next_attempt = next;
	strlcpy(recipient->path, to_bob[0], sizeof(recipient->path));
	strlcpy(recipient->status, "4.0.0", sizeof(recipient->status));
	report_send(report);
	world_run_until(&world, heard, NULL);
	world_run_until(&world, relay_has_sent, &three);
}

static void
what_no_mailbox_takes_comes_back(void **state)
{
	(void)state;
	world.conduct = FAILS_FOR_GOOD;
	send_as_alice("dan@elsewhere.example", to_local, 0);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(relay.sends, 1);
	assert_int_equal(world.stored_count, 0);
}

/* The same, without the second that results may wait. */
static bool
all_is_done(void *arg)
{
	(void)batch_run(world.queue.batch);
	return all_is_written(arg);
}

/* -- What this server could not do by itself, told to outsiders -------------------------------- */

static void
nobody_outside_hears_what_is_in_here(void **state)
{
	static const struct {
		enum conduct conduct;
		const char *why, *inside, *told;
	} cases[] = {
	    {FAILS_FOR_GOOD,
	     "5.2.2 over quota: 1 of 7 octets are used, there is no room for 77 more", "octets",
	     "Status: 5.2.2\r\nDiagnostic-Code: x-postern; the mailbox has no room for a message "
	     "as "
	     "large as this\r\n"},
	    {FAILS_FOR_NOW, "4.2.2 over quota: 7 of 7 messages are there", "of 7",
	     "Status: 4.2.2\r\nDiagnostic-Code: x-postern; the mailbox is full\r\n"},
	    {FAILS_FOR_NOW, "index.db: number 7 is broken", "index",
	     "Status: 4.3.0\r\nDiagnostic-Code: x-postern; the mailbox can't be reached now\r\n"},
	    {FAILS_FOR_GOOD, "5.1.1 mailbox 7 tells lies", "lies",
	     "Status: 5.3.0\r\nDiagnostic-Code: x-postern; the mailbox can't be reached now\r\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world.queue.settings.delay_notice = 1;
		world.conduct = cases[i].conduct;
		world.failing = "bob@example.org";
		world.fails_why = cases[i].why;
		send_as_alice("alice@example.org", to_local, 0);
		world_run_until(&world, heard, NULL);
		assert_has(heard_by_alice(), cases[i].told);
		assert_lacks(heard_by_alice(), cases[i].inside);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

/* Its time is over: the status says so for ever, and that he was full is still the reason. */
static void
who_was_full_to_the_end_is_still_full(void **state)
{
	(void)state;
	world.queue.settings.expire = 1;
	world.conduct = FAILS_FOR_NOW;
	world.failing = "bob@example.org";
	world.fails_why = "4.2.2 over quota: 9 of 9 messages are there";
	send_as_alice("alice@example.org", to_local, 0);
	world_run_until(&world, heard, NULL);
	assert_has(heard_by_alice(), "It was tried again and again, until its time was over.");
	assert_has(heard_by_alice(), "Action: failed\r\nStatus: 5.2.2\r\n"
				     "Diagnostic-Code: x-postern; the mailbox is full\r\n");
}

static bool
is_there(const struct db_delivery *row, const char *mailbox, void *arg)
{
	(void)row;
	(void)mailbox;
	(void)arg;
	return false;
}

/* There is one delivery, and it has no next attempt. */
static bool
one_is_held(void *arg)
{
	int64_t due, far = clock_now() + INT64_C(1000) * 86400 * CLOCK_SECOND;
	flow_id flow;

	(void)arg;
	(void)batch_run(world.queue.batch);
	return queue_is_quiet(&world.queue) && world.deliveries > 0 &&
	       db_next_flow(world.queue.db, -1, &flow) == 1 &&
	       db_due(world.queue.db, flow, (struct db_position){0}, far, 1, is_there, NULL,
		      &due) == 1;
}

/* Who lets no mail leave has senders all the same. */
static void
where_no_mail_leaves_who_is_here_is_told(void **state)
{
	static const char *const others[] = {"dan@elsewhere.example", "nobody@example.org", ""};

	world.queue.settings.relay = REACH_HERE;
	world.conduct = FAILS_FOR_GOOD;
	world.failing = "bob@example.org";
	send_as_alice("alice@example.org", to_local, 0);
	world_run_until(&world, all_is_done, NULL);
	assert_has(heard_by_alice(), "Action: failed\r\n");
	/* The others' mail is held. */
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		(void)tear_down(state);
		(void)set_up(state);
		world.queue.settings.relay = REACH_HERE;
		world.conduct = FAILS_FOR_GOOD;
		send_as_alice(others[i], to_local, 0);
		world_run_until(&world, one_is_held, NULL);
		assert_int_equal(world.deliveries, 1);
		assert_int_equal(world.stored_count, 0);
	}
}

/* Nothing stays in the queue of what nobody wants to hear of, wherever mail may leave to. */
static void
what_fails_unwanted_is_dropped(void **state)
{
	static const struct {
		enum mail_reach reach;
		uint32_t notify;
	} cases[] = {{REACH_DOMAINS, DSN_NOTIFY_NEVER},
		     {REACH_DOMAINS, DSN_NOTIFY_SUCCESS},
		     {REACH_HERE, DSN_NOTIFY_NEVER}};

	(void)state;
	world.conduct = FAILS_FOR_GOOD;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world.queue.settings.relay = cases[i].reach;
		send_as_alice("dan@elsewhere.example", to_local, cases[i].notify);
		world_run_until(&world, all_is_done, NULL);
		assert_int_equal(world.deliveries, i + 1);
		assert_int_equal(relay.sends, 0);
	}
}

/* Its sender's mailbox takes no report. */
static void
a_report_that_fails_is_dropped(void **state)
{
	(void)state;
	world.conduct = FAILS_FOR_GOOD;
	relay.outcome = RELAY_FAILED;
	send_as_alice("alice@example.org", to_remote, 0);
	world_run_until(&world, all_is_done, NULL);
	assert_int_equal(world.deliveries, 1);
	assert_int_equal(relay.sends, 1);
}

/* -- What nobody answers for --------------------------------------------------------------------
 */

/* A mailbox that nobody gets a process for, or whose process dies of each mail. */
static void
a_mailbox_out_of_reach_keeps_nothing_for_ever(void **state)
{
	static const struct {
		bool attach_fails;
		enum conduct conduct;
	} cases[] = {{true, STORES}, {false, DIES_BEFORE}};
	unsigned one = 1;

	for (size_t i = 0; i < 2; i++) {
		world.queue.settings.delay_notice = 1;
		world.attach_fails = cases[i].attach_fails;
		world.conduct = cases[i].conduct;
		send_as_alice("dan@elsewhere.example", to_local, 0);
		/* He hears that it is late, */
		world_run_until(&world, relay_has_sent, &one);
		world_run_for(&world, 50);
		assert_false(all_is_written(NULL));
		/* and that its time is over. */
		world.queue.settings.expire = 1;
		world_run_until(&world, all_is_written, NULL);
		assert_int_equal(relay.sends, 2);
		assert_int_equal(world.stored_count, 0);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

/* The mail that kills each relay. */
static bool
over_though_relay_dies(void *arg)
{
	if (relay.channel == NULL)
		open_relay();
	return all_is_written(arg);
}

static void
what_kills_relay_comes_back(void **state)
{
	(void)state;
	world.queue.settings.expire = 1;
	relay.dies = true;
	send_as_alice("alice@example.org", to_remote, 0);
	world_run_until(&world, over_though_relay_dies, NULL);
	assert_non_null(heard_by_alice());
	assert_has(heard_by_alice(), "Action: failed\r\n");
	assert_has(heard_by_alice(), "until its time was over");
}

/* What has left is not sent again by the next process because its report was not made. */
static bool
is_reporting(void *arg)
{
	(void)arg;
	return world.queue.own->count == 1;
}

static void
a_stop_waits_for_reports(void **state)
{
	(void)state;
	relay.hushes = true;
	send_as_alice("alice@example.org", to_remote, DSN_NOTIFY_SUCCESS);
	world_run_until(&world, is_reporting, NULL);
	assert_int_equal(relay.sends, 1);
	assert_false(queue_is_quiet(&world.queue));
	queue_stop(&world.queue);
	(void)batch_run(world.queue.batch);
	assert_true(all_is_written(NULL));
}

/* -- Strangers, whose senders may be forged ---------------------------------------------------- */

static const char *const to_alias[] = {"lead@example.org", NULL};

/* As who has logged in, or as a stranger (""). Filter says whether it is junk. */
static void
send_judged(const char *submitter, bool junk, const char *const *recipients, uint32_t notify,
	    uint32_t ret)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "alice@example.org",
			    .recipients = recipients,
			    .size = 100,
			    .notify = notify,
			    .hold = true,
			    .parameters = {.ret = ret}};
	struct transaction *transaction = NULL;
	struct source *source;

	if (submitter[0] != '\0')
		mail.channel = world_open_gate(&world, submitter);
	mail_start(&mail);
	world_run_until(&world, mail_has_body, &mail);
	LIST_FOREACH (source, &world.queue.sources, entry) {
		if (transaction == NULL)
			transaction = transaction_find(source, mail.transaction);
	}
	assert_non_null(transaction);
	transaction->junk = junk;
	mail_commit(&mail);
	world_run_until(&world, mail_is_over, &mail);
	if (submitter[0] != '\0')
		ipc_close(mail.channel);
	assert_true(mail.committed);
	world_run_until(&world, all_is_written, NULL);
}

static void
of_a_strangers_junk_nobody_hears(void **state)
{
	static const struct {
		const char *submitter;
		bool junk;
		const char *const *recipients;
		enum conduct conduct;
		uint32_t outcome, notify;
		bool heard;
	} cases[] = {
	    {"", true, to_local, FAILS_FOR_GOOD, RELAY_DELIVERED, 0, false},
	    {"", true, to_local, STORES, RELAY_DELIVERED, DSN_NOTIFY_SUCCESS, false},
	    {"", true, to_alias, STORES, RELAY_FAILED, 0, false},
	    {"", true, to_alias, STORES, RELAY_DELIVERED, DSN_NOTIFY_SUCCESS, false},
	    {"", false, to_alias, STORES, RELAY_FAILED, 0, true},
	    {"bob@example.org", true, to_remote, STORES, RELAY_FAILED, 0, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct stored *stored;
		bool heard = false;

		relay.outcome = cases[i].outcome;
		world.conduct = cases[i].conduct;
		send_judged(cases[i].submitter, cases[i].junk, cases[i].recipients, cases[i].notify,
			    DSN_RETURN_FULL);
		SLIST_FOREACH (stored, &world.stored, entry)
			heard = heard || stored->sender[0] == '\0';
		assert_int_equal(heard, cases[i].heard);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

/* What a stranger has written goes to nobody whom he names as its sender. */
static void
strangers_get_the_header_only(void **state)
{
	static const struct {
		const char *submitter;
		const char *const *recipients;
		const char *type;
	} cases[] = {{"", to_alias, "\r\nContent-Type: text/rfc822-headers\r\n"},
		     {"bob@example.org", to_remote, "\r\nContent-Type: message/rfc822\r\n"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct stored *stored;
		const char *text = NULL;

		relay.outcome = RELAY_FAILED;
		send_judged(cases[i].submitter, false, cases[i].recipients, 0, DSN_RETURN_FULL);
		SLIST_FOREACH (stored, &world.stored, entry) {
			if (stored->sender[0] == '\0')
				text = stored->text;
		}
		assert_non_null(text);
		assert_has(text, cases[i].type);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_are_seven_bit),
	    cmocka_unit_test(one_for_several_recipients),
	    cmocka_unit_test(words_are_whose_they_are),
	    cmocka_unit_test(content_comes_back),
	    cmocka_unit_test(utf8_in_reports),
	    cmocka_unit_test(late_mail),
	    cmocka_unit_test_setup_teardown(as_was_wished, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(into_mailboxes_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(once_of_an_alias, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nothing_to_nobody, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(late_mail_is_told_of_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_attempt_that_its_report_outlasts_is_made, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(what_no_mailbox_takes_comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nobody_outside_hears_what_is_in_here, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(who_was_full_to_the_end_is_still_full, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(where_no_mail_leaves_who_is_here_is_told, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(what_fails_unwanted_is_dropped, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_report_that_fails_is_dropped, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_mailbox_out_of_reach_keeps_nothing_for_ever, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(what_kills_relay_comes_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_stop_waits_for_reports, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(of_a_strangers_junk_nobody_hears, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(strangers_get_the_header_only, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
