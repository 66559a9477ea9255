/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/accounts_text.h"

static const struct text_setting carol[] = {
    {"address", "\"c@x\""}, {"password", "\"$c\""}, {NULL, NULL}};
static const struct text_setting off = {"enabled", "false"};
static const struct text_setting hash = {"password", "\"$n\""};

/* Takes what an edit returned. */
static void
becomes(char *got, const struct error *err, const char *want)
{
	if (got == NULL)
		fail_msg("%s", err->text);
	if (strcmp(got, want) != 0)
		fail_msg("\n--- got\n%s\n--- wanted\n%s\n---", got, want);
	free(got);
}
#define ADD(text, want) becomes(text_add((text), "accounts", carol, &err), &err, (want))
#define SET(text, i, s, want) becomes(text_set((text), "accounts", (i), &(s), &err), &err, (want))
#define REMOVE(text, i, want) becomes(text_remove((text), "accounts", (i), &err), &err, (want))

#define CAROL "{ address = \"c@x\"; password = \"$c\"; }"

static void
test_add(void **state)
{
	struct error err;

	(void)state;
	ADD("", "accounts = (\n  " CAROL "\n);\n");
	ADD("# ours", "# ours\naccounts = (\n  " CAROL "\n);\n");
	ADD("accounts = ();\n", "accounts = (\n  " CAROL "\n);\n");
	ADD("accounts = ( );\n", "accounts = (\n  " CAROL "\n);\n");
	ADD("accounts = (\n);\n", "accounts = (\n  " CAROL "\n);\n");
	ADD("accounts = ( # none yet\n);\n", "accounts = (\n  " CAROL "\n# none yet\n);\n");
	ADD("accounts = (\n\t{ address = \"a@x\"; }\n);\n",
	    "accounts = (\n\t{ address = \"a@x\"; },\n\t" CAROL "\n);\n");
	ADD("accounts = (\n  { address = \"a@x\"; } # the boss\n);\n",
	    "accounts = (\n  { address = \"a@x\"; }, # the boss\n  " CAROL "\n);\n");
	ADD("accounts = ( { address = \"a@x\"; } );",
	    "accounts = ( { address = \"a@x\"; },\n" CAROL " );");
	ADD("accounts = (\n  {\n    address = \"a@x\";\n  }\n);\n",
	    "accounts = (\n  {\n    address = \"a@x\";\n  },\n  " CAROL "\n);\n");
	ADD("accounts = (\n  { address = \"a@x\"; }, // last\n);\n",
	    "accounts = (\n  { address = \"a@x\"; }, // last\n  " CAROL "\n);\n");
}

static void
test_set(void **state)
{
	struct error err;

	(void)state;
	SET("accounts = ( { address = \"a@x\"; password = \"$a\"; } );", 0, hash,
	    "accounts = ( { address = \"a@x\"; password = \"$n\"; } );");
	SET("accounts = ( { address = \"a@x\"; password = \"$a\" } );", 0, hash,
	    "accounts = ( { address = \"a@x\"; password = \"$n\" } );");
	SET("accounts = ( { address = \"a@x\"; password : \"$a\"\n  \"more\"; } );", 0, hash,
	    "accounts = ( { address = \"a@x\"; password : \"$n\"; } );");
	/* Which of two; and what looks like it in a comment or a string. */
	SET("accounts = ( { # password = \"no\";\n address = \"}a{@x\"; password = \"$a\"; },\n"
	    "/* { */ { address = \"b\\\"@x\"; password = \"$b\"; // password = \"no\";\n} );",
	    1, hash,
	    "accounts = ( { # password = \"no\";\n address = \"}a{@x\"; password = \"$a\"; },\n"
	    "/* { */ { address = \"b\\\"@x\"; password = \"$n\"; // password = \"no\";\n} );");
	/* A setting that is not there yet: in the layout of its group. */
	SET("accounts = ( { address = \"a@x\"; } );", 0, off,
	    "accounts = ( { address = \"a@x\"; enabled = false; } );");
	SET("accounts = ( { address = \"a@x\" } );", 0, off,
	    "accounts = ( { address = \"a@x\"; enabled = false; } );");
	SET("accounts = (\n\t{\n\t\taddress = \"a@x\"; # the boss\n\t}\n);", 0, off,
	    "accounts = (\n\t{\n\t\taddress = \"a@x\"; # the boss\n\t\tenabled = false;\n\t}\n);");
	SET("accounts = (\n  {\n    address = \"a@x\" /* no end */\n  }\n);", 0, off,
	    "accounts = (\n  {\n    address = \"a@x\"; /* no end */\n    enabled = false;\n  "
	    "}\n);");
	SET("accounts = ( { address = \"a@x\"; enabled=true } );", 0, off,
	    "accounts = ( { address = \"a@x\"; enabled=false } );");
}

static void
test_remove(void **state)
{
	static const char three[] =
	    "# top\naccounts = (\n  { address = \"a@x\"; },\n"
	    "  { address = \"b@x\"; }, # b\n  {\n    address = \"c@x\";\n  }\n"
	    "  # end\n);\n";
	struct error err;

	(void)state;
	REMOVE(three, 0,
	       "# top\naccounts = (\n  { address = \"b@x\"; }, # b\n  {\n    address = \"c@x\";\n"
	       "  }\n  # end\n);\n");
	REMOVE(three, 1,
	       "# top\naccounts = (\n  { address = \"a@x\"; },\n  # b\n  {\n    address = "
	       "\"c@x\";\n  }\n  # end\n);\n");
	REMOVE(three, 2,
	       "# top\naccounts = (\n  { address = \"a@x\"; },\n  { address = \"b@x\"; } # b\n"
	       "  # end\n);\n");
	REMOVE("accounts = ( { address = \"a@x\"; }, { address = \"b@x\"; } );", 0,
	       "accounts = ( { address = \"b@x\"; } );");
	REMOVE("accounts = ( { address = \"a@x\"; }, { address = \"b@x\"; } );", 1,
	       "accounts = ( { address = \"a@x\"; }  );");
	REMOVE("accounts = ( { address = \"a@x\"; } );", 0, "accounts = (  );");
	REMOVE("accounts = (\n  { address = \"a@x\"; }\n);\n", 0, "accounts = (\n);\n");
}

/* The other list of the file is edited, and the accounts are left alone. */
static void
test_aliases(void **state)
{
	static const struct text_setting alias[] = {
	    {"address", "\"s@x\""}, {"to", "\"\""}, {NULL, NULL}};
	static const struct text_setting to = {"to", "[ \"a@x\" ]"};
	static const char both[] = "aliases = (\n  { address = \"s@x\"; to = \"b@x\"; } # old\n);\n"
				   "accounts = ( { address = \"a@x\"; to = \"z\"; } );\n";
	struct error err;

	(void)state;
	becomes(text_add("accounts = ( );\n", "aliases", alias, &err), &err,
		"accounts = ( );\naliases = (\n  { address = \"s@x\"; to = \"\"; }\n);\n");
	becomes(text_set(both, "aliases", 0, &to, &err), &err,
		"aliases = (\n  { address = \"s@x\"; to = [ \"a@x\" ]; } # old\n);\n"
		"accounts = ( { address = \"a@x\"; to = \"z\"; } );\n");
	becomes(text_set(both, "accounts", 0, &to, &err), &err,
		"aliases = (\n  { address = \"s@x\"; to = \"b@x\"; } # old\n);\n"
		"accounts = ( { address = \"a@x\"; to = [ \"a@x\" ]; } );\n");
	assert_null(text_set(both, "aliases", 1, &to, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_add),
	    cmocka_unit_test(test_set),
	    cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
