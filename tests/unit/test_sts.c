/* SPDX-License-Identifier: ISC */
/* MTA-STS (RFC 8461): its record, its policy, and the HTTP that brings it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/relay/http.h"
#include "worker/relay/sts_policy.h"

static const struct {
	const char *text;
	const char *id; /* NULL: it is no record of MTA-STS */
} records[] = {
    {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
    {"v=STSv1;id=1", "1"},
    {"v=STSv1 ; id=a ; later=x ;", "a"},
    {"v=STSv1; later=x; id=a", "a"},
    {"v=STSv1; id=a; id=b", "a"},
    {"v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345"},
    {"v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456", NULL},
    {"v=STSv1; id=", NULL},
    {"v=STSv1; id=a-b", NULL},
    {"v=STSv1;", NULL},
    {"v=STSv1", NULL},
    {"v=STSv1 id=a", NULL},
    {"v=STSv2; id=a", NULL},
    {"V=STSv1; id=a", NULL},
    {" v=STSv1; id=a", NULL},
    {"id=a; v=STSv1;", NULL},
    {"v=STSv1; id", NULL},
    {"v=spf1 -all", NULL},
    {"", NULL},
};

static void
records_say_their_id(void **state)
{
	char id[STS_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		print_message("%s\n", records[i].text);
		assert_int_equal(sts_record_parse(records[i].text, id), records[i].id != NULL);
		if (records[i].id != NULL)
			assert_string_equal(id, records[i].id);
	}
}

#define HEAD "version: STSv1\r\nmode: enforce\r\nmax_age: 86400\r\n"

static const struct {
	const char *text;
	enum sts_mode mode;
	uint32_t max_age;
	const char *problem; /* a word of it; NULL: it is good */
} policies[] = {
    {HEAD "mx: a.example\r\n", STS_ENFORCE, 86400, NULL},
    {"mx: a.example\nmax_age:1\nmode:testing\nversion:STSv1", STS_TESTING, 1, NULL},
    {"version: STSv1 \nmode:\tnone\nmax_age: 9999999999\n\n", STS_NONE, STS_AGE_MAX, NULL},
    {HEAD "mx: a.example\nmode: none\nlater: x\n", STS_ENFORCE, 86400, NULL},
    {HEAD, 0, 0, "lacks mx"},
    {"mode: none\nmax_age: 1\n", 0, 0, "lacks version"},
    {"version: STSv1\nmode: none\n", 0, 0, "max_age"},
    {"version: STSv2\nmode: none\nmax_age: 1\n", 0, 0, "version"},
    {"version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1\n", 0, 0, "mode"},
    {"version: STSv1\nmode: none\nmax_age: -1\n", 0, 0, "max_age"},
    {"version: STSv1\nmode: none\nmax_age: 12345678901\n", 0, 0, "max_age"},
    {HEAD "mx: *\n", 0, 0, "mx"},
    {HEAD "mx: *.\n", 0, 0, "mx"},
    {HEAD "mx: a.*.b\n", 0, 0, "mx"},
    {HEAD "mx: .a\n", 0, 0, "mx"},
    {HEAD "mx: a..b\n", 0, 0, "mx"},
    {HEAD "mx: a.\n", 0, 0, "mx"},
    {HEAD "mx:\n", 0, 0, "mx"},
    {HEAD "mx: a b\n", 0, 0, "mx"},
    {HEAD "mx a\n", 0, 0, "colon"},
    {"<html>\n", 0, 0, "colon"},
    {"", 0, 0, "lacks"},
};

static void
policies_are_read(void **state)
{
	struct sts_policy policy;

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const char *text = policies[i].text;
		const char *problem = sts_policy_parse(text, strlen(text), &policy);

		print_message("%s: %s\n", text, problem == NULL ? "good" : problem);
		assert_int_equal(problem == NULL, policies[i].problem == NULL);
		if (problem != NULL) {
			assert_non_null(strstr(problem, policies[i].problem));
			continue;
		}
		assert_int_equal(policy.mode, policies[i].mode);
		assert_int_equal(policy.max_age, policies[i].max_age);
	}
}

/* More of them than fit, it is no policy: one with some left out would refuse good hosts. */
static void
too_many_hosts(void **state)
{
	char text[16384] = HEAD;
	struct sts_policy policy;

	(void)state;
	for (size_t i = 0; i < 500; i++)
		strcat(text, "mx: mx.example.com\n");
	assert_non_null(strstr(sts_policy_parse(text, strlen(text), &policy), "more mx"));
}

static void
hosts_match(void **state)
{
	static const char text[] = HEAD "mx: Mail.example.com\nmx: *.example.net\n";
	static const struct {
		const char *host;
		bool matches;
	} hosts[] = {
	    {"mail.example.com", true},   {"mail.EXAMPLE.com", true}, {"a.example.net", true},
	    {"a.b.example.net", false},   {"example.net", false},     {".example.net", false},
	    {"xmail.example.com", false}, {"a.example.net.b", false}, {"", false},
	};
	struct sts_policy policy;

	(void)state;
	assert_null(sts_policy_parse(text, sizeof(text) - 1, &policy));
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		assert_int_equal(sts_policy_matches(&policy, hosts[i].host), hosts[i].matches);
}

