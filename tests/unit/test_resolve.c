/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/accounts/resolve.h"

#define PW " password = \"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO\"; "

static const char domains[] = "example.org\0second.example\0empty.example";
static struct resolver *resolver;
static struct accounts *accounts;

static void
use(const char *text)
{
	struct error err = {""};
	unsigned line;

	resolver_use(resolver, NULL);
	accounts_free(accounts);
	accounts = accounts_parse(text, strlen(text), &line, &err);
	assert_string_equal(err.text, "");
	resolver_use(resolver, accounts);
}

static int
setup(void **state)
{
	(void)state;
	resolver = resolver_new(domains, sizeof(domains), 3);
	return resolver == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	resolver_free(resolver);
	accounts_free(accounts);
	accounts = NULL;
	return 0;
}

/* The mailbox TEXT is delivered to, or the verdict as a word. */
static const char *
resolve(const char *text)
{
	static const char *const words[] = {"",         "local",     "no mailbox",
					    "disabled", "not local", "unavailable"};
	const struct account *account;
	enum rcpt_verdict verdict = resolve_mailbox(resolver, text, strlen(text), &account);

	if (verdict == RCPT_LOCAL)
		return account->address;
	assert_null(account);
	return words[verdict];
}

static void
test_mailboxes(void **state)
{
	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"bob@example.org\";" PW "enabled = false; },"
	    "{ address = \"carol@second.example\";" PW "} );");
	assert_string_equal(resolve("alice@example.org"), "alice@example.org");
	assert_string_equal(resolve("ALICE@Example.ORG"), "alice@example.org");
	assert_string_equal(resolve("\"alice\"@example.org"), "alice@example.org");
	assert_string_equal(resolve("bob@example.org"), "disabled");
	assert_string_equal(resolve("carol@example.org"), "no mailbox");
	assert_string_equal(resolve("carol@second.example"), "carol@second.example");
	assert_string_equal(resolve("alice@elsewhere.example"), "not local");
	assert_string_equal(resolve("alice@[192.0.2.1]"), "not local");
	assert_string_equal(resolve("alice"), "no mailbox");
	assert_string_equal(resolve("\"a@example.org\"@example.org"), "no mailbox");
	assert_string_equal(resolve("alice@example.org@elsewhere.example"), "no mailbox");
	assert_string_equal(resolve(""), "no mailbox");
}

static void
test_postmaster(void **state)
{
	(void)state;
	use("accounts = ( { address = \"off@example.org\";" PW "enabled = false; },"
	    "{ address = \"alice@example.org\";" PW "},"
	    "{ address = \"carol@second.example\";" PW "},"
	    "{ address = \"postmaster@second.example\";" PW "} );");
	assert_string_equal(resolve("postmaster"), "alice@example.org");
	assert_string_equal(resolve("PostMaster"), "alice@example.org");
	assert_string_equal(resolve("Postmaster@example.org"), "alice@example.org");
	assert_string_equal(resolve("POSTMASTER@second.example"), "postmaster@second.example");
	assert_string_equal(resolve("postmaster@empty.example"), "alice@example.org");
	assert_string_equal(resolve("postmaster@elsewhere.example"), "not local");
	use("accounts = ( { address = \"carol@second.example\";" PW "},"
	    "{ address = \"postmaster@second.example\";" PW "enabled = false; } );");
	assert_string_equal(resolve("postmaster@second.example"), "carol@second.example");
	assert_string_equal(resolve("postmaster"), "unavailable");
}

static void
test_no_file(void **state)
{
	char canonical[ADDRESS_SIZE];

	(void)state;
	assert_string_equal(resolve("alice@example.org"), "unavailable");
	assert_string_equal(resolve("postmaster"), "unavailable");
	assert_null(resolve_login(resolver, "alice", canonical));
}

static void
test_login(void **state)
{
	char canonical[ADDRESS_SIZE], name[2 * ADDRESS_SIZE];

	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"old@gone.example\";" PW "},"
	    "{ address = \"carol@second.example\";" PW "} );");
	assert_ptr_equal(resolve_login(resolver, "Alice@Example.org", canonical),
			 accounts_at(accounts, 0));
	assert_string_equal(canonical, "alice@example.org");
	assert_ptr_equal(resolve_login(resolver, "alice", canonical), accounts_at(accounts, 0));
	assert_null(resolve_login(resolver, "carol", canonical));
	assert_string_equal(canonical, "carol@example.org");
	assert_null(resolve_login(resolver, "postmaster", canonical));
	/* The domain was taken out of postern.conf. */
	assert_null(resolve_login(resolver, "old@gone.example", canonical));
	assert_null(resolve_login(resolver, "", canonical));
	assert_null(resolve_login(resolver, "@", canonical));
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_null(resolve_login(resolver, name, canonical));
	assert_null(resolve_login(resolver, canonical, name));
}

static void
test_settings(void **state)
{
	(void)state;
	assert_null(resolver_new("", 0, 0));
	assert_null(resolver_new("a", 2, 2));
	assert_null(resolver_new("a\0b", 4, 1));
	assert_true(resolver_has_domain(resolver, "empty.example"));
	assert_false(resolver_has_domain(resolver, "example"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_mailboxes), TEST(test_postmaster), TEST(test_no_file),
	    TEST(test_login),     TEST(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
