/* SPDX-License-Identifier: ISC */
/* A peer that breaks the protocol between processes is cut off, and its descriptors are closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>

#include "common/ipc.h"
#include "common/proto/boundaries.h"

struct greeting {
	uint32_t number;
	uint32_t zero;
};

#define TEST_MESSAGES(X)                                                          \
	X(T_HELLO, 1, IPC_CLIENT, struct greeting, 16, IPC_NO_FD, 1u)             \
	X(T_GIVE, 2, IPC_CLIENT, struct ipc_empty, 0, IPC_WITH_FD, IPC_ANY_STATE) \
	X(T_ANSWER, 3, IPC_SERVER, struct greeting, 0, IPC_NO_FD, IPC_ANY_STATE)  \
	X(T_BAD, 4, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)    \
	X(T_CLOSE, 5, IPC_CLIENT, struct ipc_empty, 0, IPC_NO_FD, IPC_ANY_STATE)
enum { TEST_MESSAGES(IPC_ENUM) };
static const struct ipc_rule test_rules[] = {TEST_MESSAGES(IPC_RULE)};
static const struct ipc_boundary test_boundary = {"test", test_rules,
						  sizeof(test_rules) / sizeof(test_rules[0])};

/* -- The check --------------------------------------------------------------- */

struct packet {
	struct ipc_header header;
	char bytes[64];
};

static enum ipc_verdict
check(struct packet *packet, uint32_t length, uint32_t state, size_t fds)
{
	const struct ipc_rule *rule;

	packet->header.length = length;
	return ipc_check(&test_boundary, IPC_SERVER, state, packet, sizeof(packet->header) + length,
			 fds, &rule);
}

static void
check_verdicts(void **state)
{
	struct packet hello = {.header = {.type = T_HELLO}};
	struct packet give = {.header = {.type = T_GIVE}};
	struct packet answer = {.header = {.type = T_ANSWER}};
	struct packet unknown = {.header = {.type = 99}};
	struct packet odd = {.header = {.type = T_HELLO, .reserved = 1}};
	const struct ipc_rule *rule;

	(void)state;
	assert_int_equal(check(&hello, 8, 1, 0), IPC_OK);
	assert_int_equal(check(&hello, 8 + 16, 1, 0), IPC_OK);
	assert_int_equal(check(&hello, 8 + 17, 1, 0), IPC_WRONG_LENGTH);
	assert_int_equal(check(&hello, 7, 1, 0), IPC_WRONG_LENGTH);
	assert_int_equal(check(&hello, 0, 1, 0), IPC_WRONG_LENGTH);
	assert_int_equal(check(&hello, 8, 2, 0), IPC_WRONG_STATE);
	assert_int_equal(check(&hello, 8, 1, 1), IPC_UNEXPECTED_FD);
	assert_int_equal(check(&give, 4, 1, 0), IPC_MISSING_FD);
	assert_int_equal(check(&give, 4, 1, 1), IPC_OK);
	assert_int_equal(check(&give, 4, 1, 2), IPC_UNEXPECTED_FD);
	assert_int_equal(check(&answer, 8, 1, 0), IPC_WRONG_SENDER);
	assert_int_equal(check(&unknown, 4, 1, 0), IPC_UNKNOWN);
	assert_int_equal(check(&odd, 8, 1, 0), IPC_BAD_HEADER);
	assert_int_equal(ipc_check(&test_boundary, IPC_SERVER, 1, &hello, 3, 0, &rule),
			 IPC_BAD_HEADER);
	hello.header.length = 9;
	assert_int_equal(
	    ipc_check(&test_boundary, IPC_SERVER, 1, &hello, sizeof(hello.header) + 8, 0, &rule),
	    IPC_BAD_HEADER);
}

