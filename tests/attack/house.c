/* SPDX-License-Identifier: ISC */
#include "tests/attack/house.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/child.h"
#include "common/proto/accounts_queue.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/ctl_lookup.h"
#include "common/proto/master_accounts.h"
#include "common/proto/master_certd.h"
#include "common/proto/master_filter.h"
#include "common/proto/master_queue.h"
#include "common/proto/master_relay.h"
#include "common/proto/master_session.h"
#include "common/proto/master_verify.h"
#include "common/proto/queue_filter.h"

#define PATIENCE 60000 /* milliseconds until a test gives up; nothing else depends on it */

/* "secret", by a cheap setting: these tests are not about hashing. */
#define HASH                                                                      \
	"$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/" \
	"Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/"
#define VERIFIER                                                                           \
	"SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$Ce3wZiZ+yIBCjltccfRiqM0+XDsLE3qPdkEe" \
	"ZKe3hus=:k3q4nlLsA09ST5FLo9zNmfyXR+Ci1J4KmBK5JRVSxeI="
static const char accounts_text[] =
    "accounts = ( { address = \"alice@example.org\"; password = [ \"" HASH "\", \"" VERIFIER
    "\" ]; },\n"
    "             { address = \"bob@example.org\"; password = \"" HASH "\"; } );\n";

static const struct ipc_empty empty;

char house_folder[64];

static void
path_below(char *path, size_t size, const char *name)
{
	assert_true(snprintf(path, size, "%s/%s", house_folder, name) < (int)size);
}

static int
open_folder(const char *name)
{
	char path[128];
	int fd;

	path_below(path, sizeof(path), name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	return fd;
}

void
house_clean(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", house_folder);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
}

/* -- The master's part --------------------------------------------------------- */

/* Sends a control message; FD is closed here. */
static void
tell(const struct house_child *child, uint16_t type, const void *body, size_t length,
     const char *tail, size_t tail_length, int fd)
{
	assert_int_equal(ipc_send_fd(child->control, type, 0, body, length, tail, tail_length, fd),
			 0);
	if (fd != -1)
		close(fd);
}

static struct house_child
spawn(const char *program, const char *role, const struct ipc_boundary *boundary)
{
	struct house_child child = {.boundary = boundary};
	const char *build = getenv("POSTERN_BUILD");
	struct mc_identity identity;
	struct error err;
	char path[4096];

	memset(&identity, 0, sizeof(identity));
	identity.uid = UINT32_MAX;
	identity.gid = UINT32_MAX;
	identity.sandbox = SANDBOX_REQUIRED;
	identity.log_level = LOG_CRIT;
	snprintf(path, sizeof(path), "%s/%s", build != NULL ? build : ".", program);
	child.pid = child_spawn(&(struct child_spec){path, role, &identity, STDERR_FILENO},
				&child.control, &err);
	assert_true(child.pid > 0);
	return child;
}

int
house_receive(int channel, const struct ipc_boundary *boundary, enum ipc_side side,
	      struct ipc_message *message)
{
	static char *buffer;
	struct pollfd waiting = {.fd = channel, .events = POLLIN};
	struct error err;

	if (buffer == NULL)
		buffer = malloc(IPC_MESSAGE_MAX + 1);
	assert_non_null(buffer);
	assert_int_equal(poll(&waiting, 1, PATIENCE), 1);
	message->fd = -1;
	/* A channel that is closed with our bytes unread ends with an error, not with 0. */
	return ipc_receive(channel, boundary, side, UINT32_MAX, buffer, message, &err) == 1;
}

void
house_must_be_cut(int channel)
{
	struct pollfd waiting = {.fd = channel, .events = POLLIN};
	char byte;

	do {
		assert_int_equal(poll(&waiting, 1, PATIENCE), 1);
	} while (recv(channel, &byte, 1, MSG_DONTWAIT) > 0);
	close(channel);
}

/* MC_START, and whatever comes until MC_READY. */
static void
start(const struct house_child *child)
{
	struct ipc_message message = {.type = 0};

	tell(child, MC_START, &empty, sizeof(empty), NULL, 0, -1);
	while (message.type != MC_READY) {
		assert_int_equal(
		    house_receive(child->control, child->boundary, IPC_CLIENT, &message), 1);
		if (message.fd != -1)
			close(message.fd);
	}
}

void
house_end(struct house_child *child)
{
	int status = 0;

	assert_int_equal(waitpid(child->pid, &status, WNOHANG), 0);
	close(child->control);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

bool
house_send(int channel, uint16_t type, uint32_t id, const void *body, size_t length,
	   const char *tail, size_t tail_length)
{
	struct pollfd room = {.fd = channel, .events = POLLOUT};

	while (ipc_send_fd(channel, type, id, body, length, tail, tail_length, -1) == -1) {
		if (errno != EAGAIN)
			return false;
		assert_int_equal(poll(&room, 1, PATIENCE), 1);
	}
	return true;
}

void
house_must_end(struct house_child *child)
{
	int status = 0;

	house_must_be_cut(child->control);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status)); /* not by a signal: it is no crash */
}

