/* SPDX-License-Identifier: ISC */
/* postern.conf: what is good, what each mistake is answered with, and on which line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/proto/master_certd.h"
#include "common/proto/queue_filter.h"
#include "common/sandbox.h"
#include "master/conf.h"

#define BASE                                                \
	"hostname = \"Mail.Example.ORG\";\n"                \
	"domains = ( \"example.org\", \"EXAMPLE.net\" );\n" \
	"state = \"/var/lib/postern\";\n"

static struct configuration *
good(const char *text)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load_text(text, "/etc/postern.conf", &problems);

	if (conf == NULL)
		conf_problems_print(&problems, stderr);
	assert_non_null(conf);
	assert_int_equal(problems.errors, 0);
	conf_problems_free(&problems);
	return conf;
}

static size_t
count_errors(const char *text)
{
	struct conf_problems problems = {.count = 0};
	size_t errors;

	assert_null(conf_load_text(text, "/etc/postern.conf", &problems));
	errors = problems.errors;
	conf_problems_free(&problems);
	return errors;
}

/* There is an error on LINE whose text has all of the WORDS (separated by '|'). */
static void
bad(const char *text, unsigned line, const char *words)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load_text(text, "/etc/postern.conf", &problems);
	bool found = false;

	assert_null(conf);
	assert_true(problems.errors > 0);
	for (size_t i = 0; i < problems.count && !found; i++) {
		char copy[256], *next = copy, *word;

		assert_string_equal(problems.list[i].file, "/etc/postern.conf");
		strlcpy(copy, words, sizeof(copy));
		found = problems.list[i].line == line;
		while ((word = strsep(&next, "|")) != NULL)
			found = found && strstr(problems.list[i].text, word) != NULL;
	}
	if (!found) {
		fprintf(stderr, "wanted line %u with \"%s\", got:\n", line, words);
		conf_problems_print(&problems, stderr);
	}
	assert_true(found);
	conf_problems_free(&problems);
}

static void
three_lines(void **state)
{
	struct configuration *conf = good(BASE);

	(void)state;
	assert_string_equal(conf->hostname, "mail.example.org");
	assert_int_equal(conf->domain_count, 2);
	assert_true(conf_has_domain(conf, "example.net"));
	assert_false(conf_has_domain(conf, "example.com"));
	assert_string_equal(conf->certs, "/var/lib/postern/certs");
	assert_string_equal(conf->accounts, "/etc/accounts.conf");
	assert_string_equal(conf->addresses.separator, "+");
	assert_int_equal(conf_tag_separator(conf, "alice@example.org"), '\0');
	assert_int_equal(conf->certificates.count, 0);
	assert_string_equal(conf->users[ROLE_CERTD], "postern-certd");
	assert_int_equal(conf->sandbox, SANDBOX_REQUIRED);
	assert_int_equal(conf->log_level, LOG_INFO);
	assert_int_equal(conf->limits.sessions, 2000);
	assert_int_equal(conf->limits.drain_timeout, 30);
	assert_int_equal(conf->mailbox_first, 1879048192);
	assert_int_equal(conf->mailbox_last, INT32_MAX);
	conf_free(conf);
}

/* Which of them relay has, each once, and which are kept from the listeners. */
static void
relay_certificates(void **state)
{
	char names[CERTD_RELAY_KEYS_MAX * CERT_NAME_SIZE];
	struct configuration *conf;
	size_t length;

	(void)state;
	conf = good(BASE "relay = { certificate = \"a\"; routes = ( { domain = \"b.example\"; }, "
			 "{ domain = \"c.example\"; certificate = \"mail.example.org\"; }, "
			 "{ domain = \"d.example\"; certificate = \"\"; }, "
			 "{ domain = \"e.example\"; tls = \"none\"; }, "
			 "{ domain = \"f.example\"; certificate = \"a\"; } ); };\n");
	assert_string_equal(conf->relay.standard.certificate, "a");
	assert_string_equal(conf->relay.routes[0].certificate, "a");
	assert_string_equal(conf->relay.routes[1].certificate, "mail.example.org");
	assert_string_equal(conf->relay.routes[2].certificate, "");
	assert_string_equal(conf->relay.routes[3].certificate, "");
	assert_int_equal(conf_relay_certificates(conf, names, &length), 2);
	assert_int_equal(length, sizeof("a\0mail.example.org"));
	assert_memory_equal(names, "a\0mail.example.org", length);
	assert_true(conf_relay_shows(conf, "a") && conf_relay_keeps(conf, "a"));
	/* The host's own is for both. */
	assert_true(conf_relay_shows(conf, "mail.example.org"));
	assert_false(conf_relay_keeps(conf, "mail.example.org"));
	assert_false(conf_relay_shows(conf, "b"));
	conf_free(conf);
	conf = good(BASE "relay = { enabled = false; certificate = \"a\"; };\n");
	assert_int_equal(conf_relay_certificates(conf, names, &length), 0);
	assert_false(conf_relay_shows(conf, "a") || conf_relay_keeps(conf, "a"));
	conf_free(conf);
}

