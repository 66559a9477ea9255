/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/gate/smtp/command.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *line;
	enum smtp_verb verb;
	const char *refused; /* how the reply begins; NULL: it parses */
} verbs[] = {
    {"EHLO example.org", SMTP_EHLO, NULL},
    {"ehlo Example.org", SMTP_EHLO, NULL},
    {"EHLO [192.0.2.1]", SMTP_EHLO, NULL},
    {"EHLO [IPv6:2001:db8::1]", SMTP_EHLO, NULL},
    {"EHLO   example.org  ", SMTP_EHLO, NULL},
    {"EHLO", SMTP_EHLO, "501 5.5.4 Expected a domain"},
    {"EHLO ", SMTP_EHLO, "501 5.5.4 Expected a domain"},
    {"EHLO [192.0.2.1", SMTP_EHLO, "501 5.5.4"},
    {"EHLO a b", SMTP_EHLO,
     "501 5.5.4 Expected a domain or an address in [] after EHLO, found \"a b\""},
    {"EHLO \xff", SMTP_EHLO,
     "501 5.5.4 Expected a domain or an address in [] after EHLO, found \"?\""},
    {"HELO example.org", SMTP_HELO, NULL},
    {"HELO", SMTP_HELO, "501 5.5.4"},
    {"DATA", SMTP_DATA, NULL},
    {"data ", SMTP_DATA, NULL},
    {"DATA x", SMTP_DATA, "501 5.5.4 Expected nothing after DATA, found \"x\""},
    {"RSET", SMTP_RSET, NULL},
    {"RSET x", SMTP_RSET, "501 5.5.4"},
    {"NOOP", SMTP_NOOP, NULL},
    {"NOOP whatever it is", SMTP_NOOP, NULL},
    {"VRFY alice", SMTP_VRFY, NULL},
    {"VRFY", SMTP_VRFY, "501 5.5.4"},
    {"EXPN list", SMTP_EXPN, NULL},
    {"HELP", SMTP_HELP, NULL},
    {"HELP MAIL", SMTP_HELP, NULL},
    {"QUIT", SMTP_QUIT, NULL},
    {"QUIT now", SMTP_QUIT, "501 5.5.4"},
    {"STARTTLS", SMTP_STARTTLS, NULL},
    {"STARTTLS now", SMTP_STARTTLS, "501 5.5.4"},
    {"GET / HTTP/1.1", SMTP_HTTP, NULL},
    {"POST / HTTP/1.1", SMTP_HTTP, NULL},
    {"", SMTP_VERB_COUNT, "500 5.5.2 Command \"\""},
    {" EHLO x", SMTP_VERB_COUNT, "500 5.5.2"},
    {"HTTP", SMTP_VERB_COUNT, "500 5.5.2"},
    {"EHLOX y", SMTP_VERB_COUNT, "500 5.5.2 Command \"EHLOX\""},
    {"DATA\r", SMTP_VERB_COUNT, "500 5.5.2 Command \"DATA?\""},
    {"BDAT 5 LAST", SMTP_BDAT, NULL},
    {"bdat 0 last ", SMTP_BDAT, NULL},
    {"BDAT 18446744073709551615", SMTP_BDAT, NULL},
    {"BDAT 18446744073709551616", SMTP_BDAT, "501 5.5.4 Expected a number of octets"},
    {"BDAT", SMTP_BDAT, "501 5.5.4 Expected a number of octets"},
    {"BDAT LAST", SMTP_BDAT, "501 5.5.4"},
    {"BDAT -5", SMTP_BDAT, "501 5.5.4"},
    {"BDAT +5", SMTP_BDAT, "501 5.5.4"},
    {"BDAT 0x5", SMTP_BDAT, "501 5.5.4"},
    {"BDAT 5 LASTS", SMTP_BDAT, "501 5.5.4"},
    {"BDAT 5  LAST", SMTP_BDAT, "501 5.5.4"},
    {"BDAT 5 LAST LAST", SMTP_BDAT, "501 5.5.4"},
};

