/* SPDX-License-Identifier: ISC */
/* What a gate that drains lets its clients finish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/smtp_house.h"
#include "worker/gate/smtp/session.h"

#define FAREWELL "421 4.3.2 The server is restarting, please try again\r\n"
#define STOP_FAREWELL "421 4.3.2 The server is shutting down, try again later\r\n"
#define HELO_REPLY "250 mx.example.org greets x\r\n"
#define MAIL_OK "250 2.1.0 Ok\r\n"
#define RCPT_OK "250 2.1.5 Ok\r\n"
#define GO "354 Send the message, end it with <CRLF>.<CRLF>\r\n"
#define QUEUED "250 2.0.0 Ok: queued as " QUEUE_ID "\r\n"
#define LOGIN "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"
#define ACCEPTED "235 2.7.0 Authentication successful\r\n"

static void
open_as(enum service service)
{
	house_open(service);
	house_set_tls(TLS_IMPLICIT, true);
	talk("HELO x\r\n", HELO_REPLY);
}

static void
finish_with(const char *last, const char *replies)
{
	talk(last, replies);
	assert_string_equal(finish_reason(), "drained");
	house_close();
}

/* The end of the content, and what has come behind it. */
static void
mail_goes_on(const char *behind)
{
	talk("RCPT TO:<bob@b>\r\nRCPT TO:<none@b>\r\n",
	     RCPT_OK "550 5.1.1 <none@b>: there is no such mailbox here\r\n");
	talk("DATA\r\n", GO);
	talk("Subject: s\r\n\r\nx\r\n", "");
	client_says_bytes(behind, strlen(behind));
}

static void
who_is_idle_goes(void **state)
{
	(void)state;
	open_as(SERVICE_SMTP);
	house_drain(false);
	finish_with("", FAREWELL);
	open_as(SERVICE_SMTP);
	talk("MAIL FROM:<a@b>\r\nRSET\r\n", MAIL_OK "250 2.0.0 Ok\r\n");
	house_drain(true);
	finish_with("", STOP_FAREWELL);
	open_as(SERVICE_SUBMISSION);
	house_drain(false);
	finish_with("", FAREWELL);
}

static void
from_mail_on_a_transaction_ends(void **state)
{
	static const char *const begun[] = {"MAIL FROM:<a@b>\r\n",
					    "MAIL FROM:<a@b>\r\nRCPT TO:<carol@b>\r\n"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		open_as(SERVICE_SMTP);
		client_says(begun[i]);
		(void)client_hears();
		house_drain(false);
		assert_string_equal(client_hears(), "");
		/* What it sends is no content yet: each command has its time. */
		assert_false(protocol_content());
		mail_goes_on(".\r\n");
		finish_with("", QUEUED FAREWELL);
		assert_int_equal(queue_log.commits, 1);
	}
}

/* Chunks, and what is no end of it. */
static void
chunks_and_resets(void **state)
{
	(void)state;
	open_as(SERVICE_SMTP);
	talk("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n", MAIL_OK RCPT_OK);
	house_drain(false);
	talk("BDAT 3\r\nx\r\n", "250 2.0.0 Ok: 3 octets so far\r\n");
	talk("NOOP\r\n", "250 2.0.0 Ok\r\n");
	finish_with("BDAT 0 LAST\r\n", QUEUED FAREWELL);
	open_as(SERVICE_SMTP);
	talk("MAIL FROM:<a@b>\r\n", MAIL_OK);
	house_drain(false);
	talk("DATA\r\n", "554 5.5.1 No valid recipients\r\n");
	finish_with("RSET\r\n", "250 2.0.0 Ok\r\n" FAREWELL);
}

/* However fast the next one comes: no gate lives for ever. */
static void
no_other_begins(void **state)
{
	(void)state;
	open_as(SERVICE_SMTP);
	talk("MAIL FROM:<a@b>\r\n", MAIL_OK);
	house_drain(false);
	mail_goes_on(".\r\nMAIL FROM:<c@d>\r\nRCPT TO:<bob@b>\r\nDATA\r\n");
	finish_with("", QUEUED FAREWELL);
	assert_int_equal(queue_log.commits, 1);
	/* Nor behind half a line that the drain has met. */
	open_as(SERVICE_SMTP);
	talk("MAIL FR", "");
	house_drain(false);
	finish_with("OM:<a@b>\r\nRCPT TO:<bob@b>\r\n", FAREWELL);
}

static void
a_login_is_for_one_mail(void **state)
{
	(void)state;
	open_as(SERVICE_SUBMISSION);
	talk("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	house_drain(false);
	talk("YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	talk("c2VjcmV0\r\n", ACCEPTED);
	talk("NOOP\r\n", "250 2.0.0 Ok\r\n");
	talk("MAIL FROM:<alice@b>\r\n", MAIL_OK);
	mail_goes_on(".\r\n");
	finish_with("", QUEUED FAREWELL);
	assert_true(queue_log.in_the_name_of);

	open_as(SERVICE_SUBMISSION);
	talk(LOGIN, ACCEPTED);
	house_drain(true);
	talk("MAIL FROM:<alice@b> SIZE=9999999\r\n",
	     "552 5.3.4 This server takes messages of 100000 octets at most\r\n");
	talk("MAIL FROM:<alice@b>\r\n", MAIL_OK);
	mail_goes_on(".\r\n");
	finish_with("", QUEUED STOP_FAREWELL);

	open_as(SERVICE_SUBMISSION);
	talk(LOGIN, ACCEPTED);
	talk("MAIL FROM:<alice@b>\r\n", MAIL_OK);
	mail_goes_on(".\r\n");
	assert_string_equal(client_hears(), QUEUED);
	house_drain(false);
	finish_with("", FAREWELL);
}

static void
logins_that_are_good_for_nothing(void **state)
{
	(void)state;
	open_as(SERVICE_SUBMISSION);
	talk("AUTH PLAIN\r\n", "334 \r\n");
	house_drain(false);
	finish_with("AGFsaWNlAHdyb25n\r\n", "535 5.7.8 Authentication failed\r\n" FAREWELL);
	open_as(SERVICE_SUBMISSION);
	talk(LOGIN, ACCEPTED);
	house_kill_submitter();
	house_drain(false);
	finish_with("", FAREWELL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_idle_goes),
	    cmocka_unit_test(from_mail_on_a_transaction_ends),
	    cmocka_unit_test(chunks_and_resets),
	    cmocka_unit_test(no_other_begins),
	    cmocka_unit_test(a_login_is_for_one_mail),
	    cmocka_unit_test(logins_that_are_good_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
