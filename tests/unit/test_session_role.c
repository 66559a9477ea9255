/* SPDX-License-Identifier: ISC */
/*
 * The session role as a whole, in its sandbox and, run as root, under another uid: this test is the
 * master, queue and the clients. Run as `test_session_role session stderr` it is the child.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/proto/master_session.h"
#include "common/proto/queue_session.h"
#include "worker/roles.h"

#define WAIT_MS 20000
#define MAILBOX_UID 65534

static struct {
	char folder[64]; /* 0700, not the child's where it has a uid of its own */
	pid_t pid;
	int log;
	int master; /* our ends */
	int queue;
	struct ipc_message message;
	void *buffer;
} house;

static uint16_t
next_message(int fd, const struct ipc_boundary *boundary)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	struct error err = {""};
	int got;

	assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
	got = ipc_receive(fd, boundary, IPC_CLIENT, IPC_ANY_STATE, house.buffer, &house.message,
			  &err);
	if (got == -1)
		fail_msg("%s", err.text);
	return got == 0 ? 0 : house.message.type;
}

static uint16_t
from_master(void)
{
	return next_message(house.master, &master_session_boundary);
}

static uint16_t
from_queue(void)
{
	return next_message(house.queue, &queue_session_boundary);
}

/* A logged-in client of SERVICE; returns its end. */
static int
connect_client(enum service service)
{
	struct ms_connection connection = {.conn = 42, .service = service};
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(ipc_send_fd(house.master, MS_CONNECTION, 0, &connection,
				     sizeof(connection), NULL, 0, sv[1]),
			 0);
	close(sv[1]);
	return sv[0];
}

static void
connect_queue(void)
{
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send_fd(house.master, MS_DELIVERY, 0, NULL, 0, NULL, 0, pair[1]), 0);
	close(pair[1]);
	house.queue = pair[0];
}

static void
send_delivery(uint32_t request, const char *id, const char *path, const char *text)
{
	struct qs_deliver deliver = {.conn = 43, .size = strlen(text), .received = 1700000000};
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	strlcpy(deliver.delivery_id, id, sizeof(deliver.delivery_id));
	assert_int_equal(ipc_send_fd(house.queue, QS_DELIVER, request, &deliver, sizeof(deliver),
				     path, strlen(path), fd),
			 0);
	close(fd);
}

static void
expect_delivered(uint32_t request, unsigned duplicate)
{
	const struct qs_delivered *delivered;

	assert_int_equal(from_queue(), QS_DELIVERED);
	delivered = house.message.body;
	assert_int_equal(house.message.id, request);
	assert_int_equal(delivered->duplicate, duplicate);
}

