/* SPDX-License-Identifier: ISC */
#include "master/resolvers.h"

#include <stdio.h>
#include <string.h>

#include "master/network.h"

#define RESOLV_CONF "/etc/resolv.conf"

/* The addresses of resolv.conf(5); without any, this host, as there. */
static void
of_host(char out[RESOLVERS_MAX][RESOLVER_SIZE])
{
	FILE *file = fopen(RESOLV_CONF, "re");
	char line[512], address[RESOLVER_SIZE];
	struct endpoint endpoint;
	size_t count = 0;

	while (file != NULL && count < RESOLVERS_MAX && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "nameserver %63s", address) == 1 &&
		    endpoint_parse(address, 53, &endpoint))
			strlcpy(out[count++], address, RESOLVER_SIZE);
	}
	if (file != NULL)
		fclose(file);
	if (count == 0)
		strlcpy(out[0], "127.0.0.1", RESOLVER_SIZE);
}

void
resolvers_of(const struct configuration *conf, char out[RESOLVERS_MAX][RESOLVER_SIZE])
{
	memset(out, 0, (size_t)RESOLVERS_MAX * RESOLVER_SIZE);
	for (size_t i = 0; i < conf->relay.resolver_count; i++)
		strlcpy(out[i], conf->relay.resolvers[i], RESOLVER_SIZE);
	if (conf->relay.resolver_count == 0)
		of_host(out);
}
