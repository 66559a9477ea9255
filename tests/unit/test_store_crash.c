/* SPDX-License-Identifier: ISC */
/*
 * A crash before every write, sync, rename and removal that a mailbox makes, as kill -9 and
 * as three kinds of power cut: what was acknowledged is there, what was not is there or not, whole,
 * and a check finds nothing wrong.
 */
#include "tests/unit/store_house.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/power_cut.h"
#include "worker/session/store_check.h"

static bool
append(struct store *store, int64_t folder, size_t count, const struct store_replaced *replaced)
{
	struct store_append list[4] = {{.upload = NULL}};
	struct error err;

	for (size_t i = 0; i < count; i++) {
		list[i].internaldate = 1600000000;
		list[i].keywords = "Foo";
		if (store_upload_open(store, &list[i].upload, &err) != STORE_OK ||
		    store_upload_write(list[i].upload, "Subject: x\r\n\r\n", 14, &err) != STORE_OK)
			return false;
	}
	return store_append(store, folder, list, count, replaced, &err) == STORE_OK;
}

static bool
deliver(struct store *store)
{
	house_deliver(store, 1);
	return true;
}

/* A batch is one transaction. */
static bool
deliver_more(struct store *store)
{
	struct store_delivery d[3];
	FILE *file = tmpfile();

	if (file == NULL)
		return false;
	for (size_t i = 0; i < 3; i++) {
		d[i] = (struct store_delivery){.return_path = "", .fd = fileno(file)};
		snprintf(d[i].id, sizeof(d[i].id), "more.%zu", i);
	}
	store_deliver(store, d, 3);
	fclose(file);
	return d[0].result == STORE_OK && d[1].result == STORE_OK && d[2].result == STORE_OK;
}

static bool
create(struct store *store)
{
	struct error err;

	return store_folder_create(store, "a/b", 0, NULL, &err) == STORE_OK;
}

static bool
append_one(struct store *store)
{
	return append(store, 2, 1, NULL);
}

static bool
append_many(struct store *store)
{
	return append(store, 2, 4, NULL);
}

static bool
flags(struct store *store)
{
	struct store_flags_change change = {STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED, "Foo",
					    UINT64_MAX};
	struct store_range *failed;
	struct error err;
	uint64_t modseq;
	size_t count;

	return store_flags(store, 1, &(struct store_range){2, 3}, 1, &change, &modseq, &failed,
			   &count, &err) == STORE_OK;
}

static bool
copy(struct store *store)
{
	struct store_copied copied;
	struct error err;
	bool done = store_copy(store, 1, NULL, 0, 2, false, &copied, &err) == STORE_OK;

	store_copied_free(&copied);
	return done;
}

static bool
move(struct store *store)
{
	struct store_copied copied;
	struct error err;
	bool done = store_copy(store, 2, &(struct store_range){1, 3}, 1, 1, true, &copied, &err) ==
		    STORE_OK;

	store_copied_free(&copied);
	return done;
}

static bool
replace(struct store *store)
{
	return append(store, 1, 1, &(struct store_replaced){2, 4});
}

static bool
expunge(struct store *store)
{
	struct store_range *removed;
	struct error err;
	size_t count;
	bool done = store_expunge_deleted(store, 1, NULL, 0, &removed, &count, &err) == STORE_OK;

	free(removed);
	return done;
}

static bool
rename_folder(struct store *store)
{
	struct error err;

	return store_folder_rename(store, "a/b", "c", &err) == STORE_OK;
}

static bool
delete_folder(struct store *store)
{
	struct error err;

	return store_folder_delete(store, "c", &err) == STORE_OK;
}

static bool (*const acts[])(struct store *) = {
    deliver, create,  append_one, append_many,   deliver_more,  flags,   copy,
    move,    replace, expunge,    rename_folder, delete_folder, deliver,
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))

/*
 * -- What is there --------------------------------------------------------------------
 */

#define TEXT_SIZE 4000

struct reader {
	struct store *store;
	char text[TEXT_SIZE];
};

