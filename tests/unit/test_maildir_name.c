/* SPDX-License-Identifier: ISC */
/* What the names and small files of a Maildir++ say, and what is said by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/maildir_name.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
test_folders(void **state)
{
	static const struct {
		const char *dir, *folder;
	} same[] = {
	    {".Work", "Work"},
	    {".Work.Old", "Work/Old"},
	    {".Entw&APw-rfe", "Entw\xc3\xbcrfe"},
	    {".a&AC4-b.c", "a.b/c"},
	    {".a&-b", "a&b"},
	    {".INBOX.x", "INBOX/x"},
	    {".a&AC4-&AC4-", "a.."},
	};
	char folder[FOLDER_NAME_MAX + 1], dir[MAILDIR_DIR_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++) {
		assert_int_equal(maildir_folder_read(same[i].dir, strlen(same[i].dir), folder), 0);
		assert_string_equal(folder, same[i].folder);
		assert_int_equal(maildir_folder_write(same[i].folder, dir), 0);
		assert_string_equal(dir, same[i].dir);
	}
	assert_int_equal(maildir_folder_read("inbox.x", 7, folder), 0);
	assert_string_equal(folder, "INBOX/x");
	assert_int_equal(maildir_folder_read("Sent", 4, folder), 0);
	assert_string_equal(folder, "Sent");
	assert_int_equal(maildir_folder_write("INBOX", dir), 0);
	assert_string_equal(dir, ".");
}

static void
test_folders_that_are_none(void **state)
{
	static const char *const dirs[] = {
	    "",       ".",      "..",          ".a..b", ".a.",   ".a/b",   ".&",     ".&AC8-",
	    ".&AAA-", ".&AC4-", ".&AC4-&AC4-", ".&!!-", ".\xff", ".a\x1b", ".&AJs-",
	};
	char folder[FOLDER_NAME_MAX + 1], dir[MAILDIR_DIR_SIZE], name[FOLDER_NAME_MAX + 1];
	char long_dir[FOLDER_NAME_MAX + 10];

	(void)state;
	for (size_t i = 0; i < COUNT(dirs); i++) {
		if (maildir_folder_read(dirs[i], strlen(dirs[i]), folder) != -1)
			fail_msg("%s is %s", dirs[i], folder);
	}
	memset(long_dir, 'a', sizeof(long_dir));
	assert_int_equal(maildir_folder_read(long_dir, FOLDER_NAME_MAX, folder), 0);
	assert_int_equal(maildir_folder_read(long_dir, FOLDER_NAME_MAX + 1, folder), -1);
	memset(name, 'a', sizeof(name));
	name[MAILDIR_DIR_SIZE - 2] = '\0'; /* with its dot and a NUL it just fits */
	assert_int_equal(maildir_folder_write(name, dir), 0);
	assert_int_equal(strlen(dir), MAILDIR_DIR_SIZE - 1);
	name[MAILDIR_DIR_SIZE - 2] = 'a';
	name[MAILDIR_DIR_SIZE - 1] = '\0';
	assert_int_equal(maildir_folder_write(name, dir), -1);
}

static void
test_flags(void **state)
{
	static const struct {
		const char *name;
		unsigned flags;
		const char *keywords;
	} rows[] = {
	    {"1.host", 0, ""},
	    {"1.host:2,", 0, ""},
	    {"1.host:1,S", 0, ""},
	    {"1.host:2,DFRST",
	     MESSAGE_DRAFT | MESSAGE_FLAGGED | MESSAGE_ANSWERED | MESSAGE_SEEN | MESSAGE_DELETED,
	     ""},
	    {"1.host:2,SPab", MESSAGE_SEEN, "$Later Work $Forwarded"},
	    {"1.host:2,bac", 0, "$Later Work"},         /* c has no name */
	    {"1.host:2,dd", 0, "$Forwarded"},           /* as a letter of its own */
	    {"1.host,S=5:2,SX\xff~", MESSAGE_SEEN, ""}, /* what nobody knows */
	};
	static const char text[] = "0 $Later\n1 Work\n3 $forwarded\n26 Many\nx y\n5\n6 bad key\n7 ";
	struct maildir_keywords keywords;
	char out[MAILDIR_FLAGS_SIZE];

	(void)state;
	maildir_keywords_read(text, strlen(text), &keywords);
	for (int i = 0; i < MAILDIR_KEYWORDS; i++)
		assert_true(i < 4 ? (keywords.name[i][0] != '\0') == (i != 2)
				  : keywords.name[i][0] == '\0');
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(maildir_flags_read(rows[i].name, &keywords, out), rows[i].flags);
		assert_string_equal(out, rows[i].keywords);
	}
}

