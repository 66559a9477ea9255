/* SPDX-License-Identifier: ISC */
/*
 * A filter that lies to queue is cut off. The mail that it had is put off or looked at by its
 * successor; no lie becomes a reply, a file, or a signature.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/accounts_queue.h"
#include "common/proto/gate_queue.h"
#include "common/proto/queue_filter.h"
#include "tests/attack/house.h"

static const char text[] = "From: x@example.net\r\nSubject: x\r\n\r\nx\r\n";
#define TEXT_SIZE (sizeof(text) - 1)

struct fixture {
	struct house_child queue;
	int accounts, gate, filter; /* the test is all three */
	uint32_t check;             /* the number of the mail */
	uint32_t request;           /* queue's, for the verdict */
};

/* From queue: to filter it is the client. */
static struct ipc_message
expect(int channel, const struct ipc_boundary *boundary, uint16_t type)
{
	enum ipc_side side = boundary == &queue_filter_boundary ? IPC_SERVER : IPC_CLIENT;
	struct ipc_message message;

	assert_int_equal(house_receive(channel, boundary, side, &message), 1);
	assert_int_equal(message.type, type);
	return message;
}

/* -- Up to the check ------------------------------------------------------------------------ */

/* What accounts is asked about the recipient, and, of a SUBMITTER, about the sender. */
static void
answer_accounts(const struct fixture *f, bool submitter)
{
	const struct aq_sender_is own = {.verdict = SENDER_OWN};
	const struct aq_resolved local = {.verdict = RCPT_LOCAL, .mailboxes = 1};
	struct ipc_message message;

	if (submitter) {
		message = expect(f->accounts, &accounts_queue_boundary, AQ_SENDER);
		assert_int_equal(ipc_send_fd(f->accounts, AQ_SENDER_IS, message.id, &own,
					     sizeof(own), NULL, 0, -1),
				 0);
	}
	message = expect(f->accounts, &accounts_queue_boundary, AQ_RESOLVE);
	assert_int_equal(ipc_send_fd(f->accounts, AQ_RESOLVED, message.id, &local, sizeof(local),
				     "alice@example.org", 17, -1),
			 0);
}

static void
send_mail(const struct fixture *f, bool submitter)
{
	const struct gq_mail mail = {.conn = 1, .transaction = 1};
	const struct gq_rcpt rcpt = {.transaction = 1};
	const struct gq_transaction data = {.transaction = 1};
	const struct gq_commit commit = {.transaction = 1, .size = TEXT_SIZE};

	assert_int_equal(
	    ipc_send_fd(f->gate, GQ_MAIL, 0, &mail, sizeof(mail), "x@example.net", 13, -1), 0);
	assert_int_equal(
	    ipc_send_fd(f->gate, GQ_RCPT, 0, &rcpt, sizeof(rcpt), "alice@example.org", 17, -1), 0);
	assert_int_equal(ipc_send_fd(f->gate, GQ_DATA, 9, &data, sizeof(data), NULL, 0, -1), 0);
	answer_accounts(f, submitter);
	close(expect(f->gate, &gate_queue_boundary, GQ_BODY).fd);
	assert_int_equal(
	    ipc_send_fd(f->gate, GQ_COMMIT, 11, &commit, sizeof(commit), text, TEXT_SIZE, -1), 0);
}

/* As filter: the mail with all its parts. */
static void
take_mail(struct fixture *f)
{
	struct ipc_message message;

	message = expect(f->filter, &queue_filter_boundary, QF_MAIL);
	f->check = ((const struct qf_mail *)message.body)->check;
	(void)expect(f->filter, &queue_filter_boundary, QF_RCPT);
	message = expect(f->filter, &queue_filter_boundary, QF_CHECK);
	f->request = message.id;
	assert_int_equal(message.tail_length, TEXT_SIZE);
}

static void
open_check(struct fixture *f, bool submitter)
{
	f->queue = house_checking_queue();
	f->accounts = house_accounts_to_queue(&f->queue);
	f->gate =
	    submitter ? house_submitter_to_queue(f->accounts) : house_gate_to_queue(&f->queue);
	f->filter = house_filter_to_queue(&f->queue);
	send_mail(f, submitter);
	take_mail(f);
}

