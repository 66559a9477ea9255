/* SPDX-License-Identifier: ISC */
/* The queue's clock, spool and database, each by itself. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sqlite_dir.h"
#include "tests/unit/power_cut.h"
#include "tests/unit/queue_world.h"
#include "worker/queue/clock.h"
#include "worker/queue/db_private.h"

static char folder[64];
static int directory;

static int
set_up(void **state)
{
	(void)state;
	world_make_folder(folder);
	directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory == -1 ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(directory);
	world_remove_folder(folder);
	return 0;
}

/* -- clock ------------------------------------------------------------------------------ */

static void
test_backoff(void **state)
{
	static const uint32_t randoms[] = {0, 1, 12345, 0x7fffffff, UINT32_MAX};

	(void)state;
	for (uint32_t attempts = 1; attempts < 40; attempts++) {
		int64_t whole = 60 * CLOCK_SECOND;

		for (uint32_t i = 1; i < attempts && whole < 3600 * CLOCK_SECOND; i++)
			whole *= 2;
		if (whole > 3600 * CLOCK_SECOND)
			whole = 3600 * CLOCK_SECOND;
		for (size_t r = 0; r < sizeof(randoms) / sizeof(randoms[0]); r++) {
			int64_t delay = clock_backoff(60, attempts, randoms[r]);

			assert_true(delay >= whole * 3 / 4);
			assert_true(delay <= whole * 5 / 4);
		}
	}
	assert_true(clock_backoff(0, 1, 0) > 0);
	assert_true(clock_backoff(UINT32_MAX, UINT32_MAX, 0) <= 3600 * CLOCK_SECOND);
	assert_true(clock_backoff(60, UINT32_MAX, 7) <= 5000 * CLOCK_SECOND);
}

/* -- spool -------------------------------------------------------------------------------- */

/* A process that holds FD until a byte comes (or the pipe ends); returns its pid. */
static pid_t
holder(int fd, int release)
{
	pid_t pid = fork();
	char byte;

	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	_exit(read(release, &byte, 1) == 1 && fcntl(fd, F_GETFD) != -1 ? 0 : 1);
}

static void
test_lease_finds_writer(void **state)
{
	struct error err;
	struct spool *spool = spool_open(directory, &err);
	int pipe_fds[2], fd, sealed, status;
	uint32_t slot;
	pid_t pid;

	(void)state;
	assert_non_null(spool);
	fd = spool_create(spool, &slot);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "body", 4), 4);
	assert_int_equal(pipe(pipe_fds), 0);
	pid = holder(fd, pipe_fds[0]);
	close(fd);
	/* Ours is closed, another process' is not. */
	assert_int_equal(spool_seal(spool, slot), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	sealed = spool_seal(spool, slot);
	assert_int_not_equal(sealed, -1);
	assert_int_equal(write(sealed, "x", 1), -1);
	close(sealed);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	spool_discard(spool, slot);
	spool_close(spool);
}

/* A descriptor that is on its way in a socket counts as well. */
static void
test_lease_finds_one_in_flight(void **state)
{
	struct error err;
	struct spool *spool = spool_open(directory, &err);
	uint32_t slot;
	int sv[2], fd;

	(void)state;
	fd = spool_create(spool, &slot);
	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(ipc_send_fd(sv[0], 1, 1, NULL, 0, NULL, 0, fd), 0);
	close(fd);
	assert_int_equal(spool_seal(spool, slot), -1);
	assert_int_equal(errno, EBUSY);
	close(sv[0]);
	close(sv[1]);
	fd = spool_seal(spool, slot);
	assert_int_not_equal(fd, -1);
	close(fd);
	spool_close(spool);
}

static void
test_recycled_is_empty(void **state)
{
	struct error err;
	struct spool *spool = spool_open(directory, &err);
	uint32_t first, second;
	int fd;

	(void)state;
	fd = spool_create(spool, &first);
	close(fd);
	spool_recycle(spool, first);
	fd = spool_create(spool, &second);
	assert_int_equal(second, first);
	/* Not one that somebody can still write to, or has. */
	spool_recycle(spool, second);
	assert_int_equal(write(fd, "somebody's secret", 17), 17);
	close(fd);
	fd = spool_create(spool, &second);
	assert_int_not_equal(second, first);
	assert_int_equal(write(fd, "another", 7), 7);
	close(fd);
	spool_recycle(spool, second);
	fd = spool_create(spool, &first);
	assert_int_not_equal(second, first);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	spool_close(spool);
}

