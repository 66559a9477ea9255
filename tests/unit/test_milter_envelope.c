/* SPDX-License-Identifier: ISC */
/* What milters make of an envelope, and what queue is told of that. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/filter/milter_envelope.h"
#include "worker/queue/check_envelope.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char came[] = "a@test\0b@test\0B@test\0c@test";
#define CAME 4

/* A wish, as a milter says it; it ends with one without a name. */
struct wish {
	enum milter_reply_type type;
	const char *name, *value;
};

static char notes[1024]; /* what was not done, and why */

static void
note(void *context, bool done, const char *what, const char *address)
{
	(void)context;
	(void)address;
	if (done)
		return;
	(void)strlcat(notes, what, sizeof(notes));
	(void)strlcat(notes, ";", sizeof(notes));
}

static const struct milter_rights everything = {
    .recipients = true, .anywhere = true, .sender = true};

static int
apply(struct milter_envelope *envelope, const struct wish *wishes,
      const struct milter_rights *rights)
{
	struct milter_changes changes = STAILQ_HEAD_INITIALIZER(changes);
	struct milter_change all[16] = {{.index = 0}};

	notes[0] = '\0';
	for (size_t i = 0; wishes[i].name != NULL; i++) {
		all[i].type = wishes[i].type;
		all[i].name = (char *)(uintptr_t)wishes[i].name;
		all[i].value = (char *)(uintptr_t)wishes[i].value;
		STAILQ_INSERT_TAIL(&changes, &all[i], entry);
	}
	return milter_envelope_apply(envelope, &changes, rights, note, NULL);
}

/* Queue's view: "-0 -2 from=x(3,id) 0a@b;orcpt". */
static void
read_back(const struct milter_envelope *envelope, const struct qf_mail *mail, char out[1024])
{
	static char tail[QF_ENVELOPE_MAX + 1];
	struct envelope_change change;
	struct qf_envelope fixed;
	struct envelope_added added;
	uint32_t at = 0;
	const char *entry;
	size_t length;
	FILE *text = fmemopen(out, 1024, "w");

	out[0] = '\0';
	assert_int_equal(milter_envelope_write(envelope, &fixed, tail, &length), 1);
	tail[length] = '\0';
	assert_true(check_envelope_read(&fixed, tail, length, mail, CAME, &change));
	for (uint32_t i = 0; i < CAME; i++) {
		if (check_envelope_removes(&change, i, &at))
			fprintf(text, "-%u ", i);
	}
	if (change.sender != NULL)
		fprintf(text, "from=%s ", change.sender);
	if (change.parameters)
		fprintf(text, "(%u,%s) ", change.ret, change.envid);
	entry = change.added;
	for (uint32_t i = 0; i < change.added_count; i++) {
		entry = check_envelope_added(entry, &added);
		fprintf(text, "+%s,%u,%d,%s ", added.path, added.notify, added.anywhere,
			added.orcpt);
	}
	fclose(text);
}

static const struct qf_mail anything = {.kind = FILTER_SUBMITTER,
					.envelope = FILTER_ENVELOPE_ANYWHERE};

