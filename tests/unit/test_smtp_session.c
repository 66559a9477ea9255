/* SPDX-License-Identifier: ISC */
/* Commands, their order and their replies; TLS, logins, bounds. */
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

static void
say_helo(void)
{
	talk("HELO client.example\r\n", "250 mx.example.org greets client.example\r\n");
}

static void
ehlo_announces(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	talk("EHLO Client.example\r\n",
	     "250-mx.example.org greets client.example\r\n" EXTENSIONS "250-STARTTLS\r\n"
	     "250 HELP\r\n");
	house_set_tls(TLS_NONE, false);
	client_says("EHLO x\r\n");
	assert_null(strstr(client_hears(), "STARTTLS"));
	house_close();

	/* AUTH only where a login may be, and STARTTLS only where TLS is not yet. */
	house_open(SERVICE_SUBMISSION);
	client_says("EHLO x\r\n");
	assert_null(strstr(client_hears(), "AUTH"));
	house_set_tls(TLS_IMPLICIT, true);
	client_says("EHLO x\r\n");
	assert_non_null(strstr(client_hears(), "250-AUTH PLAIN LOGIN\r\n250 HELP\r\n"));
	house_close();

	house_open(SERVICE_SMTP);
	house_set_tls(TLS_IMPLICIT, true);
	client_says("EHLO x\r\n");
	assert_null(strstr(client_hears(), "AUTH"));
	house_close();
}

static void
simple_commands(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	talk("NOOP\r\n", OK);
	talk("noop with words\r\n", OK);
	talk("RSET\r\n", OK);
	talk("VRFY alice\r\n", "252 2.5.0 Not verified here; a message to it may be accepted\r\n");
	talk("EXPN list\r\n", "502 5.5.1 Lists are not expanded here\r\n");
	client_says("HELP\r\n");
	assert_int_equal(strncmp(client_hears(), "214 2.0.0 ", 10), 0);
	talk("XYZZY\r\n", "500 5.5.2 Command \"XYZZY\" is not known here\r\n");
	talk("\r\n", "500 5.5.2 Command \"\" is not known here\r\n");
	talk("EHLO\r\n", "501 5.5.4 Expected a domain or an address in [] after EHLO\r\n");
	say_helo();
	assert_false(connection_finished());
	talk("QUIT\r\n", "221 2.0.0 mx.example.org closes the connection\r\n");
	assert_string_equal(finish_reason(), "quit");
	house_close();
}

static void
order_is_kept(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	house_settings()->max_errors = 100;
	talk("MAIL FROM:<a@b>\r\n", "503 5.5.1 Send EHLO first\r\n");
	talk("RCPT TO:<a@b>\r\n", "503 5.5.1 Send EHLO first\r\n");
	talk("DATA\r\n", "503 5.5.1 Send EHLO first\r\n");
	talk("STARTTLS\r\n", "503 5.5.1 Send EHLO first\r\n");
	talk("AUTH PLAIN\r\n", "503 5.5.1 Send EHLO first\r\n");
	say_helo();
	talk("RCPT TO:<a@b>\r\n", "503 5.5.1 Send MAIL first\r\n");
	talk("DATA\r\n", "503 5.5.1 Send MAIL and RCPT first\r\n");
	assert_false(protocol_busy());
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	assert_true(protocol_busy()); /* a drain has to wait for it */
	assert_false(protocol_content());
	talk("MAIL FROM:<a@b>\r\n", "503 5.5.1 A mail transaction is open already\r\n");
	talk("DATA\r\n", "554 5.5.1 No valid recipients\r\n");
	talk("RSET\r\n", OK);
	talk("RCPT TO:<a@b>\r\n", "503 5.5.1 Send MAIL first\r\n");
	talk("MAIL FROM:<>\r\n", "250 2.1.0 Ok\r\n");
	say_helo(); /* resets as RSET does */
	talk("MAIL FROM:<>\r\n", "250 2.1.0 Ok\r\n");
	house_close();
	assert_int_equal(queue_log.mails, 0);
}

static void
mail_is_refused(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	talk("MAIL FROM:<a@b> SIZE=100000\r\nRSET\r\n", "250 2.1.0 Ok\r\n" OK);
	talk("MAIL FROM:<a@b> SIZE=100001\r\n",
	     "552 5.3.4 This server takes messages of 100000 octets at most\r\n");
	talk("MAIL FROM:<a@b> X=1\r\n", "555 5.5.4 Parameter \"X\" is not known to MAIL here\r\n");
	house_close();
}

#define TOO_BIG "MAIL FROM:<a@b> SIZE=100001\r\n"
#define TOO_BIG_REPLY "552 5.3.4 This server takes messages of 100000 octets at most\r\n"
#define NO_MAIL "503 5.5.1 Send MAIL first\r\n"

