/* SPDX-License-Identifier: ISC */
/* RCPT where queue is asked whether it is too soon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/smtp_house.h"
#include "worker/gate/smtp/session.h"

#define OK "250 2.0.0 Ok\r\n"
#define MAIL_OK "250 2.1.0 Ok\r\n"
#define RCPT_OK "250 2.1.5 Ok\r\n"
#define LATER(path, text) "451 4.7.1 <" path ">: greylisted, please try again in " text "\r\n"

static void
open_greylisting(void)
{
	house_open(SERVICE_SMTP);
	orders.greylisting = true;
	orders.greylist_wait = 300;
	talk("HELO client.example\r\n", "250 mx.example.org greets client.example\r\n");
	talk("MAIL FROM:<A@b.example>\r\n", MAIL_OK);
}

/* Each for itself, in the order of the commands; who is not here is refused before anything else.
 */
static void
each_has_its_reply(void **state)
{
	(void)state;
	open_greylisting();
	talk("RCPT TO:<new1@here>\r\nRCPT TO:<old@here>\r\nRCPT TO:<none@here>\r\n"
	     "RCPT TO:<new2@here>\r\nRCPT TO:<else@there>\r\n",
	     LATER("new1@here", "300 seconds") RCPT_OK
	     "550 5.1.1 <none@here>: there is no such mailbox here\r\n" LATER(
		 "new2@here", "300 seconds") "550 5.7.1 relaying denied: <else@there> is not "
					     "served here\r\n");
	assert_int_equal(orders.greylist_asked, 3);
	assert_string_equal(queue_log.from, "A@b.example");
	/* It is no error to come too soon. */
	assert_int_equal(orders.errors_noted, 2);
	client_says("DATA\r\n");
	assert_int_equal(strncmp(client_hears(), "354 ", 4), 0);
	client_says("x\r\n.\r\n");
	assert_int_equal(strncmp(client_hears(), "250 2.0.0 ", 10), 0);
	assert_string_equal(queue_log.rcpts, "old@here ");
	house_close();
}

static void
none_is_taken(void **state)
{
	(void)state;
	open_greylisting();
	orders.greylist_wait = 1;
	talk("RCPT TO:<new@here>\r\nDATA\r\nRSET\r\n",
	     LATER("new@here", "1 second") "554 5.5.1 No valid recipients\r\n" OK);
	orders.greylist_wait = 0;
	talk("MAIL FROM:<>\r\nRCPT TO:<new@here>\r\n", MAIL_OK RCPT_OK);
	assert_string_equal(queue_log.from, "");
	house_close();
	assert_int_equal(queue_log.mails, 0);
}

/* Answers of accounts that come in another order do not change that of the replies. */
static void
order_is_kept(void **state)
{
	(void)state;
	open_greylisting();
	orders.accounts_silent = 1;
	talk("RCPT TO:<old@here>\r\nRCPT TO:<new@here>\r\nRCPT TO:<off@here>\r\n", "");
	house_accounts_speak();
	assert_string_equal(client_hears(),
			    RCPT_OK LATER("new@here", "300 seconds") "550 5.2.1 <off@here>: this "
								     "mailbox is disabled\r\n");
	house_close();
}

static void
queue_is_away(void **state)
{
	const char *unsure = "451 4.3.0 <new@here>: can't be checked now, try again later\r\n";

	(void)state;
	open_greylisting();
	orders.greylist_silent = true;
	talk("RCPT TO:<new@here>\r\n", "");
	house_kill_queue();
	assert_string_equal(client_hears(), unsure);
	talk("RCPT TO:<new@here>\r\n", unsure);
	house_new_queue();
	orders.greylist_silent = false;
	talk("RCPT TO:<new@here>\r\n", LATER("new@here", "300 seconds"));
	orders.greylist_odd = true;
	talk("RCPT TO:<new@here>\r\n", unsure);
	assert_int_equal(orders.errors_noted, 0);
	house_close();
}

/* A client that does not wait for the answer: nothing of it is left. */
static void
clients_that_go(void **state)
{
	(void)state;
	open_greylisting();
	orders.greylist_silent = true;
	talk("RCPT TO:<new@here>\r\nRCPT TO:<old@here>\r\n", "");
	house_close();
	assert_int_equal(orders.greylist_asked, 2);
}

/* Who only ever comes too soon is a client that does nothing, and errs at last. */
static void
too_often(void **state)
{
	unsigned i;

	(void)state;
	open_greylisting();
	for (i = 0; i < 300 && !connection_finished(); i++)
		client_says("RCPT TO:<new@here>\r\n");
	assert_true(connection_finished());
	assert_in_range(i, 100, 150);
	house_close();
}

static void
users_are_no_strangers(void **state)
{
	(void)state;
	house_open(SERVICE_SUBMISSION);
	house_set_tls(TLS_IMPLICIT, true);
	orders.greylisting = true;
	orders.greylist_wait = 300;
	client_says("EHLO x\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	(void)client_hears();
	talk("MAIL FROM:<alice@example.org>\r\nRCPT TO:<new@here>\r\n", MAIL_OK RCPT_OK);
	house_close();
	assert_int_equal(orders.greylist_asked, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_has_its_reply),     cmocka_unit_test(none_is_taken),
	    cmocka_unit_test(order_is_kept),          cmocka_unit_test(queue_is_away),
	    cmocka_unit_test(clients_that_go),        cmocka_unit_test(too_often),
	    cmocka_unit_test(users_are_no_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
