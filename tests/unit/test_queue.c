/* SPDX-License-Identifier: ISC */
/* The queue between fake gates, accounts, master and sessions. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/gate_queue.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/transaction.h"

static char folder[64];
static struct world world;

static const char *const to_alice[] = {"alice@example.org", NULL};

/* Queue's patience with accounts, where a test has none (queue.mk). */
#define ANSWER_SECONDS 10
static bool impatient;

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	static const struct timeval soon = {.tv_usec = 10000};

	return __real_event_add(
	    event, impatient && wait != NULL && wait->tv_sec == ANSWER_SECONDS ? &soon : wait);
}

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(folder);
	world_open(&world);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_close(&world);
	world_remove_folder(folder);
	return 0;
}

/* The number of rows, after what waits is written. */
static bool
all_is_written(void *arg)
{
	flow_id flow;

	(void)arg;
	return queue_is_quiet(&world.queue) && db_next_flow(world.queue.db, -1, &flow) == 0;
}

static bool
stored_at_least(void *arg)
{
	return world.stored_count >= *(const unsigned *)arg;
}

static void
run_until_stored(unsigned count)
{
	world_run_until(&world, stored_at_least, &count);
}

static bool
is_delivering(void *arg)
{
	(void)arg;
	return world.deliveries > 0;
}

static bool
is_quiet(void *arg)
{
	(void)arg;
	return queue_is_quiet(&world.queue);
}

/* Files in the folder whose name begins so. */
static unsigned
count_files(const char *prefix)
{
	char command[96];
	unsigned count = 0;
	FILE *out;

	snprintf(command, sizeof(command), "ls | grep -c '^%s'", prefix);
	out = popen(command, "r");
	assert_int_equal(fscanf(out, "%u", &count), 1);
	pclose(out);
	return count;
}

static bool
no_bodies(void *arg)
{
	(void)arg;
	return count_files("body") == 0;
}

/* -- The way of a mail --------------------------------------------------------------------- */

static void
test_small_mail(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "sender@example.net",
			    .recipients = to_alice,
			    .size = 2048};

	(void)state;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(1);
	assert_string_equal(SLIST_FIRST(&world.stored)->mailbox, "alice@example.org");
	assert_string_equal(SLIST_FIRST(&world.stored)->sender, "sender@example.net");
	assert_string_equal(SLIST_FIRST(&world.stored)->path, to_alice[0]);
	assert_int_equal(strncmp(SLIST_FIRST(&world.stored)->delivery_id, mail.queue_id, 16), 0);
	assert_int_equal(SLIST_FIRST(&world.stored)->size, 2048);
	assert_int_equal(count_files("body"), 0);
	world_run_until(&world, all_is_written, NULL);
}

/* As a gate may send it, too. */
static void
test_small_mail_in_a_file(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "sender@example.net",
			    .recipients = to_alice,
			    .size = 2048,
			    .in_file = true};
	uint64_t hash;

	(void)state;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(1);
	hash = SLIST_FIRST(&world.stored)->hash;
	assert_int_equal(count_files("in"), 0);
	mail.committed = false;
	mail.in_file = false;
	mail_send(&mail);
	run_until_stored(2);
	assert_int_equal(SLIST_FIRST(&world.stored)->hash, hash);
}

/* A gate that commits a body it can still write to is cut off. */
static void
test_open_body(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "sender@example.net",
			    .recipients = to_alice,
			    .size = 2048,
			    .in_file = true,
			    .keep_open = true};

	(void)state;
	mail_send(&mail);
	assert_true(mail.dropped);
	assert_true(world.gate_ended);
	assert_int_equal(count_files("in"), 0);
	close(mail.body);
	world.gate = world_open_gate(&world, "");
	/* In the commit it is only not used again. */
	mail.channel = NULL;
	mail.dropped = mail.in_file = false;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(1);
	assert_int_equal(count_files("in"), 0);
	close(mail.body);
}

static void
test_large_mail(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "",
			    .recipients = to_alice,
			    .size = 3 * 1024 * 1024};

	(void)state;
	world.conduct = KEEPS_SILENT;
	mail_send(&mail);
	assert_true(mail.committed);
	assert_int_equal(count_files("body"), 1);
	assert_int_equal(count_files("in"), 0);
	/* The session that is silent goes, and another comes. */
	world_run_until(&world, is_delivering, NULL);
	world.conduct = STORES;
	session_die(SLIST_FIRST(&world.sessions));
	run_until_stored(1);
	world_run_until(&world, all_is_written, NULL);
	world_run_until(&world, no_bodies, NULL);
}

