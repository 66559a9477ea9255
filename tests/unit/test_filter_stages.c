/* SPDX-License-Identifier: ISC */
/*
 * Stages of filter, one after the other over one mail: what they make of what DNS tells them, and
 * of each other's results. Linked with wrappers (filter.mk).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "common/dkim_fields.h"
#include "tests/unit/dkim_example.h"
#include "tests/unit/dns_text.h"
#include "worker/filter/dkim_crypto.h"
#include "worker/filter/filter.h"

/* Their seconds are hundredths of that. */
int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	struct timeval shorter = {.tv_sec = 0};

	if (wait == NULL)
		return __real_event_add(event, NULL);
	/* That isn't behind any of those, however late it is already. */
	if (wait->tv_sec == 0 && wait->tv_usec == 0) {
		event_active(event, EV_TIMEOUT, 0);
		return 0;
	}
	shorter.tv_usec = (suseconds_t)(wait->tv_sec * 10000 + wait->tv_usec / 100);
	return __real_event_add(event, &shorter);
}

/* -- DNS -------------------------------------------------------------------------------------- */

struct record {
	const char *name, *text; /* "": no answer ever comes */
};

static const struct record *zone; /* ends with a NULL name */

struct dns_question {
	struct event *event;
	const char *text; /* NULL: there is no such name */
	dns_done_fn *done;
	void *arg;
};

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	uint8_t packet[DNS_TEXT_PACKET];
	struct dns_question question = *(struct dns_question *)arg;
	struct dns_reply reply = {.status = DNS_NO_NAME};

	(void)fd;
	(void)what;
	free(arg);
	event_free(question.event);
	if (question.text != NULL) {
		reply.status = DNS_ANSWERED;
		reply.packet = packet;
		reply.length = dns_text(question.text, packet);
	}
	question.done(&reply, question.arg);
}

static struct filter filter;

struct dns_question *__wrap_dns_ask(struct resolver *, const char *name, uint16_t type,
				    dns_done_fn *done, void *arg);
struct dns_question *
__wrap_dns_ask(struct resolver *resolver, const char *name, uint16_t type, dns_done_fn *done,
	       void *arg)
{
	struct dns_question *question = calloc(1, sizeof(*question));
	const struct record *record = zone;

	(void)resolver;
	(void)type;
	assert_non_null(question);
	while (record->name != NULL && strcmp(record->name, name) != 0)
		record++;
	*question = (struct dns_question){.text = record->text, .done = done, .arg = arg};
	question->event = event_new(filter.base, -1, 0, on_question, question);
	assert_non_null(question->event);
	if (question->text == NULL || question->text[0] != '\0')
		event_active(question->event, 0, 0);
	return question;
}

void __wrap_dns_forget(struct dns_question *);
void
__wrap_dns_forget(struct dns_question *question)
{
	if (question == NULL)
		return;
	event_free(question->event);
	free(question);
}

/* -- What stages say -------------------------------------------------------------------------- */

static char results[512]; /* "dkim=pass dmarc=none " */
static unsigned reply;    /* the verdict's, or 0 */
static bool over;

void __wrap_check_next(struct check *);
void
__wrap_check_next(struct check *check)
{
	assert_null(check->stage);
	assert_false(over);
	over = true;
}

void __wrap_check_result(struct check *, const char *method, enum auth_result, const char *reason,
			 ...);
void
__wrap_check_result(struct check *check, const char *method, enum auth_result result,
		    const char *reason, ...)
{
	size_t used = strlen(results);

	(void)check;
	(void)reason;
	(void)snprintf(results + used, sizeof(results) - used, "%s=%s ", method,
		       auth_result_name(result));
}

void __wrap_check_verdict(struct check *, enum filter_verdict, unsigned code, const char *status,
			  const char *why, const char *text);
void
__wrap_check_verdict(struct check *check, enum filter_verdict verdict, unsigned code,
		     const char *status, const char *why, const char *text)
{
	(void)check;
	(void)status;
	(void)why;
	(void)text;
	if (verdict == FILTER_LATER || verdict == FILTER_REJECT)
		reply = code;
}

