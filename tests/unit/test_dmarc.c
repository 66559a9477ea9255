/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/filter/dmarc.h"
#include "worker/filter/suffix.h"

static struct mime_text
text(const char *string)
{
	return (struct mime_text){.at = string, .length = strlen(string)};
}

/* -- Records ---------------------------------------------------------------------------------- */

static const struct {
	const char *record;
	bool counts;
	struct dmarc_record expected;
} records[] = {
    {"v=DMARC1; p=none", true, {DMARC_NONE, DMARC_NONE, false, false, 100}},
    {"v=DMARC1;p=reject;", true, {DMARC_REJECT, DMARC_REJECT, false, false, 100}},
    {"v = DMARC1 ; p = Quarantine ; sp=none; adkim=s; aspf=S; pct=7",
     true,
     {DMARC_QUARANTINE, DMARC_NONE, true, true, 7}},
    {"v=DMARC1; p=reject; pct=101; adkim=x; rua=mailto:a@b; x=y;; =",
     true,
     {DMARC_REJECT, DMARC_REJECT, false, false, 100}},
    {"v=DMARC1; p=reject; pct=0", true, {DMARC_REJECT, DMARC_REJECT, false, false, 0}},
    {"v=DMARC1; sp=reject; p=none", true, {DMARC_NONE, DMARC_REJECT, false, false, 100}},
    /* 6.6.3: it only wants reports. */
    {"v=DMARC1; rua=mailto:a@b.example", true, {DMARC_NONE, DMARC_NONE, false, false, 100}},
    {"v=DMARC1; p=bogus; aspf=s; rua=mailto:a@b.example",
     true,
     {DMARC_NONE, DMARC_NONE, false, false, 100}},
    {"v=DMARC1; p=reject; sp=bogus; rua=mailto:a@b.example",
     true,
     {DMARC_NONE, DMARC_NONE, false, false, 100}},
    {"v=DMARC1; p=reject; sp=bogus", false, {0}},
    {"v=DMARC1; p=bogus", false, {0}},
    {"v=DMARC1; rua=", false, {0}},
    {"v=DMARC1", false, {0}},
};

static void
records_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const struct dmarc_record *expected = &records[i].expected;
		struct dmarc_record record;

		assert_true(dmarc_is_record(text(records[i].record)));
		assert_int_equal(dmarc_read_record(text(records[i].record), &record),
				 records[i].counts);
		if (!records[i].counts)
			continue;
		assert_int_equal(record.policy, expected->policy);
		assert_int_equal(record.subdomain, expected->subdomain);
		assert_int_equal(record.strict_dkim, expected->strict_dkim);
		assert_int_equal(record.strict_spf, expected->strict_spf);
		assert_int_equal(record.percent, expected->percent);
	}
}

