/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/ascii.h"
#include "worker/accounts/srs.h"

#define DAY INT64_C(86400)
#define NOW (20000 * DAY + 5)

static const struct ma_srs one = {.count = 1, .secrets = {{1}}, .domain = "us.example"};

static struct address
address(const char *text)
{
	struct address out;

	assert_int_equal(address_parse_utf8(text, strlen(text), &out), ADDRESS_OK);
	return out;
}

/* What TEXT becomes, as text; NULL: it does not. */
static const char *
rewrite_at(const struct ma_srs *srs, const char *text, int64_t now)
{
	static char out[ADDRESS_TEXT_SIZE];
	struct address sender = address(text), made, again;

	if (srs_rewrite(srs, &sender, now, &made) == -1)
		return NULL;
	(void)address_format(&made, out, sizeof(out));
	/* Each is an address that a server takes. */
	assert_int_equal(address_parse_utf8(out, strlen(out), &again), ADDRESS_OK);
	assert_string_equal(again.local, made.local);
	assert_true(address_is_srs(made.local, strlen(made.local)));
	assert_string_equal(made.domain, srs->domain);
	return out;
}

static const char *
rewrite(const char *text)
{
	return rewrite_at(&one, text, NOW);
}

/* Where an address of ours leads back to, or the verdict as a word. */
static const char *
unpack_at(const struct ma_srs *srs, const char *text, int64_t now)
{
	static const char *const words[] = {
	    [SRS_GOOD] = "", [SRS_FORGED] = "forged", [SRS_OLD] = "old"};
	static char out[ADDRESS_TEXT_SIZE];
	struct address from = address(text), to;
	enum srs_verdict verdict;

	assert_true(address_is_srs(from.local, strlen(from.local)));
	verdict = srs_unpack(srs, from.local, now, &to);
	if (verdict != SRS_GOOD)
		return words[verdict];
	(void)address_format(&to, out, sizeof(out));
	return out;
}

static const char *
unpack(const char *text)
{
	return unpack_at(&one, text, NOW);
}

static void
what_is_rewritten_leads_back(void **state)
{
	static const char *const senders[] = {
	    "someone@origin.example",
	    "a=b@origin.example",
	    "SRS0@origin.example",
	    "\"a b\\\"c\"@origin.example",
	    "\xc3\xa4@origin.example",
	    "\"\"@origin.example",
	    "bounces+123456-0123-someone=some.company.example@mail.newsletter.company.example",
	    "SRS1=x@origin.example",
	    "SRS1=HASH=host=opaque@origin.example",
	};

	(void)state;
	assert_string_equal(rewrite("Someone@Origin.example"),
			    "SRS0=4SQZ7JLB=RA=origin.example=Someone@us.example");
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		const char *made = rewrite(senders[i]);

		assert_non_null(made);
		assert_int_equal(strncmp(strchr(made, 'S'), "SRS0=", 5), 0);
		assert_string_equal(unpack(made), senders[i]);
	}
}

/* What other hosts made is kept whole, and stays two hosts long. */
static void
a_second_forwarder_makes_it_no_longer(void **state)
{
	char first[ADDRESS_TEXT_SIZE], second[ADDRESS_TEXT_SIZE];
	struct ma_srs other = {.count = 1, .secrets = {{2}}, .domain = "other.example"};
	struct ma_srs third = {.count = 1, .secrets = {{3}}, .domain = "third.example"};

	(void)state;
	strlcpy(first, rewrite("someone@origin.example"), sizeof(first));
	strlcpy(second, rewrite_at(&other, first, NOW), sizeof(second));
	assert_int_equal(strncmp(second, "SRS1=", 5), 0);
	assert_non_null(strstr(second, "=us.example==4SQZ7JLB="));
	assert_string_equal(unpack_at(&other, second, NOW), first);
	strlcpy(second, rewrite_at(&third, second, NOW), sizeof(second));
	assert_non_null(strstr(second, "=us.example==4SQZ7JLB="));
	assert_null(strstr(second, "other.example"));
	assert_string_equal(unpack_at(&third, second, NOW), first);
	/* Their signs between the fields, too. */
	assert_string_equal(
	    unpack_at(&third, rewrite_at(&third, "srs0+HHH=TT=a.example=b@us.example", NOW), NOW),
	    "SRS0+HHH=TT=a.example=b@us.example");
	assert_string_equal(
	    unpack_at(&third, rewrite_at(&third, "srs0-HHH=TT=a.example=b@us.example", NOW), NOW),
	    "SRS0-HHH=TT=a.example=b@us.example");
}

static void
hosts_on_the_way_change_the_case(void **state)
{
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	strlcpy(text, rewrite("Someone@origin.example"), sizeof(text));
	for (char *p = text; *p != '\0'; p++)
		*p = ascii_lower(*p);
	assert_string_equal(unpack(text), "someone@origin.example");
	for (char *p = text; *p != '@'; p++)
		*p = ascii_is_lower(*p) ? (char)(*p - 'a' + 'A') : *p;
	assert_string_equal(unpack(text), "SOMEONE@origin.example");
}

