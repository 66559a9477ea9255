/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/accounts_file.h"
#include "common/aliases.h"
#include "common/nearest.h"

#define HASH                                                                                  \
	"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbY" \
	"Ed.7y0Rhjt9oaXBx/"
/* 65 bytes: one too many for a local part. */
#define LONG "01234567890123456789012345678901234567890123456789012345678901234"
#define PW "password = \"" HASH "\";"

static struct accounts *
parse(const char *text, unsigned *line, struct error *err)
{
	return accounts_parse(text, strlen(text), line, err);
}

static void
refused(const char *text, unsigned line, const char *why)
{
	struct error err = {""};
	unsigned at = 99;

	assert_null(parse(text, &at, &err));
	if (strstr(err.text, why) == NULL)
		fail_msg("got '%s', wanted '%s'", err.text, why);
	assert_int_equal(at, line);
}

static void
test_accounts(void **state)
{
	struct accounts *accounts;
	const struct account *a;
	struct error err;
	unsigned line;

	(void)state;
	accounts = parse("# ours\naccounts = (\n"
			 "  { address = \"Alice@Example.ORG\"; " PW " quota = \"2G\"; },\n"
			 "  { address = \"bob.b+x@example.org\"; " PW " enabled = false; }\n);\n",
			 &line, &err);
	assert_non_null(accounts);
	assert_int_equal(accounts_count(accounts), 2);
	a = accounts_find(accounts, "alice@example.org");
	assert_non_null(a);
	assert_ptr_equal(a, accounts_at(accounts, 0));
	assert_string_equal(a->address, "alice@example.org");
	assert_string_equal(a->hash, HASH);
	assert_true(a->enabled);
	assert_true(a->quota == 2ULL << 30);
	assert_int_equal(a->line, 3);
	a = accounts_find(accounts, "bob.b+x@example.org");
	assert_non_null(a);
	assert_false(a->enabled);
	assert_true(a->quota == 0);
	assert_int_equal(a->line, 4);
	assert_null(accounts_find(accounts, "carol@example.org"));
	assert_null(accounts_find(accounts, ""));
	accounts_free(accounts);
	/* As editors may leave it: the last line is a comment, and doesn't end. */
	accounts =
	    parse("accounts = ( { address = \"a@b.example\"; " PW " } );\n# the end", &line, &err);
	assert_non_null(accounts);
	assert_int_equal(accounts_count(accounts), 1);
	accounts_free(accounts);
}

#define S256                                                                \
	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7" \
	"BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define S1                                                                           \
	"SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSu" \
	"lAsxiupA+qs2/fTE="

/* One hash or several of a password, in any order. */
static void
test_hashes(void **state)
{
	struct accounts *accounts;
	const struct account *a;
	struct error err;
	unsigned line;

	(void)state;
	accounts = parse("accounts = ( { address = \"a@b\"; password = [ \"" S1 "\", \"" HASH
			 "\", \"" S256 "\" ]; },\n{ address = \"b@b\"; password = \"" S1
			 "\"; },\n{ address = \"c@b\"; password = [ \"" S1 "\", \"" S256
			 "\" ]; },\n{ address = \"d@b\"; password = [ \"" HASH "\" ]; } );",
			 &line, &err);
	assert_non_null(accounts);
	a = accounts_at(accounts, 0);
	assert_string_equal(a->hash, HASH);
	assert_string_equal(a->scram[SCRAM_SHA_256], S256);
	assert_string_equal(a->scram[SCRAM_SHA_1], S1);
	a = accounts_at(accounts, 1);
	assert_string_equal(a->hash, S1);
	assert_null(a->scram[SCRAM_SHA_256]);
	a = accounts_at(accounts, 2);
	assert_string_equal(a->hash, S256); /* the better one */
	a = accounts_at(accounts, 3);
	assert_string_equal(a->hash, HASH);
	assert_null(a->scram[SCRAM_SHA_1]);
	accounts_free(accounts);

#define PASSWORD_IS(password) "accounts = ( {\n address = \"a@b\";\n password = " password "; } );"
	refused(PASSWORD_IS("[ \"" HASH "\", \"" HASH "\" ]"), 3, "two hashes of one kind");
	refused(PASSWORD_IS("[ \"" S256 "\", \"" S256 "\" ]"), 3, "two hashes of one kind");
	refused(PASSWORD_IS("[ \"" HASH "\", \"secret\" ]"), 3, "not a password hash");
	refused(PASSWORD_IS("\"SCRAM-SHA-256$4096:x$y:z\""), 3, "not a SCRAM verifier");
	refused(PASSWORD_IS("\"SCRAM-\""), 3, "not a SCRAM verifier");
	refused(PASSWORD_IS("[ ]"), 3, "must be a hash, or several");
	refused(PASSWORD_IS("[ 1, 2 ]"), 3, "must be a hash, or several");
	refused(PASSWORD_IS("true"), 3, "must be a hash, or several");
}