/* Every rule of every boundary can be satisfied, fits a datagram, and has a type of its own. */
static void
boundaries_are_sound(void **state)
{
	(void)state;
	for (const struct ipc_boundary *const *b = ipc_boundaries; *b != NULL; b++) {
		for (size_t i = 0; i < (*b)->count; i++) {
			const struct ipc_rule *rule = &(*b)->rules[i];

			assert_true(rule->type != 0);
			assert_true(rule->states != 0);
			assert_true(sizeof(struct ipc_header) + rule->body + rule->tail <=
				    IPC_MESSAGE_MAX);
			for (size_t k = 0; k < i; k++)
				assert_true((*b)->rules[k].type != rule->type);
		}
	}
}

/* -- Channels ---------------------------------------------------------------- */

struct end {
	struct event_base *base;
	struct ipc_channel *channel;
	int hellos;
	int ended;
	int replies;
	int nothings; /* replies that were NULL */
	uint32_t last;
	int given;
};

static int
on_hello(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct end *end = context;
	const struct greeting *greeting = message->body;

	end->hellos++;
	end->last = greeting->number;
	if (message->id != 0)
		return ipc_send(channel, T_ANSWER, message->id, greeting, NULL, 0, -1);
	return 0;
}

static int
on_give(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct end *end = context;

	(void)channel;
	end->given = ipc_take_fd(message);
	return 0;
}

static int
on_bad(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	(void)channel;
	(void)message;
	(void)context;
	return -1;
}

static int
on_close(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	struct end *end = context;

	(void)message;
	ipc_close(channel);
	end->channel = NULL;
	return 0;
}

static void
on_ended(struct ipc_channel *channel, void *context)
{
	struct end *end = context;

	(void)channel;
	end->channel = NULL;
	end->ended++;
}

static const struct ipc_handler server_handlers[] = {
    {T_HELLO, on_hello}, {T_GIVE, on_give}, {T_BAD, on_bad}, {T_CLOSE, on_close}, {0, NULL}};
static const struct ipc_handler client_handlers[] = {{0, NULL}};

static int
on_reply(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct end *end = arg;

	(void)channel;
	if (message == NULL) {
		end->nothings++;
		return 0;
	}
	end->replies++;
	end->last = ((const struct greeting *)message->body)->number;
	return 0;
}

/* A server end on a loop, and the raw other end, where a liar can write what it likes. */
struct fixture {
	struct event_base *base;
	struct end server;
	int raw;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int sv[2];

	assert_non_null(f);
	assert_int_equal(ipc_pair(sv), 0);
	f->base = event_base_new();
	f->server.given = -1;
	f->server.channel = ipc_open(f->base, sv[0], &test_boundary, IPC_SERVER, server_handlers,
				     on_ended, &f->server, "liar");
	assert_non_null(f->server.channel);
	f->raw = sv[1];
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ipc_close(f->server.channel);
	event_base_free(f->base);
	close(f->raw);
	if (f->server.given != -1)
		close(f->server.given);
	free(f);
	return 0;
}

static void
turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
send_raw(int fd, uint16_t type, uint32_t id, size_t length)
{
	struct packet packet = {.header = {.type = type, .id = id, .length = (uint32_t)length}};

	assert_true(write(fd, &packet, sizeof(packet.header) + length) > 0);
}

static void
good_messages_arrive(void **state)
{
	struct fixture *f = *state;
	struct greeting greeting = {.number = 7};
	int pipes[2];

	assert_int_equal(ipc_send_fd(f->raw, T_HELLO, 0, &greeting, sizeof(greeting), "abc", 3, -1),
			 0);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(ipc_send_fd(f->raw, T_GIVE, 0, NULL, 0, NULL, 0, pipes[1]), 0);
	close(pipes[1]);
	turn(f);
	assert_int_equal(f->server.hellos, 1);
	assert_int_equal(f->server.last, 7);
	assert_int_not_equal(f->server.given, -1);
	assert_int_equal(write(f->server.given, "x", 1), 1);
	close(pipes[0]);
}