static void
others_are_no_records(void **state)
{
	static const char *const others[] = {
	    "",
	    ";",
	    "v=DMARC2; p=none",
	    "v=dmarc1; p=none",
	    "V=DMARC1; p=none",
	    "v",
	    "p=none; v=DMARC1;",
	    " v=DMARC1; p=none",
	    "v=DMARC1 p=none",
	    "v=DMARC1=; p=none",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(dmarc_is_record(text(others[i])));
}

/* -- From: ------------------------------------------------------------------------------------ */

static const struct {
	const char *from;
	const char *domains; /* each with a space behind it */
	bool unusable;
} authors[] = {
    {"a@example.org", "example.org ", false},
    {"\"b@c.example\" <a@Example.ORG.>", "example.org ", false},
    {"a@x.example, b@y.example, c@X.example", "x.example y.example ", false},
    {"Group: a@x.example;, b@y.example", "x.example y.example ", false},
    {"Undisclosed:;", "", false},
    {"a@b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example ", false},
    {"a (comment) @ x.example (other@y.example)", "x.example ", false},
    {"a@\r\n\tx.example", "x.example ", false},
    {"root", "", true},
    {"'a@b.example' <a@b.example>", "b.example ", false},
    {"\"'a@b.example'\" <a@b.example>", "b.example ", false},
    {"'ceo@bank.example' <a@evil.example>", "bank.example evil.example ", true},
    {"'a@b.example'' <a@b.example>", "b.example ", true},
    /* What a mail program may show as the author is asked, wherever it stands. */
    {"ceo@evil.example <ceo@bank.example>", "evil.example bank.example ", true},
    {"<a@evil.example> <ceo@bank.example>", "evil.example bank.example ", true},
    {"<a@evil.example <ceo@bank.example>>", "evil.example bank.example ", true},
    {"<a@evil.example ceo@bank.example>", "evil.example bank.example ", true},
    {"a@evil.example \"b\" [c] ceo@bank.example", "evil.example bank.example ", true},
    {"a@evil.example) > : \\ <ceo@bank.example>", "evil.example bank.example ", true},
    {"G: <a@evil.example> <ceo@bank.example>;", "evil.example bank.example ", true},
    {"ceo@bank.example: a@evil.example;", "bank.example evil.example ", true},
    {"a@evil.example@bank.example", "evil.example bank.example ", true},
    {"a@evil.example [ <ceo@bank.example>", "evil.example bank.example ", true},
    {"ceo@bank.example x", "bank.example ", true},
    {"<ceo@bank.example x>", "bank.example ", true},
    {"ceo@bank.example (x) x", "bank.example ", true},
    {"<@bank.example:a@evil.example>", "evil.example ", true},
    {"<@bank.example>", "", true},
    {"<ceo@bank.example\x01>", "", true},
    {"<>", "", true},
    {"\"unclosed <ceo@bank.example>", "", true},
    /* Not by the book, and no trick. */
    {"a@x.example <a@X.example>", "x.example ", false},
    {"<<a@x.example>>", "x.example ", false},
    {"<a@x.example>;", "x.example ", false},
    {"B [C] <a@x.example>", "x.example ", false},
    {"B [C] D, E <a@x.example>", "x.example ", false},
    {"Foo, Inc. <a@x.example>", "x.example ", false},
    {"Foo; Bar, Inc. <a@x.example>", "x.example ", false},
    {"a@x.example, Foo", "x.example ", false},
    {"<>, a@x.example", "x.example ", false},
    /* They might be taken for an address. */
    {"\"ceo@bank.example\", a@x.example", "x.example ", true},
    {"Foo (ceo@bank.example), a@x.example", "x.example ", true},
    {"<@bank.example>, a@x.example", "x.example ", true},
    {"a@x.example, <ceo@bank.example\x01>", "x.example ", true},
    {"a@x.example, \"unclosed <ceo@bank.example>", "x.example ", true},
    {"Foo, a@x.example (b), ceo @", "x.example ", true},
    {"=?utf-8?q?ceo=40bank.example?=, a@x.example", "x.example ", true},
    {"a@x.example, =?utf-8?b?Y2VvQGJhbmsuZXhhbXBsZQ==?=", "x.example ", true},
    {"\"=?utf-8?q?ceo=40bank.example?=\", a@x.example", "x.example ", true},
    {"Foo (=?utf-8?q?ceo=40bank.example?=), a@x.example", "x.example ", true},
    {"=?utf-8?q?ceo?=\r\n =?utf-8?q?=40bank.example?=, a@x.example", "x.example ", true},
    {"ceo\xef\xbc\xa0"
     "bank.example, a@x.example",
     "x.example ", true},
    {"=?utf-8?q?ceo=40bank.example:?=, a@x.example", "x.example ", true},
    {"=?utf-8?q?ceo=40bank.example:?= a@x.example;", "x.example ", true},
    {"\"ceo@bank.example\":;, a@x.example", "x.example ", true},
    {"\"ceo@bank.example\": a@x.example;", "x.example ", true},
    {"ceo\xef\xbc\xa0"
     "bank.example:;, a@x.example",
     "x.example ", true},
    {"ceo=?utf-8?q?=40?=bank.example:;, a@x.example", "x.example ", true},
    {"G: =?utf-8?q?ceo=40bank.example:?=, a@x.example;", "x.example ", true},
    {"a@x.example =?utf-8?q?ceo=40bank.example:?=", "x.example ", true},
    {"<a@\"bank.example\"> x@x.example", "x.example ", true},
    {"<a@\"bank.example\"> <x@x.example>", "x.example ", true},
    {"G: <a@\"b c\"> x@x.example", "x.example ", true},
    {"a@\"bank.example\" x@x.example", "x.example ", true},
    {"=?utf-8?q?ceo=40bank.example?= a@x.example", "x.example ", true},
    {"=?utf-8?q?ceo=40bank.example?=\r\n a@x.example, b@x.example", "x.example ", true},
    {"\"ceo@bank.example\" a@x.example", "x.example ", true},
    {"\"ceo@bank.example\" [c] a@x.example", "x.example ", true},
    {"(ceo@bank.example), a@x.example", "x.example ", true},
    {"a@x.example, (ceo@bank.example)", "x.example ", true},
    {"G: a@x.example, (ceo@bank.example); b@x.example", "x.example ", true},
    {"a@x.example, (b <ceo@bank.example>", "x.example ", true},
    {"a@x.example (b <ceo@bank.example>", "x.example ", true},
    /* They might not. */
    {"=?utf-8?q?Foo:_Bar?= <a@x.example>", "x.example ", false},
    {"Foo: Bar <a@x.example>", "x.example ", false},
    {"Foo Bar a@x.example", "x.example ", false},
    {"<Foo> <a@x.example>", "x.example ", false},
    {"\"a b\"@x.example", "x.example ", false},
    {"\xc3\xa4@x.example", "x.example ", false},
    {"(Foo), a@x.example, ()", "x.example ", false},
    {"<a@x.example> a@X.example", "x.example ", false},
    {"Foo =, Bar? <a@x.example>", "x.example ", false},
    {"=?utf-8?q?ceo=40bank.example?= <a@x.example>", "x.example ", false},
    {"Foo, =?utf-8?q?Inc=2E?= <a@x.example>", "x.example ", false},
    {"Foo, Inc.", "", true},
    {"a@x . example (b) (c)", "x.example ", false},
    {"a@[192.0.2.1], b@x.example", "x.example ", true},
    {"a@1.x, a@2.x, a@3.x, a@4.x, a@5.x, a@6.x, a@7.x, a@8.x, a@9.x",
     "1.x 2.x 3.x 4.x 5.x 6.x 7.x 8.x ", true},
};

static void
authors_have_domains(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(authors) / sizeof(authors[0]); i++) {
		struct dmarc_domains domains = {0};
		char list[512] = "";

		assert_int_equal(dmarc_add_from(&domains, text(authors[i].from)), 0);
		for (size_t d = 0; d < domains.count; d++) {
			strlcat(list, domains.list[d], sizeof(list));
			strlcat(list, " ", sizeof(list));
		}
		assert_string_equal(list, authors[i].domains);
		assert_int_equal(domains.unusable, authors[i].unusable);
	}
}