/* -- The children ---------------------------------------------------------------- */

struct house_child
house_certd(void)
{
	struct house_child child = spawn("postern-certd", "certd", &master_certd_boundary);
	struct md_settings settings = {.uid = (uint32_t)geteuid()};

	tell(&child, MD_SETTINGS, &settings, sizeof(settings), NULL, 0, open_folder("certs"));
	start(&child);
	return child;
}

struct house_child
house_accounts(void)
{
	static const char domains[] = "example.org";
	struct house_child child = spawn("postern-worker", "accounts", &master_accounts_boundary);
	struct ma_settings settings = {.hostname = "localhost", .count = 1, .threads = 1};
	struct ma_file file = {.generation = 1};
	char path[128];
	int fd;

	path_below(path, sizeof(path), "accounts.conf");
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, accounts_text, strlen(accounts_text)), strlen(accounts_text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	tell(&child, MA_SETTINGS, &settings, sizeof(settings), domains, sizeof(domains), -1);
	tell(&child, MA_FILE, &file, sizeof(file), NULL, 0, fd);
	start(&child);
	return child;
}

struct house_child
house_verify(void)
{
	struct house_child child = spawn("postern-verify", "verify", &master_verify_boundary);

	start(&child);
	return child;
}

static struct house_child
start_queue(const struct mq_settings *settings)
{
	struct house_child child = spawn("postern-worker", "queue", &master_queue_boundary);

	tell(&child, MQ_SETTINGS, settings, sizeof(*settings), NULL, 0, open_folder("queue"));
	start(&child);
	return child;
}

struct house_child
house_queue(void)
{
	return start_queue(&(struct mq_settings){.hostname = "localhost",
						 .max_message_size = 1 << 20,
						 .max_recipients = 100,
						 .check_author = 1,
						 .retry = 60});
}

struct house_child
house_checking_queue(void)
{
	return start_queue(
	    &(struct mq_settings){.hostname = "localhost",
				  .max_message_size = 1 << 20,
				  .max_recipients = 100,
				  .filter_kinds = FILTER_STRANGER | FILTER_SUBMITTER,
				  .filter_envelope_strangers = FILTER_ENVELOPE_HERE,
				  .filter_envelope_submitters = FILTER_ENVELOPE_ANYWHERE,
				  .relay = REACH_DOMAINS,
				  .retry = 60});
}

struct house_child
house_session(void)
{
	struct house_child child = spawn("postern-worker", "session", &master_session_boundary);
	struct ms_settings settings = {.mailbox = "alice@example.org",
				       .hostname = "localhost",
				       .linger = 3600,
				       .idle_timeout = 3600};

	tell(&child, MS_SETTINGS, &settings, sizeof(settings), NULL, 0, open_folder("mailbox"));
	start(&child);
	return child;
}