static void
each_change_is_seen(void **state)
{
	static const char *const senders[] = {"s@a.example", "SRS0=H=T=b.example=s@a.example"};
	char made[ADDRESS_TEXT_SIZE], changed[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t end;

		strlcpy(made, rewrite(senders[i]), sizeof(made));
		end = (size_t)(strrchr(made, '@') - made);
		for (size_t at = 5; at < end; at++) {
			strlcpy(changed, made, sizeof(changed));
			changed[at] = changed[at] == 'x' ? 'y' : 'x';
			assert_string_equal(unpack(changed), "forged");
			/* One octet less. */
			memmove(changed + at, made + at + 1, strlen(made + at));
			assert_string_equal(unpack(changed), "forged");
		}
		/* One kind is not good for the other. */
		strlcpy(changed, made, sizeof(changed));
		changed[3] = (char)('0' + ('1' - changed[3]));
		assert_string_equal(unpack(changed), "forged");
	}
}

static void
what_is_none_is_forged(void **state)
{
	static const char *const none[] = {
	    "SRS0=@us.example",
	    "SRS0==@us.example",
	    "SRS0=AAAAAAAA@us.example",
	    "SRS0=AAAAAAAA=@us.example",
	    "SRS1=@us.example",
	    "SRS1====@us.example",
	    "SRS0=AAAAAAAA=RA=a.b=c@us.example",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(unpack(none[i]), "forged");
	assert_false(address_is_srs("SRS0", 4));
	assert_false(address_is_srs("SRS2=", 5));
	assert_false(address_is_srs("srs0.a", 6));
	assert_true(address_is_srs("srs1+", 5));
}

static void
the_old_ones_are_refused(void **state)
{
	static const struct {
		int64_t days;
		const char *says;
	} ages[] = {{0, "s@a.example"},
		    {21, "s@a.example"},
		    {22, "old"},
		    {1022, "old"},
		    {-1, "s@a.example"} /* a clock that went back */,
		    {-2, "old"}};
	char made[ADDRESS_TEXT_SIZE];

	(void)state;
	/* The days go round. */
	for (int64_t day = 20470; day < 20490; day++) {
		strlcpy(made, rewrite_at(&one, "s@a.example", day * DAY), sizeof(made));
		for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
			assert_string_equal(
			    unpack_at(&one, made, (day + ages[i].days) * DAY + DAY - 1),
			    ages[i].says);
	}
}

static void
secrets_change(void **state)
{
	struct ma_srs two = {.count = 2, .secrets = {{9}, {1}}, .domain = "us.example"};
	struct ma_srs none = {.domain = "us.example"};
	char old[ADDRESS_TEXT_SIZE];

	(void)state;
	strlcpy(old, rewrite("s@a.example"), sizeof(old));
	assert_string_not_equal(rewrite_at(&two, "s@a.example", NOW), old);
	assert_string_equal(unpack_at(&two, old, NOW), "s@a.example");
	two.count = 1;
	assert_string_equal(unpack_at(&two, old, NOW), "forged");
	assert_null(rewrite_at(&none, "s@a.example", NOW));
	assert_string_equal(unpack_at(&none, old, NOW), "forged");
}

static void
what_does_not_fit_stays(void **state)
{
	char local[LOCAL_PART_MAX + 1], text[ADDRESS_TEXT_SIZE];
	char domain[200];
	bool fits = false;

	(void)state;
	assert_null(rewrite("s@[192.0.2.1]"));
	memset(local, 'l', sizeof(local) - 1);
	local[sizeof(local) - 1] = '\0';
	/* Up to the length that a path has, and no further. */
	for (size_t length = 120; length < 186; length++) {
		const char *made;

		memset(domain, 'd', sizeof(domain));
		for (size_t i = 60; i < length; i += 60)
			domain[i] = '.';
		domain[length] = '\0';
		if (domain[length - 1] == '.')
			continue;
		(void)snprintf(text, sizeof(text), "%s@%s", local, domain);
		made = rewrite(text);
		assert_true((made != NULL) == (17 + length + 1 + 64 + 11 <= 254));
		fits = fits || made != NULL;
		if (made != NULL)
			assert_string_equal(unpack(made), text);
	}
	assert_true(fits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_rewritten_leads_back),
	    cmocka_unit_test(a_second_forwarder_makes_it_no_longer),
	    cmocka_unit_test(hosts_on_the_way_change_the_case),
	    cmocka_unit_test(each_change_is_seen),
	    cmocka_unit_test(what_is_none_is_forged),
	    cmocka_unit_test(the_old_ones_are_refused),
	    cmocka_unit_test(secrets_change),
	    cmocka_unit_test(what_does_not_fit_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
