/* SPDX-License-Identifier: ISC */
/*
 * An importer that has been taken over by what it read. Started in place of postern-certd's own;
 * the name of a job's first file says which lie it tells (lies[]), and what it sends is sent as it
 * is.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/ipc.h"
#include "common/proto/certd_importer.h"

static struct {
	int channel;
	char buffer[IPC_MESSAGE_MAX + 1] __attribute__((aligned(16)));
	struct ipc_message message;
} liar;

static void
say(uint16_t type, const void *body, size_t size, const char *tail, size_t length)
{
	(void)ipc_send_fd(liar.channel, type, 0, body, size, tail, length, -1);
}

static void
read_all(void)
{
	say(CJ_READ, NULL, 0, NULL, 0);
}

static void
no_key(void)
{
	const struct cj_piece piece = {.file = 0};

	read_all();
	say(CJ_KEY, &piece, sizeof(piece), "0123456789", 10);
}

static void
no_certificate(void)
{
	const struct cj_piece piece = {.file = 0};

	read_all();
	say(CJ_CERTIFICATE, &piece, sizeof(piece), "0\x82\xff\xff", 4);
}

static void
another_file(void)
{
	const struct cj_note note = {.file = 1};

	read_all();
	say(CJ_NOTE, &note, sizeof(note), "x", 1);
}

static void
lines(void)
{
	const struct cj_note note = {.file = 0};

	read_all();
	say(CJ_NOTE, &note, sizeof(note), "x\nmail.key  the private key", 27);
}

/* Far more than certd keeps; each is fine by itself. */
static void
notes(void)
{
	const struct cj_note note = {.file = 0};
	const struct cj_done done = {.ok = 1};

	read_all();
	for (unsigned i = 0; i < 1000; i++)
		say(CJ_NOTE, &note, sizeof(note), "0123456789012345678901234567890123456789", 40);
	say(CJ_DONE, &done, sizeof(done), NULL, 0);
}

static void
too_early(void)
{
	const struct cj_done done = {.ok = 1};

	say(CJ_DONE, &done, sizeof(done), NULL, 0);
}

static void
good_with_words(void)
{
	const struct cj_done done = {.ok = 1};

	read_all();
	say(CJ_DONE, &done, sizeof(done), "good", 4);
}

static void
neither(void)
{
	const struct cj_done done = {.ok = 2};

	read_all();
	say(CJ_DONE, &done, sizeof(done), NULL, 0);
}

static void
after_the_end(void)
{
	const struct cj_done done = {.ok = 0};

	read_all();
	say(CJ_DONE, &done, sizeof(done), "no", 2);
	say(CJ_DONE, &done, sizeof(done), "no", 2);
	no_key();
}

/* Asks, and doesn't wait. */
static void
impatient(void)
{
	const struct cj_need need = {.file = 0};

	read_all();
	say(CJ_NEED, &need, sizeof(need), NULL, 0);
	say(CJ_NEED, &need, sizeof(need), NULL, 0);
}

static void
foreign(void)
{
	say(CJ_GO, NULL, 0, NULL, 0);
}

static void
dies(void)
{
	read_all();
	raise(SIGKILL);
}

static const struct {
	const char *name;
	void (*tell)(void);
} lies[] = {
    {"no-key", no_key},
    {"no-certificate", no_certificate},
    {"another-file", another_file},
    {"lines", lines},
    {"notes", notes},
    {"too-early", too_early},
    {"good-with-words", good_with_words},
    {"neither", neither},
    {"after-the-end", after_the_end},
    {"impatient", impatient},
    {"foreign", foreign},
    {"dies", dies},
};

/* Files until CJ_GO, then the lie; it stays until certd ends it. */
static _Noreturn void
run_job(void)
{
	char name[IMPORT_FILE_MAX + 1] = "";
	struct error err;
	int file = -1;

	(void)fcntl(liar.channel, F_SETFL, 0);
	while (ipc_receive(liar.channel, &import_job_boundary, IPC_SERVER, 1, liar.buffer,
			   &liar.message, &err) == 1 &&
	       liar.message.type == CJ_FILE) {
		strlcpy(name, liar.message.tail, sizeof(name));
		if (file != -1)
			close(file);
		file = liar.message.fd;
	}
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (strcmp(lies[i].name, name) == 0)
			lies[i].tell();
	}
	/* A test may wait for that: all is said. */
	close(file);
	for (;;)
		pause();
}

/* Kills the job as it is told to, and says twice that it ended, and otherwise than it did. */
static void
on_kill(const struct ci_kill *request, pid_t job)
{
	const struct ci_ended ended = {.number = request->number, .signal = SIGSEGV};

	(void)kill(job, SIGKILL);
	for (int i = 0; i < 2; i++)
		(void)ipc_send_fd(CHILD_CONTROL_FD, CI_ENDED, 0, &ended, sizeof(ended), NULL, 0,
				  -1);
}

int
main(void)
{
	struct pollfd waiting = {.fd = CHILD_CONTROL_FD, .events = POLLIN};
	pid_t job = -1;
	struct error err;

	signal(SIGCHLD, SIG_IGN);
	while (poll(&waiting, 1, -1) == 1 &&
	       ipc_receive(CHILD_CONTROL_FD, &certd_importer_boundary, IPC_SERVER, UINT32_MAX,
			   liar.buffer, &liar.message, &err) == 1) {
		if (liar.message.type == CI_KILL && job != -1)
			on_kill(liar.message.body, job);
		if (liar.message.type != CI_JOB)
			continue;
		job = fork();
		if (job == 0) {
			liar.channel = liar.message.fd;
			run_job();
		}
		close(liar.message.fd);
	}
	return 0;
}
