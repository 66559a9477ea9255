/* SPDX-License-Identifier: ISC */
/* IMAP's login in a real gate: what accounts and the session are told, and what the client is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/scram.h"
#include "tests/unit/gate_house.h"

#define OFFER "CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL- ID ENABLE IDLE"
#define GREETING "* OK [" OFFER " AUTH=PLAIN AUTH=LOGIN] mail.test is ready\r\n"
#define PLAIN_GREETING "* OK [" OFFER " STARTTLS LOGINDISABLED] mail.test is ready\r\n"

/* A gate with one listener, and a client that has been greeted. */
static int
greeted(struct house *h, enum tls_mode tls)
{
	int client;

	house_build(h, 0);
	house_listen(h, SERVICE_IMAP, tls, tls == TLS_NONE, NULL, 0, 0);
	house_open(h);
	client = client_admitted(h, 0);
	client_expect(client, tls == TLS_NONE ? GREETING : PLAIN_GREETING);
	return client;
}

static void
farewell(struct house *h, int client)
{
	close(client);
	house_expect(h, MG_GONE);
	house_close(h);
}

static uint32_t
hear_login(struct house *h, const char *tail, size_t length)
{
	struct heard heard;

	house_hear(h->accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_LOGIN);
	assert_int_equal(heard.body.login.service, SERVICE_IMAP);
	assert_int_equal(heard.tail_length, length);
	assert_memory_equal(heard.tail, tail, length);
	return heard.id;
}

static int
let_in(struct house *h, uint32_t id)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	house_answer(h->accounts, GA_LOGGED_IN, id, &(struct ga_logged_in){0},
		     sizeof(struct ga_logged_in), sv[1]);
	close(sv[1]);
	return sv[0];
}

static void
turn_away(struct house *h, uint32_t id, enum login_verdict verdict)
{
	struct ga_login_failed failed = {.verdict = verdict};

	house_answer(h->accounts, GA_LOGIN_FAILED, id, &failed, sizeof(failed), -1);
}

/* The session hears the tag first, then what the client sent behind its login. */
static void
the_tag_goes_to_the_session(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_NONE), session;

	(void)state;
	client_send(client, "a]1 LOGIN alice \"pass \\\"word\"\r\nb SELECT INBOX\r\nc NO");
	session = let_in(&h, hear_login(&h, "\0alice\0pass \"word", 17));
	client_expect(session, "a]1\r\nb SELECT INBOX\r\nc NO");
	client_send(session, "a]1 OK Logged in\r\n");
	client_expect(client, "a]1 OK Logged in\r\n");
	client_send(client, "OP\r\n");
	client_expect(session, "OP\r\n");
	close(session);
	client_expect_end(client);
	farewell(&h, client);
}

static void
literals_are_asked_for(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_NONE), session;

	(void)state;
	client_send(client, "a LOGIN {5}\r\n");
	client_expect(client, "+ OK\r\n");
	client_send(client, "al");
	client_send(client, "ice {3}\r\n");
	client_expect(client, "+ OK\r\n");
	client_send(client, "s\r\n\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s\r\n", 10));
	client_expect(session, "a\r\n");
	close(session);
	client_expect_end(client);
	farewell(&h, client);
}

static void
mechanisms(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_NONE), session;

	(void)state;
	client_send(client, "a AUTHENTICATE PLAIN\r\n");
	client_expect(client, "+ \r\n");
	client_send(client, "AGFsaWNlAHM=\r\n");
	turn_away(&h, hear_login(&h, "\0alice\0s", 8), LOGIN_FAILED);
	client_expect(client, "a NO [AUTHENTICATIONFAILED] Wrong user name or password\r\n");
	client_send(client, "b authenticate plain AGFsaWNlAHM=\r\n");
	turn_away(&h, hear_login(&h, "\0alice\0s", 8), LOGIN_UNAVAILABLE);
	client_expect(client,
		      "b NO [UNAVAILABLE] Logins can't be checked now, try again later\r\n");
	client_send(client, "c AUTHENTICATE LOGIN\r\n");
	client_expect(client, "+ VXNlcm5hbWU6\r\n");
	client_send(client, "*\r\n");
	client_expect(client, "c BAD Cancelled\r\n");
	client_send(client, "d AUTHENTICATE LOGIN YWxpY2U=\r\n");
	client_expect(client, "+ UGFzc3dvcmQ6\r\n");
	client_send(client, "cw==\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	client_expect(session, "d\r\n");
	close(session);
	client_expect_end(client);
	farewell(&h, client);
}