static void
test_recipients(void **state)
{
	static const char *const many[] = {"alice@example.org", "Bob@example.org",
					   "ALICE@example.org", "carol@example.org",
					   "bob@EXAMPLE.ORG",   NULL};
	struct mail mail = {.world = &world,
			    .transaction = 9,
			    .sender = "s@example.net",
			    .recipients = many,
			    .size = 10};

	(void)state;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(3);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 3);
	assert_int_equal(world.deliveries, 3);
}

/* An alias leads to several mailboxes, each of which gets the mail once. */
static void
test_alias(void **state)
{
	static const char *const both[] = {"bob@example.org", "team@example.org",
					   "TEAM@example.org", NULL};
	struct mail mail = {.world = &world,
			    .transaction = 9,
			    .sender = "s@example.net",
			    .recipients = both,
			    .size = 10};

	(void)state;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(3);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 3);
	assert_int_equal(world.deliveries, 3);
}

/* However often an alias is named: what it leads to is kept once, beside what was named. */
static void
test_aliases_in_memory(void **state)
{
	const char *paths[101] = {[100] = NULL};
	uint32_t notifies[100];
	struct mail mail = {.world = &world,
			    .transaction = 9,
			    .sender = "s@example.net",
			    .recipients = paths,
			    .notifies = notifies,
			    .size = 10,
			    .hold = true};
	struct source *source = LIST_FIRST(&world.queue.sources);
	const struct transaction *transaction;
	const struct recipient *recipient;
	unsigned count = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		paths[i] = i % 2 == 0 ? "team@example.org" : "lead@example.org";
		/* Those that somebody wants to hear of take over from those of which nobody does.
		 */
		notifies[i] = i < 50 ? DSN_NOTIFY_NEVER : DSN_NOTIFY_FAILURE;
	}
	world.queue.settings.relay = REACH_DOMAINS;
	mail_start(&mail);
	world_run_until(&world, mail_has_body, &mail);
	transaction = transaction_find(source, 9);
	assert_non_null(transaction);
	STAILQ_FOREACH (recipient, &transaction->recipients, entry) {
		assert_true(recipient->chosen || recipient->question.path != NULL);
		count++;
	}
	/* alice, bob and carol, and two addresses elsewhere. */
	assert_int_equal(transaction->deliveries, 5);
	assert_in_range(count, 100, 105);
	mail_commit(&mail);
	world_run_until(&world, mail_is_over, &mail);
	assert_true(mail.committed);
	assert_int_equal(source->bytes, 0);
	run_until_stored(3);
}

/* What one client keeps open takes no room from others, and none when it is over. */
static void
test_room_of_each_client(void **state)
{
	const char *paths[101] = {[100] = NULL};
	char orcpt[480] = "rfc822;";
	struct mail mails[100];
	struct mail other = {.world = &world,
			     .transaction = 1000,
			     .sender = "s@example.net",
			     .recipients = to_alice,
			     .size = 10};
	struct source *source = LIST_FIRST(&world.queue.sources);
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		paths[i] = "alice@example.org";
	memset(orcpt + 7, 'x', sizeof(orcpt) - 8);
	do {
		assert_true(count < 100);
		mails[count] = (struct mail){.world = &world,
					     .transaction = (uint32_t)count + 1,
					     .sender = "s@example.net",
					     .recipients = paths,
					     .orcpt = orcpt,
					     .size = 10,
					     .hold = true};
		/* One host has all addresses of its network. */
		assert_int_equal(inet_pton(AF_INET6, "2001:db8::", &mails[count].peer.address), 1);
		mails[count].peer.address.s6_addr[15] = (uint8_t)count;
		mail_start(&mails[count]);
		while (!mails[count].have_body && !mail_is_over(&mails[count]))
			world_run_for(&world, 1);
	} while (mails[count++].have_body);
	assert_int_equal(mails[count - 1].failure, QUEUE_NO_SPACE);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:0:1::", &other.peer.address), 1);
	mail_send(&other);
	assert_true(other.committed);
	for (size_t i = 0; i < count - 1; i++)
		transaction_forget(transaction_find(source, mails[i].transaction));
	assert_true(RB_EMPTY(&source->shares));
	assert_int_equal(source->bytes, 0);
	for (size_t i = 0; i < count - 1; i++)
		close(mails[i].body);
	run_until_stored(1);
}

