/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/gate_house.h"

#define GREETING "+OK mail.test POP3 ready\r\n"

/* A gate with one listener. */
static unsigned
simple_house(struct house *h, enum service service, enum tls_mode tls)
{
	unsigned listener;

	house_build(h, 0);
	listener = house_listen(h, service, tls, tls == TLS_NONE, NULL, 0, 0);
	house_open(h);
	return listener;
}

/* Hears a login and checks it. Returns the request's id. */
static uint32_t
hear_login(struct house *h, const char *tail, size_t length)
{
	struct heard heard;

	house_hear(h->accounts, &gate_accounts_boundary, IPC_SERVER, &heard);
	assert_int_equal(heard.type, GA_LOGIN);
	assert_int_equal(heard.body.login.service, SERVICE_POP3);
	assert_int_equal(heard.tail_length, length);
	assert_memory_equal(heard.tail, tail, length);
	return heard.id;
}

/* Answers a login with a session; returns the session's end. */
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

static void
login_leads_to_the_session(void **state)
{
	struct house h;
	int client, session;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, "USER alice\r\nPASS pass word \r\nSTAT\r\nQU");
	session = let_in(&h, hear_login(&h, "\0alice\0pass word ", 17));
	client_expect(client, "+OK and the password?\r\n");
	client_expect(session, "STAT\r\nQU");
	client_send(session, "+OK logged in\r\n");
	client_expect(client, "+OK logged in\r\n");
	client_send(client, "IT\r\n");
	client_expect(session, "IT\r\n");
	client_send(session, "+OK bye\r\n");
	close(session);
	client_expect(client, "+OK bye\r\n");
	client_expect_end(client);
	close(client);
	house_expect(&h, MG_GONE);
	house_close(&h);
}

/* A client that closes its half still gets what the session has to say. */
static void
half_close_is_passed_on(void **state)
{
	struct house h;
	int client, session;
	char c;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_send(client, "AUTH PLAIN AGFsaWNlAHM=\r\nRETR 1\r\n");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	client_expect(session, "RETR 1\r\n");
	assert_int_equal(recv(session, &c, 1, 0), 0);
	client_send(session, "+OK late\r\n");
	client_expect(client, GREETING);
	client_expect(client, "+OK late\r\n");
	close(session);
	client_expect_end(client);
	close(client);
	house_close(&h);
}

/* What the session writes before it closes arrives whole, however slowly it is read. */
static void
last_bytes_are_not_lost(void **state)
{
	static char block[1 << 16];
	struct house h;
	int client, session;
	size_t sent = 0, got = 0;
	ssize_t n;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	memset(block, 'x', sizeof(block));
	while (sent < 16 * sizeof(block)) {
		n = send(session, block, sizeof(block), MSG_DONTWAIT);
		if (n == -1) {
			n = recv(client, block, 4096, 0);
			assert_true(n > 0);
			got += (size_t)n;
			continue;
		}
		sent += (size_t)n;
	}
	close(session);
	while ((n = recv(client, block, sizeof(block), 0)) > 0)
		got += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(got, sent);
	close(client);
	house_close(&h);
}

static void
client_gone_closes_the_session(void **state)
{
	struct linger reset = {.l_onoff = 1};
	struct house h;
	int client, session;
	char c;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	client_send(session, "+OK\r\n");
	client_expect(client, "+OK\r\n");
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(client);
	assert_int_equal(recv(session, &c, 1, 0), 0);
	house_expect(&h, MG_GONE);
	close(session);
	house_close(&h);
}

static void
login_failures_are_counted(void **state)
{
	struct house h;
	int client;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	for (int i = 0; i < 3; i++) {
		client_send(client, "USER bob\r\n");
		client_expect(client, "+OK and the password?\r\n");
		client_send(client, "PASS no\r\n");
		turn_away(&h, hear_login(&h, "\0bob\0no", 7), LOGIN_FAILED);
		client_expect(client, "-ERR [AUTH] wrong user name or password");
		client_read_until(client, "\r\n");
	}
	client_expect_end(client);
	close(client);
	house_close(&h);
}

