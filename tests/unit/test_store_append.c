/* SPDX-License-Identifier: ISC */
/* What clients bring: uploads, MULTIAPPEND, REPLACE; quota, annotations, the first login; crashes.
 */
#include "tests/unit/store_house.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store/store_private.h"

static struct store_append
upload(struct store *store, const char *text)
{
	struct store_append append = {.internaldate = 1600000000};
	struct error err;

	house_ok(store_upload_open(store, &append.upload, &err), &err);
	/* In pieces, the last line's end cut in two. */
	for (const char *p = text; *p != '\0'; p++)
		house_ok(store_upload_write(append.upload, p, 1, &err), &err);
	assert_int_equal(store_upload_size(append.upload), strlen(text));
	return append;
}

static bool
note_message(const struct store_message *message, void *arg)
{
	*(struct store_message *)arg = *message;
	return true;
}

static struct store_message
last_message(struct store *store, int64_t folder)
{
	struct store_message message = {.uid = 0};
	struct error err;

	house_ok(store_scan(store, folder, NULL, 0, 0, STORE_WANT_SAVEDATE, note_message, &message,
			    &err),
		 &err);
	return message;
}

static void
test_append(void **state)
{
	struct store *store = house_open();
	int64_t folder = house_folder(store, "a");
	struct store_message message;
	struct store_append list[3];
	struct store_body *body;
	struct error err;
	const char *map;
	size_t length;

	(void)state;
	list[0] = upload(store, "Subject: 1\r\n\r\n");
	list[1] = upload(store, "");
	list[1].flags = STORE_SEEN | STORE_DELETED;
	list[2] = upload(store, "a\r");
	list[2].keywords = "Foo bar";
	list[2].uid = 7;
	house_ok(store_append(store, folder, list, 3, NULL, &err), &err);
	assert_int_equal(list[0].uid, 1);
	assert_int_equal(list[1].uid, 2);
	assert_int_equal(list[2].uid, 7);
	assert_null(list[0].upload);
	assert_string_equal(house_list(store, folder), "1 2:SD 7(Foo bar)");
	assert_int_equal(house_about(store, folder).uidnext, 8);
	house_check(store);
	message = last_message(store, folder);
	assert_true(message.unterminated);
	assert_int_equal(message.internaldate, 1600000000);
	assert_true(message.savedate > 1700000000);
	house_ok(store_body_open(store, message.message, &body, &err), &err);
	map = store_body_map(body, &length, &err);
	assert_int_equal(length, 2);
	assert_memory_equal(map, "a\r", 2);
	assert_ptr_equal(store_body_map(body, &length, &err), map);
	store_body_close(body);
	assert_int_equal(house_files("tmp"), 0);
	assert_int_equal(house_files("msg"), 3);
	/* A UID below the next one. */
	list[0] = upload(store, "x");
	list[0].uid = 7;
	assert_int_equal(store_append(store, folder, list, 1, NULL, &err), STORE_REFUSED);
	store_upload_abort(list[0].upload);
	assert_int_equal(house_files("tmp"), 0);
	store_upload_abort(NULL);
	list[0] = upload(store, "x");
	assert_int_equal(store_append(store, 99, list, 1, NULL, &err), STORE_GONE);
	store_upload_abort(list[0].upload);
	store_close(store);
}

static void
append_as(struct store *store, int64_t folder, uint32_t uid)
{
	struct store_append append = upload(store, "x\r\n");
	struct error err;

	append.uid = uid;
	house_ok(store_append(store, folder, &append, 1, NULL, &err), &err);
}

static enum store_result
adopt(struct store *store, const char *name, uint32_t uidvalidity, uint32_t uidnext)
{
	struct error err;

	return store_folder_adopt(store, name, uidvalidity, uidnext, false, &err);
}