static void
test_empty(void **state)
{
	static const char *const texts[] = {"", "\n", "# nothing yet\n", "accounts = ( );",
					    "accounts = ();\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err;
		unsigned line;
		struct accounts *accounts = parse(texts[i], &line, &err);

		assert_non_null(accounts);
		assert_int_equal(accounts_count(accounts), 0);
		assert_null(accounts_find(accounts, "a@b"));
		accounts_free(accounts);
	}
}

static void
test_errors(void **state)
{
	char with_nul[] = "\naccounts\0= ();";
	struct error err;
	unsigned line;

	(void)state;
	refused("accounts = (\n  { address = \"a@b\" " PW " } ; )", 2, "syntax error");
	refused("\nacounts = ();", 2, "unknown key 'acounts'; is 'accounts' meant?");
	refused("accounts = ( { address = \"a@b\";\n pasword = \"x\"; } );", 2,
		"is 'password' meant?");
	refused("accounts = ( { address = \"a@b\";\n frobnicate = 1; } );", 2,
		"unknown key 'frobnicate'");
	refused("accounts = ( { address = \"a@b\"; " PW "\n enabled = 1; } );", 2,
		"enabled must be true or false");
	refused("accounts = ( { address = \"a@b\"; " PW "\n quota = 5; } );", 2,
		"quota must be a string");
	refused("accounts = ( { address = \"a@b\"; " PW "\n quota = \"5X\"; } );", 2, "5X");
	refused("accounts = ( { address = \"a@b\"; " PW " },\n { address = \"A@B\"; " PW " } );", 2,
		"the account a@b is there already, in line 1");
	refused("accounts = (\n { " PW " } );", 2, "without an address");
	refused("accounts = (\n { address = \"a@b\"; } );", 2, "has no password");
	refused("accounts = (\n { address = \"a@b\"; password = \"secret\"; } );", 2,
		"not a password hash");
	refused("accounts = (\n 5 );", 2, "must be a group");
	refused("\naccounts = { a = 1; };", 2, "must be a list");
	refused("\naccounts = \"x\";", 2, "must be a list");
	refused("accounts = ();\n \t@include \"/etc/passwd\"\n", 2, "@include");
	assert_null(accounts_parse(with_nul, sizeof(with_nul) - 1, &line, &err));
	assert_non_null(strstr(err.text, "NUL"));
	assert_int_equal(line, 2);
}

static void
test_address(void **state)
{
	static const char *const bad[] = {"",
					  "alice",
					  "@example.org",
					  "alice@",
					  "a..b@example.org",
					  ".a@example.org",
					  "a.@example.org",
					  "..@example.org",
					  "../x@example.org",
					  "a/b@example.org",
					  "\"a b\"@example.org",
					  "a b@example.org",
					  "a@b@example.org",
					  "a@[127.0.0.1]",
					  "a@-example.org",
					  "a@example-.org",
					  "a@example..org",
					  "a@example.org.",
					  "a@exa mple.org",
					  "a@ex\xc3mple.org",
					  "a@ex\xc3\xa4mple..org",
					  "a@\xc3\xa4/x",
					  "\xc3\xa4@example.org",
					  "a\r@example.org",
					  LONG "@example.org"};
	char out[321];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (account_address(bad[i], out, &err) == 0)
			fail_msg("took '%s'", bad[i]);
	}
	assert_int_equal(account_address("j\xc3\xbcrgen@example.org", out, &err), -1);
	assert_string_equal(err.text, "the part before the @ is not ASCII");
	assert_int_equal(account_address("Postmaster@LOCALHOST", out, &err), 0);
	assert_string_equal(out, "postmaster@localhost");
	assert_int_equal(account_address("a!#$%&'*+-=?^_`{|}~@x-1.org", out, &err), 0);
}

