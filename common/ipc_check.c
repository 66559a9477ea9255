/* SPDX-License-Identifier: ISC */
/* The one check in front of every handler: pure, so that it can be tested and fuzzed apart. */
#include <string.h>

#include "common/ipc.h"

static const char *const verdict_texts[] = {
    [IPC_OK] = "in order",
    [IPC_BAD_HEADER] = "a header that does not fit the datagram",
    [IPC_UNKNOWN] = "a message that this boundary does not have",
    [IPC_WRONG_SENDER] = "a message that only the other side may send",
    [IPC_WRONG_LENGTH] = "a message of the wrong length",
    [IPC_WRONG_STATE] = "a message that is not allowed in this state",
    [IPC_UNEXPECTED_FD] = "a descriptor that does not belong there",
    [IPC_MISSING_FD] = "a message without its descriptor",
};

const char *
ipc_verdict_text(enum ipc_verdict verdict)
{
	return verdict_texts[verdict];
}

const struct ipc_rule *
ipc_find_rule(const struct ipc_boundary *boundary, uint16_t type)
{
	for (size_t i = 0; i < boundary->count; i++) {
		if (boundary->rules[i].type == type)
			return &boundary->rules[i];
	}
	return NULL;
}

enum ipc_verdict
ipc_check(const struct ipc_boundary *boundary, enum ipc_side receiver, uint32_t state,
	  const void *data, size_t length, size_t fds, const struct ipc_rule **rule)
{
	const struct ipc_rule *found;
	struct ipc_header header;

	if (length < sizeof(header) || length > IPC_MESSAGE_MAX)
		return IPC_BAD_HEADER;
	memcpy(&header, data, sizeof(header));
	if (header.reserved != 0 || header.zero != 0 || header.length != length - sizeof(header))
		return IPC_BAD_HEADER;
	found = ipc_find_rule(boundary, header.type);
	if (found == NULL)
		return IPC_UNKNOWN;
	if (found->sender == receiver)
		return IPC_WRONG_SENDER;
	if (header.length < found->body || header.length - found->body > found->tail)
		return IPC_WRONG_LENGTH;
	if ((found->states & state) == 0)
		return IPC_WRONG_STATE;
	if (fds > (found->fd == IPC_WITH_FD ? 1U : 0U))
		return IPC_UNEXPECTED_FD;
	if (fds == 0 && found->fd == IPC_WITH_FD)
		return IPC_MISSING_FD;
	*rule = found;
	return IPC_OK;
}
