/* SPDX-License-Identifier: ISC */
/* What relay looks for in headers that anybody may have written: where a mail has been, and whether
 * TLS is optional. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/relay/hops.h"
#include "worker/relay/tls_optional.h"

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
	/* Exactly as long as it is: what is read behind it is seen. */
	char *message = malloc(size == 0 ? 1 : size);

	must(message != NULL);
	if (size > 0)
		memcpy(message, data, size);
	must(hops_count(message, size) <= size / strlen("Received:"));
	(void)hops_has_been(message, size, "alice@example.org");
	if (tls_optional(message, size))
		must(size >= strlen("TLS-Required:No"));
	free(message);
	return 0;
}
