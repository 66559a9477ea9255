/* SPDX-License-Identifier: ISC */
/* The machine against the RFC's own test suite (spf_cases.txt), a zone in memory as its DNS. */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "common/ascii.h"
#include "worker/filter/spf.h"

#define RECORDS_MAX 512
#define ANSWERS_MAX 32
#define QUESTIONS_MAX 300 /* more than any check may ask */

struct zone_record {
	char name[HOST_NAME_SIZE];
	int type; /* 0: no answer */
	bool fails;
	char text[1024]; /* or the name that a CNAME leads to */
	size_t length;
	struct in6_addr address;
};

static struct zone_record zone[RECORDS_MAX];
static size_t zone_count;

static const struct {
	const char *name;
	int type;
} types[] = {
    {"ANY", 0}, {"A", 1}, {"CNAME", 5}, {"PTR", 12}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28},
};

/* -- The zone --------------------------------------------------------------------------------- */

static size_t
unescape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0' && used + 1 < size; text++) {
		if (text[0] == '\\' && text[1] == 'x') {
			out[used++] =
			    (char)(ascii_hex_value(text[2]) << 4 | ascii_hex_value(text[3]));
			text += 3;
		} else {
			out[used++] = *text;
		}
	}
	out[used] = '\0';
	return used;
}

static void
read_address(const char *text, struct in6_addr *address)
{
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') == NULL ? "::ffff:" : "", text);
	assert_int_equal(inet_pton(AF_INET6, mapped, address), 1);
}

static void
add_record(char *line)
{
	struct zone_record *record = &zone[zone_count++];
	char *name = strsep(&line, "\t"), *type = strsep(&line, "\t");

	assert_in_range(zone_count, 1, RECORDS_MAX);
	assert_non_null(line);
	*record = (struct zone_record){.type = -1};
	strlcpy(record->name, name, sizeof(record->name));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, type) == 0)
			record->type = types[i].type;
	}
	assert_int_not_equal(record->type, -1);
	record->fails = strcmp(line, "TIMEOUT") == 0;
	record->length = unescape(line, record->text, sizeof(record->text));
	if (!record->fails && (record->type == SPF_ASK_A || record->type == SPF_ASK_AAAA))
		read_address(record->text, &record->address);
	else if (record->type != SPF_ASK_TXT && record->length > 0 &&
		 record->text[record->length - 1] == '.')
		record->text[--record->length] = '\0';
}

static void
look_up(const char *name, int type, struct spf_answer *answer, struct spf_data data[ANSWERS_MAX])
{
	bool fails = false;

	for (int hops = 0; hops < 8; hops++) {
		const char *alias = NULL;

		for (size_t i = 0; i < zone_count; i++) {
			const struct zone_record *record = &zone[i];

			if (strcasecmp(record->name, name) != 0)
				continue;
			answer->status = SPF_ANSWERED;
			fails =
			    fails || (record->fails && (record->type == 0 || record->type == type));
			if (record->type == 5)
				alias = record->text;
			if (record->type != type || record->fails || answer->count == ANSWERS_MAX)
				continue;
			data[answer->count++] = (struct spf_data){
			    .address = record->address,
			    .text = {.at = record->text, .length = record->length},
			};
		}
		if (alias == NULL)
			break;
		name = alias;
	}
	if (fails && answer->count == 0)
		answer->status = SPF_FAILED;
}

/* -- One check -------------------------------------------------------------------------------- */

/* Runs it; *QUESTIONS: how many it asked. */
static struct spf *
check(const char *client, const char *helo, const char *from, size_t *questions)
{
	const char *at = strrchr(from, '@');
	char local[ADDRESS_SIZE] = "";
	struct spf_request request = {
	    .local = local,
	    .domain = at != NULL ? at + 1 : helo,
	    .helo = helo,
	    .receiver = "mx.receiver.example",
	    .now = 1234567890,
	};
	const struct spf_question *question;
	struct spf *spf;

	if (at != NULL)
		snprintf(local, sizeof(local), "%.*s", (int)(at - from), from);
	read_address(client, &request.address);
	spf = spf_new(&request);
	assert_non_null(spf);
	for (*questions = 0; (question = spf_question(spf)) != NULL; ++*questions) {
		struct spf_data data[ANSWERS_MAX];
		struct spf_answer answer = {.status = SPF_NO_NAME, .data = data};

		assert_true(*questions < QUESTIONS_MAX);
		look_up(question->name, (int)question->type, &answer, data);
		spf_take(spf, &answer);
	}
	return spf;
}

/* Is WORD one of LIST, which has commas? */
static bool
is_one_of(const char *word, const char *list)
{
	size_t length = strlen(word);

	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',') {
		if (strcspn(list, ",") == length && strncmp(list, word, length) == 0)
			return true;
	}
	return false;
}

