/* SPDX-License-Identifier: ISC */
/* Names of mailboxes and networks from a less trusted process or an administrator's slip. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cert_name.h"
#include "common/networks.h"
#include "master/names.h"
#include "master/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What may become the name of a directory. */
static void
check(const char *part, size_t max)
{
	size_t length = strlen(part);

	if (length == 0 || length > max || part[0] == '.' || strchr(part, '/') != NULL)
		abort();
	for (size_t i = 0; i < length; i++) {
		if (part[i] <= ' ' || part[i] > '~' || (part[i] >= 'A' && part[i] <= 'Z'))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mailbox_name name;
	struct network network;
	char text[512];

	if (mailbox_name_parse((const char *)data, size, &name)) {
		check(name.local, LOCAL_PART_MAX);
		check(name.domain, HOST_NAME_SIZE - 1);
		if (strlen(name.local) + 1 + strlen(name.domain) != size)
			abort();
	}
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (cert_name_valid(text) && (text[0] == '.' || strchr(text, '/') != NULL))
		abort();
	if (network_parse(text, &network) == NULL &&
	    (network.bits > 128 || !network_contains(&network, &network.address)))
		abort();
	return 0;
}