static void
test_letters(void **state)
{
	static const char text[] = "1 Work\n";
	struct maildir_keywords keywords;
	char out[MAILDIR_LETTERS_SIZE], name[8];

	(void)state;
	maildir_keywords_read(text, strlen(text), &keywords);
	/* The one it has, though another letter is free in front. */
	assert_int_equal(maildir_keyword_letter(&keywords, "WORK", 4), 'b');
	assert_int_equal(maildir_keyword_letter(&keywords, "Other", 5), 'a');
	assert_int_equal(maildir_keyword_letter(&keywords, "other", 5), 'a');
	assert_int_equal(maildir_keyword_letter(&keywords, "a b", 3), 0);
	assert_int_equal(maildir_keyword_letter(&keywords, "", 0), 0);
	assert_true(maildir_flags_write(MESSAGE_SEEN | MESSAGE_DRAFT, "Work $FORWARDED Third",
					&keywords, out));
	/* $Forwarded has a letter of Maildir's own, and one that Dovecot knows. */
	assert_string_equal(out, "DPSbcd");
	assert_true(maildir_flags_write(0, "", &keywords, out));
	assert_string_equal(out, "");
	for (int i = 4; i < MAILDIR_KEYWORDS; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		assert_int_equal(maildir_keyword_letter(&keywords, name, strlen(name)), 'a' + i);
	}
	assert_int_equal(maildir_keyword_letter(&keywords, "more", 4), 0);
	assert_false(maildir_flags_write(MESSAGE_FLAGGED, "more Work", &keywords, out));
	assert_string_equal(out, "Fb");
}

static void
test_keywords(void **state)
{
	char long_one[MAILDIR_KEYWORD_MAX + 1];

	(void)state;
	memset(long_one, 'k', sizeof(long_one));
	assert_true(keyword_is_fine("$Forwarded", 10));
	assert_true(keyword_is_fine(long_one, MAILDIR_KEYWORD_MAX));
	assert_false(keyword_is_fine(long_one, MAILDIR_KEYWORD_MAX + 1));
	assert_false(keyword_is_fine("", 0));
	for (const char *c = "(){%*\"\\] \x7f\x80\n"; *c != '\0'; c++)
		assert_false(keyword_is_fine(c, 1));
	assert_false(keyword_is_fine("a\0b", 3));
}

/* UIDVALIDITY, UIDNEXT, and each UID with its name: "7=name". */
static const char *
uidlist(const char *text)
{
	static char out[512];
	struct maildir_uidlist list;
	size_t used, length, size = strlen(text);
	const char *base;
	uint32_t uid;

	maildir_uidlist_begin(text, size, &list);
	used = (size_t)snprintf(out, sizeof(out), "%u/%u", list.uidvalidity, list.uidnext);
	while (maildir_uidlist_next(text, size, &list, &uid, &base, &length)) {
		assert_true(base >= text && base + length <= text + size && length > 0);
		used += (size_t)snprintf(out + used, sizeof(out) - used, " %u=%.*s", uid,
					 (int)length, base);
	}
	return out;
}

static void
test_uidlist(void **state)
{
	static const struct {
		const char *text, *read;
	} rows[] = {
	    {"", "0/0"},
	    {"3 V12 N9 G3085f01b7f11094c501100008c4a11c1\n7 :a.b,S=5\n8 W24 S5 :c:2,S\n",
	     "12/9 7=a.b,S=5 8=c"},
	    {"1 12 9\n7 a\n8 b:2,S", "12/9 7=a 8=b"},
	    {"3 N9 V12\n", "12/9"},
	    {"3 V4294967296 N9\n", "0/9"},
	    {"3 V12 N9\n0 :a\nx :b\n4294967296 :c\n5\n6 \n6 :\n7:d\n9 :e\n", "12/9 9=e"},
	    {"3 V12 N9\n7 :a", "12/9 7=a"},
	    {"\n7 :a\n", "0/0 7=a"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(uidlist(rows[i].text), rows[i].read);
	assert_int_equal(maildir_base_length("a.b,S=5:2,S"), 7);
	assert_int_equal(maildir_base_length("a"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_folders),  cmocka_unit_test(test_folders_that_are_none),
	    cmocka_unit_test(test_flags),    cmocka_unit_test(test_letters),
	    cmocka_unit_test(test_keywords), cmocka_unit_test(test_uidlist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
