/* SPDX-License-Identifier: ISC */
/* Mails of the server's own: each is sent once, whatever happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/queue_world.h"
#include "worker/queue/notice.h"

#define DAY 86400
#define NOW 1795543810 /* 2026-11-24 18:10:10 */

static char folder[64];
static struct world world;

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

static bool
stored_at_least(void *arg)
{
	return world.stored_count >= *(const unsigned *)arg && queue_is_quiet(&world.queue);
}

static void
await(unsigned count)
{
	world_run_until(&world, stored_at_least, &count);
}

static struct mq_notice
sample(const char *name, unsigned step)
{
	struct mq_notice notice = {.until = NOW + 7 * DAY, .step = step};

	strlcpy(notice.name, name, sizeof(notice.name));
	return notice;
}

static void
take(const struct mq_notice *notice)
{
	assert_int_equal(notice_take(&world.queue, notice, "smtp:25", 7), 0);
}

static void
test_once(void **state)
{
	struct mq_notice notice = sample("mail", 3), other = sample("other", 3);

	(void)state;
	take(&notice);
	take(&notice); /* while it is under way */
	await(1);
	take(&notice);
	take(&other);
	await(2);
	assert_string_equal(SLIST_FIRST(&world.stored)->sender, "");

	/* Another process knows too. */
	world_close(&world);
	world_open(&world);
	take(&notice);
	take(&other);
	notice.step++;
	take(&notice);
	await(1);
	world_run_for(&world, 100);
	assert_int_equal(world.stored_count, 1);
	/* A new certificate of that name is another matter. */
	notice.until += 90 * DAY;
	notice.step = 3;
	take(&notice);
	await(2);
}

/* What could not be sent is not remembered as sent. */
static void
test_later(void **state)
{
	struct mq_notice notice = sample("mail", 1);

	(void)state;
	world.queue.draining = true;
	take(&notice);
	world_run_for(&world, 100);
	assert_int_equal(world.stored_count, 0);
	world.queue.draining = false;
	take(&notice);
	await(1);
}

static void
test_lies(void **state)
{
	struct mq_notice notice = sample("mail", 0);
	char listeners[PRESENTERS_SIZE + 1];

	(void)state;
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice.step = EXPIRY_STEPS + 1;
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice = sample("mail", 1);
	notice.until = -1;
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice.until = INT64_MAX;
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice = sample("../mail", 1);
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice = sample("mail", 1);
	notice.self_signed = 2;
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice.self_signed = 0;
	notice.zero[6] = 1;
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	notice.zero[6] = 0;
	assert_int_equal(notice_take(&world.queue, &notice, "a\r\nBcc: x", 9), -1);
	memset(listeners, 'a', sizeof(listeners));
	assert_int_equal(notice_take(&world.queue, &notice, listeners, PRESENTERS_SIZE), -1);
	memset(notice.name, 'a', sizeof(notice.name));
	assert_int_equal(notice_take(&world.queue, &notice, NULL, 0), -1);
	assert_int_equal(world.stored_count, 0);
}

static void
test_text(void **state)
{
	static const struct {
		int64_t left;
		const char *subject;
	} cases[] = {{30 * DAY, "expires in 30 days"},
		     {7 * DAY - 60, "expires in 7 days"},
		     {3 * DAY / 2 - 9, "expires in 1 day\r"},
		     {60, "expires within a day"},
		     {0, "has expired"},
		     {-3 * DAY, "has expired"}};
	struct mq_notice notice = sample("mail.example.org", 3);
	char text[NOTICE_SIZE], listeners[PRESENTERS_SIZE];
	size_t length;

	(void)state;
	memset(listeners, 'a', sizeof(listeners) - 1);
	listeners[sizeof(listeners) - 1] = '\0';
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		notice.until = NOW + cases[i].left;
		length = notice_text(&notice, "", "mx.example.org", NOW, text);
		assert_int_equal(length, strlen(text));
		assert_non_null(strstr(text, cases[i].subject));
	}
	assert_non_null(strstr(text, "Date: Tue, 24 Nov 2026 18:10:10 +0000\r\n"));
	assert_non_null(strstr(text, "From: Postern <postmaster@mx.example.org>\r\n"));
	/* As long as can be: all of it is there, in lines of 998 characters at most. */
	memset(notice.name, 'n', sizeof(notice.name) - 1);
	length = notice_text(&notice, listeners, "mx.example.org", NOW, text);
	assert_non_null(strstr(text, "once each.\r\n"));
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		assert_in_range(strcspn(line, "\r\n"), 0, 200);
		assert_true(strncmp(line + strcspn(line, "\r\n"), "\r\n", 2) == 0);
	}
	assert_in_range(length, 1, NOTICE_SIZE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_later, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