/* A signature covers one of them, and a mail program may show the other (RFC 6376 8.15). */
static void
a_second_from_leaves_it_open_whose_the_mail_is(void **state)
{
	static const char *const fields[] = {"b@reject.org", "a@reject.org", "\"nobody\":;", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct dmarc_domains domains = {0};

		assert_int_equal(dmarc_add_from(&domains, text("a@reject.org")), 0);
		assert_false(domains.unusable);
		assert_int_equal(dmarc_add_from(&domains, text(fields[i])), 0);
		assert_true(domains.unusable);
		assert_int_equal(domains.count, 1);
	}
}

static void
organizations_are_below_public_suffixes(void **state)
{
	static const struct {
		const char *name, *organization;
	} names[] = {
	    {"example.org", "example.org"},
	    {"a.b.example.org", "example.org"},
	    {"a.example.co.uk", "example.co.uk"},
	    {"co.uk", "co.uk"},
	    {"org", "org"},
	    {"mail.host.example", "host.example"},
	    {"a.www.ck", "www.ck"},
	    {"x.xn--bcher-kva.xn--p1ai", "xn--bcher-kva.xn--p1ai"},
	    {"a..org", "a..org"},
	    {"", ""},
	};

	(void)state;
	for (int loaded = 0; loaded < 2; loaded++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			assert_string_equal(suffix_organization(names[i].name),
					    names[i].organization);
		suffix_load();
	}
}

/* -- Verdicts --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *record; /* NULL: no answer */
} zone[] = {
    {"_dmarc.reject.org", "v=DMARC1; p=reject"},
    {"_dmarc.reject.org", "something else"},
    {"_dmarc.own.reject.org", "v=DMARC1; p=none"},
    {"_dmarc.strict.org", "v=DMARC1; p=reject; adkim=s; aspf=s"},
    {"_dmarc.sub.org", "v=DMARC1; p=reject; sp=quarantine"},
    {"_dmarc.half.org", "v=DMARC1; p=reject; pct=50"},
    {"_dmarc.softhalf.org", "v=DMARC1; p=quarantine; pct=50"},
    {"_dmarc.twice.org", "v=DMARC1; p=reject"},
    {"_dmarc.twice.org", "v=DMARC1; p=none"},
    {"_dmarc.broken.org", "v=DMARC1; p=rejekt"},
    {"_dmarc.down.org", NULL},
    {"_dmarc.uk", "v=DMARC1; p=reject"},
};