/* -- HTTP ---------------------------------------------------------------------------------------
 */

#define OK "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

static const struct {
	const char *octets;
	bool cleanly;     /* how the connection ends behind them */
	const char *body; /* NULL: it is bad */
	const char *why;  /* a word of it */
} responses[] = {
    {OK "Content-Length: 3\r\n\r\nabc", false, "abc", NULL},
    {OK "Content-Length: 3\r\n\r\nabcde", false, "abc", NULL},
    {OK "Content-Length: 0\r\n\r\n", false, "", NULL},
    {OK "content-length:3 \r\n\r\nabc", false, "abc", NULL},
    {OK "\r\nabc", true, "abc", NULL},
    {OK "\r\nabc", false, NULL, "closed"},
    {OK "Content-Length: 4\r\n\r\nabc", true, NULL, "closed"},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n", false, "abc", NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", false, "", NULL},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", false, NULL, "longer"},
    {OK "Transfer-Encoding: chunked\r\n\r\n\r\n", false, NULL, "chunk"},
    {OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", false, NULL, "too long"},
    {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", true, NULL, "closed"},
    {OK "Transfer-Encoding: gzip\r\n\r\n", false, NULL, "coding"},
    {OK "Content-Encoding: gzip\r\n\r\n", false, NULL, "coding"},
    {OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", false, NULL, "both"},
    {OK "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", false, NULL, "Content-Length"},
    {OK "Content-Length: 65537\r\n\r\n", false, NULL, "too long"},
    {OK "Content-Length: 99999999999999999999999\r\n\r\n", false, NULL, "too long"},
    {OK "Content-Length: -1\r\n\r\n", false, NULL, "number"},
    {OK "no colon\r\n\r\n", false, NULL, "field"},
    {OK " folded: x\r\n\r\n", false, NULL, "field"},
    {"HTTP/1.1 200 OK\r\n\r\nabc", true, NULL, "text/plain"},
    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", true, NULL, "text/plain"},
    {"HTTP/1.1 200 OK\r\nContent-Type: text/plainer\r\n\r\n", true, NULL, "text/plain"},
    {"HTTP/1.1 200 OK\nContent-Type: Text/Plain;charset=x\n\nabc", true, "abc", NULL},
    {"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n", true, NULL, "200"},
    {"HTTP/1.1 404 Not Found\r\n\r\n", true, NULL, "200"},
    {"HTTP/1.1 204 No Content\r\n\r\n", true, NULL, "200"},
    {"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n" OK "Content-Length: 1\r\n\r\na", false, "a", NULL},
    {"HTTP/2 200\r\n", true, NULL, "HTTP/1.1"},
    {"HTTP/1.1 20\r\n", true, NULL, "HTTP/1.1"},
    {"220 mx ESMTP\r\n", true, NULL, "HTTP/1.1"},
    {"", true, NULL, "closed"},
};

static void
responses_are_read(void **state)
{
	static struct http_response r;

	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		const char *octets = responses[i].octets;
		size_t length = strlen(octets);

		for (size_t step = 1; step <= length + 1; step++) {
			enum http_result result = HTTP_MORE;

			http_start(&r);
			for (size_t at = 0; at < length && result == HTTP_MORE; at += step)
				result = http_feed(&r, octets + at,
						   length - at < step ? length - at : step);
			if (result == HTTP_MORE)
				result = http_end(&r, responses[i].cleanly);
			if (responses[i].body == NULL) {
				assert_int_equal(result, HTTP_BAD);
				assert_non_null(strstr(r.why, responses[i].why));
				continue;
			}
			assert_int_equal(result, HTTP_DONE);
			assert_int_equal(r.length, strlen(responses[i].body));
			assert_memory_equal(r.body, responses[i].body, r.length);
		}
	}
}

/* A header, a line and a body that do not end. */
static void
endless_responses_are_bad(void **state)
{
	static const struct {
		const char *head;
		const char *piece;
		const char *why;
	} endless[] = {
	    {OK, "A: b\r\n", "header"},
	    {OK "A: ", "xxxxxxxx", "header"},
	    {"HTTP/1.1 103 x\r\n\r\n", "HTTP/1.1 103 x\r\n\r\n", "header"},
	    {OK "\r\n", "xxxxxxxx", "too long"},
	    {OK "Transfer-Encoding: chunked\r\n\r\n", "8\r\nxxxxxxxx\r\n", ""},
	};
	static struct http_response r;

	(void)state;
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		enum http_result result;
		size_t pieces = 0;

		http_start(&r);
		result = http_feed(&r, endless[i].head, strlen(endless[i].head));
		for (; result == HTTP_MORE && pieces < 100000; pieces++)
			result = http_feed(&r, endless[i].piece, strlen(endless[i].piece));
		assert_int_equal(result, HTTP_BAD);
		assert_non_null(strstr(r.why, endless[i].why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_say_their_id), cmocka_unit_test(policies_are_read),
	    cmocka_unit_test(too_many_hosts),       cmocka_unit_test(hosts_match),
	    cmocka_unit_test(responses_are_read),   cmocka_unit_test(endless_responses_are_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
