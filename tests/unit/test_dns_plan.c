/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/dns.h"

static struct dns_facts
example(void)
{
	struct dns_facts facts = {
	    .domain = "example.org",
	    .hostname = "mail.example.org",
	    .address_count = 2,
	    .services = {{"_submissions._tcp", 465},
			 {"_submission._tcp", 0},
			 {"_imaps._tcp", 993},
			 {"_imap._tcp", 0},
			 {"_pop3s._tcp", 0},
			 {"_pop3._tcp", 0}},
	    .key_count = 1,
	    .keys = {{.name = "mail", .sha256 = {0xab, 1}}},
	    .trusted = true,
	};

	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &facts.addresses[0]), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &facts.addresses[1]), 1);
	return facts;
}

/* As a zone file; the caller frees it. */
static char *
zone_of(const struct dns_facts *facts)
{
	struct dns_plan plan;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(dns_plan_make(facts, &plan), 0);
	dns_print_zone(facts, &plan, out);
	dns_plan_free(&plan);
	fclose(out);
	return text;
}

/* Is there a line of these words, whatever is between them? */
static bool
has_line(const char *zone, const char *line)
{
	char copy[1024];
	size_t used = 0;

	for (const char *at = zone; *at != '\0'; at++) {
		if (*at == '\n') {
			copy[used] = '\0';
			if (strcmp(copy, line) == 0)
				return true;
			used = 0;
		} else if (used + 1 < sizeof(copy) &&
			   !(*at == ' ' && used > 0 && copy[used - 1] == ' ')) {
			copy[used++] = *at;
		}
	}
	return false;
}

static const char *const lines[] = {
    "example.org. IN MX 10 mail.example.org.",
    "mail.example.org. IN A 192.0.2.1",
    "mail.example.org. IN AAAA 2001:db8::1",
    "1.2.0.192.in-addr.arpa. IN PTR mail.example.org.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR "
    "mail.example.org.",
    "example.org. IN TXT \"v=spf1 mx -all\"",
    "mail.example.org. IN TXT \"v=spf1 a -all\"",
    "; There is no key yet: posternctl dkim create makes one.",
    "_dmarc.example.org. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.org\"",
    "_25._tcp.mail.example.org. IN TLSA 3 1 1 "
    "ab01000000000000000000000000000000000000000000000000000000000000",
    "_smtp._tls.example.org. IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@example.org\"",
    "_submissions._tcp.example.org. IN SRV 0 1 465 mail.example.org.",
    "_submission._tcp.example.org. IN SRV 0 0 0 .",
    "_imaps._tcp.example.org. IN SRV 0 1 993 mail.example.org.",
    "_pop3._tcp.example.org. IN SRV 0 0 0 .",
};

static void
records_follow_from_the_facts(void **state)
{
	struct dns_facts facts = example();
	char *zone = zone_of(&facts);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!has_line(zone, lines[i]))
			fail_msg("no line \"%s\" in\n%s", lines[i], zone);
	}
	free(zone);
}

/* RFC 7208 5.3, 5.6: a name is looked up, an address is not. */
static void
a_smart_host_may_send(void **state)
{
	static const char *const hosts[][2] = {
	    {"smart.example.net", "a:smart.example.net"},
	    {"192.0.2.9", "ip4:192.0.2.9"},
	    {"2001:db8::9", "ip6:2001:db8::9"},
	    {"::ffff:192.0.2.9", "ip4:192.0.2.9"},
	};
	struct dns_facts facts = example();
	char line[128], *zone;

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		strlcpy(facts.smart_host, hosts[i][0], sizeof(facts.smart_host));
		snprintf(line, sizeof(line), "example.org. IN TXT \"v=spf1 mx %s ~all\"",
			 hosts[i][1]);
		zone = zone_of(&facts);
		if (!has_line(zone, line))
			fail_msg("no line \"%s\" in\n%s", line, zone);
		free(zone);
	}
}