/* What was sent together with it is no more of an error than it is: the next mail may be taken. */
static void
behind_a_refused_mail(void **state)
{
	int i;

	(void)state;
	house_open(SERVICE_SMTP);
	house_settings()->max_errors = 4;
	say_helo();
	client_says(TOO_BIG);
	for (i = 0; i < 50; i++)
		client_says("RCPT TO:<bob@b>\r\n");
	client_says("RCPT TO:<\r\nDATA\r\nBDAT 3\r\nabc");
	assert_int_equal(strncmp(client_hears(), TOO_BIG_REPLY NO_MAIL NO_MAIL,
				 strlen(TOO_BIG_REPLY NO_MAIL NO_MAIL)),
			 0);
	assert_int_equal(orders.errors_noted, 1);
	talk("MAIL FROM:<a@b> X=1\r\nRCPT TO:<bob@b>\r\nDATA\r\n",
	     "555 5.5.4 Parameter \"X\" is not known to MAIL here\r\n" NO_MAIL
	     "503 5.5.1 Send MAIL and RCPT first\r\n");
	assert_int_equal(orders.errors_noted, 2);
	talk("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
	/* Without MAIL it is one. */
	talk("RSET\r\nRCPT TO:<bob@b>\r\n", OK NO_MAIL);
	assert_int_equal(orders.errors_noted, 3);
	talk(TOO_BIG, "421 4.7.0 mx.example.org Too many errors, goodbye\r\n");
	house_close();

	house_open(SERVICE_SMTP);
	say_helo();
	talk(TOO_BIG "RSET\r\nRCPT TO:<bob@b>\r\n", TOO_BIG_REPLY OK NO_MAIL);
	assert_int_equal(orders.errors_noted, 2);
	client_says(TOO_BIG "HELO x\r\nRCPT TO:<bob@b>\r\n");
	assert_int_equal(orders.errors_noted, 4);
	/* And there is an end to it. */
	client_says(TOO_BIG);
	for (i = 0; i < 200 && !connection_finished(); i++)
		client_says("RCPT TO:<bob@b>\r\n");
	assert_in_range(i, 95, 110);
	house_close();
}

static void
recipients(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	talk("RCPT TO:<bob@b>\r\n", "250 2.1.5 Ok\r\n");
	talk("RCPT TO:<Postmaster>\r\n", "250 2.1.5 Ok\r\n");
	talk("RCPT TO:<none@b>\r\n", "550 5.1.1 <none@b>: there is no such mailbox here\r\n");
	talk("RCPT TO:<off@b>\r\n", "550 5.2.1 <off@b>: this mailbox is disabled\r\n");
	talk("RCPT TO:<else@b>\r\n", "550 5.7.1 relaying denied: <else@b> is not served here\r\n");
	talk("RCPT TO:<unsure@b>\r\n",
	     "451 4.3.0 <unsure@b>: can't be checked now, try again later\r\n");
	house_kill_accounts();
	talk("RCPT TO:<bob@b>\r\n", "451 4.3.0 <bob@b>: can't be checked now, try again later\r\n");
	house_close();
}

static void
accounts_breaks_the_protocol(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	talk("MAIL FROM:<a@b>\r\nRCPT TO:<odd@b>\r\n",
	     "250 2.1.0 Ok\r\n451 4.3.0 <odd@b>: can't be checked now, try again later\r\n");
	house_close();
}

static void
replies_keep_their_order(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	orders.accounts_silent = 1;
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\nRCPT TO:<none@b>\r\nRCPT TO:<x>\r\n"
		    "RCPT TO:<carol@b>\r\nNOOP\r\nRSET\r\n");
	assert_string_equal(client_hears(), "250 2.1.0 Ok\r\n");
	house_accounts_speak(); /* the last question first */
	assert_string_equal(client_hears(),
			    "250 2.1.5 Ok\r\n"
			    "550 5.1.1 <none@b>: there is no such mailbox here\r\n"
			    "501 5.1.3 <x>: there is no domain behind the local part\r\n"
			    "250 2.1.5 Ok\r\n" OK OK);
	house_close();
}

