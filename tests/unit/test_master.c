/* SPDX-License-Identifier: ISC */
/* The master's pure parts, and its listening sockets over a reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/networks.h"
#include "master/admit.h"
#include "master/backoff.h"
#include "master/generation.h"
#include "master/mailboxes.h"
#include "master/names.h"
#include "master/network.h"
#include "master/process.h"
#include "master/state.h"

static bool
is_mailbox(const char *text)
{
	struct mailbox_name name;

	return mailbox_name_parse(text, strlen(text), &name);
}

static void
mailbox_names(void **state)
{
	static const char *const refused[] = {
	    "",
	    "alice",
	    "@example.org",
	    "alice@",
	    ".alice@example.org",
	    "a..b@x.org",
	    "a.@x.org",
	    "../../etc@x.org",
	    "a/b@x.org",
	    "Alice@x.org",
	    "a@X.org",
	    "a@x.org/..",
	    "a@..",
	    "a@.x",
	    "a@x..org",
	    "a@x.org.",
	    "a b@x.org",
	    "a\"b@x.org",
	    "a\n@x.org",
	    "\xc3\xa4@x.org",
	    "a@b@x.org",
	    "a\\b@x.org",
	    "a@-x.org",
	    "a@[127.0.0.1]",
	    "a@x_y.org",
	};
	char longest[LOCAL_PART_MAX + 17];
	struct mailbox_name name;

	(void)state;
	assert_true(mailbox_name_parse("alice+tag@example.org", 21, &name));
	assert_string_equal(name.local, "alice+tag");
	assert_string_equal(name.domain, "example.org");
	assert_true(is_mailbox("a.b-c_d@x"));
	assert_true(is_mailbox("!#$%&'*+-=?^_`{|}~@x.org"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(is_mailbox(refused[i]));
	assert_false(mailbox_name_parse("a\0b@x.org", 9, &name));
	assert_false(mailbox_name_parse("ab@x\0org", 8, &name));
	memset(longest, 'a', sizeof(longest));
	strlcpy(longest + 64, "@x.org", 16);
	assert_true(is_mailbox(longest));
	memset(longest, 'a', sizeof(longest));
	strlcpy(longest + 65, "@x.org", 16);
	assert_false(is_mailbox(longest));
}

static struct in6_addr
address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void
assert_in(const char *network, const char *host, bool inside)
{
	struct in6_addr a = address(host);
	struct network n;

	assert_null(network_parse(network, &n));
	assert_int_equal(network_contains(&n, &a), inside);
}

static void
networks(void **state)
{
	static const char *const refused[] = {
	    "",
	    "x",
	    "10.0.0.0/33",
	    "10.0.0.0/-1",
	    "10.0.0.0/",
	    "10.0.0.0/ 8",
	    "10.0.0.0/+8",
	    "10.0.0.1/8",
	    "10.0.0/8",
	    "::/129",
	    "2001:db8::1/64",
	    "1.2.3.4/8/8",
	    "a/8",
	    "0x0a000000/8",
	};
	struct network n;

	(void)state;
	assert_in("0.0.0.0/0", "::ffff:192.0.2.1", true);
	assert_in("0.0.0.0/0", "2001:db8::1", false);
	assert_in("192.0.2.0/24", "::ffff:192.0.2.255", true);
	assert_in("192.0.2.0/24", "::ffff:192.0.3.0", false);
	assert_in("192.0.2.128/25", "::ffff:192.0.2.127", false);
	assert_in("192.0.2.1", "::ffff:192.0.2.1", true);
	assert_in("192.0.2.1/32", "::ffff:192.0.2.2", false);
	assert_in("2001:db8::/33", "2001:db8:7fff::1", true);
	assert_in("2001:db8::/33", "2001:db8:8000::1", false);
	assert_in("::/0", "2001:db8::1", true);
	assert_in("::1", "::1", true);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_non_null(network_parse(refused[i], &n));
}

static void
endpoints(void **state)
{
	struct endpoint a, b;
	char text[ENDPOINT_TEXT_SIZE];

	(void)state;
	assert_true(endpoint_parse("127.0.0.1", 25, &a));
	assert_true(endpoint_is_loopback(&a));
	assert_string_equal(endpoint_text(&a, text), "127.0.0.1:25");
	assert_true(endpoint_parse("0.0.0.0", 25, &b));
	assert_false(endpoint_is_loopback(&b));
	assert_true(endpoint_overlaps(&a, &b));
	assert_false(endpoint_equal(&a, &b));
	endpoint_set_port(&b, 26);
	assert_false(endpoint_overlaps(&a, &b));
	assert_true(endpoint_parse("::", 25, &b));
	assert_false(endpoint_overlaps(&a, &b));
	assert_string_equal(endpoint_text(&b, text), "[::]:25");
	assert_false(endpoint_parse("localhost", 25, &a));
	assert_false(endpoint_parse("[::1]", 25, &a));
}

static void
back_off(void **state)
{
	static const unsigned wanted[] = {0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct backoff b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(backoff_next(&b, 0, 60), wanted[i]);
	assert_int_equal(backoff_next(&b, BACKOFF_HEALTHY, 60), 0);
	assert_int_equal(backoff_next(&b, BACKOFF_HEALTHY - 1, 60), 1);
	for (int i = 0; i < 1000; i++)
		assert_true(backoff_next(&b, 0, 3600) <= 3600);
	assert_int_equal(backoff_next(&b, 0, 0), 0);
}

static void
admit_counts(void **state)
{
	struct admit_limits limits = {.connections = 3, .per_address = 2};
	struct in6_addr a = address("::ffff:192.0.2.1"), b = address("::ffff:192.0.2.2");
	struct in6_addr c = address("2001:db8::1"), c2 = address("2001:db8::2");
	struct admit *admit = admit_new();
	struct admit_ledger *one = admit_ledger_new(), *two = admit_ledger_new();

	(void)state;
	assert_int_equal(admit_one(admit, one, 1, &a, &limits, 0), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, two, 1, &a, &limits, 0), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, one, 1, &a, &limits, 0), MG_ADMIT_ADDRESS_FULL);
	assert_int_equal(admit_one(admit, one, 1, &b, &limits, 0), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, one, 1, &c, &limits, 0), MG_ADMIT_LISTENER_FULL);
	assert_int_equal(admit_count(admit, 1), 3);
	assert_int_equal(admit_ledger_count(one), 2);
	/* Another listener counts for itself; IPv6 hosts share their /64. */
	assert_int_equal(admit_one(admit, one, 2, &c, &limits, 0), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, one, 2, &c2, &limits, 0), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, one, 2, &c2, &limits, 0), MG_ADMIT_ADDRESS_FULL);
	/* What it was never given, a gate can't give back, not even for another. */
	assert_int_equal(admit_gone(admit, two, 1, &b), -1);
	assert_int_equal(admit_gone(admit, two, 2, &c), -1);
	assert_int_equal(admit_gone(admit, one, 1, &b), 0);
	assert_int_equal(admit_gone(admit, one, 1, &b), -1);
	/* A gate that is gone takes its counts along. */
	admit_ledger_free(admit, one);
	assert_int_equal(admit_count(admit, 1), 1);
	assert_int_equal(admit_count(admit, 2), 0);
	assert_int_equal(admit_gone(admit, two, 1, &a), 0);
	assert_int_equal(admit_count(admit, 1), 0);
	admit_ledger_free(admit, two);
	admit_free(admit);
}