/* A folder of another server: its UIDs are kept free for its messages. */
static void
test_adopt(void **state)
{
	struct store *store = house_open();
	struct store_range *gaps;
	struct store_folder inbox;
	struct error err;
	bool complete;
	size_t count;

	(void)state;
	assert_int_equal(adopt(store, "Nothing", 1000, 10), STORE_GONE);
	assert_int_equal(adopt(store, "INBOX", 1000, 10), STORE_OK);
	inbox = house_about(store, INBOX);
	assert_int_equal(inbox.uidvalidity, 1000);
	assert_int_equal(inbox.uidnext, 1);
	append_as(store, INBOX, 3);
	assert_int_equal(house_about(store, INBOX).uidnext, 4);
	/* The same once more; UIDNEXT never shrinks. */
	assert_int_equal(adopt(store, "INBOX", 1000, 5), STORE_OK);
	append_as(store, INBOX, 6);
	house_deliver(store, 1);
	append_as(store, INBOX, 0);
	assert_string_equal(house_list(store, INBOX), "3 6 10 11");
	assert_int_equal(adopt(store, "INBOX", 1000, 20), STORE_OK);
	append_as(store, INBOX, 15);
	house_deliver(store, 1);
	assert_string_equal(house_list(store, INBOX), "3 6 10 11 15 20");
	house_check(store);
	/* A client that knows a MODSEQ of the other server hears of all, and of what is not there.
	 */
	assert_true(inbox.highestmodseq > UINT64_C(1) << 40);
	assert_int_equal(last_message(store, INBOX).modseq > inbox.highestmodseq, 1);
	house_ok(store_expunged(store, INBOX, 5000000000, &gaps, &count, &complete, &err), &err);
	assert_false(complete);
	assert_string_equal(house_ranges(gaps, count), "1:2,4:5,7:9,12:14,16:19");
	free(gaps);
	assert_int_equal(store_folder_adopt(store, "INBOX", 1000, 50, true, &err), STORE_OK);
	assert_int_equal(house_about(store, INBOX).uidnext, 50);
	house_check(store);
	/* It has given out UIDs now. */
	assert_int_equal(adopt(store, "INBOX", 1001, 30), STORE_REFUSED);
	assert_int_equal(house_about(store, INBOX).uidvalidity, 1000);
	store_close(store);
}

/* No UIDVALIDITY twice, whoever gave it out and whatever became of its folder. */
static void
test_adopt_once(void **state)
{
	struct store *store = house_open();
	uint32_t first = house_about(store, INBOX).uidvalidity, made, last;
	int64_t a = house_folder(store, "a"), b = house_folder(store, "b");
	struct error err;

	(void)state;
	made = house_about(store, a).uidvalidity;
	house_ok(store_folder_delete(store, "a", &err), &err);
	assert_int_equal(adopt(store, "b", made, 1), STORE_REFUSED);
	assert_int_equal(adopt(store, "b", first, 1), STORE_REFUSED);
	assert_int_equal(adopt(store, "b", UINT32_MAX, 1), STORE_REFUSED);
	assert_int_equal(adopt(store, "b", first + 1000000, 1), STORE_REFUSED);
	assert_int_equal(adopt(store, "b", 1000, UINT32_MAX), STORE_REFUSED);
	assert_int_equal(adopt(store, "b", 1000, 10), STORE_OK);
	assert_int_equal(adopt(store, "INBOX", 1000, 10), STORE_REFUSED);
	house_ok(store_folder_delete(store, "b", &err), &err);
	b = house_folder(store, "b");
	last = house_about(store, b).uidvalidity;
	assert_true(last > made);
	assert_int_equal(adopt(store, "b", 1000, 10), STORE_REFUSED);
	/* INBOX's own is never given out again either. */
	assert_int_equal(adopt(store, "INBOX", 999, 10), STORE_OK);
	assert_int_equal(adopt(store, "b", first, 10), STORE_REFUSED);
	assert_int_equal(house_about(store, b).uidvalidity, last);
	/* One that is greater than all: the account goes on behind it. */
	assert_int_equal(adopt(store, "b", last + 1000, 10), STORE_OK);
	assert_int_equal(house_about(store, house_folder(store, "c")).uidvalidity, last + 1001);
	assert_int_equal(adopt(store, "c", last + 500, 10), STORE_REFUSED);
	store_close(store);
	store = house_open();
	assert_int_equal(house_about(store, INBOX).uidvalidity, 999);
	assert_int_equal(adopt(store, "b", 1000, 10), STORE_REFUSED);
	store_close(store);
}