static void
relay_keys(void **state)
{
	struct configuration *conf = good(BASE);

	(void)state;
	assert_true(conf->relay.wanted);
	assert_int_equal(conf->relay.standard.port, 25);
	assert_int_equal(conf->relay.expire, 432000);
	conf_free(conf);
	conf = good(BASE "relay = { enabled = false; };\n");
	assert_false(conf->relay.wanted);
	conf_free(conf);
	bad(BASE "relay = { enabled = 0; };\n", 4, "true or false");
	conf = good(BASE "relay = { };\n");
	assert_true(conf->relay.wanted);
	assert_string_equal(conf->relay.standard.host, "");
	assert_int_equal(conf->relay.standard.port, 25);
	assert_int_equal(conf->relay.standard.tls, RELAY_TLS_OPPORTUNISTIC);
	assert_int_equal(conf->relay.expire, 432000);
	assert_int_equal(conf->relay.resolver_count, 0);
	assert_int_equal(conf->relay.validation, DNS_VALIDATE_IF_ABLE);
	assert_int_equal(conf->relay.sts_port, 443);
	assert_int_equal(conf->relay.reply_timeout, 600);
	conf_free(conf);
	bad(BASE "relay = { reply_timeout = 0; };\n", 4, "reply_timeout must be");
	bad(BASE "relay = { reply_timeout = 601; };\n", 4, "reply_timeout must be");
	conf = good(BASE "relay = { host = \"Smart.example.net\"; port = 2525; tls = \"require\"; "
			 "resolver = ( \"192.0.2.53\", \"::1@5353\" ); };\n");
	assert_string_equal(conf->relay.standard.host, "smart.example.net");
	assert_int_equal(conf->relay.standard.port, 2525);
	assert_int_equal(conf->relay.standard.tls, RELAY_TLS_REQUIRE);
	assert_int_equal(conf->relay.resolver_count, 2);
	assert_string_equal(conf->relay.resolvers[1], "::1@5353");
	conf_free(conf);
	conf = good(BASE "relay = { trust_anchor = \"none\"; };\n");
	assert_int_equal(conf->relay.validation, DNS_VALIDATE_NONE);
	assert_null(conf->relay.anchors);
	conf_free(conf);
	conf = good(BASE "relay = { trust_anchor = \"/a\"; authorities = \"/b\"; };\n");
	assert_int_equal(conf->relay.validation, DNS_VALIDATE_ALWAYS);
	assert_string_equal(conf->relay.anchors, "/a");
	assert_string_equal(conf->relay.authorities, "/b");
	conf_free(conf);
	bad(BASE "relay = { trust_anchor = \"a\"; };\n", 4, "relay.trust_anchor must be a path");
	bad(BASE "relay = { authorities = \"none\"; };\n", 4, "relay.authorities must be a path");
	conf = good(BASE
		    "relay = { helo = \"out.example.org\"; tls = \"require\"; source = "
		    "\"192.0.2.9\"; routes = (\n"
		    "  { domain = \"a.example\"; host = \"192.0.2.1\"; protocol = \"lmtp\"; },\n"
		    "  { domain = \".B.example\"; host = \"smart.example\"; implicit_tls = true;\n"
		    "    user = \"u\"; password_file = \"/etc/p\"; helo = \"b\"; connections = 2;\n"
		    "    source = ( \"192.0.2.8\", \"2001:db8::8\" ); }\n"
		    "); };\n");
	assert_int_equal(conf->relay.route_count, 2);
	assert_string_equal(conf->relay.standard.domain, "*");
	assert_int_equal(conf->relay.standard.connections, 20);
	assert_string_equal(conf->relay.routes[0].helo, "out.example.org");
	assert_int_equal(conf->relay.routes[0].port, 24);
	assert_int_equal(conf->relay.routes[0].protocol, RELAY_LMTP);
	assert_int_equal(conf->relay.routes[0].tls, RELAY_TLS_REQUIRE);
	assert_true(IN6_IS_ADDR_V4MAPPED(&conf->relay.routes[0].source[0]));
	assert_string_equal(conf->relay.routes[1].domain, ".b.example");
	assert_int_equal(conf->relay.routes[1].port, 465);
	assert_int_equal(conf->relay.routes[1].tls, RELAY_TLS_VERIFY);
	assert_int_equal(conf->relay.routes[1].connections, 2);
	assert_int_equal(conf->relay.routes[1].source[1].s6_addr[15], 8);
	conf_free(conf);
	conf = good(BASE "relay = { host = \"b\xc3\xbc"
			 "cher.example\"; helo = \"B\xc3\x9c"
			 "cher.example\";\n"
			 "routes = ( { domain = \".b\xc3\xbc"
			 "cher.example\"; } ); };\n"
			 "filter = { dnsbl = \"bl.b\xc3\xbc"
			 "cher.example=127.0.0.2\"; };\n");
	assert_string_equal(conf->relay.standard.host, "xn--bcher-kva.example");
	assert_string_equal(conf->relay.standard.helo, "xn--bcher-kva.example");
	assert_string_equal(conf->relay.routes[0].domain, ".xn--bcher-kva.example");
	assert_string_equal(conf->filter.lists[0].zone, "bl.xn--bcher-kva.example");
	conf_free(conf);
	assert_int_equal(
	    count_errors(BASE "relay = { routes = ( { domain = \"a b\"; }, { domain = \"c d\"; },\n"
			      "{ domain = \"e\"; host = \"f g\"; protocol = \"lmtp\"; } ); };\n"),
	    3);
	bad(BASE "relay = { routes = ( { host = \"a\"; } ); };\n", 4, "needs domain");
	bad(BASE "relay = { routes = ( { domain = \"a b\"; } ); };\n", 4,
	    "relay.routes|domain must be a domain, or one with a dot in front for all below it: ");
	bad(BASE "relay = { routes = ( { domain = \"*\"; } ); };\n", 4, "relay's own keys");
	bad(BASE "relay = { routes = ( { domain = \"a\"; }, { domain = \"A\"; } ); };\n", 4,
	    "has a route already");
	bad(BASE "relay = { routes = ( { domain = \".a\"; inbound = true; } ); };\n", 4,
	    "inbound needs one domain");
	bad(BASE "relay = { routes = ( { domain = \"a\"; inbound = 1; } ); };\n", 4,
	    "true or false");
	bad(BASE "relay = { routes = ( 5 ); };\n", 4, "must hold groups");
	bad(BASE "relay = { routes = 5; };\n", 4, "must be a list");
	bad(BASE "relay = { protocol = \"lmtp\"; };\n", 4, "needs a host");
	bad(BASE "relay = { host = \"a\"; user = \"u\"; };\n", 4, "need each other");
	bad(BASE "relay = { host = \"a\"; password_file = \"/p\"; };\n", 4, "need each other");
	bad(BASE "relay = { user = \"u\"; password_file = \"/p\"; };\n", 4, "user needs a host");
	bad(BASE "relay = { host = \"a\"; user = \"u\"; password_file = \"/p\";\n"
		 "tls = \"opportunistic\"; };\n",
	    4, "need tls");
	bad(BASE "relay = { host = \"a\"; implicit_tls = true; tls = \"none\"; };\n", 4,
	    "need tls");
	bad(BASE "relay = { implicit_tls = 1; };\n", 4, "true or false");
	bad(BASE "relay = { certificate = \"a/b\"; };\n", 4, "the name of a certificate");
	bad(BASE "relay = { certificate = 5; };\n", 4, "the name of a certificate");
	bad(BASE "relay = { certificate = \"a\"; tls = \"none\"; };\n", 4, "needs TLS");
	bad(BASE "relay = { source = \"here\"; };\n", 4, "is not an IPv4 or IPv6");
	bad(BASE "relay = { source = ( \"192.0.2.1\", \"192.0.2.2\" ); };\n", 4, "more than one");
	bad(BASE "relay = { source = \"::ffff:192.0.2.1\"; };\n", 4, "is not an IPv4 or IPv6");
	bad(BASE "relay = { connections = 0; };\n", 4, "connections must be");
	bad(BASE "relay = { helo = \"a b\"; };\n", 4, "is no host name");
	bad(BASE "relay = { address_literals = 5; };\n", 4, "true or false");
	bad(BASE "relay = 5;\n", 4, "relay must be a group");
	bad(BASE "relay = { host = \"a b\"; };\n", 4, "neither an address nor a host name");
	bad(BASE "relay = { host = 5; };\n", 4, "relay.host must be");
	bad(BASE "relay = { port = 0; };\n", 4, "relay.port must be");
	bad(BASE "relay = { tls = \"perhaps\"; };\n", 4, "relay.tls must be");
	bad(BASE "relay = { resolver = \"ns.example\"; };\n", 4, "must be an address");
	bad(BASE "relay = { resolver = \"::1@0\"; };\n", 4, "must be an address");
	bad(BASE "relay = { resolver = \"::1@\"; };\n", 4, "must be an address");
	bad(BASE "relay = { resolver = ( \"::1\", \"::2\", \"::3\", \"::4\" ); };\n", 4,
	    "more than 3 addresses");
	bad(BASE "relay = { expires = 5; };\n", 4, "expire");
}

