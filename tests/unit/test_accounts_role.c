/* SPDX-License-Identifier: ISC */
/*
 * The accounts role as a whole, in its sandbox: this test is the master, a gate and queue. Run as
 * `test_accounts_role accounts stderr` it is the child.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/proto/accounts_queue.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/master_accounts.h"
#include "worker/roles.h"

static struct {
	pid_t pid;
	int log;
	int master; /* our ends of the channels */
	int gate;
	int queue;
	uint32_t next;
	struct ipc_message message;
	void *buffer;
} house;

#define WAIT_MS 60000

/* Waits for a message at FD. Returns its type, 0 at the end. */
static uint16_t
next_message(int fd, const struct ipc_boundary *boundary, enum ipc_side side)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	struct error err = {""};
	int got;

	assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
	got = ipc_receive(fd, boundary, side, IPC_ANY_STATE, house.buffer, &house.message, &err);
	if (got == -1)
		fail_msg("%s", err.text);
	return got == 0 ? 0 : house.message.type;
}

static uint16_t
from_master(void)
{
	return next_message(house.master, &master_accounts_boundary, IPC_CLIENT);
}

static uint16_t
from_gate(void)
{
	return next_message(house.gate, &gate_accounts_boundary, IPC_CLIENT);
}

static uint16_t
from_queue(void)
{
	return next_message(house.queue, &accounts_queue_boundary, IPC_SERVER);
}

/* A channel to the child; returns our end. */
static int
give_channel(enum role role)
{
	struct mc_channel channel = {.peer_role = role, .peer = 1};
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(
	    ipc_send_fd(house.master, MA_CHANNEL, 0, &channel, sizeof(channel), NULL, 0, pair[1]),
	    0);
	close(pair[1]);
	return pair[0];
}

static void
give_file(const char *text, uint32_t generation)
{
	struct ma_file file = {.generation = generation};
	int fd = memfd_create("accounts.conf", MFD_CLOEXEC);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(ipc_send_fd(house.master, MA_FILE, 0, &file, sizeof(file), NULL, 0, fd),
			 0);
	close(fd);
}

static const char *
hash_of(const char *password)
{
	static struct crypt_data data;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	/* The cheapest of bcrypt: the test is not about waiting. */
	assert_non_null(crypt_gensalt_rn("$2b$", 4, NULL, 0, setting, sizeof(setting)));
	return crypt_rn(password, setting, &data, sizeof(data));
}

static void
give_accounts(uint32_t generation)
{
	char text[1024], alice[128], bob[128];

	strlcpy(alice, hash_of("wonderland"), sizeof(alice));
	strlcpy(bob, hash_of("builder"), sizeof(bob));
	snprintf(text, sizeof(text),
		 "accounts = (\n{ address = \"alice@example.org\"; password = \"%s\"; },\n"
		 "{ address = \"bob@example.org\"; password = \"%s\"; enabled = false; } );\n",
		 alice, bob);
	give_file(text, generation);
}

static void
expect_loaded(uint32_t generation, int ok, uint32_t line)
{
	const struct ma_loaded *loaded;

	assert_int_equal(from_master(), MA_LOADED);
	loaded = house.message.body;
	assert_int_equal(loaded->generation, generation);
	assert_int_equal(loaded->ok, ok);
	assert_int_equal(loaded->line, line);
}

static int
setup(void **state)
{
	struct mc_identity identity = {
	    .uid = UINT32_MAX, .gid = UINT32_MAX, .sandbox = SANDBOX_BEST_EFFORT, .log_level = 6};
	struct ma_settings settings = {.hostname = "mail.example.org", .count = 1, .threads = 2};
	static const char domains[] = "example.org";
	struct child_spec spec = {
	    .program = "/proc/self/exe", .role = "accounts", .identity = &identity};
	struct error err;

	(void)state;
	memset(&house, 0, sizeof(house));
	house.buffer = malloc(IPC_MESSAGE_MAX + 1);
	house.log = memfd_create("log", MFD_CLOEXEC);
	spec.log_fd = house.log;
	house.pid = child_spawn(&spec, &house.master, &err);
	assert_true(house.pid > 0);
	assert_int_equal(ipc_send_fd(house.master, MA_SETTINGS, 0, &settings, sizeof(settings),
				     domains, sizeof(domains), -1),
			 0);
	house.gate = give_channel(ROLE_GATE);
	house.queue = give_channel(ROLE_QUEUE);
	give_accounts(1);
	assert_int_equal(ipc_send_fd(house.master, MC_START, 0, NULL, 0, NULL, 0, -1), 0);
	expect_loaded(1, 1, 0);
	assert_int_equal(from_master(), MC_READY);
	return 0;
}