static void
close_check(struct fixture *f)
{
	close(f->gate);
	close(f->accounts);
	house_end(&f->queue);
}

static void
say_verdict(const struct fixture *f, const struct qf_verdict *verdict, const char *tail,
	    size_t length)
{
	assert_int_equal(ipc_send_fd(f->filter, QF_VERDICT, f->request, verdict, sizeof(*verdict),
				     tail, length, -1),
			 0);
}

/* The mail is put off, and filter has been cut off. */
static void
must_be_put_off(struct fixture *f)
{
	struct ipc_message message = expect(f->gate, &gate_queue_boundary, GQ_FAILED);

	assert_int_equal(((const struct gq_failed *)message.body)->failure, QUEUE_UNAVAILABLE);
	assert_int_equal(message.tail_length, 0);
	house_must_be_cut(f->filter);
	close_check(f);
}

/* Filter is cut off; its successor gets the mail again, as it came, and it is taken. */
static void
must_come_again(struct fixture *f)
{
	const struct qf_verdict accept = {.verdict = FILTER_ACCEPT};

	house_must_be_cut(f->filter);
	f->filter = house_filter_to_queue(&f->queue);
	take_mail(f);
	say_verdict(f, &accept, NULL, 0);
	(void)expect(f->gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f->filter);
	close_check(f);
}

/* -- Verdicts ------------------------------------------------------------------------------- */

static void
verdicts_that_lie(void **state)
{
	static const struct {
		const char *what;
		struct qf_verdict verdict;
		size_t tail;
	} lies[] = {
	    {"none", {.verdict = 0}, 0},
	    {"unknown", {.verdict = FILTER_VERDICT_COUNT}, 0},
	    {"half junk", {.verdict = FILTER_ACCEPT, .junk = 2}, 0},
	    {"of 7 bits, unasked",
	     {.verdict = FILTER_ACCEPT, .change = FILTER_IN_TAIL, .size = 10, .seven_bit = 1},
	     10},
	    {"an unknown change", {.verdict = FILTER_ACCEPT, .change = FILTER_CHANGE_COUNT}, 0},
	    {"a reply to what is taken", {.verdict = FILTER_ACCEPT, .code = 250}, 0},
	    {"refused, and well", {.verdict = FILTER_REJECT, .code = 250, .text = "x"}, 0},
	    {"refused, for now", {.verdict = FILTER_REJECT, .code = 451, .text = "x"}, 0},
	    {"put off for ever", {.verdict = FILTER_LATER, .code = 550, .text = "x"}, 0},
	    {"no code", {.verdict = FILTER_REJECT, .code = 5500, .text = "x"}, 0},
	    {"without a word", {.verdict = FILTER_REJECT, .code = 550}, 0},
	    {"two replies",
	     {.verdict = FILTER_REJECT, .code = 550, .text = "x\r\n250 2.0.0 taken"},
	     0},
	    {"8-bit", {.verdict = FILTER_REJECT, .code = 550, .text = "\xc3\xa4"}, 0},
	    {"a reply in the status",
	     {.verdict = FILTER_REJECT, .code = 550, .status = "5.7\r\n250", .text = "x"},
	     0},
	    {"another class",
	     {.verdict = FILTER_REJECT, .code = 550, .status = "2.0.0", .text = "x"},
	     0},
	    {"no status", {.verdict = FILTER_REJECT, .code = 550, .status = "5.7", .text = "x"}, 0},
	    {"unchanged, with a message", {.verdict = FILTER_ACCEPT}, 10},
	    {"unchanged, with a size", {.verdict = FILTER_ACCEPT, .size = 10}, 0},
	    {"changed to nothing", {.verdict = FILTER_ACCEPT, .change = FILTER_IN_TAIL}, 0},
	    {"less than it says",
	     {.verdict = FILTER_ACCEPT, .change = FILTER_IN_TAIL, .size = 11},
	     10},
	    {"more than it says",
	     {.verdict = FILTER_ACCEPT, .change = FILTER_IN_TAIL, .size = 9},
	     10},
	    {"in no file", {.verdict = FILTER_ACCEPT, .change = FILTER_IN_FILE, .size = 10}, 0},
	    {"in a file and not",
	     {.verdict = FILTER_ACCEPT, .change = FILTER_IN_FILE, .size = 10},
	     10},
	};
	struct qf_verdict endless = {.verdict = FILTER_HOLD};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("%s\n", lies[i].what);
		open_check(&f, false);
		say_verdict(&f, &lies[i].verdict, text, lies[i].tail);
		must_be_put_off(&f);
	}
	memset(endless.text, 'a', sizeof(endless.text));
	open_check(&f, false);
	say_verdict(&f, &endless, NULL, 0);
	must_be_put_off(&f);
}