/* One mail alone may have more than that: it would come again and again. */
static void
test_one_mail_of_many_recipients(void **state)
{
	enum { COUNT = 7000 };
	const char **paths = calloc(COUNT + 1, sizeof(*paths));
	char orcpt[480] = "rfc822;";
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = paths,
			    .orcpt = orcpt,
			    .size = 10};

	(void)state;
	assert_non_null(paths);
	for (size_t i = 0; i < COUNT; i++)
		paths[i] = "alice@example.org";
	memset(orcpt + 7, 'x', sizeof(orcpt) - 8);
	world.queue.settings.max_recipients = COUNT;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(1);
	free(paths);
}

struct wanted {
	const char *queue_id;
	struct db_name name;
};

static void
find_bob(const struct db_entry *entry, void *arg)
{
	struct wanted *wanted = arg;
	char id[QUEUE_ID_SIZE];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)entry->message);
	if (strcmp(id, wanted->queue_id) == 0 && strcmp(entry->mailbox, "bob@example.org") == 0)
		wanted->name = (struct db_name){entry->message, entry->index};
}

/* Two paths to bob, and what each wants to hear: by which name, and what of, it is reported. */
static void
test_wishes_of_two_paths(void **state)
{
	static const char *const both[] = {"bob@example.org", "team@example.org", NULL};
	static const char *const first[] = {"alice@example.org", "team@example.org", NULL};
	static const struct {
		const char *const *named;
		uint32_t notifies[2];
		const char *path;
		uint32_t notify;
	} cases[] = {
	    {both,
	     {DSN_NOTIFY_FAILURE, DSN_NOTIFY_DELAY},
	     "bob@example.org",
	     DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY},
	    {both, {DSN_NOTIFY_NEVER, DSN_NOTIFY_DELAY}, "team@example.org", DSN_NOTIFY_DELAY},
	    /* That it has arrived there is said of alice, who is its first. */
	    {both, {DSN_NOTIFY_FAILURE, DSN_NOTIFY_SUCCESS}, "bob@example.org", DSN_NOTIFY_FAILURE},
	    {both, {DSN_NOTIFY_NEVER, DSN_NOTIFY_SUCCESS}, "bob@example.org", DSN_NOTIFY_NEVER},
	    {both, {DSN_NOTIFY_SUCCESS, DSN_NOTIFY_NEVER}, "bob@example.org", DSN_NOTIFY_SUCCESS},
	    {both, {DSN_NOTIFY_NEVER, DSN_NOTIFY_NEVER}, "bob@example.org", DSN_NOTIFY_NEVER},
	    {both, {0, 0}, "bob@example.org", 0},
	    /* Alice's own name says it of her, so of the team bob does. */
	    {first,
	     {DSN_NOTIFY_SUCCESS, DSN_NOTIFY_SUCCESS},
	     "team@example.org",
	     DSN_NOTIFY_SUCCESS},
	    {first, {DSN_NOTIFY_NEVER, DSN_NOTIFY_SUCCESS}, "team@example.org", DSN_NOTIFY_NEVER},
	};

	(void)state;
	world.attach_fails = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail mail = {.world = &world,
				    .transaction = (uint32_t)i + 1,
				    .sender = "s@example.net",
				    .recipients = cases[i].named,
				    .notifies = cases[i].notifies,
				    .size = 10};
		struct wanted wanted = {.queue_id = mail.queue_id};
		struct db_addressee to;

		mail_send(&mail);
		assert_true(mail.committed);
		assert_int_equal(db_entries(world.queue.db, NULL, 100, find_bob, &wanted), DB_OK);
		assert_int_equal(
		    db_addressee(world.queue.db, wanted.name.message, wanted.name.index, &to),
		    DB_OK);
		assert_string_equal(to.path, cases[i].path);
		assert_int_equal(to.notify, cases[i].notify);
	}
}

