/* SPDX-License-Identifier: ISC */
/*
 * Lies about an import: of posternctl to certd, and of an importer that was taken over by a file.
 * certd imports nothing, says so, and is there for the next one.
 */
#include "tests/unit/certd_support.h"

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/admin.h"
#include "certd/importer.h"
#include "common/log.h"
#include "common/sandbox.h"

#define PATIENCE 20000 /* milliseconds */

static struct fixture {
	struct folder folder;
	struct event_base *base;
	struct keygen *keygen;
	struct admins *admins;
	struct admin_target target;
	int fd;
	_Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
	struct ipc_message message;
} fixture;

static void
set_up(const char *importer)
{
	const struct mc_identity identity = {.uid = UINT32_MAX,
					     .gid = UINT32_MAX,
					     .sandbox = SANDBOX_REQUIRED,
					     .log_level = LOG_CRIT};
	struct error err;

	support_folder(&fixture.folder);
	fixture.base = event_base_new();
	fixture.keygen = keygen_new(fixture.base, &err);
	fixture.target = (struct admin_target){
	    .directory = fixture.folder.fd, .owner = getuid(), .vault = vault_new()};
	fixture.target.importer = importer_start(fixture.base, importer, &identity, &err);
	assert_non_null(fixture.target.importer);
	vault_set_folder(fixture.target.vault, fixture.folder.fd, getuid());
	fixture.admins = admins_new(fixture.base, &fixture.target, NULL, NULL);
	admins_open(fixture.admins, fixture.keygen);
	fixture.fd = -1;
}

static void
tear_down(void)
{
	if (fixture.fd != -1)
		close(fixture.fd);
	admins_free(fixture.admins);
	importer_stop(fixture.target.importer);
	keygen_free(fixture.keygen);
	vault_free(fixture.target.vault);
	event_base_free(fixture.base);
	support_remove_folder(&fixture.folder);
}

static void
connect_ctl(void)
{
	struct error err;
	int sv[2];

	if (fixture.fd != -1)
		close(fixture.fd);
	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(admins_add(fixture.admins, sv[1], &err), 0);
	fixture.fd = sv[0];
}

static void
ask(uint16_t type, const void *body, size_t size, const void *tail, size_t length, int fd)
{
	assert_int_equal(ipc_send_fd(fixture.fd, type, 7, body, size, tail, length, fd), 0);
}

/* The next message that is no progress; false: certd has cut us off. */
static bool
hear(void)
{
	struct error err;

	for (;;) {
		int got = ipc_receive(fixture.fd, &ctl_certd_boundary, IPC_CLIENT, 1,
				      fixture.buffer, &fixture.message, &err);

		if (got == 0)
			return false;
		if (got == 1 && fixture.message.type != CC_PROGRESS)
			return true;
		if (got == -1)
			event_base_loop(fixture.base, EVLOOP_ONCE);
	}
}

static bool
is_ok(void)
{
	assert_true(hear());
	assert_int_equal(fixture.message.type, CC_RESULT);
	return ((const struct cc_result *)fixture.message.body)->ok == 1;
}

/* FD is taken. */
static void
give_file(const char *name, int fd)
{
	ask(CC_IMPORT_FILE, NULL, 0, name, strlen(name), fd);
	close(fd);
	assert_true(is_ok());
}

