/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/accounts/forward.h"

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

/* The mailboxes TEXT is delivered to, or the verdict as a word. */
static const char *
resolve(const char *text)
{
	static const char *const words[RCPT_VERDICTS] = {"",         "local",     "no mailbox",
							 "disabled", "not local", "unavailable",
							 "forged",   "old",       "routed"};
	static char list[1024];
	struct resolved resolved;
	enum rcpt_verdict verdict = resolve_mailbox(resolver, text, strlen(text), &resolved);

	if (verdict != RCPT_LOCAL) {
		assert_int_equal(resolved.count + resolved.forward_count, 0);
		return words[verdict];
	}
	list[0] = '\0';
	for (size_t i = 0; i < resolved.count; i++) {
		if (!resolve_is_mailbox(resolver, resolved.accounts[i]))
			continue;
		strlcat(list, list[0] == '\0' ? "" : " ", sizeof(list));
		strlcat(list, resolved.accounts[i]->address, sizeof(list));
	}
	for (size_t i = 0; i < resolved.forward_count; i++) {
		if (!resolve_is_elsewhere(resolver, resolved.forwards[i]))
			continue;
		strlcat(list, list[0] == '\0' ? "-> " : " -> ", sizeof(list));
		strlcat(list, resolved.forwards[i], sizeof(list));
	}
	return list;
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
}

/* RFC 5321 4.5.1: there is somebody as long as anybody here can have mail. */
static void
test_borrowed_roles(void **state)
{
	(void)state;
	use("accounts = ( { address = \"dave@elsewhere.example\";" PW "},"
	    "{ address = \"off@example.org\";" PW "enabled = false; },"
	    "{ address = \"off@second.example\";" PW "enabled = false; },"
	    "{ address = \"carol@second.example\";" PW "},"
	    "{ address = \"erin@second.example\";" PW "} );"
	    "aliases = ( { address = \"info@example.org\"; to = \"erin@second.example\"; } );");
	resolver_set_host(resolver, "mail.example.org");
	assert_string_equal(resolve("postmaster"), "carol@second.example");
	assert_string_equal(resolve("postmaster@example.org"), "carol@second.example");
	assert_string_equal(resolve("abuse@example.org"), "carol@second.example");
	assert_string_equal(resolve("abuse@empty.example"), "carol@second.example");
	assert_string_equal(resolve("postmaster@mail.example.org"), "carol@second.example");
	assert_null(resolve_unanswered(resolver));
	use("accounts = ( { address = \"dave@elsewhere.example\";" PW "},"
	    "{ address = \"off@second.example\";" PW "enabled = false; } );");
	assert_string_equal(resolve("postmaster"), "unavailable");
	assert_string_equal(resolve("abuse@second.example"), "unavailable");
	assert_string_equal(resolve_unanswered(resolver), "empty.example");
}

/* It is who reports are from (RFC 3461 9.3), and nobody else is at the host. */
static void
test_roles_at_the_host(void **state)
{
	(void)state;
	use("aliases = ( { address = \"abuse@example.org\"; to = \"bob@example.org\"; },"
	    "{ address = \"@example.org\"; to = \"bob@example.org\"; } );"
	    "accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"bob@example.org\";" PW "},"
	    "{ address = \"postmaster@example.org\";" PW "} );");
	assert_string_equal(resolve("postmaster@mail.example.org"), "not local");
	resolver_set_host(resolver, "mail.example.org");
	resolver_set_separator(resolver, '+');
	assert_string_equal(resolve("PostMaster@Mail.example.org"), "postmaster@example.org");
	assert_string_equal(resolve("abuse@mail.example.org"), "bob@example.org");
	assert_string_equal(resolve("alice@mail.example.org"), "not local");
	assert_string_equal(resolve("postmaster+x@mail.example.org"), "not local");
	assert_string_equal(resolve("postmasters@mail.example.org"), "not local");
	assert_string_equal(resolve("\"\"@mail.example.org"), "not local");
	assert_string_equal(resolve("postmaster@example.com"), "not local");
	assert_string_equal(resolve("postmaster@x.mail.example.org"), "not local");
	assert_false(resolver_has_domain(resolver, "mail.example.org"));
	use("accounts = ( { address = \"postmaster@example.org\";" PW "enabled = false; } );");
	assert_string_equal(resolve("postmaster@mail.example.org"), "unavailable");
	assert_string_equal(resolve("postmaster"), "unavailable");
	/* One of our domains is that, whatever the host is called. */
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"postmaster@second.example\";" PW "} );");
	resolver_set_host(resolver, "second.example");
	assert_string_equal(resolve("postmaster@second.example"), "postmaster@second.example");
	assert_string_equal(resolve("alice@second.example"), "no mailbox");
}

