/* SPDX-License-Identifier: ISC */
/* A queue that lies to filter is cut off; filter goes on, and answers who tells the truth. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/queue_filter.h"
#include "tests/attack/house.h"

static const char text[] = "From: x@example.net\r\nSubject: x\r\n\r\nx\r\n";
#define TEXT_SIZE (sizeof(text) - 1)

/* A user's: nothing is asked of DNS, where nobody answers. */
static const struct qf_mail good_mail = {
    .conn = 1, .check = 5, .kind = FILTER_SUBMITTER, .submitter = "alice@example.org"};
static const struct qf_check good_check = {.check = 5, .size = TEXT_SIZE};

static void
say_mail(int channel, const struct qf_mail *mail)
{
	assert_int_equal(
	    ipc_send_fd(channel, QF_MAIL, 0, mail, sizeof(*mail), "x@example.net", 13, -1), 0);
}

static void
say_rcpt(int channel, uint32_t check, const char *paths, size_t length)
{
	const struct qf_number number = {check};

	assert_int_equal(
	    ipc_send_fd(channel, QF_RCPT, 0, &number, sizeof(number), paths, length, -1), 0);
}

static void
say_check(int channel, uint32_t id, const struct qf_check *check, size_t length)
{
	assert_int_equal(
	    ipc_send_fd(channel, QF_CHECK, id, check, sizeof(*check), text, length, -1), 0);
}

static void
say_file(int channel, const struct qf_check *check, int fd)
{
	assert_int_equal(ipc_send_fd(channel, QF_CHECK_FILE, 7, check, sizeof(*check), NULL, 0, fd),
			 0);
}

/* A mail with its recipient, on a channel of its own. */
static int
open_mail(const struct house_child *filter)
{
	int channel = house_queue_to_filter(filter);

	say_mail(channel, &good_mail);
	say_rcpt(channel, good_mail.check, "alice@example.org", 18);
	return channel;
}

static struct qf_verdict
verdict_of(int channel)
{
	struct ipc_message message;

	assert_int_equal(house_receive(channel, &queue_filter_boundary, IPC_CLIENT, &message), 1);
	assert_int_equal(message.type, QF_VERDICT);
	assert_int_equal(message.id, 7);
	return *(const struct qf_verdict *)message.body;
}

static void
the_truth_is_answered(const struct house_child *filter)
{
	int channel = open_mail(filter);

	say_check(channel, 7, &good_check, TEXT_SIZE);
	assert_int_equal(verdict_of(channel).verdict, FILTER_ACCEPT);
	close(channel);
}

/* -- Mails ------------------------------------------------------------------------------------ */

static void
mails_that_lie(void **state)
{
	static const struct {
		const char *what;
		struct qf_mail mail;
	} lies[] = {
	    {"without a number", {.kind = FILTER_STRANGER}},
	    {"nobody's", {.check = 5}},
	    {"of two kinds", {.check = 5, .kind = FILTER_STRANGER | FILTER_OWN}},
	    {"of no kind", {.check = 5, .kind = FILTER_OWN + 1}},
	    {"half encrypted",
	     {.check = 5, .kind = FILTER_STRANGER, .tls = {.version = "TLSv1.3"}}},
	    {"two macros in one",
	     {.check = 5,
	      .kind = FILTER_STRANGER,
	      .tls = {.version = "TLSv1.3", .cipher = "a\nb"}}},
	    {"of half the bits",
	     {.check = 5, .kind = FILTER_STRANGER, .seven_bit = FILTER_LEAVES_COUNT}},
	    {"an unknown envelope",
	     {.check = 5, .kind = FILTER_STRANGER, .envelope = FILTER_ENVELOPE_COUNT}},
	    {"its own, and another's",
	     {.check = 5, .kind = FILTER_OWN, .envelope = FILTER_ENVELOPE_HERE}},
	    {"half UTF-8", {.check = 5, .kind = FILTER_STRANGER, .utf8 = 2}},
	    {"a way that is none",
	     {.check = 5,
	      .kind = FILTER_SUBMITTER,
	      .submitter = "alice@example.org",
	      .mechanism = LOGIN_WAYS}},
	    {"a way to log in, and nobody",
	     {.check = 5, .kind = FILTER_STRANGER, .mechanism = LOGIN_BY_PLAIN}},
	    {"a stranger with an account",
	     {.check = 5, .kind = FILTER_STRANGER, .submitter = "alice@example.org"}},
	    {"a user without one", {.check = 5, .kind = FILTER_SUBMITTER}},
	    {"not zero", {.check = 5, .kind = FILTER_STRANGER, .zero = {[3] = 1}}},
	};
	struct house_child filter = house_filter();
	struct qf_mail mail;
	int channel;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("%s\n", lies[i].what);
		channel = house_queue_to_filter(&filter);
		say_mail(channel, &lies[i].mail);
		house_must_be_cut(channel);
	}
	mail = good_mail;
	memset(mail.helo, 'a', sizeof(mail.helo)); /* without an end */
	channel = house_queue_to_filter(&filter);
	say_mail(channel, &mail);
	house_must_be_cut(channel);

	mail = good_mail;
	memset(mail.submitter, 'a', sizeof(mail.submitter));
	channel = house_queue_to_filter(&filter);
	say_mail(channel, &mail);
	house_must_be_cut(channel);

	channel = house_queue_to_filter(&filter); /* two senders in one */
	assert_int_equal(
	    ipc_send_fd(channel, QF_MAIL, 0, &good_mail, sizeof(good_mail), "a@b\0c@d", 7, -1), 0);
	house_must_be_cut(channel);

	channel = house_queue_to_filter(&filter); /* twice the same */
	say_mail(channel, &good_mail);
	say_mail(channel, &good_mail);
	house_must_be_cut(channel);
	the_truth_is_answered(&filter);
	house_end(&filter);
}