static void
default_listeners(void **state)
{
	static const struct {
		enum service service;
		enum tls_mode tls;
		uint32_t port;
		uint32_t idle;
	} wanted[] = {
	    {SERVICE_SMTP, TLS_EXPLICIT, 25, 300},
	    {SERVICE_SUBMISSION, TLS_EXPLICIT, 587, 300},
	    {SERVICE_SUBMISSION, TLS_IMPLICIT, 465, 300},
	    {SERVICE_POP3, TLS_EXPLICIT, 110, 600},
	    {SERVICE_POP3, TLS_IMPLICIT, 995, 600},
	    {SERVICE_IMAP, TLS_EXPLICIT, 143, 1800},
	    {SERVICE_IMAP, TLS_IMPLICIT, 993, 1800},
	};
	struct configuration *conf = good(BASE);

	(void)state;
	assert_int_equal(conf->listener_count, 7);
	for (size_t i = 0; i < 7; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		assert_int_equal(l->service, wanted[i].service);
		assert_int_equal(l->tls, wanted[i].tls);
		assert_int_equal(l->port, wanted[i].port);
		assert_int_equal(l->idle_timeout, wanted[i].idle);
		assert_int_equal(l->max_connections, 10000);
		assert_int_equal(l->max_connections_per_address, 100);
		assert_int_equal(l->address_count, 2);
		assert_true(l->all_addresses);
	}
	conf_free(conf);
}