/* Each is what it says: the lies above differ from these in one thing. */
static void
the_truth_is_believed(void **state)
{
	static const struct qf_verdict reject = {
	    .verdict = FILTER_REJECT, .code = 550, .status = "5.7.1", .text = "x"};
	static const struct qf_verdict changed = {
	    .verdict = FILTER_HOLD, .change = FILTER_IN_TAIL, .size = 10, .text = "x"};
	struct ipc_message message;
	struct fixture f;

	(void)state;
	open_check(&f, false);
	say_verdict(&f, &reject, NULL, 0);
	message = expect(f.gate, &gate_queue_boundary, GQ_FAILED);
	assert_int_equal(((const struct gq_failed *)message.body)->failure, QUEUE_FILTERED);
	assert_string_equal(message.tail, "550 5.7.1 x");
	close(f.filter);
	close_check(&f);

	open_check(&f, false);
	say_verdict(&f, &changed, text, 10);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f.filter);
	close_check(&f);
}

/* A verdict that nobody waits for is no verdict of another mail. */
static void
verdicts_of_other_mails(void **state)
{
	const struct qf_verdict discard = {.verdict = FILTER_DISCARD};
	const struct qf_verdict accept = {.verdict = FILTER_ACCEPT};
	struct fixture f;

	(void)state;
	open_check(&f, false);
	for (uint32_t other = f.request + 1; other < f.request + 100; other++) {
		if (!house_send(f.filter, QF_VERDICT, other, &discard, sizeof(discard), NULL, 0))
			break;
	}
	must_come_again(&f);

	open_check(&f, false);
	say_verdict(&f, &accept, NULL, 0);
	say_verdict(&f, &discard, NULL, 0); /* twice */
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	house_must_be_cut(f.filter);
	close_check(&f);
}

/* Who says so has nothing more to say: an end that it was told of, or none, leads to no verdict. */
static void
who_leaves_is_cut_off(void **state)
{
	const struct ipc_empty empty = {{0}};
	const struct qf_verdict discard = {.verdict = FILTER_DISCARD};
	struct fixture f;

	(void)state;
	open_check(&f, false);
	assert_int_equal(ipc_send_fd(f.filter, QF_LEAVING, 0, &empty, sizeof(empty), NULL, 0, -1),
			 0);
	(void)house_send(f.filter, QF_VERDICT, f.request, &discard, sizeof(discard), NULL, 0);
	must_come_again(&f);
}

/* -- Envelopes ------------------------------------------------------------------------------- */

static const struct qf_verdict accept_it = {.verdict = FILTER_ACCEPT};

/* With the range of the first recipient, if there is to be one, before TAIL. */
static void
say_envelope(const struct fixture *f, struct qf_envelope fixed, const char *tail, size_t length)
{
	const uint32_t range[2] = {0, 1};
	size_t before = fixed.ranges * sizeof(range);
	char octets[256];

	fixed.check = f->check;
	assert_true(before + length <= sizeof(octets));
	memcpy(octets, range, before);
	memcpy(octets + before, tail, length);
	assert_int_equal(ipc_send_fd(f->filter, QF_ENVELOPE, 0, &fixed, sizeof(fixed), octets,
				     before + length, -1),
			 0);
}

static void
say_added(const struct fixture *f, const char *tail, size_t length)
{
	say_envelope(f, (struct qf_envelope){.added = 1}, tail, length);
}