struct house_child
house_relay(void)
{
	struct house_child child = spawn("postern-relay", "relay", &master_relay_boundary);
	struct mr_settings settings = {.hostname = "localhost"};
	const struct mr_table table = {.routes = 1, .reply_seconds = 60};
	const struct mr_route route = {
	    .domain = "*", .host = "127.0.0.1", .port = 1, .connections = 20};

	strlcpy(settings.resolvers[0], "127.0.0.1@1", sizeof(settings.resolvers[0]));
	tell(&child, MR_SETTINGS, &settings, sizeof(settings), NULL, 0, -1);
	tell(&child, MR_TABLE, &table, sizeof(table), NULL, 0, -1);
	tell(&child, MR_ROUTE, &route, sizeof(route), NULL, 0, -1);
	start(&child);
	return child;
}

struct house_child
house_filter(void)
{
	struct house_child child = spawn("postern-filter", "filter", &master_filter_boundary);
	struct mf_settings settings = {.hostname = "localhost", .max_message_size = 100000};

	strlcpy(settings.resolvers[0], "127.0.0.1@1", sizeof(settings.resolvers[0]));
	tell(&child, MF_SETTINGS, &settings, sizeof(settings), NULL, 0, -1);
	start(&child);
	return child;
}

struct house_child
house_lookup(void)
{
	struct house_child child = spawn("postern-lookup", "lookup", &ctl_lookup_boundary);
	struct cl_settings settings = {.resolvers = {"127.0.0.1@1"}};

	tell(&child, CL_SETTINGS, &settings, sizeof(settings), NULL, 0, -1);
	start(&child);
	return child;
}

/* -- Channels ----------------------------------------------------------------------- */

/* Sends one end of a pair with a control message; the other end. */
static int
hand_out(const struct house_child *child, uint16_t type, const void *body, size_t length,
	 const char *tail, size_t tail_length)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	tell(child, type, body, length, tail, tail_length, sv[0]);
	return sv[1];
}

static int
hand_out_to_peer(const struct house_child *child, uint16_t type, enum role peer)
{
	struct mc_channel channel = {.peer_role = peer, .peer = 1};

	return hand_out(child, type, &channel, sizeof(channel), NULL, 0);
}

int
house_gate_to_certd(const struct house_child *child, const char *key_name)
{
	struct md_gate gate = {.gate = 1, .count = 1};

	return hand_out(child, MD_GATE, &gate, sizeof(gate), key_name, strlen(key_name) + 1);
}

int
house_gate_to_certd_by_host(const struct house_child *child, const char *host)
{
	struct md_gate gate = {.gate = 1};

	strlcpy(gate.host, host, sizeof(gate.host));
	return hand_out(child, MD_GATE, &gate, sizeof(gate), NULL, 0);
}

int
house_admin_to_certd(const struct house_child *child)
{
	return hand_out(child, MD_ADMIN, &empty, sizeof(empty), NULL, 0);
}

int
house_gate_to_accounts(const struct house_child *child)
{
	return hand_out_to_peer(child, MA_CHANNEL, ROLE_GATE);
}

int
house_trusting_gate_to_accounts(const struct house_child *child, uint32_t trust)
{
	struct mc_channel channel = {.peer_role = ROLE_GATE, .peer = 1};

	return hand_out(child, MA_CHANNEL, &channel, sizeof(channel), (const char *)&trust,
			sizeof(trust));
}

int
house_verify_to_accounts(const struct house_child *child)
{
	return hand_out_to_peer(child, MA_CHANNEL, ROLE_VERIFY);
}

int
house_accounts_to_verify(const struct house_child *child)
{
	return hand_out_to_peer(child, MV_CHANNEL, ROLE_ACCOUNTS);
}

void
house_join(const struct house_child *accounts, const struct house_child *verify)
{
	struct mc_channel to_verify = {.peer_role = ROLE_VERIFY, .peer = 1};
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	tell(accounts, MA_CHANNEL, &to_verify, sizeof(to_verify), NULL, 0, sv[0]);
	to_verify.peer_role = ROLE_ACCOUNTS;
	tell(verify, MV_CHANNEL, &to_verify, sizeof(to_verify), NULL, 0, sv[1]);
}

int
house_queue_to_accounts(const struct house_child *child)
{
	return hand_out_to_peer(child, MA_CHANNEL, ROLE_QUEUE);
}

int
house_gate_to_queue(const struct house_child *child)
{
	return hand_out_to_peer(child, MQ_CHANNEL, ROLE_GATE);
}