static void
set_sender(struct dns_facts *facts, const char *name, const char *v4, bool relayed)
{
	struct dns_sender *sender = &facts->senders[facts->sender_count++];

	strlcpy(sender->name, name, sizeof(sender->name));
	sender->relayed = relayed;
	if (v4 != NULL)
		assert_int_equal(inet_pton(AF_INET6, v4, &sender->source[0]), 1);
}

static void
expect_lines(const struct dns_facts *facts, const char *const *wanted, const char *const *unwanted)
{
	char *zone = zone_of(facts);

	for (; *wanted != NULL; wanted++) {
		if (!has_line(zone, *wanted))
			fail_msg("no line \"%s\" in\n%s", *wanted, zone);
	}
	for (; *unwanted != NULL; unwanted++) {
		if (has_line(zone, *unwanted))
			fail_msg("a line \"%s\" in\n%s", *unwanted, zone);
	}
	free(zone);
}

/* What is not among the host's addresses has to be named, and to have a name. */
static void
sources_may_send(void **state)
{
	static const char *const wanted[] = {
	    "mail.example.org. IN A 192.0.2.1",
	    "mail.example.org. IN A 192.0.2.77",
	    "77.2.0.192.in-addr.arpa. IN PTR mail.example.org.",
	    "example.org. IN TXT \"v=spf1 mx ip4:192.0.2.77 ip4:192.0.2.99 -all\"",
	    "mail.example.org. IN TXT \"v=spf1 a -all\"",
	    "out.example.org. IN A 192.0.2.99",
	    "out.example.org. IN AAAA 2001:db8::1",
	    "99.2.0.192.in-addr.arpa. IN PTR out.example.org.",
	    "1.2.0.192.in-addr.arpa. IN PTR mail.example.org.",
	    "out.example.org. IN TXT \"v=spf1 a -all\"",
	    NULL,
	};
	static const char *const unwanted[] = {
	    "mail.example.org. IN A 192.0.2.99",
	    "out.example.org. IN A 192.0.2.1",
	    NULL,
	};
	struct dns_facts facts = example();

	(void)state;
	set_sender(&facts, "mail.example.org", "::ffff:192.0.2.77", false);
	set_sender(&facts, "out.example.org", "::ffff:192.0.2.99", false);
	expect_lines(&facts, wanted, unwanted);
}

/* Others see the smart host's addresses, and ours of what goes another way. */
static void
what_a_smart_host_passes_on_comes_from_it(void **state)
{
	static const char *const wanted[] = {
	    "example.org. IN TXT \"v=spf1 mx ip4:192.0.2.99 a:smart.example.net ~all\"",
	    "out.example.org. IN A 192.0.2.77",
	    "out.example.org. IN TXT \"v=spf1 a -all\"",
	    NULL,
	};
	static const char *const none[] = {NULL};
	struct dns_facts facts = example();

	(void)state;
	strlcpy(facts.smart_host, "smart.example.net", sizeof(facts.smart_host));
	set_sender(&facts, "out.example.org", "::ffff:192.0.2.77", true);
	set_sender(&facts, "mail.example.org", "::ffff:192.0.2.99", false);
	expect_lines(&facts, wanted, none);
}

/* Its address leads to the name that EHLO says, and the domain's record is one. */
static void
another_name_may_greet(void **state)
{
	static const char *const wanted[] = {
	    "1.2.0.192.in-addr.arpa. IN PTR example.org.",
	    "example.org. IN A 192.0.2.1",
	    "mail.example.org. IN A 192.0.2.1",
	    "example.org. IN TXT \"v=spf1 mx -all\"",
	    "mail.example.org. IN TXT \"v=spf1 a -all\"",
	    NULL,
	};
	static const char *const unwanted[] = {"example.org. IN TXT \"v=spf1 a -all\"", NULL};
	struct dns_facts facts = example();

	(void)state;
	set_sender(&facts, "example.org", NULL, false);
	expect_lines(&facts, wanted, unwanted);
}