static void
three_wrong_passwords_are_enough(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_NONE);

	(void)state;
	for (int i = 0; i < 3; i++) {
		client_send(client, "a LOGIN alice s\r\n");
		turn_away(&h, hear_login(&h, "\0alice\0s", 8), LOGIN_FAILED);
		client_expect(client,
			      "a NO [AUTHENTICATIONFAILED] Wrong user name or password\r\n");
	}
	client_expect(client, "* BYE Too many failed logins\r\n");
	client_expect_end(client);
	farewell(&h, client);
}

/* Nothing that came in plaintext behind STARTTLS survives it, and no login is taken before. */
static void
starttls_drops_what_is_behind_it(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_EXPLICIT), session;

	(void)state;
	client_send(client, "a LOGIN alice s\r\nb AUTHENTICATE PLAIN AGFsaWNlAHM=\r\n");
	client_expect(client, "a NO [PRIVACYREQUIRED] Use STARTTLS first\r\n"
			      "b NO [PRIVACYREQUIRED] Use STARTTLS first\r\n");
	client_send(client, "c LOGIN {5}\r\n"); /* not asked for */
	client_expect(client, "c NO [PRIVACYREQUIRED] Use STARTTLS first\r\n");
	client_send(client, "c STARTTLS\r\nd NOOP\r\ne NO");
	client_expect(client, "c OK Begin TLS\r\n");
	client_toy_handshake(client);
	client_toy_send(client, "f CAPABILITY\r\n");
	client_toy_expect(client, "* " OFFER " AUTH=PLAIN AUTH=LOGIN\r\n"
				  "f OK These can be had before the login\r\n");
	client_toy_send(client, "g LOGIN alice s\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	client_expect(session, "g\r\n");
	client_send(session, "g OK\r\n");
	client_toy_expect(client, "g OK\r\n");
	close(session);
	client_expect_end(client);
	farewell(&h, client);
}

/* A session that was gone at once has had its say. */
static void
a_session_that_is_gone(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_NONE), sv[2];
	uint32_t id;

	(void)state;
	client_send(client, "a LOGIN alice s\r\n");
	id = hear_login(&h, "\0alice\0s", 8);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	client_send(sv[0], "* BYE [UNAVAILABLE] Not now\r\n");
	close(sv[0]);
	house_answer(h.accounts, GA_LOGGED_IN, id, &(struct ga_logged_in){0},
		     sizeof(struct ga_logged_in), sv[1]);
	close(sv[1]);
	client_expect(client, "* BYE [UNAVAILABLE] Not now\r\n");
	client_expect_end(client);
	farewell(&h, client);
}

static void
accounts_may_be_down(void **state)
{
	struct house h;
	int client = greeted(&h, TLS_NONE);

	(void)state;
	client_send(client, "a LOGIN alice s\r\n");
	(void)hear_login(&h, "\0alice\0s", 8);
	close(h.accounts);
	client_expect(client,
		      "a NO [UNAVAILABLE] Logins can't be checked now, try again later\r\n");
	client_send(client, "b AUTHENTICATE PLAIN AGFsaWNlAHM=\r\n");
	client_expect(client,
		      "b NO [UNAVAILABLE] Logins can't be checked now, try again later\r\n");
	client_send(client, "c LOGOUT\r\n");
	client_expect(client, "* BYE Bye\r\nc OK Logged out\r\n");
	client_expect_end(client);
	close(client);
	house_expect(&h, MG_GONE);
	house_new_accounts(&h);
	house_close(&h);
}