/* So many a minute and address; then one each time that one is forgotten. */
static void
admit_rates(void **state)
{
	struct admit_limits limits = {.connections = 100, .per_address = 100, .rate = 3};
	struct in6_addr a = address("::ffff:192.0.2.1"), b = address("::ffff:192.0.2.2");
	struct admit *admit = admit_new();
	struct admit_ledger *ledger = admit_ledger_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(admit_one(admit, ledger, 1, &a, &limits, i), MG_ADMIT_OK);
		assert_int_equal(admit_gone(admit, ledger, 1, &a), 0);
	}
	assert_int_equal(admit_one(admit, ledger, 1, &a, &limits, 19999), MG_ADMIT_ADDRESS_OFTEN);
	assert_int_equal(admit_one(admit, ledger, 1, &b, &limits, 19999), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, ledger, 2, &a, &limits, 19999), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, ledger, 1, &a, &limits, 20000), MG_ADMIT_OK);
	assert_int_equal(admit_one(admit, ledger, 1, &a, &limits, 20001), MG_ADMIT_ADDRESS_OFTEN);
	/* No limit: nothing is counted. */
	limits.rate = 0;
	assert_int_equal(admit_one(admit, ledger, 1, &a, &limits, 20001), MG_ADMIT_OK);
	admit_ledger_free(admit, ledger);
	admit_free(admit);
}