/* Accounts dies while it is being asked; the next login finds another. */
static void
accounts_may_be_down(void **state)
{
	struct house h;
	int client;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	(void)hear_login(&h, "\0alice\0s", 8);
	close(h.accounts);
	client_expect(client, "-ERR [SYS/TEMP] ");
	client_read_until(client, "\r\n");
	client_send(client, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	client_expect(client, "-ERR [SYS/TEMP] ");
	client_read_until(client, "\r\n");
	house_new_accounts(&h);
	/* The gate has the new channel when it has answered a message sent behind it. */
	close(client);
	house_expect(&h, MG_GONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	turn_away(&h, hear_login(&h, "\0alice\0s", 8), LOGIN_UNAVAILABLE);
	client_expect(client, "-ERR [SYS/TEMP] ");
	close(client);
	house_close(&h);
}

/* Nothing that came in plaintext behind STLS survives it, and no login is taken before. */
static void
stls_drops_what_is_behind_it(void **state)
{
	struct house h;
	const char *capabilities;
	int client, session;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_EXPLICIT);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, "CAPA\r\n");
	capabilities = client_read_until(client, "\r\n.\r\n");
	assert_non_null(strstr(capabilities, "\r\nSTLS\r\n"));
	assert_null(strstr(capabilities, "\r\nUSER\r\n"));
	assert_null(strstr(capabilities, "SASL"));
	client_send(client, "USER alice\r\nAUTH PLAIN AGFsaWNlAHM=\r\n");
	client_expect(client, "-ERR use STLS first\r\n-ERR use STLS first\r\n");
	client_send(client, "STLS\r\nUSER mallory\r\nNOO");
	client_expect(client, "+OK begin TLS\r\n");
	client_toy_handshake(client);
	client_toy_send(client, "PASS secret\r\n");
	client_toy_expect(client, "-ERR USER comes first\r\n");
	client_toy_send(client, "STLS\r\n");
	client_toy_expect(client, "-ERR this is TLS already\r\n");
	client_toy_send(client, "USER alice\r\nPASS secret\r\n");
	client_toy_expect(client, "+OK and the password?\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0secret", 13));
	client_send(session, "+OK\r\n");
	client_toy_expect(client, "+OK\r\n");
	client_toy_send(client, "QUIT\r\n");
	client_expect(session, "QUIT\r\n");
	close(session);
	client_expect_end(client);
	close(client);
	house_close(&h);
}

static void
implicit_tls_hears_and_speaks_no_plaintext(void **state)
{
	static const char alert[] = {21, 3, 3, 0, 2, 2, 10};
	struct house h;
	int client;
	char got[sizeof(alert)];

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_IMPLICIT);
	client = client_admitted(&h, 0);
	client_send(client, "USER alice\r\nPASS secret\r\n");
	assert_int_equal(recv(client, got, sizeof(got), MSG_WAITALL), sizeof(got));
	assert_memory_equal(got, alert, sizeof(alert));
	client_expect_end(client);
	close(client);
	house_expect(&h, MG_GONE);
	client = client_admitted(&h, 0);
	client_toy_handshake(client);
	client_toy_expect(client, GREETING);
	close(client);
	house_close(&h);
}

static void
tls_on_a_plain_port_is_told_so(void **state)
{
	struct house h;
	int client;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_EXPLICIT);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	client_send(client, TOY_HELLO);
	client_expect(client, "-ERR TLS begins with STLS on this port\r\n");
	client_expect_end(client);
	close(client);
	house_close(&h);
}

static void
refusals_are_polite(void **state)
{
	static const char denied[] = {21, 3, 3, 0, 2, 2, 49};
	struct network loopback = {.bits = 104};
	struct house h;
	int client;
	char got[sizeof(denied)];

	(void)state;
	loopback.address.s6_addr[10] = loopback.address.s6_addr[11] = 0xff;
	loopback.address.s6_addr[12] = 127;
	house_build(&h, 0);
	house_listen(&h, SERVICE_POP3, TLS_EXPLICIT, false, NULL, 0, 0);
	house_listen(&h, SERVICE_POP3, TLS_EXPLICIT, false, &loopback, 0, 1);
	house_listen(&h, SERVICE_POP3, TLS_IMPLICIT, false, &loopback, 0, 1);
	house_open(&h);
	client = client_connect(&h, 0);
	house_admit(&h, MG_ADMIT_ADDRESS_FULL);
	client_expect(client, "-ERR [SYS/TEMP] too many connections");
	client_read_until(client, "\r\n");
	client_expect_end(client);
	close(client);
	client = client_connect(&h, 1);
	client_expect(client, "-ERR [SYS/PERM] no access from your address\r\n");
	client_expect_end(client);
	close(client);
	client = client_connect(&h, 2);
	assert_int_equal(recv(client, got, sizeof(got), MSG_WAITALL), sizeof(got));
	assert_memory_equal(got, denied, sizeof(denied));
	client_expect_end(client);
	close(client);
	house_close(&h);
}

