/* SPDX-License-Identifier: ISC */
#include "tests/unit/gate_house.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/child.h"
#include "common/log.h"
#include "worker/roles.h"

#define PATIENCE 20 /* seconds */

int house_log = -1;

static void
run_gate(int control)
{
	static char name[] = "postern-gate", role[] = "gate", format[] = "stderr";
	static char *argv[] = {name, role, format, NULL};
	static const struct child_role *const roles[] = {&gate_role, NULL};

	if (dup2(control, CHILD_CONTROL_FD) == -1 ||
	    (house_log != -1 && dup2(house_log, STDERR_FILENO) == -1))
		_exit(99);
	child_main(3, argv, roles);
}

static void
tell(const struct house *h, uint16_t type, const void *body, size_t length, const void *tail,
     size_t tail_length, int fd)
{
	assert_int_equal(ipc_send_fd(h->control, type, 0, body, length, tail, tail_length, fd), 0);
}

/* Blocking, but not for ever. */
static void
patient(int fd)
{
	struct timeval tv = {.tv_sec = PATIENCE};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
}

static int
pair_end(int *theirs)
{
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	*theirs = sv[1];
	return sv[0];
}

static void
build(struct house *h, unsigned connections, const struct mg_settings *defences)
{
	struct mc_identity identity = {
	    .uid = UINT32_MAX, .sandbox = SANDBOX_BEST_EFFORT, .log_level = LOG_DEBUG};
	int theirs;

	memset(h, 0, sizeof(*h));
	h->control = pair_end(&theirs);
	fflush(NULL);
	h->gate = fork();
	assert_int_not_equal(h->gate, -1);
	if (h->gate == 0)
		run_gate(theirs);
	close(theirs);
	strlcpy(h->settings.hostname, "mail.test", sizeof(h->settings.hostname));
	h->settings.connections = connections;
	h->settings.handshake_timeout = 600;
	h->settings.command_timeout =
	    defences->command_timeout == 0 ? 600 : defences->command_timeout;
	h->settings.max_errors = 5;
	h->settings.max_message_size = 1 << 20;
	tell(h, MC_IDENTITY, &identity, sizeof(identity), NULL, 0, -1);
	h->settings.greeting_pause = defences->greeting_pause;
	h->settings.note_early = defences->note_early;
	h->settings.tarpit = defences->tarpit;
	tell(h, MG_SETTINGS, &h->settings, sizeof(h->settings), NULL, 0, -1);
}

void
house_build(struct house *h, unsigned connections)
{
	build(h, connections, &(struct mg_settings){.connections = 0});
}

void
house_build_with(struct house *h, const struct mg_settings *defences)
{
	build(h, 0, defences);
}

unsigned
house_listen(struct house *h, enum service service, enum tls_mode tls, bool plaintext_auth,
	     const struct network *networks, uint32_t allow, uint32_t deny)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(in);
	struct mg_listener listener = {.id = h->count,
				       .service = (uint8_t)service,
				       .tls = (uint8_t)tls,
				       .plaintext_auth = plaintext_auth ? 1 : 0,
				       .idle_timeout = 600,
				       .allow = allow,
				       .deny = deny};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd != -1 && h->count < HOUSE_LISTENERS);
	assert_int_equal(bind(fd, (struct sockaddr *)(void *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&in, &length), 0);
	tell(h, MG_LISTENER, &listener, sizeof(listener), networks,
	     (allow + deny) * sizeof(*networks), fd);
	h->ports[h->count] = ntohs(in.sin_port);
	h->listeners[h->count] = fd;
	return h->count++;
}

static int
give_channel(struct house *h, enum role role)
{
	struct mc_channel channel = {.peer_role = role};
	int theirs, ours = pair_end(&theirs);

	tell(h, MG_CHANNEL, &channel, sizeof(channel), NULL, 0, theirs);
	close(theirs);
	return ours;
}

void
house_new_accounts(struct house *h)
{
	h->accounts = give_channel(h, ROLE_ACCOUNTS);
}

void
house_open(struct house *h)
{
	house_new_accounts(h);
	h->queue = give_channel(h, ROLE_QUEUE);
	house_say(h, MC_START);
	close(give_channel(h, ROLE_CERTD));
	house_expect(h, MC_READY);
}

void
house_wait(struct house *h)
{
	int status;

	/* The end of its channel comes first, and may not be long in coming. */
	struct pollfd p = {.fd = h->control, .events = POLLIN};

	while (poll(&p, 1, PATIENCE * 1000) == 1 && (p.revents & POLLHUP) == 0) {
		struct heard heard;

		house_hear(h->control, &master_gate_boundary, IPC_CLIENT, &heard);
	}
	if ((p.revents & POLLHUP) == 0)
		kill(h->gate, SIGKILL);
	assert_int_equal(waitpid(h->gate, &status, 0), h->gate);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (unsigned i = 0; i < h->count; i++)
		close(h->listeners[i]);
	close(h->control);
	close(h->accounts);
	close(h->queue);
}