static const struct {
	const char *line;
	const char *path; /* NULL: refused */
	const char *refused;
	uint64_t size;
	enum body_type body;
} paths[] = {
    {"MAIL FROM:<>", "", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<Alice@Example.ORG>", "Alice@example.org", NULL, 0, BODY_7BIT},
    {"mail from: <a@b>", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME", "a@b", NULL, 1000, BODY_8BITMIME},
    {"MAIL FROM:<a@b> body=7bit size=0", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> AUTH=<>", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> AUTH=e+3Dmc2@example.com", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> SIZE=99999999999999999999", "a@b", NULL, UINT64_MAX, BODY_7BIT},
    {"MAIL FROM:<\"a b>\"@c>", "\"a b>\"@c", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<\"a\\\">\"@c>", "\"a\\\">\"@c", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<\"a\"@c>", "a@c", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<@x.y:a@b>", "a@b", NULL, 0, BODY_7BIT},
    {"RCPT TO:<a@b>", "a@b", NULL, 0, BODY_7BIT},
    {"RCPT TO:<@x.y,@z:a@b>", "a@b", NULL, 0, BODY_7BIT},
    {"RCPT TO:<Postmaster>", "postmaster", NULL, 0, BODY_7BIT},
    {"RCPT TO:<POSTMASTER@b>", "POSTMASTER@b", NULL, 0, BODY_7BIT},
    {"RCPT TO:<a@[192.0.2.1]>", "a@[192.0.2.1]", NULL, 0, BODY_7BIT},

    {"MAIL", NULL, "501 5.5.4 Expected FROM:<address> after MAIL, found \"\"", 0, 0},
    {"MAIL FROM", NULL, "501 5.5.4", 0, 0},
    {"MAIL TO:<a@b>", NULL, "501 5.5.4 Expected FROM:<address>", 0, 0},
    {"MAIL FROM:", NULL, "501 5.5.4 Expected an address in <>", 0, 0},
    {"MAIL FROM:a@b", NULL, "501 5.5.4 Expected an address in <> after FROM:, found \"a@b\"", 0, 0},
    {"MAIL FROM:<a@b", NULL, "501 5.5.4 Expected a \">\"", 0, 0},
    {"MAIL FROM:<\"a@b>", NULL, "501 5.5.4 Expected a \">\"", 0, 0},
    {"MAIL FROM:<a@b>x", NULL, "501 5.5.4 Expected a space", 0, 0},
    {"MAIL FROM:<a@b>>", NULL, "501 5.5.4 Expected a space", 0, 0},
    {"MAIL FROM:<a>", NULL, "501 5.1.7 <a>: there is no domain", 0, 0},
    {"MAIL FROM:<Postmaster>", NULL, "501 5.1.7", 0, 0},
    {"MAIL FROM:< >", NULL, "501 5.1.7", 0, 0},
    {"MAIL FROM:<a@b..c>", NULL, "501 5.1.7", 0, 0},
    {"MAIL FROM:<\xc3\xa4@b>", NULL, "553 5.6.7 <\?\?@b>", 0, 0},
    {"MAIL FROM:<a@\xc3\xa4.b>", NULL, "553 5.6.7 <a@xn--4ca.b>", 0, 0},
    {"MAIL FROM:<\xc3\xa4@b> SMTPUTF8", "\xc3\xa4@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@\xc3\xa4.b> SMTPUTF8 BODY=8BITMIME", "a@xn--4ca.b", NULL, 0, BODY_8BITMIME},
    {"MAIL FROM:<\"\xc3\xa4 x\"@b> SMTPUTF8", "\"\xc3\xa4 x\"@b", NULL, 0, BODY_7BIT},
    {"RCPT TO:<\xc3\xa4@B\xc3\x9c"
     "cher.example>",
     "\xc3\xa4@xn--bcher-kva.example", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<\xc3@b> SMTPUTF8", NULL, "501 5.1.7 <?@b>: the address is not UTF-8", 0, 0},
    {"MAIL FROM:<a@\xc3\xa4..b> SMTPUTF8", NULL, "501 5.1.7", 0, 0},
    {"MAIL FROM:<a@b> SMTPUTF8=1", NULL, "501 5.5.4 Parameter SMTPUTF8 has no value", 0, 0},
    {"MAIL FROM:<a@b> SMTPUTF8 SMTPUTF8", NULL, "501 5.5.4 Parameter SMTPUTF8 is there twice", 0,
     0},
    {"MAIL FROM:<a@b> REQUIRETLS", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> REQUIRETLS=x", NULL, "501 5.5.4 Parameter REQUIRETLS has no value", 0, 0},
    {"MAIL FROM:<a@b> RET=full ENVID=a+2Bb", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> RET=HDRS", "a@b", NULL, 0, BODY_7BIT},
    {"MAIL FROM:<a@b> RET", NULL, "501 5.5.4 Expected FULL or HDRS after RET=, found \"\"", 0, 0},
    {"MAIL FROM:<a@b> RET=ALL", NULL, "501 5.5.4 Expected FULL or HDRS", 0, 0},
    {"MAIL FROM:<a@b> RET=FULL RET=FULL", NULL, "501 5.5.4 Parameter RET is there twice", 0, 0},
    {"MAIL FROM:<a@b> ENVID=", NULL, "501 5.5.4 Expected xtext", 0, 0},
    {"MAIL FROM:<a@b> ENVID=a+0Ab", NULL, "501 5.5.4 Expected xtext", 0, 0},
    {"MAIL FROM:<a@b> ENVID=a+zzb", NULL, "501 5.5.4 Expected xtext", 0, 0},
    {"MAIL FROM:<a@b> ENVID=a=b", NULL, "501 5.5.4 Expected xtext", 0, 0},
    {"MAIL FROM:<a@b> MT-PRIORITY=3", NULL, "555 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> BY=120;R", NULL, "555 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> HOLDFOR=120", NULL, "555 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> SIZES=1", NULL, "555 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> SIZE", NULL, "501 5.5.4 Expected a number", 0, 0},
    {"MAIL FROM:<a@b> SIZE=", NULL, "501 5.5.4 Expected a number", 0, 0},
    {"MAIL FROM:<a@b> SIZE=-1", NULL, "501 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> SIZE=0x10", NULL, "501 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> SIZE=123456789012345678901", NULL, "501 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> SIZE=1 SIZE=2", NULL, "501 5.5.4 Parameter SIZE is there twice", 0, 0},
    {"MAIL FROM:<a@b> BODY=BINARYMIME", "a@b", NULL, 0, BODY_BINARYMIME},
    {"MAIL FROM:<a@b> BODY=BINARY", NULL, "501 5.5.4 Expected 7BIT, 8BITMIME or BINARYMIME", 0, 0},
    {"MAIL FROM:<a@b> BODY", NULL, "501 5.5.4", 0, 0},
    {"MAIL FROM:<a@b> AUTH=", NULL, "501 5.5.4", 0, 0},
    {"RCPT", NULL, "501 5.5.4 Expected TO:<address>", 0, 0},
    {"RCPT TO:<>", NULL, "501 5.1.3 <>: the address is empty", 0, 0},
    {"RCPT TO:<a>", NULL, "501 5.1.3", 0, 0},
    {"RCPT TO:<@x>", NULL, "501 5.1.3 Expected @domain", 0, 0},
    {"RCPT TO:<@x,y:a@b>", NULL, "501 5.1.3 Expected @domain", 0, 0},
    {"RCPT TO:<@x:>", NULL, "501 5.1.3", 0, 0},
    {"RCPT TO:<@:a@b>", NULL, "501 5.1.3", 0, 0},
    {"RCPT TO:<a@b> NOTIFY=NEVER", "a@b", NULL, 0, BODY_7BIT},
    {"RCPT TO:<a@b> NOTIFY=NEVER,DELAY", NULL, "501 5.5.4 Expected NEVER, or", 0, 0},
    {"RCPT TO:<a@b> NOTIFY=DELAY,DELAY", NULL, "501 5.5.4 Expected NEVER, or", 0, 0},
    {"RCPT TO:<a@b> NOTIFY=", NULL, "501 5.5.4 Expected NEVER, or", 0, 0},
    {"RCPT TO:<a@b> NOTIFY", NULL, "501 5.5.4 Expected NEVER, or", 0, 0},
    {"RCPT TO:<a@b> NOTIFY=DELAY,", NULL, "501 5.5.4 Expected NEVER, or", 0, 0},
    {"RCPT TO:<a@b> NOTIFY=SOMETIMES", NULL, "501 5.5.4 Expected NEVER, or", 0, 0},
    {"RCPT TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", NULL, "501 5.5.4 Parameter NOTIFY is there twice",
     0, 0},
    {"RCPT TO:<a@b> ORCPT=rfc822", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> ORCPT=;x", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> ORCPT=rfc822;", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> ORCPT=rfc822;a+0D+0Ab", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> ORCPT=rfc822;\xc3\xa4", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> ORCPT=utf-8;\\x{D800}", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> ORCPT=utf-8;\\x{0D}", NULL, "501 5.5.4 Expected an address type", 0, 0},
    {"RCPT TO:<a@b> RET=FULL", NULL, "555 5.5.4 Parameter \"RET\" is not known to RCPT", 0, 0},
};

static void
verbs_and_their_arguments(void **state)
{
	struct smtp_command command;
	struct smtp_reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(verbs); i++) {
		int r = smtp_command_parse(verbs[i].line, strlen(verbs[i].line), &command, &reply);

		if (command.verb != verbs[i].verb)
			fail_msg("%s: verb %d", verbs[i].line, (int)command.verb);
		if (r != (verbs[i].refused == NULL ? 0 : -1))
			fail_msg("%s: %d %s", verbs[i].line, r, r == 0 ? "" : reply.text);
		if (r == -1 && strncmp(reply.text, verbs[i].refused, strlen(verbs[i].refused)) != 0)
			fail_msg("%s: %s", verbs[i].line, reply.text);
	}
}

static void
mail_and_rcpt(void **state)
{
	struct smtp_command command;
	struct smtp_reply reply;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(paths); i++) {
		const char *line = paths[i].line;
		int r = smtp_command_parse(line, strlen(line), &command, &reply);

		if (r != (paths[i].path != NULL ? 0 : -1))
			fail_msg("%s: %d %s", line, r, r == 0 ? command.path : reply.text);
		if (r == -1) {
			if (strncmp(reply.text, paths[i].refused, strlen(paths[i].refused)) != 0)
				fail_msg("%s: %s", line, reply.text);
			/* Of an address: 5.1.3, 5.1.7 and 5.6.7; of a command: 5.5.4. */
			assert_int_equal(command.no_mailbox, reply.text[6] != '5');
			continue;
		}
		assert_string_equal(command.path, paths[i].path);
		assert_true(command.size == paths[i].size);
		assert_int_equal(command.parameters.body, paths[i].body);
	}
}

/* RFC 3461, RFC 6533: what the parameters of DSN come to. */
static void
dsn_parameters(void **state)
{
	static const struct {
		const char *line;
		uint32_t notify;
		const char *orcpt;
		bool utf8;
	} rcpts[] = {
	    {"RCPT TO:<a@b>", 0, "", false},
	    {"RCPT TO:<a@b> notify=never", DSN_NOTIFY_NEVER, "", false},
	    {"RCPT TO:<a@b> NOTIFY=Delay,FAILURE,success",
	     DSN_NOTIFY_DELAY | DSN_NOTIFY_FAILURE | DSN_NOTIFY_SUCCESS, "", false},
	    {"RCPT TO:<a@b> ORCPT=RFC822;a+2Bb@C", 0, "rfc822;a+b@C", false},
	    {"RCPT TO:<a@b> NOTIFY=DELAY ORCPT=x400;a+20+3D", DSN_NOTIFY_DELAY, "x400;a =", false},
	    {"RCPT TO:<a@b> ORCPT=utf-8;\\x{E4}\\x{2B}@b", 0, "utf-8;\xc3\xa4+@b", false},
	    {"RCPT TO:<a@b> ORCPT=UTF-8;\xc3\xa4@b", 0, "utf-8;\xc3\xa4@b", true},
	};
	struct smtp_command command;
	struct smtp_reply reply;
	char line[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(rcpts); i++) {
		assert_int_equal(
		    smtp_command_parse(rcpts[i].line, strlen(rcpts[i].line), &command, &reply), 0);
		assert_int_equal(command.notify, rcpts[i].notify);
		assert_string_equal(command.orcpt, rcpts[i].orcpt);
		assert_int_equal(command.utf8, rcpts[i].utf8);
	}
	snprintf(line, sizeof(line), "MAIL FROM:<a@b> RET=HDRS ENVID=Q+2B+20%097d", 1);
	assert_int_equal(smtp_command_parse(line, strlen(line), &command, &reply), 0);
	assert_int_equal(strlen(command.parameters.envid), 100);
	assert_int_equal(strncmp(command.parameters.envid, "Q+ 0", 4), 0);
	assert_int_equal(command.parameters.ret, DSN_RETURN_HDRS);
	strcat(line, "x");
	assert_int_equal(smtp_command_parse(line, strlen(line), &command, &reply), -1);
	snprintf(line, sizeof(line), "RCPT TO:<a@b> ORCPT=rfc822;%0493d", 1);
	assert_int_equal(smtp_command_parse(line, strlen(line), &command, &reply), 0);
	strcat(line, "x");
	assert_int_equal(smtp_command_parse(line, strlen(line), &command, &reply), -1);
}

static void
hello_domain_is_lower_case(void **state)
{
	struct smtp_command command;
	struct smtp_reply reply;

	(void)state;
	assert_int_equal(smtp_command_parse("EHLO Mail.Example.ORG", 21, &command, &reply), 0);
	assert_string_equal(command.domain, "mail.example.org");
}

/* What many say who mean the same. */
static void
hello_is_put_right(void **state)
{
	static const struct {
		const char *line, *domain; /* NULL: refused */
	} hellos[] = {
	    {"EHLO mail.example.org.", "mail.example.org"},
	    {"HELO Host.", "host"},
	    {"EHLO mail.example.org..", NULL},
	    {"EHLO .", NULL},
	    {"EHLO ..", NULL},
	    {"EHLO [2001:db8::1]", "[IPv6:2001:db8::1]"},
	    {"HELO [2001:db8:0000:0000:0000:0000:255.255.255.255]",
	     "[IPv6:2001:db8:0000:0000:0000:0000:255.255.255.255]"},
	    {"EHLO [2001:db8::1].", NULL},
	    {"EHLO [2001:db8::1", NULL},
	    {"EHLO [2001:db8::x]", NULL},
	    {"EHLO [IPv6:IPv6:2001:db8::1]", NULL},
	    {"EHLO [2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000:0000]", NULL},
	    {"EHLO [:]", NULL},
	    {"EHLO [192.0.2.1.]", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(hellos); i++) {
		struct smtp_command command;
		struct smtp_reply reply;
		int r =
		    smtp_command_parse(hellos[i].line, strlen(hellos[i].line), &command, &reply);

		if (r != (hellos[i].domain != NULL ? 0 : -1))
			fail_msg("%s: %d", hellos[i].line, r);
		if (r == 0)
			assert_string_equal(command.domain, hellos[i].domain);
	}
	/* Only there: an address is what somebody has. */
	assert_int_equal(smtp_command_parse("RCPT TO:<a@b.>", 14, &(struct smtp_command){0},
					    &(struct smtp_reply){""}),
			 -1);
}

static void
auth(void **state)
{
	struct smtp_command command;
	struct smtp_reply reply;

	(void)state;
	assert_int_equal(smtp_command_parse("AUTH plain", 10, &command, &reply), 0);
	assert_string_equal(command.mechanism, "PLAIN");
	assert_null(command.initial_response);

	assert_int_equal(smtp_command_parse("auth PLAIN AGEAYg==", 19, &command, &reply), 0);
	assert_int_equal(command.initial_response_length, 8);
	assert_memory_equal(command.initial_response, "AGEAYg==", 8);

	assert_int_equal(smtp_command_parse("AUTH PLAIN =", 12, &command, &reply), 0);
	assert_non_null(command.initial_response);
	assert_int_equal(command.initial_response_length, 0);

	assert_int_equal(smtp_command_parse("AUTH", 4, &command, &reply), -1);
	assert_int_equal(smtp_command_parse("AUTH PL/IN", 10, &command, &reply), -1);
	assert_int_equal(smtp_command_parse("AUTH ABCDEFGHIJKLMNOPQRSTU", 26, &command, &reply),
			 -1);
	/* What may be a password is not said back. */
	assert_int_equal(smtp_command_parse("AUTH PLAIN secret secret", 24, &command, &reply), -1);
	assert_null(strstr(reply.text, "secret"));
}

static void
nul_in_a_line(void **state)
{
	struct smtp_command command;
	struct smtp_reply reply;

	(void)state;
	assert_int_equal(smtp_command_parse("EHLO a\0b", 8, &command, &reply), -1);
	assert_int_equal(smtp_command_parse("MAIL FROM:<a@b\0>", 16, &command, &reply), -1);
	assert_int_equal(smtp_command_parse("MAIL FROM:<a@b> AUTH=\0", 22, &command, &reply), -1);
	assert_int_equal(smtp_command_parse("QUIT\0", 5, &command, &reply), -1);
}

static void
quotes_are_short_and_printable(void **state)
{
	char out[SMTP_QUOTE_SIZE], in[2 * SMTP_QUOTE_SIZE];
	struct smtp_command command;
	struct smtp_reply reply;

	(void)state;
	memset(in, 'x', sizeof(in));
	assert_string_equal(smtp_quote("a\r\n\0\x7f\xff", 6, out), "a?????");
	assert_int_equal(strlen(smtp_quote(in, SMTP_QUOTE_SIZE - 1, out)), SMTP_QUOTE_SIZE - 1);
	assert_int_equal(strlen(smtp_quote(in, SMTP_QUOTE_SIZE, out)), SMTP_QUOTE_SIZE - 1);
	assert_int_equal(strlen(smtp_quote(in, sizeof(in), out)), SMTP_QUOTE_SIZE - 1);
	assert_string_equal(out + SMTP_QUOTE_SIZE - 4, "...");
	assert_int_equal(smtp_command_parse(in, sizeof(in), &command, &reply), -1);
	assert_true(strlen(reply.text) < 150);
}

static void
is_verb(void **state)
{
	(void)state;
	assert_true(smtp_command_is("AUTH", 4, SMTP_AUTH));
	assert_true(smtp_command_is("auth PLAIN xxx", 14, SMTP_AUTH));
	assert_false(smtp_command_is("AUT", 3, SMTP_AUTH));
	assert_false(smtp_command_is("AUTHX", 5, SMTP_AUTH));
	assert_false(smtp_command_is("", 0, SMTP_AUTH));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verbs_and_their_arguments),
	    cmocka_unit_test(mail_and_rcpt),
	    cmocka_unit_test(dsn_parameters),
	    cmocka_unit_test(hello_domain_is_lower_case),
	    cmocka_unit_test(hello_is_put_right),
	    cmocka_unit_test(auth),
	    cmocka_unit_test(nul_in_a_line),
	    cmocka_unit_test(quotes_are_short_and_printable),
	    cmocka_unit_test(is_verb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