/* A slow drip is no sign of life. */
static void
commands_have_their_time(void **state)
{
	struct house h;
	int client;
	char c;

	(void)state;
	house_build_with(&h, &(struct mg_settings){.command_timeout = 1});
	house_listen(&h, SERVICE_POP3, TLS_EXPLICIT, false, NULL, 0, 0);
	house_open(&h);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	for (int i = 0; recv(client, &c, 1, MSG_DONTWAIT) == -1; i++) {
		assert_int_equal(errno, EAGAIN);
		assert_true(i < 6000);
		(void)send(client, "N", 1, MSG_NOSIGNAL);
		usleep(100000);
	}
	close(client);
	house_close(&h);
}

static void
bad_input_is_answered(void **state)
{
	static char much[1 << 20];
	struct house h;
	int client;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	assert_int_equal(send(client, "US\0ER alice\r\n", 13, 0), 13);
	client_expect(client, "-ERR this is no command\r\n");
	client_send(client, "STAT\r\nFROB\r\nAUTH PLAIN x\r\n");
	client_expect(client, "-ERR log in first\r\n-ERR unknown command\r\n"
			      "-ERR this is no PLAIN response (RFC 4616)\r\n");
	client_send(client, "AUTH CRAM-MD5\r\n");
	client_expect(client, "-ERR too many errors\r\n");
	client_expect_end(client);
	close(client);
	house_expect(&h, MG_GONE);
	client = client_admitted(&h, 0);
	client_expect(client, GREETING);
	memset(much, 'A', sizeof(much));
	(void)send(client, much, sizeof(much), MSG_NOSIGNAL);
	client_expect(client, "-ERR this line is too long\r\n");
	close(client);
	house_close(&h);
}