static void
everything(void **state)
{
	struct configuration *conf = good(
	    BASE
	    "accounts = \"/a/b.conf\"; certs = \"/c\"; certificate = \"x.y\";\n"
	    "users = { certd = \"a\"; gate = 12; accounts = \"c\"; queue = \"d\"; "
	    "relay = \"e\"; };\n"
	    "mailbox_uids = { first = 5000; last = 6000; };\n"
	    "sandbox = \"best-effort\"; log = \"syslog\"; log_level = \"debug\";\n"
	    "limits = { sessions = 5; message_size = 100000; recipients = 100; errors = 3; "
	    "handshake_timeout = 5; command_timeout = 6; drain_timeout = 0; retry = 7; "
	    "restart_delay = 1; login_threads = 2; };\n"
	    "tls = { ciphers_tls12 = \"A\"; ciphers_tls13 = \"B\"; };\n"
	    "gate = { processes = 3; connections = 1; }; session = { linger = 9; };\n"
	    "defences = { greeting_pause = 6; early_talkers = \"log\"; tarpit = 0;\n"
	    "  exempt = ( \"192.0.2.0/24\" );\n"
	    "  greylisting = { enabled = true; delay = 60; retry_window = 61; passes = 0;\n"
	    "    ipv4_prefix = 32; exempt = ( \"198.51.100.7\", \"2001:db8::/32\" ); }; };\n"
	    "filter = { exempt = ( \"203.0.113.25\", \"2001:db8::/32\" );\n"
	    "  dnsbl = ( \"BL.example\", \"zen.example=127.0.0.2-11\" );\n"
	    "  milters = ( { address = \"[::1]:11332\"; services = \"smtp\"; junk = \"off\";\n"
	    "      envelope = \"here\"; },\n"
	    "    { address = \"unix:/run/m.sock\"; failure = \"accept\"; timeout = 7; } ); };\n"
	    "listeners = ( { service = \"pop3\"; port = 1995; tls = \"implicit\";\n"
	    "  address = [ \"192.0.2.1\", \"2001:db8::1\" ]; certificate = \"pop\";\n"
	    "  max_connections = 7; max_connections_per_address = 2; idle_timeout = 700;\n"
	    "  max_rate_per_address = 30;\n"
	    "  deny = \"192.0.2.128/25\"; allow = ( \"192.0.2.0/24\", \"::1\" ); } );\n");
	const struct conf_listener *l = &conf->listeners[0];
	char names[CERTD_NAMES_MAX];
	size_t length;

	(void)state;
	assert_string_equal(conf->users[ROLE_GATE], "12");
	assert_int_equal(conf->mailbox_first, 5000);
	assert_int_equal(conf->sandbox, SANDBOX_BEST_EFFORT);
	assert_int_equal(conf->log, CONF_LOG_SYSLOG);
	assert_int_equal(conf->log_level, LOG_DEBUG);
	assert_int_equal(conf->limits.restart_delay, 1);
	assert_string_equal(conf->ciphers_tls13, "B");
	assert_int_equal(conf->gate_processes, 3);
	assert_int_equal(conf->session_linger, 9);
	assert_string_equal(conf->filter.lists[0].zone, "bl.example");
	assert_int_equal(conf->filter.lists[0].last, 0x7ffeffff);
	assert_int_equal(conf->filter.lists[1].first, 0x7f000002);
	assert_int_equal(conf->filter.lists[1].last, 0x7f00000b);
	assert_int_equal(conf->filter.exempt.count, 2);
	assert_int_equal(conf->filter.exempt.networks[0].bits, 128);
	assert_int_equal(conf->filter.exempt.networks[1].bits, 32);
	assert_int_equal(conf->filter.milter_count, 2);
	assert_int_equal(conf->filter.milters[0].port, 11332);
	assert_int_equal(conf->filter.milters[0].kinds, FILTER_STRANGER);
	assert_int_equal(conf->filter.milters[0].junk, 0);
	assert_int_equal(conf->filter.milters[0].timeout, 30);
	assert_int_equal(conf->filter.milters[0].envelope, FILTER_ENVELOPE_HERE);
	assert_int_equal(conf->filter.milters[1].envelope, FILTER_ENVELOPE_OFF);
	assert_string_equal(conf->filter.milter_paths[1], "/run/m.sock");
	assert_int_equal(conf->filter.milters[1].local, 1);
	assert_int_equal(conf->filter.milters[1].failure, FILTER_FAIL_ACCEPT);
	assert_int_equal(conf->defences.greeting_pause, 6);
	assert_int_equal(conf->defences.early_talkers, EARLY_LOG);
	assert_int_equal(conf->defences.tarpit, 0);
	assert_int_equal(conf->defences.exempt[EXEMPT_DEFENCES].count, 1);
	assert_int_equal(conf->defences.exempt[EXEMPT_DEFENCES].networks[0].bits, 120);
	assert_int_equal(conf->defences.greylist.enabled, 1);
	assert_int_equal(conf->defences.greylist.delay, 60);
	assert_int_equal(conf->defences.greylist.passes, 0);
	assert_int_equal(conf->defences.greylist.remember, 35 * 86400);
	assert_int_equal(conf->defences.greylist.ipv4_prefix, 32);
	assert_int_equal(conf->defences.greylist.ipv6_prefix, 64);
	assert_int_equal(conf->defences.exempt[EXEMPT_GREYLIST].count, 2);
	assert_int_equal(conf->defences.exempt[EXEMPT_GREYLIST].networks[1].bits, 32);
	assert_int_equal(l->max_rate_per_address, 30);
	assert_int_equal(l->address_count, 2);
	assert_int_equal(l->allow_count, 2);
	assert_int_equal(l->deny_count, 1);
	assert_int_equal(l->networks[0].bits, 120);
	assert_int_equal(l->networks[1].bits, 128);
	assert_int_equal(l->networks[2].bits, 121);
	assert_int_equal(conf_certificates(conf, names, &length), 1);
	assert_int_equal(length, 4);
	assert_string_equal(names, "pop");
	conf_free(conf);
}