#define ALIASED                                                     \
	"accounts = ( { address = \"alice@example.org\";" PW "},"   \
	"{ address = \"bob@example.org\";" PW "enabled = false; }," \
	"{ address = \"carol@second.example\";" PW "},"             \
	"{ address = \"dave@second.example\";" PW "} );"

static void
test_aliases(void **state)
{
	(void)state;
	use("aliases = ("
	    "{ address = \"Sales@example.org\"; to = [ \"Carol@second.example\", "
	    "\"alice@example.org\" ]; },"
	    "{ address = \"all@example.org\"; to = ( \"sales@example.org\", "
	    "\"bob@example.org\", \"carol@second.example\" ); },"
	    "{ address = \"gone@example.org\"; to = \"bob@example.org\"; },"
	    "{ address = \"@second.example\"; to = \"carol@second.example\"; } );" ALIASED);
	assert_string_equal(resolve("SALES@example.org"), "carol@second.example alice@example.org");
	assert_string_equal(resolve("all@example.org"), "carol@second.example alice@example.org");
	assert_string_equal(resolve("gone@example.org"), "disabled");
	assert_string_equal(resolve("sales@second.example"), "carol@second.example");
	assert_string_equal(resolve("dave@second.example"), "dave@second.example");
	assert_string_equal(resolve("\"no such\"@second.example"), "carol@second.example");
	assert_string_equal(resolve("\"\"@second.example"), "no mailbox");
	assert_string_equal(resolve("nobody@example.org"), "no mailbox");
}

/* Whose domain was taken out of postern.conf has no mailbox to deliver to, however mail comes. */
static void
test_foreign_accounts(void **state)
{
	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"old@gone.example\";" PW "} );"
	    "aliases = ( { address = \"both@example.org\"; to = [ \"alice@example.org\", "
	    "\"old@gone.example\" ]; },"
	    "{ address = \"one@example.org\"; to = \"old@gone.example\"; },"
	    "{ address = \"abuse@example.org\"; to = \"old@gone.example\"; } );");
	assert_string_equal(resolve("both@example.org"), "alice@example.org");
	assert_string_equal(resolve("one@example.org"), "disabled");
	assert_string_equal(resolve("abuse@example.org"), "alice@example.org");
	assert_string_equal(resolve("old@gone.example"), "not local");
}

static void
test_tags(void **state)
{
	(void)state;
	use("aliases = ( { address = \"team@example.org\"; to = \"dave@second.example\"; },"
	    "{ address = \"alice+own@example.org\"; to = \"carol@second.example\"; } );" ALIASED);
	assert_string_equal(resolve("alice+list@example.org"), "no mailbox");
	resolver_set_separator(resolver, '+');
	assert_string_equal(resolve("Alice+List@example.org"), "alice@example.org");
	assert_string_equal(resolve("alice+a+b@example.org"), "alice@example.org");
	assert_string_equal(resolve("alice+@example.org"), "alice@example.org");
	assert_string_equal(resolve("alice+own@example.org"), "carol@second.example");
	assert_string_equal(resolve("team+x@example.org"), "dave@second.example");
	assert_string_equal(resolve("bob+x@example.org"), "disabled");
	assert_string_equal(resolve("+alice@example.org"), "no mailbox");
	assert_string_equal(resolve("nobody+x@example.org"), "no mailbox");
	assert_string_equal(resolve("postmaster+x@example.org"), "alice@example.org");
	resolver_set_separator(resolver, '-');
	assert_string_equal(resolve("alice+list@example.org"), "no mailbox");
	assert_string_equal(resolve("alice-list@example.org"), "alice@example.org");
}