static void
test_refusals(void **state)
{
	static const char *const unknown[] = {"alice@example.org", "nobody@example.org", NULL};
	static const char *const later[] = {"later@example.org", NULL};
	static const char *const none[] = {NULL};
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = unknown,
			    .size = 10};
	const char *crowd[102];

	(void)state;
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_REFUSED);
	mail.failure = 0;
	mail.recipients = later;
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_UNAVAILABLE);
	mail.failure = 0;
	mail.recipients = none;
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_REFUSED);
	for (int i = 0; i < 101; i++)
		crowd[i] = "alice@example.org";
	crowd[101] = NULL;
	mail.failure = 0;
	mail.recipients = crowd;
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_NO_SPACE);
	mail.failure = 0;
	mail.recipients = to_alice;
	mail.size = 11 * 1024 * 1024;
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_TOO_BIG);
	assert_false(world.gate_ended);
	assert_int_equal(count_files("in"), 0);
}

static void
test_abort(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 10,
			    .hold = true};
	struct gq_transaction named = {.transaction = 1};

	(void)state;
	mail_start(&mail);
	world_run_until(&world, mail_has_body, &mail);
	ipc_send(world.gate, GQ_ABORT, 0, &named, NULL, 0, -1);
	/* And one that is not there. */
	ipc_send(world.gate, GQ_ABORT, 0, &named, NULL, 0, -1);
	world_run_for(&world, 20);
	assert_int_equal(count_files("in"), 0);
	assert_false(world.gate_ended);
	close(mail.body);
	mail.have_body = false;
	mail.hold = false;
	mail_send(&mail);
	assert_true(mail.committed);
}

/* -- Durability ------------------------------------------------------------------------------- */

static bool
all_have_bodies(void *arg)
{
	struct mail *mails = arg;

	for (int i = 0; i < 50; i++) {
		if (!mails[i].have_body)
			return false;
	}
	return true;
}

static bool
all_are_over(void *arg)
{
	struct mail *mails = arg;

	for (int i = 0; i < 50; i++) {
		if (!mail_is_over(&mails[i]))
			return false;
	}
	return true;
}

static void
test_group_commit(void **state)
{
	struct mail mails[50];
	uint64_t commits;

	(void)state;
	memset(mails, 0, sizeof(mails));
	for (uint32_t i = 0; i < 50; i++) {
		mails[i].world = &world;
		mails[i].transaction = i + 1;
		mails[i].sender = "s@example.net";
		mails[i].recipients = to_alice;
		mails[i].size = i == 7 ? 100000 : 2000;
		mails[i].hold = true;
		mail_start(&mails[i]);
	}
	world_run_until(&world, all_have_bodies, mails);
	commits = db_commits(world.queue.db);
	for (int i = 0; i < 50; i++)
		mail_commit(&mails[i]);
	world_run_until(&world, all_are_over, mails);
	for (int i = 0; i < 50; i++)
		assert_true(mails[i].committed);
	/* One; or one more for each 20 ms that this process is kept off the processor meanwhile. */
	assert_in_range(db_commits(world.queue.db) - commits, 1, 25);
	run_until_stored(50);
}

/* The gate is gone before the answer: what it asked for is done. */
static void
test_gate_dies_after_commit(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100,
			    .hold = true};
	struct mail other = mail;

	(void)state;
	other.transaction = 2;
	mail_start(&mail);
	mail_start(&other);
	world_run_until(&world, mail_has_body, &other);
	mail_commit(&mail);
	ipc_close(world.gate);
	world.gate = NULL;
	close(other.body);
	run_until_stored(1);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 1);
	/* The other one left nothing, the first its empty file for the next mail. */
	assert_true(count_files("in") <= 1);
	world.gate = world_open_gate(&world, "");
}

static void
confirm(const char *queue_id, uint32_t expected)
{
	struct mail asked = {.world = &world};
	struct gq_body body = {.queue_id = ""};

	strlcpy(body.queue_id, queue_id, sizeof(body.queue_id));
	assert_int_not_equal(
	    ipc_request(world.gate, GQ_CONFIRM, &body, NULL, 0, -1, 60, mail_on_reply, &asked), 0);
	world_run_until(&world, mail_is_over, &asked);
	assert_int_equal(asked.failure, expected);
	assert_int_equal(asked.committed, expected == 0);
}