static void
certificates_once(void **state)
{
	struct configuration *conf =
	    good(BASE "listeners = ( { service = \"smtp\"; }, { service = \"submission\"; },\n"
		      "{ service = \"pop3\"; certificate = \"b\"; },\n"
		      "{ service = \"pop3\"; port = 1; tls = \"none\"; address = \"::1\"; "
		      "certificate = \"c\"; } );\n");
	char names[CERTD_NAMES_MAX];
	size_t length;

	(void)state;
	assert_int_equal(conf_certificates(conf, names, &length), 1);
	assert_memory_equal(names, "b", length);
	conf_free(conf);
}

/* What the gates' channels to certd are opened with. */
static void
keys_of_gates(void **state)
{
	static const struct {
		const char *listeners, *names;
		uint32_t count;
		uint8_t any, weak;
		const char *host;
	} cases[] = {
	    {"{ service = \"smtp\"; }", "", 0, 1, 0, "mail.example.org"},
	    {"{ service = \"smtp\"; sni = \"own\"; }", "", 0, 0, 0, "mail.example.org"},
	    {"{ service = \"smtp\"; sni = \"own\"; certificate = ( \"a\", \"b\" ); }", "a\0b", 2, 0,
	     0, ""},
	    {"{ service = \"smtp\"; sni = \"strict-own\"; certificate = [ \"a\" ]; weak = true; }",
	     "a", 1, 0, 1, ""},
	    {"{ service = \"smtp\"; sni = \"strict\"; certificate = \"a\"; weak = false; }", "a", 1,
	     1, 0, ""},
	    {"{ service = \"pop3\"; tls = \"none\"; address = \"::1\"; weak = true; }", "", 0, 0, 0,
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512], names[CERTD_NAMES_MAX];
		struct configuration *conf;
		struct md_gate gate = {.gate = 1};
		size_t length;

		snprintf(text, sizeof(text), BASE "listeners = ( %s );\n", cases[i].listeners);
		conf = good(text);
		conf_gate_keys(conf, &gate, names, &length);
		assert_int_equal(gate.count, cases[i].count);
		assert_memory_equal(names, cases[i].names, length);
		assert_int_equal(gate.any, cases[i].any);
		assert_int_equal(gate.weak, cases[i].weak);
		assert_string_equal(gate.host, cases[i].host);
		conf_free(conf);
	}
	bad(BASE "filter = { milters = ( { timeout = 5; } ); };\n", 4, "has no address");
	bad(BASE "filter = { milters = ( { address = \"::1:5\"; port = 5; } ); };\n", 4, "port");
	bad(BASE "filter = { milters = ( { address = \"localhost:5\"; } ); };\n", 4,
	    "must be an address with a port");
	bad(BASE
	    "filter = { milters = ( { address = \"127.0.0.1:5\"; services = \"imap\"; } ); };\n",
	    4, "\"smtp\" or \"submission\"");
	bad(BASE "filter = { milters = ( { address = \"[::1]:5\"; envelope = true; } ); };\n", 4,
	    "envelope");
	bad(BASE "filter = { milters = ( { address = \"[::1]:5\"; envelope = \"all\"; } ); };\n", 4,
	    "\"anywhere\"");
	bad(BASE "filter = { milters = ( 5 ); };\n", 4, "must be a group");
	bad(BASE "filter = { exempt = \"a\"; };\n", 4, "exempt");
	bad(BASE "filter = { dnsbl = \"a b\"; };\n", 4, "no zone");
	bad(BASE "filter = { dnsbl = \"bl.example=192.0.2.1\"; };\n", 4, "no zone");
	bad(BASE "filter = { dnsbl = \"bl.example=127.0.0.9-2\"; };\n", 4, "no zone");
	bad(BASE "defences = { exempt = \"a\"; };\n", 4, "exempt");
	bad(BASE "defences = { greeting_pause = 31; };\n", 4, "greeting_pause");
	bad(BASE "defences = { greylisting = { enabled = 1; }; };\n", 4, "true or false");
	bad(BASE "defences = { greylisting = { exempt = \"a\"; }; };\n", 4, "exempt");
	bad(BASE "defences = { greylisting = { ipv6_prefix = 129; }; };\n", 4, "ipv6_prefix");
	bad(BASE "defences = {\ngreylisting = { delay = 600; retry_window = 600; }; };\n", 5,
	    "greylisting must have a retry_window that is longer");
	bad(BASE "certificate = ( \"a\", \"a\" );\n", 4, "twice");
	bad(BASE "certificate = ( \"a\", 5 );\n", 4, "certificate must hold strings");
	bad(BASE "certificate = [ \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", "
		 "\"9\" ];\n",
	    4, "more than 8");
	bad(BASE "listeners = ( { service = \"smtp\"; sni = \"no\"; } );\n", 4,
	    "\"any\", \"own\", \"strict\" or \"strict-own\"");
	bad(BASE "listeners = ( { service = \"smtp\"; weak = 1; } );\n", 4, "true or false");
}