static void
violations_end_the_channel(void **state)
{
	static const struct {
		uint16_t type;
		size_t length;
	} bad[] = {{99, 4}, {T_HELLO, 7}, {T_HELLO, 40}, {T_ANSWER, 8}, {T_GIVE, 4}, {T_BAD, 4}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *f;
		void *own = NULL;

		(void)state;
		set_up(&own);
		f = own;
		send_raw(f->raw, bad[i].type, 0, bad[i].length);
		send_raw(f->raw, T_HELLO, 0, 8);
		turn(f);
		assert_int_equal(f->server.ended, 1);
		assert_int_equal(f->server.hellos, 0); /* what comes behind is not read */
		tear_down(&own);
	}
}

/* The pipe's last writer is the descriptor that the refused message carried. */
static void
refused_descriptors_are_closed(void **state)
{
	struct fixture *f = *state;
	struct greeting greeting = {.number = 1};
	int pipes[2];
	char byte;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(
	    ipc_send_fd(f->raw, T_HELLO, 0, &greeting, sizeof(greeting), NULL, 0, pipes[1]), 0);
	close(pipes[1]);
	turn(f);
	assert_int_equal(f->server.ended, 1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
}

static void
untaken_descriptors_are_closed(void **state)
{
	struct fixture *f = *state;
	int pipes[2];
	char byte;

	ipc_set_state(f->server.channel, 1);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(ipc_send_fd(f->raw, T_GIVE, 0, NULL, 0, NULL, 0, pipes[1]), 0);
	close(pipes[1]);
	turn(f);
	close(f->server.given); /* the handler took it: ours to close */
	f->server.given = -1;
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
}

static void
many_descriptors_are_closed(void **state)
{
	struct fixture *f = *state;
	struct packet packet = {.header = {.type = T_GIVE, .length = 4}};
	struct iovec part = {&packet, sizeof(packet.header) + 4};
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int) * 20)];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int) * 20),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int pipes[2];
	char byte;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (size_t i = 0; i < 20; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &pipes[1], sizeof(int));
	assert_true(sendmsg(f->raw, &message, 0) > 0);
	close(pipes[1]);
	turn(f);
	assert_int_equal(f->server.ended, 1);
	assert_int_equal(f->server.given, -1);
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
}

static void
the_state_is_checked(void **state)
{
	struct fixture *f = *state;

	ipc_set_state(f->server.channel, 2);
	send_raw(f->raw, T_HELLO, 0, 8);
	turn(f);
	assert_int_equal(f->server.ended, 1);
}

static void
a_handler_may_close_its_channel(void **state)
{
	struct fixture *f = *state;

	send_raw(f->raw, T_CLOSE, 0, 4);
	send_raw(f->raw, T_HELLO, 0, 8);
	turn(f);
	assert_null(f->server.channel);
	assert_int_equal(f->server.ended, 0);
	assert_int_equal(f->server.hellos, 0);
}

/* -- Requests ----------------------------------------------------------------- */

static struct ipc_channel *
open_client(struct fixture *f, struct end *client)
{
	client->channel = ipc_open(f->base, f->raw, &test_boundary, IPC_CLIENT, client_handlers,
				   on_ended, client, "server");
	assert_non_null(client->channel);
	f->raw = -1;
	return client->channel;
}

static void
replies_find_their_request(void **state)
{
	struct fixture *f = *state;
	struct end client = {0};
	struct greeting greeting = {.number = 42};

	open_client(f, &client);
	assert_int_not_equal(
	    ipc_request(client.channel, T_HELLO, &greeting, NULL, 0, -1, 60, on_reply, &client), 0);
	for (int i = 0; i < 4; i++)
		turn(f);
	assert_int_equal(client.replies, 1);
	assert_int_equal(client.last, 42);
	ipc_close(client.channel);
}