/* RFC 8461 3.1: who keeps a policy asks for another when the id is another. */
static void
a_new_policy_has_a_new_id(void **state)
{
	struct dns_facts facts = example();
	char *before = zone_of(&facts), *same = zone_of(&facts), *after, *policy;
	const char *id;

	(void)state;
	facts.trusted = false;
	after = zone_of(&facts);
	assert_string_equal(before, same);
	id = strstr(before, "v=STSv1; id=");
	assert_non_null(id);
	assert_null(strstr(after, id));
	policy = dns_files[0].text(&facts);
	assert_string_equal(policy, "version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\n"
				    "max_age: 604800\r\n");
	free(policy);
	free(before);
	free(same);
	free(after);
}

static void
long_texts_are_several_strings(void **state)
{
	struct dns_facts facts = example();
	char *zone, expected[512] = "s._domainkey.example.org. IN TXT \"p=";

	(void)state;
	facts.selector_count = 1;
	strlcpy(facts.selectors[0].name, "s._domainkey.example.org",
		sizeof(facts.selectors[0].name));
	memset(facts.selectors[0].text, 'A', 300);
	memcpy(facts.selectors[0].text, "p=", 2);
	for (int i = 2; i < 255; i++)
		strlcat(expected, "A", sizeof(expected));
	strlcat(expected, "\" \"", sizeof(expected));
	for (int i = 255; i < 300; i++)
		strlcat(expected, "A", sizeof(expected));
	strlcat(expected, "\"", sizeof(expected));
	zone = zone_of(&facts);
	assert_true(has_line(zone, expected));
	free(zone);
}

static void
mail_programs_are_told_what_there_is(void **state)
{
	struct dns_facts facts = example();

	(void)state;
	for (size_t i = 1; i <= 2; i++) {
		char *text = dns_files[i].text(&facts);

		assert_non_null(text);
		assert_non_null(strstr(text, "mail.example.org"));
		assert_non_null(strstr(text, "993"));
		assert_non_null(strstr(text, "465"));
		assert_null(strcasestr(text, "pop3"));
		free(text);
	}
}

/* Made by openssl req; its key's hash by openssl pkey -pubin -outform DER | sha256sum. */
static const char request[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
			      "MIHVMH0CAQAwGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzBZMBMGByqGSM49\n"
			      "AgEGCCqGSM49AwEHA0IABM9McX7X3NZ/AM9o/V8RnMYiBzQoYMiVUpLMoy8B6jaK\n"
			      "5XS8l8GCBQhBhoKn8QLQwfeMN/TlGtOZ8CXw5GRVhRKgADAKBggqhkjOPQQDAgNI\n"
			      "ADBFAiAVGbS3kOKxBRkx2/k8U1nNthm1Qnprz6kkkIV3GuRj8wIhAL2cqYkaNLwv\n"
			      "iqppwsCLzCQ73R9Y36naDecFt3lIUlEc\n"
			      "-----END CERTIFICATE REQUEST-----\n";
static const char key_hash[] = "0cea8e0aa2ea1e2e99347667c828b3e9c997c60232b3d7bb91ab01eec2d9d6dd";

static void
the_key_of_a_request(void **state)
{
	uint8_t sha256[FINGERPRINT_SIZE];
	char hex[2 * FINGERPRINT_SIZE + 1];
	size_t length = sizeof(request) - 1;

	(void)state;
	assert_true(dns_request_key(request, length, sha256));
	for (size_t i = 0; i < sizeof(sha256); i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	assert_string_equal(hex, key_hash);
	/* Without its end it is none. */
	for (size_t n = 0; n + sizeof("-----END CERTIFICATE REQUEST-----") < length; n++)
		assert_false(dns_request_key(request, n, sha256));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_follow_from_the_facts),
	    cmocka_unit_test(a_smart_host_may_send),
	    cmocka_unit_test(sources_may_send),
	    cmocka_unit_test(what_a_smart_host_passes_on_comes_from_it),
	    cmocka_unit_test(another_name_may_greet),
	    cmocka_unit_test(a_new_policy_has_a_new_id),
	    cmocka_unit_test(long_texts_are_several_strings),
	    cmocka_unit_test(mail_programs_are_told_what_there_is),
	    cmocka_unit_test(the_key_of_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
