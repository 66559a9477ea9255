/* SPDX-License-Identifier: ISC */
#include "tests/unit/certd_admin.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID 9

static void
connect_admin(struct admin_house *house)
{
	struct error err;
	int sv[2];

	assert_int_equal(ipc_pair(sv), 0);
	assert_int_equal(admins_add(house->admins, sv[1], &err), 0);
	house->fd = sv[0];
}

void
admin_house_make(struct admin_house *house)
{
	struct error err;

	memset(house, 0, sizeof(*house));
	support_folder(&house->folder);
	house->base = event_base_new();
	house->keygen = keygen_new(house->base, &err);
	assert_non_null(house->keygen);
	house->target.directory = house->folder.fd;
	house->target.owner = getuid();
	house->target.vault = vault_new();
	vault_set_folder(house->target.vault, house->folder.fd, getuid());
	house->admins = admins_new(house->base, &house->target, NULL, NULL);
	admins_open(house->admins, house->keygen);
	connect_admin(house);
}

void
admin_house_free(struct admin_house *house)
{
	close(house->fd);
	admins_free(house->admins);
	keygen_free(house->keygen);
	vault_free(house->target.vault);
	event_base_free(house->base);
	support_remove_folder(&house->folder);
}

/* One message from certd: false at the end of the answer. */
static bool
take(struct admin_house *house, struct admin_answer *answer)
{
	static _Alignas(16) char buffer[IPC_MESSAGE_MAX + 1];
	struct ipc_message message;
	struct error err;
	int got;

	while ((got = ipc_receive(house->fd, &ctl_certd_boundary, IPC_CLIENT, 1, buffer, &message,
				  &err)) == -1 &&
	       errno == EAGAIN)
		event_base_loop(house->base, EVLOOP_ONCE);
	if (got != 1) {
		answer->cut = true;
		close(house->fd);
		connect_admin(house);
		return false;
	}
	assert_int_equal(message.id, ID);
	if (message.type == CC_DATA) {
		answer->data = realloc(answer->data, answer->length + message.tail_length + 1);
		assert_non_null(answer->data);
		memcpy(answer->data + answer->length, message.tail, message.tail_length);
		answer->length += message.tail_length;
		answer->data[answer->length] = '\0';
		return true;
	}
	if (message.type == CC_PROGRESS)
		return true;
	assert_int_equal(message.type, CC_RESULT);
	answer->ok = ((const struct cc_result *)message.body)->ok == 1;
	strlcpy(answer->text, message.tail, sizeof(answer->text));
	return false;
}

void
admin_ask(struct admin_house *house, uint16_t type, const void *body, size_t size, int fd,
	  struct admin_answer *answer)
{
	*answer = (struct admin_answer){.ok = false};
	assert_int_equal(ipc_send_fd(house->fd, type, ID, body, size, NULL, 0, fd), 0);
	while (take(house, answer))
		;
}

void
admin_answer_free(struct admin_answer *answer)
{
	if (answer->data != NULL)
		freezero(answer->data, answer->length);
	answer->data = NULL;
}
