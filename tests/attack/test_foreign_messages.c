/* SPDX-License-Identifier: ISC */
/*
 * An attacker who owns one process sends to each of its peers every message of every boundary that
 * is not its own to send there. Each time the peer cuts the channel off, and goes on serving
 * others.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/proto/accounts_queue.h"
#include "common/proto/accounts_verify.h"
#include "common/proto/boundaries.h"
#include "common/proto/ctl_certd.h"
#include "common/proto/ctl_queue.h"
#include "common/proto/gate_accounts.h"
#include "common/proto/gate_certd.h"
#include "common/proto/gate_queue.h"
#include "common/proto/queue_certd.h"
#include "common/proto/queue_filter.h"
#include "common/proto/queue_relay.h"
#include "common/proto/queue_session.h"
#include "common/proto/relay_certd.h"
#include "tests/attack/house.h"

/* Whether the receiver's own check would let this message through: then it isn't foreign. */
static bool
is_own(const struct ipc_boundary *boundary, enum ipc_side receiver, const struct ipc_rule *rule)
{
	const struct ipc_rule *found;
	char *datagram = calloc(1, sizeof(struct ipc_header) + rule->body);
	struct ipc_header header = {.type = rule->type, .length = (uint32_t)rule->body};
	enum ipc_verdict verdict;

	assert_non_null(datagram);
	memcpy(datagram, &header, sizeof(header));
	verdict = ipc_check(boundary, receiver, 1, datagram, sizeof(header) + rule->body,
			    rule->fd == IPC_WITH_FD ? 1 : 0, &found);
	free(datagram);
	return verdict == IPC_OK;
}

static void
send_rule(int channel, const struct ipc_rule *rule)
{
	char *body = calloc(1, rule->body);
	int fd = -1;

	assert_non_null(body);
	if (rule->fd == IPC_WITH_FD)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(ipc_send_fd(channel, rule->type, 7, body, rule->body, NULL, 0, fd), 0);
	if (fd != -1)
		close(fd);
	free(body);
}

/* Everything foreign, each on a channel of its own; how many there were. */
static int
send_all_foreign(const struct house_child *child, int (*open_channel)(const struct house_child *),
		 const struct ipc_boundary *boundary, enum ipc_side receiver)
{
	int sent = 0;

	for (const struct ipc_boundary *const *b = ipc_boundaries; *b != NULL; b++) {
		for (size_t i = 0; i < (*b)->count; i++) {
			const struct ipc_rule *rule = &(*b)->rules[i];
			int channel;

			if (is_own(boundary, receiver, rule))
				continue;
			channel = open_channel(child);
			send_rule(channel, rule);
			house_must_be_cut(channel);
			sent++;
		}
	}
	return sent;
}

static int
gate_to_certd(const struct house_child *child)
{
	return house_gate_to_certd(child, "mine");
}

static void
attack(struct house_child child, int (*open_channel)(const struct house_child *),
       const struct ipc_boundary *boundary, enum ipc_side receiver)
{
	assert_true(send_all_foreign(&child, open_channel, boundary, receiver) > 20);
	house_end(&child);
}

static void
from_a_gate_to_certd(void **state)
{
	(void)state;
	attack(house_certd(), gate_to_certd, &gate_certd_boundary, IPC_SERVER);
}

static void
from_posternctl_to_certd(void **state)
{
	(void)state;
	attack(house_certd(), house_admin_to_certd, &ctl_certd_boundary, IPC_SERVER);
}

static void
from_a_gate_to_accounts(void **state)
{
	(void)state;
	attack(house_accounts(), house_gate_to_accounts, &gate_accounts_boundary, IPC_SERVER);
}

static void
from_queue_to_accounts(void **state)
{
	(void)state;
	attack(house_accounts(), house_queue_to_accounts, &accounts_queue_boundary, IPC_CLIENT);
}

static void
from_a_gate_to_queue(void **state)
{
	(void)state;
	attack(house_queue(), house_gate_to_queue, &gate_queue_boundary, IPC_SERVER);
}

static void
from_accounts_to_queue(void **state)
{
	(void)state;
	attack(house_queue(), house_accounts_to_queue, &accounts_queue_boundary, IPC_SERVER);
}

static void
from_queue_to_a_session(void **state)
{
	(void)state;
	attack(house_session(), house_queue_to_session, &queue_session_boundary, IPC_SERVER);
}

static void
from_accounts_to_verify(void **state)
{
	(void)state;
	attack(house_verify(), house_accounts_to_verify, &accounts_verify_boundary, IPC_SERVER);
}

static void
from_verify_to_accounts(void **state)
{
	(void)state;
	attack(house_accounts(), house_verify_to_accounts, &accounts_verify_boundary, IPC_CLIENT);
}

static void
from_queue_to_relay(void **state)
{
	(void)state;
	attack(house_relay(), house_queue_to_relay, &queue_relay_boundary, IPC_SERVER);
}

static void
from_relay_to_queue(void **state)
{
	(void)state;
	attack(house_queue(), house_relay_to_queue, &queue_relay_boundary, IPC_CLIENT);
}

static void
from_queue_to_filter(void **state)
{
	(void)state;
	attack(house_filter(), house_queue_to_filter, &queue_filter_boundary, IPC_SERVER);
}

static void
from_queue_to_certd(void **state)
{
	(void)state;
	attack(house_certd(), house_queue_to_certd, &queue_certd_boundary, IPC_SERVER);
}

static void
from_relay_to_certd(void **state)
{
	(void)state;
	attack(house_certd(), house_relay_to_certd, &relay_certd_boundary, IPC_SERVER);
}

static void
from_certd_to_relay(void **state)
{
	(void)state;
	attack(house_relay(), house_certd_to_relay, &relay_certd_boundary, IPC_CLIENT);
}

static void
from_certd_to_queue(void **state)
{
	(void)state;
	attack(house_queue(), house_certd_to_queue, &queue_certd_boundary, IPC_CLIENT);
}

static void
from_filter_to_queue(void **state)
{
	(void)state;
	attack(house_queue(), house_filter_to_queue, &queue_filter_boundary, IPC_CLIENT);
}

static void
from_posternctl_to_queue(void **state)
{
	(void)state;
	attack(house_queue(), house_admin_to_queue, &ctl_queue_boundary, IPC_SERVER);
}

static int
set_up(void **state)
{
	(void)state;
	house_make();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	house_clean();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(from_a_gate_to_certd),    cmocka_unit_test(from_posternctl_to_certd),
	    cmocka_unit_test(from_a_gate_to_accounts), cmocka_unit_test(from_queue_to_accounts),
	    cmocka_unit_test(from_a_gate_to_queue),    cmocka_unit_test(from_accounts_to_queue),
	    cmocka_unit_test(from_queue_to_a_session), cmocka_unit_test(from_accounts_to_verify),
	    cmocka_unit_test(from_verify_to_accounts), cmocka_unit_test(from_queue_to_relay),
	    cmocka_unit_test(from_relay_to_queue),     cmocka_unit_test(from_posternctl_to_queue),
	    cmocka_unit_test(from_queue_to_filter),    cmocka_unit_test(from_filter_to_queue),
	    cmocka_unit_test(from_queue_to_certd),     cmocka_unit_test(from_certd_to_queue),
	    cmocka_unit_test(from_relay_to_certd),     cmocka_unit_test(from_certd_to_relay),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