/* -- A mail ----------------------------------------------------------------------------------- */

static void
run(const struct stage *stage, struct check *check)
{
	over = false;
	stage->start(check);
	while (!over && event_base_loop(filter.base, EVLOOP_ONCE) == 0)
		;
	assert_true(over);
}

static struct check
a_check(const char *text)
{
	struct check check = {.filter = &filter,
			      .mail = {.kind = FILTER_STRANGER},
			      .sender = "",
			      .message = message_new(text, -1, strlen(text))};

	assert_non_null(check.message);
	results[0] = '\0';
	reply = 0;
	return check;
}

/* RFC 6376 3.6.1: t=y asks that its failures be overlooked, not its successes. */
static void
the_pass_of_a_key_in_testing_counts(void **state)
{
	char key[1024];
	const struct record records[] = {
	    {"brisbane._domainkey.football.example.com", key},
	    {"_dmarc.football.example.com", "v=DMARC1; p=reject"},
	    {NULL, NULL},
	};
	struct check check;

	(void)state;
	zone = records;
	(void)snprintf(key, sizeof(key), "%s; t=y", dkim_example_keys[0]);
	check = a_check(dkim_example);
	run(&stage_dkim, &check);
	run(&stage_dmarc, &check);
	assert_string_equal(results, "dkim=pass dkim=permerror dmarc=pass ");
	assert_int_equal(reply, 0);
	message_free(check.message);
}

/* -- DNS that does not answer ----------------------------------------------------------------- */

/* One key is slow: the other signature counts. */
static void
a_slow_key_holds_up_no_other(void **state)
{
	static const struct record records[] = {
	    {"brisbane._domainkey.football.example.com", ""},
	    {"test._domainkey.football.example.com", NULL},
	    {"_dmarc.football.example.com", "v=DMARC1; p=reject"},
	    {NULL, NULL},
	};
	struct record some[4];
	struct check check;

	(void)state;
	memcpy(some, records, sizeof(some));
	some[1].text = dkim_example_keys[1];
	zone = some;
	check = a_check(dkim_example);
	run(&stage_dkim, &check);
	run(&stage_dmarc, &check);
	assert_string_equal(results, "dkim=temperror dkim=pass dmarc=pass ");
	assert_int_equal(reply, 0);
	message_free(check.message);
	/* If it alone could be good, the mail is put off. */
	some[1].text = NULL;
	check = a_check(dkim_example);
	run(&stage_dkim, &check);
	run(&stage_dmarc, &check);
	assert_string_equal(results, "dkim=temperror dkim=permerror dmarc=fail ");
	assert_int_equal(reply, 451);
	message_free(check.message);
}

/* Nor does a slow domain hide another that stands beside it. */
static void
slow_authors_hide_no_other(void **state)
{
	static const struct record records[] = {
	    {"_dmarc.slow.example", ""},
	    {"_dmarc.slow2.example", ""},
	    {"_dmarc.bank.example", "v=DMARC1; p=reject"},
	    {NULL, NULL},
	};
	struct check check;

	(void)state;
	zone = records;
	check = a_check("From: a@slow.example\r\n\r\n");
	run(&stage_dmarc, &check);
	assert_string_equal(results, "dmarc=temperror ");
	assert_int_equal(reply, 0);
	message_free(check.message);
	check = a_check("From: a@slow.example, b@slow2.example, c@bank.example\r\n\r\n");
	run(&stage_dmarc, &check);
	assert_string_equal(results, "dmarc=fail ");
	assert_int_equal(reply, 550);
	message_free(check.message);
}

