/* SPDX-License-Identifier: ISC */
/* A POP3 session over a socketpair, on a mailbox of its own. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/session/pop3/pop3.h"

struct fixture {
	char folder[64];
	struct event_base *base;
	struct store *store;
	struct pop3 *pop3;
	int client;
	bool closed;
};

static struct fixture f;

static void
on_closed(struct pop3 *pop3, void *arg)
{
	assert_ptr_equal(pop3, f.pop3);
	assert_ptr_equal(arg, &f);
	f.pop3 = NULL;
	f.closed = true;
}

static int
set_up(void **state)
{
	struct error err;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.client = -1;
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_CRIT);
	strlcpy(f.folder, "/tmp/postern-pop3-XXXXXX", sizeof(f.folder));
	if (mkdtemp(f.folder) == NULL || chdir(f.folder) == -1)
		return -1;
	f.base = event_base_new();
	return f.base != NULL && store_open(&f.store, &err) == STORE_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	pop3_abort(f.pop3, "end of the test");
	store_close(f.store);
	event_base_free(f.base);
	if (f.client != -1)
		close(f.client);
	snprintf(command, sizeof(command), "rm -rf %s", f.folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

/* What is stored has a "Return-Path: <>" line in front: 17 octets. */
#define PREFIX "Return-Path: <>\r\n"

static void
deliver_bytes(const char *text, size_t size)
{
	static unsigned id;
	struct store_delivery d = {.return_path = "", .size = size, .received = 1};

	d.fd = memfd_create("message", MFD_CLOEXEC);
	assert_int_equal(write(d.fd, text, size), size);
	snprintf(d.id, sizeof(d.id), "%u", id++);
	store_deliver(f.store, &d, 1);
	close(d.fd);
	assert_int_equal(d.result, STORE_OK);
}

static void
deliver(const char *text)
{
	deliver_bytes(text, strlen(text));
}

static size_t
count_inbox(void)
{
	struct store_entry *list;
	struct error err;
	size_t count;

	assert_int_equal(store_list(f.store, 1, &list, &count, &err), STORE_OK);
	free(list);
	return count;
}

static void
turn(void)
{
	assert_int_not_equal(event_base_loop(f.base, EVLOOP_NONBLOCK), -1);
}

static void
login_with_timeout(unsigned idle_timeout)
{
	struct pop3_options options = {
	    .conn = 7, .mailbox = "alice@example.org", .idle_timeout = idle_timeout};
	struct error err;
	int sv[2];

	if (f.client != -1)
		close(f.client);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	f.client = sv[0];
	f.closed = false;
	f.pop3 = pop3_start(f.base, sv[1], &options, f.store, on_closed, &f, &err);
	assert_non_null(f.pop3);
}