static void
test_quota(void **state)
{
	static const char *const bad[] = {"",
					  "G",
					  "0",
					  "-1",
					  "1 G",
					  "2GB",
					  "1.5G",
					  "1k2",
					  "x",
					  "99999999999999999999",
					  "9223372036854775808",
					  "9000000T"};
	uint64_t bytes;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (account_quota(bad[i], &bytes, &err) == 0)
			fail_msg("took '%s'", bad[i]);
	}
	assert_int_equal(account_quota("1", &bytes, &err), 0);
	assert_true(bytes == 1);
	assert_int_equal(account_quota("500M", &bytes, &err), 0);
	assert_true(bytes == 500ULL << 20);
	assert_int_equal(account_quota("3k", &bytes, &err), 0);
	assert_true(bytes == 3072);
	assert_int_equal(account_quota("1T", &bytes, &err), 0);
	assert_true(bytes == 1ULL << 40);
}

static void
test_hash(void **state)
{
	static const char *const good[] = {
	    HASH,
	    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC",
	    "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	    "abJnggxhB/yWI",
	};
	static const char *const bad[] = {
	    "", "x", "secret", "longer than that, with spaces", "$y$", "hunter2hunter2", "*", "!"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (account_hash(good[i], &err) != 0)
			fail_msg("refused '%s'", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (account_hash(bad[i], &err) == 0)
			fail_msg("took '%s'", bad[i]);
	}
}

static void
test_many(void **state)
{
	const size_t count = 100000, room = count * 200;
	char *text = malloc(room), address[64];
	size_t used = 0;
	struct accounts *accounts;
	struct error err;
	unsigned line;
	int fd;

	(void)state;
	assert_non_null(text);
	used += (size_t)snprintf(text, room, "accounts = (\n");
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, room - used,
					 "{ address = \"user%zu@example.org\"; " PW " }%s\n", i,
					 i + 1 < count ? "," : "");
	used += (size_t)snprintf(text + used, room - used, ");\n");
	accounts = accounts_parse(text, used, &line, &err);
	assert_non_null(accounts);
	assert_int_equal(accounts_count(accounts), count);
	for (size_t i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "user%zu@example.org", i);
		assert_ptr_equal(accounts_find(accounts, address), accounts_at(accounts, i));
	}
	assert_int_equal(accounts_at(accounts, count - 1)->line, count + 1);
	accounts_free(accounts);
	/* The same through a descriptor. */
	fd = memfd_create("accounts.conf", MFD_CLOEXEC);
	assert_true(fd != -1 && write(fd, text, used) == (ssize_t)used);
	accounts = accounts_read(fd, &line, &err);
	assert_non_null(accounts);
	assert_int_equal(accounts_count(accounts), count);
	accounts_free(accounts);
	close(fd);
	free(text);
}

#define FP "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define FP_COLONS                                                        \
	"01:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44" \
	":55:66:77:88:99:aa:bb:cc:dd:ee:ff"