/* However many stand beside it, and whatever they publish: that is no way around it. */
static void
more_authors_hide_no_slow_one(void **state)
{
	static const struct record records[] = {
	    {"_dmarc.bank.example", ""},
	    {"_dmarc.none.example", "v=DMARC1; p=none"},
	    {"_dmarc.junk.example", "v=DMARC1; p=quarantine"},
	    {NULL, NULL},
	};
	static const char *const mails[] = {
	    "From: c@bank.example, a@x1.example\r\n\r\n",
	    "From: a@1.x, b@2.x, c@3.x, d@4.x, e@5.x, f@6.x, g@7.x, c@bank.example\r\n\r\n",
	    "From: c@bank.example, a@none.example\r\n\r\n",
	    "From: a@junk.example, c@bank.example\r\n\r\n",
	};

	(void)state;
	zone = records;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct check check = a_check(mails[i]);

		run(&stage_dmarc, &check);
		assert_int_equal(reply, 451);
		message_free(check.message);
	}
}

/* Has it all of the time for itself, others may do no more than send the mail to Junk. */
static void
one_slow_domain_is_waited_for_once(void **state)
{
	static const struct record records[] = {{"_dmarc.bank.example", ""}, {NULL, NULL}};
	static const char *const mails[] = {
	    "From: c@bank.example, a@[192.0.2.1]\r\n\r\n",
	    "From: c@bank.example\r\nFrom: c@bank.example\r\n\r\n",
	    "From: =?utf-8?q?M=C3=BCller?=, Hans <h@bank.example>\r\n\r\n",
	};

	(void)state;
	zone = records;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct check check = a_check(mails[i]);

		run(&stage_dmarc, &check);
		assert_string_equal(results, "dmarc=permerror ");
		assert_int_equal(reply, 0);
		message_free(check.message);
	}
}

/* Nor is a domain hidden by more than are asked. */
static void
too_many_authors_are_refused(void **state)
{
	static const struct record records[] = {{NULL, NULL}};
	struct check check =
	    a_check("From: a@1.x, b@2.x, c@3.x, d@4.x, e@5.x, f@6.x, g@7.x, h@8.x, "
		    "c@bank.example\r\n\r\n");

	(void)state;
	zone = records;
	run(&stage_dmarc, &check);
	assert_int_equal(reply, 550);
	message_free(check.message);
}

/* What is found is told, and nothing is done about it; of others it is. */
static void
of_exempt_clients_nothing_is_refused(void **state)
{
	static const struct record records[] = {
	    {"_dmarc.slow.example", ""},
	    {"_dmarc.bank.example", "v=DMARC1; p=reject"},
	    {NULL, NULL},
	};
	static const struct {
		const char *mail, *results;
		unsigned reply;
	} cases[] = {
	    {"From: c@bank.example\r\n\r\n", "dmarc=fail ", 550},
	    {"From: c@slow.example, a@x1.example\r\n\r\n", "dmarc=temperror ", 451},
	};

	(void)state;
	zone = records;
	/* 192.0.2.0/25 */
	filter.settings.exempt[0] = (struct network){
	    .address = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2}}, .bits = 121};
	filter.settings.exempt_count = 1;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct check check = a_check(cases[i / 2].mail);
		bool exempt = i % 2 == 0;

		check.mail.peer.address = filter.settings.exempt[0].address;
		check.mail.peer.address.s6_addr[15] = exempt ? 127 : 128;
		run(&stage_dmarc, &check);
		assert_string_equal(results, cases[i / 2].results);
		assert_int_equal(reply, exempt ? 0 : cases[i / 2].reply);
		message_free(check.message);
	}
	filter.settings.exempt_count = 0;
}

#define PASSED "dmarc=pass header.from=bank.example"
#define ARC_SET(i, cv, domain, found)                                                           \
	"ARC-Seal: i=" i "; a=rsa-sha256; cv=" cv "; d=" domain "; s=s; b=eA==\r\n"             \
	"ARC-Message-Signature: i=" i "; a=rsa-sha256; c=simple/simple; d=" domain "; s=s;\r\n" \
	" h=from; bh=RHI91NDg1Go8f6isolS2HCe2tXiflhd+gsgHAECfFTU=; b=eA==\r\n"                  \
	"ARC-Authentication-Results: i=" i "; " domain "; " found "\r\n"