/* What is wrong by itself, test_check_envelope.c has. */
static void
envelopes_that_lie(void **state)
{
	const struct qf_verdict discard = {.verdict = FILTER_DISCARD};
	const struct qf_verdict later = {.verdict = FILTER_LATER, .code = 451, .text = "x"};
	struct fixture f;

	(void)state;
	open_check(&f, false); /* it leaves, which a stranger's may not */
	say_added(&f, "@x@example.net\0", 16);
	must_come_again(&f);

	open_check(&f, false); /* no address */
	say_added(&f, "0x\0", 4);
	must_come_again(&f);

	open_check(&f, false); /* half a recipient */
	say_envelope(&f, (struct qf_envelope){.ranges = 1}, "\1", 1);
	must_come_again(&f);

	open_check(&f, true); /* twice */
	say_added(&f, "0bob@example.org\0", 18);
	say_added(&f, "0bob@example.org\0", 18);
	must_come_again(&f);

	open_check(&f, true); /* of what is not taken */
	say_added(&f, "0bob@example.org\0", 18);
	say_verdict(&f, &discard, NULL, 0);
	must_be_put_off(&f);
	open_check(&f, true);
	say_added(&f, "0bob@example.org\0", 18);
	say_verdict(&f, &later, NULL, 0);
	must_be_put_off(&f);
}

/* A change that was said, and then its filter died, is none: the successor says nothing of it. */
static void
envelopes_die_with_their_filter(void **state)
{
	struct fixture f;

	(void)state;
	open_check(&f, false);
	say_envelope(&f, (struct qf_envelope){.ranges = 1}, "", 0);
	say_verdict(&f, &(struct qf_verdict){.verdict = 0}, NULL, 0);
	must_be_put_off(&f);

	open_check(&f, false);
	say_envelope(&f, (struct qf_envelope){.ranges = 1}, "", 0);
	close(f.filter);
	f.filter = house_filter_to_queue(&f.queue);
	take_mail(&f);
	say_verdict(&f, &accept_it, NULL, 0);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED); /* and accounts was not asked */
	close(f.filter);
	close_check(&f);
}

/* As accounts: asked about PATH, of a mail from SENDER. */
static void
resolve(const struct fixture *f, const char *path, const char *sender, uint32_t verdict)
{
	const struct aq_resolved local = {.verdict = verdict,
					  .mailboxes = verdict == RCPT_LOCAL ? 1 : 0};
	struct ipc_message message = expect(f->accounts, &accounts_queue_boundary, AQ_RESOLVE);

	assert_string_equal(message.tail, path);
	assert_string_equal(message.tail + strlen(path) + 1, sender);
	assert_int_equal(ipc_send_fd(f->accounts, AQ_RESOLVED, message.id, &local, sizeof(local),
				     path, verdict == RCPT_LOCAL ? strlen(path) : 0, -1),
			 0);
}