static bool
knows_seven(uint64_t id, void *arg)
{
	(void)arg;
	return id == 7;
}

static void
test_clean(void **state)
{
	static const char *const names[] = {
	    "in.0",     "in.99", "body.0000000000000007", "body.0000000000000008",
	    "queue.db", "body.x"};
	struct error err;
	struct spool *spool = spool_open(directory, &err);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(open(names[i], O_WRONLY | O_CREAT, 0600));
	assert_int_equal(spool_clean(spool, knows_seven, NULL, &err), 3);
	assert_int_equal(access("body.0000000000000007", F_OK), 0);
	assert_int_equal(access("body.0000000000000008", F_OK), -1);
	assert_int_equal(access("queue.db", F_OK), 0);
	assert_int_equal(access("body.x", F_OK), 0);
	spool_close(spool);
}

static void
test_memory(void **state)
{
	char bytes[8];
	int fd = spool_memory("content", 7);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 7);
	assert_memory_equal(bytes, "content", 7);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), -1);
	close(fd);
}

/* -- db -------------------------------------------------------------------------------------- */

static void
add(struct db *db, uint64_t id, const char *body, const char *mailbox, int64_t next)
{
	struct db_message message = {.id = id,
				     .conn = 5,
				     .received = 1000,
				     .sender = "sender@example.org",
				     .submitter = "",
				     .size = body == NULL ? 70000 : strlen(body),
				     .body = body};
	struct db_recipient recipient = {.message = id,
					 .path = "To@example.org",
					 .mailbox = mailbox,
					 .flow = 7,
					 .next_attempt = next};

	assert_int_equal(db_add_message(db, &message), DB_OK);
	assert_int_equal(db_add_recipient(db, &recipient), DB_OK);
	recipient.index = 1;
	recipient.mailbox = "second@example.org";
	recipient.flow = 9;
	assert_int_equal(db_add_recipient(db, &recipient), DB_OK);
}

static int
read_body(const struct db_message *message, void *arg)
{
	if (message->body == NULL)
		return 2;
	assert_string_equal(message->sender, "sender@example.org");
	return message->size == strlen(arg) && memcmp(message->body, arg, message->size) == 0;
}

static void
test_db(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	flow_id flow = -1;
	bool known, left_file;

	(void)state;
	assert_non_null(db);
	assert_int_equal(db_begin(db), DB_OK);
	add(db, UINT64_MAX - 1, "hello", "first@example.org", 10);
	add(db, 2, NULL, "first@example.org", 10);
	add(db, 3, "", "first@example.org", 30);
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_commits(db), 1);
	assert_int_equal(db_message(db, UINT64_MAX - 1, read_body, "hello"), 1);
	assert_int_equal(db_message(db, 2, read_body, NULL), 2);
	assert_int_equal(db_message(db, 3, read_body, ""), 1);
	assert_int_equal(db_message(db, 4, read_body, ""), -1);
	assert_true(db_has_file(db, 2));
	assert_false(db_has_file(db, 3));
	assert_int_equal(db_next_flow(db, flow, &flow), 1);
	assert_int_equal(flow, 7);
	assert_int_equal(db_next_flow(db, flow, &flow), 1);
	assert_int_equal(flow, 9);
	assert_int_equal(db_next_flow(db, flow, &flow), 0);
	/* A message goes with its last recipient. */
	assert_int_equal(db_begin(db), DB_OK);
	assert_int_equal(db_done(db, 2, 0, &left_file), DB_OK);
	assert_false(left_file);
	assert_int_equal(db_done(db, 2, 1, &left_file), DB_OK);
	assert_true(left_file);
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_known(db, 2, &known), DB_OK);
	assert_false(known);
	assert_int_equal(db_known(db, 3, &known), DB_OK);
	assert_true(known);
	db_close(db);
}