static void
close_all(void)
{
	if (house.gate != -1)
		close(house.gate);
	if (house.queue != -1)
		close(house.queue);
	close(house.master);
	free(house.buffer);
}

/* The child ends well when the master is gone, or it was killed by its sandbox on the way. */
static int
teardown(void **state)
{
	int status;

	(void)state;
	close_all();
	assert_int_equal(waitpid(house.pid, &status, 0), house.pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		char text[4096] = "";
		ssize_t n = pread(house.log, text, sizeof(text) - 1, 0);

		fprintf(stderr, "status %#x; log:\n%.*s\n", (unsigned)status, (int)n, text);
		return -1;
	}
	close(house.log);
	return 0;
}

/* How often TEXT is in the child's log. */
static int
logged(const char *text)
{
	static char all[1 << 20];
	ssize_t n = pread(house.log, all, sizeof(all) - 1, 0);
	int count = 0;

	assert_true(n >= 0);
	all[n] = '\0';
	for (const char *p = all; (p = strstr(p, text)) != NULL; p++)
		count++;
	return count;
}

static void
send_rcpt(const char *rcpt)
{
	assert_int_equal(
	    ipc_send_fd(house.gate, GA_RCPT, ++house.next, NULL, 0, rcpt, strlen(rcpt), -1), 0);
}

static uint32_t
rcpt_verdict(void)
{
	assert_int_equal(from_gate(), GA_RCPT_VERDICT);
	assert_int_equal(house.message.id, house.next);
	return ((const struct ga_rcpt_verdict *)house.message.body)->verdict;
}

static uint32_t
verdict_of(const char *rcpt)
{
	send_rcpt(rcpt);
	return rcpt_verdict();
}

static void
send_login(enum service service, const char *from, const void *tail, size_t length)
{
	struct ga_login login = {.conn = 7, .service = service, .tls = 1};

	assert_int_equal(inet_pton(AF_INET6, from, &login.peer.address), 1);
	assert_int_equal(ipc_send_fd(house.gate, GA_LOGIN, ++house.next, &login, sizeof(login),
				     tail, length, -1),
			 0);
}
#define LOGIN(service, from, tail) send_login((service), (from), (tail), sizeof(tail) - 1)

/* The answer to the last login: the verdict of a GA_LOGIN_FAILED, or 0 for GA_LOGGED_IN. */
static uint32_t
login_verdict(void)
{
	uint16_t type = from_gate();

	assert_int_equal(house.message.id, house.next);
	if (type == GA_LOGGED_IN)
		return 0;
	assert_int_equal(type, GA_LOGIN_FAILED);
	return ((const struct ga_login_failed *)house.message.body)->verdict;
}

static void
test_rcpt(void **state)
{
	(void)state;
	assert_int_equal(verdict_of("Alice@example.org"), RCPT_LOCAL);
	assert_int_equal(verdict_of("bob@example.org"), RCPT_DISABLED);
	assert_int_equal(verdict_of("carol@example.org"), RCPT_NO_MAILBOX);
	assert_int_equal(verdict_of("alice@example.com"), RCPT_NOT_LOCAL);
	assert_int_equal(verdict_of("postmaster"), RCPT_LOCAL);
}

static void
test_resolve(void **state)
{
	static const char rcpt[] = "postmaster@EXAMPLE.org\0sender@elsewhere.example";

	(void)state;
	assert_int_equal(
	    ipc_send_fd(house.queue, AQ_RESOLVE, 0x80000001, NULL, 0, rcpt, sizeof(rcpt) - 1, -1),
	    0);
	assert_int_equal(from_queue(), AQ_RESOLVED);
	assert_int_equal(house.message.id, 0x80000001);
	assert_string_equal(house.message.tail, "alice@example.org");
	assert_int_equal(((const struct aq_resolved *)house.message.body)->verdict, RCPT_LOCAL);
	assert_int_equal(((const struct aq_resolved *)house.message.body)->mailboxes, 1);
	assert_int_equal(((const struct aq_resolved *)house.message.body)->forwards, 0);
}