static void
free_uids(void **state)
{
	static const uint32_t some[] = {0, 0, 10, 11, 13, 5000};
	static const uint32_t top[] = {10, 11, 13, 14, 15};
	static const uint32_t all[] = {10, 11, 11, 12, 13, 14, 15};

	(void)state;
	assert_int_equal(mailbox_free_uid(NULL, 0, 10, 15), 10);
	assert_int_equal(mailbox_free_uid(some, 2, 10, 15), 10);
	assert_int_equal(mailbox_free_uid(some, 6, 10, 15), 14);
	assert_int_equal(mailbox_free_uid(top, 5, 10, 15), 12);
	assert_int_equal(mailbox_free_uid(all, 7, 10, 15), UINT32_MAX);
}

static void
status_texts(void **state)
{
	char text[PROCESS_STATUS_SIZE];

	(void)state;
	assert_string_equal(process_status_text(0, text), "exited with status 0");
	assert_string_equal(process_status_text(1 << 8, text), "exited with status 1");
	assert_non_null(strstr(process_status_text(127 << 8, text), "could not be executed"));
	assert_non_null(strstr(process_status_text(SIGKILL, text), "signal 9 (Killed)"));
	assert_non_null(strstr(process_status_text(SIGSYS, text), "SIGSYS"));
}

/*
 * -- Directories of mailboxes -----------------------------------------------------
 */

struct folders {
	char top[64];
	struct configuration *conf;
	struct conf_users users;
};

static int
make_folders(void **state)
{
	struct conf_problems problems = {.count = 0};
	struct folders *f = calloc(1, sizeof(*f));
	char text[512];
	struct error err;

	assert_non_null(f);
	strlcpy(f->top, "/tmp/test_master.XXXXXX", sizeof(f->top));
	assert_non_null(mkdtemp(f->top));
	snprintf(text, sizeof(text),
		 "hostname = \"h\"; domains = ( \"d.org\" ); state = \"%s/state\"; "
		 "mailbox_uids = { first = 5000; last = 5999; };",
		 f->top);
	f->conf = conf_load_text(text, "/etc/postern.conf", &problems);
	assert_non_null(f->conf);
	memset(&f->users, 0xff, sizeof(f->users));
	assert_int_equal(state_prepare(f->conf, &f->users, &err), 0);
	assert_int_equal(state_prepare(f->conf, &f->users, &err), 0);
	*state = f;
	return 0;
}

static int
remove_folders(void **state)
{
	struct folders *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->top);
	assert_int_equal(system(command), 0);
	conf_free(f->conf);
	free(f);
	return 0;
}

/* Opens USER@d.org. Returns the uid, or UINT32_MAX - 1 if it is refused. */
static uint32_t
open_mailbox(struct folders *f, const char *user)
{
	struct mailbox_name name = {.domain = "d.org"};
	uint32_t uid = 0;
	struct error err;
	struct stat st;
	int fd;

	strlcpy(name.local, user, sizeof(name.local));
	fd = mailbox_open(f->conf, &f->users, &name, &uid, &err);
	if (fd == -1)
		return UINT32_MAX - 1;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_uid, uid == UINT32_MAX ? geteuid() : uid);
	close(fd);
	return uid;
}

static void
path_of(const struct folders *f, const char *user, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/state/mail/d.org/%s", f->top, user);
}