/* RFC 5321 4.5.1, RFC 2142 */
static void
test_roles(void **state)
{
	(void)state;
	use(ALIASED);
	assert_string_equal(resolve("Abuse@example.org"), "alice@example.org");
	assert_string_equal(resolve("abuse@second.example"), "carol@second.example");
	assert_string_equal(resolve("abuse@empty.example"), "alice@example.org");
	assert_string_equal(resolve("abuse"), "no mailbox");
	use("aliases = ( { address = \"postmaster@second.example\"; to = "
	    "\"dave@second.example\"; },"
	    "{ address = \"postmaster@example.org\"; to = \"bob@example.org\"; },"
	    "{ address = \"@empty.example\"; to = \"carol@second.example\"; },"
	    "{ address = \"abuse@empty.example\"; to = \"dave@second.example\"; } );" ALIASED);
	assert_string_equal(resolve("abuse@second.example"), "dave@second.example");
	assert_string_equal(resolve("postmaster@second.example"), "dave@second.example");
	assert_string_equal(resolve("postmaster@example.org"), "alice@example.org");
	assert_string_equal(resolve("postmaster@empty.example"), "carol@second.example");
	assert_string_equal(resolve("abuse@empty.example"), "dave@second.example");
}

/* Who only begins as a role does is somebody of his own. */
static void
test_names_like_roles(void **state)
{
	(void)state;
	use("aliases = ( { address = \"abuse-team@example.org\"; to = \"dave@second.example\"; } );"
	    "accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"postmaster-anna@example.org\";" PW "},"
	    "{ address = \"abuse-off@example.org\";" PW "enabled = false; },"
	    "{ address = \"dave@second.example\";" PW "} );");
	resolver_set_separator(resolver, '-');
	assert_string_equal(resolve("Postmaster-Anna@example.org"), "postmaster-anna@example.org");
	assert_string_equal(resolve("abuse-team@example.org"), "dave@second.example");
	assert_string_equal(resolve("abuse-off@example.org"), "disabled");
	assert_string_equal(resolve("postmaster-x@example.org"), "alice@example.org");
	assert_string_equal(resolve("abuse-x@example.org"), "alice@example.org");
	assert_true(resolve_sender(resolver, accounts_find(accounts, "dave@second.example"),
				   "abuse-team@example.org", strlen("abuse-team@example.org")));
	assert_false(resolve_sender(resolver, accounts_find(accounts, "alice@example.org"),
				    "abuse-team@example.org", strlen("abuse-team@example.org")));
}

static bool
may_send(const char *account, const char *text)
{
	return resolve_sender(resolver, accounts_find(accounts, account), text, strlen(text));
}