/* Where a change leads, accounts says, as it does for what a client names. */
static void
envelopes_are_resolved(void **state)
{
	struct fixture f;

	(void)state;
	open_check(&f, false); /* in another's place, and for another's report */
	say_envelope(&f, (struct qf_envelope){.ranges = 1, .sender = 1, .added = 1},
		     "y@example.net\0"
		     "0bob@example.org\0",
		     14 + 18);
	say_verdict(&f, &accept_it, NULL, 0);
	resolve(&f, "bob@example.org", "y@example.net", RCPT_LOCAL);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f.filter);
	close_check(&f);

	open_check(&f, false); /* beside: what leads nowhere, or elsewhere, is left out */
	say_envelope(&f, (struct qf_envelope){.added = 2},
		     "0nobody@example.org\0\0"
		     "0x@example.net\0",
		     21 + 16);
	say_verdict(&f, &accept_it, NULL, 0);
	resolve(&f, "alice@example.org", "x@example.net", RCPT_LOCAL);
	resolve(&f, "nobody@example.org", "x@example.net", RCPT_NO_MAILBOX);
	resolve(&f, "x@example.net", "x@example.net", RCPT_NOT_LOCAL);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f.filter);
	close_check(&f);

	open_check(&f, true); /* unmarked, a user's does not leave either */
	say_envelope(&f, (struct qf_envelope){.ranges = 1, .added = 1}, "0x@example.net\0", 16);
	say_verdict(&f, &accept_it, NULL, 0);
	resolve(&f, "x@example.net", "x@example.net", RCPT_NOT_LOCAL);
	(void)expect(f.gate, &gate_queue_boundary, GQ_FAILED); /* nobody is left */
	close(f.filter);
	close_check(&f);

	open_check(&f, true);
	say_envelope(&f, (struct qf_envelope){.ranges = 1, .added = 1}, "@x@example.net\0", 16);
	say_verdict(&f, &accept_it, NULL, 0);
	resolve(&f, "x@example.net", "x@example.net", RCPT_NOT_LOCAL);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f.filter);
	close_check(&f);

	open_check(&f, false); /* who was named, and is gone since */
	say_added(&f, "0bob@example.org\0", 18);
	say_verdict(&f, &accept_it, NULL, 0);
	resolve(&f, "alice@example.org", "x@example.net", RCPT_NO_MAILBOX);
	resolve(&f, "bob@example.org", "x@example.net", RCPT_LOCAL);
	(void)expect(f.gate, &gate_queue_boundary, GQ_FAILED);
	close(f.filter);
	close_check(&f);

	open_check(&f, false); /* thrown away */
	say_envelope(&f, (struct qf_envelope){.ranges = 1}, "", 0);
	say_verdict(&f, &accept_it, NULL, 0);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f.filter);
	close_check(&f);
}

/* While accounts is asked: it dies, and its successor answers; the client goes; filter dies. */
static void
envelopes_outlive_others(void **state)
{
	struct fixture f;

	(void)state;
	open_check(&f, false);
	say_added(&f, "0bob@example.org\0", 18);
	say_verdict(&f, &accept_it, NULL, 0);
	resolve(&f, "alice@example.org", "x@example.net", RCPT_LOCAL);
	close(f.filter);
	close(f.accounts);
	f.accounts = house_accounts_to_queue(&f.queue);
	resolve(&f, "bob@example.org", "x@example.net", RCPT_LOCAL);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close_check(&f);

	open_check(&f, false);
	say_added(&f, "0bob@example.org\0", 18);
	say_verdict(&f, &accept_it, NULL, 0);
	(void)expect(f.accounts, &accounts_queue_boundary, AQ_RESOLVE);
	close(f.filter);
	close_check(&f);
}

/* -- Files ---------------------------------------------------------------------------------- */

static void
ask_for_room(const struct fixture *f, uint32_t id, uint32_t check)
{
	const struct qf_number number = {check};

	assert_int_equal(ipc_send_fd(f->filter, QF_ROOM, id, &number, sizeof(number), NULL, 0, -1),
			 0);
}

static void
say_in_file(struct fixture *f, uint64_t size)
{
	const struct qf_verdict verdict = {
	    .verdict = FILTER_ACCEPT, .change = FILTER_IN_FILE, .size = size};

	say_verdict(f, &verdict, NULL, 0);
}

/* Up to the file, with TEN octets in it. */
static int
open_room(struct fixture *f)
{
	int fd;

	open_check(f, false);
	ask_for_room(f, 0x80000001, f->check);
	fd = expect(f->filter, &queue_filter_boundary, QF_FILE).fd;
	assert_int_equal(write(fd, text, 10), 10);
	return fd;
}

static void
files_that_lie(void **state)
{
	static const uint64_t sizes[] = {
	    0, 1, 9, 11, TEXT_SIZE, TEXT_SIZE + QF_FIELDS_MAX + 1, UINT64_MAX};
	struct fixture f;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		close(open_room(&f));
		say_in_file(&f, sizes[i]);
		must_be_put_off(&f);
	}
	fd = open_room(&f); /* which filter could write to afterwards */
	say_in_file(&f, 10);
	must_be_put_off(&f);
	close(fd);

	close(open_room(&f)); /* it can be as it says */
	say_in_file(&f, 10);
	(void)expect(f.gate, &gate_queue_boundary, GQ_COMMITTED);
	close(f.filter);
	close_check(&f);
}

