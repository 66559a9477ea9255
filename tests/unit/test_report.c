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
#include "worker/queue/report.h"
#include "worker/queue/report_parts.h"
#include "worker/queue/schedule.h"

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
	strlcpy(one->text, "no such user", sizeof(one->text));
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
	size_t length;
	char *text = report_text(&facts, &length);

	assert_non_null(text);
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
		} else {
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
} relay;

static int
on_send(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct qr_send *send = message->body;
	struct qr_recipient results[RELAY_RECIPIENTS_MAX] = {0};
	struct qr_result body = {.host = "mx.elsewhere.example", .recipients = send->recipients};

	(void)context;
	relay.sends++;
	for (uint32_t i = 0; i < body.recipients; i++) {
		results[i].outcome = relay.outcome;
		results[i].code = 550;
		results[i].dsn = relay.dsn;
		strlcpy(results[i].status, "5.1.1", sizeof(results[i].status));
		strlcpy(results[i].text, "as the test says", sizeof(results[i].text));
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

static int
set_up(void **state)
{
	int sv[2];

	(void)state;
	memset(&relay, 0, sizeof(relay));
	world_make_folder(folder);
	world_open(&world);
	world.queue.settings.relay = REACH_DOMAINS;
	world.queue.settings.expire = 86400;
	strlcpy(world.queue.settings.hostname, "mail.example.org",
		sizeof(world.queue.settings.hostname));
	relay.outcome = RELAY_DELIVERED;
	assert_int_equal(ipc_pair(sv), 0);
	relay.channel = ipc_open(world.base, sv[0], &queue_relay_boundary, IPC_SERVER,
				 relay_handlers, on_ended, NULL, "queue");
	assert_int_equal(schedule_open_relay(world.queue.schedule, sv[1]), 0);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_are_seven_bit),
	    cmocka_unit_test(one_for_several_recipients),
	    cmocka_unit_test(content_comes_back),
	    cmocka_unit_test(utf8_in_reports),
	    cmocka_unit_test(late_mail),
	    cmocka_unit_test_setup_teardown(as_was_wished, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(into_mailboxes_too, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(nothing_to_nobody, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(late_mail_is_told_of_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_no_mailbox_takes_comes_back, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