static void
give(const char *name)
{
	give_file(name, open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/*
 * -- posternctl's ---------------------------------------------------------------
 */

static void
must_be_cut(void)
{
	assert_false(hear());
	connect_ctl();
}

static void
lies_of_posternctl(void **state)
{
	struct cc_import import = {.flags = 0};
	struct cc_import_passphrase phrase = {.given = 1};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	set_up("./postern-certd");
	connect_ctl();
	/* Names that are none. */
	ask(CC_IMPORT_FILE, NULL, 0, "", 0, fd);
	must_be_cut();
	ask(CC_IMPORT_FILE, NULL, 0, "../x", 4, fd);
	must_be_cut();
	ask(CC_IMPORT_FILE, NULL, 0, "a\0b", 3, fd);
	must_be_cut();
	/* Out of order. */
	ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
	must_be_cut();
	ask(CC_IMPORT_PASSPHRASE, &phrase, sizeof(phrase), "x", 1, -1);
	must_be_cut();
	give("a");
	ask(CC_IMPORT_PASSPHRASE, &phrase, sizeof(phrase), "x", 1, -1);
	must_be_cut();
	/* What can't be. */
	give("a");
	import.flags = 4;
	ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
	must_be_cut();
	import.flags = 0;
	give("a");
	memset(import.name, 'a', sizeof(import.name));
	ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
	must_be_cut();
	import = (struct cc_import){.zero = { 1 }};
	give("a");
	ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
	must_be_cut();
	/* Names that leave the folder, hide, or are a file's: in words. */
	for (const char *const *name =
		 (const char *const[]){"../x", ".x", "-x", "x.key", "a/b", "a b", NULL};
	     *name != NULL; name++) {
		import = (struct cc_import){.flags = 0};
		strlcpy(import.name, *name, sizeof(import.name));
		give("a");
		ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
		assert_false(is_ok());
	}
	/* More files than there is room for. */
	for (int i = 0; i < IMPORT_FILES_MAX; i++)
		give("a");
	ask(CC_IMPORT_FILE, NULL, 0, "a", 1, fd);
	assert_false(is_ok());
	close(fd);
	assert_int_equal(support_count(&fixture.folder), 0);
	tear_down();
}

/* Goes in the midst: the next one can import at once. */
static void
posternctl_that_leaves(void **state)
{
	const struct cc_import import = {.flags = 0};
	int pipes[2];

	(void)state;
	set_up("./postern-certd");
	connect_ctl();
	for (int i = 0; i < 3; i++) {
		/* It is waited for what never comes. */
		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		ask(CC_IMPORT_FILE, NULL, 0, "a", 1, pipes[0]);
		assert_true(is_ok());
		ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
		for (int n = 0; n < 10; n++)
			event_base_loop(fixture.base, EVLOOP_NONBLOCK);
		connect_ctl();
		event_base_loop(fixture.base, EVLOOP_NONBLOCK);
		close(pipes[0]);
		close(pipes[1]);
	}
	give("a");
	ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
	assert_false(is_ok());
	assert_non_null(strstr(fixture.message.tail, "is empty"));
	tear_down();
}

/*
 * -- The importer's -------------------------------------------------------------
 */

static void
lies_of_the_importer(void **state)
{
	static const char *const lies[] = {
	    "no-key",          "no-certificate", "another-file",  "lines",     "notes", "foreign",
	    "good-with-words", "neither",        "after-the-end", "too-early", "dies",  NULL};
	const struct cc_import import = {.flags = 0};

	(void)state;
	set_up("tests/attack/lying-importer");
	connect_ctl();
	for (const char *const *lie = lies; *lie != NULL; lie++) {
		give(*lie);
		ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
		if (is_ok())
			fail_msg("%s: %s", *lie, fixture.message.tail);
		assert_true(fixture.message.tail_length > 0);
		assert_int_equal(support_count(&fixture.folder), 0);
	}
	tear_down();
}

/* Asks for a pass phrase, and goes on without one. */
static void
an_impatient_importer(void **state)
{
	const struct cc_import_passphrase phrase = {.given = 1};
	const struct cc_import import = {.flags = 0};
	struct pollfd said = {.events = POLLERR};
	int ends[2];

	(void)state;
	set_up("tests/attack/lying-importer");
	connect_ctl();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	give_file("impatient", ends[0]);
	ask(CC_IMPORT, &import, sizeof(import), NULL, 0, -1);
	assert_true(hear());
	assert_int_equal(fixture.message.type, CC_DATA);
	assert_true(is_ok());
	/* It has let go of its file, so it has said all, and certd hears that before the phrase. */
	said.fd = ends[1];
	assert_int_equal(poll(&said, 1, PATIENCE), 1);
	event_base_loop(fixture.base, EVLOOP_NONBLOCK);
	close(ends[1]);
	ask(CC_IMPORT_PASSPHRASE, &phrase, sizeof(phrase), "x", 1, -1);
	assert_false(is_ok());
	tear_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lies_of_posternctl),
	    cmocka_unit_test(posternctl_that_leaves),
	    cmocka_unit_test(lies_of_the_importer),
	    cmocka_unit_test(an_impatient_importer),
	};

	log_set_level(LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