static void
test_certificates(void **state)
{
	uint8_t fingerprint[FINGERPRINT_SIZE];
	const struct account *alice, *bob;
	struct accounts *accounts;
	struct error err;
	unsigned line;

	(void)state;
	accounts =
	    parse("accounts = ( { address = \"a@b\"; " PW " client_fingerprint = \"" FP "\"; },"
		  "{ address = \"b@b\"; " PW " client_fingerprint = [ \"sha256 "
		  "Fingerprint=" FP_COLONS "\" ]; client_subject = [ \"CN=Bob\\\\, "
		  "B.,O=X\", \"CN=b\" ]; }, { address = \"c@b\"; " PW " client_subject = [ ]; } );",
		  &line, &err);
	if (accounts == NULL)
		fail_msg("%s", err.text);
	alice = accounts_at(accounts, 0);
	bob = accounts_at(accounts, 1);
	for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
		fingerprint[i] = (uint8_t)(i % 16 * 0x11);
	assert_ptr_equal(accounts_find_fingerprint(accounts, fingerprint), alice);
	fingerprint[0] = 1;
	assert_ptr_equal(accounts_find_fingerprint(accounts, fingerprint), bob);
	fingerprint[1] ^= 1;
	assert_null(accounts_find_fingerprint(accounts, fingerprint));
	assert_ptr_equal(accounts_find_subject(accounts, "CN=Bob\\, B.,O=X"), bob);
	assert_ptr_equal(accounts_find_subject(accounts, "CN=b"), bob);
	assert_null(accounts_find_subject(accounts, "CN=B"));
	assert_null(accounts_find_subject(accounts, ""));
	assert_int_equal(alice->certificate_count, 1);
	assert_int_equal(bob->certificate_count, 3);
	assert_int_equal(accounts_at(accounts, 2)->certificate_count, 0);
	accounts_free(accounts);
}

static void
test_certificate_errors(void **state)
{
	(void)state;
#define ONE(text) "accounts = (\n{ address = \"a@b\"; " PW "\n" text " } );"
	refused(ONE("client_fingerprint = \"abc\";"), 3, "not a SHA-256");
	refused(ONE("client_fingerprint = \"" FP "0\";"), 3, "not a SHA-256");
	refused(ONE("client_fingerprint = \"" FP ":\";"), 3, "not a SHA-256");
	refused(ONE("client_fingerprint = 7;"), 3, "must be a string");
	refused(ONE("client_fingerprint = [ 7 ];"), 3, "must be a string");
	refused(ONE("client_subject = \"Bob\";"), 3, "not a subject");
	refused(ONE("client_subject = \"\";"), 3, "not a subject");
	refused(ONE("client_subject = \"CN=\xc3\xa4\";"), 3, "not a subject");
	refused(ONE("client_subjekt = \"CN=b\";"), 3, "is 'client_subject' meant");
	refused(ONE("client_subject = [ \"CN=b\", \"CN=b\" ];"), 3, "a@b's already");
	refused("accounts = ( { address = \"a@b\"; " PW " client_subject = \"CN=b\"; },\n"
		"{ address = \"b@b\"; " PW " client_subject = \"CN=b\"; } );",
		2, "a@b's already, in line 1");
}

