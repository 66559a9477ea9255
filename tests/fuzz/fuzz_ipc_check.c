/* SPDX-License-Identifier: ISC */
/*
 * The check in front of every handler, for every boundary: the first byte chooses the boundary, the
 * second the side, the third the state, the fourth the number of descriptors; the rest is the
 * datagram. What it accepts must be what its rule says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/proto/boundaries.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ipc_boundary *const *boundary = ipc_boundaries;
	const struct ipc_rule *rule = NULL;
	struct ipc_header header;
	enum ipc_side side;
	uint32_t state;
	size_t fds;

	if (size < 4)
		return 0;
	for (uint8_t i = data[0] % 13; i > 0 && boundary[1] != NULL; i--)
		boundary++;
	side = data[1] % 2 == 0 ? IPC_CLIENT : IPC_SERVER;
	state = 1U << (data[2] % 32);
	fds = data[3] % 3;
	data += 4;
	size -= 4;
	if (ipc_check(*boundary, side, state, data, size, fds, &rule) != IPC_OK) {
		must(rule == NULL);
		return 0;
	}
	memcpy(&header, data, sizeof(header));
	must(rule != NULL && rule->type == header.type && rule->sender != side);
	must((rule->states & state) != 0);
	must(size - sizeof(header) >= rule->body);
	must(size - sizeof(header) <= rule->body + rule->tail);
	must(fds == (rule->fd == IPC_WITH_FD ? 1 : 0));
	return 0;
}