static void
test_all_or_none(void **state)
{
	struct store *store = house_open();
	struct store_append list[3];
	struct error err;

	(void)state;
	house_deliver(store, 2);
	store_set_limits(store, 0, 4);
	for (size_t i = 0; i < 3; i++)
		list[i] = upload(store, "x\r\n");
	assert_int_equal(store_append(store, INBOX, list, 3, NULL, &err), STORE_OVERQUOTA);
	for (size_t i = 0; i < 3; i++)
		store_upload_abort(list[i].upload);
	assert_string_equal(house_list(store, INBOX), "1 2");
	assert_int_equal(house_about(store, INBOX).uidnext, 3);
	assert_int_equal(house_files("msg") + house_files("tmp"), 2);
	/* Keywords that are none, in the second. */
	for (size_t i = 0; i < 2; i++)
		list[i] = upload(store, "x\r\n");
	list[1].keywords = "(";
	assert_int_equal(store_append(store, INBOX, list, 2, NULL, &err), STORE_REFUSED);
	store_upload_abort(list[1].upload);
	house_check(store);
	/* What is as large as is left. */
	list[1] = upload(store, "x\r\n");
	store_upload_abort(list[0].upload);
	list[0] = upload(store, "y\r\n");
	store_set_limits(store, house_about(store, INBOX).size + 6, 4);
	house_ok(store_append(store, INBOX, list, 2, NULL, &err), &err);
	house_check(store);
	store_close(store);
}

static void
test_replace(void **state)
{
	struct store *store = house_open();
	int64_t folder = house_folder(store, "a");
	struct store_append append;
	struct store_range *ranges;
	struct error err;
	bool complete;
	size_t count;

	(void)state;
	house_deliver(store, 2);
	store_set_limits(store, 0, 2); /* what is replaced makes room */
	append = upload(store, "new\r\n");
	house_ok(store_append(store, INBOX, &append, 1, &(struct store_replaced){INBOX, 1}, &err),
		 &err);
	assert_string_equal(house_list(store, INBOX), "2 3");
	house_ok(store_expunged(store, INBOX, 3, &ranges, &count, &complete, &err), &err);
	assert_string_equal(house_ranges(ranges, count), "1");
	free(ranges);
	assert_int_equal(house_files("msg"), 2);
	/* Elsewhere. */
	append = upload(store, "new\r\n");
	house_ok(store_append(store, folder, &append, 1, &(struct store_replaced){INBOX, 3}, &err),
		 &err);
	assert_string_equal(house_list(store, INBOX), "2");
	assert_string_equal(house_list(store, folder), "1");
	house_check(store);
	/* One that is gone. */
	append = upload(store, "new\r\n");
	assert_int_equal(
	    store_append(store, INBOX, &append, 1, &(struct store_replaced){INBOX, 1}, &err),
	    STORE_GONE);
	store_upload_abort(append.upload);
	assert_string_equal(house_list(store, INBOX), "2");
	house_check(store);
	store_close(store);
}