/* A process takes a mail and is done with it, and the power fails. */
static void
be_done_and_die(bool sync)
{
	struct error err;
	struct db *db;
	bool left_file;

	power_cut_at(UINT_MAX, POWER_CUT_ALL);
	db = db_open(&err);
	if (db == NULL || db_begin(db) != DB_OK)
		_exit(1);
	add(db, 2, NULL, "first@example.org", 10);
	if (db_commit(db) != DB_OK || db_begin(db) != DB_OK ||
	    db_done(db, 2, 0, &left_file) != DB_OK || db_done(db, 2, 1, &left_file) != DB_OK ||
	    db_commit_unsynced(db) != DB_OK || (sync && db_sync(db) != DB_OK))
		_exit(2);
	power_cut_at(1, POWER_CUT_ALL);
	(void)fsync(directory);
	_exit(3);
}

/* Runs ACT in a process of its own, which ends without closing anything. Its status. */
static int
in_a_process(void (*act)(struct db *))
{
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		act(db_open(&err));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
leave_one(struct db *db)
{
	if (db_begin(db) != DB_OK || db_remember(db, 2) != DB_OK || db_commit_unsynced(db) != DB_OK)
		_exit(1);
}

static void
do_nothing(struct db *db)
{
	(void)db;
}

/* What a process left unsynced another one brings to disk before it does anything with it. */
static void
test_db_is_synced_first(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(leave_one), 0);
	/* It writes nothing, so its first step is the sync. */
	power_cut_at(1, POWER_CUT_NONE);
	assert_true(WIFSIGNALED(in_a_process(do_nothing)));
	power_cut_off();
}

/* SQLite tells nobody that a checkpoint could not sync, and what it left is not on disk. */
static void
test_db_checkpoint_fails(void **state)
{
	static char body[60000];
	struct error err;
	struct db *db = db_open(&err);

	(void)state;
	assert_non_null(db);
	memset(body, 'x', sizeof(body) - 1);
	assert_int_equal(db_begin(db), DB_OK);
	for (uint64_t id = 1; id < 200; id++)
		add(db, id, body, "first@example.org", 10);
	power_cut_refuse();
	assert_int_equal(db_commit(db), DB_LOST);
	db_close(db);
}

static void
test_db_unsynced(void **state)
{
	(void)state;
	for (int sync = 0; sync < 2; sync++) {
		struct error err;
		struct db *db;
		pid_t pid = fork();
		int status;
		bool known;

		if (pid == 0)
			be_done_and_die(sync == 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		db = db_open(&err);
		assert_non_null(db);
		assert_int_equal(db_known(db, 2, &known), DB_OK);
		assert_int_equal(known, sync == 0);
		db_close(db);
		world_remove_folder(folder);
		world_make_folder(folder);
	}
}

struct due {
	struct db_delivery found[8];
	size_t count, stop;
};

static bool
take_due(const struct db_delivery *row, const char *mailbox, void *arg)
{
	struct due *due = arg;

	assert_string_equal(mailbox, "a@example.org");
	if (due->count == due->stop)
		return false;
	due->found[due->count++] = *row;
	return true;
}

static void
test_db_due(void **state)
{
	struct due all = {.stop = 8}, two = {.stop = 2}, last = {.stop = 8};
	struct db_position position = {0, 0, 0};
	struct error err;
	struct db *db = db_open(&err);
	flow_id flow;
	int64_t due;
	struct db_deferral deferral = {
	    .message = 100, .attempts = 3, .next_attempt = 90, .reason = "because"};

	(void)state;
	assert_int_equal(db_begin(db), DB_OK);
	/* Ties of the time are told apart by the id, as SQLite compares it: signed. */
	for (uint64_t i = 1; i <= 6; i++)
		add(db, i << 61, "x", "a@example.org", 10);
	add(db, 100, "x", "a@example.org", 50);
	add(db, 101, "x", "a@example.org", DB_HELD);
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_due(db, 7, position, 20, 4, take_due, &all, &due), 1);
	assert_int_equal(all.count, 4);
	assert_int_equal(due, 10);
	assert_int_equal(db_due(db, 7, position, 20, 4, take_due, &two, &due), 0);
	assert_int_equal(two.count, 2);
	position = all.found[3].position;
	assert_int_equal(db_due(db, 7, position, 20, 4, take_due, &all, &due), 1);
	assert_int_equal(all.count, 6);
	assert_int_equal(due, 50);
	position = all.found[5].position;
	/* What is due now is not yet. */
	assert_int_equal(db_due(db, 7, position, 50, 4, take_due, &all, &due), 1);
	assert_int_equal(all.count, 6);
	assert_int_equal(db_due(db, 7, position, 51, 4, take_due, &all, &due), 1);
	assert_int_equal(all.count, 7);
	assert_int_equal(all.found[6].position.message, 100);
	assert_true(due == DB_HELD);
	assert_int_equal(db_begin(db), DB_OK);
	assert_int_equal(db_defer(db, &deferral, &flow), DB_OK);
	assert_int_equal(flow, 7);
	deferral.message = 99;
	assert_int_equal(db_defer(db, &deferral, &flow), DB_OK);
	assert_int_equal(flow, -1);
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_due(db, 7, position, 99, 4, take_due, &last, &due), 1);
	assert_int_equal(last.count, 1);
	assert_int_equal(last.found[0].attempts, 3);
	db_close(db);
}

