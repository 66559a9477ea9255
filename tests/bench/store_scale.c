/* SPDX-License-Identifier: ISC */
/*
 * What a mailbox of 1k, 10k, 100k, 1M messages takes: a table of milliseconds.
 *
 *     tests/bench/store_scale [FOLDER [COUNT ...]]
 *
 * Mailboxes are made below FOLDER (default: the current one) by SQL, with one message file for all
 * their messages, and removed. Figures are of an optimized build only: ../../configure CFLAGS=-O2.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/sqlite_dir.h"
#include "worker/session/store.h"

#define FILE_ID "00112233445566778899aabbccddeeff"
#define INBOX 1

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
die(const char *what, const struct error *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

static void
must(enum store_result result, const char *what, const struct error *err)
{
	if (result != STORE_OK)
		die(what, err);
}

/* A tenth has flags; every message is as large as its file says. */
static void
fill(unsigned long count)
{
	static const char text[] = "Subject: a\r\n\r\nhello\r\n";
	char sql[2000];
	struct store *store;
	struct error err;
	sqlite3 *db;
	int fd;

	must(store_open(&store, &err), "open", &err);
	store_close(store);
	if (mkdir("msg", 0700) == -1 || mkdir("msg/00", 0700) == -1 || mkdir("tmp", 0700) == -1 ||
	    (fd = open("msg/00/" FILE_ID, O_WRONLY | O_CREAT, 0600)) == -1 ||
	    write(fd, text, sizeof(text) - 1) != sizeof(text) - 1)
		exit(1);
	close(fd);
	if (sqlite_dir_open("index.db", 65536, &db, NULL, &err) == -1)
		die("index.db", &err);
	snprintf(sql, sizeof(sql),
		 "PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF; BEGIN;"
		 "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS"
		 " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lu) SELECT i FROM n;"
		 "INSERT INTO messages (id, file, size, unterminated, internaldate)"
		 " SELECT i, '" FILE_ID "', %zu, 0, 1700000000 + i FROM n;"
		 "INSERT INTO placements (folder, uid, message, flags, modseq)"
		 " SELECT 1, i, i, (i %% 10 = 0), 1 + i FROM n;"
		 "UPDATE folders SET uidnext = %lu + 1, highestmodseq = %lu + 1, messages = %lu,"
		 " unseen = %lu - %lu / 10, size = %lu * %zu;"
		 "UPDATE account SET next_message = %lu + 1, messages = %lu, storage = %lu * %zu;"
		 "COMMIT",
		 count, sizeof(text) - 1, count, count, count, count, count, count,
		 sizeof(text) - 1, count, count, count, sizeof(text) - 1);
	if (sqlite_dir_exec(db, sql, &err) == -1)
		die("filling", &err);
	sqlite3_close(db);
}

static bool
count_one(const struct store_message *message, void *arg)
{
	(void)message;
	++*(unsigned long *)arg;
	return true;
}

enum { OPEN, FOLDER, UIDS, SCAN, CHANGES, VANISHED, DELIVERY, STORE_ONE, MOVE, FIGURES };
static const char *const heads[FIGURES] = {
    "open", "status", "uids", "scan", "changes", "vanished", "delivery", "flags/100", "move/10k"};

static void
measure_reads(struct store *store, uint64_t since, double *figures)
{
	struct store_range *ranges;
	unsigned long seen = 0;
	uint32_t *uids;
	struct error err;
	bool complete;
	size_t count;
	double start = now();

	must(store_uids(store, INBOX, &uids, &count, &err), "uids", &err);
	figures[UIDS] = now() - start;
	free(uids);
	start = now();
	must(store_scan(store, INBOX, NULL, 0, 0, 0, count_one, &seen, &err), "scan", &err);
	figures[SCAN] = now() - start;
	start = now();
	must(store_scan(store, INBOX, NULL, 0, since, STORE_WANT_KEYWORDS, count_one, &seen, &err),
	     "changes", &err);
	figures[CHANGES] = now() - start;
	start = now();
	must(store_expunged(store, INBOX, since, &ranges, &count, &complete, &err), "vanished",
	     &err);
	figures[VANISHED] = now() - start;
	free(ranges);
}

static void
deliver(struct store *store, unsigned number)
{
	struct store_delivery d = {.return_path = "", .size = 5};
	int fd = memfd_create("m", MFD_CLOEXEC);

	if (write(fd, "a\r\nb\n", 5) != 5)
		exit(1);
	d.fd = fd;
	snprintf(d.id, sizeof(d.id), "bench.%u", number);
	store_deliver(store, &d, 1);
	must(d.result, "delivery", &d.err);
	close(fd);
}

static void
measure_writes(struct store *store, unsigned long messages, double *figures)
{
	struct store_flags_change change = {STORE_FLAGS_ADD, STORE_FLAGGED, NULL, UINT64_MAX};
	struct store_range *failed, range = {1, 100};
	struct store_copied copied;
	struct store_folder target;
	struct error err;
	uint64_t modseq;
	size_t count;
	double start = now();

	for (unsigned i = 0; i < 10; i++)
		deliver(store, i);
	figures[DELIVERY] = (now() - start) / 10;
	start = now();
	must(store_flags(store, INBOX, &range, 1, &change, &modseq, &failed, &count, &err), "flags",
	     &err);
	figures[STORE_ONE] = now() - start;
	must(store_folder_create(store, "target", 0, &target, &err), "create", &err);
	range.last = messages < 10000 ? (uint32_t)messages : 10000;
	start = now();
	must(store_copy(store, INBOX, &range, 1, target.id, true, &copied, &err), "move", &err);
	figures[MOVE] = now() - start;
	store_copied_free(&copied);
}

static void
measure(unsigned long messages)
{
	double figures[FIGURES], start;
	struct store_folder inbox;
	struct store *store;
	struct error err;

	fill(messages);
	start = now();
	must(store_open(&store, &err), "open", &err);
	figures[OPEN] = now() - start;
	start = now();
	must(store_folder(store, "INBOX", &inbox, &err), "folder", &err);
	figures[FOLDER] = now() - start;
	measure_reads(store, inbox.highestmodseq - 100, figures);
	measure_writes(store, messages, figures);
	store_close(store);
	printf("%9lu", messages);
	for (size_t i = 0; i < FIGURES; i++)
		printf(" %9.2f", figures[i]);
	printf("\n");
	fflush(stdout);
}

static void
measure_in_folder(unsigned long messages)
{
	char name[] = "store-scale-XXXXXX", command[64];

	if (mkdtemp(name) == NULL || chdir(name) == -1) {
		perror(name);
		exit(1);
	}
	measure(messages);
	snprintf(command, sizeof(command), "rm -r %s", name);
	if (chdir("..") == -1 || system(command) != 0)
		exit(1);
}

int
main(int argc, char **argv)
{
	static const unsigned long usual[] = {1000, 10000, 100000, 1000000};

	if (argc > 1 && chdir(argv[1]) == -1) {
		perror(argv[1]);
		return 1;
	}
	printf(" messages");
	for (size_t i = 0; i < FIGURES; i++)
		printf(" %9s", heads[i]);
	printf("   (ms)\n");
	for (int i = 2; i < argc; i++)
		measure_in_folder(strtoul(argv[i], NULL, 10));
	for (size_t i = 0; i < 4 && argc <= 2; i++)
		measure_in_folder(usual[i]);
	return 0;
}