static void
test_pop3(void **state)
{
	int pair[2];
	char byte = 'x';

	(void)state;
	LOGIN(SERVICE_POP3, "::ffff:192.0.2.1", "\0ALICE\0wonderland");
	assert_int_equal(from_master(), MA_ATTACH);
	assert_string_equal(house.message.tail, "alice@example.org");
	assert_int_equal(((const struct ma_attach *)house.message.body)->service, SERVICE_POP3);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(
	    ipc_send_fd(house.master, MA_ATTACHED, house.message.id, NULL, 0, NULL, 0, pair[1]), 0);
	close(pair[1]);
	assert_int_equal(login_verdict(), 0);
	assert_string_equal(house.message.tail, "alice@example.org");
	/* It is the very stream. */
	assert_int_equal(write(house.message.fd, &byte, 1), 1);
	close(house.message.fd);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(read(pair[0], &byte, 1), 0); /* accounts kept none of it */
	close(pair[0]);
	assert_int_equal(logged("event=login.ok conn=0000000000000007 user=alice@example.org "
				"address=192.0.2.1 service=pop3"),
			 1);
	assert_int_equal(logged("wonderland"), 0);
}

static void
test_attach_failed(void **state)
{
	static const char why[] = "the mailbox is on fire";

	(void)state;
	LOGIN(SERVICE_IMAP, "::ffff:192.0.2.1", "\0alice@example.org\0wonderland");
	assert_int_equal(from_master(), MA_ATTACH);
	assert_int_equal(ipc_send_fd(house.master, MA_ATTACH_FAILED, house.message.id, NULL, 0, why,
				     strlen(why), -1),
			 0);
	assert_int_equal(login_verdict(), LOGIN_UNAVAILABLE);
	assert_int_equal(logged("on fire"), 1);
}

static void
test_submission(void **state)
{
	struct pollfd waiting = {.events = POLLIN};
	char byte = 'x';
	int queue_end;

	(void)state;
	LOGIN(SERVICE_SUBMISSION, "2001:db8::1", "\0alice@example.org\0wonderland");
	assert_int_equal(from_queue(), AQ_SUBMITTER);
	assert_string_equal(house.message.tail, "alice@example.org");
	assert_true(((const struct aq_submitter *)house.message.body)->conn == 7);
	assert_int_equal(((const struct aq_submitter *)house.message.body)->mechanism,
			 LOGIN_BY_PLAIN);
	queue_end = house.message.fd;
	waiting.fd = queue_end;
	assert_int_equal(login_verdict(), 0);
	assert_int_equal(send(house.message.fd, &byte, 1, 0), 1);
	close(house.message.fd);
	assert_int_equal(recv(queue_end, &byte, 1, 0), 1);
	/* Accounts kept none of it. */
	assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
	/* Closed: the end, or an error of a peer that is gone; a peer still there is EAGAIN. */
	errno = 0;
	assert_true(recv(queue_end, &byte, 1, 0) == 0 || errno == ECONNRESET || errno == ENOTCONN);
	close(queue_end);
	/* Without queue there is no submission, and the client is told to come again. */
	close(house.queue);
	house.queue = -1;
	LOGIN(SERVICE_SUBMISSION, "2001:db8::1", "\0alice@example.org\0wonderland");
	assert_int_equal(login_verdict(), LOGIN_UNAVAILABLE);
	house.queue = give_channel(ROLE_QUEUE);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *from;
		const char *tail;
		size_t length;
		const char *why;
	} logins[] = {
#define CASE(from, tail, why) {from, tail, sizeof(tail) - 1, why}
	    CASE("::ffff:192.0.2.1", "\0alice\0wrong", "wrong password"),
	    CASE("::ffff:192.0.2.2", "\0carol\0wonderland", "no such account"),
	    CASE("::ffff:192.0.2.3", "\0bob\0builder", "disabled"),
	    CASE("::ffff:192.0.2.4", "bob\0alice\0wonderland", "another account"),
	    CASE("::ffff:192.0.2.5", "\0alice\0", "empty password"),
	    CASE("::ffff:192.0.2.6", "\0alice\0wonderland\0", "NUL in the password"),
	    CASE("::ffff:192.0.2.7", "\0alice\0wonderland\0x", "NUL in the password"),
	    CASE("::ffff:192.0.2.8", "\0\0wonderland", "no such account"),
	    CASE("::ffff:192.0.2.9", "\0alice@example.com\0wonderland", "no such account"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		int before = logged(logins[i].why);

		send_login(SERVICE_SUBMISSION, logins[i].from, logins[i].tail, logins[i].length);
		assert_int_equal(login_verdict(), LOGIN_FAILED);
		assert_int_equal(logged(logins[i].why), before + 1);
	}
	assert_int_equal(logged("event=login.failed"), sizeof(logins) / sizeof(logins[0]));
	/* The same account as authorization identity is fine. */
	LOGIN(SERVICE_SUBMISSION, "::ffff:192.0.2.20", "ALICE@example.org\0alice\0wonderland");
	assert_int_equal(from_queue(), AQ_SUBMITTER);
	close(house.message.fd);
	assert_int_equal(login_verdict(), 0);
	close(house.message.fd);
}