/* A lane's are those of one mailbox and flow, behind one position and up to another. */
static void
test_db_lane(void **state)
{
	const struct db_position first = {0, 0, 0}, all = {INT64_MAX, INT64_MAX, UINT32_MAX};
	struct db_position until = {30, 3, 0};
	struct db_delivery found[8];
	struct error err;
	struct db *db = db_open(&err);

	(void)state;
	assert_int_equal(db_begin(db), DB_OK);
	for (uint64_t i = 1; i <= 5; i++)
		add(db, i, "x", i == 2 ? "b@example.org" : "a@example.org", (int64_t)i * 10);
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_lane(db, "a@example.org", 7, first, all, found, 8), 4);
	assert_int_equal(db_lane(db, "a@example.org", 9, first, all, found, 8), 0);
	assert_int_equal(db_lane(db, "second@example.org", 9, first, all, found, 8), 5);
	assert_int_equal(db_lane(db, "a@example.org", 7, first, all, found, 3), 3);
	assert_int_equal(db_lane(db, "a@example.org", 7, first, until, found, 8), 2);
	assert_int_equal(found[1].position.message, 3);
	assert_int_equal(db_lane(db, "a@example.org", 7, until, all, found, 8), 2);
	assert_int_equal(found[0].position.message, 4);
	db_close(db);
}

static void
test_db_rollback(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	bool known;

	(void)state;
	assert_int_equal(db_begin(db), DB_OK);
	add(db, 1, "x", "a@example.org", 10);
	db_rollback(db);
	db_rollback(db);
	assert_int_equal(db_known(db, 1, &known), DB_OK);
	assert_false(known);
	assert_int_equal(db_begin(db), DB_OK);
	assert_int_equal(db_remember(db, 9), DB_OK);
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_known(db, 9, &known), DB_OK);
	assert_true(known);
	db_close(db);
}

/* What another run of the program took is remembered after its delivery; what this one took not. */
static void
test_db_remembers_other_runs(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	bool known, left;

	(void)state;
	assert_int_equal(db_begin(db), DB_OK);
	add(db, 1, "x", "a@example.org", 10);
	assert_int_equal(db_commit(db), DB_OK);
	db_close(db);
	db = db_open(&err);
	assert_int_equal(db_begin(db), DB_OK);
	add(db, 2, "x", "a@example.org", 10);
	for (uint64_t id = 1; id <= 2; id++) {
		assert_int_equal(db_done(db, id, 0, &left), DB_OK);
		assert_int_equal(db_done(db, id, 1, &left), DB_OK);
	}
	assert_int_equal(db_commit(db), DB_OK);
	assert_int_equal(db_known(db, 1, &known), DB_OK);
	assert_true(known);
	assert_int_equal(db_known(db, 2, &known), DB_OK);
	assert_false(known);
	db_close(db);
}