/* A write that fails leaves an upload that can only be aborted. */
static void
test_upload_fails(void **state)
{
	struct store *store = house_open();
	struct store_append append = upload(store, "x");
	struct rlimit old, tiny;
	enum store_result result;
	struct error err;
	char big[5000] = "";

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tiny = old;
	tiny.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	result = store_upload_write(append.upload, big, sizeof(big), &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(result, STORE_TEMPORARY);
	assert_int_equal(store_upload_write(append.upload, "x", 1, &err), STORE_TEMPORARY);
	assert_int_equal(store_append(store, INBOX, &append, 1, NULL, &err), STORE_TEMPORARY);
	store_upload_abort(append.upload);
	assert_string_equal(house_list(store, INBOX), "");
	assert_int_equal(house_files("tmp"), 0);
	store_close(store);
}

/* A full mailbox: what does not fit is refused each by itself, and stored when there is room. */
static void
test_delivery_quota(void **state)
{
	struct store *store = house_open();
	struct store_delivery d[3];
	struct error err;
	int fd = memfd_create("message", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, 1000), 0);
	for (size_t i = 0; i < 3; i++) {
		d[i] = (struct store_delivery){.return_path = "", .fd = fd, .size = 500};
		snprintf(d[i].id, sizeof(d[i].id), "d%zu", i);
	}
	d[1].size = 1000;
	store_set_limits(store, 1100, 0);
	store_deliver(store, d, 3);
	assert_int_equal(d[0].result, STORE_OK);
	assert_int_equal(d[1].result, STORE_OVERQUOTA);
	assert_int_equal(d[2].result, STORE_OK);
	assert_int_equal(d[2].uid, 2);
	house_check(store);
	store_deliver(store, d, 2);
	assert_true(d[0].result == STORE_OK && d[0].duplicate);
	assert_int_equal(d[1].result, STORE_OVERQUOTA);
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1, 2}, 2, NULL, &err), &err);
	store_deliver(store, d + 1, 1);
	assert_int_equal(d[1].result, STORE_OK);
	assert_int_equal(house_files("tmp"), 0);
	house_check(store);
	close(fd);
	store_close(store);
}

static void
note_entry(const char *entry, const void *value, size_t length, void *arg)
{
	char *text = arg;
	size_t used = strlen(text);

	snprintf(text + used, 500 - used, "%s=%.*s;", entry, (int)length, (const char *)value);
}

static const char *
entries(struct store *store, int64_t folder)
{
	static char text[500];
	struct error err;

	text[0] = '\0';
	house_ok(store_metadata(store, folder, note_entry, text, &err), &err);
	return text;
}

static enum store_result
metadata_set(struct store *store, int64_t folder, const char *entry, const void *value,
	     size_t length, struct error *err)
{
	struct store_annotation one = {entry, value, length};

	return store_metadata_set(store, folder, &one, 1, err);
}

static void
note_first(const char *entry, const void *value, size_t length, void *arg)
{
	(void)value;
	if (strcmp(entry, "/private/0") == 0)
		*(size_t *)arg = length;
}

static void
test_metadata(void **state)
{
	size_t length;
	struct store *store = house_open();
	int64_t folder = house_folder(store, "a");
	char *big = calloc(1, 65537), name[32];
	struct error err;

	(void)state;
	house_ok(metadata_set(store, 0, "/shared/comment", "s", 1, &err), &err);
	house_ok(metadata_set(store, folder, "/private/comment", "one", 3, &err), &err);
	house_ok(metadata_set(store, folder, "/private/comment", "two", 3, &err), &err);
	house_ok(metadata_set(store, folder, "/private/b", "", 0, &err), &err);
	assert_string_equal(entries(store, 0), "/shared/comment=s;");
	assert_string_equal(entries(store, folder), "/private/b=;/private/comment=two;");
	house_ok(metadata_set(store, folder, "/private/b", NULL, 0, &err), &err);
	house_ok(metadata_set(store, folder, "/private/b", NULL, 0, &err), &err);
	assert_string_equal(entries(store, folder), "/private/comment=two;");
	assert_int_equal(metadata_set(store, 99, "/private/b", "", 0, &err), STORE_GONE);
	assert_int_equal(metadata_set(store, 0, "", "", 0, &err), STORE_REFUSED);
	assert_int_equal(metadata_set(store, 0, "/private/b", big, 65537, &err), STORE_LIMIT);
	house_ok(metadata_set(store, 0, "/private/b", big, 65536, &err), &err);
	house_ok(store_folder_delete(store, "a", &err), &err);
	assert_string_equal(entries(store, folder), "");
	for (int i = 0; i < 998; i++) {
		snprintf(name, sizeof(name), "/private/%d", i);
		house_ok(metadata_set(store, 0, name, "", 0, &err), &err);
	}
	assert_int_equal(metadata_set(store, 0, "/private/more", "", 0, &err), STORE_LIMIT);
	/* All or none. */
	assert_int_equal(store_metadata_set(store, 0,
					    (const struct store_annotation[]){
						{"/private/0", "y", 1}, {"/private/more", "", 0}},
					    2, &err),
			 STORE_LIMIT);
	length = SIZE_MAX;
	house_ok(store_metadata(store, 0, note_first, &length, &err), &err);
	assert_int_equal(length, 0);
	house_ok(metadata_set(store, 0, "/private/0", "x", 1, &err), &err);
	free(big);
	store_close(store);
}

