/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "master/srs_file.h"

#define H16 "0123456789abcdef"
#define HEX H16 H16 H16 H16

static void
lines_are_secrets(void **state)
{
	static const struct {
		const char *text;
		const char *error; /* NULL: it is good, */
		uint32_t count;    /* and has so many */
	} files[] = {
	    {HEX "\n", NULL, 1},
	    {HEX, NULL, 1},
	    {"# new\n\n" HEX "\n# old\n" HEX "\n", NULL, 2},
	    {"", "no secret", 0},
	    {"# none\n", "no secret", 0},
	    {HEX "\n" H16 "\n", "line 2", 0},
	    {HEX "0\n", "line 1", 0},
	    {"0123456789ABCDEF" H16 H16 H16 "\n", "line 1", 0},
	    {HEX "\r\n", "line 1", 0},
	    {HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n", NULL, 8},
	    {HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX "\n" HEX,
	     "line 9: more than 8", 0},
	};
	struct ma_srs srs;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int result = srs_file_parse(files[i].text, strlen(files[i].text), &srs, &err);

		print_message("%zu\n", i);
		assert_int_equal(result, files[i].error == NULL ? 0 : -1);
		if (files[i].error != NULL) {
			assert_non_null(strstr(err.text, files[i].error));
			continue;
		}
		assert_int_equal(srs.count, files[i].count);
		assert_memory_equal(srs.secrets[srs.count - 1], "\x01\x23\x45\x67\x89\xab\xcd\xef",
				    8);
	}
}

/* It is made once, for its owner alone; what others can read is none. */
static void
it_is_made_and_kept(void **state)
{
	char folder[] = "/tmp/postern-srs.XXXXXX", path[64];
	struct ma_srs first = {.count = 7}, second = {.count = 7};
	struct error err;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/" SRS_FILE_NAME, folder);
	assert_int_equal(srs_file_read(folder, &first, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 2 * SRS_SECRET_SIZE + 1);
	assert_int_equal(first.count, 1);
	assert_int_equal(srs_file_read(folder, &second, &err), 0);
	assert_memory_equal(first.secrets[0], second.secrets[0], SRS_SECRET_SIZE);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(srs_file_read(folder, &second, &err), -1);
	assert_non_null(strstr(err.text, "chmod 0600"));
	assert_int_equal(second.count, 0);
	assert_int_equal(unlink(path), 0);
	/* Another one. */
	assert_int_equal(srs_file_read(folder, &second, &err), 0);
	assert_memory_not_equal(first.secrets[0], second.secrets[0], SRS_SECRET_SIZE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(srs_file_read(folder, &second, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_secrets),
	    cmocka_unit_test(it_is_made_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