int
house_accounts_to_queue(const struct house_child *child)
{
	return hand_out_to_peer(child, MQ_CHANNEL, ROLE_ACCOUNTS);
}

int
house_queue_to_session(const struct house_child *child)
{
	return hand_out(child, MS_DELIVERY, &empty, sizeof(empty), NULL, 0);
}

int
house_queue_to_relay(const struct house_child *child)
{
	return hand_out_to_peer(child, MR_CHANNEL, ROLE_QUEUE);
}

int
house_queue_to_filter(const struct house_child *child)
{
	return hand_out_to_peer(child, MF_CHANNEL, ROLE_QUEUE);
}

int
house_filter_to_queue(const struct house_child *child)
{
	return hand_out_to_peer(child, MQ_CHANNEL, ROLE_FILTER);
}

int
house_queue_to_certd(const struct house_child *child)
{
	return hand_out(child, MD_QUEUE, &empty, sizeof(empty), NULL, 0);
}

int
house_relay_to_certd(const struct house_child *child)
{
	const struct md_relay_keys keys = {.count = 1};

	tell(child, MD_RELAY_KEYS, &keys, sizeof(keys), "mine", sizeof("mine"), -1);
	return hand_out(child, MD_RELAY, &empty, sizeof(empty), NULL, 0);
}

int
house_certd_to_relay(const struct house_child *child)
{
	return hand_out_to_peer(child, MR_CHANNEL, ROLE_CERTD);
}

int
house_certd_to_queue(const struct house_child *child)
{
	return hand_out_to_peer(child, MQ_CHANNEL, ROLE_CERTD);
}

int
house_submitter_to_queue(int accounts)
{
	const struct aq_submitter submitter = {.conn = 1};
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(ipc_send_fd(accounts, AQ_SUBMITTER, 0, &submitter, sizeof(submitter),
				     "alice@example.org", 17, sv[1]),
			 0);
	close(sv[1]);
	return sv[0];
}

int
house_relay_to_queue(const struct house_child *child)
{
	return hand_out_to_peer(child, MQ_CHANNEL, ROLE_RELAY);
}

int
house_admin_to_queue(const struct house_child *child)
{
	return hand_out(child, MQ_ADMIN, &empty, sizeof(empty), NULL, 0);
}

/* Two keys, made the way an administrator makes them. */
static void
make_keys(void)
{
	static const char *const names[] = {"mine", "theirs"};
	struct house_child child = house_certd();
	struct ipc_message message;

	for (size_t i = 0; i < 2; i++) {
		struct cc_create create = {.key = CERT_KEY_P256, .days = 30, .count = 1};
		int admin = house_admin_to_certd(&child);

		strlcpy(create.name, names[i], sizeof(create.name));
		assert_int_equal(ipc_send_fd(admin, CC_CREATE, 1, &create, sizeof(create),
					     "localhost", sizeof("localhost"), -1),
				 0);
		do {
			assert_int_equal(
			    house_receive(admin, &ctl_certd_boundary, IPC_CLIENT, &message), 1);
		} while (message.type == CC_PROGRESS);
		assert_int_equal(message.type, CC_RESULT);
		assert_int_equal(((const struct cc_result *)message.body)->ok, 1);
		close(admin);
	}
	house_end(&child);
}

void
house_make(void)
{
	static const char *const folders[] = {"certs", "queue", "mailbox"};
	char path[128];

	strlcpy(house_folder, "/tmp/postern-house-XXXXXX", sizeof(house_folder));
	assert_non_null(mkdtemp(house_folder));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		path_below(path, sizeof(path), folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	make_keys();
}

int
house_setup(void **state)
{
	(void)state;
	house_make();
	return 0;
}

int
house_teardown(void **state)
{
	(void)state;
	house_clean();
	return 0;
}

void
house_admin_must_be_cut(const struct house_child *certd, uint16_t type, uint32_t id,
			const void *body, size_t size, int fd)
{
	int channel = house_admin_to_certd(certd);

	assert_int_equal(ipc_send_fd(channel, type, id, body, size, NULL, 0, fd), 0);
	house_must_be_cut(channel);
}