void
house_close(struct house *h)
{
	house_say(h, MC_SHUTDOWN);
	house_wait(h);
}

unsigned
house_cpu_milliseconds(const struct house *h)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(h->gate, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return (unsigned)(used.tv_sec * 1000 + used.tv_nsec / 1000000);
}

void
house_say(struct house *h, uint16_t type)
{
	tell(h, type, &(struct ipc_empty){0}, sizeof(struct ipc_empty), NULL, 0, -1);
}

void
house_hear(int fd, const struct ipc_boundary *boundary, enum ipc_side side, struct heard *heard)
{
	char *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct ipc_message message;
	struct error err;
	const struct ipc_rule *rule = NULL;

	assert_int_equal(poll(&p, 1, PATIENCE * 1000), 1);
	assert_int_equal(ipc_receive(fd, boundary, side, IPC_ANY_STATE, buffer, &message, &err), 1);
	for (size_t i = 0; i < boundary->count; i++)
		if (boundary->rules[i].type == message.type)
			rule = &boundary->rules[i];
	assert_non_null(rule);
	heard->type = message.type;
	heard->id = message.id;
	assert_true(rule->body <= sizeof(heard->body));
	memcpy(&heard->body, message.body, rule->body);
	assert_true(message.tail_length <= sizeof(heard->tail));
	memcpy(heard->tail, message.tail, message.tail_length);
	heard->tail_length = message.tail_length;
	if (message.fd != -1)
		close(message.fd);
	free(buffer);
}

void
house_answer(int fd, uint16_t type, uint32_t id, const void *body, size_t length, int with)
{
	assert_int_equal(ipc_send_fd(fd, type, id, body, length, NULL, 0, with), 0);
}

void
house_admit(struct house *h, enum mg_verdict verdict)
{
	struct mg_admitted admitted = {.verdict = verdict};
	struct heard heard;

	house_hear(h->control, &master_gate_boundary, IPC_CLIENT, &heard);
	assert_int_equal(heard.type, MG_ADMIT);
	house_answer(h->control, MG_ADMITTED, heard.id, &admitted, sizeof(admitted), -1);
}

void
house_expect(struct house *h, uint16_t type)
{
	struct heard heard;

	house_hear(h->control, &master_gate_boundary, IPC_CLIENT, &heard);
	assert_int_equal(heard.type, type);
}

int
client_connect(struct house *h, unsigned listener)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(h->ports[listener])};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	patient(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)(void *)&in, sizeof(in)), 0);
	return fd;
}

int
client_admitted(struct house *h, unsigned listener)
{
	int fd = client_connect(h, listener);

	house_admit(h, MG_ADMIT_OK);
	return fd;
}

void
client_send(int fd, const char *text)
{
	size_t length = strlen(text);

	assert_int_equal(send(fd, text, length, MSG_NOSIGNAL), length);
}

void
client_expect(int fd, const char *text)
{
	static char buffer[4096];
	size_t length = strlen(text);

	assert_true(length < sizeof(buffer));
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(recv(fd, buffer, length, MSG_WAITALL), length);
	assert_string_equal(buffer, text);
}

const char *
client_read_until(int fd, const char *end)
{
	static char buffer[65536];
	size_t used = 0, n = strlen(end);

	while (used < n || memcmp(buffer + used - n, end, n) != 0) {
		assert_true(used + 1 < sizeof(buffer));
		assert_int_equal(recv(fd, buffer + used, 1, 0), 1);
		used++;
	}
	buffer[used] = '\0';
	return buffer;
}

void
client_expect_end(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, 0), 0);
}

void
client_toy_handshake(int fd)
{
	client_send(fd, TOY_HELLO);
	client_expect(fd, TOY_HELLO);
}

static void
turn_over(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(bytes[i] ^ TOY_KEY);
}

void
client_toy_send(int fd, const char *text)
{
	char buffer[4096];
	size_t length = strlen(text);

	assert_true(length <= sizeof(buffer));
	memcpy(buffer, text, length);
	turn_over(buffer, length);
	assert_int_equal(send(fd, buffer, length, MSG_NOSIGNAL), length);
}

void
client_toy_expect(int fd, const char *text)
{
	char buffer[4096] = {0};
	size_t length = strlen(text);

	assert_true(length < sizeof(buffer));
	assert_int_equal(recv(fd, buffer, length, MSG_WAITALL), length);
	turn_over(buffer, length);
	assert_string_equal(buffer, text);
}
