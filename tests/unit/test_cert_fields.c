/* SPDX-License-Identifier: ISC */
/* What a new certificate shall say: the checks of each field, and the questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "certd/subject.h"
#include "ctl/cert_fields.h"

static const struct subject_field *
field(const char *option)
{
	const struct subject_field *f = subject_fields;

	while (f->option != NULL && strcmp(f->option, option) != 0)
		f++;
	assert_non_null(f->option);
	return f;
}

static bool
takes(const char *option, const char *text)
{
	struct cert_subject subject = {.country = ""};
	struct error err;

	if (subject_set(&subject, field(option), text, &err) == -1) {
		assert_string_not_equal(err.text, "");
		assert_string_equal(subject_get(&subject, field(option)), "");
		return false;
	}
	assert_true(subject_valid(&subject, &err));
	return true;
}

static void
subjects(void **state)
{
	struct cert_subject subject = {.country = ""};
	char text[300];
	struct error err;

	(void)state;
	assert_int_equal(subject_set(&subject, field("country"), "ch", &err), 0);
	assert_string_equal(subject.country, "CH");
	assert_false(takes("country", "Switzerland"));
	assert_false(takes("country", "C"));
	assert_false(takes("country", "C1"));
	assert_false(takes("country", "\xc3\xa4")); /* two bytes, one letter */
	assert_true(takes("country", ""));
	assert_true(takes("organization", "Z\xc3\xbcrich"));
	assert_false(takes("organization", "Z\xfcrich")); /* Latin-1 */
	assert_false(takes("organization", "a\nb"));
	assert_false(takes("organization", "a\xc2\x85"
					   "b"));            /* a C1 control */
	assert_false(takes("organization", "\xed\xa0\x80")); /* a surrogate */
	assert_false(takes("organization", "\xc0\xaf"));     /* overlong */
	assert_false(takes("organization", "\xf4\x90\x80\x80"));
	assert_true(takes("email", "postmaster@example.org"));
	assert_false(takes("email", "postmaster"));
	/* The bound is in characters. */
	memset(text, 0, sizeof(text));
	for (size_t i = 0; i < 64; i++)
		strlcat(text, "\xc3\xbc", sizeof(text));
	assert_true(takes("organization", text));
	strlcat(text, "u", sizeof(text));
	assert_false(takes("organization", text));
}

/* What posternctl would not have sent. */
static void
subjects_that_lie(void **state)
{
	struct cert_subject subject = {.country = ""};
	struct error err;

	(void)state;
	assert_true(subject_valid(&subject, &err));
	memset(subject.country, 'A', sizeof(subject.country));
	assert_false(subject_valid(&subject, &err));
	memset(&subject, 0, sizeof(subject));
	strlcpy(subject.unit, "\x1b[2J", sizeof(subject.unit));
	assert_false(subject_valid(&subject, &err));
}

static void
names(void **state)
{
	struct cert_fields fields = {.length = 0};
	struct error err;

	(void)state;
	assert_int_equal(cert_fields_names(&fields,
					   "mail.example.org, 192.0.2.1  b\xc3\xbc"
					   "cher.example",
					   &err),
			 0);
	assert_int_equal(fields.create.count, 3);
	assert_memory_equal(fields.tail,
			    "mail.example.org\0"
			    "192.0.2.1\0"
			    "xn--bcher-kva.example",
			    49);
	assert_int_equal(cert_fields_names(&fields, "a.example under_score*", &err), -1);
	assert_int_equal(fields.create.count, 3);
	assert_int_equal(cert_fields_names(&fields, " , ", &err), -1);
	assert_int_equal(cert_fields_names(&fields, "*.example.org", &err), 0);
	assert_int_equal(cert_fields_names(&fields, "a.*.example.org", &err), -1);
}

static int
answer(const char *answers, struct cert_fields *fields, char *out, size_t size)
{
	FILE *in = fmemopen((void *)(uintptr_t)answers, strlen(answers), "r");
	FILE *to = fmemopen(out, size, "w");
	struct error err;
	int result;

	assert_non_null(in);
	assert_non_null(to);
	*fields = (struct cert_fields){.create = {.key = CERT_KEY_RSA_2048, .days = CERT_DAYS}};
	assert_int_equal(cert_fields_name(fields, "mail.example.org", &err), 0);
	result = cert_fields_ask(fields, in, to, &err);
	fclose(in);
	fclose(to);
	return result;
}

static void
questions(void **state)
{
	static char out[65536];
	struct cert_fields fields;

	(void)state;
	/* Enter everywhere. */
	assert_int_equal(answer("\n\n\n\n\n\n\n\n\n\n", &fields, out, sizeof(out)), 0);
	assert_string_equal(fields.tail, "mail.example.org");
	assert_int_equal(fields.create.key, CERT_KEY_RSA_2048);
	assert_non_null(strstr(out, "Host names [mail.example.org]: "));
	/* Explained, wrong, right; then the rest. */
	assert_int_equal(answer("?\nSchweiz\nch\n-\nBern\nUs\n\nx\nx@y.example\n"
				"a.example b.example\np256\n0\n90\n",
				&fields, out, sizeof(out)),
			 0);
	assert_non_null(strstr(out, "The two letters of your country"));
	assert_non_null(strstr(out, "2 at most"));
	assert_string_equal(fields.create.subject.country, "CH");
	assert_string_equal(fields.create.subject.locality, "Bern");
	assert_string_equal(fields.create.subject.common_name, "x");
	assert_int_equal(fields.create.count, 2);
	assert_int_equal(fields.create.key, CERT_KEY_P256);
	assert_int_equal(fields.create.days, 90);
	/* The end of the answers is not an answer. */
	assert_int_equal(answer("CH\n", &fields, out, sizeof(out)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(subjects),
	    cmocka_unit_test(subjects_that_lie),
	    cmocka_unit_test(names),
	    cmocka_unit_test(questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