static void
missing_lines(void **state)
{
	(void)state;
	bad("", 0, "hostname = ");
	bad("", 0, "domains = ");
	bad("", 0, "state = ");
	bad("hostname = \"a\"; state = \"/x\";", 0, "domains = ");
}

static void
unknown_keys(void **state)
{
	(void)state;
	bad(BASE "hostnam = 1;\n", 4, "hostnam|did you mean \"hostname\"");
	bad(BASE "limits = {\n session = 1; };\n", 5, "limits.session |\"sessions\"");
	bad(BASE "listeners = ( { service = \"smtp\";\n prot = 1; } );\n", 5,
	    "listeners.prot|\"port\"");
	bad(BASE "colour = 1;\n", 4, "colour|postern.conf(5)");
}

static void
wrong_types(void **state)
{
	(void)state;
	bad("hostname = 5;\n", 1, "hostname must be a string");
	bad(BASE "\nlimits = 5;\n", 5, "limits must be a group");
	bad(BASE "limits = { sessions = \"many\"; };\n", 4,
	    "limits.sessions|whole number|a string");
	bad(BASE "limits = { sessions = 1.5; };\n", 4, "limits.sessions|fraction");
	bad(BASE "sandbox = true;\n", 4, "sandbox must be \"required\" or \"best-effort\"");
	bad(BASE "sandbox = \"off\";\n", 4, "\"off\"");
	bad(BASE "certs = 1;\n", 4, "certs must be a path");
	bad(BASE "certs = \"relative\";\n", 4, "certs must be a path");
	bad(BASE "users = { gate = 0; };\n", 4, "users.gate must be");
	bad(BASE "certificate = \"../x\";\n", 4, "certificate must be");
	bad(BASE "listeners = { };\n", 4, "listeners must be a list");
	bad(BASE "listeners = ( 5 );\n", 4, "must hold groups");
	bad("hostname = \"a\"; state = \"/x\";\ndomains = ( 5 );", 2, "domains must hold strings");
	bad("hostname = \"a\"; state = \"/x\";\ndomains = ( );", 2, "domains must be");
}