static void
test_db_of_the_future(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	sqlite3 *raw;

	(void)state;
	db_close(db);
	assert_int_equal(sqlite_dir_open("queue.db", 100, &raw, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(raw, "PRAGMA user_version=99", &err), 0);
	sqlite3_close(raw);
	assert_null(db_open(&err));
	assert_non_null(strstr(err.text, "newer"));
}

static void
note_time(const struct db_entry *entry, void *arg)
{
	int64_t *times = arg;

	times[entry->message] = entry->next_attempt;
}

/* A clock that was days ahead has put it off: the next start doesn't wait for that. */
static void
test_db_brings_back(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	int64_t now = clock_now(), times[5] = {0};
	const int64_t before[] = {now - CLOCK_SECOND, now + CLOCK_LONGEST, now + 30 * CLOCK_LONGEST,
				  DB_HELD};

	(void)state;
	assert_int_equal(db_begin(db), DB_OK);
	for (uint64_t i = 0; i < 4; i++)
		add(db, i + 1, "x", "a@example.org", before[i]);
	assert_int_equal(db_commit(db), DB_OK);
	db_close(db);
	db = db_open(&err);
	assert_non_null(db);
	assert_int_equal(db_entries(db, NULL, 10, note_time, times), DB_OK);
	assert_int_equal(times[1], before[0]);
	assert_int_equal(times[2], before[1]);
	assert_in_range(times[3], now, now + CLOCK_LONGEST);
	assert_int_equal(times[4], DB_HELD);
	db_close(db);
}

static int
note_since(const struct db_message *message, void *arg)
{
	*(int64_t *)arg = message->since;
	return 0;
}

/* Nor is a mail younger than new, or years old, because a clock was wrong when it came. */
static void
test_db_mends_ages(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	const int64_t now = clock_now(), day = 86400 * CLOCK_SECOND, late = now - 4 * day;
	const struct {
		int64_t since, next_attempt;
		bool mended;
	} cases[] = {
	    {late, now - CLOCK_SECOND, false},
	    {late, DB_HELD, false},
	    {now + 40 * day, now + 40 * day, true},
	    {now + 40 * day, DB_HELD, true},
	    {3600 * CLOCK_SECOND, 3600 * CLOCK_SECOND, true},
	    {3600 * CLOCK_SECOND, DB_HELD, true},
	    /* Its clock was ahead; the time of a later attempt says nothing of that. */
	    {late, now + 40 * day, false},
	};

	(void)state;
	assert_int_equal(db_begin(db), DB_OK);
	for (uint64_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct db_message message = {
		    .id = i + 1, .sender = "s@x", .submitter = "", .since = cases[i].since};
		const struct db_recipient recipient = {.message = i + 1,
						       .path = "a@example.org",
						       .mailbox = "a@example.org",
						       .next_attempt = cases[i].next_attempt};

		assert_int_equal(db_add_message(db, &message), DB_OK);
		assert_int_equal(db_add_recipient(db, &recipient), DB_OK);
	}
	assert_int_equal(db_commit(db), DB_OK);
	db_close(db);
	db = db_open(&err);
	assert_non_null(db);
	for (uint64_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t since = 0;

		assert_int_equal(db_message(db, i + 1, note_since, &since), 0);
		if (cases[i].mended)
			assert_in_range(since, now, clock_now());
		else
			assert_int_equal(since, cases[i].since);
	}
	db_close(db);
}

/*
 * A queue of any size: each statement goes to its rows by an index, in the order that is wanted.
 * Some do not: notices are few, and three are run at the start only.
 */
static void
test_no_statement_scans(void **state)
{
	struct error err;
	struct db *db = db_open(&err);
	sqlite3_stmt *plan;
	char sql[2048];

	(void)state;
	for (int i = DB_STMT_ADD_MESSAGE; i < DB_STMT_COUNT; i++) {
		if (i == DB_STMT_OLD_NOTICES || i == DB_STMT_FORGET || i == DB_STMT_MEND_SINCE ||
		    i == DB_STMT_BRING_BACK)
			continue;
		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", sqlite3_sql(db->statements[i]));
		assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if (strstr(step, "TEMP B-TREE") != NULL ||
			    (strncmp(step, "SCAN", 4) == 0 &&
			     strcmp(step, "SCAN CONSTANT ROW") != 0))
				fail_msg("%s: %s", sql, step);
		}
		sqlite3_finalize(plan);
	}
	db_close(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test_setup_teardown(test_lease_finds_writer, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_lease_finds_one_in_flight, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_recycled_is_empty, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_clean, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_is_synced_first, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_checkpoint_fails, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_unsynced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_due, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_lane, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_rollback, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_remembers_other_runs, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_brings_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_mends_ages, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_no_statement_scans, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_db_of_the_future, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