/* A line of the suite; false, and it is told, if the result is another. */
static bool
run_case(char *line)
{
	const char *name = strsep(&line, "\t"), *client = strsep(&line, "\t");
	const char *helo = strsep(&line, "\t"), *from = strsep(&line, "\t");
	const char *results = strsep(&line, "\t"), *explanation = line;
	char sender[1024];
	const struct spf_verdict *verdict;
	struct spf *spf;
	size_t questions;
	bool right;

	assert_non_null(explanation);
	unescape(from, sender, sizeof(sender));
	spf = check(client, helo, sender, &questions);
	verdict = spf_verdict(spf);
	right = is_one_of(spf_result_name(verdict->result), results);
	/* DEFAULT is what a receiver says when the domain says nothing. */
	if (strcmp(explanation, "DEFAULT") == 0)
		explanation = "";
	if (*explanation != '\0' || verdict->result != SPF_FAIL)
		right = right && strcmp(explanation, verdict->explanation) == 0;
	if (!right)
		print_error("%s: %s (%s) \"%s\", not %s \"%s\"\n", name,
			    spf_result_name(verdict->result), verdict->why, verdict->explanation,
			    results, explanation);
	spf_free(spf);
	return right;
}

/* A line of a scenario: a record, or a test, which is counted. */
static void
take_line(char *line, size_t *cases, size_t *wrong)
{
	if (strncmp(line, "scenario ", 9) == 0)
		zone_count = 0;
	else if (strncmp(line, "zone ", 5) == 0)
		add_record(line + 5);
	else if (strncmp(line, "test ", 5) == 0 && ++*cases > 0)
		*wrong += run_case(line + 5) ? 0 : 1;
}

static void
the_suite_passes(void **state)
{
	const char *folder = getenv("srcdir");
	char path[4096], line[4096];
	size_t cases = 0, wrong = 0;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/unit/spf_cases.txt", folder != NULL ? folder : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		take_line(line, &cases, &wrong);
	}
	fclose(file);
	assert_int_equal(cases, 203);
	assert_int_equal(wrong, 0);
}

/* What the suite leaves open. */
static const char *const more[] = {
    "scenario A host of an MX without an IPv6 address is no reason to refuse",
    "zone a.example\tTXT\tv=spf1 mx a ~all",
    "zone a.example\tMX\tm1.a.example",
    "zone a.example\tMX\tm2.a.example",
    "zone a.example\tMX\tm3.a.example",
    "zone a.example\tAAAA\t2001:db8::1",
    "test mx-hosts\t2001:db8::1\th.example\tu@a.example\tpass\t",
    "scenario Two void terms, three",
    "zone a.example\tTXT\tv=spf1 exists:x.a.example a:y.a.example ip4:192.0.2.1 -all",
    "zone b.example\tTXT\tv=spf1 exists:x.a.example a:y.a.example mx:z.a.example +all",
    "test void-2\t192.0.2.1\th.example\tu@a.example\tpass\t",
    "test void-3\t192.0.2.1\th.example\tu@b.example\tpermerror\t",
    "scenario Errors of DNS",
    "zone a.example\tTXT\tv=spf1 ptr:a.example -all exp=e.a.example",
    "zone b.example\tTXT\tv=spf1 mx -all",
    "zone c.example\tTXT\tv=spf1 a -all",
    "zone d.example\tTXT\tv=spf1 include:x.example -all",
    "zone e.example\tTXT\tv=spf1 redirect=x.example",
    "zone f.example\tTXT\tv=spf1 mx -all",
    "zone f.example\tMX\tx.example",
    "zone 1.2.0.192.in-addr.arpa\tANY\tTIMEOUT",
    "zone e.a.example\tANY\tTIMEOUT",
    "zone b.example\tANY\tTIMEOUT",
    "zone c.example\tANY\tTIMEOUT",
    "zone x.example\tANY\tTIMEOUT",
    "test ptr-and-exp-may-fail\t192.0.2.1\th.example\tu@a.example\tfail\t",
    "test mx-fails\t192.0.2.1\th.example\tu@b.example\ttemperror\t",
    "test a-fails\t192.0.2.1\th.example\tu@c.example\ttemperror\t",
    "test include-fails\t192.0.2.1\th.example\tu@d.example\ttemperror\t",
    "test redirect-fails\t192.0.2.1\th.example\tu@e.example\ttemperror\t",
    "test mx-host-fails\t192.0.2.1\th.example\tu@f.example\ttemperror\t",
    "scenario Round in circles",
    "zone a.example\tTXT\tv=spf1 include:b.example",
    "zone b.example\tTXT\tv=spf1 include:a.example",
    "zone c.example\tTXT\tv=spf1 redirect=c.example",
    "test includes\t192.0.2.1\th.example\tu@a.example\tpermerror\t",
    "test redirects\t192.0.2.1\th.example\tu@c.example\tpermerror\t",
    "scenario The explanation is that of the domain redirected to, never of an include",
    "zone a.example\tTXT\tv=spf1 redirect=b.example exp=a.msg.example",
    "zone b.example\tTXT\tv=spf1 include:c.example -all exp=b.msg.example",
    "zone c.example\tTXT\tv=spf1 -all exp=a.msg.example",
    "zone a.msg.example\tTXT\tnot this",
    "zone b.msg.example\tTXT\t%{i} is not of %{o}, says %{r} at %{t}",
    ("test whose\t192.0.2.1\th.example\tu@a.example\tfail\t"
     "192.0.2.1 is not of a.example, says mx.receiver.example at 1234567890"),
    "scenario What can't be in a reply is no explanation",
    "zone a.example\tTXT\tv=spf1 -all exp=m.example",
    "zone m.example\tTXT\tline\\x0d\\x0a250 ok",
    "test control\t192.0.2.1\th.example\tu@a.example\tfail\t",
    "scenario A name in a macro costs a question, and is used in an include and a redirect",
    "zone a.example\tTXT\tv=spf1 include:%{p}.spf.example redirect=%{p2}.spf.example",
    "zone 1.2.0.192.in-addr.arpa\tPTR\tm.a.example",
    "zone m.a.example\tA\t192.0.2.1",
    "zone m.a.example.spf.example\tTXT\tv=spf1 ?all",
    "zone a.example.spf.example\tTXT\tv=spf1 ip4:192.0.2.0/29 -all",
    "test neutral-goes-on\t192.0.2.1\th.example\tu@a.example\tpass\t",
    "scenario Prefixes",
    "zone a.example\tTXT\tv=spf1 a/29//125 -all",
    "zone a.example\tA\t192.0.2.1",
    "zone a.example\tAAAA\t2001:db8::1",
    "zone b.example\tTXT\tv=spf1 ip4:0.0.0.0/0 -all",
    "zone c.example\tTXT\tv=spf1 ip6:::/0 -all",
    "test v4-in\t192.0.2.7\th.example\tu@a.example\tpass\t",
    "test v4-out\t192.0.2.8\th.example\tu@a.example\tfail\t",
    "test v6-in\t2001:db8::7\th.example\tu@a.example\tpass\t",
    "test v6-out\t2001:db8::8\th.example\tu@a.example\tfail\t",
    "test v4-all\t203.0.113.9\th.example\tu@b.example\tpass\t",
    "test v4-is-not-v6\t203.0.113.9\th.example\tu@c.example\tfail\t",
    "test v6-is-not-v4\t2001:db8::8\th.example\tu@b.example\tfail\t",
};