static void
test_slowed(void **state)
{
	struct timespec start, end;
	int status;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < 4; i++) {
		LOGIN(SERVICE_POP3, "::ffff:192.0.2.1", "\0alice\0wrong");
		assert_int_equal(login_verdict(), LOGIN_FAILED);
	}
	/* The fifth waits; recipients don't. It hears of both at once. */
	assert_int_equal(kill(house.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(house.pid, &status, WUNTRACED), house.pid);
	LOGIN(SERVICE_POP3, "::ffff:192.0.2.1", "\0alice\0wrong");
	send_rcpt("alice@example.org");
	assert_int_equal(kill(house.pid, SIGCONT), 0);
	assert_int_equal(rcpt_verdict(), RCPT_LOCAL);
	house.next--;
	assert_int_equal(login_verdict(), LOGIN_FAILED);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 >=
		    900);
}

/* A storm of logins, and the gate goes away in the middle of it. */
static void
test_storm(void **state)
{
	char from[40];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(from, sizeof(from), "::ffff:198.51.100.%d", i);
		LOGIN(SERVICE_POP3, from, "\0alice\0wrong");
	}
	close(house.gate);
	house.gate = give_channel(ROLE_GATE);
	assert_int_equal(verdict_of("alice@example.org"), RCPT_LOCAL);
}

static void
test_reload(void **state)
{
	(void)state;
	give_file("accounts = (\n{ address = \"x\"; } );\n", 2);
	expect_loaded(2, 0, 2);
	assert_non_null(strstr(house.message.tail, "address"));
	assert_int_equal(verdict_of("alice@example.org"), RCPT_LOCAL);
	give_file("", 3);
	expect_loaded(3, 1, 0);
	assert_int_equal(verdict_of("alice@example.org"), RCPT_NO_MAILBOX);
	assert_int_equal(verdict_of("postmaster@example.org"), RCPT_UNAVAILABLE);
	LOGIN(SERVICE_POP3, "::ffff:192.0.2.1", "\0alice\0wonderland");
	assert_int_equal(login_verdict(), LOGIN_FAILED);
	give_accounts(4);
	expect_loaded(4, 1, 0);
	assert_int_equal(verdict_of("alice@example.org"), RCPT_LOCAL);
}

/* A gate that breaks the protocol is cut off. */
static void
test_violations(void **state)
{
	struct ga_login login = {.service = SERVICE_COUNT};

	(void)state;
	LOGIN(SERVICE_SMTP, "::1", "\0alice\0wonderland");
	assert_int_equal(from_gate(), 0);
	close(house.gate);
	house.gate = give_channel(ROLE_GATE);
	LOGIN(SERVICE_POP3, "::1", "alice wonderland");
	assert_int_equal(from_gate(), 0);
	close(house.gate);
	house.gate = give_channel(ROLE_GATE);
	assert_int_equal(
	    ipc_send_fd(house.gate, GA_LOGIN, 1, &login, sizeof(login), "\0a\0b", 4, -1), 0);
	assert_int_equal(from_gate(), 0);
	close(house.gate);
	house.gate = give_channel(ROLE_GATE);
	login = (struct ga_login){.service = SERVICE_POP3, .login = 2};
	assert_int_equal(
	    ipc_send_fd(house.gate, GA_LOGIN, 1, &login, sizeof(login), "\0a\0b", 4, -1), 0);
	assert_int_equal(from_gate(), 0);
	assert_int_equal(logged("ipc.violation"), 4);
}

/* It goes when the last gate is gone. */
static void
test_drain(void **state)
{
	(void)state;
	assert_int_equal(ipc_send_fd(house.master, MC_DRAIN, 0, NULL, 0, NULL, 0, -1), 0);
	assert_int_equal(verdict_of("alice@example.org"), RCPT_LOCAL);
	close(house.gate);
	house.gate = -1;
	assert_int_equal(from_master(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&accounts_role, NULL};
	const struct CMUnitTest tests[] = {
	    TEST(test_rcpt),          TEST(test_resolve),    TEST(test_pop3),
	    TEST(test_attach_failed), TEST(test_submission), TEST(test_refused),
	    TEST(test_slowed),        TEST(test_storm),      TEST(test_reload),
	    TEST(test_violations),    TEST(test_drain),
	};

	if (argc > 1)
		child_main(argc, argv, roles);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