/* What is refused without a question waits for the questions before it all the same. */
static void
refusals_keep_their_order(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	orders.accounts_silent = 1;
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\nRCPT TO:<j\xc3\xbcrgen@b>\r\n"
		    "RCPT TO:<carol@b>\r\nDATA\r\n");
	assert_string_equal(client_hears(), "250 2.1.0 Ok\r\n");
	house_accounts_speak();
	client_says("x\r\n.\r\n");
	assert_string_equal(client_hears(), "250 2.1.5 Ok\r\n"
					    "553 5.6.7 <j\?\?rgen@b>: the address is not ASCII, "
					    "and the mail was not begun with SMTPUTF8\r\n"
					    "250 2.1.5 Ok\r\n"
					    "354 Send the message, end it with <CRLF>.<CRLF>\r\n"
					    "250 2.0.0 Ok: queued as " QUEUE_ID "\r\n");
	assert_string_equal(queue_log.rcpts, "bob@b carol@b ");

	/* Of the bounds: so many recipients, so many errors. */
	house_settings()->max_recipients = 1;
	orders.accounts_silent = 1;
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<none@b>\r\nRCPT TO:<carol@b>\r\n"
		    "RCPT TO:<dave@b>\r\n");
	assert_string_equal(client_hears(), "250 2.1.0 Ok\r\n");
	house_accounts_speak();
	assert_string_equal(client_hears(),
			    "550 5.1.1 <none@b>: there is no such mailbox here\r\n"
			    "250 2.1.5 Ok\r\n"
			    "452 4.5.3 Too many recipients: 1 at most in one transaction\r\n");
	house_settings()->max_recipients = 100;
	house_settings()->max_errors = 1;
	orders.accounts_silent = 1;
	client_says("RCPT TO:<erin@b>\r\nRCPT TO:frank@b\r\n");
	assert_string_equal(client_hears(), "");
	house_accounts_speak();
	assert_string_equal(client_hears(),
			    "250 2.1.5 Ok\r\n"
			    "421 4.7.0 mx.example.org Too many errors, goodbye\r\n");
	house_close();
}

static void
accounts_dies_with_questions_open(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	orders.accounts_silent = 1;
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\nRCPT TO:<carol@b>\r\nDATA\r\n");
	client_hears();
	house_kill_accounts();
	assert_string_equal(client_hears(),
			    "451 4.3.0 <bob@b>: can't be checked now, try again later\r\n"
			    "451 4.3.0 <carol@b>: can't be checked now, try again later\r\n"
			    "554 5.5.1 No valid recipients\r\n");
	house_close();
}

static void
client_goes_with_questions_open(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	orders.accounts_silent = 1;
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n");
	house_close(); /* the answer would come to nobody: nothing is left that it could touch */
}

static void
ten_thousand_recipients(void **state)
{
	size_t n = 10000, i, size = n * 32, length = 0, taken = 0, refused = 0;
	char *burst = malloc(size);
	const char *p;

	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	for (i = 0; i < n; i++) {
		length +=
		    (size_t)snprintf(burst + length, size - length, "RCPT TO:<u%zu@b>\r\n", i);
		if (length < 16000 && i + 1 < n)
			continue;
		client_says_bytes(burst, length);
		length = 0;
		for (p = client_hears(); *p != '\0'; p = strchr(p, '\n') + 1) {
			taken += strncmp(p, "250 2.1.5", 9) == 0;
			refused += strncmp(p, "452 4.5.3 Too many recipients: 100 ", 35) == 0;
		}
	}
	assert_int_equal(taken, 100);
	assert_int_equal(refused, n - 100);
	assert_false(connection_finished());
	house_close();
	free(burst);
}

static void
errors_are_bounded(void **state)
{
	int i;

	(void)state;
	house_open(SERVICE_SMTP);
	for (i = 0; i < 9; i++)
		talk("X\r\n", "500 5.5.2 Command \"X\" is not known here\r\n");
	assert_false(connection_finished());
	talk("X\r\nNOOP\r\n", "421 4.7.0 mx.example.org Too many errors, goodbye\r\n");
	assert_string_equal(finish_reason(), "too-many-errors");
	house_close();

	house_open(SERVICE_SMTP);
	house_settings()->max_errors = 0; /* no bound */
	for (i = 0; i < 1000; i++)
		talk("X\r\n", "500 5.5.2 Command \"X\" is not known here\r\n");
	house_close();
}