static void
what_the_suite_leaves_open(void **state)
{
	size_t cases = 0, wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		char line[512];

		strlcpy(line, more[i], sizeof(line));
		take_line(line, &cases, &wrong);
	}
	assert_int_equal(wrong, 0);
	assert_in_range(cases, 20, 100);
}

/* Ten hosts of each of ten MX records, and ten names of the client: it ends, and says why. */
static void
questions_are_bounded(void **state)
{
	char line[512] = "a.example\tTXT\tv=spf1 ptr:x.example";
	struct spf *spf;
	size_t questions;

	(void)state;
	zone_count = 0;
	for (int i = 0; i < 9; i++)
		strlcat(line, " mx:m.example", sizeof(line));
	strlcat(line, " -all", sizeof(line));
	add_record(line);
	for (int i = 0; i < 10; i++) {
		snprintf(line, sizeof(line), "m.example\tMX\th%d.example", i);
		add_record(line);
		snprintf(line, sizeof(line), "h%d.example\tA\t198.51.100.1", i);
		add_record(line);
		snprintf(line, sizeof(line), "1.2.0.192.in-addr.arpa\tPTR\th%d.example", i);
		add_record(line);
	}
	spf = check("192.0.2.1", "h.example", "u@a.example", &questions);
	assert_int_equal(spf_verdict(spf)->result, SPF_FAIL);
	assert_string_equal(spf_verdict(spf)->why, "-all");
	assert_int_equal(questions, 1 + 11 + 9 * 11);
	spf_free(spf);
}

static void
time_can_be_up(void **state)
{
	const struct spf_request request = {
	    .local = "u", .domain = "a.example", .helo = "h", .receiver = "r"};
	struct spf *spf = spf_new(&request);

	(void)state;
	assert_non_null(spf);
	assert_non_null(spf_question(spf));
	assert_string_equal(spf_question(spf)->name, "a.example");
	spf_give_up(spf, "DNS takes too long");
	assert_null(spf_question(spf));
	assert_int_equal(spf_verdict(spf)->result, SPF_TEMPERROR);
	assert_string_equal(spf_verdict(spf)->why, "DNS takes too long");
	spf_free(spf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_suite_passes),
	    cmocka_unit_test(what_the_suite_leaves_open),
	    cmocka_unit_test(questions_are_bounded),
	    cmocka_unit_test(time_can_be_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