static void
mailboxes_are_made(void **state)
{
	struct folders *f = *state;
	uint32_t first, second;

	f->conf->mailbox_last = 5002;
	first = open_mailbox(f, "a");
	second = open_mailbox(f, "b");
	assert_int_equal(open_mailbox(f, "a"), first);
	if (geteuid() != 0) {
		assert_int_equal(first, UINT32_MAX);
		return;
	}
	assert_in_range(first, 5000, 5002);
	assert_in_range(second, 5000, 5002);
	assert_int_not_equal(first, second);
	open_mailbox(f, "c");
	assert_int_equal(open_mailbox(f, "d"), UINT32_MAX - 1);
}

static void
strange_mailboxes_are_refused(void **state)
{
	struct folders *f = *state;
	char path[PATH_MAX];

	open_mailbox(f, "first");
	path_of(f, "link", path);
	assert_int_equal(symlink("first", path), 0);
	assert_int_equal(open_mailbox(f, "link"), UINT32_MAX - 1);
	path_of(f, "file", path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(open_mailbox(f, "file"), UINT32_MAX - 1);
	path_of(f, "first", path);
	assert_int_equal(chmod(path, 0750), 0);
	assert_int_equal(open_mailbox(f, "first"), UINT32_MAX - 1);
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_equal(open_mailbox(f, "first"), UINT32_MAX - 1);
	assert_int_equal(chown(path, 5001, 5001), 0);
	assert_int_equal(open_mailbox(f, "first"), 5001);
}

static void
strange_folders_are_refused(void **state)
{
	struct folders *f = *state;
	char path[PATH_MAX];
	struct error err;

	state_path(f->conf, STATE_CERTS, path);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(state_prepare(f->conf, &f->users, &err), -1);
	assert_non_null(strstr(err.text, "chmod 0700"));
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(state_prepare(f->conf, &f->users, &err), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_equal(state_prepare(f->conf, &f->users, &err), -1);
	assert_non_null(strstr(err.text, "chown"));
}

/*
 * -- Sockets over a reload --------------------------------------------------------
 */

static struct configuration *
configuration(const char *listeners)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf;
	char text[1024];

	snprintf(text, sizeof(text),
		 "hostname = \"h\"; domains = ( \"d\" ); state = \"/s\"; listeners = ( %s );",
		 listeners);
	conf = conf_load_text(text, "/etc/postern.conf", &problems);
	assert_non_null(conf);
	return conf;
}

/*
 * A port that is free for the master, and for nobody else as long as this program runs: who is
 * bound and doesn't listen is in no listener's way that has SO_REUSEADDR, too.
 */
static uint16_t
free_port(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	socklen_t size = sizeof(any);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
	return ntohs(any.sin_port);
}

/* Is somebody listening there? */
static bool
listens(uint16_t port)
{
	struct endpoint e;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool result;

	endpoint_parse("127.0.0.1", port, &e);
	result = connect(fd, &e.address.any, e.length) == 0;
	close(fd);
	return result;
}

static struct generation *
bind_these(const char *listeners, const struct generation *old, uint32_t *group)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = configuration(listeners);
	struct generation *g = generation_bind(conf, old, NULL, 0, group, &problems);

	if (g == NULL) {
		conf_problems_print(&problems, stderr);
		conf_free(conf);
	}
	conf_problems_free(&problems);
	return g;
}

static void
reload_keeps_sockets(void **state)
{
	uint16_t stays = free_port(), goes = free_port(), comes = free_port();
	struct generation *old, *new;
	char first[256], second[256];
	uint32_t group = 1;

	(void)state;
	snprintf(first, sizeof(first),
		 "{ service = \"smtp\"; port = %u; address = \"127.0.0.1\"; },"
		 "{ service = \"smtp\"; port = %u; address = \"127.0.0.1\"; }",
		 goes, stays);
	snprintf(second, sizeof(second),
		 "{ service = \"smtp\"; port = %u; address = \"127.0.0.1\"; },"
		 "{ service = \"pop3\"; port = %u; address = \"127.0.0.1\"; }",
		 stays, comes);
	old = bind_these(first, NULL, &group);
	assert_non_null(old);
	new = bind_these(second, old, &group);
	assert_non_null(new);
	assert_int_equal(new->number, 2);
	assert_int_equal(new->bound[0].group, old->bound[1].group);
	assert_int_not_equal(new->bound[1].group, old->bound[0].group);
	generation_close(old);
	assert_true(listens(stays));
	assert_true(listens(comes));
	assert_false(listens(goes));
	generation_release(old);
	assert_true(listens(stays));
	generation_release(new);
	assert_false(listens(stays));
}

