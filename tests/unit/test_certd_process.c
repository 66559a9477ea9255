/* SPDX-License-Identifier: ISC */
/*
 * The program itself, in its sandbox, as the master starts it: it signs, makes, reloads, drains;
 * and its memory, as far as this test may look at it, has no key in it but where keys belong.
 */
#include "config.h"

#include "tests/unit/certd_support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "common/child.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/gate_certd.h"
#include "common/proto/master_certd.h"

#define DEADLINE 60000 /* milliseconds, for machines that do something else as well */

static struct process {
	struct folder folder;
	pid_t pid;
	int control;
	_Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
} process;

static void
receive_any(int fd, const struct ipc_boundary *boundary, struct ipc_message *message)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	struct error err = {""};

	assert_int_equal(poll(&waiting, 1, DEADLINE), 1);
	if (ipc_receive(fd, boundary, IPC_CLIENT, 1, process.buffer, message, &err) != 1)
		fail_msg("no message: %s", err.text);
}

static void
receive(int fd, const struct ipc_boundary *boundary, uint16_t type, struct ipc_message *message)
{
	receive_any(fd, boundary, message);
	assert_int_equal(message->type, type);
}

static void
send_control(uint16_t type, const void *body, size_t length, const char *tail, size_t tail_length,
	     int fd)
{
	const struct ipc_empty empty = {{0}};

	assert_int_equal(ipc_send_fd(process.control, type, 0, body != NULL ? body : &empty,
				     body != NULL ? length : sizeof(empty), tail, tail_length, fd),
			 0);
}

static int
send_end(uint16_t type, const void *body, size_t length, const char *tail, size_t tail_length)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	send_control(type, body, length, tail, tail_length, sv[1]);
	close(sv[1]);
	return sv[0];
}

static int
open_gate(uint32_t number, const char *names, size_t length, uint32_t count)
{
	const struct md_gate gate = {.gate = number, .count = count};

	return send_end(MD_GATE, &gate, sizeof(gate), names, length);
}

static void
start(void)
{
	static const struct mc_identity identity = {
	    .uid = UINT32_MAX, .sandbox = SANDBOX_REQUIRED, .log_level = LOG_INFO};
	const struct child_spec spec = {"./postern-certd", "certd", &identity, STDERR_FILENO};
	const struct md_settings settings = {.uid = getuid()};
	struct error err;

	process.pid = child_spawn(&spec, &process.control, &err);
	assert_true(process.pid > 0);
	send_control(MD_SETTINGS, &settings, sizeof(settings), NULL, 0, process.folder.fd);
}

static void
await_ready(void)
{
	struct ipc_message message;

	send_control(MC_START, NULL, 0, NULL, 0, -1);
	receive(process.control, &master_certd_boundary, MC_READY, &message);
}

static int
await_end(void)
{
	int status;

	assert_int_equal(waitpid(process.pid, &status, 0), process.pid);
	process.pid = -1;
	return status;
}

static int
setup(void **state)
{
	(void)state;
	support_folder(&process.folder);
	support_write_pair(&process.folder, "a", support_pkey(KEY_RSA));
	support_write_pair(&process.folder, "b", support_pkey(KEY_P256));
	start();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (process.pid > 0) {
		kill(process.pid, SIGKILL);
		await_end();
	}
	close(process.control);
	support_remove_folder(&process.folder);
	return 0;
}

static uint32_t
receive_greeting(int fd, const char *name)
{
	struct ipc_message message;
	uint32_t key;

	receive(fd, &gate_certd_boundary, GC_CERTIFICATE, &message);
	assert_string_equal(((const struct gc_certificate *)message.body)->name, name);
	key = ((const struct gc_certificate *)message.body)->key;
	receive(fd, &gate_certd_boundary, GC_TICKET_KEYS, &message);
	receive(fd, &gate_certd_boundary, GC_READY, &message);
	return key;
}

static void
sign(int fd, uint32_t key, uint16_t scheme)
{
	const struct gc_tls13_server request = {.key = key, .scheme = scheme, .hash_length = 32};
	struct ipc_message message;

	assert_int_equal(
	    ipc_send_fd(fd, GC_TLS13_SERVER, 1, &request, sizeof(request), NULL, 0, -1), 0);
	receive(fd, &gate_certd_boundary, GC_SIGNED, &message);
}