static void
test_senders(void **state)
{
	(void)state;
	use("aliases = ( { address = \"sales@example.org\"; to = \"alice@example.org\"; },"
	    "{ address = \"@second.example\"; to = \"carol@second.example\"; } );"
	    "accounts = ( { address = \"alice@example.org\";" PW
	    "senders = [ \"Old@elsewhere.example\", \"@Mine.example\" ]; },"
	    "{ address = \"bob@example.org\";" PW "enabled = false; },"
	    "{ address = \"carol@second.example\";" PW "} );");
	resolver_set_separator(resolver, '+');
	assert_true(may_send("alice@example.org", "Alice@EXAMPLE.org"));
	assert_true(may_send("alice@example.org", "alice+list@example.org"));
	assert_true(may_send("alice@example.org", "sales@example.org"));
	assert_true(may_send("alice@example.org", "postmaster@example.org"));
	assert_false(may_send("alice@example.org", "postmaster@mail.example.org"));
	resolver_set_host(resolver, "mail.example.org");
	assert_true(may_send("alice@example.org", "postmaster@mail.example.org"));
	assert_false(may_send("carol@second.example", "postmaster@mail.example.org"));
	assert_true(may_send("alice@example.org", "old@Elsewhere.example"));
	assert_true(may_send("alice@example.org", "\"any one\"@mine.example"));
	assert_true(may_send("carol@second.example", "whatever@second.example"));
	assert_false(may_send("alice@example.org", "new@elsewhere.example"));
	assert_false(may_send("alice@example.org", "x@sub.mine.example"));
	assert_false(may_send("alice@example.org", "x@notmine.example"));
	assert_false(may_send("alice@example.org", "carol@second.example"));
	assert_false(may_send("alice@example.org", "nobody@example.org"));
	assert_false(may_send("alice@example.org", "alice"));
	assert_false(may_send("alice@example.org", "@mine.example"));
	assert_false(may_send("alice@example.org", ""));
	assert_false(may_send("bob@example.org", "bob@example.org"));
	assert_false(may_send("carol@second.example", "sales@example.org"));
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
test_idn_login(void **state)
{
	static const char idn[] = "xn--bcher-kva.example";
	struct resolver *other = resolver_new(idn, sizeof(idn), 1);
	char canonical[ADDRESS_SIZE], name[2 * ADDRESS_SIZE];

	(void)state;
	use("accounts = ( { address = \"a@b\xc3\xbc"
	    "cher.example\";" PW "} );");
	resolver_use(other, accounts);
	assert_non_null(resolve_login(other,
				      "A@B\xc3\x9c"
				      "cher.example",
				      canonical));
	assert_string_equal(canonical, "a@xn--bcher-kva.example");
	assert_non_null(resolve_login(other, "a@xn--bcher-kva.example", canonical));
	assert_null(resolve_login(other, "a@b\xc3.example", canonical));
	memset(name, '\xbc', sizeof(name));
	name[1] = '@';
	name[sizeof(name) - 1] = '\0';
	assert_null(resolve_login(other, name, canonical));
	resolver_free(other);
}

static const struct ma_srs srs = {
    .forwards = 1, .count = 1, .secrets = {{1}}, .domain = "bounce.example"};

/* What a mail from SENDER is from where it is forwarded to. */
static const char *
forwarded_for(const char *sender, bool submitted)
{
	static char out[PATH_SIZE];

	forward_sender(resolver, &srs, sender, submitted, out);
	return out;
}

static const char *
forwarded(const char *sender)
{
	return forwarded_for(sender, false);
}

static void
test_forwards(void **state)
{
	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"off@example.org\";" PW "enabled = false; } ); aliases = ("
	    "{ address = \"out@example.org\"; to = \"Bob@Other.example\"; },"
	    "{ address = \"both@example.org\"; to = [ \"alice@example.org\", \"out@example.org\" "
	    "]; },"
	    "{ address = \"dead@example.org\"; to = [ \"off@example.org\", \"x@empty.example\" ]; "
	    "},"
	    "{ address = \"abuse@example.org\"; to = \"abuse@other.example\"; },"
	    "{ address = \"@second.example\"; to = \"all@other.example\"; } );");
	/* Nothing leaves unless that is said. */
	assert_string_equal(resolve("out@example.org"), "disabled");
	assert_string_equal(resolve("both@example.org"), "alice@example.org");
	assert_string_equal(resolve("abuse@example.org"), "alice@example.org");
	resolver_set_srs(resolver, &srs);
	resolver_set_separator(resolver, '+');
	assert_string_equal(resolve("out@example.org"), "-> Bob@other.example");
	assert_string_equal(resolve("OUT+tag@example.org"), "-> Bob@other.example");
	assert_string_equal(resolve("both@example.org"), "alice@example.org -> Bob@other.example");
	assert_string_equal(resolve("any@second.example"), "-> all@other.example");
	assert_string_equal(resolve("abuse@example.org"), "-> abuse@other.example");
	/* This host is not elsewhere: who writes "bob" there means nobody. */
	resolver_set_host(resolver, "other.example");
	assert_string_equal(resolve("both@example.org"), "alice@example.org");
	resolver_set_host(resolver, "");
	/* A domain of ours is not elsewhere, though the file has nobody there. */
	assert_string_equal(resolve("dead@example.org"), "disabled");
	assert_string_equal(resolve("bob@other.example"), "not local");
	/* Whom it leads to elsewhere may not send as it. */
	assert_false(resolve_sender(resolver, accounts_at(accounts, 0), "out@example.org", 15));
	assert_true(resolve_sender(resolver, accounts_at(accounts, 0), "both@example.org", 16));
}

static void
test_domains(void **state)
{
	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"carol@second.example\";" PW "} ); aliases = ("
	    "{ address = \"out@example.org\"; to = \"bob@other.example\"; },"
	    "{ address = \"out@second.example\"; to = \"bob@other.example\"; } );");
	resolver_set_srs(resolver, &srs);
	resolver_set_separator(resolver, '+');
	assert_int_equal(resolver_set_domain(resolver, "second.example", '-', false), 0);
	assert_int_equal(resolver_set_domain(resolver, "other.example", '-', false), -1);
	assert_string_equal(resolve("alice+tag@example.org"), "alice@example.org");
	assert_string_equal(resolve("alice-tag@example.org"), "no mailbox");
	assert_string_equal(resolve("carol-tag@second.example"), "carol@second.example");
	assert_string_equal(resolve("carol+tag@second.example"), "no mailbox");
	assert_string_equal(resolve("out@example.org"), "-> bob@other.example");
	assert_string_equal(resolve("out@second.example"), "disabled");
}