/* From one address to all of them, on the same port, and back. */
static void
reload_widens_an_address(void **state)
{
	uint16_t port = free_port();
	struct generation *old, *new;
	char one[128], all[128];
	uint32_t group = 1;

	(void)state;
	snprintf(one, sizeof(one), "{ service = \"smtp\"; port = %u; address = \"127.0.0.1\"; }",
		 port);
	snprintf(all, sizeof(all), "{ service = \"smtp\"; port = %u; address = \"0.0.0.0\"; }",
		 port);
	old = bind_these(one, NULL, &group);
	assert_non_null(old);
	new = bind_these(all, old, &group);
	assert_non_null(new);
	generation_release(old);
	assert_true(listens(port));
	old = new;
	new = bind_these(one, old, &group);
	assert_non_null(new);
	generation_release(old);
	assert_true(listens(port));
	/* Neither is left open for others to share. */
	assert_null(bind_these(all, NULL, &group));
	generation_release(new);
}

static void
port_in_use(void **state)
{
	struct conf_problems problems = {.count = 0};
	uint16_t port = free_port();
	struct configuration *conf;
	struct generation *g;
	uint32_t group = 1;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "{ service = \"smtp\"; port = %u; address = \"127.0.0.1\"; }",
		 port);
	g = bind_these(text, NULL, &group);
	assert_non_null(g);
	conf = configuration(text);
	assert_null(generation_bind(conf, NULL, NULL, 0, &group, &problems));
	assert_int_equal(problems.errors, 1);
	assert_int_equal(problems.list[0].line, 1);
	snprintf(text, sizeof(text), "127.0.0.1:%u is in use", port);
	assert_non_null(strstr(problems.list[0].text, text));
	conf_problems_free(&problems);
	conf_free(conf);
	generation_release(g);
}

static void
activated_sockets(void **state)
{
	struct conf_problems problems = {.count = 0};
	struct activated activated[2];
	uint16_t port = free_port();
	struct configuration *conf;
	struct generation *g;
	uint32_t group = 1;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "{ service = \"smtp\"; port = %u; address = \"127.0.0.1\"; }",
		 port);
	g = bind_these(text, NULL, &group);
	assert_non_null(g);
	/* As the init system would: the port is taken, and the socket comes along. */
	activated[0] = (struct activated){.endpoint = g->bound[0].endpoint, .fd = -1};
	activated[1] =
	    (struct activated){.endpoint = g->bound[0].endpoint, .fd = dup(g->bound[0].fd)};
	generation_release(g);
	conf = configuration(text);
	g = generation_bind(conf, NULL, activated, 2, &group, &problems);
	assert_non_null(g);
	assert_int_equal(activated[1].fd, -1);
	assert_true(listens(port));
	generation_release(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mailbox_names),
	    cmocka_unit_test(networks),
	    cmocka_unit_test(endpoints),
	    cmocka_unit_test(back_off),
	    cmocka_unit_test(admit_counts),
	    cmocka_unit_test(admit_rates),
	    cmocka_unit_test(free_uids),
	    cmocka_unit_test(status_texts),
	    cmocka_unit_test_setup_teardown(mailboxes_are_made, make_folders, remove_folders),
	    cmocka_unit_test_setup_teardown(strange_mailboxes_are_refused, make_folders,
					    remove_folders),
	    cmocka_unit_test_setup_teardown(strange_folders_are_refused, make_folders,
					    remove_folders),
	    cmocka_unit_test(reload_keeps_sockets),
	    cmocka_unit_test(reload_widens_an_address),
	    cmocka_unit_test(port_in_use),
	    cmocka_unit_test(activated_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
