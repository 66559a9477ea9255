/* SPDX-License-Identifier: ISC */
/* A line with a secret: its end, its length, and what is left unread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/secret_line.h"

/* The end to read from of a pipe that has TEXT and no more. */
static int
pipe_of(const char *text, size_t length)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, length), length);
	close(ends[1]);
	return ends[0];
}

static void
test_lines(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		ssize_t result;
		const char *line;
	} rows[] = {
	    {"secret\nnext", 11, 6, "secret"},
	    {"secret\r\n", 8, 6, "secret"},
	    {"secret", 6, 6, "secret"},
	    {"", 0, 0, ""},
	    {"\n", 1, 0, ""},
	    {"a\rb\n", 4, 3, "a\rb"},
	    {"a\0b\n", 4, 3, "a"},
	    {"1234567\n", 8, 7, "1234567"},
	    {"12345678\n", 9, -1, "1234567"},
	};
	char out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = pipe_of(rows[i].text, rows[i].length);

		errno = 0;
		assert_int_equal(secret_line(fd, out, sizeof(out)), rows[i].result);
		assert_string_equal(out, rows[i].line);
		assert_int_equal(errno, rows[i].result == -1 ? EMSGSIZE : 0);
		close(fd);
	}
	assert_int_equal(secret_line(-1, out, sizeof(out)), -1);
	assert_int_equal(errno, EBADF);
}

static void
test_next_line(void **state)
{
	int fd = pipe_of("one\ntwo\n", 8);
	char out[8];

	(void)state;
	assert_int_equal(secret_line(fd, out, sizeof(out)), 3);
	assert_int_equal(secret_line(fd, out, sizeof(out)), 3);
	assert_string_equal(out, "two");
	assert_int_equal(secret_line(fd, out, sizeof(out)), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_next_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