static void
test_ways_back(void **state)
{
	char text[PATH_SIZE + 16];

	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "},"
	    "{ address = \"srs0=real@example.org\";" PW "} );");
	/* Before anything is known of it, it is an address like any other. */
	assert_string_equal(resolve("srs0=other@example.org"), "no mailbox");
	resolver_set_srs(resolver, &srs);
	/* Whose sender is not rewritten. */
	assert_string_equal(forwarded(""), "");
	assert_string_equal(forwarded_for("Alice@example.org", true), "Alice@example.org");
	assert_string_equal(forwarded_for("x@bounce.example", true), "x@bounce.example");
	assert_string_equal(forwarded("SRS0=x@example.org"), "SRS0=x@example.org");
	/* A stranger may call himself what he likes: it is not sent on in our name. */
	assert_non_null(
	    strstr(forwarded("Alice@example.org"), "=example.org=Alice@bounce.example"));
	assert_non_null(strstr(forwarded("x@bounce.example"), "=bounce.example=x@bounce.example"));
	assert_string_equal(forwarded("x@[192.0.2.1]"), "x@[192.0.2.1]");
	strlcpy(text, forwarded("Some.One@other.example"), sizeof(text));
	assert_non_null(strstr(text, "=other.example=Some.One@bounce.example"));
	assert_string_equal(resolve(text), "-> Some.One@other.example");
	/* At any domain of ours, for which one is used may change; but at no other. */
	strlcpy(strchr(text, '@'), "@example.org", 16);
	assert_string_equal(resolve(text), "-> Some.One@other.example");
	strlcpy(strchr(text, '@'), "@other.example", 16);
	assert_string_equal(resolve(text), "not local");
	text[6] = text[6] == 'A' ? 'B' : 'A';
	strlcpy(strchr(text, '@'), "@example.org", 16);
	assert_string_equal(resolve(text), "forged");
	assert_string_equal(resolve("srs0=other@example.org"), "forged");
	assert_string_equal(resolve("srs0=real@example.org"), "srs0=real@example.org");
	assert_string_equal(resolve("alice@bounce.example"), "not local");
	/* It leads to who has become one of ours meanwhile. */
	resolver_free(resolver);
	resolver = resolver_new("other.example", 14, 1);
	resolver_set_srs(resolver, &srs);
	strlcpy(text, forwarded("alice@example.org"), sizeof(text));
	resolver_free(resolver);
	resolver = resolver_new(domains, sizeof(domains), 3);
	resolver_set_srs(resolver, &srs);
	resolver_use(resolver, accounts);
	assert_string_equal(resolve(text), "alice@example.org");
}

static void
test_inbound(void **state)
{
	struct inbound inbound = {NULL, 0};

	(void)state;
	use("accounts = ( { address = \"alice@example.org\";" PW "} );");
	assert_int_equal(inbound_add(&inbound, "lists.example"), 0);
	assert_int_equal(inbound_add(&inbound, "xn--bcher-kva.example"), 0);
	resolver_take_inbound(resolver, &inbound);
	assert_int_equal(inbound.count, 0);
	assert_string_equal(resolve("anybody@Lists.EXAMPLE"), "routed");
	assert_string_equal(resolve("x@b\xc3\xbc"
				    "cher.example"),
			    "routed");
	assert_string_equal(resolve("x@below.lists.example"), "not local");
	assert_string_equal(resolve("nobody@example.org"), "no mailbox");
	/* Also where it is this host's name. */
	resolver_set_host(resolver, "lists.example");
	assert_string_equal(resolve("anybody@lists.example"), "routed");
	assert_string_equal(resolve("postmaster@lists.example"), "alice@example.org");
	/* There is none in the settings that come next. */
	resolver_take_inbound(resolver, &inbound);
	assert_string_equal(resolve("anybody@lists.example"), "not local");
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
	    TEST(test_forwards),       TEST(test_domains),
	    TEST(test_ways_back),      TEST(test_mailboxes),
	    TEST(test_postmaster),     TEST(test_roles_at_the_host),
	    TEST(test_borrowed_roles), TEST(test_no_file),
	    TEST(test_aliases),        TEST(test_idn_login),
	    TEST(test_senders),        TEST(test_tags),
	    TEST(test_roles),          TEST(test_names_like_roles),
	    TEST(test_login),          TEST(test_foreign_accounts),
	    TEST(test_settings),       TEST(test_inbound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
