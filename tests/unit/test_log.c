/* SPDX-License-Identifier: ISC */
/* A stranger's bytes can neither break a log line nor forge a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"

#define RENDER(out, event, ...)                                                    \
	log_render((out), sizeof(out), (event), (struct log_value[]){__VA_ARGS__}, \
		   sizeof((struct log_value[]){__VA_ARGS__}) / sizeof(struct log_value))

static void
plain_values(void **state)
{
	char out[LOG_LINE_MAX];
	struct in6_addr v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}};

	(void)state;
	RENDER(out, "smtp.accepted", KV_CONN(0x5f0c81d2a4b7e613),
	       KV_STR("from", "alice@example.org"), KV_U64("size", 1204), KV_I64("delta", -3),
	       KV_ADDR("peer", &v4));
	assert_string_equal(out, "event=smtp.accepted conn=5f0c81d2a4b7e613 from=alice@example.org "
				 "size=1204 delta=-3 peer=192.0.2.1");
}

static void
hostile_values(void **state)
{
	char out[LOG_LINE_MAX];

	(void)state;
	RENDER(out, "x", KV_STR("a", "b\nevent=forged c=d"));
	assert_string_equal(out, "event=x a=\"b\\nevent=forged c=d\"");
	RENDER(out, "x", KV_STR("a", "\" b=\"c"));
	assert_string_equal(out, "event=x a=\"\\\" b=\\\"c\"");
	RENDER(out, "x", KV_MEM("a", "\0\033[2J\377", 6));
	assert_string_equal(out, "event=x a=\\0\\^[[2J\\M^?");
	RENDER(out, "x", KV_STR("a", ""), KV_STR("b", NULL));
	assert_string_equal(out, "event=x a=\"\" b=-");
}

static void
long_values_are_cut(void **state)
{
	char out[LOG_LINE_MAX], value[5000];

	(void)state;
	memset(value, 'a', sizeof(value));
	RENDER(out, "x", KV_MEM("a", value, sizeof(value)), KV_U64("b", 1));
	assert_int_equal(strlen(out), strlen("event=x a=") + LOG_VALUE_MAX + strlen("... b=1"));
	/* Many long values: the line still ends within its bound. */
	memset(value, 1, sizeof(value));
	RENDER(out, "x", KV_MEM("a", value, sizeof(value)), KV_MEM("b", value, sizeof(value)),
	       KV_MEM("c", value, sizeof(value)), KV_MEM("d", value, sizeof(value)));
	assert_true(strlen(out) < LOG_LINE_MAX);
}

static void
formats_have_names(void **state)
{
	enum log_format format;

	(void)state;
	for (enum log_format f = LOG_FORMAT_STDERR; f <= LOG_FORMAT_SYSLOG; f++) {
		assert_int_equal(log_format_parse(log_format_name(f), &format), 0);
		assert_int_equal(format, f);
	}
	assert_int_equal(log_format_parse("file", &format), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_values),
	    cmocka_unit_test(hostile_values),
	    cmocka_unit_test(long_values_are_cut),
	    cmocka_unit_test(formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