/* Both kinds of SCRAM are offered without TLS, but nothing that would bind to it. */
static void
scram_is_carried(void **state)
{
	static const struct ga_offer offer = {.scram = 3};
	struct house h;
	struct heard heard;
	struct ga_scram scram;
	int client, session;

	(void)state;
	house_build(&h, 0);
	house_listen(&h, SERVICE_IMAP, TLS_NONE, true, NULL, 0, 0);
	house_open(&h);
	house_answer(h.accounts, GA_OFFER, 0, &offer, sizeof(offer), -1);
	client = client_admitted(&h, 0);
	client_expect(client, "* OK [" OFFER " AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN "
			      "AUTH=LOGIN] mail.test is ready\r\n");
	client_send(client, "a AUTHENTICATE scram-sha-1 Zmlyc3Q=\r\n");
	house_hear(h.accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_SCRAM);
	memcpy(&scram, &heard.body, sizeof(scram));
	assert_int_equal(scram.service, SERVICE_IMAP);
	assert_int_equal(scram.hash, SCRAM_SHA_1);
	assert_int_equal(scram.plus, 0);
	assert_int_equal(scram.tls, 0);
	for (size_t i = 0; i < BINDING_TYPES; i++)
		assert_int_equal(scram.binding[i].length, 0);
	assert_int_equal(heard.tail_length, 5);
	assert_memory_equal(heard.tail, "first", 5);
	assert_int_equal(
	    ipc_send_fd(h.accounts, GA_CHALLENGE, heard.id, NULL, 0, "server\xff", 7, -1), 0);
	client_expect(client, "+ c2VydmVy/w==\r\n");
	client_send(client, "*\r\n");
	client_expect(client, "a BAD Cancelled\r\n");
	house_hear(h.accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_FORGET);
	assert_memory_equal(&heard.body, &scram.conn, sizeof(scram.conn));

	client_send(client, "b AUTHENTICATE SCRAM-SHA-256\r\n");
	client_expect(client, "+ \r\n");
	client_send(client, "Zmlyc3Q=\r\n");
	house_hear(h.accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_SCRAM);
	assert_int_equal(ipc_send_fd(h.accounts, GA_CHALLENGE, heard.id, NULL, 0, "x", 1, -1), 0);
	client_expect(client, "+ eA==\r\n");
	client_send(client, "\r\nc NOOP\r\n");
	house_hear(h.accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_RESPONSE);
	assert_int_equal(heard.tail_length, 0);
	session = let_in(&h, heard.id);
	client_expect(session, "b\r\nc NOOP\r\n");
	close(session);
	client_expect_end(client);
	farewell(&h, client);
}

/* A client that goes away in the middle is told to accounts; an offer that is none ends the
 * channel. */
static void
scram_is_forgotten(void **state)
{
	static const struct ga_offer offer = {.scram = 1}, lie = {.scram = 4};
	struct house h;
	struct heard heard;
	char byte;
	int client;

	(void)state;
	house_build(&h, 0);
	house_listen(&h, SERVICE_IMAP, TLS_NONE, true, NULL, 0, 0);
	house_open(&h);
	house_answer(h.accounts, GA_OFFER, 0, &offer, sizeof(offer), -1);
	client = client_admitted(&h, 0);
	client_read_until(client, "\r\n");
	client_send(client, "a AUTHENTICATE SCRAM-SHA-256 Zmlyc3Q=\r\n");
	house_hear(h.accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(ipc_send_fd(h.accounts, GA_CHALLENGE, heard.id, NULL, 0, "x", 1, -1), 0);
	client_expect(client, "+ eA==\r\n");
	close(client);
	house_hear(h.accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_FORGET);
	house_expect(&h, MG_GONE);
	house_answer(h.accounts, GA_OFFER, 0, &lie, sizeof(lie), -1);
	while (recv(h.accounts, &byte, 1, 0) == -1 && errno == EAGAIN)
		assert_int_equal(
		    poll(&(struct pollfd){.fd = h.accounts, .events = POLLIN}, 1, 60000), 1);
	assert_int_equal(recv(h.accounts, &byte, 1, 0), 0);
	house_close(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scram_is_carried),
	    cmocka_unit_test(scram_is_forgotten),
	    cmocka_unit_test(the_tag_goes_to_the_session),
	    cmocka_unit_test(literals_are_asked_for),
	    cmocka_unit_test(mechanisms),
	    cmocka_unit_test(three_wrong_passwords_are_enough),
	    cmocka_unit_test(starttls_drops_what_is_behind_it),
	    cmocka_unit_test(a_session_that_is_gone),
	    cmocka_unit_test(accounts_may_be_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