static void
wishes_become_changes(void **state)
{
	static const struct {
		struct wish wishes[8];
		const char *result, *notes;
		size_t count;
	} rows[] = {
	    {{{MILTER_ADDRCPT, "<d@Test>", NULL}}, "+d@test,0,1, ", "", 5},
	    {{{MILTER_ADDRCPT, "d@test", NULL}}, "+d@test,0,1, ", "", 5},
	    {{{MILTER_ADDRCPT, "<\"d\"@test>", ""}}, "+d@test,0,1, ", "", 5},
	    {{{MILTER_ADDRCPT, "<Postmaster>", NULL}}, "+postmaster,0,1, ", "", 5},
	    {{{MILTER_ADDRCPT, "<d@test>", "NOTIFY=NEVER ORCPT=rfc822;x+2Bd@y"}},
	     "+d@test,1,1,rfc822;x+d@y ",
	     "",
	     5},
	    {{{MILTER_ADDRCPT, "<d@test>", "ORCPT=utf-8;\\x{E4}@test"}},
	     "+d@test,0,1,utf-8;\xc3\xa4@test ",
	     "",
	     5},
	    {{{MILTER_ADDRCPT, "<d@test>", "NOTIFY=SUCCESS,FAILURE"}}, "+d@test,6,1, ", "", 5},
	    {{{MILTER_ADDRCPT, "<d@test>", "NOTIFY=NEVER,DELAY"}},
	     "+d@test,0,1, ",
	     "its parameters are none;",
	     5},
	    {{{MILTER_ADDRCPT, "<d@test>", "NOTIFY=NEVER SIZE=5"}},
	     "+d@test,0,1, ",
	     "its parameters are none;",
	     5},
	    {{{MILTER_ADDRCPT, "<d@test>", NULL}, {MILTER_ADDRCPT, "<D@test>", "NOTIFY=NEVER"}},
	     "+d@test,0,1, ",
	     "",
	     5},
	    {{{MILTER_DELRCPT, "<b@test>", NULL}}, "-1 -2 ", "", 2},
	    {{{MILTER_DELRCPT, "a@TEST", NULL}, {MILTER_DELRCPT, "<c@test>", NULL}},
	     "-0 -3 ",
	     "",
	     2},
	    {{{MILTER_DELRCPT, "<b@test>", NULL}, {MILTER_ADDRCPT, "<b@test>", NULL}},
	     "-1 -2 +b@test,0,1, ",
	     "",
	     3},
	    {{{MILTER_CHGFROM, "<x@y>", NULL}}, "from=x@y ", "", 4},
	    {{{MILTER_CHGFROM, "<>", "RET=HDRS ENVID=a+2Bb"}}, "from= (1,a+b) ", "", 4},
	    {{{MILTER_CHGFROM, "", NULL}}, "from= ", "", 4},
	    {{{MILTER_CHGFROM, "<x@y>", "SIZE=5 BODY=8BITMIME"}}, "from=x@y (0,) ", "", 4},
	    {{{MILTER_CHGFROM, "<x@y>", "RET=SOME"}}, "from=x@y ", "its parameters are none;", 4},
	    {{{MILTER_CHGFROM, "<x@y>", NULL}, {MILTER_CHGFROM, "<z@y>", NULL}},
	     "from=z@y ",
	     "",
	     4},
	    {{{MILTER_DELRCPT, "<a@test>", NULL},
	      {MILTER_DELRCPT, "<b@test>", NULL},
	      {MILTER_DELRCPT, "<c@test>", NULL},
	      {MILTER_ADDRCPT, "<d@test>", NULL},
	      {MILTER_DELRCPT, "<d@test>", NULL}},
	     "-0 -1 -2 -3 ",
	     "",
	     0},
	};
	char result[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct milter_envelope *envelope = milter_envelope_new(came, CAME);

		assert_int_equal(apply(envelope, rows[i].wishes, &everything), 0);
		assert_string_equal(notes, rows[i].notes);
		read_back(envelope, &anything, result);
		assert_string_equal(result, rows[i].result);
		assert_int_equal(milter_envelope_count(envelope), rows[i].count);
		milter_envelope_free(envelope);
	}
}

static void
wishes_that_are_left_out(void **state)
{
	static const struct milter_rights none = {.utf8 = true};
	static const struct {
		struct wish wish;
		const struct milter_rights *rights;
		const char *notes;
	} rows[] = {
	    {{MILTER_ADDRCPT, "<d@test>", NULL}, &none, "it may not change recipients;"},
	    {{MILTER_DELRCPT, "<a@test>", NULL}, &none, "it may not change recipients;"},
	    {{MILTER_CHGFROM, "<a@test>", NULL}, &none, "it may not change the sender;"},
	    {{MILTER_DELRCPT, "<d@test>", NULL}, &everything, "it removes who is no recipient;"},
	    {{MILTER_ADDRCPT, "<d>", NULL}, &everything, "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "", NULL}, &everything, "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<>", NULL}, &everything, "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<d@test", NULL}, &everything, "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<d@test> NOTIFY=NEVER", NULL},
	     &everything,
	     "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<d@test> ORCPT=<x>", NULL},
	     &everything,
	     "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<d@te\r\nst>", NULL},
	     &everything,
	     "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<\xc3\xa4@test>", NULL},
	     &everything,
	     "a recipient that is no address;"},
	    {{MILTER_ADDRCPT, "<\xff@test>", NULL}, &everything, "a recipient that is no address;"},
	    {{MILTER_CHGFROM, "<\xc3\xa4@test>", NULL},
	     &everything,
	     "a sender that is no address;"},
	    {{MILTER_CHGFROM, "<x>", NULL}, &everything, "a sender that is no address;"},
	};
	static char long_name[4096];
	struct qf_envelope fixed;
	char tail[QF_ENVELOPE_MAX];
	size_t length;

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	for (size_t i = 0; i <= COUNT(rows); i++) {
		struct milter_envelope *envelope = milter_envelope_new(came, CAME);
		struct wish wishes[2] = {{MILTER_ADDRCPT, long_name, NULL}};

		if (i < COUNT(rows))
			wishes[0] = rows[i].wish;
		assert_int_equal(
		    apply(envelope, wishes, i < COUNT(rows) ? rows[i].rights : &everything), 0);
		assert_string_equal(notes, i < COUNT(rows) ? rows[i].notes
							   : "a recipient that is no address;");
		assert_int_equal(milter_envelope_write(envelope, &fixed, tail, &length), 0);
		milter_envelope_free(envelope);
	}
}