static const struct {
	const char *from, *spf, *dkim; /* NULL: none */
	enum dmarc_result result;
	enum dmarc_policy policy, apply;
	const char *domain;
	const char *asked; /* each with a space behind it */
} verdicts[] = {
    {"a@reject.org", NULL, NULL, DMARC_FAIL, DMARC_REJECT, DMARC_REJECT, "reject.org",
     "_dmarc.reject.org "},
    {"a@reject.org", "reject.org", NULL, DMARC_PASS, DMARC_REJECT, DMARC_NONE, "reject.org",
     "_dmarc.reject.org "},
    {"a@reject.org", "bounce.reject.org", NULL, DMARC_PASS, DMARC_REJECT, DMARC_NONE, "reject.org",
     "_dmarc.reject.org "},
    {"a@x.reject.org", "y.reject.org", NULL, DMARC_PASS, DMARC_REJECT, DMARC_NONE, "x.reject.org",
     "_dmarc.x.reject.org _dmarc.reject.org "},
    {"a@reject.org", NULL, "list.example", DMARC_FAIL, DMARC_REJECT, DMARC_REJECT, "reject.org",
     "_dmarc.reject.org "},
    {"a@reject.org", "other.org", "m.reject.org", DMARC_PASS, DMARC_REJECT, DMARC_NONE,
     "reject.org", "_dmarc.reject.org "},
    {"a@reject.org", "notreject.org", "reject.org.evil.example", DMARC_FAIL, DMARC_REJECT,
     DMARC_REJECT, "reject.org", "_dmarc.reject.org "},
    {"a@own.reject.org", NULL, NULL, DMARC_FAIL, DMARC_NONE, DMARC_NONE, "own.reject.org",
     "_dmarc.own.reject.org "},
    {"a@strict.org", "m.strict.org", "m.strict.org", DMARC_FAIL, DMARC_REJECT, DMARC_REJECT,
     "strict.org", "_dmarc.strict.org "},
    {"a@strict.org", NULL, "strict.org", DMARC_PASS, DMARC_REJECT, DMARC_NONE, "strict.org",
     "_dmarc.strict.org "},
    {"a@x.y.sub.org", NULL, NULL, DMARC_FAIL, DMARC_QUARANTINE, DMARC_QUARANTINE, "x.y.sub.org",
     "_dmarc.x.y.sub.org _dmarc.sub.org "},
    {"a@half.org", NULL, NULL, DMARC_FAIL, DMARC_REJECT, DMARC_QUARANTINE, "half.org",
     "_dmarc.half.org "},
    {"a@softhalf.org", NULL, NULL, DMARC_FAIL, DMARC_QUARANTINE, DMARC_NONE, "softhalf.org",
     "_dmarc.softhalf.org "},
    {"a@twice.org", NULL, NULL, DMARC_NO_RECORD, DMARC_NONE, DMARC_NONE, "twice.org",
     "_dmarc.twice.org "},
    {"a@broken.org", NULL, NULL, DMARC_NO_RECORD, DMARC_NONE, DMARC_NONE, "broken.org",
     "_dmarc.broken.org "},
    {"a@down.org", NULL, NULL, DMARC_TEMPERROR, DMARC_NONE, DMARC_NONE, "down.org",
     "_dmarc.down.org "},
    {"a@nothing.co.uk", NULL, NULL, DMARC_NO_RECORD, DMARC_NONE, DMARC_NONE, "nothing.co.uk",
     "_dmarc.nothing.co.uk "},
    /* Several authors: all must be behind it; the strictest policy counts. */
    {"a@reject.org, b@softhalf.org", "reject.org", NULL, DMARC_FAIL, DMARC_QUARANTINE, DMARC_NONE,
     "softhalf.org", "_dmarc.reject.org _dmarc.softhalf.org "},
    {"a@nothing.org, b@reject.org", "nothing.org", NULL, DMARC_FAIL, DMARC_REJECT, DMARC_REJECT,
     "reject.org", "_dmarc.nothing.org _dmarc.reject.org "},
    {"a@reject.org, b@strict.org", "reject.org", "strict.org", DMARC_PASS, DMARC_REJECT, DMARC_NONE,
     "reject.org", "_dmarc.reject.org _dmarc.strict.org "},
    {"a@reject.org, b@", "reject.org", NULL, DMARC_PERMERROR, DMARC_REJECT, DMARC_QUARANTINE,
     "reject.org", "_dmarc.reject.org "},
    {"B, Inc. <a@reject.org>", "reject.org", NULL, DMARC_PASS, DMARC_REJECT, DMARC_NONE,
     "reject.org", "_dmarc.reject.org "},
    {"B, Inc. <a@reject.org>", NULL, NULL, DMARC_FAIL, DMARC_REJECT, DMARC_REJECT, "reject.org",
     "_dmarc.reject.org "},
    {"a@nothing.org <b@reject.org>", "nothing.org", NULL, DMARC_FAIL, DMARC_REJECT, DMARC_REJECT,
     "reject.org", "_dmarc.nothing.org _dmarc.reject.org "},
    {"<a@nothing.org> <b@other.org>", "nothing.org", NULL, DMARC_PERMERROR, DMARC_NONE,
     DMARC_QUARANTINE, "nothing.org", "_dmarc.nothing.org _dmarc.other.org "},
    /* None that could be asked: that is no reason to refuse it. */
    {"nobody", NULL, NULL, DMARC_PERMERROR, DMARC_NONE, DMARC_QUARANTINE, "", ""},
    {"<b@reject.org\x01>", NULL, NULL, DMARC_PERMERROR, DMARC_NONE, DMARC_QUARANTINE, "", ""},
    {"", NULL, NULL, DMARC_PERMERROR, DMARC_NONE, DMARC_QUARANTINE, "", ""},
};

