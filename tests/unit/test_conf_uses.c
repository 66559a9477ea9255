/* SPDX-License-Identifier: ISC */
/* Which certificates listeners present as their own: the same that gates choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "master/conf_uses.h"

#define HEAD                                                                 \
	"hostname = \"mail.example.org\";\ndomains = ( \"example.org\" );\n" \
	"state = \"/var/lib/postern\";\n"

static const char *relay = ""; /* its group, where there is one */

static struct configuration *
load(const char *listeners)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf;
	char text[1024];

	snprintf(text, sizeof(text), HEAD "%slisteners = ( %s );\n", relay, listeners);
	conf = conf_load_text(text, "/etc/postern/postern.conf", &problems);
	conf_problems_print(&problems, stderr);
	conf_problems_free(&problems);
	assert_non_null(conf);
	return conf;
}

/* The names that the listeners present, in a line. */
static void
expect(const char *listeners, const struct conf_candidate *list, size_t count, const char *expected)
{
	struct configuration *conf = load(listeners);
	char out[256], all[512] = "";

	for (size_t i = 0; i < count; i++) {
		conf_presenters(conf, list, count, i, out, sizeof(out));
		if (out[0] != '\0')
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s=%s",
				 all[0] == '\0' ? "" : " ", list[i].name, out);
	}
	assert_string_equal(all, expected);
	conf_free(conf);
}

#define POP "{ service = \"pop3\"; port = 995; tls = \"implicit\"; }"
#define SMTP "{ service = \"smtp\"; port = 25; tls = \"explicit\"; }"

static void
test_named(void **state)
{
	const struct conf_candidate list[] = {{.name = "a", .kind = CONF_KEY_RSA, .exact = true},
					      {.name = "b", .kind = CONF_KEY_RSA},
					      {.name = "c", .kind = CONF_KEY_ECDSA}};

	(void)state;
	expect("{ service = \"smtp\"; port = 25; certificate = [\"b\", \"c\"]; }, " POP, list, 3,
	       "a=pop3:995 b=smtp:25 c=smtp:25");
}

static void
test_for_host(void **state)
{
	const struct conf_candidate list[] = {
	    {.name = "own", .kind = CONF_KEY_RSA, .exact = true, .self_signed = true, .until = 9},
	    {.name = "old", .kind = CONF_KEY_RSA, .exact = true, .until = 1},
	    {.name = "new", .kind = CONF_KEY_RSA, .exact = true, .until = 2},
	    {.name = "ec", .kind = CONF_KEY_ECDSA, .exact = true, .until = 1},
	    {.name = "wild", .kind = CONF_KEY_ED25519, .wildcard = true, .until = 3}};

	(void)state;
	expect(POP, list, 5, "new=pop3:995 ec=pop3:995");
	expect(POP, list, 1, "own=pop3:995");
	expect(SMTP ", " POP, list, 2, "old=smtp:25 pop3:995");
}

static void
test_by_name_or_alone(void **state)
{
	const struct conf_candidate list[] = {{.name = "mail.example.org", .kind = CONF_KEY_RSA},
					      {.name = "other", .kind = CONF_KEY_RSA}};

	(void)state;
	expect(POP, list, 2, "mail.example.org=pop3:995");
	expect(POP, list + 1, 1, "other=pop3:995");
	expect("{ service = \"pop3\"; port = 110; tls = \"none\"; address = \"127.0.0.1\"; }", list,
	       2, "");
}

static void
test_weak(void **state)
{
	const struct conf_candidate list[] = {
	    {.name = "weak", .kind = CONF_KEY_RSA, .weak = true, .exact = true}};

	(void)state;
	expect(POP, list, 1, "");
	expect("{ service = \"pop3\"; port = 995; tls = \"implicit\"; weak = true; }", list, 1,
	       "weak=pop3:995");
}

/* Two listeners of one port are one label; what has no room is cut. */
static void
test_labels(void **state)
{
	const struct conf_candidate list[] = {{.name = "a", .kind = CONF_KEY_RSA}};
	struct configuration *conf =
	    load("{ service = \"pop3\"; port = 995; tls = \"implicit\"; address = \"127.0.0.1\"; },"
		 "{ service = \"pop3\"; port = 995; tls = \"implicit\"; address = \"127.0.0.2\"; },"
		 "{ service = \"pop3\"; port = 99; tls = \"explicit\"; }," SMTP);
	char out[64], small[20];

	(void)state;
	conf_presenters(conf, list, 1, 0, out, sizeof(out));
	assert_string_equal(out, "pop3:995 pop3:99 smtp:25");
	conf_presenters(conf, list, 1, 0, small, sizeof(small));
	assert_string_equal(small, "pop3:995 ...");
	assert_true(conf_has_sni_any(conf));
	conf_free(conf);
}

/* What relay shows to other servers listeners present only if they name it, or it is the host's. */
static void
test_relay(void **state)
{
	const struct conf_candidate list[] = {
	    {.name = "a", .kind = CONF_KEY_RSA, .exact = true, .until = 9},
	    {.name = "b", .kind = CONF_KEY_RSA, .exact = true, .until = 1},
	    {.name = "mail.example.org", .kind = CONF_KEY_ECDSA, .exact = true}};

	(void)state;
	relay = "relay = { certificate = \"a\"; routes = ( { domain = \"x\"; certificate = "
		"\"mail.example.org\"; } ); };\n";
	expect(POP, list, 3, "a=relay b=pop3:995 mail.example.org=pop3:995 relay");
	/* Alone, but for relay's: there is one. */
	expect(POP, list, 2, "a=relay b=pop3:995");
	expect(POP, list, 1, "a=relay");
	expect("{ service = \"pop3\"; port = 995; tls = \"implicit\"; certificate = \"a\"; }", list,
	       2, "a=pop3:995 relay");
	relay = "";
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_named),
	    cmocka_unit_test(test_for_host),
	    cmocka_unit_test(test_by_name_or_alone),
	    cmocka_unit_test(test_weak),
	    cmocka_unit_test(test_labels),
	    cmocka_unit_test(test_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