/* A new annotation is counted among the others without a look at their values. */
static void
test_large_annotations(void **state)
{
	static char value[64 << 10];
	struct store *store = house_open();
	struct error err;
	char name[32];
	int misses, high;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/private/%d", i);
		house_ok(metadata_set(store, 0, name, value, sizeof(value), &err), &err);
	}
	sqlite3_db_status(store->db, SQLITE_DBSTATUS_CACHE_MISS, &misses, &high, 1);
	house_ok(metadata_set(store, 0, "/private/more", "x", 1, &err), &err);
	sqlite3_db_status(store->db, SQLITE_DBSTATUS_CACHE_MISS, &misses, &high, 0);
	/* The search for its place looks at some; all would be 1600 pages. */
	assert_in_range(misses, 0, 400);
	store_close(store);
}

static void
note_use(const char *name, const struct store_folder *folder, void *arg)
{
	char *text = arg;
	size_t used = strlen(text);

	snprintf(text + used, 500 - used, "%s=%u%s ", name, folder->use,
		 folder->subscribed ? "+" : "");
}

static const char *
uses(struct store *store)
{
	static char text[500];
	struct error err;

	text[0] = '\0';
	house_ok(store_folders(store, note_use, text, &err), &err);
	return text;
}

static void
test_first_login(void **state)
{
	struct store *store = house_open();
	struct error err;

	(void)state;
	house_folder(store, "Sent");
	house_ok(store_folder_create(store, "Rubbish", STORE_USE_TRASH, NULL, &err), &err);
	house_ok(store_first_login(store, &err), &err);
	assert_string_equal(uses(store),
			    "Archive=2+ Drafts=4+ INBOX=0+ Junk=32+ Rubbish=128 Sent=64+ ");
	house_ok(store_folder_delete(store, "Junk", &err), &err);
	store_close(store);
	store = house_open();
	house_ok(store_first_login(store, &err), &err);
	assert_string_equal(uses(store),
			    "Archive=2+ Drafts=4+ INBOX=0+ Junk=0+ Rubbish=128 Sent=64+ ");
	store_close(store);
}

/*
 * -- Crashes ------------------------------------------------------------------------
 */

/* Committed, but the file is still in tmp/, and a message that is not; both are put right. */
static void
test_half_done(void **state)
{
	struct store *store = house_open();
	struct store_body *body;
	struct store_append append;
	struct error err;
	char byte;

	(void)state;
	house_deliver(store, 2);
	store_close(store);
	assert_int_equal(system("mv msg/*/* tmp/ && touch tmp/junk "
				"tmp/00112233445566778899aabbccddeeff && rmdir msg/*"),
			 0);
	store = house_open();
	house_ok(store_body_open(store, last_message(store, INBOX).message, &body, &err), &err);
	assert_int_equal(store_body_read(body, 0, &byte, 1, &err), 1);
	store_body_close(body);
	append = upload(store, "x");
	assert_int_equal(house_files("tmp"), 1);
	assert_int_equal(house_files("msg"), 2);
	store_upload_abort(append.upload);
	store_close(store);
}

/*
 * -- Summaries ------------------------------------------------------------------------
 */

struct seen_summary {
	char text[2000];
	unsigned count;
};