static void
out_of_range(void **state)
{
	(void)state;
	bad(BASE "limits = { sessions = 0; };\n", 4, "from 1 to 100000");
	bad(BASE "limits = { sessions = 100001; };\n", 4, "not 100001");
	bad(BASE "limits = { recipients = 99; };\n", 4, "limits.recipients");
	bad(BASE "limits = { message_size = 99999999999L; };\n", 4, "99999999999");
	bad(BASE "listeners = ( { service = \"smtp\"; port = 65536; } );\n", 4, "listeners.port");
	bad(BASE "listeners = ( { service = \"smtp\"; idle_timeout = -1; } );\n", 4,
	    "idle_timeout");
	bad(BASE "mailbox_uids = { first = 10; };\n", 4, "mailbox_uids.first");
	bad(BASE "mailbox_uids = { first = 6000; last = 5000; };\n", 4, "greater");
}

static void
bad_names(void **state)
{
	(void)state;
	bad("hostname = \"exa mple\"; domains = ( \"a\" ); state = \"/x\";", 1,
	    "exa mple|hostname");
	bad("hostname = \"a\";\ndomains = ( \"b\",\n \"-c.org\" ); state = \"/x\";", 3,
	    "-c.org|hyphen");
	bad("hostname = \"a\"; domains = ( \"b\", \"B\" ); state = \"/x\";", 1, "b twice");
	bad("hostname = \"a\"; domains = ( \"b\\xff\" ); state = \"/x\";", 1, "internationalised");
	bad("hostname = \"a\"; domains = ( \"B\\xc3\\x9c\", \"xn--b-eha\" ); state = \"/x\";", 1,
	    "xn--b-eha twice");
}

static void
bad_listeners(void **state)
{
	(void)state;
	bad(BASE "listeners = ( { port = 25; } );", 4, "needs service");
	bad(BASE "listeners = ( { service = \"smpt\"; } );", 4, "smpt|\"smtp\"");
	bad(BASE "listeners = ( { service = \"smtp\"; tls = \"maybe\"; } );", 4, "maybe|explicit");
	bad(BASE "listeners = ( { service = \"pop3\"; port = 995; } );", 4, "995|implicit");
	bad(BASE "listeners = ( { service = \"pop3\"; tls = \"none\"; } );", 4,
	    "plaintext|0.0.0.0:110");
	bad(BASE "listeners = ( { service = \"pop3\"; tls = \"none\"; "
		 "address = ( \"::1\", \"::2\" ); } );",
	    4, "[::2]:110");
	bad(BASE "listeners = ( { service = \"smtp\"; address = \"localhost\"; } );", 4,
	    "localhost|no names");
	bad(BASE "listeners = ( { service = \"smtp\"; deny = \"10.0.0.0/40\"; } );", 4,
	    "10.0.0.0/40|prefix");
	bad(BASE "listeners = ( { service = \"smtp\"; allow = [ \"10.0.0.1/8\" ]; } );", 4,
	    "10.0.0.1/8|bits");
}

static void
duplicate_listeners(void **state)
{
	(void)state;
	bad(BASE "listeners = ( { service = \"smtp\"; },\n"
		 " { service = \"pop3\"; port = 25; } );",
	    5, "0.0.0.0:25|line 4");
	bad(BASE "listeners = ( { service = \"smtp\"; address = \"0.0.0.0\"; },\n"
		 " { service = \"smtp\"; address = \"127.0.0.1\"; } );",
	    5, "127.0.0.1:25|line 4");
	bad(BASE "listeners = ( { service = \"smtp\"; address = [ \"::1\", \"::1\" ]; } );", 4,
	    "[::1]:25 twice");
	conf_free(good(BASE "listeners = ( { service = \"smtp\"; address = \"127.0.0.1\"; },\n"
			    " { service = \"smtp\"; address = [ \"127.0.0.2\", \"::\" ]; } );"));
}

static void
syntax(void **state)
{
	(void)state;
	bad(BASE "\nlisteners = = 1;\n", 5, "syntax error");
	bad(BASE "hostname = \"b\";\n", 4, "duplicate");
}

static void
several_at_once(void **state)
{
	struct conf_problems problems = {.count = 0};

	(void)state;
	assert_null(conf_load_text("hostnam = 1;\nsandbox = 5;\nlog = \"x\";\n", "f", &problems));
	assert_true(problems.count >= 4);
	conf_problems_free(&problems);
	assert_null(conf_load_text("@include \"/nonexistent/file\"\n", "f", &problems));
	conf_problems_free(&problems);
	assert_null(conf_load("/nonexistent/postern.conf", &problems));
	assert_string_equal(problems.list[0].file, "/nonexistent/postern.conf");
	conf_problems_free(&problems);
}

static void
short_pop3_idle_is_a_warning(void **state)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load_text(
	    BASE "listeners = ( { service = \"pop3\"; idle_timeout = 60; } );", "f", &problems);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(problems.count, 1);
	assert_true(problems.list[0].warning);
	assert_int_equal(problems.list[0].line, 4);
	assert_non_null(strstr(problems.list[0].text, "RFC 1939"));
	conf_problems_free(&problems);
	conf_free(conf);
}