static void
recipients_that_lie(void **state)
{
	static const struct {
		const char *what;
		uint32_t check;
		size_t length;
		const char *paths;
	} lies[] = {
	    {"of a mail that is not there", 6, 4, "a@b"},
	    {"none", 5, 0, ""},
	    {"half a one", 5, 7, "a@b\0c@d"},
	};
	struct house_child filter = house_filter();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int channel = house_queue_to_filter(&filter);

		print_message("%s\n", lies[i].what);
		say_mail(channel, &good_mail);
		say_rcpt(channel, lies[i].check, lies[i].paths, lies[i].length);
		house_must_be_cut(channel);
	}
	the_truth_is_answered(&filter);
	house_end(&filter);
}

/* -- Messages -----------------------------------------------------------------------------------
 */

static void
messages_that_lie(void **state)
{
	static const struct {
		const char *what;
		uint32_t id;
		struct qf_check check;
		size_t length;
	} lies[] = {
	    {"nobody waits", 0, {.check = 5, .size = TEXT_SIZE}, TEXT_SIZE},
	    {"of no mail", 7, {.check = 6, .size = TEXT_SIZE}, TEXT_SIZE},
	    {"nothing", 7, {.check = 5}, 0},
	    {"nothing of something", 7, {.check = 5, .size = TEXT_SIZE}, 0},
	    {"less than it says", 7, {.check = 5, .size = TEXT_SIZE}, TEXT_SIZE - 1},
	    {"more than it says", 7, {.check = 5, .size = TEXT_SIZE - 1}, TEXT_SIZE},
	    {"far more than there is", 7, {.check = 5, .size = UINT64_MAX}, TEXT_SIZE},
	    {"not zero", 7, {.check = 5, .zero = 1, .size = TEXT_SIZE}, TEXT_SIZE},
	};
	struct house_child filter = house_filter();

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		int channel = open_mail(&filter);

		print_message("%s\n", lies[i].what);
		say_check(channel, lies[i].id, &lies[i].check, lies[i].length);
		house_must_be_cut(channel);
	}
	the_truth_is_answered(&filter);
	house_end(&filter);
}

static void
messages_out_of_order(void **state)
{
	struct house_child filter = house_filter();
	int channel;

	(void)state;
	channel = house_queue_to_filter(&filter); /* for nobody */
	say_mail(channel, &good_mail);
	say_check(channel, 7, &good_check, TEXT_SIZE);
	house_must_be_cut(channel);

	channel = open_mail(&filter); /* a recipient too late */
	say_check(channel, 7, &good_check, TEXT_SIZE);
	say_rcpt(channel, good_mail.check, "bob@example.org", 16);
	house_must_be_cut(channel);

	channel = open_mail(&filter); /* two messages of one mail */
	say_check(channel, 7, &good_check, TEXT_SIZE);
	say_check(channel, 8, &good_check, TEXT_SIZE);
	house_must_be_cut(channel);

	channel = house_queue_to_filter(&filter); /* what nobody has asked for */
	assert_int_equal(ipc_send_fd(channel, QF_SIGNED, 9, &(struct ipc_empty){{0}},
				     sizeof(struct ipc_empty), "DKIM-Signature: x\r\n", 19, -1),
			 0);
	house_must_be_cut(channel);

	channel = open_mail(&filter); /* given up, then gone on with */
	assert_int_equal(ipc_send_fd(channel, QF_CANCEL, 0, &(struct qf_number){5},
				     sizeof(struct qf_number), NULL, 0, -1),
			 0);
	say_check(channel, 7, &good_check, TEXT_SIZE);
	house_must_be_cut(channel);
	the_truth_is_answered(&filter);
	house_end(&filter);
}

