/* SPDX-License-Identifier: ISC */
/* The importer as a process, in its sandbox: jobs that work, and jobs that come to a bad end. */
#include "tests/unit/certd_support.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "certd/importer.h"
#include "common/log.h"
#include "common/proto/certd_importer.h"
#include "common/sandbox.h"

#define DEADLINE 60000 /* milliseconds */

static struct fixture {
	struct event_base *base;
	struct importer_client *importer;
	int channel;
	unsigned ended; /* jobs */
	unsigned signal, status;
	_Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
} fixture;

static void
on_ended(uint32_t number, unsigned signal, unsigned status, void *arg)
{
	(void)number;
	(void)arg;
	fixture.ended++;
	fixture.signal = signal;
	fixture.status = status;
	event_base_loopbreak(fixture.base);
}

static int
setup(void **state)
{
	static const struct mc_identity identity = {.uid = UINT32_MAX,
						    .gid = UINT32_MAX,
						    .sandbox = SANDBOX_REQUIRED,
						    .log_level = LOG_INFO};
	struct error err;

	(void)state;
	fixture.base = event_base_new();
	fixture.importer = importer_start(fixture.base, "./postern-certd", &identity, &err);
	if (fixture.importer == NULL)
		fail_msg("%s", err.text);
	importer_listen(fixture.importer, on_ended, NULL);
	fixture.channel = -1;
	fixture.ended = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (fixture.channel != -1)
		close(fixture.channel);
	importer_stop(fixture.importer);
	event_base_free(fixture.base);
	return 0;
}

static void
begin(void)
{
	struct error err;

	assert_int_not_equal(importer_job(fixture.importer, &fixture.channel, &err), 0);
	/* It goes out when the loop runs. */
	event_base_loop(fixture.base, EVLOOP_NONBLOCK);
}

static void
tell(uint16_t type, const void *body, size_t size, const char *tail, int fd)
{
	assert_int_equal(ipc_send_fd(fixture.channel, type, 0, body, size, tail,
				     tail == NULL ? 0 : strlen(tail), fd),
			 0);
}

static void
give(const char *name, const void *bytes, size_t length)
{
	const struct cj_file file = {.file = 0};
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	tell(CJ_FILE, &file, sizeof(file), name, fd);
	close(fd);
}

/* The next message, or 0 when the job's process has gone. */
static uint16_t
hear(struct ipc_message *message)
{
	struct pollfd waiting = {.fd = fixture.channel, .events = POLLIN};
	struct error err;

	assert_int_equal(poll(&waiting, 1, DEADLINE), 1);
	if (ipc_receive(fixture.channel, &import_job_boundary, IPC_CLIENT,
			JOB_READING | JOB_WORKING, fixture.buffer, message, &err) != 1)
		return 0;
	return message->type;
}

static void
await_end(void)
{
	while (fixture.ended == 0)
		event_base_loop(fixture.base, EVLOOP_ONCE);
}

static void
a_pair(void **state)
{
	struct ipc_message message;
	struct x509_made made;

	(void)state;
	support_make(support_pkey(KEY_P256), "mail.example.org", &made);
	begin();
	give("a.key", made.set.part[PART_KEY].bytes, made.set.part[PART_KEY].length);
	give("a.crt", made.set.part[PART_CRT].bytes, made.set.part[PART_CRT].length);
	tell(CJ_GO, NULL, 0, NULL, -1);
	assert_int_equal(hear(&message), CJ_READ);
	assert_int_equal(hear(&message), CJ_KEY);
	assert_int_equal(hear(&message), CJ_CERTIFICATE);
	assert_int_equal(((const struct cj_piece *)message.body)->file, 1);
	assert_int_equal(hear(&message), CJ_DONE);
	assert_int_equal(((const struct cj_done *)message.body)->ok, 1);
	await_end();
	assert_int_equal(fixture.signal, 0);
	assert_int_equal(fixture.status, 0);
	x509_made_free(&made);
}

/* It reads from a pipe that nobody writes to; the next job finds the way free. */
static void
killed(void **state)
{
	const struct cj_file file = {.file = 0};
	struct ipc_message message;
	int pipes[2];

	(void)state;
	importer_log_changed(fixture.importer);
	begin();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	tell(CJ_FILE, &file, sizeof(file), "a", pipes[0]);
	tell(CJ_GO, NULL, 0, NULL, -1);
	importer_kill(fixture.importer, 1);
	await_end();
	assert_int_equal(fixture.signal, SIGKILL);
	assert_int_equal(hear(&message), 0);
	close(fixture.channel);
	/* That one has ended already, and is told again. */
	fixture.ended = 0;
	importer_kill(fixture.importer, 1);
	await_end();
	/* A job that is not done makes room for the next. */
	begin();
	close(fixture.channel);
	fixture.ended = 0;
	begin();
	give("a", "nothing", 7);
	tell(CJ_GO, NULL, 0, NULL, -1);
	assert_int_equal(hear(&message), CJ_READ);
	assert_int_equal(hear(&message), CJ_DONE);
	assert_int_equal(((const struct cj_done *)message.body)->ok, 0);
	await_end();
	assert_int_equal(fixture.signal, 0);
	close(pipes[0]);
	close(pipes[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_pair, setup, teardown),
	    cmocka_unit_test_setup_teardown(killed, setup, teardown),
	};

	log_init("test", LOG_FORMAT_STDERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