static void
create(int fd, const char *name, uint32_t key, uint32_t expected)
{
	struct cc_create request = {.key = key, .days = 10, .count = 1};
	struct ipc_message message;

	strlcpy(request.name, name, sizeof(request.name));
	assert_int_equal(
	    ipc_send_fd(fd, CC_CREATE, 1, &request, sizeof(request), "mail.example.org", 17, -1),
	    0);
	/* How far it is comes each second: none where the key is quick. */
	do
		receive_any(fd, &ctl_certd_boundary, &message);
	while (message.type == CC_PROGRESS);
	assert_int_equal(message.type, CC_RESULT);
	assert_int_equal(((const struct cc_result *)message.body)->ok, expected);
}

static void
test_life(void **state)
{
	struct ipc_message message;
	int first, second, admin;
	uint32_t a, b;

	(void)state;
	first = open_gate(1, "a", 2, 1);
	await_ready();
	second = open_gate(2, "b\0new", 6, 2);
	a = receive_greeting(first, "a");
	b = receive_greeting(second, "b");
	for (int i = 0; i < 20; i++) {
		sign(first, a, 0x0804);
		sign(second, b, 0x0403);
	}
	admin = send_end(MD_ADMIN, NULL, 0, NULL, 0);
	create(admin, "new", CERT_KEY_RSA_2048, 1);
	create(admin, "new", CERT_KEY_RSA_2048, 0);
	create(admin, "newer", CERT_KEY_ED25519, 1);
	assert_int_equal(support_count(&process.folder), 2 + 2 + 3 + 3);
	receive(second, &gate_certd_boundary, GC_CERTIFICATE, &message);
	sign(second, ((const struct gc_certificate *)message.body)->key, 0x0806);

	support_write_pair(&process.folder, "b", support_pkey(KEY_P384));
	send_control(MD_RELOAD, NULL, 0, NULL, 0, -1);
	receive(second, &gate_certd_boundary, GC_CERTIFICATE, &message);
	sign(second, ((const struct gc_certificate *)message.body)->key, 0x0503);
	sign(second, b, 0x0403);

	/* It stays for those it has, and goes with the last of them. */
	send_control(MC_DRAIN, NULL, 0, NULL, 0, -1);
	sign(first, a, 0x0804);
	close(first);
	sign(second, b, 0x0403);
	close(admin);
	close(second);
	assert_int_equal(await_end(), 0);
}

static void
test_master_gone(void **state)
{
	(void)state;
	await_ready();
	shutdown(process.control, SHUT_RDWR);
	assert_int_equal(await_end(), 0);
}

static void
test_bad_folder(void **state)
{
	(void)state;
	assert_int_equal(fchmod(process.folder.fd, 0755), 0);
	send_control(MC_START, NULL, 0, NULL, 0, -1);
	assert_int_equal(WEXITSTATUS(await_end()), 1);
}

/* A gate without TLS may use no key, and is told so politely. */
static void
test_no_names(void **state)
{
	struct ipc_message message;
	int fd;

	(void)state;
	await_ready();
	fd = open_gate(1, NULL, 0, 0);
	receive(fd, &gate_certd_boundary, GC_TICKET_KEYS, &message);
	receive(fd, &gate_certd_boundary, GC_READY, &message);
	close(fd);
}

/* -- Its memory ------------------------------------------------------------------ */

struct needle {
	const char *name;
	uint8_t bytes[64];
	size_t length;
	int found;
	int found_unlocked; /* in memory that may be swapped, or put into a core file */
};

static void
search(struct needle *needles, size_t count, const uint8_t *bytes, size_t length, bool locked)
{
	for (size_t i = 0; i < count; i++) {
		if (memmem(bytes, length, needles[i].bytes, needles[i].length) == NULL)
			continue;
		needles[i].found++;
		if (!locked)
			needles[i].found_unlocked++;
	}
}