/* In a process of its own that ends as if killed: takes mails, delivers none. */
static void
take_and_die(char id[QUEUE_ID_SIZE])
{
	struct mail mail = {
	    .sender = "s@example.net", .recipients = to_alice, .transaction = 1, .size = 100};
	int pipe_fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		static struct world doomed;
		struct mail left = mail;

		world_open(&doomed);
		doomed.conduct = KEEPS_SILENT;
		mail.world = left.world = &doomed;
		mail_send(&mail);
		left.transaction = 2;
		left.hold = true;
		mail_start(&left);
		world_run_until(&doomed, mail_has_body, &left);
		mail.size = 70000;
		mail.committed = false;
		mail_send(&mail);
		close(open("body.00000000000000aa", O_WRONLY | O_CREAT, 0600));
		_exit(write(pipe_fds[1], mail.queue_id, QUEUE_ID_SIZE) == QUEUE_ID_SIZE ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipe_fds[0], id, QUEUE_ID_SIZE), QUEUE_ID_SIZE);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void
test_restart(void **state)
{
	char id[QUEUE_ID_SIZE];

	(void)state;
	world_make_folder(folder);
	take_and_die(id);
	assert_int_not_equal(count_files("in"), 0);
	world_open(&world);
	assert_int_equal(count_files("in"), 0);
	assert_int_equal(count_files("body"), 1);
	confirm(id, 0);
	run_until_stored(2);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 2);
	world_run_until(&world, no_bodies, NULL);
	/* The one who sent it may still ask. */
	confirm(id, 0);
	confirm("0123456789abcdef", QUEUE_UNKNOWN);
	world_close(&world);
	world_remove_folder(folder);
}

static void
test_no_space(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 60000};
	struct rlimit limit, small;

	(void)state;
	world.conduct = KEEPS_SILENT;
	getrlimit(RLIMIT_FSIZE, &limit);
	small = limit;
	small.rlim_cur = 65536; /* the body fits, the database's log doesn't */
	setrlimit(RLIMIT_FSIZE, &small);
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_NO_SPACE);
	setrlimit(RLIMIT_FSIZE, &limit);
	mail.failure = 0;
	world.conduct = STORES;
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(1);
	assert_int_equal(world.stored_count, 1);
}

/* A full file system, where we may make one. */
static void
test_full_disk(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 60000};
	unsigned committed = 0;
	int fd;

	(void)state;
	world_make_folder(folder);
	if (mount("tmpfs", folder, "tmpfs", 0, "size=3m") == -1) {
		world_remove_folder(folder);
		skip();
	}
	assert_int_equal(chdir(folder), 0);
	world_open(&world);
	world.conduct = FAILS_FOR_GOOD;
	while (mail.failure == 0 && committed < 1000) {
		mail.committed = false;
		mail_send(&mail);
		committed += mail.committed ? 1 : 0;
	}
	assert_int_equal(mail.failure, QUEUE_NO_SPACE);
	assert_true(committed > 5);
	/* Full to the last byte, in the middle of a mail. */
	mail.failure = 0;
	mail.size = 10;
	mail.hold = true;
	mail.have_body = false;
	assert_int_equal(mount(NULL, folder, NULL, MS_REMOUNT, "size=6m"), 0);
	mail_start(&mail);
	world_run_until(&world, mail_has_body, &mail);
	assert_int_equal(write(mail.body, "0123456789", 10), 10);
	fd = open("ballast", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 1024 * 1024), 0);
	while (write(fd, folder, sizeof(folder)) > 0 || lseek(fd, 0, SEEK_END) < 1024 * 1024)
		;
	while (posix_fallocate(fd, lseek(fd, 0, SEEK_END), 4096) == 0)
		lseek(fd, 0, SEEK_END);
	close(mail.body);
	mail.body = open("/dev/null", O_WRONLY); /* it is written */
	mail_commit(&mail);
	world_run_until(&world, mail_is_over, &mail);
	/* Either there was room in what the database had already, or it says so. */
	assert_true(mail.committed || mail.failure == QUEUE_NO_SPACE);
	close(fd);
	unlink("ballast");
	mail.failure = 0;
	mail.committed = false;
	mail.hold = false;
	mail_send(&mail);
	assert_true(mail.committed);
	world_close(&world);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(umount(folder), 0);
	world_remove_folder(folder);
}

/* -- Exactly once -------------------------------------------------------------------------------
 */

static void
test_session_dies_before(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};

	(void)state;
	world.conduct = DIES_BEFORE;
	mail_send(&mail);
	world_run_until(&world, is_delivering, NULL);
	world.conduct = STORES;
	run_until_stored(1);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 1);
	assert_int_equal(world.duplicates, 0);
}