/* The next octets are TEXT. */
static void
expect(int client, const char *text)
{
	size_t length = strlen(text), used = 0;
	char got[1024];

	while (used < length) {
		struct pollfd waiting = {.fd = client, .events = POLLIN};
		ssize_t n;

		assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
		n = read(client, got + used, length - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	got[used] = '\0';
	assert_string_equal(got, text);
}

static void
expect_end(int client)
{
	struct pollfd waiting = {.fd = client, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
	assert_int_equal(read(client, &byte, 1), 0);
	close(client);
}

static void
say(int client, const char *text)
{
	assert_int_equal(write(client, text, strlen(text)), strlen(text));
}

static void
make_mailbox(void)
{
	strlcpy(house.folder, "/tmp/postern-session-XXXXXX", sizeof(house.folder));
	assert_non_null(mkdtemp(house.folder));
	assert_int_equal(chdir(house.folder), 0);
	assert_int_equal(mkdir("mailbox", 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown("mailbox", MAILBOX_UID, MAILBOX_UID), 0);
}

static void
spawn(unsigned linger)
{
	struct mc_identity identity = {.uid = UINT32_MAX, .gid = UINT32_MAX, .log_level = 6};
	struct ms_settings settings = {
	    .mailbox = "alice@example.org", .linger = linger, .idle_timeout = 600};
	struct child_spec spec = {
	    .program = "/proc/self/exe", .role = "session", .identity = &identity};
	struct error err;
	int directory = open("mailbox", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	identity.sandbox = sandbox_landlock_abi() > 0 ? SANDBOX_REQUIRED : SANDBOX_BEST_EFFORT;
	if (geteuid() == 0)
		identity.uid = identity.gid = MAILBOX_UID;
	spec.log_fd = house.log;
	house.pid = child_spawn(&spec, &house.master, &err);
	assert_true(house.pid > 0);
	assert_int_equal(ipc_send_fd(house.master, MS_SETTINGS, 0, &settings, sizeof(settings),
				     NULL, 0, directory),
			 0);
	close(directory);
}

static void
start(void)
{
	assert_int_equal(ipc_send_fd(house.master, MC_START, 0, NULL, 0, NULL, 0, -1), 0);
	assert_int_equal(from_master(), MC_READY);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&house, 0, sizeof(house));
	house.buffer = malloc(IPC_MESSAGE_MAX + 1);
	house.log = memfd_create("log", MFD_CLOEXEC);
	house.queue = -1;
	make_mailbox();
	return 0;
}

static void
print_log(void)
{
	char text[8192];
	ssize_t n = pread(house.log, text, sizeof(text), 0);

	fprintf(stderr, "%.*s\n", (int)n, text);
}

static void
expect_exit(void)
{
	int status;

	assert_int_equal(waitpid(house.pid, &status, 0), house.pid);
	house.pid = 0;
	if (status != 0) {
		print_log();
		fail_msg("status %#x", (unsigned)status);
	}
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	if (house.queue != -1)
		close(house.queue);
	close(house.master);
	if (house.pid > 0)
		expect_exit();
	close(house.log);
	free(house.buffer);
	snprintf(command, sizeof(command), "rm -rf %s", house.folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

/* A login and a delivery that come before the sandbox is closed wait for it. */
static void
test_path(void **state)
{
	int client;

	(void)state;
	spawn(600);
	client = connect_client(SERVICE_POP3);
	connect_queue();
	send_delivery(1, "0123456789abcdef.0", "bob@example.org", "Subject: hi\r\n\r\nhello\r\n");
	start();
	expect(client, "+OK 0 messages (0 octets)\r\n");
	expect_delivered(1, 0);
	say(client, "STAT\r\nQUIT\r\n");
	expect(client, "+OK 0 0\r\n+OK bye\r\n");
	expect_end(client);

	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 1 messages (54 octets)\r\n");
	say(client, "RETR 1\r\nDELE 1\r\nQUIT\r\n");
	expect(client, "+OK 54 octets\r\nReturn-Path: <bob@example.org>\r\nSubject: hi\r\n\r\n"
		       "hello\r\n.\r\n+OK message 1 deleted\r\n+OK bye (1 messages deleted)\r\n");
	expect_end(client);

	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 0 messages (0 octets)\r\n");
	close(client);
}

static void
test_in_use(void **state)
{
	int first, second;

	(void)state;
	spawn(600);
	start();
	first = connect_client(SERVICE_POP3);
	expect(first, "+OK 0 messages (0 octets)\r\n");
	second = connect_client(SERVICE_POP3);
	expect(second, "-ERR [IN-USE] another POP3 session has this mailbox\r\n");
	expect_end(second);
	say(first, "QUIT\r\n");
	expect(first, "+OK bye\r\n");
	/* Whoever has heard the goodbye can come again. */
	second = connect_client(SERVICE_POP3);
	expect(second, "+OK 0 messages (0 octets)\r\n");
	close(first);
	close(second);
}

static void
test_batch(void **state)
{
	char id[DELIVERY_ID_SIZE];
	bool answered[301] = {false};
	int client;

	(void)state;
	spawn(600);
	start();
	connect_queue();
	for (uint32_t i = 1; i <= 300; i++) {
		snprintf(id, sizeof(id), "%u", i % 250);
		send_delivery(i, id, "", "x\r\n");
		/* The socket's buffer is not endless. */
		if (i % 50 != 0)
			continue;
		for (int n = 0; n < 50; n++) {
			assert_int_equal(from_queue(), QS_DELIVERED);
			assert_in_range(house.message.id, 1, 300);
			assert_false(answered[house.message.id]);
			answered[house.message.id] = true;
		}
	}
	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 250 messages (5000 octets)\r\n");
	close(client);
}

static void
test_lingers(void **state)
{
	const struct ms_idle *idle;
	int client;

	(void)state;
	spawn(1);
	start();
	connect_queue();
	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 0 messages (0 octets)\r\n");
	say(client, "QUIT\r\n");
	expect(client, "+OK bye\r\n");
	expect_end(client);
	/* An idle channel to queue keeps nothing. Before the client came it may have lingered too.
	 */
	do {
		assert_int_equal(from_master(), MS_IDLE);
		idle = house.message.body;
	} while (idle->seen < 2);
	assert_int_equal(idle->seen, 2);
	/* No answer: work was on its way. It asks again after that. */
	send_delivery(9, "late", "", "x\r\n");
	expect_delivered(9, 0);
	assert_int_equal(from_master(), MS_IDLE);
	assert_int_equal(ipc_send_fd(house.master, MC_SHUTDOWN, 0, NULL, 0, NULL, 0, -1), 0);
	expect_exit();
	/* Everything is in the index alone. */
	assert_int_equal(access("mailbox/index.db", F_OK), 0);
	assert_int_equal(access("mailbox/index.db-wal", F_OK), -1);
}

/* Draining: who is connected goes on, and then the process ends by itself. */
static void
test_drains(void **state)
{
	int client;

	(void)state;
	spawn(600);
	start();
	connect_queue();
	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 0 messages (0 octets)\r\n");
	assert_int_equal(ipc_send_fd(house.master, MC_DRAIN, 0, NULL, 0, NULL, 0, -1), 0);
	say(client, "NOOP\r\n");
	expect(client, "+OK\r\n");
	say(client, "QUIT\r\n");
	expect(client, "+OK bye\r\n");
	expect_end(client);
	expect_exit();
}

static void
test_killed_and_repeated(void **state)
{
	int client, status;

	(void)state;
	spawn(600);
	start();
	connect_queue();
	send_delivery(1, "once", "", "x\r\n");
	expect_delivered(1, 0);
	kill(house.pid, SIGKILL);
	assert_int_equal(waitpid(house.pid, &status, 0), house.pid);
	close(house.queue);
	close(house.master);

	spawn(600);
	start();
	connect_queue();
	send_delivery(2, "once", "", "x\r\n");
	expect_delivered(2, 1);
	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 1 messages (20 octets)\r\n");
	close(client);
}

static void
test_damaged_mailbox(void **state)
{
	const struct qs_failed *failed;
	int fd, client;

	(void)state;
	fd = open("mailbox/index.db", O_WRONLY | O_CREAT, 0666);
	assert_int_equal(write(fd, "garbage garbage garbage", 23), 23);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	spawn(600);
	start();
	client = connect_client(SERVICE_POP3);
	expect(client, "-ERR [SYS/PERM] the mailbox is damaged; ask its administrator\r\n");
	expect_end(client);
	connect_queue();
	send_delivery(1, "a", "", "x\r\n");
	assert_int_equal(from_queue(), QS_FAILED);
	failed = house.message.body;
	assert_int_equal(failed->permanent, 0);
	assert_non_null(strstr(house.message.tail, "not a database"));
	/* Once it has been repaired, it works. */
	assert_int_equal(unlink("mailbox/index.db"), 0);
	send_delivery(2, "a", "", "x\r\n");
	expect_delivered(2, 0);
}

/* A path that would be two header lines, an id without an end: no queue says that. */
static void
test_violations(void **state)
{
	struct qs_deliver deliver = {.size = 1};
	int client, fd = memfd_create("message", MFD_CLOEXEC);

	(void)state;
	spawn(600);
	start();
	connect_queue();
	send_delivery(1, "a", "x>\r\nX-Evil: yes", "x\r\n");
	assert_int_equal(from_queue(), 0);
	close(house.queue);
	connect_queue();
	memset(deliver.delivery_id, 'x', sizeof(deliver.delivery_id));
	assert_int_equal(
	    ipc_send_fd(house.queue, QS_DELIVER, 1, &deliver, sizeof(deliver), NULL, 0, fd), 0);
	close(fd);
	assert_int_equal(from_queue(), 0);
	client = connect_client(SERVICE_POP3);
	expect(client, "+OK 0 messages (0 octets)\r\n");
	close(client);
}

static void
test_no_such_service(void **state)
{
	int client;

	(void)state;
	spawn(600);
	start();
	client = connect_client(SERVICE_SMTP);
	expect(client, "* BYE ");
	close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_path),
	    TEST(test_in_use),
	    TEST(test_batch),
	    TEST(test_lingers),
	    TEST(test_drains),
	    TEST(test_killed_and_repeated),
	    TEST(test_damaged_mailbox),
	    TEST(test_violations),
	    TEST(test_no_such_service),
	};
	static const struct child_role *const roles[] = {&session_role, NULL};

	if (argc > 1)
		child_main(argc, argv, roles);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
