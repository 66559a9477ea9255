/* SPDX-License-Identifier: ISC */
/* The full-text index rules nothing out that is there, and is made again whatever happens to it. */
#include "tests/unit/store_house.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/search.h"

static void
append(struct store *store, const char *text)
{
	struct store_append append = {.internaldate = 1600000000};
	struct error err;

	house_ok(store_upload_open(store, &append.upload, &err), &err);
	house_ok(store_upload_write(append.upload, text, strlen(text), &err), &err);
	house_ok(store_append(store, INBOX, &append, 1, NULL, &err), &err);
}

static void
index_all(struct store *store)
{
	struct error err;
	bool more = true;

	while (more)
		house_ok(store_index_some(store, &more, &err), &err);
}

static const char *
candidates(struct store *store, const char *const *words)
{
	static char text[1000];
	struct error err;
	uint32_t *uids;
	size_t count, n = 0, used = 0;
	bool all;

	while (words[n] != NULL)
		n++;
	house_ok(store_candidates(store, INBOX, words, n, &uids, &count, &all, &err), &err);
	if (all)
		return "all";
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u ", uids[i]);
	free(uids);
	return text;
}

#define FIND(...) candidates(store, (const char *const[]){__VA_ARGS__, NULL})

static void
test_expression(void **state)
{
	char word[300], *text;
	bool none;

	(void)state;
	text = search_expression((const char *const[]){"abcd", "\"x\"", "\xc3\xa4\xe2\x82\xac!"}, 3,
				 &none);
	assert_string_equal(text, "\"abc\" AND \"bcd\" AND \"\"\"x\"\"\" AND "
				  "\"\xc3\xa4\xe2\x82\xac!\"");
	free(text);
	text = search_expression((const char *const[]){"ab", "", "\xc3\xa4\xc3\xa4"}, 3, &none);
	assert_null(text);
	assert_true(none);
	/* A long one: some of them. */
	for (size_t i = 0; i < sizeof(word) - 1; i++)
		word[i] = (char)('a' + i % 26);
	word[sizeof(word) - 1] = '\0';
	text = search_expression((const char *const[]){word}, 1, &none);
	assert_true(strlen(text) < 700);
	free(text);
	/* Not UTF-8: what can't be looked for rules nothing out. */
	text = search_expression((const char *const[]){"\x80\x80\x80\x80", "abc"}, 2, &none);
	assert_string_equal(text, "\"abc\"");
	free(text);
}

static void
test_candidates(void **state)
{
	struct store *store = house_open();
	struct store_copied copied;
	struct error err;

	(void)state;
	append(store, "Subject: Strawberries\r\n\r\nwith cream\r\n");
	append(store, "Subject: =?utf-8?q?=C3=84pfel?=\r\n\r\nwith \"quotes\"\r\n");
	append(store, "Subject: none\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		      "c3RyYXdiZXJyeSBqYW0=\r\n");
	assert_string_equal(FIND("strawberr"), "all"); /* not made yet */
	index_all(store);
	assert_string_equal(FIND("strawberr"), "1 3 ");
	assert_string_equal(FIND("strawberries"), "1 ");
	assert_string_equal(FIND("with", "cream"), "1 ");
	assert_string_equal(FIND("h \"quotes\""), "2 ");
	assert_string_equal(FIND("nowhere"), "");
	assert_string_equal(FIND("it"), "all");
	assert_string_equal(FIND("it", "cream"), "1 ");
	/* What came later is not ruled out until it is indexed. */
	append(store, "Subject: other\r\n\r\nraspberries\r\n");
	assert_string_equal(FIND("strawberr"), "1 3 4 ");
	index_all(store);
	assert_string_equal(FIND("strawberr"), "1 3 ");
	/* Copies, and what is gone. */
	house_ok(store_copy(store, INBOX, NULL, 0, INBOX, false, &copied, &err), &err);
	store_copied_free(&copied);
	assert_string_equal(FIND("strawberr"), "1 3 5 7 ");
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1, 5}, 2, NULL, &err), &err);
	assert_string_equal(FIND("strawberr"), "3 7 ");
	store_close(store);
	store = house_open();
	assert_string_equal(FIND("strawberr"), "3 7 ");
	store_rest(store);
	assert_string_equal(FIND("strawberr"), "3 7 ");
	store_close(store);
}

/* A message with more text than is indexed is never ruled out. */
static void
test_large(void **state)
{
	struct store *store = house_open();
	size_t size = SEARCH_TEXT_MAX + 100000;
	char *text = malloc(size + 1);

	(void)state;
	memset(text, 'x', size);
	memcpy(text, "Subject: a\r\n\r\n", 14);
	for (size_t i = 80; i < size; i += 80)
		text[i] = '\n';
	text[size] = '\0';
	append(store, text);
	append(store, "Subject: b\r\n\r\nsmall\r\n");
	index_all(store);
	assert_string_equal(FIND("nowhere"), "1 ");
	assert_string_equal(FIND("small"), "1 2 ");
	free(text);
	store_close(store);
}

static void
break_index(const char *sql)
{
	struct error err;
	sqlite3 *db;

	assert_int_equal(sqlite_dir_open("search.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, sql, &err), 0);
	sqlite3_close(db);
}

static void
test_made_again(void **state)
{
	static const char *const ways[] = {
	    "PRAGMA user_version = 99", "DELETE FROM state", "UPDATE state SET indexed = 1000",
	    "UPDATE state SET file = 'of another mailbox'", "DROP TABLE large"};
	struct store *store = house_open();
	int fd;

	(void)state;
	append(store, "Subject: a\r\n\r\nstrawberries\r\n");
	append(store, "Subject: a\r\n\r\nraspberries\r\n");
	index_all(store);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		store_close(store);
		break_index(ways[i]);
		store = house_open();
		assert_string_equal(FIND("strawberries"), "all");
		index_all(store);
		assert_string_equal(FIND("strawberries"), "1 ");
	}
	store_close(store);
	fd = open("search.db", O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "garbage", 7), 7);
	close(fd);
	store = house_open();
	assert_string_equal(FIND("strawberries"), "all");
	index_all(store);
	assert_string_equal(FIND("strawberries"), "1 ");
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_expression),
	    TEST(test_candidates),
	    TEST(test_large),
	    TEST(test_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