static void
test_nearest(void **state)
{
	static const char *const words[] = {"hostname", "domains", "state", NULL};

	(void)state;
	assert_string_equal(nearest_word("hostnmae", words), "hostname");
	assert_string_equal(nearest_word("domain", words), "domains");
	assert_string_equal(nearest_word("sate", words), "state");
	assert_null(nearest_word("listeners", words));
	assert_null(nearest_word("", words));
	assert_int_equal(nearest_distance("abc", "acb"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

#define TWO                                                                  \
	"accounts = ( { address = \"a@example.org\"; " PW " }, { address = " \
	"\"b@example.org\"; " PW " } );\n"

static void
test_aliases(void **state)
{
	struct accounts *accounts;
	const struct alias *alias;
	struct error err;
	unsigned line;

	(void)state;
	accounts = parse("aliases = (\n"
			 "{ address = \"Both@example.org\"; to = [ \"B@example.org\", "
			 "\"one@example.org\" ]; },\n"
			 "{ address = \"one@example.org\"; to = \"a@example.org\"; },\n"
			 "{ address = \"@Example.org\"; to = \"both@example.org\"; } );\n" TWO,
			 &line, &err);
	assert_non_null(accounts);
	assert_int_equal(aliases_count(accounts_aliases(accounts)), 3);
	alias = aliases_find(accounts_aliases(accounts), "@example.org");
	assert_non_null(alias);
	assert_ptr_equal(alias, aliases_at(accounts_aliases(accounts), 2));
	assert_int_equal(alias->account_count, 2);
	assert_string_equal(alias->accounts[0]->address, "b@example.org");
	assert_string_equal(alias->accounts[1]->address, "a@example.org");
	assert_int_equal(alias->line, 4);
	assert_int_equal(alias->depth, 3);
	assert_int_equal(alias->target_count, 1);
	assert_string_equal(alias->targets, "both@example.org");
	accounts_free(accounts);
	accounts = parse(TWO, &line, &err);
	assert_int_equal(aliases_count(accounts_aliases(accounts)), 0);
	assert_null(aliases_find(accounts_aliases(accounts), "both@example.org"));
	accounts_free(accounts);
}

/* Longer than an account's may be. */
#define LONG_LOCAL "reply+0123456789012345678901234567890123456789012345678901234567890123456789"

static void
test_aliases_elsewhere(void **state)
{
	struct accounts *accounts;
	const struct alias *alias;
	struct error err;
	unsigned line;

	(void)state;
	accounts = parse("aliases = (\n"
			 "{ address = \"all@example.org\"; to = [ \"Out/x@Other.example\", "
			 "\"one@example.org\", \"" LONG_LOCAL "@third.example\" ]; },\n"
			 "{ address = \"one@example.org\"; to = [ \"A@example.org\", "
			 "\"Out/x@other.example\", \"out/x@other.example\" ]; },\n"
			 "{ address = \"@example.org\"; to = \"x@b\xc3\xbc"
			 "cher.example\"; } );\n" TWO,
			 &line, &err);
	assert_non_null(accounts);
	alias = aliases_at(accounts_aliases(accounts), 0);
	assert_int_equal(alias->account_count, 1);
	assert_string_equal(alias->accounts[0]->address, "a@example.org");
	/* Each once; local parts of another host may differ in their case only. */
	assert_int_equal(alias->forward_count, 3);
	assert_string_equal(alias->forwards[0], "Out/x@other.example");
	assert_string_equal(alias->forwards[1], "out/x@other.example");
	assert_string_equal(alias->forwards[2], LONG_LOCAL "@third.example");
	alias = aliases_at(accounts_aliases(accounts), 2);
	assert_int_equal(alias->account_count, 0);
	assert_int_equal(alias->forward_count, 1);
	assert_string_equal(alias->forwards[0], "x@xn--bcher-kva.example");
	accounts_free(accounts);
}

#define ALIAS(address, to) "{ address = \"" address "@example.org\"; to = " to "; }"

static void
test_alias_errors(void **state)
{
	(void)state;
	refused(TWO "aliases = (" ALIAS("x", "\"x@example.org\"") ");", 2,
		"aliases in a loop: x@example.org -> x@example.org");
	refused(
	    TWO "aliases = (" ALIAS("x", "\"y@example.org\"") ",\n" ALIAS(
		"y",
		"[ \"a@example.org\", \"z@example.org\" ]") ",\n" ALIAS("z",
									"\"y@example.org\"") ");",
	    2, "aliases in a loop: y@example.org -> z@example.org -> y@example.org");
	refused(TWO "aliases = (" ALIAS("x", "\"c@example.org\"") ");", 2,
		"leads to c@example.org, which is no account and no alias");
	/* Its domain is known by another alias only. */
	refused(TWO "aliases = (" ALIAS("x", "\"c@other.example\"") ", { address = "
								    "\"d@other.example\"; "
								    "to = \"a@example.org\"; } );",
		2, "which is no account and no alias of this file, though its domain is in it");
	refused(TWO "aliases = (" ALIAS("x", "\"c@[192.0.2.1]\"") ");", 2, "not to an IP address");
	refused(TWO "aliases = (" ALIAS("a", "\"b@example.org\"") ");", 2,
		"the address of the alias a@example.org is an account's, in line 1");
	refused(TWO "aliases = (" ALIAS("x", "\"a@example.org\"") ",\n" ALIAS(
		    "X", "\"b@example.org\"") ");",
		3, "the alias x@example.org is there already, in line 2");
	refused(TWO "aliases = (" ALIAS("x", "[]") ");", 2, "to must be an address");
	refused(TWO "aliases = (" ALIAS("x", "( \"a@example.org\", 7 )") ");", 2,
		"something else than strings");
	refused(TWO "aliases = (" ALIAS("x", "\"@example.org\"") ");", 2, "to: @example.org");
	refused(TWO "aliases = ( { address = \"x@example.org\"; } );", 2, "to must be an address");
	refused(TWO "aliases = ( { to = \"a@example.org\"; } );", 2, "without an address");
	refused(TWO "aliases = ( { addres = \"x@example.org\"; } );", 2, "is 'address' meant?");
	refused(TWO "aliases = ( 7 );", 2, "each alias must be a group");
	refused("accounts = (\n{ address = \"a@example.org\"; " PW "\nsenders = \"a@\"; } );", 3,
		"senders: not an address");
	refused("accounts = (\n{ address = \"a@example.org\"; " PW "\nsenders = 7; } );", 3,
		"senders: must be a string");
	refused(TWO "aliases = 7;", 2, "aliases must be a list");
}

/* A chain of COUNT aliases, the last one first in the file if TURNED. */
static struct accounts *
chain(unsigned count, bool turned, struct error *err)
{
	char text[8192];
	size_t used = strlcpy(text, TWO "aliases = (", sizeof(text));
	unsigned line;

	for (unsigned i = 0; i < count; i++) {
		unsigned n = turned ? count - 1 - i : i;

		used +=
		    (size_t)snprintf(text + used, sizeof(text) - used, "%s", i > 0 ? ",\n" : "");
		if (n + 1 == count)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "{ address = \"x%u@example.org\"; to = "
						 "\"a@example.org\"; }",
						 n);
		else
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "{ address = \"x%u@example.org\"; to = "
						 "\"x%u@example.org\"; }",
						 n, n + 1);
	}
	strlcat(text, ");", sizeof(text));
	return parse(text, &line, err);
}

/* How deep they may be nested does not depend on their order in the file. */
static void
test_alias_depth(void **state)
{
	struct error err = {""};

	(void)state;
	for (int turned = 0; turned < 2; turned++) {
		struct accounts *accounts = chain(ALIAS_DEPTH_MAX, turned == 1, &err);

		assert_non_null(accounts);
		accounts_free(accounts);
		assert_null(chain(ALIAS_DEPTH_MAX + 1, turned == 1, &err));
		assert_non_null(strstr(err.text, "others"));
	}
}

/* U-labels and A-labels are the same, however much longer the latter are. */
static void
test_idn(void **state)
{
	struct accounts *accounts;
	struct error err;
	unsigned line;

	(void)state;
	accounts = parse("aliases = ( { address = \"@\xc3\xbc.\xc3\xbc\"; to = "
			 "\"a@B\xc3\x9c"
			 "cher.example\"; } );\n"
			 "accounts = ( { address = \"A@b\xc3\xbc"
			 "cher.example\"; " PW
			 " senders = [ \"x@\xc3\xbc.\xc3\xbc\", \"@\xc3\xbc.\xc3\xbc\" ]; } );",
			 &line, &err);
	if (accounts == NULL)
		fail_msg("%s", err.text);
	assert_non_null(accounts_find(accounts, "a@xn--bcher-kva.example"));
	assert_non_null(aliases_find(accounts_aliases(accounts), "@xn--tda.xn--tda"));
	assert_string_equal(accounts_at(accounts, 0)->senders, "x@xn--tda.xn--tda");
	accounts_free(accounts);
	refused("accounts = ( { address = \"a@b\xc3\xbc"
		"cher.example\"; " PW " },\n"
		"{ address = \"a@XN--bcher-kva.example\"; " PW " } );",
		2, "is there already, in line 1");
	refused("accounts = ( { address = \"a@\xff.example\"; " PW " } );", 1,
		"not an internationalised domain name");
	refused("accounts = ( { address = \"\xc3\xbc@example.org\"; " PW " } );", 1, "not ASCII");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accounts),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_quota),
	    cmocka_unit_test(test_hash),
	    cmocka_unit_test(test_hashes),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_nearest),
	    cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_aliases_elsewhere),
	    cmocka_unit_test(test_idn),
	    cmocka_unit_test(test_alias_errors),
	    cmocka_unit_test(test_alias_depth),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_certificate_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