/* Their word may count when DNS answers again. */
static void
slow_keys_of_trusted_forwarders_refuse_nothing(void **state)
{
	static const struct record records[] = {
	    {"s._domainkey.list.example", ""},
	    {"_dmarc.bank.example", "v=DMARC1; p=reject"},
	    {NULL, NULL},
	};
	static const struct {
		const char *sets, *author;
		unsigned reply;
	} mails[] = {
	    {ARC_SET("1", "none", "list.example", PASSED), "c@bank.example", 451},
	    {ARC_SET("2", "pass", "list.example", "dmarc=fail")
		 ARC_SET("1", "none", "two.example", PASSED),
	     "c@bank.example", 451},
	    {ARC_SET("1", "none", "list.example", PASSED), "c@bank.example, a@x.example", 550},
	    {ARC_SET("1", "none", "list.example", "dmarc=pass header.from=x.example"),
	     "c@bank.example", 550},
	    {ARC_SET("1", "none", "list.example", "dmarc=fail header.from=bank.example"),
	     "c@bank.example", 550},
	    {ARC_SET("2", "pass", "list.example", "dmarc=fail")
		 ARC_SET("1", "none", "other.example", PASSED),
	     "c@bank.example", 550},
	};
	char text[2048];

	(void)state;
	zone = records;
	strlcpy(filter.settings.arc_trusted[0], "list.example", HOST_NAME_SIZE);
	strlcpy(filter.settings.arc_trusted[1], "two.example", HOST_NAME_SIZE);
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct check check;

		(void)snprintf(text, sizeof(text), "%sFrom: %s\r\n\r\nhi\r\n", mails[i].sets,
			       mails[i].author);
		check = a_check(text);
		run(&stage_arc, &check);
		run(&stage_dmarc, &check);
		assert_string_equal(results, "arc=temperror dmarc=fail ");
		assert_int_equal(reply, mails[i].reply);
		message_free(check.message);
	}
	memset(filter.settings.arc_trusted, 0, sizeof(filter.settings.arc_trusted));
}

/* -- Signing ---------------------------------------------------------------------------------- */

static struct qf_sign order;
static char signed_fields[QF_SIGN_FIELDS_MAX + 1]; /* "": nothing was asked */

static ipc_reply_fn *on_reply;

/* There is no key. */
static void
answer_order(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_message message = {.type = QF_SIGNED, .tail = ""};

	(void)fd;
	(void)what;
	assert_int_equal(on_reply(NULL, &message, arg), 0);
}

uint32_t __wrap_ipc_request(struct ipc_channel *, uint16_t type, const void *body, const char *tail,
			    size_t tail_length, int fd, unsigned timeout, ipc_reply_fn *,
			    void *arg);
uint32_t
__wrap_ipc_request(struct ipc_channel *channel, uint16_t type, const void *body, const char *tail,
		   size_t tail_length, int fd, unsigned timeout, ipc_reply_fn *reply_fn, void *arg)
{
	static const struct timeval now = {.tv_sec = 0};

	(void)channel;
	(void)fd;
	(void)timeout;
	assert_int_equal(type, QF_SIGN);
	assert_true(tail_length <= QF_SIGN_FIELDS_MAX);
	memcpy(&order, body, sizeof(order));
	memcpy(signed_fields, tail, tail_length);
	signed_fields[tail_length] = '\0';
	on_reply = reply_fn;
	assert_int_equal(event_base_once(filter.base, -1, EV_TIMEOUT, answer_order, arg, &now), 0);
	return 1;
}

/* A field of COUNT addresses, or so many words. */
static void
add_long(char *header, size_t size, const char *name, size_t count)
{
	size_t used = strlen(header);

	used += (size_t)snprintf(header + used, size - used, "%s: a", name);
	for (size_t n = 0; n < count; n++)
		used +=
		    (size_t)snprintf(header + used, size - used,
				     ",\r\n \"Firstname Lastname\" <name-%04zu@example.net>", n);
	(void)snprintf(header + used, size - used, "\r\n");
}