static void
test_session_dies_after(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};

	(void)state;
	world.conduct = DIES_AFTER;
	mail_send(&mail);
	run_until_stored(1);
	world.conduct = STORES;
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 1);
	assert_int_equal(world.duplicates, 1);
}

static void
test_fails_for_now(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};

	(void)state;
	world.conduct = FAILS_FOR_NOW;
	mail_send(&mail);
	world_run_until(&world, is_delivering, NULL);
	world.conduct = STORES;
	run_until_stored(1);
	assert_int_equal(world.deliveries, 2);
	world_run_until(&world, all_is_written, NULL);
}

static void
test_fails_for_good(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@elsewhere.example",
			    .recipients = to_alice,
			    .size = 100};
	flow_id flow;

	(void)state;
	world.conduct = FAILS_FOR_GOOD;
	mail_send(&mail);
	world_run_until(&world, is_delivering, NULL);
	world_run_until(&world, is_quiet, NULL);
	world_run_for(&world, 2500);
	/* Tried once, kept: nobody can be told of it. */
	assert_int_equal(world.deliveries, 1);
	assert_int_equal(db_next_flow(world.queue.db, -1, &flow), 1);
	assert_true(queue_is_quiet(&world.queue));
}

static void
test_attach_fails(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};

	(void)state;
	world.attach_fails = true;
	mail_send(&mail);
	while (world.attaches < 2)
		world_run_for(&world, 10);
	world.attach_fails = false;
	run_until_stored(1);
	assert_true(world.attaches < 6);
}

/* One mail that kills its session does not hold up the others. */
static void
test_poison(void **state)
{
	struct mail mails[50];

	(void)state;
	world.queue.settings.retry = 600;
	memset(mails, 0, sizeof(mails));
	for (uint32_t i = 0; i < 50; i++) {
		mails[i].world = &world;
		mails[i].transaction = i + 1;
		mails[i].sender = i == 3 ? "poison@example.org" : "s@example.net";
		mails[i].recipients = to_alice;
		mails[i].size = 10;
		mails[i].hold = true;
		mail_start(&mails[i]);
	}
	world_run_until(&world, all_have_bodies, mails);
	world.conduct = DIES_OF_ONE;
	for (int i = 0; i < 50; i++)
		mail_commit(&mails[i]);
	/* Two deaths alone would mean a pause of ten minutes. */
	world.queue.settings.retry = 1;
	run_until_stored(49);
	assert_int_equal(world.stored_count, 49);
}

/* More than is ever in memory, for several mailboxes: all arrive, once, in turns. */
static void
test_backlog(void **state)
{
	static const char *const lists[3][2] = {
	    {"alice@example.org", NULL}, {"bob@example.org", NULL}, {"carol@example.org", NULL}};
	struct mail mails[50];
	unsigned sent = 0;

	(void)state;
	world.attach_fails = true;
	for (unsigned round = 0; round < 10; round++) {
		memset(mails, 0, sizeof(mails));
		for (unsigned i = 0; i < 50; i++) {
			mails[i].world = &world;
			mails[i].transaction = i + 1;
			mails[i].sender = "s@example.net";
			mails[i].recipients = lists[i % 7 == 0 ? i % 3 : 0];
			mails[i].size = 10;
			mail_start(&mails[i]);
		}
		world_run_until(&world, all_are_over, mails);
		for (unsigned i = 0; i < 50; i++)
			sent += mails[i].committed ? 1 : 0;
	}
	assert_int_equal(sent, 500);
	assert_int_equal(world.stored_count, 0);
	world.attach_fails = false;
	run_until_stored(500);
	world_run_until(&world, all_is_written, NULL);
	assert_int_equal(world.stored_count, 500);
	assert_int_equal(world.duplicates, 0);
}

/* -- Accounts -------------------------------------------------------------------------------------
 */

static void
test_accounts_restart(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};

	(void)state;
	world.accounts_silent = true;
	mail_start(&mail);
	while (world.resolves == 0)
		world_run_for(&world, 10);
	ipc_close(world.accounts);
	world.accounts_silent = false;
	world_run_for(&world, 50);
	assert_false(mail_is_over(&mail));
	world_open_accounts(&world);
	world_run_until(&world, mail_is_over, &mail);
	assert_true(mail.committed);
}