/* Who carries the mail has them from somebody else, and others of its recipients are good. */
static void
addresses_that_can_not_be_are_no_errors(void **state)
{
	static const char *const bad[] = {
	    "RCPT TO:<a..b@b>\r\n", "RCPT TO:<x@y.example.>\r\n", "RCPT TO:<j\xc3\xbcrgen@b>\r\n",
	    "RCPT TO:<x>\r\n",      "RCPT TO:<@y,z:a@b>\r\n",
	};
	const size_t count = sizeof(bad) / sizeof(bad[0]);
	size_t i;

	(void)state;
	house_open(SERVICE_SMTP);
	house_settings()->max_errors = 2;
	say_helo();
	client_says("MAIL FROM:<a@b..c>\r\n");
	client_says("MAIL FROM:<j\xc3\xbcrgen@b>\r\nRCPT TO:<bob@b>\r\n");
	client_says("MAIL FROM:<a>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n");
	for (i = 0; i < 4 * count; i++)
		client_says(bad[i % count]);
	assert_false(connection_finished());
	/* A stranger's are noted all the same: his replies wait. */
	assert_int_equal(orders.errors_noted, 3 + 4 * count);
	(void)client_hears();
	talk("RCPT TO:<carol@b>\r\nDATA\r\nx\r\n.\r\n",
	     "250 2.1.5 Ok\r\n354 Send the message, end it with <CRLF>.<CRLF>\r\n"
	     "250 2.0.0 Ok: queued as " QUEUE_ID "\r\n");
	assert_string_equal(queue_log.rcpts, "bob@b carol@b ");
	/* What is no address in <> is a bad command. */
	talk("MAIL FROM:<a@b>\r\nRCPT TO:bob@b\r\nRCPT TO:<bob@b\r\n",
	     "250 2.1.0 Ok\r\n501 5.5.4 Expected an address in <> after TO:, found \"bob@b\"\r\n"
	     "421 4.7.0 mx.example.org Too many errors, goodbye\r\n");
	house_close();

	/* And there is an end to them. */
	house_open(SERVICE_SMTP);
	say_helo();
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	for (i = 0; i < 200 && !connection_finished(); i++)
		client_says(bad[i % count]);
	assert_in_range(i, 100, 110);
	assert_string_equal(finish_reason(), "too-many-errors");
	house_close();
}

static void
guessing_and_idling_are_bounded(void **state)
{
	int i;

	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	for (i = 0; i < 200 && !connection_finished(); i++)
		client_says("RCPT TO:<none@b>\r\n");
	assert_in_range(i, 100, 110);
	assert_string_equal(finish_reason(), "too-many-errors");
	/* The gate has heard of each. */
	assert_true(orders.errors_noted >= (unsigned)i - 1);
	house_close();

	house_open(SERVICE_SMTP);
	for (i = 0; i < 200 && !connection_finished(); i++)
		client_says("NOOP\r\n");
	assert_in_range(i, 100, 110);
	house_close();
}

static void
lines_are_bounded(void **state)
{
	char *line = malloc(20000);
	size_t piece;

	(void)state;
	memset(line, 'x', 20000);
	for (piece = 1; piece < 3000; piece = piece * 7 + 1) {
		house_open(SERVICE_SMTP);
		memcpy(line, "NOOP ", 5);
		memcpy(line + SMTP_LINE_MAX - 2, "\r\n", 2);
		client_says_in_pieces(line, SMTP_LINE_MAX, piece);
		assert_string_equal(client_hears(), OK);
		memset(line + SMTP_LINE_MAX - 2, 'x', 2);
		memcpy(line + SMTP_LINE_MAX - 1, "\r\nNOOP\r\n", 8);
		client_says_in_pieces(line, SMTP_LINE_MAX + 7, piece);
		assert_string_equal(client_hears(), "500 5.5.6 Line too long\r\n" OK);
		memset(line, 'x', 20000);
		client_says_in_pieces(line, 20000, piece * 100);
		assert_string_equal(client_hears(), "");
		talk("\r\n", "500 5.5.6 Line too long\r\n");
		talk("NOOP\r\n", OK);
		house_close();
	}
	free(line);
}

static void
long_line_waits_for_recipients(void **state)
{
	char *line = malloc(4000);

	(void)state;
	memset(line, 'x', 4000);
	memcpy(line + 3998, "\r\n", 2);
	house_open(SERVICE_SMTP);
	say_helo();
	orders.accounts_silent = 1;
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n");
	client_says_bytes(line, 4000);
	client_says("NOOP\r\n");
	assert_string_equal(client_hears(), "250 2.1.0 Ok\r\n");
	house_accounts_speak();
	assert_string_equal(client_hears(), "250 2.1.5 Ok\r\n500 5.5.6 Line too long\r\n" OK);
	house_close();
	free(line);
}

static void
line_ends_with_crlf(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	talk("NOOP\n", "500 5.5.2 Bare LF: a command line ends with CRLF\r\n");
	talk("\n", "500 5.5.2 Bare LF: a command line ends with CRLF\r\n");
	talk("NOOP\rQUIT\r\n", "500 5.5.2 Command \"NOOP?QUIT\" is not known here\r\n");
	house_close();
}

static void
http_ends_it(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	talk("POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO x\r\nMAIL FROM:<a@b>\r\n",
	     "421 4.7.0 This is a mail server, it doesn't speak HTTP\r\n");
	assert_string_equal(finish_reason(), "http");
	house_close();
}

/*
 * -- TLS ------------------------------------------------------------------------
 */

