/* SPDX-License-Identifier: ISC */
/*
 * Stages of filter without memory, wherever it comes to an end: each ends once, frees what it has,
 * says temperror, and has the mail put off. Linked with wrappers (filter.mk).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <openssl/crypto.h>

#include "tests/unit/dkim_example.h"
#include "tests/unit/dns_text.h"
#include "worker/filter/dkim_crypto.h"
#include "worker/filter/filter.h"

#define QUESTIONS_MAX 32

/* -- Memory, and what stages use -------------------------------------------------------------- */

static unsigned left;  /* allocations that succeed */
static unsigned tried; /* and all that were made */

static bool
may_have(void)
{
	tried++;
	if (left == 0) {
		errno = ENOMEM;
		return false;
	}
	left--;
	return true;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *
__wrap_calloc(size_t count, size_t size)
{
	return may_have() ? __real_calloc(count, size) : NULL;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *
__wrap_malloc(size_t size)
{
	return may_have() ? __real_malloc(size) : NULL;
}

/* Libevent's own. */
static void *
resize(void *old, size_t size)
{
	return old != NULL || may_have() ? realloc(old, size) : NULL;
}

static void *
get(size_t size)
{
	return may_have() ? __real_malloc(size) : NULL;
}

/* OpenSSL's own. */
static void *
openssl_get(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return get(size);
}

static void *
openssl_resize(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return may_have() ? realloc(old, size) : NULL;
}

static void
openssl_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	free(old);
}

struct dns_question {
	dns_done_fn *done;
	void *arg;
};

static struct dns_question questions[QUESTIONS_MAX];
static unsigned asked;
static const char *const *answers; /* TXT records, one a question; NULL: no such name */

struct dns_question *__wrap_dns_ask(struct resolver *, const char *name, uint16_t type,
				    dns_done_fn *done, void *arg);
struct dns_question *
__wrap_dns_ask(struct resolver *resolver, const char *name, uint16_t type, dns_done_fn *done,
	       void *arg)
{
	(void)resolver;
	(void)type;
	assert_true(name[0] != '\0' && asked < QUESTIONS_MAX);
	if (!may_have())
		return NULL;
	questions[asked] = (struct dns_question){done, arg};
	return &questions[asked++];
}

void __wrap_dns_forget(struct dns_question *);
void
__wrap_dns_forget(struct dns_question *question)
{
	if (question != NULL)
		question->done = NULL;
}

static unsigned ends, temperrors, later, actions;

void __wrap_check_next(struct check *);
void
__wrap_check_next(struct check *check)
{
	assert_null(check->stage);
	ends++;
}

void __wrap_check_result(struct check *, const char *method, enum auth_result, const char *reason,
			 ...);
void
__wrap_check_result(struct check *check, const char *method, enum auth_result result,
		    const char *reason, ...)
{
	(void)check;
	(void)method;
	(void)reason;
	temperrors += result == AUTH_TEMPERROR ? 1 : 0;
}

void __wrap_check_verdict(struct check *, enum filter_verdict, unsigned code, const char *status,
			  const char *why, const char *text);
void
__wrap_check_verdict(struct check *check, enum filter_verdict verdict, unsigned code,
		     const char *status, const char *why, const char *text)
{
	(void)check;
	(void)status;
	(void)text;
	if (verdict == FILTER_REJECT)
		actions++;
	if (verdict == FILTER_LATER && code == 451 && strcmp(why, "no memory") == 0)
		later++;
}

/* -- A mail ----------------------------------------------------------------------------------- */

static const char text[] = "Received: x\r\nFrom: x@example.net\r\n\r\nx\r\n";
static struct filter filter;

static struct check
a_check(struct message *message)
{
	struct check check = {.filter = &filter,
			      .mail = {.kind = FILTER_STRANGER, .helo = "helo.example.net"},
			      .sender = "x@example.net",
			      .message = message};

	check.mail.peer.address.s6_addr[10] = check.mail.peer.address.s6_addr[11] = 0xff;
	check.mail.peer.address.s6_addr[12] = 192;
	check.mail.peer.address.s6_addr[15] = 1;
	return check;
}

static void
begin(unsigned allocations)
{
	left = allocations;
	tried = asked = ends = temperrors = later = actions = 0;
}

static void
answer(const struct dns_question *question, const char *record)
{
	static uint8_t packet[DNS_TEXT_PACKET];
	struct dns_reply reply = {.status = DNS_NO_NAME};

	if (record != NULL) {
		reply.status = DNS_ANSWERED;
		reply.packet = packet;
		reply.length = dns_text(record, packet);
	}
	question->done(&reply, question->arg);
}

/* Answers all that is asked, as it is asked; then what the stage has to do has its turns. */
static void
run(const struct stage *stage, struct check *check)
{
	stage->start(check);
	for (unsigned i = 0; i < asked; i++) {
		struct dns_question question = questions[i];

		questions[i].done = NULL;
		if (question.done != NULL)
			answer(&question, answers == NULL ? NULL : answers[i]);
	}
	while (ends == 0 && event_base_loop(filter.base, EVLOOP_ONCE) == 0)
		;
	assert_int_equal(ends, 1);
}

/* With more memory each time, until there is enough: then nothing is put off. */
static void
try_all(const struct stage *stage)
{
	struct message *message;
	unsigned failures = 0;

	left = UINT32_MAX;
	message = message_new(text, -1, sizeof(text) - 1);
	for (unsigned n = 0;; n++) {
		struct check check = a_check(message);

		assert_true(n < 100);
		begin(n);
		run(stage, &check);
		if (tried <= n)
			break;
		failures++;
		/* A list that is not asked says nothing; the others have a result. */
		assert_true(temperrors > 0 || stage == &stage_host);
		assert_true(later > 0);
		assert_int_equal(actions, 0);
		assert_true(check.spf == AUTH_TEMPERROR || stage != &stage_spf);
		assert_true(check.incomplete == (stage == &stage_spf));
	}
	assert_true(failures >= 3);
	assert_int_equal(later, 0);
	left = UINT32_MAX;
	message_free(message);
}

/*
 * What a signature has said is that it is good, or that nobody knows; and of what nobody knows
 * nothing counts against the mail. With libevent's first timer and OpenSSL's own structures.
 */
static void
signatures(void **state)
{
	struct message *message;
	struct check check;
	unsigned failures = 0;

	(void)state;
	left = UINT32_MAX;
	message = message_new(dkim_example, -1, sizeof(dkim_example) - 1);
	answers = dkim_example_keys;
	check = a_check(message);
	begin(UINT32_MAX); /* what OpenSSL keeps from the first time on */
	run(&stage_dkim, &check);
	for (unsigned n = 0;; n++) {
		struct event_base *base = filter.base;

		assert_true(n < 5000);
		left = UINT32_MAX;
		filter.base = event_base_new();
		check = a_check(message);
		begin(n);
		run(&stage_dkim, &check);
		event_base_free(filter.base);
		filter.base = base;
		if (tried <= n)
			break;
		failures++;
		for (size_t i = 0; i < check.dkim_count; i++)
			assert_true(check.dkim[i].result == AUTH_PASS ||
				    check.dkim[i].result == AUTH_TEMPERROR);
		assert_true(check.incomplete == (temperrors > 0));
		assert_true((later > 0) == (temperrors > 0));
	}
	assert_true(failures >= 20);
	assert_int_equal(check.dkim_count, 2);
	assert_int_equal(temperrors + later, 0);
	left = UINT32_MAX;
	message_free(message);
	answers = NULL;
}

static void
every_stage(void **state)
{
	static const struct stage *const all[] = {&stage_host, &stage_spf, &stage_dmarc};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		try_all(all[i]);
}

/* Where filter.failure lets mail pass, it is not refused for what could not be looked at. */
static void
without_evidence_nothing_has_failed(void **state)
{
	struct message *message;
	struct check check;

	(void)state;
	filter.settings.failure = FILTER_FAIL_ACCEPT;
	filter.settings.actions[FILTER_ON_DMARC_REJECT] = FILTER_DO_REJECT;
	left = UINT32_MAX;
	message = message_new(text, -1, sizeof(text) - 1);
	check = a_check(message);
	begin(0);
	stage_spf.start(&check);
	assert_int_equal(later, 0);
	assert_int_equal(check.spf, AUTH_TEMPERROR);
	begin(UINT32_MAX);
	stage_dmarc.start(&check);
	assert_int_equal(ends, 1);
	assert_int_equal(asked, 0);
	assert_int_equal(temperrors, 1);
	assert_int_equal(actions, 0);
	message_free(message);
	filter.settings.failure = FILTER_FAIL_LATER;
}

static int
set_up(void **state)
{
	(void)state;
	left = UINT32_MAX;
	if (CRYPTO_set_mem_functions(openssl_get, openssl_resize, openssl_free) != 1 ||
	    dkim_crypto_open() == -1)
		return -1;
	event_set_mem_functions(get, resize, free);
	filter.base = event_base_new();
	strlcpy(filter.settings.hostname, "mx.example.org", sizeof(filter.settings.hostname));
	filter.settings.list_count = 1;
	strlcpy(filter.settings.lists[0].zone, "bl.example", HOST_NAME_SIZE);
	return filter.base == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	left = UINT32_MAX;
	event_base_free(filter.base);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_stage),
	    cmocka_unit_test(signatures),
	    cmocka_unit_test(without_evidence_nothing_has_failed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