/* Who does not read his answers is not heard, and loses none of them. */
static void
answers_wait_for_their_reader(void **state)
{
	enum { LINE = 64, ALL = LINE * 400000 };
	static char lines[LINE * 1024], in[8192];
	struct house h;
	const int little = 65536;
	int client, full = 0;
	size_t sent = 0, got = 0, i;

	(void)state;
	simple_house(&h, SERVICE_SMTP, TLS_NONE);
	client = client_admitted(&h, 0);
	/* Otherwise they are as large as the host lets them be. */
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
	client_expect(client, "echo\r\n");
	for (i = 0; i < sizeof(lines); i++)
		lines[i] = i % LINE == LINE - 1 ? '\n' : 'l';
	while (got < ALL) {
		size_t at = sent % sizeof(lines), n = sizeof(lines) - at;
		ssize_t moved;

		if (n > ALL - sent)
			n = ALL - sent;
		moved = n == 0 ? -1 : send(client, lines + at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (moved > 0) {
			sent += (size_t)moved;
			continue;
		}
		full += n > 0;
		moved = recv(client, in, sizeof(in), 0);
		assert_true(moved > 0);
		got += (size_t)moved;
	}
	assert_true(full > 0);
	assert_int_equal(got, ALL);
	close(client);
	house_close(&h);
}

static void
drain_lets_the_busy_finish(void **state)
{
	struct house h;
	int idle, busy, session;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	idle = client_admitted(&h, 0);
	client_expect(idle, GREETING);
	busy = client_admitted(&h, 0);
	client_expect(busy, GREETING);
	client_send(busy, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	client_send(session, "+OK\r\n");
	client_expect(busy, "+OK\r\n");
	house_say(&h, MC_DRAIN);
	client_expect(idle, "-ERR [SYS/TEMP] this server is restarting");
	client_read_until(idle, "\r\n");
	client_expect_end(idle);
	client_send(session, "still here\r\n");
	client_expect(busy, "still here\r\n");
	close(session);
	client_expect_end(busy);
	close(idle);
	close(busy);
	house_wait(&h);
}

/* Also where newer gates were meant to come first. */
static void
the_server_stops(void **state)
{
	struct house h;
	int idle, busy, session;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	busy = client_admitted(&h, 0);
	client_expect(busy, GREETING);
	client_send(busy, "AUTH PLAIN AGFsaWNlAHM=\r\n");
	session = let_in(&h, hear_login(&h, "\0alice\0s", 8));
	idle = client_admitted(&h, 0);
	client_expect(idle, GREETING);
	house_say(&h, MG_STOPPING);
	house_say(&h, MC_DRAIN);
	client_expect(idle, "-ERR [SYS/TEMP] this server is shutting down");
	client_read_until(idle, "\r\n");
	client_expect_end(idle);
	house_say(&h, MG_STOPPING);
	client_send(session, "still here\r\n");
	client_expect(busy, "still here\r\n");
	close(session);
	client_expect_end(busy);
	close(idle);
	close(busy);
	house_wait(&h);
}

static void
quota_ends_the_gate(void **state)
{
	struct house h;
	const struct mg_admitted full = {.verdict = MG_ADMIT_ADDRESS_FULL};
	struct heard heard;
	int client, next;

	(void)state;
	house_build(&h, 1);
	house_listen(&h, SERVICE_POP3, TLS_NONE, true, NULL, 0, 0);
	house_open(&h);
	client = client_connect(&h, 0);
	house_hear(h.control, &master_gate_boundary, IPC_CLIENT, &heard);
	assert_int_equal(heard.type, MG_ADMIT);
	/* Behind the first for certain. */
	next = client_connect(&h, 0);
	house_answer(h.control, MG_ADMITTED, heard.id, &full, sizeof(full), -1);
	house_admit(&h, MG_ADMIT_OK);
	house_expect(&h, MG_FULL);
	client_expect(client, "-ERR [SYS/TEMP] too many");
	client_expect(next, GREETING);
	client_send(next, "QUIT\r\n");
	client_expect(next, "+OK bye\r\n");
	client_expect_end(next);
	close(client);
	close(next);
	house_wait(&h);
}

static int64_t
milliseconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A house with one listener, whose gate's log the test reads. */
static FILE *
house_with_log(struct house *h)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	house_log = ends[1];
	simple_house(h, SERVICE_POP3, TLS_NONE);
	house_log = -1;
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static void
wait_for_log(FILE *log, const char *text)
{
	static char line[4096];

	do
		assert_non_null(fgets(line, sizeof(line), log));
	while (strstr(line, text) == NULL);
}

/*
 * Clients wait while there are no descriptors, and the gate does not spin. They are there again
 * once it has tried a second time: before that it may turn one away, by the descriptor that it has
 * in reserve.
 */
static void
descriptors_may_run_out(void **state)
{
	struct rlimit normal, none;
	struct house h;
	int client;
	unsigned before;
	int64_t begun;
	FILE *log;

	(void)state;
	log = house_with_log(&h);
	assert_non_null(log);
	assert_int_equal(prlimit(h.gate, RLIMIT_NOFILE, NULL, &normal), 0);
	none = normal;
	none.rlim_cur = 0;
	assert_int_equal(prlimit(h.gate, RLIMIT_NOFILE, &none, NULL), 0);
	before = house_cpu_milliseconds(&h);
	begun = milliseconds();
	client = client_connect(&h, 0);
	wait_for_log(log, "event=gate.descriptors");
	wait_for_log(log, "event=gate.descriptors");
	assert_true(milliseconds() - begun >= 500 - 20); /* the gate's clock is a coarse one */
	assert_true(house_cpu_milliseconds(&h) - before < 300);
	assert_int_equal(prlimit(h.gate, RLIMIT_NOFILE, &normal, NULL), 0);
	house_admit(&h, MG_ADMIT_OK);
	client_expect(client, GREETING);
	close(client);
	house_close(&h);
	fclose(log);
}

/* A connection that is gone before the master has answered is given back all the same. */
static void
admission_is_given_back(void **state)
{
	struct house h;
	struct heard heard;
	struct mg_admitted ok = {.verdict = MG_ADMIT_OK};
	int client;

	(void)state;
	simple_house(&h, SERVICE_POP3, TLS_NONE);
	client = client_connect(&h, 0);
	house_hear(h.control, &master_gate_boundary, IPC_CLIENT, &heard);
	assert_int_equal(heard.type, MG_ADMIT);
	close(client);
	house_answer(h.control, MG_ADMITTED, heard.id, &ok, sizeof(ok), -1);
	house_expect(&h, MG_GONE);
	house_close(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(login_leads_to_the_session),
	    cmocka_unit_test(half_close_is_passed_on),
	    cmocka_unit_test(last_bytes_are_not_lost),
	    cmocka_unit_test(client_gone_closes_the_session),
	    cmocka_unit_test(login_failures_are_counted),
	    cmocka_unit_test(accounts_may_be_down),
	    cmocka_unit_test(stls_drops_what_is_behind_it),
	    cmocka_unit_test(implicit_tls_hears_and_speaks_no_plaintext),
	    cmocka_unit_test(tls_on_a_plain_port_is_told_so),
	    cmocka_unit_test(refusals_are_polite),
	    cmocka_unit_test(commands_have_their_time),
	    cmocka_unit_test(bad_input_is_answered),
	    cmocka_unit_test(answers_wait_for_their_reader),
	    cmocka_unit_test(drain_lets_the_busy_finish),
	    cmocka_unit_test(the_server_stops),
	    cmocka_unit_test(quota_ends_the_gate),
	    cmocka_unit_test(descriptors_may_run_out),
	    cmocka_unit_test(admission_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