static void
starttls_begins_anew(void **state)
{
	(void)state;
	house_open(SERVICE_SUBMISSION);
	say_helo();
	talk("STARTTLS now\r\n", "501 5.5.4 Expected nothing after STARTTLS, found \"now\"\r\n");
	talk("STARTTLS\r\nEHLO injected\r\n", "220 2.0.0 Ready to start TLS\r\n");
	assert_true(handshake_started());
	house_set_tls(TLS_EXPLICIT, true);
	assert_string_equal(client_hears(), "");
	talk("MAIL FROM:<a@b>\r\n", "503 5.5.1 Send EHLO first\r\n");
	say_helo();
	talk("STARTTLS\r\n", "503 5.5.1 This connection is in TLS already\r\n");
	house_close();
}

static void
starttls_drops_a_transaction(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	say_helo();
	client_says("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\nSTARTTLS\r\n");
	assert_string_equal(client_hears(),
			    "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n220 2.0.0 Ready to start TLS\r\n");
	house_set_tls(TLS_EXPLICIT, true);
	say_helo();
	talk("DATA\r\n", "503 5.5.1 Send MAIL and RCPT first\r\n");
	house_close();
}

static void
starttls_where_it_is_not_possible(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	house_set_tls(TLS_NONE, false);
	say_helo();
	talk("STARTTLS\r\n", "502 5.5.1 STARTTLS is not possible here\r\n");
	house_close();
}

/*
 * -- AUTH -----------------------------------------------------------------------
 */

#define GOOD "AGFsaWNlAHNlY3JldA=="
#define WRONG "AGFsaWNlAHdyb25n"
#define LATER "AGxhdGVyAHNlY3JldA=="
#define ACCEPTED "235 2.7.0 Authentication successful\r\n"
#define REFUSED "535 5.7.8 Authentication failed\r\n"
#define MALFORMED "501 5.5.2 The response is not what the mechanism expects\r\n"

static void
open_submission(void)
{
	house_open(SERVICE_SUBMISSION);
	house_set_tls(TLS_EXPLICIT, true);
	say_helo();
}

static void
login_before_tls(void **state)
{
	(void)state;
	house_open(SERVICE_SUBMISSION);
	say_helo();
	talk("MAIL FROM:<a@b>\r\n", "530 5.7.0 Must issue a STARTTLS command first\r\n");
	talk("AUTH PLAIN " GOOD "\r\n", "538 5.7.11 Encryption required: Must issue a STARTTLS "
					"command first\r\n");
	house_close();
}

static void
no_login_on_smtp(void **state)
{
	(void)state;
	house_open(SERVICE_SMTP);
	house_set_tls(TLS_EXPLICIT, true);
	say_helo();
	talk("AUTH PLAIN " GOOD "\r\n",
	     "502 5.5.1 AUTH is for the submission service, not for this one\r\n");
	house_close();
}

/* What people call their devices. */
static void
a_users_name_may_be_none(void **state)
{
	static const char *const names[] = {"Anna's phone", "desktop-",       "localhost:587",
					    "\xc3\xbc",     "[fe80::1%eth0]", "."};
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		house_open(SERVICE_SUBMISSION);
		(void)snprintf(line, sizeof(line), "HELO %s\r\n", names[i]);
		talk(line, "250 mx.example.org greets [192.0.2.1]\r\n");
		house_close();
		house_open(SERVICE_SMTP);
		client_says(line);
		assert_memory_equal(client_hears(), "501 5.5.4 Expected a domain or an address",
				    41);
		house_close();
	}
	house_open(SERVICE_SUBMISSION);
	talk("EHLO\r\n", "501 5.5.4 Expected a domain or an address in [] after EHLO\r\n");
	talk("MAIL FROM:<a@b>\r\n", "503 5.5.1 Send EHLO first\r\n");
	house_close();
}

static void
plain(void **state)
{
	(void)state;
	open_submission();
	talk("MAIL FROM:<a@b>\r\n", "530 5.7.0 Authentication required\r\n");
	talk("AUTH PLAIN " WRONG "\r\n", REFUSED);
	talk("AUTH PLAIN " LATER "\r\n",
	     "454 4.7.0 Logins can't be checked now, try again later\r\n");
	talk("AUTH PLAIN x\r\n", MALFORMED);
	talk("AUTH PLAIN =\r\n", MALFORMED);
	talk("AUTH PLAIN\r\n", "334 \r\n");
	talk("*\r\n", "501 5.7.0 Authentication cancelled\r\n");
	talk("AUTH CRAM-MD5\r\n",
	     "504 5.5.4 Mechanism CRAM-MD5 can't be used here, these can: PLAIN LOGIN\r\n");
	talk("AUTH PLAIN\r\n", "334 \r\n");
	talk(GOOD "\r\n", ACCEPTED);
	talk("AUTH PLAIN " GOOD "\r\n", "503 5.5.1 You are authenticated already\r\n");
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	talk("RSET\r\nEHLO x\r\n",
	     OK "250-mx.example.org greets x\r\n" EXTENSIONS "250-REQUIRETLS\r\n"
		"250-AUTH PLAIN LOGIN\r\n250 HELP\r\n");
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	house_close();
}