/* RFC 6531: only in a mail that is sent so. */
static void
letters_beyond_ascii(void **state)
{
	const struct milter_rights utf8 = {true, true, true, true};
	static const struct wish wishes[] = {
	    {MILTER_CHGFROM, "<\xc3\xa4@test>", NULL},
	    {MILTER_ADDRCPT, "<\xc3\xb6@test>", "ORCPT=utf-8;\\x{F6}@test"},
	    {0}};
	struct milter_envelope *envelope = milter_envelope_new(came, CAME);
	static char tail[QF_ENVELOPE_MAX + 1];
	struct qf_mail in_utf8 = anything;
	struct envelope_change change;
	struct qf_envelope fixed;
	char result[1024];
	size_t length;

	(void)state;
	assert_int_equal(apply(envelope, wishes, &utf8), 0);
	assert_string_equal(notes, "");
	in_utf8.utf8 = 1;
	read_back(envelope, &in_utf8, result);
	assert_string_equal(result, "from=\xc3\xa4@test +\xc3\xb6@test,0,1,utf-8;\xc3\xb6@test ");
	assert_int_equal(milter_envelope_write(envelope, &fixed, tail, &length), 1);
	assert_false(check_envelope_read(&fixed, tail, length, &anything, CAME, &change));
	milter_envelope_free(envelope);
}

static void
a_copy_is_another(void **state)
{
	static const struct wish one[] = {{MILTER_DELRCPT, "<a@test>", NULL},
					  {MILTER_ADDRCPT, "<d@test>", "NOTIFY=NEVER"},
					  {MILTER_CHGFROM, "<x@y>", "RET=FULL ENVID=e"},
					  {0}};
	static const struct wish two[] = {
	    {MILTER_DELRCPT, "<d@test>", NULL}, {MILTER_DELRCPT, "<c@test>", NULL}, {0}};
	struct milter_envelope *envelope = milter_envelope_new(came, CAME), *copy;
	char result[1024];
	char *list;

	(void)state;
	assert_int_equal(apply(envelope, one, &everything), 0);
	copy = milter_envelope_copy(envelope);
	assert_int_equal(apply(copy, two, &everything), 0);
	read_back(envelope, &anything, result);
	assert_string_equal(result, "-0 from=x@y (2,e) +d@test,1,1, ");
	read_back(copy, &anything, result);
	assert_string_equal(result, "-0 -3 from=x@y (2,e) ");
	list = milter_envelope_list(envelope);
	assert_memory_equal(list, "b@test\0B@test\0c@test\0d@test\0", 29);
	free(list);
	list = milter_envelope_list(copy);
	assert_memory_equal(list, "b@test\0B@test\0", 15);
	free(list);
	milter_envelope_free(envelope);
	milter_envelope_free(copy);
}

static void
there_is_an_end(void **state)
{
	struct milter_envelope *envelope = milter_envelope_new(came, CAME);
	static char tail[QF_ENVELOPE_MAX];
	struct qf_envelope fixed;
	char path[256];
	size_t length;

	(void)state;
	for (unsigned i = 0; i < QF_ADDED_MAX; i++) {
		(void)snprintf(path, sizeof(path), "%u@test", i);
		assert_int_equal(milter_envelope_add(envelope, path, 0, false, ""), 0);
	}
	assert_int_equal(milter_envelope_add(envelope, "0@test", 0, false, ""), 0); /* is there */
	assert_int_equal(milter_envelope_add(envelope, "more@test", 0, false, ""), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(milter_envelope_write(envelope, &fixed, tail, &length), 1);
	milter_envelope_free(envelope);

	envelope = milter_envelope_new(came, CAME);
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "%0200u@test", i);
		assert_int_equal(milter_envelope_add(envelope, path, 0, false, ""), 0);
	}
	assert_int_equal(milter_envelope_write(envelope, &fixed, tail, &length), -1);
	milter_envelope_free(envelope);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wishes_become_changes), cmocka_unit_test(wishes_that_are_left_out),
	    cmocka_unit_test(letters_beyond_ascii),  cmocka_unit_test(a_copy_is_another),
	    cmocka_unit_test(there_is_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
