/* SPDX-License-Identifier: ISC */
/*
 * What a gate asks of the greylist: bytes that are taken for a question are two paths without
 * control characters, whose answer is one that rules and clock allow. The first bytes are the
 * address and the minutes that have passed since the last question.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/queue/greylist.h"
#include "worker/queue/greylister.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct greylist_rules rules = {.enabled = 1,
					    .delay = 300,
					    .retry_window = 86400,
					    .passes = 3,
					    .remember = 10 * 86400,
					    .ipv4_prefix = 24,
					    .ipv6_prefix = 64,
					    .entries = 100};
static int64_t now = 1800000000;

static struct greylist *
the_greylist(void)
{
	static struct greylist *greylist;
	char folder[] = "/tmp/postern-fuzz-greylist-XXXXXX";
	struct error err;
	int here;

	if (greylist != NULL)
		return greylist;
	log_set_level(LOG_ERR);
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* libFuzzer has its files there */
	if (mkdtemp(folder) == NULL || chdir(folder) == -1)
		abort();
	greylist = greylist_open(&rules, now, &err);
	/* The open files are enough. */
	if (greylist == NULL || unlink("greylist.db") == -1 || unlink("greylist.db-wal") == -1 ||
	    rmdir(folder) == -1 || fchdir(here) == -1)
		abort();
	close(here);
	return greylist;
}

static void
check_path(const char *path)
{
	for (; *path != '\0'; path++) {
		if ((unsigned char)*path < 32 || *path == 127)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct in6_addr address;
	struct greylist_answer answer;
	const char *sender;
	size_t length;
	char *tail;

	if (size < sizeof(address) + 1)
		return 0;
	memcpy(&address, data, sizeof(address));
	now += INT64_C(60) * data[sizeof(address)];
	length = size - sizeof(address) - 1;
	/* As ipc.h has it: a NUL that is not counted. */
	tail = malloc(length + 1);
	memcpy(tail, data + sizeof(address) + 1, length);
	tail[length] = '\0';
	if (greylister_is_question(tail, length)) {
		sender = tail + strlen(tail) + 1;
		check_path(tail);
		check_path(sender);
		if (strlen(tail) + 1 + strlen(sender) != length)
			abort();
		answer = greylist_ask(the_greylist(), &address, sender, tail, now);
		if (answer.verdict == GREYLIST_BROKEN ||
		    (answer.verdict == GREYLIST_WAIT &&
		     (answer.seconds == 0 || answer.seconds > rules.delay)) ||
		    (answer.verdict == GREYLIST_WAITED &&
		     (answer.seconds < rules.delay || answer.seconds > rules.retry_window)))
			abort();
		/* Asked again at once, who may come in still may. */
		if (answer.verdict != GREYLIST_WAIT &&
		    greylist_ask(the_greylist(), &address, sender, tail, now).verdict ==
			GREYLIST_WAIT)
			abort();
		if (greylist_commit(the_greylist(), now) == -1)
			abort();
	}
	free(tail);
	return 0;
}