static void
sign(const char *header)
{
	struct check check = a_check(header);

	check.mail.kind = FILTER_SUBMITTER;
	memset(&order, 0, sizeof(order));
	signed_fields[0] = '\0';
	run(&stage_sign, &check);
	message_free(check.message);
}

/* A mail to all of a club is signed as others are, but for what makes it that long. */
static void
a_long_header_is_signed_in_part(void **state)
{
	static const struct {
		size_t to, cc, references;
		uint32_t without;
		const char *fields; /* that are signed, beside the long ones */
	} headers[] = {
	    {2, 2, 2, 0, "to:cc:references:"},
	    {1400, 2, 2, UINT32_C(1) << 3, "cc:references:"},
	    {2, 1400, 2, UINT32_C(1) << 4, "to:references:"},
	    {1400, 1400, 2, UINT32_C(3) << 3, "references:"},
	    {700, 800, 2, UINT32_C(1) << 4, "to:references:"},
	    {2, 2, 1400, UINT32_C(1) << 9, "to:cc:"},
	};
	static const char *const names[] = {"to:", "cc:", "references:"};
	static char header[262144];

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		(void)snprintf(header, sizeof(header), "From: x@example.org\r\nSubject: s\r\n");
		add_long(header, sizeof(header), "To", headers[i].to);
		add_long(header, sizeof(header), "Cc", headers[i].cc);
		add_long(header, sizeof(header), "References", headers[i].references);
		strlcat(header, "Date: now\r\n\r\nbody\r\n", sizeof(header));
		sign(header);
		assert_int_equal(reply, 0);
		assert_int_equal(order.without, headers[i].without);
		assert_string_equal(order.domain, "example.org");
		assert_true(dkim_fields_canonical(signed_fields, strlen(signed_fields)));
		assert_non_null(strstr(signed_fields, "\nsubject:s\r\n"));
		assert_non_null(strstr(signed_fields, "\ndate:now\r\n"));
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			assert_int_equal(strstr(signed_fields, names[n]) != NULL,
					 strstr(headers[i].fields, names[n]) != NULL);
	}
}

/* What will never be signed does not come again. */
static void
a_header_that_cannot_be_signed_is_refused(void **state)
{
	static char header[262144];

	(void)state;
	(void)snprintf(header, sizeof(header), "From: x@example.org\r\n");
	add_long(header, sizeof(header), "Subject", 1400);
	strlcat(header, "\r\nbody\r\n", sizeof(header));
	sign(header);
	assert_int_equal(reply, 552);
	(void)snprintf(header, sizeof(header), "From: x@example.org\r\n");
	for (size_t i = 0; i < DKIM_FIELDS_SIGNED_MAX; i++)
		strlcat(header, "List-Id: x\r\n", sizeof(header));
	strlcat(header, "\r\nbody\r\n", sizeof(header));
	sign(header);
	assert_int_equal(reply, 552);
	assert_string_equal(signed_fields, "");
}

static int
set_up(void **state)
{
	(void)state;
	filter.settings.actions[FILTER_ON_DMARC_REJECT] = FILTER_DO_REJECT;
	filter.base = event_base_new();
	return filter.base == NULL ? -1 : dkim_crypto_open();
}

static int
tear_down(void **state)
{
	(void)state;
	event_base_free(filter.base);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_pass_of_a_key_in_testing_counts),
	    cmocka_unit_test(a_slow_key_holds_up_no_other),
	    cmocka_unit_test(slow_authors_hide_no_other),
	    cmocka_unit_test(more_authors_hide_no_slow_one),
	    cmocka_unit_test(one_slow_domain_is_waited_for_once),
	    cmocka_unit_test(too_many_authors_are_refused),
	    cmocka_unit_test(of_exempt_clients_nothing_is_refused),
	    cmocka_unit_test(slow_keys_of_trusted_forwarders_refuse_nothing),
	    cmocka_unit_test(a_long_header_is_signed_in_part),
	    cmocka_unit_test(a_header_that_cannot_be_signed_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