/* Reads all there is, after turning the loop; NUL-terminated, static. */
static const char *
answer(void)
{
	static char text[20000];
	size_t used = 0;
	ssize_t n;

	for (int quiet = 0; quiet < 3;) {
		turn();
		n = read(f.client, text + used, sizeof(text) - 1 - used);
		quiet = n > 0 ? 0 : quiet + 1;
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	return text;
}

static void
say(const char *text)
{
	assert_int_equal(write(f.client, text, strlen(text)), strlen(text));
}

#define DIALOG(command, reply)                        \
	do {                                          \
		say(command);                         \
		assert_string_equal(answer(), reply); \
	} while (0)

static void
login(const char *greeting)
{
	login_with_timeout(600);
	assert_string_equal(answer(), greeting);
}

static bool
stream_closed(void)
{
	char byte;

	return recv(f.client, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
test_commands(void **state)
{
	(void)state;
	deliver("Subject: one\r\n\r\nfirst\r\n");
	deliver("Subject: two\r\n\r\n.second\r\n.\r\n");
	deliver("Subject: three\r\n\r\nno end");
	login("+OK 3 messages (128 octets)\r\n");
	DIALOG("STAT\r\n", "+OK 3 128\r\n");
	DIALOG("LIST\r\n", "+OK 3 messages (128 octets)\r\n1 40\r\n2 45\r\n3 43\r\n.\r\n");
	DIALOG("list 2\r\n", "+OK 2 45\r\n");
	DIALOG("RETR 1\r\n", "+OK 40 octets\r\n" PREFIX "Subject: one\r\n\r\nfirst\r\n.\r\n");
	DIALOG("RETR 2\r\n",
	       "+OK 45 octets\r\n" PREFIX "Subject: two\r\n\r\n..second\r\n..\r\n.\r\n");
	DIALOG("RETR 3\r\n", "+OK 43 octets\r\n" PREFIX "Subject: three\r\n\r\nno end\r\n.\r\n");
	DIALOG("TOP 2 0\r\n", "+OK\r\n" PREFIX "Subject: two\r\n\r\n.\r\n");
	DIALOG("TOP 2 1\r\n", "+OK\r\n" PREFIX "Subject: two\r\n\r\n..second\r\n.\r\n");
	DIALOG("TOP 2 99999999999\r\n",
	       "+OK\r\n" PREFIX "Subject: two\r\n\r\n..second\r\n..\r\n.\r\n");
	DIALOG("NOOP\r\n", "+OK\r\n");
	DIALOG("DELE 2\r\n", "+OK message 2 deleted\r\n");
	DIALOG("DELE 2\r\n", "-ERR message 2 is deleted\r\n");
	DIALOG("RETR 2\r\n", "-ERR message 2 is deleted\r\n");
	DIALOG("TOP 2 1\r\n", "-ERR message 2 is deleted\r\n");
	DIALOG("LIST\r\n", "+OK 2 messages (83 octets)\r\n1 40\r\n3 43\r\n.\r\n");
	DIALOG("STAT\r\n", "+OK 2 83\r\n");
	DIALOG("RSET\r\n", "+OK 3 messages (128 octets)\r\n");
	DIALOG("STAT\r\n", "+OK 3 128\r\n");
	DIALOG("RETR 4\r\n", "-ERR no such message, there are 3\r\n");
	DIALOG("RETR 0\r\n", "-ERR no such message, there are 3\r\n");
	DIALOG("LIST 4\r\n", "-ERR no such message, there are 3\r\n");
	DIALOG("UIDL 4\r\n", "-ERR no such message, there are 3\r\n");
	DIALOG("RETR\r\n", "-ERR an argument is missing\r\n");
	DIALOG("XYZZY\r\n", "-ERR unknown command\r\n");
	DIALOG("USER bob\r\n", "-ERR you are logged in\r\n");
	DIALOG("CAPA\r\n", "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN\r\nRESP-CODES\r\n"
			   "AUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\n"
			   "IMPLEMENTATION Postern\r\n.\r\n");
	DIALOG("QUIT\r\n", "+OK bye\r\n");
	assert_true(f.closed);
	assert_true(stream_closed());
	assert_int_equal(count_inbox(), 3);
}

static void
test_empty(void **state)
{
	(void)state;
	login("+OK 0 messages (0 octets)\r\n");
	DIALOG("STAT\r\n", "+OK 0 0\r\n");
	DIALOG("LIST\r\n", "+OK 0 messages (0 octets)\r\n.\r\n");
	DIALOG("UIDL\r\n", "+OK\r\n.\r\n");
	DIALOG("RETR 1\r\n", "-ERR no such message, there are 0\r\n");
	DIALOG("RSET\r\n", "+OK 0 messages (0 octets)\r\n");
	DIALOG("QUIT\r\n", "+OK bye\r\n");
}

/* They stay the same over sessions, deletions and new mail, and are never given again. */
static void
test_unique_ids(void **state)
{
	struct store_folder inbox;
	struct error err;
	char expected[128];

	(void)state;
	assert_int_equal(store_folder(f.store, "INBOX", &inbox, &err), STORE_OK);
	for (int i = 0; i < 3; i++)
		deliver("x\r\n");
	login("+OK 3 messages (60 octets)\r\n");
	snprintf(expected, sizeof(expected),
		 "+OK\r\n1 %" PRIu32 ".1\r\n2 %" PRIu32 ".2\r\n3 %" PRIu32 ".3\r\n.\r\n",
		 inbox.uidvalidity, inbox.uidvalidity, inbox.uidvalidity);
	DIALOG("UIDL\r\n", expected);
	DIALOG("DELE 1\r\nDELE 3\r\n", "+OK message 1 deleted\r\n+OK message 3 deleted\r\n");
	snprintf(expected, sizeof(expected), "+OK\r\n2 %" PRIu32 ".2\r\n.\r\n", inbox.uidvalidity);
	DIALOG("UIDL\r\n", expected);
	DIALOG("UIDL 1\r\n", "-ERR message 1 is deleted\r\n");
	DIALOG("QUIT\r\n", "+OK bye (2 messages deleted)\r\n");
	deliver("x\r\n");
	login("+OK 2 messages (40 octets)\r\n");
	snprintf(expected, sizeof(expected), "+OK\r\n1 %" PRIu32 ".2\r\n2 %" PRIu32 ".4\r\n.\r\n",
		 inbox.uidvalidity, inbox.uidvalidity);
	DIALOG("UIDL\r\n", expected);
	snprintf(expected, sizeof(expected), "+OK 2 %" PRIu32 ".4\r\n", inbox.uidvalidity);
	DIALOG("UIDL 2\r\n", expected);
}

static void
test_quit_deletes(void **state)
{
	(void)state;
	deliver("x\r\n");
	deliver("y\r\n");
	login("+OK 2 messages (40 octets)\r\n");
	DIALOG("DELE 1\r\n", "+OK message 1 deleted\r\n");
	assert_int_equal(count_inbox(), 2);
	DIALOG("QUIT\r\n", "+OK bye (1 messages deleted)\r\n");
	assert_int_equal(count_inbox(), 1);
}

static void
test_lost_connection_deletes_nothing(void **state)
{
	(void)state;
	deliver("x\r\n");
	login("+OK 1 messages (20 octets)\r\n");
	DIALOG("DELE 1\r\n", "+OK message 1 deleted\r\n");
	/* A QUIT without its line end is none. */
	say("QUIT");
	shutdown(f.client, SHUT_WR);
	answer();
	assert_true(f.closed);
	assert_int_equal(count_inbox(), 1);
}

/* The disk is full at QUIT: all stay, and the client hears it. */
static void
test_quit_fails(void **state)
{
	struct rlimit old, tiny;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	deliver("x\r\n");
	deliver("y\r\n");
	login("+OK 2 messages (40 octets)\r\n");
	DIALOG("DELE 1\r\nDELE 2\r\n", "+OK message 1 deleted\r\n+OK message 2 deleted\r\n");
	say("QUIT\r\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny = old;
	tiny.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	turn();
	turn();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_string_equal(answer(), "-ERR [SYS/TEMP] some deleted messages not removed\r\n");
	assert_true(f.closed);
	assert_int_equal(count_inbox(), 2);
}

static void
test_new_mail_does_not_show(void **state)
{
	(void)state;
	deliver("x\r\n");
	login("+OK 1 messages (20 octets)\r\n");
	deliver("y\r\n");
	DIALOG("STAT\r\n", "+OK 1 20\r\n");
	DIALOG("RETR 2\r\n", "-ERR no such message, there are 1\r\n");
	DIALOG("DELE 1\r\nQUIT\r\n", "+OK message 1 deleted\r\n+OK bye (1 messages deleted)\r\n");
	login("+OK 1 messages (20 octets)\r\n");
	DIALOG("RETR 1\r\n", "+OK 20 octets\r\n" PREFIX "y\r\n.\r\n");
}

/* All at once, what follows QUIT is not executed; and one octet at a time. */
static void
test_pipelining(void **state)
{
	static const char slow[] = "STAT\r\nNOOP\nRETR 1\r\n";

	(void)state;
	deliver("x\r\n");
	login("+OK 1 messages (20 octets)\r\n");
	DIALOG("STAT\r\nRETR 1\r\nBAD\r\nLIST\r\nNOOP\r\nQUIT\r\nDELE 1\r\nQUIT\r\n",
	       "+OK 1 20\r\n+OK 20 octets\r\n" PREFIX "x\r\n.\r\n-ERR unknown command\r\n"
	       "+OK 1 messages (20 octets)\r\n1 20\r\n.\r\n+OK\r\n+OK bye\r\n");
	assert_true(f.closed);
	assert_true(stream_closed());
	assert_int_equal(count_inbox(), 1);

	login("+OK 1 messages (20 octets)\r\n");
	for (size_t i = 0; i + 1 < sizeof(slow); i++) {
		assert_int_equal(write(f.client, slow + i, 1), 1);
		turn();
	}
	assert_string_equal(answer(), "+OK 1 20\r\n+OK\r\n+OK 20 octets\r\n" PREFIX "x\r\n.\r\n");
}

static void
test_long_lines(void **state)
{
	char line[2000];

	(void)state;
	login("+OK 0 messages (0 octets)\r\n");
	memset(line, ' ', sizeof(line));
	/* 255 octets are a command (RFC 2449 4). */
	memcpy(line, "NOOP", 4);
	memcpy(line + 253, "\r\n", 3);
	DIALOG(line, "+OK\r\n");
	line[253] = ' ';
	memcpy(line + 254, "\r\n", 3);
	DIALOG(line, "-ERR line too long, 255 octets are allowed\r\n");
	memset(line + 254, ' ', sizeof(line) - 254);
	memcpy(line + 1900, "\r\nNOOP\r\n", 9);
	DIALOG(line, "-ERR line too long, 255 octets are allowed\r\n+OK\r\n");
}

static void
test_too_many_errors(void **state)
{
	const char *text;

	(void)state;
	login("+OK 0 messages (0 octets)\r\n");
	for (int i = 0; i < 30 && !f.closed; i++) {
		(void)!write(f.client, "GET / HTTP/1.1\r\n", 16);
		text = answer();
		assert_memory_equal(text, "-ERR unknown command", 20);
	}
	assert_true(f.closed);
	assert_true(stream_closed());
}

/* A client that does not read gets what the sockets hold and no more is read from the disk. */
static void
test_backpressure(void **state)
{
	size_t size = 8 << 20, got = 0;
	char *big = malloc(size), piece[8192];
	ssize_t n = 0;

	(void)state;
	for (size_t i = 0; i < size; i++)
		big[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : 'x';
	memcpy(big + size - 2, "\r\n", 2);
	deliver_bytes(big, size);
	free(big);
	login_with_timeout(600);
	answer();
	say("RETR 1\r\nNOOP\r\n");
	for (int i = 0; i < 1000; i++)
		turn();
	/* Others work meanwhile. */
	deliver("y\r\n");
	assert_false(f.closed);
	for (int quiet = 0; quiet < 3;) {
		turn();
		n = read(f.client, piece, sizeof(piece));
		quiet = n > 0 ? 0 : quiet + 1;
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got,
			 strlen("+OK 8388625 octets\r\n") + 17 + size + strlen(".\r\n+OK\r\n"));
}

static void
test_client_dies_while_reading(void **state)
{
	size_t size = 8 << 20;
	char *big = calloc(1, size);

	(void)state;
	deliver_bytes(big, size);
	free(big);
	login_with_timeout(600);
	answer();
	say("DELE 1\r\n");
	answer();
	say("RSET\r\nRETR 1\r\n");
	turn();
	close(f.client);
	f.client = -1;
	for (int i = 0; i < 100 && !f.closed; i++)
		turn();
	assert_true(f.closed);
	assert_int_equal(count_inbox(), 1);
}

static void
test_idle(void **state)
{
	(void)state;
	deliver("x\r\n");
	login_with_timeout(1);
	assert_string_equal(answer(), "+OK 1 messages (20 octets)\r\n");
	DIALOG("DELE 1\r\n", "+OK message 1 deleted\r\n");
	while (!f.closed)
		assert_int_equal(event_base_loop(f.base, EVLOOP_ONCE), 0);
	assert_true(stream_closed());
	assert_int_equal(count_inbox(), 1);
}

/* A message file that is gone, and one that is shorter than it was. */
static void
test_damaged_messages(void **state)
{
	(void)state;
	deliver("x\r\n");
	deliver("a longer one\r\n");
	login("+OK 2 messages (51 octets)\r\n");
	assert_int_equal(system("find msg -type f -size -22c -delete"), 0);
	DIALOG("RETR 1\r\n", "-ERR [SYS/PERM] the message can't be read\r\n");
	DIALOG("NOOP\r\n", "+OK\r\n");
	assert_int_equal(system("find msg -type f -exec truncate -s 20 {} +"), 0);
	/* No dot: it must not look whole. */
	DIALOG("RETR 2\r\n", "+OK 31 octets\r\n" PREFIX "a l");
	assert_true(f.closed);
}

static void
test_refusals(void **state)
{
	char text[128];
	int sv[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pop3_refuse(sv[1], POP3_IN_USE);
	n = read(sv[0], text, sizeof(text));
	assert_true(n > 2);
	assert_memory_equal(text, "-ERR [IN-USE] ", 14);
	assert_memory_equal(text + n - 2, "\r\n", 2);
	assert_int_equal(read(sv[0], text, 1), 0);
	close(sv[0]);
	assert_int_equal(pop3_refusal_for(STORE_DAMAGED), POP3_PERMANENT);
	assert_int_equal(pop3_refusal_for(STORE_TEMPORARY), POP3_TEMPORARY);
}

/* Thousands of messages: the listing comes in pieces. */
static void
test_many_messages(void **state)
{
	static char text[200000];
	struct store_delivery batch[100];
	size_t used = 0;
	ssize_t n;
	int fd = memfd_create("message", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, "x\r\n", 3), 3);
	for (int b = 0; b < 30; b++) {
		for (int i = 0; i < 100; i++) {
			batch[i] = (struct store_delivery){
			    .return_path = "", .fd = fd, .size = 3, .received = 1};
			snprintf(batch[i].id, sizeof(batch[i].id), "m%d", b * 100 + i);
		}
		store_deliver(f.store, batch, 100);
		assert_int_equal(batch[99].result, STORE_OK);
	}
	close(fd);
	login("+OK 3000 messages (60000 octets)\r\n");
	say("UIDL\r\nSTAT\r\n");
	for (int quiet = 0; quiet < 3;) {
		turn();
		n = read(f.client, text + used, sizeof(text) - 1 - used);
		quiet = n > 0 ? 0 : quiet + 1;
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	assert_non_null(strstr(text, ".3000\r\n.\r\n+OK 3000 60000\r\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_commands),
	    TEST(test_empty),
	    TEST(test_unique_ids),
	    TEST(test_quit_deletes),
	    TEST(test_lost_connection_deletes_nothing),
	    TEST(test_quit_fails),
	    TEST(test_new_mail_does_not_show),
	    TEST(test_pipelining),
	    TEST(test_long_lines),
	    TEST(test_too_many_errors),
	    TEST(test_backpressure),
	    TEST(test_client_dies_while_reading),
	    TEST(test_idle),
	    TEST(test_damaged_messages),
	    TEST(test_refusals),
	    TEST(test_many_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