/* RFC 9422: what EHLO says holds at RCPT, before and after it is known who it is. */
static void
recipients_of_an_account(void **state)
{
	static const struct {
		struct submit_limits all, own;
		unsigned before, after;
	} cases[] = {
	    {{0, 0, 0}, {0, 0, 0}, 5, 5},    {{0, 0, 1000}, {0, 0, 0}, 5, 5},
	    {{0, 0, 3}, {0, 0, 0}, 3, 3},    {{0, 0, 3}, {0, 0, 2}, 3, 2},
	    {{0, 0, 3}, {0, 0, 4}, 3, 4},    {{0, 2, 3}, {0, 0, 0}, 2, 2},
	    {{0, 2, 0}, {0, 4, 0}, 2, 4},    {{1, 0, 0}, {1, 0, 0}, 5, 5},
	    {{0, 9, 3}, {0, 0, 1000}, 3, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[128];

		house_open(SERVICE_SUBMISSION);
		house_set_tls(TLS_IMPLICIT, true);
		house_settings()->max_recipients = 5;
		house_settings()->limits = cases[i].all;
		orders.logged_in.limits = cases[i].own;
		client_says("EHLO x\r\n");
		(void)snprintf(line, sizeof(line), "250-LIMITS RCPTMAX=%u\r\n", cases[i].before);
		assert_non_null(strstr(client_hears(), line));
		client_says("AUTH PLAIN " GOOD "\r\nEHLO x\r\n");
		(void)snprintf(line, sizeof(line), "250-LIMITS RCPTMAX=%u\r\n", cases[i].after);
		assert_non_null(strstr(client_hears(), line));
		talk("MAIL FROM:<alice@example.org>\r\n", "250 2.1.0 Ok\r\n");
		for (unsigned n = 0; n < cases[i].after; n++)
			talk("RCPT TO:<bob@b>\r\n", "250 2.1.5 Ok\r\n");
		(void)snprintf(line, sizeof(line),
			       "452 4.5.3 Too many recipients: %u at most in one transaction\r\n",
			       cases[i].after);
		talk("RCPT TO:<carol@b>\r\n", line);
		house_close();
	}
	/* Strangers have none of them. */
	house_open(SERVICE_SMTP);
	house_settings()->limits.recipients_per_message = 1;
	client_says("EHLO x\r\n");
	assert_non_null(strstr(client_hears(), "RCPTMAX=100\r\n"));
	house_close();
}

static void
pipelined_behind_a_login(void **state)
{
	(void)state;
	open_submission();
	talk("AUTH PLAIN " GOOD "\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n",
	     ACCEPTED "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
	house_close();
}

static void
open_with_certificate(enum client_mode mode)
{
	open_submission();
	house_show_certificate(mode);
}

static void
external(void **state)
{
	(void)state;
	open_with_certificate(CLIENT_REQUEST);
	talk("AUTH EXTERNAL !\r\n", MALFORMED);
	talk("AUTH EXTERNAL YQBi\r\n", MALFORMED); /* a NUL in it */
	talk("AUTH EXTERNAL\r\n", "334 \r\n");
	talk("*\r\n", "501 5.7.0 Authentication cancelled\r\n");
	talk("AUTH EXTERNAL\r\n", "334 \r\n");
	talk("\r\n", ACCEPTED);
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	house_close();
	open_with_certificate(CLIENT_REQUEST);
	talk("AUTH EXTERNAL YWxpY2U=\r\nMAIL FROM:<a@b>\r\n", ACCEPTED "250 2.1.0 Ok\r\n");
	house_close();
	/* What was shown counts once. */
	open_with_certificate(CLIENT_REQUEST);
	talk("AUTH EXTERNAL Ym9i\r\n", REFUSED);
	talk("AUTH EXTERNAL =\r\n",
	     "504 5.5.4 Mechanism EXTERNAL can't be used here, these can: PLAIN LOGIN\r\n");
	talk("AUTH PLAIN " GOOD "\r\n", ACCEPTED);
	house_close();
	/* After a login by password it is of no more use. */
	open_with_certificate(CLIENT_REQUEST);
	talk("AUTH PLAIN " GOOD "\r\n", ACCEPTED);
	talk("EHLO x\r\n", "250-mx.example.org greets x\r\n" EXTENSIONS "250-REQUIRETLS\r\n"
			   "250-AUTH PLAIN LOGIN\r\n250 HELP\r\n");
	house_close();
}

static void
no_password_where_a_certificate_is_required(void **state)
{
	(void)state;
	open_with_certificate(CLIENT_REQUIRE);
	talk("AUTH PLAIN " GOOD "\r\n",
	     "504 5.5.4 Mechanism PLAIN can't be used here, these can: EXTERNAL\r\n");
	talk("AUTH LOGIN\r\n",
	     "504 5.5.4 Mechanism LOGIN can't be used here, these can: EXTERNAL\r\n");
	talk("AUTH EXTERNAL Ym9i\r\n", REFUSED);
	talk("AUTH EXTERNAL =\r\n", "504 5.5.4 This connection's certificate has been looked at, "
				    "connect again to show another\r\n");
	talk("RSET\r\nEHLO x\r\n",
	     OK "250-mx.example.org greets x\r\n" EXTENSIONS "250-REQUIRETLS\r\n250 HELP\r\n");
	house_close();
}

static void
mail_by_certificate(void **state)
{
	(void)state;
	open_with_certificate(CLIENT_REQUIRE);
	talk("MAIL FROM:<a@b>\r\nRCPT TO:<bob@b>\r\n", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
	talk("RSET\r\n", OK);
	talk("AUTH EXTERNAL =\r\n", "503 5.5.1 You are authenticated already\r\n");
	house_close();
	orders.certificate_is_nobodys = true;
	open_with_certificate(CLIENT_REQUEST);
	orders.certificate_is_nobodys = true;
	talk("MAIL FROM:<a@b>\r\nRSET\r\n", "530 5.7.0 Authentication required\r\n" OK);
	talk("AUTH PLAIN " GOOD "\r\n", ACCEPTED);
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	house_close();
	open_with_certificate(CLIENT_REQUIRE);
	house_kill_accounts();
	talk("MAIL FROM:<a@b>\r\n", "454 4.7.0 Logins can't be checked now, try again later\r\n");
	house_close();
}

static void
login_mechanism(void **state)
{
	(void)state;
	open_submission();
	talk("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	talk("YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	talk("d3Jvbmc=\r\n", REFUSED);
	talk("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	talk("YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	talk("*\r\n", "501 5.7.0 Authentication cancelled\r\n");
	talk("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	talk("\r\n", MALFORMED);
	talk("AUTH LOGIN YQBi\r\n", MALFORMED); /* a NUL in it */
	talk("AUTH LOGIN YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	talk("\r\n", MALFORMED);
	talk("AUTH LOGIN YWxpY2U=\r\n", "334 UGFzc3dvcmQ6\r\n");
	talk("c2VjcmV0\r\n", ACCEPTED);
	house_close();
}

/* In base64: "first", "1st", "final", "end". What they mean is accounts' business. */
static void
scram(void **state)
{
	(void)state;
	open_submission();
	orders.scram_offer = 1;
	talk("EHLO x\r\n", "250-mx.example.org greets x\r\n" EXTENSIONS "250-REQUIRETLS\r\n"
			   "250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r\n250 HELP\r\n");
	talk("AUTH SCRAM-SHA-256-PLUS Zmlyc3Q=\r\n", "334 MXN0\r\n");
	talk("*\r\n", "501 5.7.0 Authentication cancelled\r\n");
	assert_int_equal(orders.scram_forgotten, 1);
	talk("AUTH SCRAM-SHA-256-PLUS\r\n", "334 \r\n");
	talk("Zmlyc3Q=\r\n", "334 MXN0\r\n");
	talk("?\r\n", MALFORMED);
	assert_int_equal(orders.scram_forgotten, 2);
	talk("AUTH SCRAM-SHA-256-PLUS Zmlyc3Q=\r\n", "334 MXN0\r\n");
	talk("Zmlyc3Q=\r\n", MALFORMED); /* says accounts, which has forgotten it */
	assert_int_equal(orders.scram_forgotten, 2);
	talk("AUTH SCRAM-SHA-256-PLUS Zmlyc3Q=\r\n", "334 MXN0\r\n");
	talk("ZmluYWw=\r\n", "334 ZW5k\r\n");
	talk("\r\n", ACCEPTED);
	talk("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n");
	house_close();
	assert_int_equal(orders.scram_forgotten, 2);
}

static void
wrong_logins_are_errors(void **state)
{
	int i;

	(void)state;
	open_submission();
	for (i = 0; i < 9; i++)
		talk("AUTH PLAIN " WRONG "\r\n", REFUSED);
	talk("AUTH PLAIN " WRONG "\r\n", "421 4.7.0 mx.example.org Too many errors, goodbye\r\n");
	assert_true(connection_finished());
	house_close();
}

static void
auth_lines_may_be_longer(void **state)
{
	char *line = malloc(SMTP_AUTH_MAX + 100);

	(void)state;
	memset(line, 'A', SMTP_AUTH_MAX + 100);
	open_submission();
	memcpy(line, "AUTH PLAIN ", 11);
	memcpy(line + SMTP_AUTH_MAX - 2, "\r\n", 2);
	client_says_in_pieces(line, SMTP_AUTH_MAX, 5000);
	assert_string_equal(client_hears(), MALFORMED);
	memcpy(line + SMTP_AUTH_MAX - 2, "AAAA\r\n", 6);
	client_says_in_pieces(line, SMTP_AUTH_MAX + 4, 5000);
	assert_string_equal(client_hears(), "500 5.5.6 Line too long\r\n");
	talk("AUTH PLAIN\r\n", "334 \r\n");
	memset(line, 'A', SMTP_AUTH_MAX);
	client_says_in_pieces(line, SMTP_AUTH_MAX + 4, 5000);
	assert_string_equal(client_hears(), "500 5.5.6 Line too long\r\n");
	talk("NOOP\r\n", OK);
	/* Others may not. */
	client_says_in_pieces(line + 20, SMTP_LINE_MAX, 5000);
	talk("\r\n", "500 5.5.6 Line too long\r\n");
	house_close();
	free(line);
}

static void
accounts_dies_at_a_login(void **state)
{
	(void)state;
	open_submission();
	house_kill_accounts();
	talk("AUTH PLAIN " GOOD "\r\n",
	     "454 4.7.0 Logins can't be checked now, try again later\r\n");
	house_close();
}

static void
submitter_channel_is_lost(void **state)
{
	(void)state;
	open_submission();
	talk("AUTH PLAIN " GOOD "\r\n", ACCEPTED);
	house_kill_submitter();
	talk("MAIL FROM:<a@b>\r\n",
	     "421 4.3.0 The mail queue was restarted, please connect again\r\n");
	assert_string_equal(finish_reason(), "queue-lost");
	house_close();
	/* Behind MAIL: a recipient elsewhere is not refused for good for that. */
	open_submission();
	talk("AUTH PLAIN " GOOD "\r\nMAIL FROM:<a@b>\r\n", ACCEPTED "250 2.1.0 Ok\r\n");
	house_kill_submitter();
	talk("RCPT TO:<else@where>\r\n",
	     "421 4.3.0 The mail queue was restarted, please connect again\r\n");
	assert_string_equal(finish_reason(), "queue-lost");
	house_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ehlo_announces),
	    cmocka_unit_test(simple_commands),
	    cmocka_unit_test(order_is_kept),
	    cmocka_unit_test(mail_is_refused),
	    cmocka_unit_test(behind_a_refused_mail),
	    cmocka_unit_test(recipients),
	    cmocka_unit_test(accounts_breaks_the_protocol),
	    cmocka_unit_test(replies_keep_their_order),
	    cmocka_unit_test(refusals_keep_their_order),
	    cmocka_unit_test(accounts_dies_with_questions_open),
	    cmocka_unit_test(client_goes_with_questions_open),
	    cmocka_unit_test(ten_thousand_recipients),
	    cmocka_unit_test(errors_are_bounded),
	    cmocka_unit_test(addresses_that_can_not_be_are_no_errors),
	    cmocka_unit_test(guessing_and_idling_are_bounded),
	    cmocka_unit_test(lines_are_bounded),
	    cmocka_unit_test(long_line_waits_for_recipients),
	    cmocka_unit_test(line_ends_with_crlf),
	    cmocka_unit_test(http_ends_it),
	    cmocka_unit_test(starttls_begins_anew),
	    cmocka_unit_test(starttls_drops_a_transaction),
	    cmocka_unit_test(starttls_where_it_is_not_possible),
	    cmocka_unit_test(login_before_tls),
	    cmocka_unit_test(no_login_on_smtp),
	    cmocka_unit_test(a_users_name_may_be_none),
	    cmocka_unit_test(plain),
	    cmocka_unit_test(recipients_of_an_account),
	    cmocka_unit_test(pipelined_behind_a_login),
	    cmocka_unit_test(external),
	    cmocka_unit_test(no_password_where_a_certificate_is_required),
	    cmocka_unit_test(mail_by_certificate),
	    cmocka_unit_test(login_mechanism),
	    cmocka_unit_test(scram),
	    cmocka_unit_test(wrong_logins_are_errors),
	    cmocka_unit_test(auth_lines_may_be_longer),
	    cmocka_unit_test(accounts_dies_at_a_login),
	    cmocka_unit_test(submitter_channel_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