static void
read_folder(const char *name, const struct store_folder *folder, void *arg)
{
	struct reader *reader = arg;
	size_t used = strlen(reader->text);

	snprintf(reader->text + used, TEXT_SIZE - used, "%s next %u modseq %llu: %s\n", name,
		 folder->uidnext, (unsigned long long)folder->highestmodseq,
		 house_list(reader->store, folder->id));
}

static void
read_all(struct store *store, char text[TEXT_SIZE])
{
	struct reader reader = {.store = store, .text = ""};
	struct error err;

	house_ok(store_folders(store, read_folder, &reader, &err), &err);
	strlcpy(text, reader.text, TEXT_SIZE);
}

/* [n]: after n acts. */
static char expected[ACTS + 1][TEXT_SIZE];

static void
rehearse(void)
{
	struct store *store = house_open();

	read_all(store, expected[0]);
	for (size_t i = 0; i < ACTS; i++) {
		assert_true(acts[i](store));
		read_all(store, expected[i + 1]);
	}
	store_close(store);
}

/* Without EVERY_STEP in the environment: one of so many, other ones in each test. */
#define STRIDE 5

/*
 * -- Crashes ---------------------------------------------------------------------------
 */

/* In a process of its own. Says one octet for each act that is acknowledged. */
static void
play(unsigned step, enum power_cut how, int acks)
{
	struct store *store;

	power_cut_at(step, how);
	store = house_open();
	for (size_t i = 0; i < ACTS; i++) {
		if (!acts[i](store))
			_exit(1);
		if (write(acks, "x", 1) != 1)
			_exit(2);
	}
	store_close(store);
	power_cut_off();
	_exit(0);
}

static void
tell(const char *what, void *arg)
{
	strlcpy(arg, what, ERROR_MAX);
}

static void
inspect(size_t acknowledged, unsigned step, enum power_cut how)
{
	char text[TEXT_SIZE], problem[ERROR_MAX] = "";
	struct store *store = house_open();
	struct store_check report;
	struct error err;

	read_all(store, text);
	if (strcmp(text, expected[acknowledged]) != 0 &&
	    (acknowledged == ACTS || strcmp(text, expected[acknowledged + 1]) != 0))
		fail_msg("cut %d at step %u, after %zu acts:\n%s", how, step, acknowledged, text);
	house_check(store);
	/* It goes on working, which also puts right what was left half-done. */
	house_deliver(store, 1);
	store_close(store);
	house_ok(store_check(false, tell, problem, &report, &err), &err);
	if (report.problems > 0)
		fail_msg("cut %d at step %u, after %zu acts: %s", how, step, acknowledged, problem);
	if (report.files != report.messages)
		fail_msg("cut %d at step %u, after %zu acts: %d files, %d messages", how, step,
			 acknowledged, (int)report.files, (int)report.messages);
	assert_int_equal(house_files("tmp"), 0);
}

/* False: it came to its end before that step. */
static bool
crash(unsigned step, enum power_cut how)
{
	size_t acknowledged = 0;
	int pipes[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0)
		play(step, how, pipes[1]);
	close(pipes[1]);
	while (read(pipes[0], &byte, 1) == 1)
		acknowledged++;
	close(pipes[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		return false;
	}
	assert_int_equal(WTERMSIG(status), SIGKILL);
	inspect(acknowledged, step, how);
	return true;
}

static void
crash_everywhere(void **state, enum power_cut how)
{
	unsigned stride = getenv("EVERY_STEP") != NULL ? 1 : STRIDE, step = 1 + how;

	rehearse();
	for (bool more = true; more; step += stride) {
		house_tear_down(state);
		house_set_up(state);
		more = crash(step, how);
	}
	print_message("%u steps\n", step);
	assert_true(step > 100);
}

static void
test_killed(void **state)
{
	crash_everywhere(state, POWER_CUT_NONE);
}

static void
test_power_cut(void **state)
{
	crash_everywhere(state, POWER_CUT_ALL);
}

static void
test_contents_lost(void **state)
{
	crash_everywhere(state, POWER_CUT_CONTENTS);
}

static void
test_names_lost(void **state)
{
	crash_everywhere(state, POWER_CUT_NAMES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_killed),
	    TEST(test_power_cut),
	    TEST(test_contents_lost),
	    TEST(test_names_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