/* The order in the file doesn't matter; a name below a domain of ours may be somebody else's. */
static void
route_of_our_own_domain_is_a_warning(void **state)
{
	static const char text[] =
	    "relay = { routes = (\n"
	    "  { domain = \"elsewhere.example\"; },\n"
	    "  { domain = \".example.org\"; },\n"
	    "  { domain = \"lists.example.org\"; },\n"
	    "  { domain = \"Example.NET\"; host = \"127.0.0.1\"; } ); };\n" BASE;
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load_text(text, "f", &problems);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(problems.count, 1);
	assert_true(problems.list[0].warning);
	assert_int_equal(problems.list[0].line, 5);
	assert_non_null(strstr(problems.list[0].text, "\"example.net\" is never used"));
	conf_problems_free(&problems);
	conf_free(conf);
}

/* An error in an included file is told with that file's name and line. */
static void
included_file(void **state)
{
	char folder[] = "/tmp/test_conf.XXXXXX", main_file[64], other[64];
	struct conf_problems problems = {.count = 0};
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(main_file, sizeof(main_file), "%s/postern.conf", folder);
	snprintf(other, sizeof(other), "%s/more.conf", folder);
	out = fopen(main_file, "w");
	assert_non_null(out);
	fputs(BASE "@include \"more.conf\"\n", out);
	fclose(out);
	out = fopen(other, "w");
	assert_non_null(out);
	fputs("\nsandbx = 1;\n", out);
	fclose(out);
	assert_null(conf_load(main_file, &problems));
	assert_int_equal(problems.count, 1);
	assert_int_equal(problems.list[0].line, 2);
	assert_non_null(strstr(problems.list[0].file, "more.conf"));
	assert_non_null(strstr(problems.list[0].text, "sandbox"));
	conf_problems_free(&problems);
	unlink(main_file);
	unlink(other);
	rmdir(folder);
}

/* Editors and tools may leave the last line without its end. */
static void
a_comment_may_be_the_end(void **state)
{
	char folder[] = "/tmp/test_conf.XXXXXX", file[64];
	struct conf_problems problems = {.count = 0};
	struct configuration *conf;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/postern.conf", folder);
	out = fopen(file, "w");
	assert_non_null(out);
	fputs(BASE "# the end", out);
	fclose(out);
	conf = conf_load(file, &problems);
	conf_problems_print(&problems, stderr);
	assert_non_null(conf);
	conf_free(conf);
	/* No file to read: said, and not the end of the process. */
	assert_null(conf_load(folder, &problems));
	assert_non_null(strstr(problems.list[0].text, "cannot be read"));
	conf_problems_free(&problems);
	unlink(file);
	rmdir(folder);
}

static void
tags_that_name_folders(void **state)
{
	struct configuration *conf =
	    good("hostname = \"mail.example.org\";\n"
		 "domains = ( \"example.org\", \"example.net\", \"example.com\" );\n"
		 "state = \"/var/lib/postern\";\n"
		 "addresses = { tag_folders = true; domains = (\n"
		 "  { name = \"example.net\"; separator = \"-\"; },\n"
		 "  { name = \"example.com\"; tag_folders = false; } ); };\n");

	(void)state;
	assert_int_equal(conf_tag_separator(conf, "alice@example.org"), '+');
	assert_int_equal(conf_tag_separator(conf, "alice@example.net"), '-');
	assert_int_equal(conf_tag_separator(conf, "alice@example.com"), '\0');
	conf_free(conf);
	bad(BASE "addresses = { tag_folders = \"yes\"; };\n", 4,
	    "tag_folders must be true or false");
	bad(BASE "addresses = { domains = ( { name = \"example.org\"; tag_folders = 1; } ); };\n",
	    4, "true or false");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tags_that_name_folders),
	    cmocka_unit_test(a_comment_may_be_the_end),
	    cmocka_unit_test(three_lines),
	    cmocka_unit_test(relay_keys),
	    cmocka_unit_test(relay_certificates),
	    cmocka_unit_test(default_listeners),
	    cmocka_unit_test(everything),
	    cmocka_unit_test(certificates_once),
	    cmocka_unit_test(keys_of_gates),
	    cmocka_unit_test(missing_lines),
	    cmocka_unit_test(unknown_keys),
	    cmocka_unit_test(wrong_types),
	    cmocka_unit_test(out_of_range),
	    cmocka_unit_test(bad_names),
	    cmocka_unit_test(bad_listeners),
	    cmocka_unit_test(duplicate_listeners),
	    cmocka_unit_test(syntax),
	    cmocka_unit_test(several_at_once),
	    cmocka_unit_test(short_pop3_idle_is_a_warning),
	    cmocka_unit_test(route_of_our_own_domain_is_a_warning),
	    cmocka_unit_test(included_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