static void
cancelled_requests_stay_silent(void **state)
{
	struct fixture *f = *state;
	struct end client = {0};
	struct greeting greeting = {.number = 42};
	uint32_t id;

	open_client(f, &client);
	id = ipc_request(client.channel, T_HELLO, &greeting, NULL, 0, -1, 60, on_reply, &client);
	ipc_cancel(client.channel, id);
	for (int i = 0; i < 4; i++)
		turn(f);
	assert_int_equal(client.replies, 0);
	assert_int_equal(client.ended, 0); /* the late reply is no violation */
	ipc_close(client.channel);
}

static void
requests_end_with_their_channel(void **state)
{
	struct fixture *f = *state;
	struct end client = {0};
	struct greeting greeting = {.number = 42};

	open_client(f, &client);
	ipc_request(client.channel, T_HELLO, &greeting, NULL, 0, -1, 60, on_reply, &client);
	ipc_close(f->server.channel);
	f->server.channel = NULL;
	for (int i = 0; i < 4; i++)
		turn(f);
	assert_int_equal(client.nothings, 1);
	assert_int_equal(client.ended, 1);
}

/* More than the socket takes at once arrives in order, descriptors included. */
static void
a_burst_is_queued(void **state)
{
	struct fixture *f = *state;
	struct end client = {0};

	open_client(f, &client);
	for (uint32_t i = 1; i <= 2000; i++) {
		struct greeting greeting = {.number = i};

		assert_int_equal(
		    ipc_send(client.channel, T_HELLO, 0, &greeting, "0123456789", 10, -1), 0);
	}
	for (int i = 0; i < 400 && f->server.hellos < 2000; i++)
		turn(f);
	assert_int_equal(f->server.hellos, 2000);
	assert_int_equal(f->server.last, 2000);
	assert_int_equal(client.ended, 0);
	ipc_close(client.channel);
}

/* A peer that reads nothing costs a bounded queue, then the channel. */
static void
an_endless_queue_ends(void **state)
{
	struct fixture *f = *state;
	struct end client = {0};
	struct greeting greeting = {0};
	int sent = 0;

	open_client(f, &client);
	while (sent < 100000 &&
	       ipc_send(client.channel, T_HELLO, 0, &greeting, "0123456789", 10, -1) == 0)
		sent++;
	assert_true(sent >= IPC_QUEUE_MAX && sent < 100000);
	ipc_close(f->server.channel);
	f->server.channel = NULL;
	turn(f);
	assert_int_equal(client.ended, 1);
}

/* What it had said is heard, though it left something unread (ECONNRESET) or is spoken to (EPIPE).
 */
static void
hear_the_dead(struct fixture *f, bool speak)
{
	struct greeting greeting = {.number = 7};

	assert_int_equal(ipc_send(f->server.channel, T_ANSWER, 0, &greeting, NULL, 0, -1), 0);
	for (int i = 0; i < 100; i++)
		send_raw(f->raw, T_HELLO, 0, sizeof(greeting));
	close(f->raw);
	f->raw = -1;
	if (speak)
		assert_int_equal(ipc_send(f->server.channel, T_ANSWER, 0, &greeting, NULL, 0, -1),
				 -1);
	for (int i = 0; i < 4; i++)
		turn(f);
	assert_int_equal(f->server.hellos, 100);
	assert_int_equal(f->server.ended, 1);
}

static void
the_dead_are_heard(void **state)
{
	hear_the_dead(*state, false);
}

static void
the_dead_are_heard_when_spoken_to(void **state)
{
	hear_the_dead(*state, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_verdicts),
	    cmocka_unit_test(boundaries_are_sound),
	    cmocka_unit_test_setup_teardown(good_messages_arrive, set_up, tear_down),
	    cmocka_unit_test(violations_end_the_channel),
	    cmocka_unit_test_setup_teardown(refused_descriptors_are_closed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(untaken_descriptors_are_closed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many_descriptors_are_closed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_state_is_checked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_handler_may_close_its_channel, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(replies_find_their_request, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(cancelled_requests_stay_silent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(requests_end_with_their_channel, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_burst_is_queued, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_endless_queue_ends, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_dead_are_heard, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_dead_are_heard_when_spoken_to, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