/* The zone's answer to what it asks. */
static void
answer(struct dmarc *dmarc)
{
	struct mime_text found[4];
	size_t count = 0;
	enum dmarc_answered answered = DMARC_ANSWERED;

	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
		if (strcmp(zone[i].name, dmarc_question(dmarc)) != 0)
			continue;
		if (zone[i].record == NULL)
			answered = DMARC_FAILED;
		else
			found[count++] = text(zone[i].record);
	}
	dmarc_take(dmarc, answered, found, count);
}

static void
mails_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		struct dmarc_domains from = {0};
		struct dmarc_request request = {
		    .from = &from,
		    .spf_domain = verdicts[i].spf,
		    .signer_count = verdicts[i].dkim != NULL,
		    .signers = {verdicts[i].dkim},
		    .organization = suffix_organization,
		    .percentile = 50,
		};
		char asked[512] = "";
		const struct dmarc_verdict *verdict;
		struct dmarc *dmarc;

		assert_int_equal(dmarc_add_from(&from, text(verdicts[i].from)), 0);
		dmarc = dmarc_new(&request);
		assert_non_null(dmarc);
		while (dmarc_question(dmarc) != NULL) {
			strlcat(asked, dmarc_question(dmarc), sizeof(asked));
			strlcat(asked, " ", sizeof(asked));
			answer(dmarc);
		}
		verdict = dmarc_verdict(dmarc);
		assert_string_equal(asked, verdicts[i].asked);
		assert_string_equal(dmarc_result_name(verdict->result),
				    dmarc_result_name(verdicts[i].result));
		assert_int_equal(verdict->policy, verdicts[i].policy);
		assert_int_equal(verdict->apply, verdicts[i].apply);
		assert_string_equal(verdict->domain, verdicts[i].domain);
		dmarc_free(dmarc);
	}
}

/* Who might be behind it when DNS answers again keeps nobody out for good, and lets nobody in. */
static void
what_dns_does_not_tell_is_undecided(void **state)
{
	static const struct {
		const char *from, *spf, *dkim; /* that are undecided */
		bool undecided;
	} mails[] = {
	    {"a@reject.org", "down.reject.org", NULL, true},
	    {"a@reject.org", NULL, "reject.org", true},
	    {"a@reject.org", "other.org", "other.example", false},
	    {"a@strict.org", "down.strict.org", "down.strict.org", false},
	    {"a@reject.org, b@strict.org", NULL, "reject.org", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct dmarc_domains from = {0};
		struct dmarc_request request = {
		    .from = &from,
		    .spf_undecided = mails[i].spf,
		    .undecided_count = mails[i].dkim != NULL,
		    .undecided = {mails[i].dkim},
		    .organization = suffix_organization,
		};
		struct dmarc *dmarc;

		assert_int_equal(dmarc_add_from(&from, text(mails[i].from)), 0);
		dmarc = dmarc_new(&request);
		assert_non_null(dmarc);
		while (dmarc_question(dmarc) != NULL)
			answer(dmarc);
		assert_int_equal(dmarc_verdict(dmarc)->result, DMARC_FAIL);
		assert_int_equal(dmarc_verdict(dmarc)->apply, DMARC_REJECT);
		assert_int_equal(dmarc_verdict(dmarc)->undecided, mails[i].undecided);
		dmarc_free(dmarc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_read),
	    cmocka_unit_test(others_are_no_records),
	    cmocka_unit_test(authors_have_domains),
	    cmocka_unit_test(a_second_from_leaves_it_open_whose_the_mail_is),
	    cmocka_unit_test(organizations_are_below_public_suffixes),
	    cmocka_unit_test(mails_are_judged),
	    cmocka_unit_test(what_dns_does_not_tell_is_undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