static bool
is_asked(void *arg)
{
	(void)arg;
	return world.resolves >= 1;
}

static bool
asked_again(void *arg)
{
	(void)arg;
	return world.resolves >= 2;
}

/* Accounts lost a question: it is asked again on the same channel, before the mail is given up. */
static void
test_accounts_lose_a_question(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};

	(void)state;
	world.accounts_silent = true;
	impatient = true;
	mail_start(&mail);
	world_run_until(&world, is_asked, NULL);
	impatient = false;
	world.accounts_silent = false;
	world_run_until(&world, asked_again, NULL);
	world_run_until(&world, mail_is_over, &mail);
	assert_true(mail.committed);
}

static void
test_submitter(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100};
	struct aq_submitter submitter = {.conn = 77};
	int sv[2];

	(void)state;
	mail.channel = world_open_gate(&world, "alice@example.org");
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(1);
	/* Whose the reverse-path is, is not the gate's to say. */
	mail.transaction = 2;
	mail.sender = "stranger@example.net";
	mail.committed = false;
	mail_send(&mail);
	assert_int_equal(mail.failure, QUEUE_SENDER);
	mail.failure = 0;
	mail.sender = "";
	mail_send(&mail);
	assert_true(mail.committed);
	run_until_stored(2);
	ipc_close(mail.channel);
	/* As it comes from accounts. */
	assert_int_equal(ipc_pair(sv), 0);
	ipc_send(world.accounts, AQ_SUBMITTER, 0, &submitter, "bob@example.org", 15, sv[1]);
	close(sv[1]);
	world_run_for(&world, 20);
	assert_int_equal(ipc_send_fd(sv[0], GQ_ABORT, 0, &(struct gq_transaction){1},
				     sizeof(struct gq_transaction), NULL, 0, -1),
			 0);
	world_run_for(&world, 20);
	close(sv[0]);
	world_run_for(&world, 20);
}

/* -- Draining
 * ---------------------------------------------------------------------------------------- */

static void
test_drain(void **state)
{
	struct mail mail = {.world = &world,
			    .transaction = 1,
			    .sender = "s@example.net",
			    .recipients = to_alice,
			    .size = 100,
			    .hold = true};
	struct mail late = mail;

	(void)state;
	late.transaction = 2;
	mail_start(&mail);
	world_run_until(&world, mail_has_body, &mail);
	world.queue.draining = true;
	mail_start(&late);
	world_run_until(&world, mail_is_over, &late);
	assert_int_equal(late.failure, QUEUE_UNAVAILABLE);
	assert_false(queue_is_quiet(&world.queue));
	mail_commit(&mail);
	world_run_until(&world, mail_is_over, &mail);
	assert_true(mail.committed);
}

int
main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(test_small_mail),
	    WITH_WORLD(test_small_mail_in_a_file),
	    WITH_WORLD(test_open_body),
	    WITH_WORLD(test_large_mail),
	    WITH_WORLD(test_recipients),
	    WITH_WORLD(test_alias),
	    WITH_WORLD(test_aliases_in_memory),
	    WITH_WORLD(test_room_of_each_client),
	    WITH_WORLD(test_one_mail_of_many_recipients),
	    WITH_WORLD(test_wishes_of_two_paths),
	    WITH_WORLD(test_refusals),
	    WITH_WORLD(test_abort),
	    WITH_WORLD(test_group_commit),
	    WITH_WORLD(test_gate_dies_after_commit),
	    cmocka_unit_test(test_restart),
	    WITH_WORLD(test_no_space),
	    cmocka_unit_test(test_full_disk),
	    WITH_WORLD(test_session_dies_before),
	    WITH_WORLD(test_session_dies_after),
	    WITH_WORLD(test_fails_for_now),
	    WITH_WORLD(test_fails_for_good),
	    WITH_WORLD(test_attach_fails),
	    WITH_WORLD(test_poison),
	    WITH_WORLD(test_backlog),
	    WITH_WORLD(test_accounts_restart),
	    WITH_WORLD(test_accounts_lose_a_question),
	    WITH_WORLD(test_submitter),
	    WITH_WORLD(test_drain),
	};

	signal(SIGXFSZ, SIG_IGN);
	log_init("test_queue", LOG_FORMAT_STDERR);
	log_set_level(LOG_EMERG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