static bool
note_summary(const struct store_message *message, void *arg)
{
	const struct store_summary *s = message->summary;
	struct seen_summary *seen = arg;

	assert_int_equal(s->envelope_length, strlen(s->envelope));
	assert_int_equal(s->bodystructure_length, strlen(s->bodystructure));
	snprintf(seen->text, sizeof(seen->text), "%s|%s|%s|%s|%s|%s|%d", s->envelope,
		 s->bodystructure, s->subject, s->from, s->thread, s->preview, s->reply);
	seen->count++;
	return true;
}

static const char *
summaries(struct store *store, unsigned expected)
{
	static struct seen_summary seen;
	struct error err;

	seen = (struct seen_summary){.count = 0};
	house_ok(
	    store_scan(store, INBOX, NULL, 0, 0, STORE_WANT_SUMMARY, note_summary, &seen, &err),
	    &err);
	assert_int_equal(seen.count, expected);
	return seen.text;
}

static long
count_rows(const char *table)
{
	sqlite3_stmt *stmt;
	char sql[100];
	struct error err;
	sqlite3 *db;
	long count;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	count = (long)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return count;
}

static void
forget_summaries(const char *sql)
{
	struct error err;
	sqlite3 *db;

	assert_int_equal(sqlite_dir_open("index.db", 256, &db, NULL, &err), 0);
	assert_int_equal(sqlite_dir_exec(db, sql, &err), 0);
	sqlite3_close(db);
}

/* Made when the message comes; or, if they are not there, when they are asked for. */
static void
test_summaries(void **state)
{
	static const char *const ways[] = {"DELETE FROM summaries",
					   "UPDATE summaries SET version = 0",
					   "UPDATE summaries SET data = x'0000'"};
	struct store *store = house_open();
	struct store_append append;
	char first[2000];
	struct error err;

	(void)state;
	append = upload(store, "From: Ann <a@example.org>\r\nSubject: Re: Hello\r\n"
			       "Message-ID: <1@x>\r\n\r\nThe text.\r\n");
	house_ok(store_append(store, INBOX, &append, 1, NULL, &err), &err);
	strlcpy(first, summaries(store, 1), sizeof(first));
	assert_non_null(strstr(first, "((\"Ann\" NIL \"a\" \"example.org\"))"));
	assert_non_null(strcasestr(first, "|(\"text\" \"plain\""));
	assert_non_null(strcasestr(first, "|hello|a|"));
	assert_non_null(strstr(first, "The text."));
	for (size_t i = 0; i < 3; i++) {
		store_close(store);
		assert_int_equal(count_rows("summaries"), 1);
		forget_summaries(ways[i]);
		store = house_open();
		assert_string_equal(summaries(store, 1), first);
		assert_string_equal(summaries(store, 1), first);
	}
	/* They go with their message. */
	house_ok(store_expunge(store, INBOX, (const uint32_t[]){1}, 1, NULL, &err), &err);
	store_close(store);
	assert_int_equal(count_rows("summaries"), 0);
	assert_int_equal(count_rows("messages"), 0);
	assert_int_equal(count_rows("doomed"), 0);
}

/* Many at once, in several transactions, while the scan goes on; a file that is lost. */
static void
test_many_summaries(void **state)
{
	struct store *store = house_open();
	struct store_copied copied;
	struct error err;

	(void)state;
	house_deliver(store, 120);
	for (int i = 0; i < 4; i++) {
		house_ok(store_copy(store, INBOX, NULL, 0, INBOX, false, &copied, &err), &err);
		store_copied_free(&copied);
	}
	store_close(store);
	forget_summaries("DELETE FROM summaries");
	assert_int_equal(system("rm $(ls msg/*/* | head -n 1)"), 0);
	store = house_open();
	summaries(store, 120 * 16);
	store_close(store);
	assert_int_equal(count_rows("summaries"), 119);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_append),         TEST(test_adopt),     TEST(test_adopt_once),
	    TEST(test_all_or_none),    TEST(test_replace),   TEST(test_upload_fails),
	    TEST(test_delivery_quota), TEST(test_metadata),  TEST(test_large_annotations),
	    TEST(test_first_login),    TEST(test_summaries), TEST(test_many_summaries),
	    TEST(test_half_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