/* A file is for writing, and nothing can be reached from it. */
static void
a_file_is_only_a_file(void **state)
{
	struct fixture f;
	struct stat st;
	char byte;
	int fd;

	(void)state;
	fd = open_room(&f);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(pread(fd, &byte, 1, 0), -1);
	close(fd);
	close(f.filter);
	close_check(&f);
}

/* One a mail; none for mails that are not there. */
static void
rooms_that_lie(void **state)
{
	struct fixture f;

	(void)state;
	open_check(&f, false);
	ask_for_room(&f, 0, f.check); /* nobody waits */
	must_come_again(&f);

	close(open_room(&f));
	ask_for_room(&f, 0x80000002, f.check);
	must_come_again(&f);

	open_check(&f, false);
	for (uint32_t i = 1; i < 1000; i++) {
		ask_for_room(&f, 0x80000000 | i, f.check + i);
		(void)expect(f.filter, &queue_filter_boundary, QF_NO_ROOM);
	}
	close(f.filter);
	close_check(&f);
}

/* -- Signatures ----------------------------------------------------------------------------- */

static void
ask_to_sign(const struct fixture *f, uint32_t id, const struct qf_sign *sign)
{
	static const char field[] = "from:x@example.net\r\n";

	assert_int_equal(
	    ipc_send_fd(f->filter, QF_SIGN, id, sign, sizeof(*sign), field, sizeof(field) - 1, -1),
	    0);
}

static void
signatures_that_lie(void **state)
{
	struct qf_sign good, sign;
	struct fixture f;

	(void)state;
	memset(&good, 0, sizeof(good));
	strlcpy(good.domain, "example.org", sizeof(good.domain));

	open_check(&f, false); /* of a stranger's mail */
	sign = good;
	sign.check = f.check;
	ask_to_sign(&f, 0x80000001, &sign);
	must_come_again(&f);

	open_check(&f, true); /* nobody waits */
	sign = good;
	sign.check = f.check;
	ask_to_sign(&f, 0, &sign);
	must_come_again(&f);

	open_check(&f, true); /* From is always signed */
	sign.check = f.check;
	sign.without = 1;
	ask_to_sign(&f, 0x80000001, &sign);
	must_come_again(&f);

	open_check(&f, true);
	sign = good;
	sign.check = f.check;
	memset(sign.domain, 'a', sizeof(sign.domain));
	ask_to_sign(&f, 0x80000001, &sign);
	must_come_again(&f);

	open_check(&f, true); /* of no mail; and of one, but there is no certd */
	sign = good;
	sign.check = f.check + 1;
	ask_to_sign(&f, 0x80000001, &sign);
	(void)expect(f.filter, &queue_filter_boundary, QF_UNSIGNED);
	sign.check = f.check;
	ask_to_sign(&f, 0x80000002, &sign);
	(void)expect(f.filter, &queue_filter_boundary, QF_UNSIGNED);
	close(f.filter);
	close_check(&f);
}

/* The first order is with certd still: a second one of the same mail is one too many. */
static void
two_signatures_at_once(void **state)
{
	struct qf_sign sign;
	struct fixture f;
	int certd;

	(void)state;
	memset(&sign, 0, sizeof(sign));
	strlcpy(sign.domain, "example.org", sizeof(sign.domain));
	open_check(&f, true);
	certd = house_certd_to_queue(&f.queue);
	sign.check = f.check;
	ask_to_sign(&f, 0x80000001, &sign);
	ask_to_sign(&f, 0x80000002, &sign);
	must_come_again(&f);
	close(certd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(verdicts_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(the_truth_is_believed, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(verdicts_of_other_mails, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(who_leaves_is_cut_off, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(envelopes_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(envelopes_die_with_their_filter, house_setup,
					    house_teardown),
	    cmocka_unit_test_setup_teardown(envelopes_are_resolved, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(envelopes_outlive_others, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(files_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(a_file_is_only_a_file, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(rooms_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(signatures_that_lie, house_setup, house_teardown),
	    cmocka_unit_test_setup_teardown(two_signatures_at_once, house_setup, house_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