/* Looks through everything the process can write to. False if this test may not. */
static bool
search_process(struct needle *needles, size_t count)
{
	unsigned long from = 0, to = 0, a, b;
	char path[64], line[512];
	FILE *maps;
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)process.pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)process.pid);
	maps = fopen(path, "re");
	if (memory == -1 || maps == NULL)
		return false;
	while (fgets(line, sizeof(line), maps) != NULL) {
		bool locked = strstr(line, " lo") != NULL && strstr(line, " dd") != NULL;
		uint8_t *bytes;
		ssize_t n;

		if (sscanf(line, "%lx-%lx", &a, &b) == 2 && strstr(line, " rw") != NULL) {
			from = a;
			to = b;
		}
		/* The last line of each mapping. */
		if (strncmp(line, "VmFlags:", 8) != 0 || to - from > 256UL << 20 || from == to)
			continue;
		bytes = malloc(to - from);
		assert_non_null(bytes);
		n = pread(memory, bytes, to - from, (off_t)from);
		if (n > 0)
			search(needles, count, bytes, (size_t)n, locked);
		free(bytes);
		from = to = 0;
	}
	fclose(maps);
	close(memory);
	return true;
}

/* A file's text, taken from the middle of its PEM. */
static void
needle_of_file(struct needle *needle, const char *name, const char *file)
{
	int fd = openat(process.folder.fd, file, O_RDONLY | O_CLOEXEC);

	*needle = (struct needle){.name = name, .length = 40};
	assert_int_equal(pread(fd, needle->bytes, 40, 200), 40);
	close(fd);
}

/* A prime: as it is in DER, and as OpenSSL computes with it. */
static void
needles_of_prime(struct needle *der, struct needle *limbs, EVP_PKEY *pkey)
{
	uint8_t bytes[128];
	BIGNUM *prime = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "rsa-factor1", &prime), 1);
	assert_int_equal(BN_num_bytes(prime), 128);
	*der = (struct needle){.name = "a prime", .length = 40};
	BN_bn2bin(prime, bytes);
	memcpy(der->bytes, bytes + 20, 40);
	*limbs = (struct needle){.name = "a prime in limbs", .length = 40};
	BN_bn2nativepad(prime, bytes, sizeof(bytes));
	memcpy(limbs->bytes, bytes + 20, 40);
	BN_clear_free(prime);
}

static void
needle_of_certificate(struct needle *needle, const struct ipc_message *message)
{
	*needle = (struct needle){.name = "a certificate", .length = 40};
	memcpy(needle->bytes, message->tail + 150, 40);
}

static void
test_wiped(void **state)
{
	struct needle needles[5];
	struct ipc_message message;
	int gate, admin;
	uint32_t key;

	(void)state;
	await_ready();
	admin = send_end(MD_ADMIN, NULL, 0, NULL, 0);
	create(admin, "new", CERT_KEY_RSA_2048, 1);
	gate = open_gate(1, "a", 2, 1);
	receive(gate, &gate_certd_boundary, GC_CERTIFICATE, &message);
	needle_of_certificate(&needles[0], &message);
	key = ((const struct gc_certificate *)message.body)->key;
	receive(gate, &gate_certd_boundary, GC_TICKET_KEYS, &message);
	receive(gate, &gate_certd_boundary, GC_READY, &message);
	sign(gate, key, 0x0804);
	needle_of_file(&needles[1], "a.key", "a.key");
	needle_of_file(&needles[2], "new.key", "new.key");
	needles_of_prime(&needles[3], &needles[4], support_pkey(KEY_RSA));
	if (!search_process(needles, 5)) {
		print_message("not allowed to look into the process\n");
		skip();
	}
	assert_true(needles[0].found > 0); /* the search finds what is there */
	assert_true(needles[4].found > 0); /* it signs with it, after all */
#ifndef SANITIZED
	assert_int_equal(needles[4].found_unlocked, 0);
#endif
	for (size_t i = 1; i < 4; i++) {
		if (needles[i].found != 0)
			fail_msg("%s is in memory %d times", needles[i].name, needles[i].found);
	}
	close(gate);
	close(admin);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_life, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_master_gone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_names, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wiped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