/* -- Files --------------------------------------------------------------------------------------
 */

static int
file_of(const char *octets, size_t length)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, octets, length), length);
	return fd;
}

/* Takes FD. What can't be read is no reason to cut queue off: the mail comes again later. */
static uint32_t
judged(const struct house_child *filter, uint64_t size, int fd)
{
	const struct qf_check check = {.check = 5, .size = size};
	int channel = open_mail(filter);
	struct qf_verdict verdict;

	say_file(channel, &check, fd);
	close(fd);
	verdict = verdict_of(channel);
	close(channel);
	return verdict.verdict;
}

static void
files_that_lie(void **state)
{
	struct house_child filter = house_filter();
	char *header = malloc(2 << 20);
	int sv[2];

	(void)state;
	assert_non_null(header);
	assert_int_equal(judged(&filter, TEXT_SIZE, file_of(text, TEXT_SIZE)), FILTER_ACCEPT);
	/* A header alone, which is shorter than the file is said to be. */
	assert_int_equal(judged(&filter, 100, file_of("A: b\r\n", 6)), FILTER_LATER);
	assert_int_equal(judged(&filter, 1, file_of(text, TEXT_SIZE)), FILTER_LATER);
	assert_int_equal(judged(&filter, 100, file_of("", 0)), FILTER_LATER);
	assert_int_equal(judged(&filter, 100, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
			 FILTER_LATER);
	/* What would keep it waiting, or has no end. */
	assert_int_equal(pipe2(sv, O_CLOEXEC), 0);
	assert_int_equal(judged(&filter, 100, sv[0]), FILTER_LATER);
	close(sv[1]);
	assert_int_equal(judged(&filter, UINT64_MAX, open("/dev/zero", O_RDONLY | O_CLOEXEC)),
			 FILTER_REJECT);
	/* A header without an end. */
	memset(header, 'a', 2 << 20);
	assert_int_equal(judged(&filter, 2 << 20, file_of(header, 2 << 20)), FILTER_REJECT);
	free(header);
	the_truth_is_answered(&filter);
	house_end(&filter);
}

/* -- Floods -------------------------------------------------------------------------------------
 */

/* More mails than it keeps: none of them is judged, and the next queue is served. */
static void
a_flood_of_mails(void **state)
{
	struct house_child filter = house_filter();
	int channel = house_queue_to_filter(&filter);
	struct qf_mail mail = good_mail;

	(void)state;
	for (uint32_t i = 1; i < 100000; i++) {
		mail.check = i;
		if (!house_send(channel, QF_MAIL, 0, &mail, sizeof(mail), "a@b", 3))
			break;
	}
	house_must_be_cut(channel);
	the_truth_is_answered(&filter);
	house_end(&filter);
}

/* More octets of recipients than a mail can have: a hundred MiB, if they were kept. */
static void
a_flood_of_recipients(void **state)
{
	struct house_child filter = house_filter();
	int channel = house_queue_to_filter(&filter);
	const struct qf_number number = {good_mail.check};
	char *paths = malloc(QF_PATHS_MAX);

	(void)state;
	assert_non_null(paths);
	memset(paths, 'a', QF_PATHS_MAX);
	paths[QF_PATHS_MAX - 1] = '\0';
	say_mail(channel, &good_mail);
	for (size_t i = 0; i < 100 * 1024 * 1024 / QF_PATHS_MAX; i++) {
		if (!house_send(channel, QF_RCPT, 0, &number, sizeof(number), paths, QF_PATHS_MAX))
			break;
	}
	free(paths);
	house_must_be_cut(channel);
	the_truth_is_answered(&filter);
	house_end(&filter);
}

/* A queue that lives, but took offence, brings no other channel: it is asked for with a new life.
 */
static void
who_stays_alone_ends(void **state)
{
	const struct qf_check nothing = {.check = good_mail.check};
	struct house_child filter = house_filter();
	int channel = open_mail(&filter);

	(void)state;
	say_check(channel, 7, &nothing, 0);
	house_must_be_cut(channel);
	house_must_end(&filter);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mails_that_lie),        cmocka_unit_test(recipients_that_lie),
	    cmocka_unit_test(messages_that_lie),     cmocka_unit_test(messages_out_of_order),
	    cmocka_unit_test(files_that_lie),        cmocka_unit_test(a_flood_of_mails),
	    cmocka_unit_test(a_flood_of_recipients), cmocka_unit_test(who_stays_alone_ends),
	};

	return cmocka_run_group_tests(tests, house_setup, house_teardown);
}
